"""Settings > FreePBX."""

import json
import re
from datetime import UTC, datetime

import pytest
from tests.fixtures.web import Web

from aftercall.errors import PbxTimeout
from aftercall.jobs.clients import Preview
from aftercall.model import Check, Fix
from aftercall.recordings.filters import Filters
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


def test_each_check_comes_with_its_cause_and_its_fix(web: Web) -> None:
    web.checks = [Check(check="ari", status="fail", what="No ARI <here>.", why="It is off.", fix="Run this.")]
    line, result = _lines(web.owner().post("/settings/freepbx/new/test", data=FORM).text)
    for part in ("No ARI &lt;here&gt;.", "It is off.", "Run this.", "checked-fail"):
        assert part in line["html"]
    assert result == {"result": "failed"}


def test_the_fix_of_each_freepbx_comes_with_its_own_commands_to_copy(web: Web) -> None:
    old = Fix(where="FreePBX 15 and 16", text="The old way.", commands=("yum one", "yum two"))
    new = Fix(where="FreePBX 17", text="The new way.", commands=("apt one && apt <two>",))
    web.checks = [Check(check="x", status="warn", what="w", fix="In one line.", fixes=(old, new), guide="turn-on-tls")]
    shown = _lines(web.owner().post("/settings/freepbx/new/test", data=FORM).text)[0]["html"]
    assert shown.count("data-copy>") == 2
    assert "<pre data-copied-text><span>yum one\n</span><span>yum two</span></pre>" in shown
    assert "<pre data-copied-text><span>apt one &amp;&amp; apt &lt;two&gt;</span></pre>" in shown
    assert 'href="/settings/freepbx/guide#turn-on-tls"' in shown
    assert "In one line." not in shown


def test_a_fix_without_commands_has_nothing_to_copy(web: Web) -> None:
    fix = Fix(where="Any FreePBX", text="Tick it.")
    web.checks = [Check(check="x", status="fail", what="w", fixes=(fix,))]
    assert "data-copy" not in _lines(web.owner().post("/settings/freepbx/new/test", data=FORM).text)[0]["html"]


def test_the_zone_is_tested_as_it_stands_in_the_form(web: Web) -> None:
    web.owner().post("/settings/freepbx/new/test", data=FORM | {"zone": "Europe/Berlin"})
    assert web.zones == ["Europe/Berlin"]


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


def test_a_pbx_can_be_disabled_in_its_form(web: Web) -> None:
    pbx_id = web.add_pbx()
    form = FORM | {"name": "Office", "host": "192.0.2.10", "password": "", "is_disabled": "on"}
    web.owner().post(f"/settings/freepbx/{pbx_id}", data=form)
    assert not _stored(web)[0].is_enabled


def test_a_pbx_is_disabled_and_enabled_with_a_click_and_keeps_its_calls(web: Web) -> None:
    pbx_id = web.add_pbx()
    web.finish(web.add_call(), "hello")
    owner = web.owner()
    assert owner.post(f"/settings/freepbx/{pbx_id}/disable").headers["location"] == "/settings/freepbx"
    assert not _stored(web)[0].is_enabled
    assert ">disabled</span>" in owner.get("/settings/freepbx").text
    with web.engine.connect() as db:
        assert calls.page(db, CallFilter()).count == 1
    owner.post(f"/settings/freepbx/{pbx_id}/enable")
    assert _stored(web)[0].is_enabled


# ---- what to fetch ----------------------------------------------------------------------------------------------

CHOSEN = FORM | {
    "zone": "Europe/Berlin", "period": "day", "since": "2026-11-01", "directions": ["", "inbound", "outbound"],
    "extensions": "201, 3*", "min_duration_s": "15", "skipped_names": "*/internal-*\r\n*test*",
    "downloads_at_once": "4", "backlog_per_min": "30", "hears_events": "on",
}  # fmt: skip


def test_a_new_pbx_is_asked_from_when_and_proposes_the_last_month(web: Web) -> None:
    page = web.owner().get("/settings/freepbx/new").text
    assert 'name="period" value="month" checked' in page
    assert page.count('name="directions" value=') == 5
    assert page.count('value="America/New_York"') == 1


def test_everything_a_form_says_about_fetching_is_stored(web: Web) -> None:
    web.owner().post("/settings/freepbx/new", data=CHOSEN | {"tested": "ok"})
    (stored,) = _stored(web)
    assert stored.filters == Filters(
        since=datetime(2026, 10, 31, 23, tzinfo=UTC), directions=frozenset({"inbound", "outbound"}),
        extensions=("201", "3*"), skipped_names=("*/internal-*", "*test*"), min_duration_s=15,
    )  # fmt: skip
    assert (stored.zone, stored.downloads_at_once, stored.backlog_per_min, stored.hears_events) == (
        "Europe/Berlin", 4, 30, True,
    )  # fmt: skip


def test_the_form_of_a_stored_pbx_shows_what_it_fetches(web: Web) -> None:
    owner = web.owner()
    owner.post("/settings/freepbx/new", data=CHOSEN | {"tested": "ok"})
    page = owner.get(f"/settings/freepbx/{_stored(web)[0].id}").text
    for part in (
        'value="Europe/Berlin"', 'value="2026-11-01"', 'value="201, 3*"', "*/internal-*\n*test*</textarea>",
        'value="inbound" checked', 'value="internal" >', 'name="hears_events" checked', 'value="30"',
        "nothing that is here already is deleted",
    ):  # fmt: skip
        assert part in page
    assert "recordings from 1 Nov 2026 on, only some" in owner.get("/settings/freepbx").text


def test_other_filters_need_no_new_test_of_the_connection(web: Web) -> None:
    pbx_id = web.add_pbx()
    web.finish(web.add_call(), "hello")
    form = CHOSEN | {"name": "Office", "host": "192.0.2.10", "password": ""}
    assert web.owner().post(f"/settings/freepbx/{pbx_id}", data=form).status_code == 303
    assert _stored(web)[0].filters.extensions == ("201", "3*")
    with web.engine.connect() as db:
        assert calls.page(db, CallFilter()).count == 1


def test_a_wrong_filter_is_said_at_its_field_with_its_part_of_the_form_open(web: Web) -> None:
    wrong = {"directions": [""], "extensions": "x!", "backlog_per_min": "0", "zone": "Nowhere"}
    answer = web.owner().post("/settings/freepbx/new", data=CHOSEN | wrong)
    assert answer.status_code == 422
    for name in wrong:
        assert re.search(rf'id="{name}-note">\s*<svg.*?</svg><span class="problem">', answer.text, re.DOTALL)
    assert answer.text.count('<details class="more" open>') == 2
    assert _stored(web) == []


# ---- the preview ------------------------------------------------------------------------------------------------


def test_a_preview_counts_with_the_values_as_typed_and_stores_nothing(web: Web) -> None:
    web.counted = Preview(
        listed_count=9310, known_count=0, wanted_count=412, skipped_by={"since": 8800, "directions": 98}
    )  # fmt: skip
    answer = web.owner().post("/settings/freepbx/new/preview", data=CHOSEN)
    for part in ("<strong>412 of 9,310</strong>", "8,800 skipped: too old", "98 skipped: another direction",
                 "those under 15 s are fetched and then left out"):  # fmt: skip
        assert part in answer.text
    ((address, pbx_id, chosen),) = web.previewed
    assert (address.host, address.password, pbx_id) == ("192.0.2.20", "s3cret-word", None)
    assert chosen.extensions == ("201", "3*")
    assert _stored(web) == []


def test_a_preview_of_a_stored_pbx_uses_its_password_and_what_it_knows(web: Web) -> None:
    pbx_id = web.add_pbx()
    web.counted = Preview(listed_count=3, known_count=1, wanted_count=2, skipped_by={})
    answer = web.owner().post(
        f"/settings/freepbx/{pbx_id}/preview", data=CHOSEN | {"host": "192.0.2.10", "password": ""}
    )
    assert "1 is here already" in answer.text
    ((address, known_of, _),) = web.previewed
    assert (address.password, known_of) == ("open sesame", pbx_id)


def test_a_preview_that_cannot_be_made_says_which_fields_are_in_the_way(web: Web) -> None:
    answer = web.owner().post("/settings/freepbx/new/preview", data=CHOSEN | {"host": "", "extensions": "x!"})
    assert answer.status_code == 422
    assert 'href="#host">Host</a>' in answer.text
    assert 'href="#extensions">Only these extensions</a>' in answer.text
    assert web.previewed == []


def test_a_preview_that_fails_says_why_and_what_to_do(web: Web) -> None:
    error = PbxTimeout(host="192.0.2.20", port=8088, seconds=5.0)
    web.counted = error
    answer = web.owner().post("/settings/freepbx/new/preview", data=CHOSEN, headers={"HX-Request": "true"})
    for part in (error.what, "What to do", "pbx-timeout"):
        assert part in answer.text
    assert "<html" not in answer.text


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
