"""This file remembers the wishes to have calls analysed again, and how far each is."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from aftercall.store.tables import call, insight, renewal

#: Ids in one statement: SQLite takes no more than about 32,000 values.
PORTION = 10_000


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """One wish and how far it is."""

    id: str
    asked_at: datetime
    asked_by: str
    query: str
    total: int
    #: Calls still to be analysed.
    left: int
    is_cancelled: bool
    finished_at: datetime | None

    @property
    def done(self) -> int:
        return self.total - self.left


def ask(db: sa.Connection, call_ids: Sequence[str], *, query: str, by: str, now: datetime) -> str:
    """Write down that these calls are to be analysed again; calls that never were are left out.

    A call of an earlier wish that still waits goes over to this one.
    """
    identity, total = uuid.uuid4().hex, 0
    for start in range(0, len(call_ids), PORTION):
        among = insight.c.call_id.in_(call_ids[start : start + PORTION])
        total += db.execute(insight.update().where(among).values(is_stale=True, renewal_id=identity)).rowcount
    db.execute(renewal.insert().values(id=identity, asked_at=now, asked_by=by, query=query, total=total))
    return identity


def get(db: sa.Connection, identity: str) -> Renewal | None:
    found = _read(db, renewal.c.id == identity)
    return found[0] if found else None


def recent(db: sa.Connection, *, limit: int = 20) -> list[Renewal]:
    """The newest first."""
    return _read(db, sa.true())[:limit]


def unfinished(db: sa.Connection) -> list[str]:
    """Those a restart has cut off."""
    return [each.id for each in _read(db, renewal.c.finished_at.is_(None) & ~renewal.c.is_cancelled)]


def waiting(db: sa.Connection, identity: str, *, limit: int) -> list[str]:
    """The calls of a renewal that are still to be analysed, newest first; none once it is cancelled."""
    found = db.execute(
        sa.select(insight.c.call_id)
        .join(call, call.c.id == insight.c.call_id)
        .join(renewal, renewal.c.id == insight.c.renewal_id)
        .where(insight.c.renewal_id == identity, insight.c.is_stale, ~renewal.c.is_cancelled)
        .order_by(call.c.sort_key.desc())
        .limit(limit)
    )
    return list(found.scalars())


def give_up(db: sa.Connection, identity: str, call_id: str) -> None:
    """Let a call that cannot be analysed keep what was understood of it before."""
    ours = (insight.c.call_id == call_id) & (insight.c.renewal_id == identity)
    db.execute(insight.update().where(ours).values(is_stale=False))


def cancel(db: sa.Connection, identity: str, now: datetime) -> None:
    still_open = (renewal.c.id == identity) & renewal.c.finished_at.is_(None)
    db.execute(renewal.update().where(still_open).values(is_cancelled=True, finished_at=now))


def finish(db: sa.Connection, identity: str, now: datetime) -> None:
    still_open = (renewal.c.id == identity) & renewal.c.finished_at.is_(None)
    db.execute(renewal.update().where(still_open).values(finished_at=now))


def stale(db: sa.Connection) -> list[str]:
    """Calls whose words changed after they were understood, and that nobody is about to understand anew.

    A kill between the change and the understanding leaves them so.
    """
    open_wish = sa.select(renewal.c.id).where(renewal.c.finished_at.is_(None))
    left = insight.c.is_stale & (insight.c.renewal_id.is_(None) | insight.c.renewal_id.not_in(open_wish))
    return list(db.execute(sa.select(insight.c.call_id).where(left)).scalars())


def _read(db: sa.Connection, where: sa.ColumnElement[bool]) -> list[Renewal]:
    left = (
        sa.select(sa.func.count())
        .select_from(insight)
        .where(insight.c.renewal_id == renewal.c.id, insight.c.is_stale)
        .scalar_subquery()
    )
    statement = sa.select(renewal, left.label("left")).where(where).order_by(renewal.c.asked_at.desc())
    return [Renewal(**row) for row in db.execute(statement).mappings()]
