"""Settings > FreePBX > Prepare the PBX, and the guide."""

import html
import re

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import Web

from aftercall.pbx import guide
from aftercall.store import pbxs

FORM = {
    "freepbx": "17", "connection": "tls", "host": "pbx.example.test", "server": "203.0.113.10",
    "username": "aftercall", "recordings": "", "folder": "mount",
}  # fmt: skip


def _hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return html.unescape(found[1])


def _carried(owner: TestClient) -> dict[str, str]:
    """The form as a browser sends it: with the password that came with the questions."""
    asked = owner.get("/settings/freepbx/setup").text
    return FORM | {name: _hidden(asked, name) for name in ("password", "crypt")}


def test_the_questions_come_with_a_password_of_their_own_each_time(web: Web) -> None:
    owner = web.owner()
    first, second = _carried(owner), _carried(owner)
    assert first["password"] != second["password"]
    assert len(first["password"]) >= 32


def test_the_answers_become_a_script_steps_and_the_password(web: Web) -> None:
    owner = web.owner()
    form = _carried(owner)
    page = owner.post("/settings/freepbx/setup", data=form)
    assert page.status_code == 200
    for words in ("Download aftercall-setup.sh", "fwconsole firewall add other 203.0.113.10/32", form["crypt"]):
        assert words in page.text
    assert f"<code data-copied-text>{form['password']}</code>" in page.text


def test_script_page_and_form_agree_on_the_password_however_often_they_are_sent(web: Web) -> None:
    owner = web.owner()
    form = _carried(owner)
    for _ in range(2):
        assert form["crypt"] in owner.post("/settings/freepbx/setup", data=form).text
        assert form["crypt"] in owner.post("/settings/freepbx/setup/script", data=form).text
        assert form["password"] in owner.post("/settings/freepbx/setup/connect", data=form).text


def test_the_script_is_a_file_that_holds_no_password(web: Web) -> None:
    owner = web.owner()
    form = _carried(owner)
    answer = owner.post("/settings/freepbx/setup/script", data=form)
    assert answer.headers["content-disposition"] == 'attachment; filename="aftercall-setup.sh"'
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text == guide.script(guide.read(FORM), form["crypt"])
    assert form["password"] not in answer.text


def test_what_is_wrong_stands_at_its_field_and_nothing_else_is_shown(web: Web) -> None:
    page = web.owner().post("/settings/freepbx/setup", data=FORM | {"server": "0.0.0.0/0", "username": "two words"})
    assert page.status_code == 422
    assert page.text.count('aria-invalid="true"') == 2
    assert "Download" not in page.text


def test_a_hostile_answer_gives_no_script(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/setup/script", data=FORM | {"host": "$(reboot)"})
    assert answer.status_code == 422
    assert "#!/bin/bash" not in answer.text


def test_the_connection_form_is_filled_in_and_no_address_holds_the_password(web: Web) -> None:
    owner = web.owner()
    form = _carried(owner)
    answer = owner.post("/settings/freepbx/setup/connect", data=form)
    assert answer.status_code == 200
    for value in ("pbx.example.test", "8089", "aftercall", form["password"]):
        assert f'value="{value}"' in answer.text
    assert re.search(r'name="use_tls" checked', answer.text)
    assert 'action="/settings/freepbx/new"' in answer.text
    assert "location" not in answer.headers
    with web.engine.connect() as db:
        assert pbxs.all_pbxs(db) == []


def test_a_tunnel_leads_the_form_to_its_own_end(web: Web) -> None:
    owner = web.owner()
    form = _carried(owner) | {"connection": "tunnel", "server": ""}
    assert "ssh -N" in owner.post("/settings/freepbx/setup", data=form).text
    filled_in = owner.post("/settings/freepbx/setup/connect", data=form).text
    assert 'value="127.0.0.1"' in filled_in
    assert 'value="18088"' in filled_in


@pytest.mark.parametrize("path", ["/settings/freepbx/new", "/settings/freepbx", "/"])
def test_the_way_to_it_is_shown_where_somebody_needs_it(web: Web, path: str) -> None:
    if path == "/settings/freepbx":
        web.add_pbx()
    assert 'href="/settings/freepbx/setup"' in web.owner().get(path).text


def test_the_guide_is_a_page_with_an_anchor_for_each_paragraph(web: Web) -> None:
    page = web.owner().get("/settings/freepbx/guide")
    assert page.status_code == 200
    for slug in guide.slugs():
        assert f'id="{slug}"' in page.text
        assert f'href="#{slug}"' in page.text
    assert "data-copy" in page.text
    assert "images/" not in page.text


@pytest.mark.parametrize("path", ["/settings/freepbx/setup", "/settings/freepbx/guide"])
def test_only_administrators_come_here(web: Web, path: str) -> None:
    assert web.visitor().get(path).headers["location"].startswith("/login")
