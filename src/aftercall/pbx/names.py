"""This file reads what a recording's name tells: who called whom, when, and in which time zone.

FreePBX 12 to 17 writes `[folder/]TYPE-CALLED-FROM-YYYYMMDD-HHMMSS[-UNIQUEID][.format]`: the called party first, then
the calling one, then the PBX's own wall clock. It cleans nothing, so a number may hold hyphens, signs, letters or
nothing at all. Only the wall clock is unmistakable: the parties are read to its left, the uniqueid to its right.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from aftercall.model import Direction, RecordingName

#: What stands in a field where no number is known: the PBX's words, the network's words for a withheld number, the `s`
#: of a route for any DID, and `external`, which FreePBX 13 to 15 writes for the caller of some queue calls.
NO_NUMBER = frozenset(
    {
        "", "s", "unknown", "<unknown>", "external", "anonymous", "private", "restricted", "unavailable", "withheld",
    }
)  # fmt: skip

#: The one rule that tells an extension from an outside number: two to six plain digits.
EXTENSION_LIKE = re.compile(r"[0-9]{2,6}")

#: The wall clock is the channel's birth plus this much, apart from the zone: the name's time can be set by an earlier
#: channel, and a greeting or a queue can pass before the recording starts.
EARLIEST_GAP = timedelta(seconds=-5)
LATEST_GAP = timedelta(minutes=7)
#: Every zone of the world lies between these, on a quarter of an hour.
EARLIEST_ZONE = timedelta(hours=-12)
LATEST_ZONE = timedelta(hours=14)
QUARTER_HOUR = timedelta(minutes=15)

#: A dot and a word that starts with a letter, at the end: `.wav`, `.WAV`, `.g726-32`, and what Asterisk may yet learn
#: to write. The dot of a uniqueid has digits after it.
_FILE_FORMAT = re.compile(r"(?:\.(?:g726-[0-9]{2}|[a-z][a-z0-9]{0,9}))+\Z", re.IGNORECASE)
_WALL_CLOCK = re.compile(r"-([0-9]{8})-([0-9]{6})(?=-|\Z)")
#: `[systemname-]epoch[.counter]`; one-touch recording keeps the digits only, hence more than ten of them.
_UNIQUEID = re.compile(r"-((?:.+-)?([0-9]{10,})(?:\.[0-9]+)?)", re.DOTALL)
#: ConfBridge adds an epoch of its own where `record_file_timestamp` is on (before FreePBX 14).
_SECOND_EPOCH = re.compile(r"(?<=[0-9])-[0-9]{10}\Z")
_EPOCH_DIGITS = 10

#: Asterisk's own automixmon: `auto-EPOCH-FROM-TO`, without a wall clock.
_AUTOMIXMON = re.compile(r"auto-([0-9]{10})-([^-]*)-(.*)", re.DOTALL)
#: FreePBX before 2.10 put one number into the prefix: `g600`, `q500`, `OUT201`, `IN`.
_OLD_PREFIX = re.compile(r"(IN)|(OUT|q|g)([0-9*#+]+)")
#: `ROOM-ROOM-POLICY` (FreePBX 12 to 17).
_CONFERENCE = re.compile(r"([0-9*#]+)-\1-(?:always|force|yes|dontcare|no|never)")
#: `GROUP-FROM`, both short: a page group of FreePBX 2.x without the word. Longer numbers are somebody's own naming.
_BARE_PAGE = re.compile(rf"({EXTENSION_LIKE.pattern})-({EXTENSION_LIKE.pattern})")

#: Types that name one of our own (extension, queue, group, room) as called: it holds no hyphen, the caller may.
_CALLED_IS_OURS = frozenset({"external", "internal", "exten", "q", "rg", "parked", "page", "conf"})
#: Types that name one of our own as calling: it holds no hyphen, the called number may.
_FROM_IS_OURS = frozenset({"out", "ondemand"})


def is_extension_like(number: str | None) -> bool:
    """Whether a number looks like one of ours rather than like an outside number."""
    return number is not None and EXTENSION_LIKE.fullmatch(number) is not None


def placed(name: RecordingName, zone: str | None) -> RecordingName:
    """The same name with its wall clock read in the PBX's zone, where the name itself does not tell the zone.

    Args:
        zone: IANA name, None if nobody has said.
    """
    if zone is None or name.started_at is not None or name.started_at_local is None:
        return name
    local = name.started_at_local.replace(tzinfo=ZoneInfo(zone))
    offset = local.utcoffset() or timedelta()
    return replace(
        name, started_at=local.astimezone(UTC), utc_offset_min=round(offset.total_seconds() / 60)
    )  # fmt: skip


def parse(name: str) -> RecordingName:
    """Read a recording's name.

    Args:
        name: as ARI lists it or as a file is called, with or without folders and file format.
    Returns:
        What the name tells. A type we do not know gives kind `unknown` without parties but with its times; a name
        without the wall clock of this grammar gives kind `unknown` and nothing else.
    Source:
        FreePBX/callrecording, `functions.inc.php` (`recordcheck/startrec`).
    """
    stem = _FILE_FORMAT.sub("", name.rpartition("/")[2])
    if automatic := _AUTOMIXMON.fullmatch(stem):
        epoch, caller, callee = automatic.groups()
        return RecordingName(
            name=name,
            kind="auto",
            direction="unknown",
            caller=_number(caller),
            callee=_number(callee),
            started_at=_instant(epoch),
        )
    clock = _last_wall_clock(stem)
    if clock is None:
        return _unknown(name)
    parties = _read_parties(name, stem[: clock.start()])
    return _with_times(parties, _moment(clock), stem[clock.end() :])


def as_json(parsed: RecordingName) -> dict[str, str | int | None]:
    """What `aftercall recording-name` prints and the API gives."""
    started = parsed.started_at_local
    return {
        "name": parsed.name,
        "direction": parsed.direction,
        "caller": parsed.caller,
        "callee": parsed.callee,
        "extension": parsed.extension,
        "queue_or_group": parsed.queue_or_group,
        "started_at_local": started.isoformat(sep=" ") if started else None,
        "uniqueid": parsed.uniqueid,
        "utc_offset_min": parsed.utc_offset_min,
    }


# ---- the parties, left of the wall clock ----------------------------------------------------------------------------


def _read_parties(name: str, head: str) -> RecordingName:
    if old := _OLD_PREFIX.fullmatch(head):
        return _old_parties(name, old[2] or old[1], old[3])
    if conference := _CONFERENCE.fullmatch(head):
        return _conference(name, conference[1])
    if page := _BARE_PAGE.fullmatch(head):
        return _conference(name, page[1]) if page[1] == page[2] else _page(name, page[1], page[2])
    kind, hyphen, rest = head.partition("-")
    reader = _READERS.get(kind)
    fields = _split(kind, rest) if hyphen else None
    if reader is None or fields is None:
        return _unknown(name)
    return reader(name, kind, _number(fields[0]), _number(fields[1]))


def _split(kind: str, rest: str) -> tuple[str, str] | None:
    """Cut CALLED-FROM in two, at the hyphen that most likely is the PBX's own."""
    if rest.count("-") == 0:
        return None
    first, _, after_first = rest.partition("-")
    before_last, _, last = rest.rpartition("-")
    if kind in _CALLED_IS_OURS:
        return first, after_first
    if kind in _FROM_IS_OURS:
        return before_last, last
    # Both are outside numbers. Trunks hand over DIDs without hyphens, caller numbers come as they like; only a DID that
    # is visibly a fragment beside a complete caller number says otherwise.
    return (before_last, last) if _is_fragment(first) and not _is_fragment(last) else (first, after_first)


def _is_fragment(field: str) -> bool:
    """Whether a field is too short to be a whole outside number."""
    return field.lower() not in NO_NUMBER and sum(character.isdigit() for character in field) < 7


def _number(field: str) -> str | None:
    return None if field.lower() in NO_NUMBER else field


def _unknown(name: str) -> RecordingName:
    return RecordingName(name=name, kind="unknown", direction="unknown")


def _inbound_unless_ours(caller: str | None) -> Direction:
    """The direction of a call to one of ours: a caller without a number is an outside caller, ours always have one."""
    return "internal" if is_extension_like(caller) else "inbound"


def _route_in(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    return RecordingName(name=name, kind=kind, direction="inbound", caller=caller, callee=called)


def _route_out(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    extension = caller if is_extension_like(caller) else None
    return RecordingName(name=name, kind=kind, direction="outbound", caller=caller, callee=called, extension=extension)


def _to_extension(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    direction: Direction = "internal" if kind == "internal" else _inbound_unless_ours(caller)
    return RecordingName(name=name, kind=kind, direction=direction, caller=caller, callee=called, extension=called)


def _to_group(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    return RecordingName(
        name=name,
        kind=kind,
        direction=_inbound_unless_ours(caller),
        caller=caller,
        callee=called,
        queue_or_group=called,
    )


def _generic(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    """The Call Recording destination: with a DID the call came from outside, without one it never left the house."""
    if called is not None:
        return _route_in(name, kind, called, caller)
    extension = caller if is_extension_like(caller) else None
    return RecordingName(name=name, kind=kind, direction="internal", caller=caller, extension=extension)


def _force(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    return RecordingName(name=name, kind=kind, direction="unknown", caller=caller, callee=called)


def _one_touch(name: str, kind: str, called: str | None, caller: str | None) -> RecordingName:
    """Started by a feature code: the calling field is usually who pressed it; who rang whom, only the CDR knows."""
    extension = next((party for party in (caller, called) if is_extension_like(party)), None)
    return RecordingName(name=name, kind=kind, direction="unknown", caller=caller, callee=called, extension=extension)


def _old_conference(name: str, _kind: str, called: str | None, _caller: str | None) -> RecordingName:
    return _conference(name, called)


def _old_page(name: str, _kind: str, called: str | None, caller: str | None) -> RecordingName:
    return _page(name, called, caller)


def _conference(name: str, room: str | None) -> RecordingName:
    return RecordingName(name=name, kind="conference", direction="conference", callee=room, queue_or_group=room)


def _page(name: str, group: str | None, caller: str | None) -> RecordingName:
    extension = caller if is_extension_like(caller) else None
    return RecordingName(
        name=name,
        kind="page",
        direction="internal",
        caller=caller,
        callee=group,
        extension=extension,
        queue_or_group=group,
    )


def _old_parties(name: str, prefix: str, number: str | None) -> RecordingName:
    if prefix == "IN":
        return _route_in(name, "in", None, None)
    if prefix == "OUT":
        return _route_out(name, "out", None, number)
    return _to_group(name, "q" if prefix == "q" else "rg", number, None)


_READERS: dict[str, Callable[[str, str, str | None, str | None], RecordingName]] = {
    "in": _route_in,
    "out": _route_out,
    "external": _to_extension,
    "internal": _to_extension,
    "exten": _to_extension,
    "parked": _to_extension,
    "q": _to_group,
    "rg": _to_group,
    "generic": _generic,
    "force": _force,
    "ondemand": _one_touch,
    "conf": _old_conference,
    "page": _old_page,
}


# ---- the times: the wall clock and what is right of it ---------------------------------------------------------------


def _last_wall_clock(stem: str) -> re.Match[str] | None:
    """The last place that holds a real date and time; a number can look like one, but stands before it."""
    return next((found for found in reversed(list(_WALL_CLOCK.finditer(stem))) if _is_moment(found)), None)


def _is_moment(found: re.Match[str]) -> bool:
    try:
        _moment(found)
    except ValueError:
        return False
    return True


def _moment(found: re.Match[str]) -> datetime:
    date, time = found.groups()
    return datetime(  # noqa: DTZ001 - the PBX's wall clock has no zone until the uniqueid gives it one
        int(date[:4]), int(date[4:6]), int(date[6:]), int(time[:2]), int(time[2:4]), int(time[4:])
    )


def _with_times(parties: RecordingName, local: datetime, tail: str) -> RecordingName:
    first_only = _SECOND_EPOCH.sub("", tail) if parties.kind == "conference" else tail
    found = _UNIQUEID.fullmatch(first_only) or _UNIQUEID.fullmatch(tail)
    if found is None:
        return replace(parties, started_at_local=local)
    started_at, zone = _epoch(found[2], local)
    return replace(
        parties,
        started_at_local=local,
        uniqueid=found[1],
        started_at=started_at,
        utc_offset_min=None if zone is None else zone // timedelta(minutes=1),
    )


def _epoch(digits: str, local: datetime) -> tuple[datetime | None, timedelta | None]:
    """The instant in a uniqueid's digits, and the PBX's zone where the wall clock confirms it.

    A uniqueid stripped to its digits may begin with those of a system name: the wall clock tells where the epoch is.
    """
    if len(digits) == _EPOCH_DIGITS:
        instant = _instant(digits)
        return instant, _zone(local, instant)
    for start in range(len(digits) - _EPOCH_DIGITS + 1):
        instant = _instant(digits[start : start + _EPOCH_DIGITS])
        zone = _zone(local, instant)
        if zone is not None:
            return instant, zone
    return None, None


def _instant(epoch: str) -> datetime:
    return datetime.fromtimestamp(int(epoch), tz=UTC)


def _zone(local: datetime, instant: datetime) -> timedelta | None:
    """The zone in which the wall clock shows the instant, or None where no quarter of an hour fits."""
    difference = local - instant.replace(tzinfo=None)
    zone = round(difference / QUARTER_HOUR) * QUARTER_HOUR
    is_close = EARLIEST_GAP <= difference - zone <= LATEST_GAP
    return zone if is_close and EARLIEST_ZONE <= zone <= LATEST_ZONE else None
