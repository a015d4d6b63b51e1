"""The JSON API."""

import json
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import ORIGIN, Web

from aftercall.errors import PbxTimeout
from aftercall.model import CallState, Check, Fix, Stage
from aftercall.store import calls, shapes, stages

PBX = {"name": "Branch", "host": "192.0.2.20", "port": 8088, "username": "aftercall", "password": "s3cret-word"}


@pytest.fixture
def program(web: Web) -> TestClient:
    """No browser: it has a token and says nothing of where it comes from."""
    return TestClient(web.app, base_url=ORIGIN, headers={"Authorization": f"Bearer {web.token()}"})


@pytest.fixture
def three_calls(web: Web) -> list[str]:
    ids = [web.add_call(f"c{index}", ago=timedelta(minutes=index)) for index in range(3)]
    web.finish(ids[0], "we love marmalade", scores=(3.0,))
    return ids


# ---- who ---------------------------------------------------------------------------------------------------------


def test_a_token_signs_a_program_in(program: TestClient) -> None:
    assert program.get("/api/v1/me").json() == {"name": "owner", "role": "owner"}


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Basic b3duZXI6eA==", ""])
def test_another_token_does_not(web: Web, header: str) -> None:
    answer = web.visitor().get("/api/v1/me", headers={"Authorization": header} if header else {})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "sign-in-required"


def test_a_token_is_made_listed_and_revoked(web: Web) -> None:
    owner = web.owner()
    token = owner.post("/api/v1/tokens", json={"name": "reports"}).json()["token"]
    program = TestClient(web.app, base_url=ORIGIN, headers={"Authorization": f"Bearer {token}"})
    assert program.get("/api/v1/me").status_code == 200
    (listed,) = owner.get("/api/v1/tokens").json()
    assert listed["name"] == "reports"
    assert token not in json.dumps(listed)
    assert owner.delete(f"/api/v1/tokens/{listed['id']}").status_code == 204
    assert program.get("/api/v1/me").status_code == 401


def test_sessions_are_listed_and_ended(web: Web) -> None:
    here, there = web.owner(), web.owner()
    listed = here.get("/api/v1/sessions").json()
    assert sorted(each["is_current"] for each in listed) == [False, True]
    (other,) = [each for each in listed if not each["is_current"]]
    assert here.delete(f"/api/v1/sessions/{other['id']}").status_code == 204
    assert there.get("/api/v1/me").status_code == 401


# ---- calls -------------------------------------------------------------------------------------------------------


def test_a_call_has_the_shape_of_the_command_line(web: Web, program: TestClient, three_calls: list[str]) -> None:
    listed = program.get("/api/v1/calls").json()
    with web.engine.connect() as db:
        rows = calls.rows_by_id(db, three_calls)
        detail = calls.detail(db, three_calls[0])
    assert detail is not None
    assert listed["items"] == [shapes.call(row) for row in rows]
    assert (listed["count"], listed["is_count_exact"], listed["next_cursor"]) == (3, True, None)
    assert program.get(f"/api/v1/calls/{three_calls[0]}").json() == shapes.whole_call(detail)


def test_pages_follow_the_cursor(program: TestClient, three_calls: list[str]) -> None:
    first = program.get("/api/v1/calls?limit=2").json()
    second = program.get("/api/v1/calls", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [each["id"] for each in first["items"] + second["items"]] == three_calls


@pytest.mark.parametrize(
    ("query", "indexes"),
    [("mood=positive", [0]), ("mood=none", [1, 2]), ("state=found", [1, 2]), ("q=marmalade", [0]),
     ("until=2026-11-23T11:58:30Z", [2]), ("since=2026-11-23T11:59:00Z", [0, 1]), ("max_duration_s=2", [0]),
     ("direction=outbound", [])],
)  # fmt: skip
def test_filters_narrow_the_list(program: TestClient, three_calls: list[str], query: str, indexes: list[int]) -> None:
    found = program.get(f"/api/v1/calls?{query}").json()["items"]
    assert [each["id"] for each in found] == [three_calls[index] for index in indexes]


def test_a_search_carries_its_snippet(program: TestClient, three_calls: list[str]) -> None:
    del three_calls
    (found,) = program.get("/api/v1/calls?q=marmalade").json()["items"]
    assert found["snippet"] == {
        "text": "we love marmalade",
        "hits": ["marmalade"],
        "start_s": 2.0,
        "speaker": "unknown",
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [("direction=up", "direction"), ("since=2026-11-23T11:00:00", "since"), ("cursor=abc", "cursor"),
     ("limit=501", "limit"), ("min_duration_s=-1", "min_duration_s")],
)  # fmt: skip
def test_a_wrong_filter_is_named(program: TestClient, query: str, field: str) -> None:
    answer = program.get(f"/api/v1/calls?{query}")
    assert (answer.status_code, answer.json()["field"]) == (422, field)


def test_the_sound_is_sent_in_ranges(program: TestClient, three_calls: list[str]) -> None:
    answer = program.get(f"/api/v1/calls/{three_calls[0]}/audio", headers={"Range": "bytes=8-11"})
    assert (answer.status_code, answer.content) == (206, b"WAVE")


def test_retry_answers_with_the_call_on_its_way(web: Web, program: TestClient, three_calls: list[str]) -> None:
    call_id = three_calls[1]
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.FETCH, web.now)
        stages.fail(
            db, call_id, Stage.FETCH, web.now, PbxTimeout(host="h", port=1, seconds=5.0), will_retry=False
        )  # fmt: skip
        calls.set_state(db, call_id, CallState.FAILED, web.now)
    failed = program.get(f"/api/v1/calls/{call_id}").json()
    assert failed["stages"][0]["error"]["code"] == "pbx-timeout"
    answer = program.post(f"/api/v1/calls/{call_id}/retry")
    assert (answer.status_code, answer.json()["state"], answer.json()["stages"]) == (202, "found", [])


@pytest.mark.parametrize(
    "path", ["/api/v1/calls/none", "/api/v1/calls/none/audio", "/api/v1/pbxs/none", "/api/v1/syncs/none"]
)
def test_what_is_not_there_is_404(program: TestClient, path: str) -> None:
    assert program.get(path).json()["code"] == "not-found"


# ---- PBXs and syncs ----------------------------------------------------------------------------------------------


def test_a_pbx_is_connected_changed_and_removed(program: TestClient) -> None:
    made = program.post("/api/v1/pbxs", json=PBX)
    assert made.status_code == 201
    assert "password" not in made.text
    pbx_id = made.json()["id"]
    changed = program.put(f"/api/v1/pbxs/{pbx_id}", json=PBX | {"password": None, "sync_interval_min": 60})
    assert changed.json()["sync_interval_min"] == 60
    assert program.get(f"/api/v1/pbxs/{pbx_id}").json() == changed.json()
    assert program.delete(f"/api/v1/pbxs/{pbx_id}").status_code == 204
    assert program.get("/api/v1/pbxs").json() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [({"host": "http://x"}, "host"), ({"port": 0}, "port"), ({"password": None}, "password"), ({"extra": 1}, "extra"),
     ({"sync_interval_min": 1441}, "sync_interval_min"), ({"name": "Office"}, "name")],
)  # fmt: skip
def test_a_wrong_value_is_named_and_nothing_is_stored(
    web: Web, program: TestClient, change: dict[str, object], field: str
) -> None:
    web.add_pbx("Office")
    answer = program.post("/api/v1/pbxs", json=PBX | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert len(program.get("/api/v1/pbxs").json()) == 1


def test_a_connection_is_tested_before_it_is_stored(web: Web, program: TestClient) -> None:
    web.checks = [Check(check="tcp", status="fail", what="w", why="y", fix="f", code="pbx-timeout")]
    (check,) = program.post("/api/v1/pbxs/test", json=PBX).json()
    assert (check["check"], check["status"], check["fix"], check["code"]) == ("tcp", "fail", "f", "pbx-timeout")
    assert web.tested[0].password == "s3cret-word"
    assert program.get("/api/v1/pbxs").json() == []


def test_a_stored_connection_is_tested_with_its_password(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx()
    assert program.post(f"/api/v1/pbxs/{pbx_id}/test").status_code == 200
    assert web.tested[0].password == "open sesame"


def test_a_stored_connection_is_diagnosed_line_by_line(web: Web, program: TestClient) -> None:
    fix = Fix(where="Any FreePBX", text="Switch it on.", commands=("fwconsole reload",))
    web.checks = [
        Check(check="tcp", status="ok", what="w"),
        Check(check="ari", status="fail", what="w", why="y", fix="f", code="pbx-ari-off", fixes=(fix,), guide="x"),
    ]
    pbx_id = web.add_pbx(zone="Europe/Berlin")
    answer = program.get(f"/api/v1/pbxs/{pbx_id}/diagnosis")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    first, second = map(json.loads, answer.text.splitlines())
    assert (first["check"], first["status"], first["fixes"]) == ("tcp", "ok", [])
    assert second["fixes"] == [{"where": "Any FreePBX", "text": "Switch it on.", "commands": ["fwconsole reload"]}]
    assert second["guide"] == "x"
    assert (web.tested[0].password, web.zones) == ("open sesame", ["Europe/Berlin"])


def test_a_pbx_that_is_not_there_cannot_be_diagnosed(program: TestClient) -> None:
    assert program.get("/api/v1/pbxs/none/diagnosis").status_code == 404


def test_nobody_diagnoses_without_signing_in(web: Web) -> None:
    pbx_id = web.add_pbx()
    assert web.visitor().get(f"/api/v1/pbxs/{pbx_id}/diagnosis").status_code == 401


def test_a_sync_is_asked_for_watched_and_stopped(web: Web, program: TestClient) -> None:
    pbx_id = web.add_pbx()
    asked = program.post(f"/api/v1/pbxs/{pbx_id}/sync")
    assert asked.status_code == 202
    again = program.post(f"/api/v1/pbxs/{pbx_id}/sync")
    assert again.json()["id"] == asked.json()["id"]
    watched = program.get(f"/api/v1/syncs/{asked.json()['id']}").json()
    assert (watched["state"], watched["is_over"], watched["found"]) == ("queued", False, None)
    assert program.post(f"/api/v1/syncs/{watched['id']}/stop").json()["state"] == "cancelled"


def test_a_pbx_that_is_not_there_cannot_be_synced(program: TestClient) -> None:
    assert program.post("/api/v1/pbxs/none/sync").status_code == 404


# ---- the document ------------------------------------------------------------------------------------------------


def test_openapi_describes_every_route_of_the_api_and_no_page(web: Web) -> None:
    document = web.visitor().get("/api/v1/openapi.json").json()
    paths = set(document["paths"])
    assert all(path.startswith("/api/v1/") for path in paths)
    assert {"/api/v1/calls", "/api/v1/calls/{call_id}/audio", "/api/v1/pbxs/test", "/api/v1/events"} <= paths
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description") or operation.get("summary"), f"{method} {path}"
            assert "401" in operation["responses"], f"{method} {path}"


def test_openapi_names_the_fields_of_a_call(web: Web) -> None:
    document = web.visitor().get("/api/v1/openapi.json").json()
    fields = set(document["components"]["schemas"]["Call"]["properties"])
    assert {"id", "pbx", "recording", "started_at", "direction", "caller", "callee", "extension", "duration_s",
            "state", "engine", "sentiment"} <= fields  # fmt: skip


def test_no_page_of_documentation_that_loads_code_from_elsewhere(web: Web) -> None:
    assert web.owner().get("/docs").status_code == 404
    assert web.owner().get("/redoc").status_code == 404
