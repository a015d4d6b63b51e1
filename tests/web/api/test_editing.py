"""Putting a transcript right, by the API."""

from dataclasses import replace

from tests.fixtures.web import Web

from aftercall.store import transcripts


def _done(web: Web, *texts: str) -> str:
    call_id = web.add_call()
    web.finish(call_id, *(texts or ("I want to buy a lamb", "very good")))
    return call_id


def _two_speakers(web: Web, call_id: str) -> None:
    with web.engine.begin() as db:
        made = transcripts.of_call(db, call_id)
        assert made
        turns = tuple(replace(turn, speaker="AB"[n]) for n, turn in enumerate(made.turns))
        transcripts.change(db, call_id, replace(made, turns=turns, speakers="stereo"))


def test_a_line_is_corrected_found_by_the_search_and_kept_in_the_history(web: Web) -> None:
    call_id, client = _done(web), web.owner()
    sent = {"text": "I want to buy a lamp", "expected": "I want to buy a lamb"}
    line = client.put(f"/api/v1/calls/{call_id}/turns/0", json=sent)
    assert line.status_code == 200
    assert (line.json()["text"], line.json()["is_corrected"]) == ("I want to buy a lamp", True)
    assert [each["id"] for each in client.get("/api/v1/calls", params={"q": "lamp"}).json()["items"]] == [call_id]
    (change,) = client.get(f"/api/v1/calls/{call_id}/corrections").json()
    assert (change["kind"], change["before"], change["after"]) == ("correct", sent["expected"], sent["text"])
    back = client.post(f"/api/v1/calls/{call_id}/corrections/{change['id']}/restore").json()
    assert (back["text"], back["is_corrected"]) == ("I want to buy a lamb", False)


def test_a_line_that_changed_meanwhile_is_left_alone(web: Web) -> None:
    call_id, client = _done(web), web.owner()
    answer = client.put(f"/api/v1/calls/{call_id}/turns/0", json={"text": "second", "expected": "something else"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.get(f"/api/v1/calls/{call_id}").json()["turns"][0]["text"] == "I want to buy a lamb"


def test_a_line_that_is_not_there_is_said_so(web: Web) -> None:
    call_id = _done(web)
    sent = {"text": "hello", "expected": ""}
    assert web.owner().put(f"/api/v1/calls/{call_id}/turns/7", json=sent).status_code == 404


def test_speakers_are_named_swapped_and_lines_given_to_the_other(web: Web) -> None:
    call_id, client = _done(web), web.owner()
    assert client.get(f"/api/v1/calls/{call_id}/speakers").json() == []
    _two_speakers(web, call_id)
    named = client.put(f"/api/v1/calls/{call_id}/speakers/A", json={"name": "Ms Ito", "role": "agent"}).json()
    assert [(each["speaker"], each["name"], each["role"]) for each in named] == [
        ("A", "Ms Ito", "agent"),
        ("B", "", "customer"),
    ]
    swapped = client.post(f"/api/v1/calls/{call_id}/speakers/swap").json()
    assert [(each["name"], each["role"], each["is_chosen"]) for each in swapped] == [
        ("Ms Ito", "customer", True),
        ("", "agent", True),
    ]
    assert client.post(f"/api/v1/calls/{call_id}/turns/0/other-speaker").json()["speaker"] == "B"
    assert client.put(f"/api/v1/calls/{call_id}/speakers/C", json={"name": "nobody"}).status_code == 404
