"""This file remembers transcripts."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aftercall.model import Transcript, Turn, Word
from aftercall.store.tables import call, transcript


def put(db: sa.Connection, call_id: str, made: Transcript, now: datetime) -> None:
    """Store the transcript of a call in place of an older one; the search index follows by its triggers."""
    key = db.scalar(sa.select(call.c.sort_key).where(call.c.id == call_id))
    db.execute(transcript.delete().where(transcript.c.call_id == call_id))
    db.execute(
        transcript.insert().values(
            sort_key=key,
            call_id=call_id,
            text="\n".join(turn.text for turn in made.turns),
            turns=[_turn_as_json(turn) for turn in made.turns],
            engine=made.engine,
            model=made.model,
            language=made.language,
            speakers=made.speakers,
            is_low_accuracy=made.is_low_accuracy,
            made_at=now,
        )
    )


def of_call(db: sa.Connection, call_id: str) -> Transcript | None:
    row = db.execute(sa.select(transcript).where(transcript.c.call_id == call_id)).mappings().first()
    if row is None:
        return None
    return Transcript(
        engine=row["engine"],
        model=row["model"],
        language=row["language"],
        speakers=row["speakers"],
        turns=tuple(_turn(each) for each in row["turns"]),
        is_low_accuracy=row["is_low_accuracy"],
    )


def _turn_as_json(turn: Turn) -> dict[str, Any]:
    # Words as short lists: they are most of the row.
    words = [[word.text, round(word.start_s, 2), round(word.end_s, 2), word.confidence] for word in turn.words]
    return {**asdict(turn), "words": words}


def _turn(stored: dict[str, Any]) -> Turn:
    words = tuple(
        Word(text=text, start_s=start_s, end_s=end_s, confidence=confidence)
        for text, start_s, end_s, confidence in stored["words"]
    )
    return Turn(**{**stored, "words": words})
