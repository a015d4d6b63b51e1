"""This file is the coverage report: answered calls without a usable recording, by extension, queue and day."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from aftercall.store import calls, coverage, pbxs
from aftercall.store.coverage import GAPS, NOBODY, Asked, Entry
from aftercall.web import list_query, rendering
from aftercall.web.display import COVERAGE_WORDS, zone
from aftercall.web.sessions import administrator
from aftercall.web.spreadsheet import plain

router = APIRouter(dependencies=[Depends(administrator)])

PERIODS = {"today": "Today", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days"}
DEFAULT_PERIOD = "7d"
_DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
#: So many calls are listed on the page; the file has them all.
MOST_LISTED = 200


@dataclass(frozen=True, kw_only=True)
class CoverageQuery:
    """What the address of the report asks for; unknown values are dropped."""

    values: Mapping[str, str]

    @property
    def first(self) -> str:
        return self.values.get("when", DEFAULT_PERIOD)

    @property
    def is_narrowed(self) -> bool:
        """Whether calls are to be listed."""
        return bool(self.values.keys() & {"cause", "extension", "queue", "day"})

    def with_(self, **changes: str) -> str:
        """The same report with other values as a query string; "" takes one away."""
        return urlencode({name: value for name, value in {**self.values, **changes}.items() if value})

    def asked(self, now: datetime, utc_offset_min: int | None) -> Asked:
        """As the store understands it; days are days on the PBX's clock."""
        there = zone(utc_offset_min)
        today = now.astimezone(there).date()
        first, last = today - timedelta(days=_DAYS[self.first] - 1), today
        if day := self.values.get("day"):
            first = last = date.fromisoformat(day)
        return Asked(
            since=datetime.combine(first, time(), there).astimezone(UTC),
            until=datetime.combine(last + timedelta(days=1), time(), there).astimezone(UTC),
            pbx_id=self.values.get("pbx", ""),
            extension=self.values.get("extension", ""),
            queue=self.values.get("queue", ""),
            cause=self.values.get("cause", ""),
        )


def read(query: Mapping[str, str]) -> CoverageQuery:
    """Read what was asked for."""
    known: dict[str, Callable[[str], bool]] = {
        "when": lambda value: value in PERIODS,
        "day": list_query.is_day,
        "cause": lambda value: value in set(GAPS),
        "pbx": lambda value: len(value) <= 80,
        "extension": lambda value: len(value) <= 80,
        "queue": lambda value: len(value) <= 80,
    }
    values = {name: query.get(name, "").strip() for name in known}
    return CoverageQuery(values={name: value for name, value in values.items() if value and known[name](value)})


@router.get("/coverage")
def show(request: Request) -> Response:
    """The page."""
    parts = rendering.parts_of(request)
    query = read(request.query_params)
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        asked = query.asked(parts.clock(), offset)
        report = coverage.report(db, asked, utc_offset_min=offset)
        listed = list(islice(coverage.gaps(db, asked), MOST_LISTED + 1)) if query.is_narrowed else []
        has_records = coverage.has_records(db)
        names = {pbx.id: pbx.name for pbx in pbxs.all_pbxs(db)}
    return rendering.page(
        request,
        "coverage/page.html",
        query=query,
        report=report,
        listed=listed[:MOST_LISTED],
        has_more=len(listed) > MOST_LISTED,
        knows_records=has_records,
        pbx_names=names,
        offset=offset,
        periods=PERIODS,
        causes=GAPS,
        nobody=NOBODY,
    )


@router.get("/coverage.csv")
def download(request: Request) -> Response:
    """The calls behind the report as a file, all of them."""
    parts = rendering.parts_of(request)
    query = read(request.query_params)
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        asked = query.asked(parts.clock(), offset)
        names = {pbx.id: pbx.name for pbx in pbxs.all_pbxs(db)}
        text = as_csv(coverage.gaps(db, asked), names, offset)
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="calls-without-recording.csv"'},
    )


def as_csv(entries: Iterator[Entry], pbx_names: Mapping[str, str], utc_offset_min: int | None) -> str:
    """The calls as a table that spreadsheets open."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(["started_at", "pbx", "direction", "caller", "caller_name", "callee", "extension", "queue_or_group",
                    "talk_s", "cause", "linkedid"])  # fmt: skip
    there = zone(utc_offset_min)
    for each in entries:
        table.writerow(
            [
                each.started_at.astimezone(there).isoformat(timespec="seconds"),
                plain(pbx_names.get(each.pbx_id)),
                each.direction,
                *map(plain, (each.caller, each.caller_name, each.callee, each.extension, each.queue)),
                "" if each.talk_s is None else f"{each.talk_s:g}",
                COVERAGE_WORDS[each.coverage][0],
                plain(each.linkedid),
            ]
        )
    return written.getvalue()
