"""This file remembers what people put right in transcripts: every text a line has had, and who gave it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

import sqlalchemy as sa

from aftercall.errors import CorrectionOutdated, NotFound
from aftercall.model import Transcript, Turn
from aftercall.speech.retimed import retimed
from aftercall.store import calls, transcripts
from aftercall.store.tables import correction

#: `confirm`: a person read the line and found it right.
Kind = Literal["correct", "confirm", "restore"]


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One line as it was before a person's change, and after it."""

    id: int
    version: int
    #: Of the turn in that version, from 0.
    position: int
    kind: Kind
    before: Turn
    after: Turn
    made_by: str
    made_at: datetime


def correct(
    db: sa.Connection, call_id: str, position: int, *, text: str, expected: str, by: str, now: datetime
) -> Turn:
    """Give a line the text that was really said; the same text again confirms it.

    Args:
        expected: the text of the line as the person saw it.
        by: the name of the account.
    Returns:
        The line as it is now, its words with their times.
    Raises:
        NotFound: there is no such line.
        CorrectionOutdated: the line says something else by now; nothing was changed.
    """
    made, before = _line(db, call_id, position, now)
    if plain(before.text) != plain(expected):
        raise CorrectionOutdated(line=position + 1)
    written = plain(text)
    is_same = before.is_understood and written == before.text
    after = replace(
        before, text=written, words=retimed(before, written), is_understood=True, is_corrected=True
    )  # fmt: skip
    return _change(db, call_id, made, position, after, kind="confirm" if is_same else "correct", by=by, now=now)


def restore(db: sa.Connection, call_id: str, correction_id: int, *, by: str, now: datetime) -> Turn:
    """Give a line back the text and the words it had before one of its corrections; who said it stays as it is now.

    Returns:
        The line as it is now.
    Raises:
        NotFound: the call has no such correction.
        CorrectionOutdated: it was made in another version of the transcript.
    """
    found = next((each for each in history(db, call_id, every_version=True) if each.id == correction_id), None)
    if found is None:
        raise NotFound(thing="such correction of this call")
    made, present = _line(db, call_id, found.position, now)
    if found.version != transcripts.present_version(db, call_id):
        raise CorrectionOutdated(line=found.position + 1)
    after = replace(found.before, speaker=present.speaker, role=present.role)
    return _change(db, call_id, made, found.position, after, kind="restore", by=by, now=now)


def history(db: sa.Connection, call_id: str, *, every_version: bool = False) -> list[Correction]:
    """What people put right in a call's present transcript, or in all it ever had; the oldest first."""
    statement = sa.select(correction).where(correction.c.call_id == call_id).order_by(correction.c.id)
    if not every_version:
        statement = statement.where(correction.c.version == transcripts.present_version(db, call_id))
    return [_read(row) for row in db.execute(statement).mappings()]


def by_line(found: list[Correction]) -> dict[int, list[Correction]]:
    """The same for each line, by its position."""
    lines: dict[int, list[Correction]] = {}
    for each in found:
        lines.setdefault(each.position, []).append(each)
    return lines


def plain(text: str) -> str:
    """A text as a line holds it: without breaks and double spaces."""
    return " ".join(text.split())


def _line(db: sa.Connection, call_id: str, position: int, now: datetime) -> tuple[Transcript, Turn]:
    # Written before anything is read: from here on nobody else changes this call until we are done.
    calls.touch(db, call_id, now)
    made = transcripts.of_call(db, call_id)
    if made is None or not 0 <= position < len(made.turns):
        raise NotFound(thing="such line in this call")
    return made, made.turns[position]


def _change(
    db: sa.Connection, call_id: str, made: Transcript, position: int, after: Turn, *, kind: Kind, by: str, now: datetime
) -> Turn:
    turns = (*made.turns[:position], after, *made.turns[position + 1 :])
    changed = transcripts.masked(db, replace(made, turns=turns))
    db.execute(
        correction.insert().values(
            call_id=call_id,
            version=transcripts.present_version(db, call_id),
            position=position,
            kind=kind,
            before=transcripts.turn_as_json(made.turns[position]),
            after=transcripts.turn_as_json(changed.turns[position]),
            made_by=by,
            made_at=now,
        )
    )
    transcripts.change(db, call_id, changed)
    return changed.turns[position]


def _read(row: sa.RowMapping | Mapping[str, Any]) -> Correction:
    return Correction(
        id=row["id"],
        version=row["version"],
        position=row["position"],
        kind=cast("Kind", row["kind"]),
        before=transcripts.turn_from_json(row["before"]),
        after=transcripts.turn_from_json(row["after"]),
        made_by=row["made_by"],
        made_at=row["made_at"],
    )
