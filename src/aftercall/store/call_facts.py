"""This file reads what is known of a call beside its words, as rules and metrics want it."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from aftercall.model import CallFacts
from aftercall.store import mood_corrections
from aftercall.store.tables import call, recording

COLUMNS = (
    call.c.direction,
    call.c.duration_s,
    call.c.started_at,
    call.c.is_start_estimated,
    call.c.utc_offset_min,
    call.c.caller,
    call.c.callee,
    call.c.extension,
    call.c.queue_or_group,
    call.c.did,
    call.c.disposition,
    call.c.answered_at,
    call.c.transfers,
    recording.c.audio,
)
FROM = call.outerjoin(recording, recording.c.call_id == call.c.id)


def of_call(db: sa.Connection, call_id: str) -> CallFacts:
    """The facts of one call; nothing is known of a call that is not there."""
    row = db.execute(sa.select(*COLUMNS).select_from(FROM).where(call.c.id == call_id)).first()
    return replace(from_row(row), moods=mood_corrections.of_call(db, call_id)) if row else CallFacts()


def from_row(row: Any) -> CallFacts:
    """The facts from a row with COLUMNS; what people said of moods is not in it."""
    return CallFacts(
        direction=row.direction,
        duration_s=row.duration_s,
        started_at=row.started_at,
        utc_offset_min=row.utc_offset_min,
        # An estimated start tells nothing of how long the answer took.
        answered_after_s=None if row.is_start_estimated else _seconds(row.started_at, row.answered_at),
        caller=row.caller,
        callee=row.callee,
        extension=row.extension,
        queue_or_group=row.queue_or_group,
        did=row.did,
        disposition=row.disposition,
        audio_channels=row.audio["audio_channels"] if row.audio else None,
        transfers=len(row.transfers or ()),
    )


def day_of(sort_key: int) -> datetime:
    """The start of a call as its sort key has it."""
    return datetime.fromtimestamp((sort_key >> 20) / 1000, UTC)


def _seconds(start: datetime, answer: datetime | None) -> float | None:
    return None if answer is None else max(0.0, (answer - start).total_seconds())
