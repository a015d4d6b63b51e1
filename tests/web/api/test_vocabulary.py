"""The vocabulary and the accuracy report, by the API."""

from tests.fixtures.web import Web


def test_a_term_is_added_once_and_forgotten(web: Web) -> None:
    client = web.owner()
    added = client.post("/api/v1/vocabulary", json={"phrase": "  Zeppelin   Tours "})
    assert added.status_code == 201
    assert [(each["phrase"], each["source"]) for each in added.json()] == [("Zeppelin Tours", "typed")]
    assert len(client.post("/api/v1/vocabulary", json={"phrase": "zeppelin tours"}).json()) == 1
    assert client.delete("/api/v1/vocabulary/Zeppelin Tours").status_code == 204
    assert client.get("/api/v1/vocabulary").json() == []
    assert client.delete("/api/v1/vocabulary/Zeppelin Tours").status_code == 404


def test_what_is_no_word_is_refused_with_a_reason(web: Web) -> None:
    answer = web.owner().post("/api/v1/vocabulary", json={"phrase": "42"})
    assert answer.status_code == 422
    assert "two letters" in answer.text


def test_the_word_error_rate_is_counted_from_the_lines_people_read(web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "I want to buy a lamb", "very good")
    client = web.owner()
    sent = {"text": "I want to buy a lamp", "expected": "I want to buy a lamb"}
    client.put(f"/api/v1/calls/{call_id}/turns/0", json=sent)
    client.put(f"/api/v1/calls/{call_id}/turns/1", json={"text": "very good", "expected": "very good"})
    found = client.get("/api/v1/accuracy").json()
    (engine,) = found["engines"]
    assert (engine["lines"], engine["confirmed_lines"], engine["words"]) == (2, 1, 8)
    assert engine["word_error_rate"] == 0.125
    assert engine["is_rough"] is True
    assert found["mistakes"] == [{"heard": "lamb", "said": "lamp", "count": 1}]
