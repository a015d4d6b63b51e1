"""This file remembers the applying of categories to past calls: how far each run is, and whether it goes on."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from aftercall.store.tables import categorising, transcript

RunState = Literal["queued", "running", "done", "cancelled"]
GOES_ON: tuple[RunState, ...] = ("queued", "running")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One wish to apply categories to every call there is."""

    id: str
    asked_at: datetime
    asked_by: str
    #: None for all categories.
    category_id: str | None
    state: RunState
    #: Calls with a sort key from here on are done; None before the first portion.
    below: int | None
    call_count: int
    done_count: int
    #: Calls that belong to a category that was looked at.
    hit_count: int
    finished_at: datetime | None

    @property
    def goes_on(self) -> bool:
        return self.state in GOES_ON


def ask(db: sa.Connection, *, category_id: str | None, by: str, now: datetime) -> tuple[str, bool]:
    """Write a wish down; the same wish that waits or goes on starts again from the newest call.

    Returns:
        The run's id, and whether it is new.
    """
    call_count = db.scalar(sa.select(sa.func.count()).select_from(transcript)) or 0
    same = categorising.c.category_id.is_(None) if category_id is None else categorising.c.category_id == category_id
    known = db.scalar(sa.select(categorising.c.id).where(same, categorising.c.state.in_(GOES_ON)))
    begin: dict[str, Any] = {"below": None, "call_count": call_count, "done_count": 0, "hit_count": 0}
    if known:
        db.execute(categorising.update().where(categorising.c.id == known).values(**begin))
        return known, False
    identity = secrets.token_hex(12)
    db.execute(
        categorising.insert().values(
            id=identity, asked_at=now, asked_by=by, category_id=category_id, state="queued", **begin
        )
    )
    return identity, True


def get(db: sa.Connection, identity: str) -> Run | None:
    row = db.execute(sa.select(categorising).where(categorising.c.id == identity)).mappings().first()
    return Run(**row) if row else None


def newest(db: sa.Connection) -> Run | None:
    """The run that was asked for last."""
    row = db.execute(sa.select(categorising).order_by(categorising.c.asked_at.desc()).limit(1)).mappings().first()
    return Run(**row) if row else None


def unfinished(db: sa.Connection) -> list[str]:
    """Ids of the runs that a job should still work on."""
    return list(db.scalars(sa.select(categorising.c.id).where(categorising.c.state.in_(GOES_ON))))


def advance(db: sa.Connection, run: Run, *, below: int, done: int, hits: int) -> bool:
    """Note that a portion is done; False if the run was stopped or begun again meanwhile."""
    came_from = categorising.c.below.is_(None) if run.below is None else categorising.c.below == run.below
    moved = db.execute(
        categorising.update()
        .where(categorising.c.id == run.id, categorising.c.state.in_(GOES_ON), came_from)
        .values(
            state="running",
            below=below,
            done_count=categorising.c.done_count + done,
            hit_count=categorising.c.hit_count + hits,
        )
    )
    return moved.rowcount == 1


def end(db: sa.Connection, identity: str, state: RunState, now: datetime) -> bool:
    """End a run that waits or goes on; False if there is none."""
    ended = db.execute(
        categorising.update()
        .where(categorising.c.id == identity, categorising.c.state.in_(GOES_ON))
        .values(state=state, finished_at=now)
    )
    return ended.rowcount == 1


def next_calls(db: sa.Connection, below: int | None, *, limit: int) -> list[tuple[str, int]]:
    """The next calls with a transcript, newest first: id and sort key."""
    statement = sa.select(transcript.c.call_id, transcript.c.sort_key).order_by(transcript.c.sort_key.desc())
    if below is not None:
        statement = statement.where(transcript.c.sort_key < below)
    return [(row.call_id, row.sort_key) for row in db.execute(statement.limit(limit))]
