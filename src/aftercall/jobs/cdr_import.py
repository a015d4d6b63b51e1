"""This file brings in call detail records from a CSV file, some thousand rows at a time."""

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from aftercall.errors import NotFound
from aftercall.jobs.steps import utc_now
from aftercall.pbx.cdr_file import FileReport, read_file
from aftercall.store import calls, cdrs, pbxs

#: In one transaction, so that the pages never wait long for the database.
PORTION = 500


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What a file brought."""

    report: FileReport
    #: Calls of which it told something new.
    call_count: int


def import_file(
    engine: sa.Engine, pbx_id: str, lines: Iterable[str], *, clock: Callable[[], datetime] = utc_now
) -> Imported:
    """Take in an export of the PBX's table; the same file twice brings nothing twice.

    Raises:
        NotFound: there is no such PBX.
        CdrFileUnreadable, CdrColumnsMissing: this is no such export; nothing was taken in.
    """
    with engine.connect() as db:
        owner = pbxs.get(db, pbx_id)
        offset_min = calls.newest_utc_offset_min(db) or 0
    if owner is None:
        raise NotFound(thing="such PBX")
    if owner.zone:
        offset_min = round((clock().astimezone(ZoneInfo(owner.zone)).utcoffset() or timedelta()) / timedelta(minutes=1))
    report, changed = FileReport(), set[str]()
    rows = read_file(lines, report)
    while portion := list(itertools.islice(rows, PORTION)):
        with engine.begin() as db:
            changed.update(cdrs.take(db, pbx_id, portion, clock(), usual_offset_min=offset_min))
    return Imported(report=report, call_count=len(changed))
