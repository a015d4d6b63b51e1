"""This file counts answered calls without a usable recording: by extension, queue and day, with the probable cause.

Only call detail records know the calls that were not recorded, so without them there is nothing to count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum

import sqlalchemy as sa

from aftercall.model import CallState
from aftercall.store import cdrs, pbxs
from aftercall.store.pbxs import Pbx
from aftercall.store.tables import call, cdr


class Coverage(StrEnum):
    """What became of an answered call's recording."""

    USABLE = "usable"
    #: Being fetched or analysed.
    ON_ITS_WAY = "on its way"
    #: The records name no recording: nobody asked the PBX for one.
    NOT_RECORDED = "not recorded"
    #: The records name one, and the PBX does not list it.
    NOT_ON_PBX = "not on the PBX"
    #: Listed, but it could not be fetched or read.
    FAILED = "failed"
    #: A file without sound.
    NO_AUDIO = "no audio"
    #: Left out by the PBX's filters here.
    FILTERED = "filtered out"
    #: From before the day from which calls are wanted.
    TOO_OLD = "too old"


#: The ones that are a gap in the recordings.
GAPS = (
    Coverage.NOT_RECORDED, Coverage.NOT_ON_PBX, Coverage.FAILED, Coverage.NO_AUDIO, Coverage.FILTERED, Coverage.TOO_OLD,
)  # fmt: skip

_OF_STATE = {
    CallState.DONE: Coverage.USABLE,
    CallState.FAILED: Coverage.FAILED,
    CallState.NO_AUDIO: Coverage.NO_AUDIO,
    CallState.SKIPPED: Coverage.FILTERED,
}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which calls are counted; what is None or "" leaves it open."""

    since: datetime
    until: datetime
    pbx_id: str = ""
    #: "" for all; `NOBODY` for calls of no extension or queue.
    extension: str = ""
    queue: str = ""
    #: One of `GAPS`, or "" for all of them.
    cause: str = ""


#: In place of an extension or a queue: the calls that have none.
NOBODY = "-"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One answered call."""

    pbx_id: str
    linkedid: str
    started_at: datetime
    direction: str
    extension: str | None
    queue: str | None
    coverage: Coverage
    #: None for a call that is not shown.
    call_id: str | None
    caller: str | None
    caller_name: str | None
    callee: str | None
    talk_s: float | None


@dataclass(kw_only=True)
class Figure:
    """The calls of one extension, queue or day, or all of them."""

    name: str
    answered: int = 0
    usable: int = 0
    on_its_way: int = 0
    gaps: dict[Coverage, int] = field(default_factory=dict)

    @property
    def missing(self) -> int:
        return sum(self.gaps.values())

    @property
    def share(self) -> float | None:
        """Of the calls whose outcome is known, how many have a usable recording; 0 to 1, None without any."""
        known = self.usable + self.missing
        return self.usable / known if known else None

    def count(self, coverage: Coverage) -> None:
        self.answered += 1
        if coverage is Coverage.USABLE:
            self.usable += 1
        elif coverage is Coverage.ON_ITS_WAY:
            self.on_its_way += 1
        else:
            self.gaps[coverage] = self.gaps.get(coverage, 0) + 1


@dataclass(frozen=True, kw_only=True)
class Report:
    total: Figure
    by_extension: tuple[Figure, ...]
    by_queue: tuple[Figure, ...]
    #: In order of time; the name is an ISO date on the PBX's clock.
    by_day: tuple[Figure, ...]


def report(db: sa.Connection, asked: Asked, *, utc_offset_min: int | None) -> Report:
    """Count the answered calls of a period.

    Args:
        utc_offset_min: the PBX's zone, for what a day is there.
    """
    there = timezone(timedelta(minutes=utc_offset_min or 0))
    total = Figure(name="")
    figures: dict[str, dict[str, Figure]] = {"extension": {}, "queue": {}, "day": {}}
    for each in _entries(db, asked):
        total.count(each.coverage)
        day = each.started_at.astimezone(there).date().isoformat()
        names = {"extension": each.extension or NOBODY, "queue": each.queue, "day": day}
        for kind, name in names.items():
            if name is not None:
                figures[kind].setdefault(name, Figure(name=name)).count(each.coverage)
    return Report(
        total=total,
        by_extension=_worst_first(figures["extension"]),
        by_queue=_worst_first(figures["queue"]),
        by_day=tuple(figures["day"][name] for name in sorted(figures["day"])),
    )


def _worst_first(found: dict[str, Figure]) -> tuple[Figure, ...]:
    return tuple(
        sorted(found.values(), key=lambda each: (-each.missing, -each.answered, each.name == NOBODY, each.name))
    )


def gaps(db: sa.Connection, asked: Asked) -> Iterator[Entry]:
    """The answered calls without a usable recording, newest first."""
    for each in _entries(db, asked):
        if each.coverage in GAPS and asked.cause in {"", each.coverage}:
            yield each


def has_records(db: sa.Connection) -> bool:
    """Whether any call detail records are known at all."""
    return db.scalar(sa.select(cdr.c.linkedid).limit(1)) is not None


def _entries(db: sa.Connection, asked: Asked) -> Iterator[Entry]:
    """The answered calls of the period, newest first."""
    owners = {pbx.id: pbx for pbx in pbxs.all_pbxs(db)}
    where = [cdr.c.started_at >= asked.since, cdr.c.started_at < asked.until, cdr.c.disposition == "answered"]
    where.append(cdr.c.pbx_id == asked.pbx_id if asked.pbx_id else cdr.c.pbx_id.in_(owners))
    for column, name in ((cdr.c.extension, asked.extension), (cdr.c.queue_or_group, asked.queue)):
        if name:
            where.append(column.is_(None) if name == NOBODY else column == name)
    statement = (
        sa.select(
            cdr.c.pbx_id, cdr.c.linkedid, cdr.c.started_at, cdr.c.direction, cdr.c.extension, cdr.c.queue_or_group,
            cdr.c.is_recording_named, cdr.c.call_id, call.c.state, call.c.caller, call.c.caller_name, call.c.callee,
            call.c.talk_s,
        )
        .select_from(cdr.outerjoin(call, call.c.id == cdr.c.call_id))
        .where(*where)
        .order_by(cdr.c.started_at.desc(), cdr.c.linkedid)
    )  # fmt: skip
    rows = db.execute(statement).all()
    hidden = _why_hidden(db, [(row.pbx_id, row.linkedid) for row in rows if row.state is None], owners)
    for row in rows:
        yield Entry(
            pbx_id=row.pbx_id,
            linkedid=row.linkedid,
            started_at=row.started_at,
            direction=row.direction,
            extension=row.extension,
            queue=row.queue_or_group,
            coverage=hidden.get((row.pbx_id, row.linkedid)) or _coverage(row.state, is_named=row.is_recording_named),
            call_id=row.call_id,
            caller=row.caller,
            caller_name=row.caller_name,
            callee=row.callee,
            talk_s=row.talk_s,
        )


def _coverage(state: str | None, *, is_named: bool) -> Coverage:
    if state in {None, CallState.NO_RECORDING}:
        return Coverage.NOT_ON_PBX if is_named else Coverage.NOT_RECORDED
    return _OF_STATE.get(CallState(state), Coverage.ON_ITS_WAY)


def _why_hidden(
    db: sa.Connection, hidden: Sequence[tuple[str, str]], owners: dict[str, Pbx]
) -> dict[tuple[str, str], Coverage]:
    """Of calls that are not shown: whether filters leave them out, or their recording is still to come."""
    found = {}
    for pbx_id, linkedid in hidden:
        told, owner = cdrs.told_of(db, pbx_id, linkedid), owners.get(pbx_id)
        if told is None or owner is None:
            continue
        rule = cdrs.why_unwanted(told, owner)
        if rule:
            found[pbx_id, linkedid] = Coverage.TOO_OLD if rule == "since" else Coverage.FILTERED
        else:
            found[pbx_id, linkedid] = Coverage.ON_ITS_WAY
    return found
