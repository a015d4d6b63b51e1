"""Settings > FreePBX."""

import json

import pytest
from tests.fixtures.web import Web

from aftercall.model import Check
from aftercall.store import calls, pbxs
from aftercall.store.calls import CallFilter

FORM = {
    "name": "Branch", "host": "192.0.2.20", "port": "8088", "username": "aftercall", "password": "s3cret-word",
    "prefix": "", "sync_interval_min": "10",
}  # fmt: skip


def _stored(web: Web) -> list[pbxs.Pbx]:
    with web.engine.connect() as db:
        return pbxs.all_pbxs(db)


def _lines(text: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in text.splitlines()]


# ---- the test of a connection -----------------------------------------------------------------------------------


def test_the_test_takes_the_values_as_typed_and_stores_nothing(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/new/test", data=FORM | {"use_tls": "on", "prefix": "/asterisk/"})
    assert _lines(answer.text)[-1] == {"result": "ok"}
    (address,) = web.tested
    assert (address.host, address.port, address.use_tls) == ("192.0.2.20", 8088, True)
    assert (address.password, address.prefix) == ("s3cret-word", "asterisk")
    assert _stored(web) == []


def test_each_check_comes_with_its_cause_its_fix_and_a_button_to_copy_it(web: Web) -> None:
    web.checks = [Check(check="ari", status="fail", what="No ARI <here>.", why="It is off.", fix="Run this.")]
    line, result = _lines(web.owner().post("/settings/freepbx/new/test", data=FORM).text)
    for part in ("No ARI &lt;here&gt;.", "It is off.", "Run this.", "data-copy", "checked-fail"):
        assert part in line["html"]
    assert result == {"result": "failed"}


def test_a_certificate_to_trust_is_offered(web: Web) -> None:
    web.checks = [Check(check="tls", status="fail", what="x", certificate_sha256="AB:CD", certificate_pem="PEM")]
    line = _lines(web.owner().post("/settings/freepbx/new/test", data=FORM).text)[0]
    assert "Trust this certificate" in line["html"]
    assert 'data-sha256="AB:CD"' in line["html"]


def test_a_form_that_cannot_be_tested_says_so_at_its_fields(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/new/test", data=FORM | {"host": "", "port": "x", "name": ""})
    assert answer.status_code == 422
    assert set(answer.json()["problems"]) == {"host", "port"}
    assert web.tested == []


def test_a_stored_password_is_used_where_none_was_typed(web: Web) -> None:
    pbx_id = web.add_pbx()
    form = FORM | {"host": "192.0.2.10", "password": ""}
    web.owner().post(f"/settings/freepbx/{pbx_id}/test", data=form)
    assert web.tested[0].password == "open sesame"


def test_a_stored_password_never_goes_to_another_host(web: Web) -> None:
    pbx_id = web.add_pbx()
    answer = web.owner().post(f"/settings/freepbx/{pbx_id}/test", data=FORM | {"password": ""})
    assert "password" in answer.json()["problems"]
    assert web.tested == []


# ---- saving -----------------------------------------------------------------------------------------------------


def test_a_tested_connection_is_saved(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/new", data=FORM | {"tested": "ok"})
    assert answer.status_code == 303
    (stored,) = _stored(web)
    assert (stored.name, stored.host, stored.sync_interval_min) == ("Branch", "192.0.2.20", 10)
    assert answer.headers["location"] == f"/settings/freepbx?saved={stored.id}"


@pytest.mark.parametrize(
    ("tested", "words"), [("", "was not tested"), ("failed", "last test of this connection failed")]
)
def test_an_untested_one_is_saved_after_a_warning(web: Web, tested: str, words: str) -> None:
    owner = web.owner()
    answer = owner.post("/settings/freepbx/new", data=FORM | {"tested": tested})
    assert answer.status_code == 422
    assert words in answer.text
    assert _stored(web) == []
    assert owner.post("/settings/freepbx/new", data=FORM | {"tested": tested, "is_sure": "true"}).status_code == 303
    assert len(_stored(web)) == 1


def test_problems_are_shown_at_their_fields_and_nothing_is_saved(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/new", data=FORM | {"port": "70000", "sync_interval_min": "0"})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2
    assert 'value="192.0.2.20"' in answer.text
    assert _stored(web) == []


def test_the_password_is_never_shown_again(web: Web) -> None:
    owner = web.owner()
    owner.post("/settings/freepbx/new", data=FORM | {"tested": "ok"})
    (stored,) = _stored(web)
    pages = [
        owner.get("/settings/freepbx").text,
        owner.get(f"/settings/freepbx/{stored.id}").text,
        owner.post(f"/settings/freepbx/{stored.id}", data=FORM | {"port": "x"}).text,
        owner.get("/api/v1/pbxs").text,
    ]
    assert all("s3cret-word" not in page for page in pages)


def test_a_name_is_used_once(web: Web) -> None:
    web.add_pbx("Branch")
    answer = web.owner().post("/settings/freepbx/new", data=FORM | {"tested": "ok"})
    assert "Another PBX has this name already." in answer.text


def test_a_new_interval_needs_no_new_test_and_keeps_the_password(web: Web) -> None:
    pbx_id = web.add_pbx()
    form = FORM | {"name": "Office", "host": "192.0.2.10", "password": "", "sync_interval_min": "60"}
    assert web.owner().post(f"/settings/freepbx/{pbx_id}", data=form).status_code == 303
    (stored,) = _stored(web)
    assert stored.sync_interval_min == 60
    with web.engine.connect() as db:
        address = pbxs.address(db, pbx_id, web.house.vault)
    assert address is not None
    assert address.password == "open sesame"


def test_another_port_wants_a_new_test(web: Web) -> None:
    pbx_id = web.add_pbx()
    form = FORM | {"name": "Office", "host": "192.0.2.10", "password": "", "port": "9088"}
    assert web.owner().post(f"/settings/freepbx/{pbx_id}", data=form).status_code == 422


def test_saving_starts_a_schedule_that_a_refusal_had_stopped(web: Web) -> None:
    pbx_id = web.add_pbx()
    with web.engine.begin() as db:
        pbxs.block(db, pbx_id, "pbx-sign-in-refused")
    owner = web.owner()
    assert "when the settings change" in owner.get("/settings/freepbx").text
    form = FORM | {"name": "Office", "host": "192.0.2.10", "tested": "ok"}
    owner.post(f"/settings/freepbx/{pbx_id}", data=form)
    assert _stored(web)[0].blocked_by is None


def test_a_pbx_can_be_paused(web: Web) -> None:
    pbx_id = web.add_pbx()
    form = FORM | {"name": "Office", "host": "192.0.2.10", "password": "", "is_paused": "on"}
    web.owner().post(f"/settings/freepbx/{pbx_id}", data=form)
    assert not _stored(web)[0].is_enabled


# ---- the list and the end ---------------------------------------------------------------------------------------


def test_without_a_pbx_the_list_is_the_form(web: Web) -> None:
    assert web.owner().get("/settings/freepbx").headers["location"] == "/settings/freepbx/new"


def test_every_pbx_shows_its_last_and_next_sync(web: Web) -> None:
    web.house.control.sync(web.add_pbx("One"), asked_by="user")
    web.add_pbx("Two")
    page = web.owner().get("/settings/freepbx").text
    assert "waiting to start" in page
    assert "never" in page
    assert page.count("Next sync") == 2


@pytest.mark.parametrize(("with_calls", "left"), [({}, 1), ({"with_calls": "on"}, 0)])
def test_disconnecting_keeps_the_calls_unless_asked(web: Web, with_calls: dict[str, str], left: int) -> None:
    pbx_id = web.add_pbx()
    web.finish(web.add_call(), "hello")
    assert web.owner().post(f"/settings/freepbx/{pbx_id}/remove", data=with_calls).status_code == 303
    assert _stored(web) == []
    with web.engine.connect() as db:
        assert calls.page(db, CallFilter()).count == left


@pytest.mark.parametrize("path", ["", "/remove", "/test"])
def test_an_unknown_pbx_is_not_found(web: Web, path: str) -> None:
    assert web.owner().post(f"/settings/freepbx/none{path}", data=FORM).status_code == 404
