"""The Sync FreePBX button."""

from datetime import timedelta

from tests.fixtures.web import Web

from aftercall.errors import PbxTimeout
from aftercall.model import CallState
from aftercall.store import calls, pbxs, syncs


def _syncs(web: Web) -> list[syncs.Sync]:
    with web.engine.connect() as db:
        return syncs.unfinished(db)


def test_the_button_asks_every_pbx_that_is_not_paused(web: Web) -> None:
    one, two = web.add_pbx("One"), web.add_pbx("Two")
    web.add_pbx("Paused", is_enabled=False)
    answer = web.owner().post("/sync")
    assert {each.pbx_id for each in _syncs(web)} == {one, two}
    assert all(each.asked_by == "user" for each in _syncs(web))
    assert answer.text.count("Waiting to ask") == 2


def test_a_second_click_starts_no_second_sync(web: Web) -> None:
    web.add_pbx()
    owner = web.owner()
    owner.post("/sync")
    owner.post("/sync")
    assert len(_syncs(web)) == 1


def test_the_panel_counts_what_was_found_and_what_became_of_it(web: Web) -> None:
    ids = [web.add_call(f"c{index}") for index in range(4)]
    with web.engine.begin() as db:
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=1200, new_count=4, now=web.now)
        for call_id, state in zip(ids, (CallState.DONE, CallState.FAILED, CallState.WAITING), strict=False):
            calls.set_state(db, call_id, state, web.now)
    page = web.owner().get("/").text
    assert 'max="4" value="3"' in page
    for part in ("1,200", "<dt>New</dt><dd>4</dd>", "<dt>Done</dt><dd>1</dd>", "<dt>Failed</dt><dd>1</dd>"):
        assert part in page


def test_a_finished_sync_rests_in_one_line(web: Web) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=1, new_count=1, now=web.now - timedelta(minutes=2))
        calls.set_state(db, call_id, CallState.FAILED, web.now)
    page = web.owner().get("/").text
    assert "2 min ago" in page
    assert f"/?sync={running.id}&amp;state=failed" in page


def test_a_sync_can_be_stopped(web: Web) -> None:
    web.house.control.sync(web.add_pbx(), asked_by="user")
    (running,) = _syncs(web)
    assert web.owner().post(f"/syncs/{running.id}/stop").status_code == 200
    assert _syncs(web) == []


def test_an_unknown_sync_is_not_found(web: Web) -> None:
    assert web.owner().post("/syncs/none/stop").status_code == 404


def test_a_failed_sync_says_why_and_leads_to_the_connection(web: Web) -> None:
    pbx_id = web.add_pbx()
    web.house.control.sync(pbx_id, asked_by="user")
    (running,) = _syncs(web)
    with web.engine.begin() as db:
        syncs.fail(db, running.id, PbxTimeout(host="192.0.2.10", port=8088, seconds=5.0), web.now)
    page = web.owner().get("/").text
    assert "Office: 192.0.2.10:8088 did not answer within 5 s." in page
    assert f'href="/settings/freepbx/{pbx_id}"' in page


def test_a_pbx_that_refuses_us_is_not_asked_again_and_the_page_says_so(web: Web) -> None:
    pbx_id = web.add_pbx()
    with web.engine.begin() as db:
        pbxs.block(db, pbx_id, "pbx-sign-in-refused")
    assert "Aftercall has stopped asking" in web.owner().get("/").text
