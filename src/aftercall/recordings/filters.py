"""This file decides, without doing: which recordings of a PBX an administrator wants at all."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from aftercall.model import Direction, ListedRecording, RecordingName
from aftercall.pbx import names

#: A name's own date is the PBX's wall clock, so it may be off by this much from UTC.
_FARTHEST_ZONE = timedelta(hours=15)
#: A day begins here first: where nobody has said where the PBX stands, its day is taken to begin with this one.
_FIRST_ZONE = timezone(timedelta(hours=14))
_DATED = re.compile(r"-(\d{8})-\d{6}-(\d{9,10}(?=\.))?")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which recordings are wanted; everything left open by default."""

    #: Calls that began earlier are not fetched.
    since: datetime | None = None
    #: None for all.
    directions: frozenset[Direction] | None = None
    #: Only these extensions, `*` and `?` as in file names; empty for all.
    extensions: tuple[str, ...] = ()
    #: Recordings whose name, folders included, matches one of these are skipped.
    skipped_names: tuple[str, ...] = ()
    #: Shorter recordings are not analysed. No list tells a length, so this is known only after the download.
    min_duration_s: float = 0

    @property
    def is_open(self) -> bool:
        """Whether every listed recording is wanted."""
        return not (self.since or self.directions is not None or self.extensions or self.skipped_names)

    @property
    def is_narrow(self) -> bool:
        """Whether more than a date decides."""
        return bool(self.directions is not None or self.extensions or self.skipped_names or self.min_duration_s)


@dataclass(frozen=True, kw_only=True)
class Sorted:
    """The recordings of a list that are new to us, in two heaps."""

    wanted: tuple[tuple[ListedRecording, RecordingName], ...]
    skipped_count: int
    #: How many each rule skipped, by the rule's name; the first rule that fits counts.
    skipped_by: Mapping[str, int] = field(default_factory=dict)


def sort_out(new: Iterable[ListedRecording], filters: Filters) -> Sorted:
    """Part the new recordings of a list into wanted and skipped."""
    wanted, skipped_by = [], dict[str, int]()
    for each in new:
        # The date alone settles most of a long history, without reading the rest of the name.
        rule = "since" if _is_long_before(each.name, filters.since) else ""
        if not rule:
            read = names.parse(each.name)
            rule = why_skipped(read, filters)
            if not rule:
                wanted.append((each, read))
        if rule:
            skipped_by[rule] = skipped_by.get(rule, 0) + 1
    return Sorted(wanted=tuple(wanted), skipped_count=sum(skipped_by.values()), skipped_by=skipped_by)


def why_skipped(name: RecordingName, filters: Filters) -> str:
    """The rule that skips a recording: `since`, `directions`, `extensions`, `names`, or "" if it is wanted.

    What a name does not tell is never held against it: a recording without a date, a direction or an extension is
    wanted, because a call fetched in vain is a nuisance and a call lost is not forgiven.
    """
    if filters.since and name.started_at and name.started_at < filters.since:
        return "since"
    if filters.directions is not None and name.direction != "unknown" and name.direction not in filters.directions:
        return "directions"
    if filters.extensions and name.extension and not _fits(name.extension, filters.extensions):
        # Both ends of an internal call are extensions, and either may be the one that is wanted.
        is_internal = name.direction == "internal"
        if not (is_internal and any(end and _fits(end, filters.extensions) for end in (name.caller, name.callee))):
            return "extensions"
    return "names" if _fits(name.name, filters.skipped_names) else ""


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)


def _is_long_before(name: str, since: datetime | None) -> bool:
    if since is None:
        return False
    found = _DATED.findall(name)
    if not found:
        return False
    day, epoch = found[-1]
    # Where a clock was wrong the two may differ; then the later one decides, so that no call is lost.
    return day < f"{since - _FARTHEST_ZONE:%Y%m%d}" and (not epoch or int(epoch) < since.timestamp())


# ---- days -------------------------------------------------------------------------------------------------------


def start_of(day: date, zone: str | None) -> datetime:
    """When a day begins on the PBX.

    Args:
        zone: IANA name; None where it is not known, then the earliest moment this can be.
    """
    return datetime.combine(day, time(), ZoneInfo(zone) if zone else _FIRST_ZONE).astimezone(UTC)


def day_of(moment: datetime, zone: str | None) -> date:
    """The day of a moment on the PBX, the other way round."""
    return moment.astimezone(ZoneInfo(zone) if zone else _FIRST_ZONE).date()


# ---- as stored --------------------------------------------------------------------------------------------------


def as_json(filters: Filters) -> dict[str, Any] | None:
    """All but `since`, which has a column of its own; None when nothing is filtered."""
    stored: dict[str, Any] = {}
    if filters.directions is not None:
        stored["directions"] = sorted(filters.directions)
    if filters.extensions:
        stored["extensions"] = list(filters.extensions)
    if filters.skipped_names:
        stored["skipped_names"] = list(filters.skipped_names)
    if filters.min_duration_s:
        stored["min_duration_s"] = filters.min_duration_s
    return stored or None


def from_json(stored: Mapping[str, Any] | None, since: datetime | None) -> Filters:
    """The other way round."""
    stored = stored or {}
    return Filters(
        since=since,
        directions=frozenset(stored["directions"]) if "directions" in stored else None,
        extensions=tuple(stored.get("extensions", ())),
        skipped_names=tuple(stored.get("skipped_names", ())),
        min_duration_s=float(stored.get("min_duration_s", 0)),
    )
