"""This file remembers each call's stages: when they ran and how they ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from aftercall.errors import AppError
from aftercall.model import Stage
from aftercall.store.tables import stage

StageState = Literal["running", "done", "failed", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error as it is stored and shown: what happened, why, and the fix."""

    code: str
    what: str
    why: str
    fix: str

    @classmethod
    def of(cls, error: AppError) -> "Failure":
        return cls(code=error.code, what=error.what, why=error.why, fix=error.fix)

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "what": self.what, "why": self.why, "fix": self.fix}


@dataclass(frozen=True, kw_only=True)
class StageRecord:
    stage: Stage
    state: StageState
    started_at: datetime
    finished_at: datetime | None
    error: Failure | None


def begin(db: sa.Connection, call_id: str, which: Stage, now: datetime) -> None:
    """A stage starts, for the first time or again."""
    _put(db, [call_id], which, state="running", started_at=now, finished_at=None, error=None)


def finish(db: sa.Connection, call_id: str, which: Stage, now: datetime) -> None:
    db.execute(
        stage.update()
        .where(stage.c.call_id == call_id, stage.c.stage == which)
        .values(state="done", finished_at=now, error=None)
    )


def fail(db: sa.Connection, call_id: str, which: Stage, now: datetime, error: AppError, *, will_retry: bool) -> None:
    db.execute(
        stage.update()
        .where(stage.c.call_id == call_id, stage.c.stage == which)
        .values(state="waiting" if will_retry else "failed", finished_at=now, error=Failure.of(error).as_json())
    )


def put_done(
    db: sa.Connection, call_ids: Sequence[str], which: Stage, started_at: datetime, finished_at: datetime
) -> None:
    """A stage of these calls ran to its end in one go (one write instead of two for each)."""
    _put(db, call_ids, which, state="done", started_at=started_at, finished_at=finished_at, error=None)


def _put(db: sa.Connection, call_ids: Sequence[str], which: Stage, **values: Any) -> None:
    db.execute(stage.delete().where(stage.c.call_id.in_(call_ids), stage.c.stage == which))
    db.execute(stage.insert(), [{"call_id": call_id, "stage": which, **values} for call_id in call_ids])


def forget_after(db: sa.Connection, call_id: str, first: Stage) -> None:
    """Drop this stage and those behind it, before they run again."""
    order = list(Stage)
    later = order[order.index(first) :]
    db.execute(stage.delete().where(stage.c.call_id == call_id, stage.c.stage.in_(later)))


def of_call(db: sa.Connection, call_id: str) -> tuple[StageRecord, ...]:
    """The stages a call went through, in their order."""
    rows = db.execute(sa.select(stage).where(stage.c.call_id == call_id)).mappings()
    records = [_record(row) for row in rows]
    order = list(Stage)
    return tuple(sorted(records, key=lambda record: order.index(record.stage)))


def of_calls(db: sa.Connection, call_ids: Sequence[str]) -> dict[str, list[StageRecord]]:
    """The stages of several calls at once, for lists."""
    found: dict[str, list[StageRecord]] = {}
    for row in db.execute(sa.select(stage).where(stage.c.call_id.in_(call_ids))).mappings():
        found.setdefault(row["call_id"], []).append(_record(row))
    return found


def _record(row: sa.RowMapping) -> StageRecord:
    return StageRecord(
        stage=Stage(row["stage"]),
        state=row["state"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        error=Failure(**row["error"]) if row["error"] else None,
    )
