"""Transcribe again, by the API."""

from tests.fixtures.web import Web

from aftercall.model import Transcript, Turn
from aftercall.store import reruns, transcripts


def _made(text: str) -> Transcript:
    turn = Turn(speaker="unknown", role=None, start_s=0, end_s=1, text=text)
    return Transcript(engine="parakeet", model="tiny", language="en", speakers="not separated", turns=(turn,))


def _ready(web: Web, call_id: str, rerun_id: str, text: str) -> int:
    with web.engine.begin() as db:
        number = transcripts.put_candidate(db, call_id, _made(text), rerun_id=rerun_id, now=web.now)
        reruns.set_state(db, rerun_id, call_id, "ready", web.now, among=["queued"], changed_words=1, all_words=5)
    return number


def test_a_new_transcript_is_a_version_until_it_is_taken(web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "I want to buy a lamp")
    client = web.owner()
    run = client.post(f"/api/v1/calls/{call_id}/again", json={"engine": "pocketsphinx"})
    assert run.status_code == 202
    assert run.json()["counts"] == {"queued": 1}
    number = _ready(web, call_id, run.json()["id"], "I want a lamb")
    versions = client.get(f"/api/v1/calls/{call_id}/versions").json()
    assert [(each["number"], each["state"]) for each in versions] == [(1, "present"), (2, "candidate")]
    assert client.get(f"/api/v1/calls/{call_id}/versions/{number}").json()["turns"][0]["text"] == "I want a lamb"
    client.post(f"/api/v1/calls/{call_id}/versions/{number}/take")
    assert client.get(f"/api/v1/calls/{call_id}").json()["turns"][0]["text"] == "I want a lamb"


def test_a_new_transcript_can_be_discarded(web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "I want to buy a lamp")
    client = web.owner()
    rerun_id = client.post(f"/api/v1/calls/{call_id}/again", json={}).json()["id"]
    number = _ready(web, call_id, rerun_id, "nonsense")
    left = client.post(f"/api/v1/calls/{call_id}/versions/{number}/discard").json()
    assert [each["state"] for each in left] == ["present"]
    assert client.post(f"/api/v1/calls/{call_id}/versions/1/discard").status_code == 404


def test_all_calls_of_a_filter_are_asked_for_and_stopped(web: Web) -> None:
    for name in ("one", "two"):
        web.finish(web.add_call(name), "hello there")
    web.finish(web.add_call("out", kind="out", direction="outbound"), "hello there")
    client = web.owner()
    run = client.post("/api/v1/reruns", params={"direction": "inbound"}, json={}).json()
    assert run["counts"] == {"queued": 2}
    assert client.post(f"/api/v1/reruns/{run['id']}/cancel").json()["counts"] == {"cancelled": 2}
    assert client.get(f"/api/v1/reruns/{run['id']}").json()["is_cancelled"] is True


def test_a_run_that_is_not_there_is_said_so(web: Web) -> None:
    assert web.owner().get("/api/v1/reruns/nothing").status_code == 404
