"""The one-time link."""

import pytest
from tests.fixtures.web import Web

from aftercall.web import accounts

PASSWORD = "a long enough password"


def _create(web: Web, *, token: str = "once", name: str = "anna", password: str = PASSWORD) -> int:
    return int(web.visitor().post("/setup", data={"token": token, "name": name, "password": password}).status_code)


def test_the_link_creates_the_owner_who_is_signed_in_at_once(web: Web) -> None:
    visitor = web.visitor()
    answer = visitor.post("/setup", data={"token": "once", "name": "anna", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Connect your FreePBX" in visitor.get("/").text


def test_the_link_works_once(web: Web) -> None:
    assert _create(web) == 303
    assert _create(web, name="bert") == 403
    assert web.visitor().get("/setup?token=once").status_code == 403


@pytest.mark.parametrize("token", ["", "twice", "ønce"])
def test_another_token_is_refused(web: Web, token: str) -> None:
    assert web.visitor().get("/setup", params={"token": token}).status_code == 403
    assert _create(web, token=token) == 403


def test_without_a_token_there_is_no_setup(web: Web) -> None:
    visitor = web.visitor(web.make_app(setup_token=None))
    assert visitor.get("/setup?token=").status_code == 403


def test_a_bad_password_is_said_at_its_field_and_the_link_still_works(web: Web) -> None:
    answer = web.visitor().post("/setup", data={"token": "once", "name": "anna", "password": "short"})
    assert answer.status_code == 422
    assert "Must be at least 10 characters long." in answer.text
    assert _create(web) == 303


def test_an_owner_made_on_the_command_line_ends_the_link(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    assert _create(web, name="bert") == 403
