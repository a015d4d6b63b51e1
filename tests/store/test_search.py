from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aftercall.model import Transcript, Turn, Word
from aftercall.store import calls, search, transcripts
from aftercall.store.calls import CallFilter

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _said(*texts: str) -> Transcript:
    turns = []
    for index, text in enumerate(texts):
        words = tuple(
            Word(text=word, start_s=index * 100 + place, end_s=index * 100 + place + 0.5, confidence=0.9)
            for place, word in enumerate(text.split())
        )
        turns.append(Turn(speaker="A", role=None, start_s=index * 100, end_s=index * 100 + 50, text=text, words=words))
    return Transcript(
        engine="test", model="none", language="en", speakers="not separated", turns=tuple(turns)
    )  # fmt: skip


@pytest.fixture
def said(engine: sa.Engine, add_calls: Callable[..., list[str]]) -> Callable[..., None]:
    ids = add_calls(3)

    def put(index: int, *texts: str) -> None:
        with engine.begin() as db:
            transcripts.put(db, ids[index], _said(*texts), NOW)

    return put


def _find(engine: sa.Engine, text: str) -> list[str]:
    with engine.connect() as db:
        return [row.recording for row in calls.page(db, CallFilter(text=text)).rows]


def test_finds_calls_in_which_every_word_was_said_newest_first(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "the boiler is cold", "please send somebody")
    said(1, "the boiler is fine")
    said(2, "nothing to see")
    assert _find(engine, "boiler") == ["call-0", "call-1"]
    assert _find(engine, "boiler send") == ["call-0"]


def test_a_phrase_in_quotes_keeps_its_order(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "call me back tomorrow")
    said(1, "back to my call")
    assert _find(engine, '"call me back"') == ["call-0"]


def test_accents_and_case_do_not_matter(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "ein Büro in Zürich")
    assert _find(engine, "BURO") == _find(engine, "büro") == ["call-0"]


def test_a_new_transcript_replaces_the_old_one_in_the_index(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "old words")
    said(0, "new words")
    assert (_find(engine, "old"), _find(engine, "new")) == ([], ["call-0"])


def test_the_snippet_shows_the_hit_and_its_second(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "hello", "one two three four five six seven eight nine ten Boiler! twelve")
    with engine.connect() as db:
        snippet = calls.page(db, CallFilter(text="boiler")).rows[0].snippet
    assert snippet is not None
    assert [part for part, is_hit in snippet.parts if is_hit] == ["Boiler!"]
    assert snippet.start_s == 110
    assert "".join(part for part, _ in snippet.parts).startswith("… three")


def test_punctuation_alone_finds_nothing(engine: sa.Engine, said: Callable[..., None]) -> None:
    said(0, "anything")
    assert _find(engine, '"" !! -') == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_nothing_a_person_types_is_syntax(engine: sa.Engine, said: Callable[..., None], typed: str) -> None:
    with engine.connect() as db:
        calls.page(db, CallFilter(text=typed))


@given(st.text())
def test_terms_hold_only_letters_and_digits(typed: str) -> None:
    assert all(token.isalnum() for term in search.terms(typed) for token in term.split())
