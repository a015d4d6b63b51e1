"""This file remembers what people said of the mood of turns: it wins over what was computed, and teaches the next head.

It is kept by the call and the turn's text, so that it holds for every later analysis and every transcript that says
the same.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import sqlalchemy as sa

from aftercall.errors import NotFound
from aftercall.insight.turn_mood import key
from aftercall.model import SentimentLabel
from aftercall.store import calls, insights, transcripts
from aftercall.store.tables import mood_correction

#: What a person can say; that a turn is both good and bad is for the judges to find out.
LABELS: tuple[SentimentLabel, ...] = ("positive", "neutral", "negative")


@dataclass(frozen=True, kw_only=True)
class MoodCorrection:
    """What a person said of one turn."""

    call_id: str
    #: As it is stored, so without what the redaction hides.
    text: str
    label: SentimentLabel
    #: What was computed; None in a language that is not covered.
    computed: SentimentLabel | None
    #: BCP 47.
    language: str
    made_by: str
    made_at: datetime


def say(
    db: sa.Connection, call_id: str, position: int, *, label: SentimentLabel | None, by: str, now: datetime
) -> None:
    """Say how a turn felt; None takes back what was said. Turns of the call with the same text follow.

    Raises:
        NotFound: there is no such line, or nobody could say how it felt because it has no words.
    """
    # Written before anything is read: from here on nobody else changes this call until we are done.
    calls.touch(db, call_id, now)
    made = transcripts.of_call(db, call_id)
    if made is None or not 0 <= position < len(made.turns) or not key(made.turns[position].text):
        raise NotFound(thing="such line in this call")
    text = key(made.turns[position].text)
    this = (mood_correction.c.call_id == call_id) & (mood_correction.c.text_key == _text_key(text))
    before = db.execute(sa.select(mood_correction.c.computed).where(this)).first()
    computed = before.computed if before else _computed(db, call_id, position)
    db.execute(mood_correction.delete().where(this))
    if label is None:
        return
    db.execute(
        mood_correction.insert().values(
            call_id=call_id,
            text_key=_text_key(text),
            text=text,
            label=label,
            computed=computed,
            language=made.language,
            made_by=by,
            made_at=now,
        )
    )


def of_call(db: sa.Connection, call_id: str) -> dict[str, SentimentLabel]:
    """What was said of a call's turns, by their texts."""
    known = mood_correction.c.call_id == call_id
    return {
        row.text: cast("SentimentLabel", row.label)
        for row in db.execute(sa.select(mood_correction.c.text, mood_correction.c.label).where(known))
    }


def every(db: sa.Connection) -> Iterator[MoodCorrection]:
    """Of all calls, the oldest first."""
    order = (mood_correction.c.made_at, mood_correction.c.call_id, mood_correction.c.text_key)
    for row in db.execute(sa.select(mood_correction).order_by(*order)).mappings():
        yield MoodCorrection(**{name: value for name, value in row.items() if name != "text_key"})


def _computed(db: sa.Connection, call_id: str, position: int) -> SentimentLabel | None:
    known = insights.of_call(db, call_id)
    return known.turns[position].label if known and position < len(known.turns) else None


def _text_key(text: str) -> str:
    """A turn may be longer than an index takes."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
