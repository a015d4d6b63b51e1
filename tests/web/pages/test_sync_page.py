"""The sync page: how each PBX is doing, and its buttons."""

import html
import re
from datetime import datetime, timedelta

import pytest
from tests.fixtures.web import Web

from aftercall.errors import AppError, PbxConnectionRefused, PbxSignInRefused, PbxTimeout
from aftercall.model import CallState, RecordingName, Stage
from aftercall.store import calls, pbxs, stages, syncs
from aftercall.store.calls import NewCall

HX = {"HX-Request": "true"}


def _run(web: Web, pbx_id: str, *, ago: timedelta = timedelta(), error: AppError | None = None, **counts: int) -> str:
    """A sync that has ended."""
    at = web.now - ago
    with web.engine.begin() as db:
        sync_id, _ = syncs.ask(db, pbx_id, "user", at)
        if error:
            syncs.fail(db, sync_id, error, at)
        else:
            said = {"found_count": 1200, "new_count": 0} | counts
            syncs.finish(db, sync_id, now=at, list_s=0.4, **said)  # type: ignore[arg-type]
    return sync_id


def _fail(web: Web, call_id: str, error: AppError) -> None:
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.FETCH, web.now)
        stages.fail(db, call_id, Stage.FETCH, web.now, error, will_retry=False)
        calls.set_state(db, call_id, CallState.FAILED, web.now)


def _end(web: Web) -> None:
    """The sync that `add_call` asked for has ended."""
    with web.engine.begin() as db:
        for running in syncs.unfinished(db):
            syncs.finish(db, running.id, found_count=1200, new_count=1, now=web.now)


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _page(web: Web) -> str:
    return _text(web.owner().get("/sync").text)


# ---- what it shows ----------------------------------------------------------------------------------------------


def test_without_a_pbx_it_leads_to_the_form(web: Web) -> None:
    page = web.owner().get("/sync").text
    assert 'href="/settings/freepbx/new"' in page
    assert "data-events" not in page


def test_it_is_in_the_navigation(web: Web) -> None:
    assert '<a href="/sync" aria-current="page">Sync</a>' in web.owner().get("/sync").text
    assert '<a href="/sync" >Sync</a>' in web.owner().get("/").text


def test_a_run_shows_what_it_found_brought_and_skipped(web: Web) -> None:
    pbx_id = web.add_pbx()
    _run(web, pbx_id, ago=timedelta(minutes=3), found_count=9310, new_count=412, skipped_count=8898)
    page = web.owner().get("/sync").text
    for part in ("<dd>9,310</dd>", ">412</a></dd>", "<dd>8,898</dd>", "what this PBX is set to fetch"):
        assert part in page
    assert "3 min ago , list took 0.4 s" in _text(page)


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        pytest.param(lambda web, pbx: None, "Connected, not listed yet", id="new"),
        pytest.param(_run, "Waiting for the next list", id="waiting"),
        pytest.param(
            lambda web, pbx: web.house.control.sync(pbx, asked_by="user"), "Waiting to ask for its list", id="queued"
        ),
    ],
)
def test_its_state_is_said_in_one_line(web: Web, prepare: object, words: str) -> None:
    prepare(web, web.add_pbx())  # type: ignore[operator]
    assert words in _page(web)


def test_a_pbx_whose_events_come_is_listening(web: Web) -> None:
    pbx_id = web.add_pbx()
    _run(web, pbx_id)
    with web.engine.begin() as db:
        pbxs.record_events(db, pbx_id, "connected", web.now - timedelta(hours=5))
    page = _page(web)
    assert "Connected and listening" in page
    assert "connected 5 h ago" in page
    assert "listening" in _text(web.owner().get("/").text)


def test_events_that_were_lost_say_why_and_what_to_do(web: Web) -> None:
    pbx_id, error = web.add_pbx(), PbxConnectionRefused(host="192.0.2.10", port=8088)
    _run(web, pbx_id)
    with web.engine.begin() as db:
        pbxs.record_events(db, pbx_id, "lost", web.now - timedelta(minutes=31), error)
    page = _page(web)
    for part in ("lost 31 min ago", error.what, "What to do", "Waiting for the next list"):
        assert part in page


def test_events_that_nobody_wants_are_off(web: Web) -> None:
    web.add_pbx(hears_events=False)
    assert "Events off" in _page(web)


def test_a_refusal_stops_it_and_says_the_fix(web: Web) -> None:
    pbx_id, error = web.add_pbx(), PbxSignInRefused(host="192.0.2.10", username="aftercall")
    _run(web, pbx_id, error=error)
    with web.engine.begin() as db:
        pbxs.block(db, pbx_id, error.code)
    page = _page(web)
    for part in ("Stopped until its settings change", error.what, error.code, "when the settings change"):
        assert part in page


def test_a_failing_list_is_said_with_its_cause_and_tried_again_by_itself(web: Web) -> None:
    pbx_id, error = web.add_pbx(), PbxTimeout(host="192.0.2.10", port=8088, seconds=5.0)
    _run(web, pbx_id, error=error)
    with web.engine.begin() as db:
        pbxs.mark_due(db, pbx_id, web.now)
        pbxs.record_list(db, pbx_id, took_s=None)
    page = _page(web)
    assert "The last list failed; the next try comes by itself" in page
    assert error.what in page


def test_work_shows_its_speed_and_an_estimate(web: Web) -> None:
    ids = [web.add_call(f"c{index}") for index in range(30)]
    _end(web)
    for call_id in ids[:10]:
        web.finish(call_id, "hello")
    with web.engine.begin() as db:
        for call_id in ids[:10]:
            calls.set_state(db, call_id, CallState.DONE, web.now, done_at=web.now)
    page = _page(web)
    assert "Working through 20 calls" in page
    assert "1.0 fetched, 1.0 analysed a minute" in page
    assert "about 20 min, estimated" in page


def test_without_anything_done_no_time_is_guessed(web: Web) -> None:
    web.add_call()
    _end(web)
    assert "not known yet" in _page(web)


def test_lags_are_shown_with_the_calls_behind_them_and_a_dash_for_none(web: Web) -> None:
    call_id = web.add_call(ago=timedelta(hours=1))
    _end(web)
    with web.engine.begin() as db:
        calls.record_lag(db, call_id, listed_after_s=0.84, fetched_after_s=2.3)
    page = _page(web)
    assert "Listed 0.8 s 0.8 s 1" in page
    assert "Fetched 2.3 s 2.3 s 1" in page
    assert "Analysed – – 0" in page


def test_failures_are_grouped_by_cause_and_lead_to_their_calls(web: Web) -> None:
    ids = [web.add_call(f"c{index}") for index in range(3)]
    _end(web)
    error = PbxTimeout(host="192.0.2.10", port=8088, seconds=30.0)
    for call_id in ids:
        _fail(web, call_id, error)
    whole = web.owner().get("/sync").text
    page = _text(whole)
    assert "Why 3 calls failed" in page
    for part in (f"3 not fetched: {error.what}", error.why, error.fix, "Retry all 3"):
        assert part in page
    with web.engine.connect() as db:
        (pbx,) = pbxs.all_pbxs(db)
    assert f'href="/?state=failed&amp;pbx={pbx.id}"' in whole


def test_two_pbxs_each_have_their_own(web: Web) -> None:
    one, two = web.add_pbx("One"), web.add_pbx("Two", is_enabled=False)
    _run(web, one, found_count=11)
    page = web.owner().get("/sync").text
    first, second = page[page.index(f'id="pbx-{one}"') :].split(f'id="pbx-{two}"', 1)
    assert "<dd>11</dd>" in first
    assert "Disabled; its calls stay" in second


# ---- silence ----------------------------------------------------------------------------------------------------


def _add_habits(web: Web, pbx_id: str, last: datetime) -> None:
    weeks = [web.now - timedelta(days=7 * back, minutes=minute) for back in (1, 2, 3) for minute in (5, 20, 40)]
    found = [
        NewCall(
            pbx_id=pbx_id, listed_format="wav", first_seen_at=at, sync_id=None,
            name=RecordingName(name=str(at), kind="in", direction="inbound", started_at=at, utc_offset_min=60),
        )
        for at in (last, *weeks)
    ]  # fmt: skip
    with web.engine.begin() as db:
        calls.add_found(db, found)


@pytest.mark.parametrize("path", ["/sync", "/"])
def test_an_unusual_silence_is_said_on_the_sync_page_and_over_the_list(web: Web, path: str) -> None:
    _add_habits(web, web.add_pbx(), last=web.now - timedelta(hours=3))
    assert "No call from Office since today, 10:00." in _text(web.owner().get(path).text)


@pytest.mark.parametrize("path", ["/sync", "/"])
def test_a_usual_one_is_not(web: Web, path: str) -> None:
    _add_habits(web, web.add_pbx(), last=web.now - timedelta(minutes=20))
    assert "No call from" not in web.owner().get(path).text


# ---- history ----------------------------------------------------------------------------------------------------


def test_runs_that_found_nothing_share_a_line(web: Web) -> None:
    pbx_id = web.add_pbx(zone="Europe/Berlin")
    for index in reversed(range(14)):
        _run(web, pbx_id, ago=timedelta(minutes=10 * index))
    page = _page(web)
    assert "Today, 10:50 to 13:00" in page
    assert "14 runs, nothing new" in page
    assert "Older runs" not in page


def test_older_runs_are_a_page_away(web: Web) -> None:
    pbx_id = web.add_pbx()
    for index in reversed(range(45)):
        _run(web, pbx_id, ago=timedelta(minutes=10 * index), new_count=index + 1)
    owner = web.owner()
    assert f'href="/sync/{pbx_id}/history"' in owner.get("/sync").text
    numbers: list[int] = []
    address: str | None = f"/sync/{pbx_id}/history"
    while address:
        page = owner.get(address).text
        numbers += [int(each) for each in re.findall(r'href="/\?sync=\w+">(\d+)</a>', page)]
        older = re.search(r'href="([^"]+)" rel="next"', page)
        address = older and older[1].replace("&amp;", "&")
    assert numbers == list(range(1, 46))


def test_a_run_that_failed_keeps_its_cause_and_fix_in_the_history(web: Web) -> None:
    pbx_id, error = web.add_pbx(), PbxTimeout(host="192.0.2.10", port=8088, seconds=5.0)
    _run(web, pbx_id, ago=timedelta(minutes=10), error=error)
    _run(web, pbx_id)
    page = _text(web.owner().get(f"/sync/{pbx_id}/history").text)
    for part in ("failed", error.what, error.why, error.fix):
        assert part in page


@pytest.mark.parametrize("path", ["/sync/none/history"])
def test_an_unknown_pbx_has_no_history(web: Web, path: str) -> None:
    assert web.owner().get(path).status_code == 404


# ---- the buttons ------------------------------------------------------------------------------------------------


def test_sync_now_answers_with_the_card_as_it_is_now(web: Web) -> None:
    pbx_id = web.add_pbx()
    answer = web.owner().post(f"/sync/{pbx_id}", headers=HX)
    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<section class="card doing" id="pbx-{pbx_id}"')
    assert "Waiting to ask for its list" in answer.text
    assert "Sync now" not in answer.text
    with web.engine.connect() as db:
        assert [each.pbx_id for each in syncs.unfinished(db)] == [pbx_id]


def test_a_browser_without_our_code_comes_back_to_the_page(web: Web) -> None:
    pbx_id = web.add_pbx()
    for path in ("", "/stop", "/pause", "/resume"):
        answer = web.owner().post(f"/sync/{pbx_id}{path}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/sync")


def test_a_running_sync_is_stopped(web: Web) -> None:
    pbx_id = web.add_pbx()
    web.house.control.sync(pbx_id, asked_by="user")
    answer = web.owner().post(f"/sync/{pbx_id}/stop", headers=HX)
    assert "stopped" in answer.text
    with web.engine.connect() as db:
        assert syncs.unfinished(db) == []


def test_old_recordings_are_paused_and_resumed(web: Web) -> None:
    old = web.add_call("old", ago=timedelta(days=3))
    new = web.add_call("new")
    _end(web)
    owner = web.owner()
    with web.engine.connect() as db:
        (pbx,) = pbxs.all_pbxs(db)
    paused = owner.post(f"/sync/{pbx.id}/pause", headers=HX).text
    for part in ("Resume old recordings", "old recordings are paused", "old ones held back"):
        assert part in paused
    with web.engine.connect() as db:
        rows = {row.id: row.state for row in calls.rows_by_id(db, [old, new])}
    assert rows == {old: CallState.WAITING, new: CallState.FOUND}
    resumed = owner.post(f"/sync/{pbx.id}/resume", headers=HX).text
    assert "Pause old recordings" in resumed
    with web.engine.connect() as db:
        rows = {row.id: row.state for row in calls.rows_by_id(db, [old, new])}
    assert rows == {old: CallState.FOUND, new: CallState.FOUND}


def test_retry_all_tries_every_call_of_one_cause_again(web: Web) -> None:
    timeouts = [web.add_call(f"t{index}") for index in range(3)]
    other = web.add_call("other")
    _end(web)
    for call_id in timeouts:
        _fail(web, call_id, PbxTimeout(host="h", port=1, seconds=5.0))
    _fail(web, other, PbxConnectionRefused(host="h", port=1))
    with web.engine.connect() as db:
        (pbx,) = pbxs.all_pbxs(db)
    answer = web.owner().post(f"/sync/{pbx.id}/retry", data={"code": "pbx-timeout"}, headers=HX)
    assert "pbx-timeout" not in answer.text
    assert "pbx-connection-refused" in answer.text
    with web.engine.connect() as db:
        states = {row.id: row.state for row in calls.rows_by_id(db, [*timeouts, other])}
    assert states == dict.fromkeys(timeouts, CallState.FOUND) | {other: CallState.FAILED}


@pytest.mark.parametrize("path", ["", "/stop", "/pause", "/resume", "/retry"])
def test_what_is_not_there_cannot_be_pressed(web: Web, path: str) -> None:
    assert web.owner().post(f"/sync/none{path}", data={"code": "x"}, headers=HX).status_code == 404


@pytest.mark.parametrize("path", ["/pause", "/resume"])
def test_holding_back_is_for_administrators(web: Web, path: str) -> None:
    pbx_id = web.add_pbx()
    guest = web.owner("guest")
    assert guest.post(f"/sync/{pbx_id}{path}", headers=HX).status_code == 403
    web.add_call()
    assert "Pause old recordings" not in guest.get("/sync").text


def test_nobody_sees_it_without_signing_in(web: Web) -> None:
    pbx_id = web.add_pbx()
    for path in ("/sync", f"/sync/{pbx_id}/history"):
        assert web.visitor().get(path).headers["location"].startswith("/login")
    assert web.visitor().post(f"/sync/{pbx_id}").status_code == 303


# ---- the list of calls ------------------------------------------------------------------------------------------


def test_the_list_tells_of_calls_on_the_way_after_the_sync_that_found_them(web: Web) -> None:
    web.add_call()
    _end(web)
    web.now += timedelta(minutes=10)
    with web.engine.connect() as db:
        (pbx,) = pbxs.all_pbxs(db)
    _run(web, pbx.id)
    page = web.owner().get("/").text
    assert "1 call on the way" in _text(page)
    assert f'href="/sync#pbx-{pbx.id}"' in page


def test_a_call_in_progress_runs(web: Web) -> None:
    call_id = web.add_call(ago=timedelta(seconds=95))
    with web.engine.begin() as db:
        calls.set_state(db, call_id, CallState.IN_PROGRESS, web.now, caller_name="Ada Example")
    page = web.owner().get("/").text
    assert re.search(r"<time [^>]*data-running>1:35</time>", page)
    for part in ("Still on the line", "Ada Example", "5550123"):
        assert part in page
    assert "On the line now 1 call" in _page(web)
