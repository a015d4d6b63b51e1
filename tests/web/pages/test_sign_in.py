"""Signing in and out."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import Web

from aftercall.settings import Settings
from aftercall.web import accounts, sessions
from aftercall.web.pages.sign_in import own_address

PASSWORD = "a long enough password"


@pytest.fixture
def anna(web: Web) -> TestClient:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    return web.visitor()


def _post(client: TestClient, **fields: str) -> int:
    data = {"name": "anna", "password": PASSWORD} | fields
    return int(client.post("/login", data=data).status_code)


def test_signing_in_leads_to_the_page_that_was_asked_for(anna: TestClient) -> None:
    answer = anna.post("/login", data={"name": "anna", "password": PASSWORD, "next": "/calls/abc?t=12.5"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/calls/abc?t=12.5")
    assert anna.get("/").status_code == 200


@pytest.mark.parametrize(
    "target",
    [
        "https://elsewhere.test/",
        "//elsewhere.test",
        "/\\elsewhere.test",
        "javascript:alert(1)",
        "",
        "/\n/elsewhere.test",
    ],
)
def test_it_never_leads_to_another_site(target: str) -> None:
    assert own_address(target) == "/"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(anna: TestClient) -> None:
    answer = anna.post("/login", data={"name": "anna", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("sid=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie


def test_over_tls_the_cookie_is_bound_to_the_host_and_to_tls(web: Web, anna: TestClient) -> None:
    del anna
    app = web.make_app(settings=Settings(data=web.house.settings.data, public_url="https://calls.example.test"))
    client = web.visitor(app, base_url="https://calls.example.test")
    cookie = client.post("/login", data={"name": "anna", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-sid=")
    assert "secure" in cookie.lower()
    assert client.get("/").status_code == 200


def test_every_sign_in_gets_a_token_of_its_own(web: Web, anna: TestClient) -> None:
    _post(anna)
    first = anna.cookies["sid"]
    other = web.visitor()
    _post(other)
    assert other.cookies["sid"] != first


def test_a_wrong_password_is_said_and_what_was_typed_as_name_stays(anna: TestClient) -> None:
    answer = anna.post("/login", data={"name": "anna", "password": "wrong password"})
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert 'value="anna"' in answer.text
    assert "wrong password" not in answer.text
    assert "set-cookie" not in answer.headers


def test_too_many_attempts_say_how_long_to_wait(web: Web, anna: TestClient) -> None:
    with web.engine.begin() as db:
        for _ in range(9):
            accounts.store.record_failure(db, name="anna", address="x", now=web.now)
    answer = anna.post("/login", data={"name": "anna", "password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "16")
    assert "Try again in 16 seconds." in answer.text


def test_a_session_ends_after_a_month(web: Web, anna: TestClient) -> None:
    _post(anna)
    web.now += sessions.LIFETIME + timedelta(seconds=1)
    assert anna.get("/").status_code == 303


def test_signing_out_ends_the_session_itself(web: Web, anna: TestClient) -> None:
    _post(anna)
    token = anna.cookies["sid"]
    assert anna.post("/logout").headers["location"] == "/login"
    thief = web.visitor()
    thief.cookies.set("sid", token)
    assert thief.get("/").status_code == 303


def test_whoever_is_signed_in_does_not_see_the_form(web: Web) -> None:
    assert web.owner().get("/login?next=/account/sessions").headers["location"] == "/account/sessions"


def test_without_any_account_the_page_tells_of_the_link(web: Web) -> None:
    assert "the link that the server printed" in web.visitor().get("/login").text


def test_names_typed_into_the_form_are_text_and_nothing_else(anna: TestClient) -> None:
    answer = anna.post("/login", data={"name": '"><script>', "password": "x"})
    assert "<script>" not in answer.text.partition("</head>")[2]
