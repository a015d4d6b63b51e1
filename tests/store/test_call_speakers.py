"""Who works here and what the speakers are called, as people say it."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests.fixtures.store import NOW

from aftercall.errors import NotFound
from aftercall.model import Role, SpeakerSeparation, Transcript, Turn
from aftercall.store import call_speakers, transcripts
from aftercall.store.call_speakers import ChosenSpeaker


def said(*speakers: str, roles: dict[str, Role] | None = None) -> tuple[Turn, ...]:
    return tuple(
        Turn(speaker=speaker, role=(roles or {}).get(speaker), start_s=n * 10, end_s=n * 10 + 5, text=f"line {n}")
        for n, speaker in enumerate(speakers)
    )


def made(*turns: Turn, speakers: SpeakerSeparation = "separated") -> Transcript:
    return Transcript(engine="test", model="none", language="en", speakers=speakers, turns=turns)


@pytest.fixture
def call_id(add_calls: Callable[..., list[str]]) -> str:
    return add_calls(1)[0]


def put(engine: sa.Engine, call_id: str, *turns: Turn) -> None:
    with engine.begin() as db:
        transcripts.put(db, call_id, made(*turns), NOW)


def roles(engine: sa.Engine, call_id: str) -> list[tuple[str, Role | None]]:
    with engine.connect() as db:
        found = transcripts.of_call(db, call_id)
    assert found
    return [(turn.speaker, turn.role) for turn in found.turns]


def test_saying_that_one_works_here_makes_the_other_the_customer(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B", "A"))
    with engine.begin() as db:
        call_speakers.choose(db, call_id, "B", role="agent", name="", by="olive", now=NOW)
    assert roles(engine, call_id) == [("A", "customer"), ("B", "agent"), ("A", "customer")]


def test_a_name_leaves_the_roles_as_they_are(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B", roles={"A": "agent", "B": "customer"}))
    with engine.begin() as db:
        call_speakers.choose(db, call_id, "A", role=None, name="  Ada   Example ", by="olive", now=NOW)
        assert call_speakers.names(db, call_id) == {"A": "Ada Example"}
    assert roles(engine, call_id) == [("A", "agent"), ("B", "customer")]


def test_a_name_can_be_taken_away(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B"))
    for name in ("Ada", ""):
        with engine.begin() as db:
            call_speakers.choose(db, call_id, "A", role=None, name=name, by="olive", now=NOW)
    with engine.connect() as db:
        assert call_speakers.names(db, call_id) == {}


def test_swapping_exchanges_the_roles_and_swapping_again_takes_it_back(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B", roles={"A": "agent", "B": "customer"}))
    with engine.begin() as db:
        call_speakers.swap(db, call_id, by="olive", now=NOW)
    assert roles(engine, call_id) == [("A", "customer"), ("B", "agent")]
    with engine.begin() as db:
        call_speakers.swap(db, call_id, by="olive", now=NOW)
    assert roles(engine, call_id) == [("A", "agent"), ("B", "customer")]


def test_where_no_role_was_known_swapping_makes_the_first_speaker_the_agent(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B"))
    with engine.begin() as db:
        call_speakers.swap(db, call_id, by="olive", now=NOW)
    assert roles(engine, call_id) == [("A", "agent"), ("B", "customer")]


def test_names_stay_with_their_speakers_when_roles_are_swapped(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B", roles={"A": "agent", "B": "customer"}))
    with engine.begin() as db:
        call_speakers.choose(db, call_id, "A", role=None, name="Ada", by="olive", now=NOW)
        call_speakers.swap(db, call_id, by="olive", now=NOW)
        assert call_speakers.of_call(db, call_id) == {
            "A": ChosenSpeaker(role="customer", name="Ada"),
            "B": ChosenSpeaker(role="agent", name=""),
        }


def test_what_was_chosen_holds_for_a_later_transcript(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B"))
    with engine.begin() as db:
        call_speakers.choose(db, call_id, "A", role="agent", name="", by="olive", now=NOW)
        later = made(*said("A", "B", "unknown", roles={"A": "customer", "B": "agent"}))
        taken = call_speakers.with_chosen(later, call_speakers.of_call(db, call_id))
    assert [turn.role for turn in taken.turns] == ["agent", "customer", None]


def test_one_line_goes_to_the_other_speaker_and_back(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("A", "B", "A", roles={"A": "agent", "B": "customer"}))
    with engine.begin() as db:
        call_speakers.say_it_was_the_other(db, call_id, 1, now=NOW)
    assert roles(engine, call_id) == [("A", "agent"), ("A", "agent"), ("A", "agent")]
    with engine.begin() as db:
        call_speakers.say_it_was_the_other(db, call_id, 1, now=NOW)
    assert roles(engine, call_id) == [("A", "agent"), ("B", "customer"), ("A", "agent")]


def test_speakers_that_were_not_told_apart_have_no_roles(engine: sa.Engine, call_id: str) -> None:
    put(engine, call_id, *said("unknown", "unknown"))
    with engine.begin() as db:
        for change in (
            lambda: call_speakers.swap(db, call_id, by="olive", now=NOW),
            lambda: call_speakers.choose(db, call_id, "A", role="agent", name="", by="olive", now=NOW),
            lambda: call_speakers.say_it_was_the_other(db, call_id, 0, now=NOW),
        ):
            with pytest.raises(NotFound):
                change()
