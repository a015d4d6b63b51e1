"""The accuracy on one's own calls: what was heard against what people corrected."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.fixtures.store import NOW
from tests.store.test_corrections import made, turn

from aftercall.store import accuracy, corrections, transcripts

AddCalls = Callable[..., list[str]]


def report(engine: sa.Engine) -> accuracy.Accuracy:
    with engine.connect() as db:
        return accuracy.report(db)


def read(engine: sa.Engine, call_id: str, heard: str, said: str, *, at: int = 0, minutes: int = 0) -> None:
    with engine.begin() as db:
        corrections.correct(
            db, call_id, at, text=said, expected=heard, by="olive", now=NOW + timedelta(minutes=minutes)
        )  # fmt: skip


@pytest.fixture
def call_id(engine: sa.Engine, add_calls: AddCalls) -> str:
    (found,) = add_calls(1)
    with engine.begin() as db:
        transcripts.put(db, found, made(turn("we fall you back"), turn("thank you", start_s=10), turn("bye")), NOW)
    return found


def test_without_corrections_nothing_is_claimed(engine: sa.Engine, call_id: str) -> None:
    assert (report(engine).engines, report(engine).months, report(engine).mistakes) == ((), (), ())


def test_wrong_words_are_counted_over_the_lines_that_people_read(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "We call you back.")
    read(engine, call_id, "thank you", "thank you", at=1)
    (found,) = report(engine).engines
    assert (found.engine, found.model, found.language) == ("pocketsphinx", "en-us 0.1", "en")
    assert (found.measured.lines, found.measured.confirmed) == (2, 1)
    assert found.measured.errors.rate == pytest.approx(1 / 6)
    assert found.measured.is_rough


def test_what_the_engine_heard_counts_however_often_a_line_was_corrected(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "we call you bag")
    read(engine, call_id, "we call you bag", "we call you back")
    assert report(engine).engines[0].measured.errors.wrong == 1


def test_a_line_put_back_to_what_the_engine_heard_counts_for_nothing(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "we call you back")
    with engine.begin() as db:
        corrections.restore(db, call_id, corrections.history(db, call_id)[0].id, by="olive", now=NOW)
    assert report(engine).engines == ()


def test_the_guess_of_a_line_that_was_not_understood_counts(engine: sa.Engine, add_calls: AddCalls) -> None:
    (call_id,) = add_calls(1)
    with engine.begin() as db:
        transcripts.put(
            db, call_id, made(turn("", words=turn("hold a lime").words, is_understood=False)), NOW
        )  # fmt: skip
    read(engine, call_id, "", "hold the line")
    assert report(engine).engines[0].measured.errors.substitutions == 2


def test_each_model_and_language_has_its_own_figure_also_of_older_versions(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "we call you back")
    read(engine, call_id, "bye", "bye", at=2)
    with engine.begin() as db:
        transcripts.put(db, call_id, made(turn("wir rufen zurück"), engine="parakeet", language="de"), NOW)
    read(engine, call_id, "wir rufen zurück", "Wir rufen Sie zurück")
    assert [(each.engine, each.language, each.measured.lines) for each in report(engine).engines] == [
        ("pocketsphinx", "en", 2),
        ("parakeet", "de", 1),
    ]


def test_months_stand_by_when_a_line_was_read(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "we call you back")
    read(engine, call_id, "thank you", "thank you", at=1, minutes=60 * 24 * 20)
    assert [(each.month, each.measured.lines) for each in report(engine).months] == [("2026-12", 1), ("2026-11", 1)]


def test_frequent_mistakes_come_first_and_as_people_write_them(engine: sa.Engine, add_calls: AddCalls) -> None:
    for call_id in add_calls(3):
        with engine.begin() as db:
            transcripts.put(db, call_id, made(turn("the wise man boiler and a lamb")), NOW)
        read(engine, call_id, "the wise man boiler and a lamb", "the Weissmann, boiler and a lamb")
    with engine.begin() as db:
        transcripts.put(db, call_id, made(turn("a lamb")), NOW)
    read(engine, call_id, "a lamb", "a lamp")
    found = report(engine).mistakes
    assert [(each.heard, each.said, each.count) for each in found] == [
        ("wise man", "Weissmann", 3),
        ("lamb", "lamp", 1),
    ]


def test_a_long_stretch_is_no_mistake_to_learn_from(engine: sa.Engine, call_id: str) -> None:
    read(engine, call_id, "we fall you back", "something else was said here really")
    assert report(engine).mistakes == ()


def test_many_words_make_a_figure_sure(engine: sa.Engine, add_calls: AddCalls) -> None:
    (call_id,) = add_calls(1)
    text = " ".join(["word"] * accuracy.SURE_FROM_WORDS)
    with engine.begin() as db:
        transcripts.put(db, call_id, made(turn(text)), NOW)
    read(engine, call_id, text, text)
    assert not report(engine).engines[0].measured.is_rough
