"""This file remembers what people said of a call's speakers: who works here, and what they are called."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from aftercall.errors import NotFound
from aftercall.model import Role, Transcript
from aftercall.speech.turns import UNKNOWN, with_roles, with_speaker
from aftercall.store import calls, transcripts
from aftercall.store.tables import call_speaker

SPEAKERS = ("A", "B")
LONGEST_NAME = 80
_OTHER: dict[Role, Role] = {"agent": "customer", "customer": "agent"}


@dataclass(frozen=True, kw_only=True)
class ChosenSpeaker:
    """What people said of one speaker."""

    #: None where nobody has said it: then it is what was found out.
    role: Role | None
    #: "" for none.
    name: str


NOTHING = ChosenSpeaker(role=None, name="")


def of_call(db: sa.Connection, call_id: str) -> dict[str, ChosenSpeaker]:
    """What people said of each speaker; who is not in it was not spoken of."""
    rows = db.execute(sa.select(call_speaker).where(call_speaker.c.call_id == call_id))
    return {row.speaker: ChosenSpeaker(role=row.role, name=row.name or "") for row in rows}


def names(db: sa.Connection, call_id: str) -> dict[str, str]:
    """The names that people gave the speakers."""
    return {speaker: each.name for speaker, each in of_call(db, call_id).items() if each.name}


def with_chosen(made: Transcript, chosen: Mapping[str, ChosenSpeaker]) -> Transcript:
    """A transcript with the roles that people chose, for whenever one takes another's place."""
    roles = {speaker: each.role for speaker, each in chosen.items() if each.role}
    return replace(made, turns=with_roles(made.turns, roles)) if roles else made


def choose(
    db: sa.Connection, call_id: str, speaker: str, *, role: Role | None, name: str | None, by: str, now: datetime
) -> None:
    """Say who a speaker is; every turn follows at once, and so does every later transcript of this call.

    Args:
        role: the other speaker gets the other one; None leaves both roles as they are.
        name: "" for none; None leaves it as it is.
    Raises:
        NotFound: the call has no such speaker.
    """
    made = _transcript(db, call_id, now)
    if speaker not in _speakers(made):
        raise NotFound(thing="such speaker in this call")
    known = of_call(db, call_id)
    before = known.get(speaker, NOTHING)
    written = before.name if name is None else " ".join(name.split())
    _put(db, call_id, speaker, ChosenSpeaker(role=role or before.role, name=written), by, now)
    if role is not None:
        other = SPEAKERS[1 - SPEAKERS.index(speaker)]
        _put(db, call_id, other, replace(known.get(other, NOTHING), role=_OTHER[role]), by, now)
    transcripts.change(db, call_id, with_chosen(made, of_call(db, call_id)))


def swap(db: sa.Connection, call_id: str, *, by: str, now: datetime) -> None:
    """Exchange the roles of the two speakers; where none was known, A becomes the agent.

    Raises:
        NotFound: the call has no two speakers.
    """
    made = _transcript(db, call_id, now)
    present = {turn.speaker: turn.role for turn in made.turns if turn.role}
    speakers = _speakers(made)
    if not speakers:
        raise NotFound(thing="pair of speakers in this call")
    role = present.get("A") or _OTHER.get(present.get("B") or "agent", "customer")
    names_now = of_call(db, call_id)
    for speaker in SPEAKERS:
        own = _OTHER[role] if speaker == "A" else role
        _put(db, call_id, speaker, replace(names_now.get(speaker, NOTHING), role=own), by, now)
    transcripts.change(db, call_id, with_chosen(made, of_call(db, call_id)))


def say_it_was_the_other(db: sa.Connection, call_id: str, position: int, *, now: datetime) -> None:
    """Give one line to the other speaker; the same again takes it back.

    Raises:
        NotFound: there is no such line, or its speaker is not known.
    """
    made = _transcript(db, call_id, now)
    if not 0 <= position < len(made.turns) or made.turns[position].speaker not in SPEAKERS:
        raise NotFound(thing="such line with a known speaker in this call")
    other = SPEAKERS[1 - SPEAKERS.index(made.turns[position].speaker)]
    # Apart even where they would make one turn now: each line keeps its history, and the way back is the same click.
    turns = with_speaker(made.turns, position, other, joins=False)
    transcripts.change(db, call_id, replace(made, turns=turns))


def _transcript(db: sa.Connection, call_id: str, now: datetime) -> Transcript:
    # Written before anything is read: from here on nobody else changes this call until we are done.
    calls.touch(db, call_id, now)
    made = transcripts.of_call(db, call_id)
    if made is None:
        raise NotFound(thing="transcript of this call")
    return made


def _speakers(made: Transcript) -> tuple[str, ...]:
    """Both speakers as soon as one is known: the other one may have said nothing that was understood."""
    return SPEAKERS if any(turn.speaker != UNKNOWN for turn in made.turns) else ()


def _put(  # noqa: PLR0917 - each is a column
    db: sa.Connection, call_id: str, speaker: str, chosen: ChosenSpeaker, by: str, now: datetime
) -> None:
    db.execute(
        call_speaker.delete().where(call_speaker.c.call_id == call_id, call_speaker.c.speaker == speaker)
    )  # fmt: skip
    db.execute(
        call_speaker.insert().values(
            call_id=call_id,
            speaker=speaker,
            role=chosen.role,
            name=chosen.name or None,
            set_by=by,
            set_at=now,
        )
    )
