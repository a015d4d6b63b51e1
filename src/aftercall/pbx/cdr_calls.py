"""This file makes calls of call detail records: all rows under one linkedid become one call with its legs; pure.

Asterisk writes a row for every pair of channels, so a queue that rings ten phones leaves ten rows and more, and a
machine that answers (a menu, a queue, a mailbox) looks like a person. What a call was is read from all rows together.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from aftercall.model import Direction, Disposition
from aftercall.pbx import names
from aftercall.pbx.cdr_rows import CdrRow, epoch_of
from aftercall.pbx.heard import Transfer

LegOutcome = Literal["answered", "no answer", "busy", "failed"]

#: Where FreePBX's calls from outside come in.
_FROM_OUTSIDE = ("from-trunk", "from-pstn", "from-did", "from-digital", "from-analog", "ext-did")
#: Where a call goes on that was handed on without being announced.
_TRANSFERRED = "xfer"
_MAILBOX = re.compile(r"vm[a-z]?\d+|\*9[78]\d*")
_MAILBOX_APPS = frozenset({"voicemail", "voicemailmain", "minivmrecord"})
#: In these a caller talks with people although nobody was dialled.
_MEETING_APPS = frozenset({"confbridge", "meetme", "page"})
#: Waiting for somebody, not talking with them.
_QUEUE, _PARK = "queue", frozenset({"park", "parkandannounce"})
#: A device or a queue member of ours; FMPR and FMGL are what Follow Me rings.
_OUR_CHANNEL = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|Skinny|Local)/(?:FM(?:PR|GL)-)?([0-9]{2,6})(?=[-@])", re.IGNORECASE)
_CLID = re.compile(r'\s*"?(.*?)"?\s*<([^<>]*)>\s*')
_GROUPS = ("ext-group", "ext-queues")


@dataclass(frozen=True, kw_only=True)
class CdrLeg:
    """One row as a person reads it: who was rung, and what came of it."""

    at: datetime
    caller: str | None
    callee: str | None
    #: Our own phone that was rung, None where a machine answered or the call went out.
    extension: str | None
    #: Asterisk's application: `Dial`, `Queue`, `VoiceMail`, ...
    application: str
    outcome: LegOutcome
    ring_s: float
    talk_s: float
    recording: str | None


@dataclass(frozen=True, kw_only=True)
class CdrCall:
    """One call as its records tell it; None where they do not."""

    linkedid: str
    started_at: datetime
    #: How far the table's clock is ahead of UTC: the PBX's zone, or 0 where the table is kept in UTC.
    table_offset_min: int
    direction: Direction
    disposition: Disposition
    caller: str | None
    caller_name: str | None
    callee: str | None
    callee_name: str | None
    did: str | None
    #: Who talked longest on our side; of a missed call the only phone that rang.
    extension: str | None
    queue_or_group: str | None
    answered_at: datetime | None
    hung_up_at: datetime
    #: Until the answer, or until the caller gave up.
    ring_s: float
    talk_s: float
    legs: tuple[CdrLeg, ...]
    transfers: tuple[Transfer, ...]
    #: Names of its recordings, without folders and format, in the order of the rows.
    stems: tuple[str, ...]
    uniqueids: tuple[str, ...]

    @property
    def outside_number(self) -> str | None:
        """The party that is not ours; None for an internal call."""
        return {"inbound": self.caller, "outbound": self.callee}.get(self.direction)


def group(rows: Iterable[CdrRow]) -> dict[str, list[CdrRow]]:
    """The rows by call."""
    found: dict[str, list[CdrRow]] = {}
    for row in rows:
        found.setdefault(row.call, []).append(row)
    return found


def build(rows: Sequence[CdrRow], *, usual_offset_min: int = 0) -> CdrCall:
    """Put the rows of one call together.

    Args:
        rows: at least one, all with the same linkedid, in any order.
        usual_offset_min: the table's distance from UTC, for calls whose uniqueids hold no epoch.
    """
    rows = sorted(rows, key=lambda row: (row.calldate, row.sequence, row.uniqueid))
    offset_min = _offset_min(rows, usual_offset_min)
    offset, first = timedelta(minutes=offset_min), rows[0]
    epoch = epoch_of(first.call)
    started_at = datetime.fromtimestamp(epoch, UTC) if epoch else _utc(first.calldate, offset)
    direction = _direction(rows)
    talks = _talks(rows, direction)
    answered_at = min((_answered_at(row, offset) for row in talks), default=None)
    hung_up_at = max(_utc(row.calldate, offset) + timedelta(seconds=row.duration) for row in rows)
    caller, caller_name = _caller(rows)
    callee = _callee(rows, direction, talks)
    did = next((row.did for row in rows if row.did), None)
    until = answered_at or hung_up_at
    return CdrCall(
        linkedid=first.call,
        started_at=started_at,
        table_offset_min=offset_min,
        direction=direction,
        disposition=_disposition(rows, direction, is_answered=bool(talks)),
        caller=caller,
        caller_name=caller_name,
        callee=callee,
        callee_name=next((row.dst_cnam for row in talks if row.dst_cnam and row.dst_cnam != callee), None),
        did=did,
        extension=_agent(rows, direction, talks),
        queue_or_group=_queue_or_group(rows),
        answered_at=answered_at,
        hung_up_at=hung_up_at,
        ring_s=max(0.0, (until - started_at).total_seconds()),
        talk_s=max(0.0, (hung_up_at - answered_at).total_seconds()) if answered_at else 0.0,
        legs=tuple(_leg(row, offset) for row in rows),
        transfers=_transfers(rows, talks, offset),
        stems=tuple(dict.fromkeys(row.stem for row in rows if row.stem)),
        uniqueids=tuple(dict.fromkeys(row.uniqueid for row in rows if row.uniqueid)),
    )


# ---- time -------------------------------------------------------------------------------------------------------


def offset_of(row: CdrRow) -> int | None:
    """The table's distance from UTC in minutes, as one row's wall clock and epoch tell it."""
    epoch = epoch_of(row.uniqueid)
    if epoch is None:
        return None
    difference = row.calldate - datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)
    zone = round(difference / names.QUARTER_HOUR) * names.QUARTER_HOUR
    is_close = names.EARLIEST_GAP <= difference - zone <= names.LATEST_GAP
    return zone // timedelta(minutes=1) if is_close and names.EARLIEST_ZONE <= zone <= names.LATEST_ZONE else None


def _offset_min(rows: Sequence[CdrRow], usual: int) -> int:
    # The first row begins as its channel is born; a later one may belong to a channel that is hours old.
    for row in rows:
        found = offset_of(row)
        if found is not None:
            return found
    return usual


def _utc(calldate: datetime, offset: timedelta) -> datetime:
    return (calldate - offset).replace(tzinfo=UTC)


def _answered_at(row: CdrRow, offset: timedelta) -> datetime:
    return _utc(row.calldate, offset) + timedelta(seconds=max(0, row.duration - row.billsec))


# ---- what a row is ------------------------------------------------------------------------------------------------


def _ours(channel: str) -> str | None:
    """The extension whose phone or queue membership a channel is."""
    found = _OUR_CHANNEL.match(channel)
    return found[1] if found else None


def _is_local(channel: str) -> bool:
    return channel.lower().startswith("local/")


def _is_trunk(channel: str) -> bool:
    return "/" in channel and not _is_local(channel) and _ours(channel) is None


def _is_answered(row: CdrRow) -> bool:
    return row.disposition.upper() == "ANSWERED" and row.billsec > 0


def _is_mailbox(row: CdrRow) -> bool:
    return row.lastapp.lower() in _MAILBOX_APPS or _MAILBOX.fullmatch(row.dst.lower()) is not None


def _outcome(row: CdrRow) -> LegOutcome:
    said = row.disposition.upper()
    if said == "ANSWERED":
        return "answered"
    return {"BUSY": "busy", "FAILED": "failed", "CONGESTION": "failed"}.get(said, "no answer")  # type: ignore[return-value]


def _is_from_outside(row: CdrRow) -> bool:
    return bool(row.did) or row.dcontext.lower().startswith(_FROM_OUTSIDE)


# ---- what the call was --------------------------------------------------------------------------------------------


def _direction(rows: Sequence[CdrRow]) -> Direction:
    if any(_is_from_outside(row) for row in rows):
        return "inbound"
    if any(_is_trunk(row.dstchannel) for row in rows):
        # A call between two trunks comes from outside, whatever FreePBX's context for it is.
        return "inbound" if _is_trunk(rows[0].channel) else "outbound"
    first = rows[0]
    is_long = len(_digits(first.dst)) >= 7  # longer than any extension
    return "outbound" if is_long and _ours(first.channel) else "internal"


def _talks(rows: Sequence[CdrRow], direction: Direction) -> list[CdrRow]:
    """The rows in which two people talked, as far as records can tell."""
    answered = [row for row in rows if _is_answered(row) and not _is_mailbox(row)]
    reached = [row for row in answered if row.dstchannel and row.lastapp.lower() not in _PARK]
    phones = [row for row in reached if not _is_local(row.dstchannel)]
    if phones:
        # The phone's own row, where there is one, begins when it rang; the caller's began with the menu or the queue.
        own = [row for row in phones if _is_local(row.channel)]
        others = [row for row in phones if not _is_local(row.channel) and row.lastapp.lower() != _QUEUE]
        return own + others or phones
    members = [row for row in reached if not any(_is_mailbox(each) and _is_answered(each) for each in rows)]
    if members:
        return members
    meetings = [row for row in answered if row.lastapp.lower() in _MEETING_APPS]
    # Whoever calls a feature code or a test from inside has reached what was dialled; a menu is not whom callers want.
    return meetings or (answered if direction == "internal" and not _is_waiting(answered) else [])


def _is_waiting(answered: Sequence[CdrRow]) -> bool:
    return any(row.lastapp.lower() == _QUEUE or row.dcontext in _GROUPS for row in answered)


def _disposition(rows: Sequence[CdrRow], direction: Direction, *, is_answered: bool) -> Disposition:
    if is_answered:
        return "answered"
    if any(_is_mailbox(row) and _is_answered(row) for row in rows):
        return "voicemail"
    tried = [_outcome(row) for row in rows if row.dstchannel or row.lastapp.lower() == "dial"]
    outcomes = set(tried or [_outcome(row) for row in rows])
    if outcomes == {"busy"} or (direction == "outbound" and "busy" in outcomes):
        return "busy"
    is_lost = outcomes == {"failed"} or (direction == "outbound" and not tried and "no answer" not in outcomes)
    return "failed" if is_lost else "missed"


def _agent(rows: Sequence[CdrRow], direction: Direction, talks: Sequence[CdrRow]) -> str | None:
    if direction == "outbound":
        return next((found for row in rows if (found := _ours(row.channel))), None) or _if_extension(_number(rows[0]))
    longest = sorted(talks, key=lambda row: row.billsec, reverse=True)
    if found := next((ours for row in longest if (ours := _ours(row.dstchannel))), None):
        return found
    rung = {ours for row in rows if (ours := _ours(row.dstchannel))}
    return rung.pop() if len(rung) == 1 and not talks else None


def _queue_or_group(rows: Sequence[CdrRow]) -> str | None:
    for row in rows:
        if row.lastapp.lower() == _QUEUE:
            return row.lastdata.partition(",")[0].strip() or row.dst or None
    return next((row.dst for row in rows if row.dcontext.lower() in _GROUPS and row.dst), None)


def _caller(rows: Sequence[CdrRow]) -> tuple[str | None, str | None]:
    """Number and name; FreePBX writes the number once more where there is no name."""
    first = next((row for row in rows if not _is_local(row.channel)), rows[0])
    number = _number(first)
    found = _CLID.fullmatch(first.clid)
    for name in (first.cnam, found[1] if found else ""):
        plain = name.strip()
        is_number = plain == number or (_digits(plain) and _digits(plain) == re.sub(r"[^\w]", "", plain))
        if plain and not is_number and plain.lower() not in names.NO_NUMBER:
            return number, plain
    return number, None


def _number(row: CdrRow) -> str | None:
    found = _CLID.fullmatch(row.clid)
    for number in (row.cnum, row.src, found[2] if found else ""):
        if number.strip().lower() not in names.NO_NUMBER:
            return number.strip()
    return None


def _callee(rows: Sequence[CdrRow], direction: Direction, talks: Sequence[CdrRow]) -> str | None:
    if direction == "outbound":
        dialled = next((row.dst for row in rows if _is_trunk(row.dstchannel) and row.dst), "") or rows[0].dst
        return _said(dialled)
    reached = next((ours for row in talks if (ours := _ours(row.dstchannel))), None)
    if direction == "internal":
        return _said(rows[0].dst) or reached
    return reached or next((row.did for row in rows if row.did), None) or _said(rows[0].dst)


def _said(dst: str) -> str | None:
    return dst if dst.lower() not in names.NO_NUMBER else None


def _if_extension(number: str | None) -> str | None:
    return number if names.is_extension_like(number) else None


def _digits(text: str) -> str:
    return re.sub(r"[^0-9]", "", text)


# ---- legs and transfers -------------------------------------------------------------------------------------------


def _leg(row: CdrRow, offset: timedelta) -> CdrLeg:
    return CdrLeg(
        at=_utc(row.calldate, offset),
        caller=_number(row),
        callee=_said(row.dst),
        extension=_ours(row.dstchannel),
        application=row.lastapp,
        outcome=_outcome(row),
        ring_s=float(max(0, row.duration - row.billsec)),
        talk_s=float(row.billsec),
        recording=row.stem or None,
    )


def _transfers(rows: Sequence[CdrRow], talks: Sequence[CdrRow], offset: timedelta) -> tuple[Transfer, ...]:
    """Where the call was handed on.

    Blind: the row after it begins in FreePBX's context for that. Attended: the phone that had answered dials itself.
    """
    found: dict[str, Transfer] = {}
    talked: set[str] = set()
    for row in rows:
        from_whom, to = _ours(row.channel), _ours(row.dstchannel) or row.dst
        if _TRANSFERRED in row.dcontext.lower() and talked:
            found.setdefault(row.dst, Transfer(kind="blind", to=row.dst, at=_utc(row.calldate, offset)))
        elif (
            from_whom in talked and not _is_local(row.channel) and to != from_whom
            and row.lastapp.lower() not in _PARK | {"parkedcall"}
        ):  # fmt: skip
            found.setdefault(to, Transfer(kind="attended", to=to, at=_utc(row.calldate, offset)))
        if row in talks and (reached := _ours(row.dstchannel)):
            talked.add(reached)
    return tuple(found.values())
