"""Transcribe again: ask, watch, compare, keep or discard."""

import html
import re
from datetime import timedelta

from tests.fixtures.web import Web

from aftercall.errors import EngineDied
from aftercall.model import Transcript, Turn, Word
from aftercall.store import reruns, transcripts


def _made(text: str) -> Transcript:
    words = tuple(Word(text=word, start_s=n, end_s=n + 0.5) for n, word in enumerate(text.split()))
    turn = Turn(speaker="unknown", role=None, start_s=0, end_s=len(words), text=text, words=words)
    return Transcript(engine="parakeet", model="tiny", language="en", speakers="not separated", turns=(turn,))


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _done(web: Web, name: str = "call", *texts: str) -> str:
    call_id = web.add_call(name)
    web.finish(call_id, *(texts or ("I want to buy a lamp",)))
    return call_id


def _ready(web: Web, call_id: str, rerun_id: str, text: str) -> int:
    """What the job does when a call was transcribed again."""
    with web.engine.begin() as db:
        number = transcripts.put_candidate(db, call_id, _made(text), rerun_id=rerun_id, now=web.now)
        reruns.set_state(
            db, rerun_id, call_id, "ready", web.now, among=["queued"], changed_words=1, all_words=6
        )  # fmt: skip
    return number


def _only_rerun(web: Web) -> str:
    with web.engine.connect() as db:
        return reruns.recent(db)[0].id


def test_asking_for_one_call_leaves_its_transcript_and_says_that_it_waits(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    assert browser.post(f"/calls/{call_id}/again", data={"engine": "pocketsphinx"}).status_code == 303
    page = _text(browser.get(f"/calls/{call_id}").text)
    assert "waits to be transcribed again" in page
    assert "buy a lamp" in page


def test_a_new_transcript_is_compared_word_by_word_before_it_is_used(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/again")
    number = _ready(web, call_id, _only_rerun(web), "I want to buy a lamb")
    assert f"/calls/{call_id}/versions/{number}" in browser.get(f"/calls/{call_id}").text
    page = browser.get(f"/calls/{call_id}/versions/{number}").text
    assert re.search(r"<del>.*lamp</del>", page)
    assert re.search(r"<ins>.*lamb</ins>", page)
    browser.post(f"/calls/{call_id}/versions/{number}/take")
    assert "lamb" in _text(browser.get(f"/calls/{call_id}").text)


def test_the_old_transcript_can_be_taken_back(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/again")
    number = _ready(web, call_id, _only_rerun(web), "I want to buy a lamb")
    browser.post(f"/calls/{call_id}/versions/{number}/take")
    browser.post(f"/calls/{call_id}/versions/1/take")
    assert "buy a lamp" in _text(browser.get(f"/calls/{call_id}").text)


def test_a_new_transcript_can_be_discarded(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/again")
    number = _ready(web, call_id, _only_rerun(web), "nonsense")
    browser.post(f"/calls/{call_id}/versions/{number}/discard")
    assert browser.get(f"/calls/{call_id}/versions/{number}").status_code == 404
    assert "new transcript" not in browser.get(f"/calls/{call_id}").text


def test_a_failure_shows_its_fix_and_goes_when_it_was_understood(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/again")
    rerun_id = _only_rerun(web)
    with web.engine.begin() as db:
        reruns.set_state(db, rerun_id, call_id, "failed", web.now, among=["queued"], error=EngineDied())
    assert EngineDied().fix in _text(browser.get(f"/calls/{call_id}").text)
    browser.post(f"/calls/{call_id}/again/forget", data={"rerun": rerun_id})
    assert EngineDied().fix not in _text(browser.get(f"/calls/{call_id}").text)


def test_an_engine_that_is_not_there_is_refused(web: Web) -> None:
    call_id = _done(web)
    answer = web.owner().post(f"/calls/{call_id}/again", data={"engine": "parrot"})
    assert answer.status_code == 422
    assert "parrot is not at hand" in _text(answer.text)


def test_a_language_the_engine_does_not_know_is_refused(web: Web) -> None:
    call_id = _done(web)
    answer = web.owner().post(f"/calls/{call_id}/again", data={"engine": "pocketsphinx", "language": "de"})
    assert answer.status_code == 422
    assert "does not know de" in _text(answer.text)


def test_long_agreement_is_left_out_of_a_comparison(web: Web) -> None:
    same = " ".join(f"word{n}" for n in range(80))
    call_id, browser = _done(web, "call", f"first {same} last"), web.owner()
    browser.post(f"/calls/{call_id}/again")
    number = _ready(web, call_id, _only_rerun(web), f"fist {same} lost")
    assert "56 words alike" in _text(browser.get(f"/calls/{call_id}/versions/{number}").text)


# ---- many calls -------------------------------------------------------------------------------------------------


def test_a_filtered_list_is_counted_before_it_is_transcribed_again(web: Web) -> None:
    _done(web, "lamp")
    _done(web, "chair", "my chair is broken")
    web.add_call("no sound yet")
    page = _text(web.owner().get("/reruns/new", params={"list": "q=chair"}).text)
    assert "1 call" in page
    assert "chair" in page


def test_all_calls_of_a_list_wait_for_a_person_and_are_replaced_at_once(web: Web) -> None:
    ids = [_done(web, name) for name in ("one", "two", "three")]
    web.add_call("no sound yet", ago=timedelta(hours=1))
    browser = web.owner()
    address = browser.post("/reruns", data={"list": "", "engine": "pocketsphinx"}).headers["location"]
    rerun_id = address.rpartition("/")[2]
    assert "0 of 3 transcribed" in _text(browser.get(address).text)
    for call_id in ids[:2]:
        _ready(web, call_id, rerun_id, "I want to buy a lamb")
    page = _text(browser.get(address).text)
    assert "2 of 3 transcribed" in page
    assert "2 new transcripts wait for you" in page
    browser.post(f"{address}/accept")
    assert "take their place: 2 to go" in _text(browser.get(address).text)


def test_a_run_can_be_stopped_and_what_is_ready_stays(web: Web) -> None:
    ids = [_done(web, name) for name in ("one", "two")]
    browser = web.owner()
    address = browser.post("/reruns", data={"list": ""}).headers["location"]
    _ready(web, ids[0], address.rpartition("/")[2], "I want to buy a lamb")
    browser.post(f"{address}/cancel")
    page = _text(browser.get(address).text)
    assert "1 not begun" in page
    assert "1 new transcript waits for you" in page
    browser.post(f"{address}/discard")
    assert "1 discarded" in _text(browser.get(address).text)


def test_every_run_is_listed(web: Web) -> None:
    _done(web)
    browser = web.owner()
    assert "Nothing yet" in _text(browser.get("/reruns").text)
    address = browser.post("/reruns", data={"list": ""}).headers["location"]
    assert address in browser.get("/reruns").text


def test_runs_are_not_for_those_who_may_not_see_every_call(web: Web) -> None:
    assert web.owner("agent").get("/reruns").status_code == 404
