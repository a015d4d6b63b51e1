"""What people put right: the line changes, nothing of it is lost, and nobody overwrites what he has not seen."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fixtures.store import NOW

from aftercall.errors import CorrectionOutdated, NotFound
from aftercall.model import Transcript, Turn, Word
from aftercall.store import corrections, search, transcripts
from aftercall.store.tables import call

AddCalls = Callable[..., list[str]]


def turn(text: str, *, speaker: str = "A", start_s: float = 0.0, **fields: Any) -> Turn:
    words = tuple(
        Word(text=word, start_s=start_s + n, end_s=start_s + n + 0.5, confidence=0.4)
        for n, word in enumerate(text.split())
    )
    return Turn(
        **{"speaker": speaker, "role": None, "start_s": start_s, "end_s": start_s + 9, "text": text, "words": words}
        | fields
    )  # fmt: skip


def made(*turns: Turn, **fields: Any) -> Transcript:
    facts = {"engine": "pocketsphinx", "model": "en-us 0.1", "language": "en", "speakers": "separated"}
    return Transcript(**{**facts, "turns": turns, **fields})


@pytest.fixture
def call_id(engine: sa.Engine, add_calls: AddCalls) -> str:
    (found,) = add_calls(1)
    with engine.begin() as db:
        transcripts.put(db, found, made(turn("we fall you back"), turn("thank you", speaker="B", start_s=10.0)), NOW)
    return found


def correct(engine: sa.Engine, call_id: str, text: str, *, expected: str = "we fall you back", at: int = 0) -> Turn:
    with engine.begin() as db:
        return corrections.correct(db, call_id, at, text=text, expected=expected, by="olive", now=NOW)


def line(engine: sa.Engine, call_id: str, at: int = 0) -> Turn:
    with engine.connect() as db:
        found = transcripts.of_call(db, call_id)
    assert found
    return found.turns[at]


def test_a_corrected_line_keeps_the_times_of_its_other_words(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "  We call\nyou back. ")
    now = line(engine, call_id)
    assert (now.text, now.is_corrected) == ("We call you back.", True)
    assert [(word.text, word.start_s) for word in now.words] == [("We", 0), ("call", 1), ("you", 2), ("back.", 3)]
    assert line(engine, call_id, 1).text == "thank you"


def test_the_search_finds_the_corrected_words_and_not_the_wrong_ones(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "We call you back.")
    with engine.connect() as db:
        found = {
            word: db.scalars(sa.select(call.c.id).where(search.condition(word))).all() for word in ("call", "fall")
        }
    assert found == {"call": [call_id], "fall": []}


def test_a_line_that_changed_meanwhile_is_not_overwritten(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "We call you back.")
    with pytest.raises(CorrectionOutdated):
        correct(engine, call_id, "We fell, you're back")
    assert line(engine, call_id).text == "We call you back."


def test_two_people_who_correct_different_lines_lose_nothing(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "We call you back.")
    correct(engine, call_id, "Thank you!", expected="thank you", at=1)
    assert [line(engine, call_id, at).text for at in (0, 1)] == ["We call you back.", "Thank you!"]


def test_a_line_that_was_not_understood_is_when_a_person_wrote_it(engine: sa.Engine, add_calls: AddCalls) -> None:
    (call_id,) = add_calls(1)
    guess = turn("blah blah", is_understood=False)
    with engine.begin() as db:
        transcripts.put(db, call_id, made(turn("", words=guess.words, is_understood=False)), NOW)
    correct(engine, call_id, "Hold the line, please", expected="")
    now = line(engine, call_id)
    assert (now.text, now.is_understood) == ("Hold the line, please", True)


def test_a_line_in_which_nobody_spoke_can_be_emptied(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "  ")
    now = line(engine, call_id)
    assert (now.text, now.words, now.is_understood, now.is_corrected) == ("", (), True, True)


def test_the_same_text_again_confirms_the_line(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "we fall you back")
    with engine.connect() as db:
        assert [each.kind for each in corrections.history(db, call_id)] == ["confirm"]
    now = line(engine, call_id)
    assert now.is_corrected
    assert [word.confidence for word in now.words] == [0.4] * 4


def test_every_text_a_line_had_is_kept_with_who_gave_it(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "we call you back")
    correct(engine, call_id, "We'll call you back", expected="we call you back")
    with engine.connect() as db:
        history = corrections.history(db, call_id)
    assert [(each.before.text, each.after.text, each.made_by) for each in history] == [
        ("we fall you back", "we call you back", "olive"),
        ("we call you back", "We'll call you back", "olive"),
    ]
    assert corrections.by_line(history) == {0: history}


def test_what_the_engine_heard_comes_back_word_for_word(engine: sa.Engine, call_id: str) -> None:
    before = line(engine, call_id)
    correct(engine, call_id, "something else entirely")
    with engine.begin() as db:
        (first,) = corrections.history(db, call_id)
        corrections.restore(db, call_id, first.id, by="olive", now=NOW + timedelta(minutes=1))
    assert line(engine, call_id) == before
    with engine.connect() as db:
        assert [each.kind for each in corrections.history(db, call_id)] == ["correct", "restore"]


def test_going_back_can_itself_be_taken_back(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "we call you back")
    for _ in range(2):
        with engine.begin() as db:
            corrections.restore(db, call_id, corrections.history(db, call_id)[-1].id, by="olive", now=NOW)
    now = line(engine, call_id)
    assert (now.text, now.is_corrected) == ("we call you back", True)


def test_going_back_leaves_the_speaker_that_was_chosen_since(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "we call you back")
    with engine.begin() as db:
        present = transcripts.of_call(db, call_id)
        assert present
        other = turn("we call you back", speaker="B", is_corrected=True)
        transcripts.change(db, call_id, made(other, *present.turns[1:]))
        corrections.restore(db, call_id, corrections.history(db, call_id)[0].id, by="olive", now=NOW)
    assert (line(engine, call_id).text, line(engine, call_id).speaker) == ("we fall you back", "B")


def test_corrections_belong_to_the_version_they_were_made_in(engine: sa.Engine, call_id: str) -> None:
    correct(engine, call_id, "we call you back")
    with engine.begin() as db:
        transcripts.put(db, call_id, made(turn("oui"), engine="parakeet"), NOW)
        assert corrections.history(db, call_id) == []
        (old,) = corrections.history(db, call_id, every_version=True)
        with pytest.raises(CorrectionOutdated):
            corrections.restore(db, call_id, old.id, by="olive", now=NOW)


@pytest.mark.parametrize("position", [-1, 2])
def test_a_line_that_is_not_there_cannot_be_corrected(engine: sa.Engine, call_id: str, position: int) -> None:
    with pytest.raises(NotFound):
        correct(engine, call_id, "x", expected="", at=position)


def test_a_correction_of_another_call_is_none_of_this_one(engine: sa.Engine, call_id: str, add_calls: AddCalls) -> None:
    correct(engine, call_id, "we call you back")
    (other,) = add_calls(1, prefix="other")
    with engine.begin() as db:
        transcripts.put(db, other, made(turn("hello")), NOW)
        (foreign,) = corrections.history(db, call_id)
        with pytest.raises(NotFound):
            corrections.restore(db, other, foreign.id, by="olive", now=NOW)
