"""/api/v1/categories."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.fixtures.web import Web

from aftercall.jobs import categorising

REFUND = {"name": "Refund", "when": {"words": ["refund"]}}


@pytest.fixture
def api(web: Web) -> Iterator[TestClient]:
    with web.visitor() as client:
        client.headers["Authorization"] = f"Bearer {web.token()}"
        yield client


def test_a_category_is_put_listed_changed_and_deleted(api: TestClient) -> None:
    made = api.put("/api/v1/categories/refund", json=REFUND).json()
    assert (made["id"], made["version"], made["when"]) == ("refund", 1, {"words": ["refund"]})
    listed = next(each for each in api.get("/api/v1/categories").json() if each["id"] == "refund")
    assert listed == made
    changed = api.put("/api/v1/categories/refund", json={**listed, "when": {"words": ["money back"]}}).json()
    assert changed["version"] == 2
    assert api.delete("/api/v1/categories/refund").status_code == 204
    assert api.delete("/api/v1/categories/refund").status_code == 404


def test_a_mistake_is_named_where_it_is(api: TestClient) -> None:
    answer = api.put("/api/v1/categories/refund", json={"name": "Refund", "when": {"any": [{"words": []}]}})
    assert answer.status_code == 422
    assert "when.any[0].words: must be a list" in answer.text


def test_a_preview_counts_and_quotes(api: TestClient, web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "hello", "a refund")
    found = api.post("/api/v1/categories/preview", json=REFUND).json()
    assert (found["call_count"], found["count"], found["added_count"]) == (1, 1, None)
    assert found["days"] == {"2026-11-23": 1}
    assert found["samples"] == [{"call_id": call_id, "evidence": [{"turn": 1, "start_s": 11.0, "words": "refund"}]}]


def test_applying_makes_the_filter_and_the_call_know_it(api: TestClient, web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "a refund")
    api.put("/api/v1/categories/refund", json=REFUND)
    run = api.post("/api/v1/categories/apply", json={"category": "refund"}).json()
    assert (run["state"], run["call_count"]) == ("queued", 1)
    categorising.work(web.engine, run["id"], lambda: web.now)
    assert api.get(f"/api/v1/categories/runs/{run['id']}").json()["state"] == "done"
    assert [each["id"] for each in api.get("/api/v1/calls?category=refund").json()["items"]] == [call_id]
    assert api.get("/api/v1/calls?category=payment").json()["items"] == []
    shown = api.get(f"/api/v1/calls/{call_id}").json()["categories"]
    assert [(each["id"], each["evidence"][0]["words"]) for each in shown] == [("refund", "refund")]


def test_a_run_is_stopped_once(api: TestClient) -> None:
    run = api.post("/api/v1/categories/apply", json={}).json()
    assert api.delete(f"/api/v1/categories/runs/{run['id']}").status_code == 204
    assert api.delete(f"/api/v1/categories/runs/{run['id']}").status_code == 404
    assert api.post("/api/v1/categories/apply", json={"category": "no-such"}).status_code == 404
