"""One's own sessions."""

import pytest
from tests.fixtures.web import Web

from aftercall.store.accounts import hash_token
from aftercall.web.pages.account import browser_of


def test_every_session_is_listed_and_this_browser_is_marked(web: Web) -> None:
    web.session()
    page = web.owner().get("/account/sessions").text
    assert page.count('class="card session"') == 2
    assert page.count("This browser") == 1


def test_a_session_can_be_ended_from_another(web: Web) -> None:
    lost, here = web.owner(), web.owner()
    page = here.get("/account/sessions").text
    hashes = [part.partition('"')[0] for part in page.split('name="session" value="')[1:]]
    (of_lost,) = [each for each in hashes if each == hash_token(lost.cookies["sid"])]
    assert here.post("/account/sessions/end", data={"session": of_lost}).status_code == 303
    assert lost.get("/").status_code == 303
    assert here.get("/").status_code == 200


def test_nobody_ends_the_sessions_of_others(web: Web) -> None:
    owner, guest = web.owner(), web.owner("guest")
    guest.post("/account/sessions/end", data={"session": hash_token(owner.cookies["sid"])})
    assert owner.get("/").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
        ("", "An unknown program"),
    ],
)
def test_a_browser_is_named_as_people_name_it(user_agent: str, shown: str) -> None:
    assert browser_of(user_agent) == shown
