"""This file counts the calls of a period: how many, how they felt, day by day, by extension and by queue.

Calls are ordered by their sort key, whose upper bits are the start in milliseconds: only the period is read, and days
are told apart by arithmetic.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from aftercall.model import CallState
from aftercall.store.calls import CallRow, rows_by_id, sort_key
from aftercall.store.tables import call

#: A comparison of fewer calls than this is marked as uncertain.
FEWEST_TO_COMPARE = 20

_DAY_MS = 86_400_000
_MISSED = ("missed", "voicemail", "busy")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What is counted of some calls."""

    calls: int = 0
    #: Seconds of all recordings.
    length_s: float = 0.0
    positive: int = 0
    neutral: int = 0
    negative: int = 0
    mixed: int = 0
    #: Average score of the calls that have one, -5 to +5; None for none.
    score: float | None = None
    #: Nobody took them; known from the call detail records only.
    missed: int = 0
    not_called_back: int = 0

    @property
    def with_mood(self) -> int:
        return self.positive + self.neutral + self.negative + self.mixed

    @property
    def negative_share(self) -> float | None:
        """Of the calls that have a mood, 0 to 1."""
        return self.negative / self.with_mood if self.with_mood else None

    @property
    def is_small(self) -> bool:
        return self.with_mood < FEWEST_TO_COMPARE


@dataclass(frozen=True, kw_only=True)
class Group:
    """The figures of one day, extension or queue."""

    name: str
    figures: Figures


@dataclass(frozen=True, kw_only=True)
class Period:
    """Which calls are counted."""

    since: datetime
    until: datetime
    pbx_id: str = ""

    @property
    def before(self) -> "Period":
        """As long a time, right before this one."""
        return Period(since=self.since - (self.until - self.since), until=self.since, pbx_id=self.pbx_id)


def total(db: sa.Connection, period: Period) -> Figures:
    """All calls of the period."""
    return _sum(db.execute(_counted(period, sa.literal(""))))


def by_day(db: sa.Connection, period: Period, *, utc_offset_min: int | None) -> list[Group]:
    """Every day of the period in order, also those without calls; days are days on the PBX's clock."""
    shift_ms = (utc_offset_min or 0) * 60_000
    day = ((call.c.sort_key // (1 << 20)) + shift_ms) // _DAY_MS
    found = {int(name): figures for name, figures in _grouped(db, period, day)}
    first, last = (int((at.timestamp() * 1000 + shift_ms) // _DAY_MS) for at in _ends(period))
    epoch = date(1970, 1, 1)
    return [
        Group(name=(epoch + timedelta(days=number)).isoformat(), figures=found.get(number, Figures()))
        for number in range(first, last + 1)
    ]


def by_extension(db: sa.Connection, period: Period) -> list[Group]:
    """The busiest first; calls without an extension are left out."""
    return _busiest(_grouped(db, period, call.c.extension))


def by_queue(db: sa.Connection, period: Period) -> list[Group]:
    """The busiest first; calls without a queue or group are left out."""
    return _busiest(_grouped(db, period, call.c.queue_or_group))


def saddest(db: sa.Connection, period: Period, *, limit: int = 5) -> list[CallRow]:
    """The calls that felt worst, or turned for the worse, worst first; only those whose mood is certain enough."""
    felt = sa.or_(
        call.c.sentiment_label == "negative",
        sa.and_(call.c.sentiment_trend == "declining", call.c.sentiment_score < 0),
    )
    statement = (
        sa.select(call.c.id)
        .where(*_within(period), felt, call.c.is_sentiment_uncertain.is_not(True))
        .order_by(call.c.sentiment_score, call.c.sort_key.desc())
        .limit(limit)
    )
    return _in_order(db, list(db.scalars(statement)))


def unanswered(db: sa.Connection, period: Period, *, limit: int = 5) -> list[CallRow]:
    """Outside callers whom nobody took and nobody called back, the newest first."""
    statement = (
        sa.select(call.c.id)
        .where(
            *_within(period),
            call.c.disposition.in_(_MISSED),
            call.c.direction == "inbound",
            call.c.called_back_id.is_(None),
        )
        .order_by(call.c.sort_key.desc())
        .limit(limit)
    )
    return _in_order(db, list(db.scalars(statement)))


def _in_order(db: sa.Connection, ids: list[str]) -> list[CallRow]:
    rows = {row.id: row for row in rows_by_id(db, ids)}
    return [rows[each] for each in ids if each in rows]


def _ends(period: Period) -> tuple[datetime, datetime]:
    """The first and the last moment."""
    return period.since, period.until - timedelta(milliseconds=1)


def _within(period: Period) -> list[sa.ColumnElement[bool]]:
    first, after = (sort_key(at.astimezone(UTC), "0") for at in (period.since, period.until))
    where = [
        call.c.sort_key >= first,
        call.c.sort_key < after,
        call.c.main_id.is_(None),
        call.c.state != CallState.SKIPPED,
    ]
    return [*where, call.c.pbx_id == period.pbx_id] if period.pbx_id else where


def _counted(period: Period, name: sa.ColumnElement[object]) -> sa.Select[tuple[object, ...]]:
    is_missed = sa.and_(call.c.disposition.in_(_MISSED), call.c.direction == "inbound")
    return (
        sa.select(
            name.label("name"),
            call.c.sentiment_label.label("label"),
            sa.func.count().label("calls"),
            sa.func.sum(call.c.duration_s).label("length_s"),
            sa.func.sum(call.c.sentiment_score).label("score"),
            sa.func.count(call.c.sentiment_score).label("scored"),
            sa.func.sum(sa.case((is_missed, 1), else_=0)).label("missed"),
            sa.func.sum(sa.case((sa.and_(is_missed, call.c.called_back_id.is_(None)), 1), else_=0)).label("left"),
        )
        .where(*_within(period))
        .group_by(name, call.c.sentiment_label)
    )


def _grouped(db: sa.Connection, period: Period, name: sa.ColumnElement[object]) -> list[tuple[str, Figures]]:
    rows: dict[str, list[sa.Row[tuple[object, ...]]]] = {}
    for row in db.execute(_counted(period, name)):
        if row.name not in {None, ""}:
            rows.setdefault(str(row.name), []).append(row)
    return [(found, _sum(counted)) for found, counted in rows.items()]


def _busiest(groups: list[tuple[str, Figures]]) -> list[Group]:
    ordered = sorted(groups, key=lambda each: (-each[1].calls, each[0]))
    return [Group(name=name, figures=figures) for name, figures in ordered]


def _sum(rows: Iterable[sa.Row[tuple[object, ...]]]) -> Figures:
    """Rows of one group, one for each mood."""
    labels = {"positive": 0, "neutral": 0, "negative": 0, "mixed": 0}
    calls = missed = left = scored = 0
    length_s = score = 0.0
    for row in rows:
        calls += row.calls
        missed += row.missed or 0
        left += row.left or 0
        length_s += row.length_s or 0.0
        score += row.score or 0.0
        scored += row.scored
        if row.label in labels:
            labels[row.label] += row.calls
    return Figures(
        calls=calls,
        length_s=length_s,
        score=round(score / scored, 2) if scored else None,
        missed=missed,
        not_called_back=left,
        **labels,
    )
