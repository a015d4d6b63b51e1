"""Putting a transcript right: a line's words, its history, who said it, and how well the engines hear."""

import html
import re
from dataclasses import replace

from tests.fixtures.web import Web

from aftercall.jobs import again
from aftercall.model import Transcript
from aftercall.store import call_speakers, transcripts, vocabulary


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _done(web: Web, *texts: str) -> str:
    call_id = web.add_call()
    web.finish(call_id, *(texts or ("I want to buy a lamb", "very good")))
    return call_id


def _two_speakers(web: Web, call_id: str) -> Transcript:
    """The first line is A's, the second B's."""
    with web.engine.begin() as db:
        made = transcripts.of_call(db, call_id)
        assert made
        turns = tuple(replace(turn, speaker="AB"[n]) for n, turn in enumerate(made.turns))
        changed = replace(made, turns=turns, speakers="stereo")
        transcripts.change(db, call_id, changed)
    return changed


def test_a_corrected_line_is_shown_marked_and_found(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    assert "I want to buy a lamb" in _text(browser.get(f"/calls/{call_id}/turns/0/edit").text)
    sent = {"text": "I want to buy a lamp", "expected": "I want to buy a lamb"}
    assert browser.post(f"/calls/{call_id}/turns/0", data=sent).headers["location"] == f"/calls/{call_id}#turn-0"
    page = _text(browser.get(f"/calls/{call_id}").text)
    assert "buy a lamp" in page
    assert "corrected" in page
    assert call_id in browser.get("/?q=lamp").text


def test_the_form_plays_the_line(web: Web) -> None:
    call_id = _done(web)
    page = web.owner().get(f"/calls/{call_id}/turns/1/edit").text
    assert f'src="/calls/{call_id}/audio#t=10.00,' in page


def test_a_line_that_changed_meanwhile_is_shown_beside_the_text_that_was_typed(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/turns/0", data={"text": "first", "expected": "I want to buy a lamb"})
    answer = browser.post(f"/calls/{call_id}/turns/0", data={"text": "second", "expected": "I want to buy a lamb"})
    assert answer.status_code == 409
    page = _text(answer.text)
    assert "It now says: first" in page
    assert "second" in page


def test_a_line_can_go_back_to_what_the_engine_wrote(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    browser.post(f"/calls/{call_id}/turns/0", data={"text": "nonsense", "expected": "I want to buy a lamb"})
    page = browser.get(f"/calls/{call_id}/turns/0/history").text
    found = re.search(rf"/calls/{call_id}/corrections/(\d+)/restore", page)
    assert found
    browser.post(found[0])
    assert "buy a lamb" in _text(browser.get(f"/calls/{call_id}").text)


def test_words_of_a_correction_can_be_learned(web: Web) -> None:
    call_id = _done(web)
    sent = {"text": "I want a Zeppelin", "expected": "I want to buy a lamb", "learn": "Zeppelin, Kowalczyk"}
    web.owner().post(f"/calls/{call_id}/turns/0", data=sent)
    with web.engine.connect() as db:
        assert [each.phrase for each in vocabulary.every(db)] == ["Kowalczyk", "Zeppelin"]


def test_a_speaker_is_named_and_the_roles_are_swapped(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    _two_speakers(web, call_id)
    browser.post(f"/calls/{call_id}/speakers/A", data={"name": "Ada Example", "role": "agent"})
    page = _text(browser.get(f"/calls/{call_id}").text)
    assert "Ada Example" in page
    assert "Customer" in page
    browser.post(f"/calls/{call_id}/speakers/swap")
    assert [turn["role"] for turn in browser.get(f"/api/v1/calls/{call_id}").json()["turns"]] == ["customer", "agent"]


def test_one_line_goes_to_the_other_speaker(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    _two_speakers(web, call_id)
    browser.post(f"/calls/{call_id}/turns/1/other-speaker")
    assert [turn["speaker"] for turn in browser.get(f"/api/v1/calls/{call_id}").json()["turns"]] == ["A", "A"]


def test_what_people_said_of_the_speakers_holds_for_the_transcript_that_takes_the_place(web: Web) -> None:
    call_id = _done(web)
    made = _two_speakers(web, call_id)
    with web.engine.begin() as db:
        number = transcripts.put_candidate(db, call_id, replace(made, model="2"), rerun_id="r", now=web.now)
        call_speakers.choose(db, call_id, "A", role="agent", name="Ada", by="owner", now=web.now)
        again.make_present(db, call_id, number, web.now)
        present = transcripts.of_call(db, call_id)
    assert present
    assert [turn.role for turn in present.turns] == ["agent", "customer"]


def test_exports_call_the_speakers_by_their_names(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    _two_speakers(web, call_id)
    browser.post(f"/calls/{call_id}/speakers/B", data={"name": "Ben Example"})
    assert "Ben Example" in browser.get(f"/calls/{call_id}/export/txt").text


def test_a_line_that_is_not_there_is_said_so(web: Web) -> None:
    call_id = _done(web)
    assert web.owner().get(f"/calls/{call_id}/turns/9/edit").status_code == 404
    assert web.owner("agent").get(f"/calls/{call_id}/turns/0/edit").status_code == 404


# ---- accuracy ---------------------------------------------------------------------------------------------------


def test_without_a_correction_the_accuracy_page_says_how_to_get_figures(web: Web) -> None:
    assert "No line was read by a person yet" in _text(web.owner().get("/accuracy").text)


def test_the_word_errors_of_an_engine_are_counted_from_corrected_and_confirmed_lines(web: Web) -> None:
    call_id, browser = _done(web), web.owner()
    sent = {"text": "I want to buy a lamp", "expected": "I want to buy a lamb"}
    browser.post(f"/calls/{call_id}/turns/0", data=sent)
    browser.post(f"/calls/{call_id}/turns/1/confirm", data={"expected": "very good"})
    page = _text(browser.get("/accuracy").text)
    assert "12 in 100" in page  # one word of eight
    assert "from 2 lines: a rough figure" in page
    browser.post("/accuracy/learn", data={"phrase": "lamp"})
    assert "in the vocabulary" in _text(browser.get("/accuracy").text)


def test_the_accuracy_page_is_for_those_who_administer(web: Web) -> None:
    assert web.owner("agent").get("/accuracy").status_code == 403
