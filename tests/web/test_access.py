"""The one seam: may this person see this call?"""

import pytest
from tests.fixtures.web import Web

from aftercall.store import accounts


@pytest.fixture
def call_id(web: Web) -> str:
    call_id = web.add_call()
    web.finish(call_id, "the secret word is marmalade", scores=(1.0,))
    return call_id


def _addresses(call_id: str) -> list[str]:
    return [
        f"/calls/{call_id}",
        f"/calls/{call_id}/audio",
        f"/api/v1/calls/{call_id}",
        f"/api/v1/calls/{call_id}/audio",
    ]


def test_the_owner_sees_and_hears_every_call(web: Web, call_id: str) -> None:
    owner = web.owner()
    assert [owner.get(address).status_code for address in _addresses(call_id)] == [200] * 4


def test_a_role_that_may_not_see_it_does_not_even_learn_that_it_exists(web: Web, call_id: str) -> None:
    other = web.owner("guest")
    for real, none in zip(_addresses(call_id), _addresses("none"), strict=True):
        refused = other.get(real)
        assert refused.status_code == other.get(none).status_code == 404
        assert "marmalade" not in refused.text


def test_nor_does_it_find_the_call_in_a_list_or_by_searching(web: Web, call_id: str) -> None:
    other = web.owner("guest")
    for address in ("/", "/?q=marmalade"):
        assert call_id not in other.get(address).text
    assert other.get("/api/v1/calls?q=marmalade").json()["count"] == 0


@pytest.mark.parametrize("path", ["/settings/freepbx", "/settings/freepbx/new", "/api/v1/pbxs"])
def test_only_an_administrator_may_change_the_installation(web: Web, path: str) -> None:
    assert web.owner("guest").get(path).status_code == 403
    assert web.owner().get(path).status_code in {200, 303}


def test_a_session_that_has_ended_opens_nothing(web: Web, call_id: str) -> None:
    owner = web.owner()
    with web.engine.begin() as db:
        account = accounts.by_name(db, "owner")
        assert account is not None
        for each in accounts.sessions_of(db, account.id):
            accounts.end_session(db, account.id, each.token_hash)
    assert owner.get(f"/calls/{call_id}").status_code == 303
