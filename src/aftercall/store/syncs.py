"""This file remembers syncs: one run of bringing a PBX's new recordings home."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from aftercall.errors import AppError
from aftercall.model import CallState
from aftercall.store import calls
from aftercall.store.stages import Failure
from aftercall.store.tables import sync

#: `queued` -> `listing` -> `listed` (the list is in, the calls are on their way) or `failed` or `cancelled`.
SyncState = Literal["queued", "listing", "listed", "failed", "cancelled"]
AskedBy = Literal["user", "schedule"]


@dataclass(frozen=True, kw_only=True)
class Sync:
    id: str
    pbx_id: str
    asked_by: AskedBy
    state: SyncState
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    #: Recordings in the PBX's list, None before the list is in.
    found_count: int | None
    new_count: int | None
    #: New to us, but not wanted by the filters.
    skipped_count: int | None
    #: How long the PBX took for its list.
    list_s: float | None
    #: Why it failed; with state `listed`, what looks wrong all the same.
    error: Failure | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far the calls of one sync are."""

    sync: Sync
    #: Analysed, or known to hold no sound.
    done_count: int
    failed_count: int
    #: Waiting for another attempt, or still being recorded.
    waiting_count: int
    #: On their way.
    moving_count: int
    #: Of those on their way: not at home yet.
    to_fetch_count: int = 0

    @property
    def is_over(self) -> bool:
        """Nothing of it moves any more; what waits comes back by itself."""
        return self.sync.state in {"failed", "cancelled"} or (self.sync.state == "listed" and self.moving_count == 0)


def ask(db: sa.Connection, pbx_id: str, asked_by: AskedBy, now: datetime) -> tuple[str, bool]:
    """Ask for a sync of a PBX; while one is queued or listing, that one is the answer.

    Returns:
        The sync's id, and whether it is a new one.
    """
    sync_id = secrets.token_hex(8)
    # One statement looks and inserts: of two clicks at once only one finds nothing running.
    running = sa.select(sa.literal(1)).where(sync.c.pbx_id == pbx_id, sync.c.state.in_(["queued", "listing"]))
    values = {"id": sync_id, "pbx_id": pbx_id, "asked_by": asked_by, "state": "queued", "requested_at": now}
    columns = [sync.c[name] for name in values]
    row = sa.select(*(sa.bindparam(name, value, type_=sync.c[name].type) for name, value in values.items()))
    added = db.execute(sync.insert().from_select(columns, row.where(~sa.exists(running)))).rowcount
    if added:
        return sync_id, True
    found = db.scalar(
        sa.select(sync.c.id)
        .where(sync.c.pbx_id == pbx_id, sync.c.state.in_(["queued", "listing"]))
        .order_by(sync.c.requested_at.desc())
        .limit(1)
    )
    return str(found), False


def unfinished(db: sa.Connection) -> list[Sync]:
    """The syncs whose list is not in yet."""
    return [_sync(row) for row in db.execute(sa.select(sync).where(sync.c.state.in_(["queued", "listing"]))).mappings()]


def begin(db: sa.Connection, sync_id: str, now: datetime) -> None:
    db.execute(sync.update().where(sync.c.id == sync_id).values(state="listing", started_at=now))


def finish(
    db: sa.Connection,
    sync_id: str,
    *,
    found_count: int,
    new_count: int,
    now: datetime,
    skipped_count: int = 0,
    list_s: float | None = None,
    hint: AppError | None = None,
) -> None:
    """The list is in.

    Args:
        list_s: how long the PBX took for it.
        hint: what looks wrong although the sync worked, such as a list without a single recording.
    """
    db.execute(
        sync.update()
        .where(sync.c.id == sync_id)
        .values(
            state="listed",
            finished_at=now,
            found_count=found_count,
            new_count=new_count,
            skipped_count=skipped_count,
            list_s=list_s,
            error=Failure.of(hint).as_json() if hint else None,
        )
    )


def fail(db: sa.Connection, sync_id: str, error: AppError, now: datetime) -> None:
    db.execute(
        sync.update()
        .where(sync.c.id == sync_id)
        .values(state="failed", finished_at=now, error=Failure.of(error).as_json())
    )


def cancel(db: sa.Connection, sync_id: str, now: datetime) -> None:
    db.execute(
        sync.update()
        .where(sync.c.id == sync_id, sync.c.state.in_(["queued", "listing"]))
        .values(state="cancelled", finished_at=now)
    )


def get(db: sa.Connection, sync_id: str) -> Sync | None:
    row = db.execute(sa.select(sync).where(sync.c.id == sync_id)).mappings().first()
    return _sync(row) if row else None


def last(db: sa.Connection, pbx_id: str) -> Sync | None:
    """The newest sync of a PBX."""
    statement = sa.select(sync).where(sync.c.pbx_id == pbx_id).order_by(sync.c.requested_at.desc()).limit(1)
    row = db.execute(statement).mappings().first()
    return _sync(row) if row else None


def history(db: sa.Connection, pbx_id: str, *, before: datetime | None = None, limit: int = 20) -> list[Sync]:
    """The syncs of a PBX, newest first; those before a moment, to page through them."""
    statement = sa.select(sync).where(sync.c.pbx_id == pbx_id).order_by(sync.c.requested_at.desc()).limit(limit)
    if before is not None:
        statement = statement.where(sync.c.requested_at < before)
    return [_sync(row) for row in db.execute(statement).mappings()]


def forget_idle(db: sa.Connection, before: datetime) -> int:
    """Delete the runs from before then that found nothing new and nothing wrong; returns how many."""
    is_idle = sa.and_(sync.c.state == "listed", sync.c.new_count == 0, sync.c.requested_at < before)
    return db.execute(sync.delete().where(is_idle)).rowcount


def progress(db: sa.Connection, sync_id: str) -> Progress | None:
    """How far a sync and the calls it found are; None if there is no such sync."""
    found = get(db, sync_id)
    if found is None:
        return None
    counts = calls.state_counts(db, sync_id=sync_id)

    def number(*states: CallState) -> int:
        return sum(counts.get(state, 0) for state in states)

    return Progress(
        sync=found,
        done_count=number(CallState.DONE, CallState.NO_AUDIO, CallState.SKIPPED),
        failed_count=number(CallState.FAILED),
        waiting_count=number(CallState.WAITING, CallState.IN_PROGRESS),
        moving_count=number(CallState.FOUND, CallState.FETCHED, CallState.ANALYSING),
        to_fetch_count=number(CallState.FOUND),
    )


def _sync(row: sa.RowMapping) -> Sync:
    return Sync(**{**row, "error": Failure(**row["error"]) if row["error"] else None})
