"""This file reads the rows of the PBX's table of call detail records, from the database or from a CSV file; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

#: Without these columns no call can be made of the rows.
NEEDED = (
    "calldate",
    "src",
    "dst",
    "channel",
    "dstchannel",
    "lastapp",
    "duration",
    "billsec",
    "disposition",
    "uniqueid",
)
LONGEST_TEXT, LONGEST_ID = 300, 150
_EPOCH = re.compile(r"(?:^|-)([0-9]{10})(?:\.[0-9]+)?$")
_FORMAT = re.compile(r"\.[A-Za-z][A-Za-z0-9-]{0,9}$")


@dataclass(frozen=True, kw_only=True)
class CdrRow:
    """One row: what happened between two channels. The names are the columns'."""

    #: The PBX's wall clock, or UTC if it is set so; naive on purpose.
    calldate: datetime
    clid: str = ""
    src: str = ""
    dst: str = ""
    dcontext: str = ""
    channel: str = ""
    dstchannel: str = ""
    lastapp: str = ""
    lastdata: str = ""
    #: Whole seconds, from the start and from the answer.
    duration: int = 0
    billsec: int = 0
    disposition: str = ""
    did: str = ""
    uniqueid: str = ""
    linkedid: str = ""
    sequence: int = 0
    recordingfile: str = ""
    cnum: str = ""
    cnam: str = ""
    dst_cnam: str = ""

    @property
    def call(self) -> str:
        """What all rows of one call share; tables of before FreePBX 13 have no linkedid."""
        return self.linkedid or self.uniqueid

    @property
    def key(self) -> str:
        """The same for the same row, whenever and wherever it is read."""
        if self.sequence:
            return f"{self.uniqueid}#{self.sequence}"
        return "|".join((self.uniqueid, self.calldate.isoformat(), self.dst, self.channel, self.dstchannel))

    @property
    def stem(self) -> str:
        """The recording's name without folders and format, "" for none; Issabel writes a whole path."""
        return _FORMAT.sub("", self.recordingfile.rpartition("/")[2])


COLUMNS = tuple(field.name for field in fields(CdrRow))
_NUMBERS = frozenset({"duration", "billsec", "sequence"})


def read_row(values: Mapping[str, Any]) -> CdrRow | None:
    """A row as the database or a CSV file gives it; None if it tells no time or belongs to no call.

    Args:
        values: by column; what is missing counts as empty.
    """
    calldate = _moment(values.get("calldate"))
    if calldate is None:
        return None
    others: dict[str, Any] = {
        name: _number(values.get(name)) if name in _NUMBERS else _text(values.get(name))
        for name in COLUMNS
        if name != "calldate"
    }
    others |= {name: others[name][:LONGEST_ID] for name in ("uniqueid", "linkedid")}
    row = CdrRow(calldate=calldate, **others)
    return row if row.call else None


def epoch_of(uniqueid: str) -> int | None:
    """When a channel was born, as its uniqueid tells: `1763938293.6`, or `pbx1-1763938293.6` with a system name."""
    found = _EPOCH.search(uniqueid)
    return int(found[1]) if found else None


def system_name(uniqueid: str) -> str:
    """What stands before the epoch, hyphen included; "" for nothing."""
    found = _EPOCH.search(uniqueid)
    return uniqueid[: found.start(1)] if found else ""


def as_json(row: CdrRow) -> dict[str, Any]:
    """What is stored of a row: all that is not empty."""
    stored = {name: value for name in COLUMNS if (value := getattr(row, name))}
    return stored | {"calldate": row.calldate.isoformat()}


def from_json(stored: Mapping[str, Any]) -> CdrRow:
    """The other way round."""
    return CdrRow(**{**stored, "calldate": datetime.fromisoformat(stored["calldate"])})


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    # The zero date of MySQL and a two-digit year are no times of calls.
    return found.replace(tzinfo=None) if 1990 <= found.year <= 2200 else None


def _number(value: object) -> int:
    try:
        return min(max(int(str(value).strip() or 0), 0), 2**31 - 1)
    except ValueError:
        return 0


def _text(value: object) -> str:
    """A text that a database can hold."""
    if value is None:
        return ""
    said = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return said.replace("\0", "").encode("utf-8", "replace").decode().strip()[:LONGEST_TEXT]
