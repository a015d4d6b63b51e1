"""Analyse again: ask, watch, stop; from a page and by the API."""

import html
import re

from tests.fixtures.web import Web

from aftercall.jobs.renewing import renew
from aftercall.jobs.understanding import Understanding
from aftercall.store import insights, renewals

SAD = "this is terrible and I am very unhappy with your awful service " * 3


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _calls(web: Web, *texts: str) -> list[str]:
    made = []
    for number, text in enumerate(texts):
        made.append(web.add_call(f"call {number}"))
        web.finish(made[-1], text)
    return made


def _work(web: Web, renewal_id: str) -> None:
    """What the job does."""
    renew(web.engine, Understanding(engine=web.engine), renewal_id, lambda: web.now, at_once=2)


def _score(web: Web, call_id: str) -> float | None:
    with web.engine.connect() as db:
        found = insights.of_call(db, call_id)
    assert found is not None
    return found.sentiment.score


def test_every_call_of_a_list_is_understood_anew(web: Web) -> None:
    calls, browser = _calls(web, SAD, SAD, SAD), web.owner()
    web.add_call("not transcribed")
    before = _score(web, calls[0])
    address = browser.post("/renewals", data={"list": ""}).headers["location"]
    assert "0 of 3 analysed" in _text(browser.get(address).text)
    _work(web, address.rpartition("/")[2])
    assert "Done: 3 calls analysed" in _text(browser.get(address).text)
    scores = [_score(web, each) for each in calls]
    assert all(score is not None and score < 0 for score in scores)
    assert scores[0] != before


def test_a_filtered_list_is_counted_first(web: Web) -> None:
    _calls(web, "my chair is broken", "a lamp please")
    page = _text(web.owner().get("/renewals/new", params={"list": "q=chair"}).text)
    assert "1 call:" in page


def test_a_stopped_run_leaves_the_rest_as_it_was(web: Web) -> None:
    (call_id,), browser = _calls(web, SAD), web.owner()
    before = _score(web, call_id)
    address = browser.post("/renewals", data={"list": ""}).headers["location"]
    browser.post(f"{address}/cancel")
    _work(web, address.rpartition("/")[2])
    assert "Stopped: 0 of 1 analysed" in _text(browser.get(address).text)
    assert _score(web, call_id) == before


def test_one_call_is_asked_for_from_its_page(web: Web) -> None:
    (call_id,), browser = _calls(web, SAD), web.owner()
    assert browser.post(f"/calls/{call_id}/analyse-again").status_code == 303
    assert "0 of 1" in _text(browser.get("/renewals").text)


def test_the_api_asks_watches_and_stops(web: Web) -> None:
    calls, browser = _calls(web, SAD, SAD), web.owner()
    made = browser.post(f"/api/v1/calls/{calls[0]}/analyse-again").json()
    assert (made["total"], made["done"]) == (1, 0)
    every = browser.post("/api/v1/renewals").json()
    assert every["total"] == 2
    assert browser.get(f"/api/v1/renewals/{every['id']}").json()["done"] == 0
    assert browser.post(f"/api/v1/renewals/{every['id']}/cancel").json()["is_cancelled"]
    assert browser.get("/api/v1/renewals/none").status_code == 404


def test_it_is_not_for_those_who_may_not_see_every_call(web: Web) -> None:
    assert web.owner("agent").get("/renewals").status_code == 404


def test_words_that_changed_without_being_understood_are_found_after_a_restart(web: Web) -> None:
    (call_id,) = _calls(web, SAD)
    with web.engine.begin() as db:
        assert renewals.stale(db) == []
        renewals.ask(db, [call_id], query="", by="owner", now=web.now)
        assert renewals.stale(db) == []  # somebody is about to
        (wish,) = renewals.unfinished(db)
        renewals.finish(db, wish, web.now)
        assert renewals.stale(db) == [call_id]
