"""This file remembers "transcribe again with ...": which calls, with what, and what a person made of the outcome."""

import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from aftercall.errors import AppError
from aftercall.store.stages import Failure
from aftercall.store.tables import call, recording, rerun, rerun_call, stage

RerunState = Literal["queued", "running", "ready", "failed", "replacing", "replaced", "discarded", "cancelled"]

#: Nothing more happens to a call of a rerun in these states, unless a person asks for it.
AT_REST: frozenset[RerunState] = frozenset({"ready", "failed", "replaced", "discarded", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class Rerun:
    """One wish to transcribe calls again."""

    id: str
    asked_at: datetime
    asked_by: str
    #: None for what the settings say.
    engine: str | None
    language: str | None
    #: The list's address the calls were chosen with, "" for a single call.
    query: str
    is_cancelled: bool


@dataclass(frozen=True, kw_only=True)
class RerunCall:
    """How far one call of a rerun is."""

    rerun_id: str
    call_id: str
    state: RerunState
    error: Failure | None
    #: Words that differ between the present transcript and the new one, and words of the longer of them.
    changed_words: int | None
    all_words: int | None

    @property
    def changed_share(self) -> float | None:
        """0 to 1; None until it is ready."""
        if self.changed_words is None or self.all_words is None:
            return None
        return self.changed_words / self.all_words if self.all_words else 0.0


def ask(
    db: sa.Connection,
    call_ids: Sequence[str],
    *,
    engine: str | None,
    language: str | None,
    query: str,
    by: str,
    now: datetime,
) -> str:
    """Write a wish down; calls without a recording at home are left out.

    Returns:
        The rerun's id.
    """
    identity = secrets.token_hex(12)
    db.execute(
        rerun.insert().values(
            id=identity, asked_at=now, asked_by=by, engine=engine, language=language, query=query, is_cancelled=False
        )
    )
    for start in range(0, len(call_ids), 500):
        portion = call_ids[start : start + 500]
        at_home = sa.select(
            sa.literal(identity),
            recording.c.call_id,
            sa.literal("queued"),
            sa.literal(now, rerun_call.c.changed_at.type),
        ).where(recording.c.call_id.in_(portion), recording.c.archive_key.is_not(None))
        db.execute(rerun_call.insert().from_select(["rerun_id", "call_id", "state", "changed_at"], at_home))
    return identity


def get(db: sa.Connection, identity: str) -> Rerun | None:
    row = db.execute(sa.select(rerun).where(rerun.c.id == identity)).mappings().first()
    return Rerun(**row) if row else None


def recent(db: sa.Connection, *, limit: int = 20) -> list[Rerun]:
    """The newest wishes, newest first."""
    statement = sa.select(rerun).order_by(rerun.c.asked_at.desc()).limit(limit)
    return [Rerun(**row) for row in db.execute(statement).mappings()]


def counts(db: sa.Connection, identity: str) -> Counter[RerunState]:
    """How many calls stand where."""
    statement = (
        sa.select(rerun_call.c.state, sa.func.count())
        .where(rerun_call.c.rerun_id == identity)
        .group_by(rerun_call.c.state)
    )
    found: Counter[RerunState] = Counter()
    for state, count in db.execute(statement):
        found[state] = count
    return found


def of_call(db: sa.Connection, identity: str, call_id: str) -> RerunCall | None:
    return next(iter(_read(db, rerun_call.c.rerun_id == identity, rerun_call.c.call_id == call_id)), None)


def open_of_call(db: sa.Connection, call_id: str) -> RerunCall | None:
    """The newest rerun of a call that goes on, waits for a person or failed; None if nothing of the kind is there."""
    found = _read(
        db,
        rerun_call.c.call_id == call_id,
        rerun_call.c.state.in_(["queued", "running", "ready", "failed", "replacing"]),
    )
    return found[0] if found else None


def calls_of(
    db: sa.Connection, identity: str, *, state: RerunState | None = None, limit: int | None = 200
) -> list[RerunCall]:
    """Calls of a rerun: first those that need a person, with the most changed first."""
    where = [rerun_call.c.rerun_id == identity]
    if state:
        where.append(rerun_call.c.state == state)
    return _read(db, *where, limit=limit)


def unfinished(db: sa.Connection) -> list[RerunCall]:
    """Every call that a job should still work on."""
    return _read(db, rerun_call.c.state.in_(["queued", "running"]))


def replacing(db: sa.Connection) -> list[str]:
    """Ids of the reruns whose transcripts are about to take the present ones' place."""
    return list(db.scalars(sa.select(rerun_call.c.rerun_id).where(rerun_call.c.state == "replacing").distinct()))


def set_state(
    db: sa.Connection,
    identity: str,
    call_id: str,
    state: RerunState,
    now: datetime,
    *,
    among: Iterable[RerunState],
    error: AppError | None = None,
    changed_words: int | None = None,
    all_words: int | None = None,
) -> bool:
    """Move a call of a rerun on, if it stands in one of some states.

    Returns:
        Whether it stood there.
    """
    known = {"changed_words": changed_words, "all_words": all_words} if changed_words is not None else {}
    done = db.execute(
        rerun_call.update()
        .where(rerun_call.c.rerun_id == identity, rerun_call.c.call_id == call_id, rerun_call.c.state.in_(list(among)))
        .values(state=state, changed_at=now, error=Failure.of(error).as_json() if error else None, **known)
    )
    return done.rowcount == 1


def set_all(db: sa.Connection, identity: str, state: RerunState, now: datetime, *, among: Iterable[RerunState]) -> int:
    """Move all calls of a rerun on that stand in one of some states; returns how many did."""
    done = db.execute(
        rerun_call.update()
        .where(rerun_call.c.rerun_id == identity, rerun_call.c.state.in_(list(among)))
        .values(state=state, changed_at=now)
    )
    return done.rowcount


def cancel(db: sa.Connection, identity: str, now: datetime) -> None:
    """Transcribe no more calls of it; what is ready stays ready."""
    db.execute(rerun.update().where(rerun.c.id == identity).values(is_cancelled=True))
    set_all(db, identity, "cancelled", now, among=["queued"])


def seconds_per_second(db: sa.Connection, engine: str, *, limit: int = 50) -> float | None:
    """How long the newest calls of an engine took to transcribe, in seconds per second of sound; None if unknown."""
    rows = db.execute(
        sa.select(stage.c.started_at, stage.c.finished_at, call.c.duration_s)
        .join(call, call.c.id == stage.c.call_id)
        .where(stage.c.stage == "transcribe", stage.c.state == "done", call.c.engine == engine, call.c.duration_s > 0)
        .order_by(call.c.sort_key.desc())
        .limit(limit)
    ).all()
    sound_s = sum(row.duration_s for row in rows)
    return sum((row.finished_at - row.started_at).total_seconds() for row in rows) / sound_s if sound_s else None


_NEEDS_A_PERSON = sa.case(
    (rerun_call.c.state == "failed", 0),
    (rerun_call.c.state == "ready", 1),
    (rerun_call.c.state == "running", 2),
    else_=3,
)


def _read(db: sa.Connection, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[RerunCall]:
    statement = (
        sa.select(rerun_call)
        .join(rerun, rerun.c.id == rerun_call.c.rerun_id)
        .where(*where)
        .order_by(_NEEDS_A_PERSON, rerun.c.asked_at.desc(), rerun_call.c.changed_words.desc(), rerun_call.c.call_id)
        .limit(limit)
    )
    return [
        RerunCall(
            rerun_id=row.rerun_id,
            call_id=row.call_id,
            state=row.state,
            error=Failure(**row.error) if row.error else None,
            changed_words=row.changed_words,
            all_words=row.all_words,
        )
        for row in db.execute(statement)
    ]
