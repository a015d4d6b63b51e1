"""/api/v1/pbxs: what to fetch, previews, pauses, how a PBX is doing, and its history."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import ORIGIN, Web

from aftercall.errors import PbxTimeout
from aftercall.jobs.clients import Preview
from aftercall.model import CallState, Stage
from aftercall.recordings.filters import Filters
from aftercall.store import calls, condition, pbxs, shapes, stages, syncs

PBX = {"name": "Branch", "host": "192.0.2.20", "port": 8088, "username": "aftercall", "password": "s3cret-word"}
CHOSEN: dict[str, Any] = {
    "zone": "Europe/Berlin", "since": "2026-11-01", "directions": ["inbound", "outbound"], "extensions": ["201", "3*"],
    "skipped_names": ["*/internal-*"], "min_duration_s": 15, "downloads_at_once": 3, "backlog_per_min": 30,
    "hears_events": False,
}  # fmt: skip
OPEN: dict[str, Any] = {
    "zone": None, "since": None, "directions": None, "extensions": [], "skipped_names": [], "min_duration_s": 0,
    "downloads_at_once": 2, "backlog_per_min": None, "hears_events": True,
}  # fmt: skip


@pytest.fixture
def program(web: Web) -> TestClient:
    return TestClient(web.app, base_url=ORIGIN, headers={"Authorization": f"Bearer {web.token()}"})


def _part(shape: dict[str, Any]) -> dict[str, Any]:
    return {name: shape[name] for name in OPEN}


def test_what_to_fetch_is_given_and_given_back(program: TestClient) -> None:
    made = program.post("/api/v1/pbxs", json=PBX | CHOSEN).json()
    assert _part(made) == CHOSEN
    assert made["is_backlog_paused"] is False
    assert program.get(f"/api/v1/pbxs/{made['id']}").json() == made


def test_nothing_said_is_everything_wanted(program: TestClient) -> None:
    assert _part(program.post("/api/v1/pbxs", json=PBX).json()) == OPEN


def test_a_change_that_leaves_filters_out_lifts_them(program: TestClient) -> None:
    made = program.post("/api/v1/pbxs", json=PBX | CHOSEN).json()
    changed = program.put(f"/api/v1/pbxs/{made['id']}", json=PBX | {"password": None})
    assert _part(changed.json()) == OPEN


@pytest.mark.parametrize(
    ("change", "field"),
    [({"zone": "Nowhere"}, "zone"), ({"since": "2026-02-30"}, "since"), ({"since": "soon"}, "since"),
     ({"directions": []}, "directions"), ({"directions": ["up"]}, "directions.0"),
     ({"extensions": ["x!"]}, "extensions"),
     ({"min_duration_s": -1}, "min_duration_s"), ({"downloads_at_once": 5}, "downloads_at_once"),
     ({"backlog_per_min": 0}, "backlog_per_min"), ({"skipped_names": ["x" * 201]}, "skipped_names.0")],
)  # fmt: skip
def test_a_wrong_filter_is_named_and_nothing_is_stored(
    program: TestClient, change: dict[str, object], field: str
) -> None:
    answer = program.post("/api/v1/pbxs", json=PBX | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert program.get("/api/v1/pbxs").json() == []


# ---- previews ---------------------------------------------------------------------------------------------------


def test_a_preview_counts_for_a_pbx_that_is_not_stored(web: Web, program: TestClient) -> None:
    web.counted = Preview(listed_count=9310, known_count=0, wanted_count=412, skipped_by={"since": 8898})
    answer = program.post("/api/v1/pbxs/preview", json=PBX | CHOSEN)
    assert answer.json() == {"listed": 9310, "known": 0, "wanted": 412, "skipped": {"since": 8898}}
    ((address, pbx_id, chosen),) = web.previewed
    assert (address.password, pbx_id, chosen.min_duration_s) == ("s3cret-word", None, 15)
    assert program.get("/api/v1/pbxs").json() == []


def test_a_stored_pbx_is_previewed_as_it_is_or_with_other_filters(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx(filters=Filters(extensions=("7*",)))
    assert program.post(f"/api/v1/pbxs/{pbx_id}/preview").status_code == 200
    entry = PBX | CHOSEN | {"name": "Office", "host": "192.0.2.10", "password": None}
    program.post(f"/api/v1/pbxs/{pbx_id}/preview", json=entry)
    assert [(address.password, known, chosen.extensions) for address, known, chosen in web.previewed] == [
        ("open sesame", pbx_id, ("7*",)), ("open sesame", pbx_id, ("201", "3*")),
    ]  # fmt: skip


def test_a_stored_password_is_not_sent_elsewhere_for_a_preview(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx()
    answer = program.post(f"/api/v1/pbxs/{pbx_id}/preview", json=PBX | {"password": None})
    assert (answer.status_code, answer.json()["field"]) == (422, "password")
    assert web.previewed == []


def test_a_preview_that_fails_is_a_problem_with_its_fix(web: Web, program: TestClient) -> None:
    web.counted = PbxTimeout(host="192.0.2.20", port=8088, seconds=5.0)
    answer = program.post("/api/v1/pbxs/preview", json=PBX)
    assert (answer.status_code, answer.json()["code"]) == (web.counted.status, "pbx-timeout")
    assert answer.json()["fix"]


# ---- on and off -------------------------------------------------------------------------------------------------


def test_a_pbx_is_disabled_and_enabled(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx()
    assert program.post(f"/api/v1/pbxs/{pbx_id}/disable").json()["is_enabled"] is False
    assert program.get(f"/api/v1/pbxs/{pbx_id}/status").json()["state"] == "off"
    assert program.post(f"/api/v1/pbxs/{pbx_id}/enable").json()["is_enabled"] is True


def test_old_recordings_are_held_back_and_let_go(web: Web, program: TestClient) -> None:
    call_id = web.add_call(ago=timedelta(days=2))
    with web.engine.connect() as db:
        (pbx,) = pbxs.all_pbxs(db)
    assert program.post(f"/api/v1/pbxs/{pbx.id}/pause-backlog").json()["is_backlog_paused"] is True
    assert program.get(f"/api/v1/calls/{call_id}").json()["state"] == "waiting"
    assert program.post(f"/api/v1/pbxs/{pbx.id}/resume-backlog").json()["is_backlog_paused"] is False
    assert program.get(f"/api/v1/calls/{call_id}").json()["state"] == "found"


# ---- how it is doing --------------------------------------------------------------------------------------------


def test_the_status_has_the_shape_of_the_command_line(web: Web, program: TestClient) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        calls.record_lag(db, call_id, listed_after_s=0.5)
        stages.begin(db, call_id, Stage.FETCH, web.now)
        error = PbxTimeout(host="h", port=1, seconds=5.0)
        stages.fail(db, call_id, Stage.FETCH, web.now, error, will_retry=False)
        calls.set_state(db, call_id, CallState.FAILED, web.now)
        (pbx,) = pbxs.all_pbxs(db)
        pbxs.record_events(db, pbx.id, "lost", web.now, error)
    told = program.get(f"/api/v1/pbxs/{pbx.id}/status").json()
    with web.engine.connect() as db:
        (doing,) = condition.of_all(db, web.now)
    assert told == shapes.pbx_status(doing)
    assert (told["pbx"], told["state"], told["failed"], told["time_left_s"]) == ("Office", "queued", 1, 0)
    assert told["lags"]["listed"] == {"count": 1, "p50_s": 0.5, "p95_s": 0.5}
    assert told["lags"]["analysed"] == {"count": 0, "p50_s": None, "p95_s": None}
    assert (told["events"]["state"], told["events"]["error"]["code"]) == ("lost", "pbx-timeout")
    (cause,) = told["causes"]
    assert (cause["code"], cause["stage"], cause["count"], cause["fix"]) == ("pbx-timeout", "fetch", 1, error.fix)


def test_the_history_is_paged(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx()
    ids = []
    for index in reversed(range(5)):
        at = web.now - timedelta(minutes=index)
        with web.engine.begin() as db:
            sync_id, _ = syncs.ask(db, pbx_id, "schedule", at)
            syncs.finish(db, sync_id, found_count=9, new_count=index, skipped_count=2, list_s=0.25, now=at)
        ids.insert(0, sync_id)
    first = program.get(f"/api/v1/pbxs/{pbx_id}/syncs?limit=3").json()
    second = program.get(f"/api/v1/pbxs/{pbx_id}/syncs", params={"limit": 3, "before": first["before"]}).json()
    assert [each["id"] for each in first["items"] + second["items"]] == ids
    assert second["before"] is None
    newest = first["items"][0]
    assert (newest["found"], newest["new"], newest["skipped"], newest["list_s"]) == (9, 0, 2, 0.25)


def test_failures_of_one_cause_are_tried_again(web: Web, program: TestClient) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.FETCH, web.now)
        error = PbxTimeout(host="h", port=1, seconds=5.0)
        stages.fail(db, call_id, Stage.FETCH, web.now, error, will_retry=False)
        calls.set_state(db, call_id, CallState.FAILED, web.now)
        (pbx,) = pbxs.all_pbxs(db)
    other = program.post(f"/api/v1/pbxs/{pbx.id}/retry", json={"code": "engine-died"})
    assert (other.status_code, other.json()) == (202, {"count": 0})
    assert program.post(f"/api/v1/pbxs/{pbx.id}/retry", json={"code": "pbx-timeout"}).json() == {"count": 1}
    assert program.get(f"/api/v1/calls/{call_id}").json()["state"] == "found"


def test_a_sync_tells_what_was_skipped_and_what_is_still_to_be_fetched(web: Web, program: TestClient) -> None:
    web.add_call()
    with web.engine.begin() as db:
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=9, new_count=1, skipped_count=8, list_s=1.5, now=web.now)
    told = program.get(f"/api/v1/syncs/{running.id}").json()
    assert (told["skipped"], told["list_s"], told["moving"], told["to_fetch"]) == (8, 1.5, 1, 1)


@pytest.mark.parametrize("state", [CallState.SKIPPED, CallState.NO_RECORDING])
def test_a_call_that_was_set_aside_can_still_be_read(web: Web, program: TestClient, state: CallState) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        calls.set_state(db, call_id, state, datetime(2026, 11, 23, tzinfo=UTC))
    assert program.get(f"/api/v1/calls/{call_id}").json()["state"] == state.value


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/status"), ("get", "/syncs"), ("post", "/pause-backlog"), ("post", "/resume-backlog"),
     ("post", "/enable"), ("post", "/disable"), ("post", "/preview"), ("post", "/retry")],
)  # fmt: skip
def test_a_pbx_that_is_not_there_is_404(program: TestClient, method: str, path: str) -> None:
    body = {"json": {"code": "x"}} if path == "/retry" else {}
    answer = getattr(program, method)(f"/api/v1/pbxs/none{path}", **body)
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
