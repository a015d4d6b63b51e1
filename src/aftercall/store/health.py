"""This file reads how the calls come home: how late, how many a minute, why some do not, and when none came."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from aftercall.model import CallState
from aftercall.store import calls
from aftercall.store.stages import Failure
from aftercall.store.tables import call, recording, stage

#: So many of the newest calls make up a percentile.
LAG_CALLS = 1000
#: How far back the pace is measured.
PACE_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Lag:
    """Seconds from the hang-up, over the newest calls of a PBX; None without a single measured call."""

    count: int
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, kw_only=True)
class Lags:
    listed: Lag
    fetched: Lag
    analysed: Lag


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One reason why calls failed, with the newest of its errors."""

    failure: Failure
    stage: str
    count: int


def lags(db: sa.Connection, pbx_id: str, *, since: datetime) -> Lags:
    """How long after the hang-up calls were listed, at home and analysed."""
    columns = (call.c.listed_after_s, call.c.fetched_after_s, call.c.analysed_after_s)
    rows = db.execute(
        sa.select(*columns)
        .where(call.c.pbx_id == pbx_id, call.c.sort_key >= _key(since), call.c.listed_after_s.is_not(None))
        .order_by(call.c.sort_key.desc())
        .limit(LAG_CALLS)
    ).all()
    listed, fetched, analysed = (
        _lag(sorted(row[index] for row in rows if row[index] is not None)) for index in range(3)
    )
    return Lags(listed=listed, fetched=fetched, analysed=analysed)


def _key(at: datetime) -> int:
    """Calls that start then or later have a sort key of at least this."""
    return calls.sort_key(at, "0")


def _lag(ordered: Sequence[float]) -> Lag:
    return Lag(count=len(ordered), p50_s=percentile(ordered, 0.5), p95_s=percentile(ordered, 0.95))


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that this share of all values does not exceed; None of nothing."""
    if not ordered:
        return None
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def done_since(db: sa.Connection, pbx_id: str, since: datetime) -> int:
    """Calls analysed since then."""
    statement = sa.select(sa.func.count()).where(call.c.done_at >= since, call.c.pbx_id == pbx_id)
    return db.scalar(statement) or 0


def fetched_since(db: sa.Connection, pbx_id: str, since: datetime) -> int:
    """Recordings that came home since then."""
    statement = sa.select(sa.func.count()).where(recording.c.fetched_at >= since, recording.c.pbx_id == pbx_id)
    return db.scalar(statement) or 0


#: Where a call can stand before it is over.
UNDER_WAY = (CallState.FOUND, CallState.FETCHED, CallState.ANALYSING, CallState.WAITING, CallState.IN_PROGRESS)


def under_way(db: sa.Connection, pbx_id: str) -> dict[CallState, int]:
    """How many calls of a PBX stand where, those that are over left out: however many these are, it costs nothing."""
    of_pbx = sa.select(call.c.state, sa.func.count()).where(call.c.pbx_id == pbx_id, call.c.state.in_(UNDER_WAY))
    return {CallState(state): count for state, count in db.execute(of_pbx.group_by(call.c.state))}


def moving(counts: Mapping[CallState, int]) -> int:
    """How many of them are on their way; those that wait, or are still being recorded, move only later."""
    return sum(counts.get(state, 0) for state in (CallState.FOUND, CallState.FETCHED, CallState.ANALYSING))


def time_left(left_count: int, done_count: int, window: timedelta) -> timedelta | None:
    """How long the rest takes at the pace of the last while; None while the pace is not known."""
    if left_count == 0:
        return timedelta()
    return window / done_count * left_count if done_count else None


def causes(db: sa.Connection, pbx_id: str) -> list[Cause]:
    """Why calls of this PBX failed for good, the most frequent first."""
    code = stage.c.error["code"].as_string()
    counted = (
        sa.select(
            code.label("code"), stage.c.stage, sa.func.count().label("calls"), sa.func.max(stage.c.call_id).label("one")
        )
        .select_from(stage.join(call, call.c.id == stage.c.call_id))
        .where(call.c.pbx_id == pbx_id, call.c.state == CallState.FAILED, stage.c.state == "failed")
        .group_by(code, stage.c.stage)
        .order_by(sa.func.count().desc())
    )
    found = []
    for row in db.execute(counted):
        example = sa.select(stage.c.error).where(stage.c.call_id == row.one, stage.c.stage == row.stage)
        found.append(Cause(failure=Failure(**db.execute(example).scalar_one()), stage=row.stage, count=row.calls))
    return found


def failed_with(db: sa.Connection, pbx_id: str, code: str) -> list[str]:
    """The calls of this PBX that failed for good with this error."""
    statement = (
        sa.select(call.c.id)
        .select_from(stage.join(call, call.c.id == stage.c.call_id))
        .where(
            call.c.pbx_id == pbx_id,
            call.c.state == CallState.FAILED,
            stage.c.state == "failed",
            stage.c.error["code"].as_string() == code,
        )
        .order_by(call.c.sort_key.desc())
    )
    return list(db.scalars(statement))


# ---- silence ----------------------------------------------------------------------------------------------------

WEEK = timedelta(days=7)
#: The same hours of so many weeks before are looked at, and so many of them must have had calls.
WEEKS, WEEKS_NEEDED = 4, 2
#: Fewer calls than this in those hours prove nothing.
CALLS_EXPECTED = 3
#: After so long without a call the comparison says nothing more: it is unusual whenever calls came at all.
LONGEST_LOOK = timedelta(days=7)
SHORTEST_SILENCE = timedelta(minutes=30)


def unusual_silence(db: sa.Connection, pbx_id: str, now: datetime, zone: str | None = None) -> datetime | None:
    """When the last call was, if no call came since although the same hours of other weeks had some; else None.

    Args:
        zone: the PBX's IANA zone, so that its hours stay the same across a change of the clocks.
    """
    of_pbx = call.c.pbx_id == pbx_id
    last = db.scalar(sa.select(call.c.started_at).where(of_pbx).order_by(call.c.sort_key.desc()).limit(1))
    if last is None or now - last < SHORTEST_SILENCE:
        return None
    silent_since = max(last, now - LONGEST_LOOK)
    counts = []
    for back in range(1, WEEKS + 1):
        first, end = weeks_before(silent_since, back, zone), weeks_before(now, back, zone)
        # More than are needed prove nothing more, so no more are counted.
        some = sa.select(sa.literal(1)).where(of_pbx, call.c.sort_key > _key(first), call.c.sort_key <= _key(end))
        counts.append(db.scalar(sa.select(sa.func.count()).select_from(some.limit(CALLS_EXPECTED).subquery())) or 0)
    return last if is_unusual(counts) else None


def weeks_before(at: datetime, weeks: int, zone: str | None) -> datetime:
    """The same hour of the same weekday so many weeks before, on the clocks of that zone."""
    there = at.astimezone(ZoneInfo(zone) if zone else UTC)
    return (there - WEEK * weeks).astimezone(UTC)


def is_unusual(counts: Sequence[int]) -> bool:
    """Whether no call at all is strange.

    Args:
        counts: calls in the same hours one week ago, two weeks ago, and so on.
    """
    weeks_with_calls = sum(count >= CALLS_EXPECTED for count in counts)
    return weeks_with_calls >= WEEKS_NEEDED and counts[0] >= CALLS_EXPECTED
