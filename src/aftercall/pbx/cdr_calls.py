"""This file turns call detail records into calls: one row is one leg, all rows of a linkedid are one call; pure.

The rules are those of FreePBX's dialplan and of Asterisk's CDR engine: every ring attempt leaves a row, an IVR, a queue
or a mailbox "answers" as well as a person does, and a recording is named on some rows of a call, on all or on none.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby

from aftercall.model import Direction, Disposition
from aftercall.pbx.names import EARLIEST_ZONE, LATEST_ZONE, NO_NUMBER, QUARTER_HOUR, is_extension_like


@dataclass(frozen=True, kw_only=True)
class CdrRow:
    """One row of asteriskcdrdb.cdr, as far as we use it; texts are "" where the row has none."""

    #: The PBX's own clock, or UTC where FreePBX is set so; naive as it stands in the table.
    calldate: datetime
    clid: str = ""
    src: str = ""
    dst: str = ""
    dcontext: str = ""
    channel: str = ""
    dstchannel: str = ""
    lastapp: str = ""
    lastdata: str = ""
    #: Whole seconds, ringing included; and from the answer on.
    duration: int = 0
    billsec: int = 0
    #: ANSWERED, NO ANSWER, BUSY, FAILED or CONGESTION.
    disposition: str = ""
    uniqueid: str = ""
    linkedid: str = ""
    sequence: int = 0
    did: str = ""
    recordingfile: str = ""
    cnum: str = ""
    cnam: str = ""
    dst_cnam: str = ""


@dataclass(frozen=True, kw_only=True)
class CdrLeg:
    """One attempt to reach somebody, as a call's page shows it."""

    started_at: datetime
    #: Extension, queue or number.
    to: str
    disposition: Disposition
    ring_s: int
    talk_s: int


@dataclass(frozen=True, kw_only=True)
class CdrCall:
    """One call as its records tell it."""

    linkedid: str
    started_at: datetime
    hung_up_at: datetime
    answered_at: datetime | None
    utc_offset_min: int | None
    direction: Direction
    disposition: Disposition
    caller: str | None
    caller_name: str | None
    callee: str | None
    callee_name: str | None
    did: str | None
    #: Who answered, or the only one who was rung.
    extension: str | None
    queue_or_group: str | None
    #: Until a person answered, or until the end; and with a person.
    ring_s: float
    talk_s: float
    #: Extensions and numbers the call was handed to, in order, after the first that answered.
    transferred_to: tuple[str, ...]
    #: Recordings named in the rows: base names without folder and extension, in order.
    stems: tuple[str, ...]
    #: Uniqueids of all legs: recordings carry one of them.
    uniqueids: tuple[str, ...]
    legs: tuple[CdrLeg, ...]


#: `PJSIP/201-0000002a` and the like: a device of ours, when its name looks like an extension.
_DEVICE = re.compile(r"(?:PJSIP|SIP|IAX2|DAHDI|SCCP|Motif)/([^-@/]+)", re.IGNORECASE)
#: `Local/201@from-queue-0000001;1`: a queue's or a ring group's way to an extension.
_LOCAL = re.compile(r"Local/(?:FMPR-|FMGL-|PR-|GL-)?([0-9*#+]+)@", re.IGNORECASE)
_NAMED = re.compile(r'^\s*"?([^"<]*?)"?\s*<')
_EPOCH = re.compile(r"(?:^|-)([0-9]{10})(?:\.[0-9]+)?$")
_OUTSIDE_CONTEXTS = ("from-trunk", "from-pstn", "from-did", "ext-did", "from-digital")
_MAILBOX = re.compile(r"(?:vm[uisb]?|\*97|\*98)", re.IGNORECASE)
#: Applications that answer without a person.
_MACHINES = frozenset(
    """
    playback background backgrounddetect waitexten read ivr congestion busy hangup musiconhold answer wait noop macro
    gosub goto gotoif set agi echo saynumber playtones
    """.split()  # noqa: SIM905 (one list of words reads better so)
)


def calls(rows: Iterable[CdrRow]) -> list[CdrCall]:
    """Group rows into calls, in order of start.

    Args:
        rows: all rows of the linkedids in question, in any order; the same row twice counts once.
    """
    unique = {(row.uniqueid, row.sequence, row.dstchannel, row.calldate): row for row in rows}
    ordered = sorted(unique.values(), key=lambda row: (_identity(row), row.calldate, row.sequence))
    found = [_call(identity, list(legs)) for identity, legs in groupby(ordered, key=_identity)]
    return sorted(found, key=lambda call: (call.started_at, call.linkedid))


def _identity(row: CdrRow) -> str:
    """Before linkedid was recorded, a leg was a call of its own."""
    return row.linkedid or row.uniqueid


def _call(linkedid: str, rows: Sequence[CdrRow]) -> CdrCall:
    first = rows[0]
    offset = utc_offset(rows)
    started_at = _utc(first.calldate, offset)
    talks = [row for row in rows if _is_talk(row)]
    longest = max(talks, key=lambda row: row.billsec, default=None)
    answered_at = min((_answered(row, offset) for row in talks), default=None)
    hung_up_at = max(_utc(row.calldate, offset) + timedelta(seconds=row.duration) for row in rows)
    direction = _direction(rows)
    reached = [number for row in talks if (number := _reached(row))]
    extension = next((each for each in (_reached(longest) if longest else None, *_rung(rows)) if each), None)
    if direction == "outbound":
        extension = _own_number(first)
    return CdrCall(
        linkedid=linkedid,
        started_at=started_at,
        hung_up_at=hung_up_at,
        answered_at=answered_at,
        utc_offset_min=None if offset is None else round(offset.total_seconds() / 60),
        direction=direction,
        disposition=_disposition(rows, talks),
        caller=_number(first.cnum) or _number(first.src),
        caller_name=_caller_name(first),
        callee=_number(first.dst) or _number(first.did),
        callee_name=_text(longest.dst_cnam) if longest else _text(first.dst_cnam),
        did=next((number for row in rows if (number := _number(row.did))), None),
        extension=extension if extension and is_extension_like(extension) else None,
        queue_or_group=_queue(rows),
        ring_s=round(((answered_at or hung_up_at) - started_at).total_seconds(), 3),
        talk_s=round((hung_up_at - answered_at).total_seconds(), 3) if answered_at else 0.0,
        transferred_to=tuple(_without_repeats(reached)[1:]),
        stems=_without_repeats(stem for row in rows if (stem := recording_stem(row.recordingfile))),
        uniqueids=_without_repeats(row.uniqueid for row in rows if row.uniqueid),
        legs=tuple(_leg(row, offset) for row in rows),
    )


# ---- what one row tells -----------------------------------------------------------------------------------------


def recording_stem(recordingfile: str) -> str:
    """A recording's name without folder and extension, as it stands at the end of the name in ARI's list."""
    base = recordingfile.strip().rpartition("/")[2]
    stem, dot, extension = base.rpartition(".")
    return stem if dot and extension.isalnum() and not extension.isdigit() else base


def _is_mailbox(row: CdrRow) -> bool:
    return row.lastapp.lower().startswith(("voicemail", "vm")) or bool(_MAILBOX.match(row.dst))


def _is_talk(row: CdrRow) -> bool:
    """Whether a person talked: a device or a line answered, and no machine of ours stands at the other end."""
    if row.disposition.upper() != "ANSWERED" or row.billsec <= 0 or _is_mailbox(row):
        return False
    return bool(row.dstchannel) and row.lastapp.lower() not in _MACHINES


def _answered(row: CdrRow, offset: timedelta | None) -> datetime:
    return _utc(row.calldate, offset) + timedelta(seconds=row.duration - row.billsec)


def _reached(row: CdrRow) -> str | None:
    """The extension or the number at the far end of a leg."""
    device = _DEVICE.match(row.dstchannel)
    if device and is_extension_like(device[1]):
        return device[1]
    local = _LOCAL.match(row.dstchannel)
    if local:
        return local[1]
    # A trunk's name is no number, but what was dialled over it is.
    return _number(row.dst)


def _rung(rows: Sequence[CdrRow]) -> list[str]:
    """The extensions that rang; of several, none is the call's."""
    rung = _without_repeats(
        number for row in rows if row.dstchannel and (number := _reached(row)) and is_extension_like(number)
    )
    return list(rung) if len(rung) == 1 else []


def _leg(row: CdrRow, offset: timedelta | None) -> CdrLeg:
    is_talk = _is_talk(row)
    if is_talk:
        disposition: Disposition = "answered"
    elif _is_mailbox(row):
        disposition = "voicemail"
    else:
        disposition = _failure(row)
    return CdrLeg(
        started_at=_utc(row.calldate, offset),
        to=_reached(row) or row.dst or row.lastapp,
        disposition=disposition,
        ring_s=row.duration - row.billsec if is_talk else row.duration,
        talk_s=row.billsec if is_talk else 0,
    )


def _failure(row: CdrRow) -> Disposition:
    said = row.disposition.upper()
    if said == "BUSY":
        return "busy"
    return "failed" if said in {"FAILED", "CONGESTION"} else "missed"


# ---- what all rows tell -----------------------------------------------------------------------------------------


def _disposition(rows: Sequence[CdrRow], talks: Sequence[CdrRow]) -> Disposition:
    if talks:
        return "answered"
    if any(_is_mailbox(row) and row.billsec > 0 for row in rows):
        return "voicemail"
    failures = {_failure(row) for row in rows}
    if "missed" in failures:
        return "missed"
    return "busy" if "busy" in failures else "failed"


def _direction(rows: Sequence[CdrRow]) -> Direction:
    first = rows[0]
    if any(_number(row.did) or row.dcontext.startswith(_OUTSIDE_CONTEXTS) for row in rows):
        return "inbound"
    is_ours = _own_number(first) is not None
    called = _number(first.dst)
    if is_ours and called and not is_extension_like(called) and not called.startswith("*"):
        return "outbound"
    return "internal" if is_ours else "unknown"


def _own_number(row: CdrRow) -> str | None:
    """The extension that called, if one of ours did."""
    device = _DEVICE.match(row.channel)
    for each in (device[1] if device else None, _number(row.cnum), _number(row.src)):
        if each and is_extension_like(each):
            return each
    return None


def _queue(rows: Sequence[CdrRow]) -> str | None:
    """The queue or ring group the call went through."""
    for row in rows:
        if row.lastapp.lower() == "queue":
            return row.lastdata.partition(",")[0].strip() or _number(row.dst)
        if row.dcontext in {"ext-queues", "ext-group"} and _number(row.dst):
            return row.dst
    return None


def _caller_name(row: CdrRow) -> str | None:
    """What the caller is called; a number in place of a name is none."""
    named = _NAMED.match(row.clid)
    for name in (_text(row.cnam), _text(named[1]) if named else None):
        if name and name not in {row.cnum, row.src} and not re.fullmatch(r"[+*#0-9 ()-]+", name):
            return None if name.lower() in NO_NUMBER else name
    return None


def utc_offset(rows: Sequence[CdrRow]) -> timedelta | None:
    """How far the table's clock is ahead of UTC: told by the epoch in a uniqueid; None where none has one."""
    for row in rows:
        epoch = _EPOCH.search(row.uniqueid)
        if epoch is None:
            continue
        gap = row.calldate.replace(tzinfo=UTC) - datetime.fromtimestamp(int(epoch[1]), UTC)
        offset = round(gap / QUARTER_HOUR) * QUARTER_HOUR
        if EARLIEST_ZONE <= offset <= LATEST_ZONE and abs(gap - offset) <= timedelta(seconds=60):
            return offset
    return None


def _utc(calldate: datetime, offset: timedelta | None) -> datetime:
    return (calldate - (offset or timedelta())).replace(tzinfo=UTC)


def _number(text: str) -> str | None:
    number = text.strip()
    return None if number.lower() in NO_NUMBER else number


def _text(text: str) -> str | None:
    return text.strip() or None


def _without_repeats(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))
