"""This file is the overview: how many calls, how they felt, who took them, and what needs somebody now."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aftercall.errors import NotFound
from aftercall.store import calls, overview, pbxs
from aftercall.store.overview import Group, Period
from aftercall.web import access, rendering
from aftercall.web.display import zone
from aftercall.web.sessions import SignedIn
from aftercall.web.spreadsheet import plain

router = APIRouter()

PERIODS = {"today": "Today", "7d": "Last 7 days", "30d": "Last 30 days", "90d": "Last 90 days"}
DEFAULT_PERIOD = "7d"
_DAYS = {"today": 1, "7d": 7, "30d": 30, "90d": 90}
TABLES = ("day", "extension", "queue")


@dataclass(frozen=True, kw_only=True)
class OverviewQuery:
    """What the address asks for; unknown values are dropped."""

    when: str
    pbx: str

    def with_(self, **changes: str) -> str:
        """The same page with other values, as a query string."""
        values = {"when": self.when, "pbx": self.pbx, **changes}
        return urlencode({name: value for name, value in values.items() if value})

    def period(self, now: datetime, utc_offset_min: int | None) -> Period:
        """Whole days on the PBX's clock, today among them."""
        there = zone(utc_offset_min)
        today = now.astimezone(there).date()
        first = today - timedelta(days=_DAYS[self.when] - 1)
        return Period(
            since=datetime.combine(first, time(), there).astimezone(UTC),
            until=datetime.combine(today + timedelta(days=1), time(), there).astimezone(UTC),
            pbx_id=self.pbx,
        )

    def list_of(self, period: Period, utc_offset_min: int | None, **filters: str) -> str:
        """The address of the list with the calls behind a figure."""
        there = zone(utc_offset_min)
        first = period.since.astimezone(there).date()
        last = (period.until - timedelta(seconds=1)).astimezone(there).date()
        pairs = {"from": first.isoformat(), "to": last.isoformat(), "pbx": self.pbx, **filters}
        return "/?" + urlencode({name: value for name, value in pairs.items() if value})


def read(query: Mapping[str, str]) -> OverviewQuery:
    """Read what was asked for."""
    when, pbx = query.get("when", ""), query.get("pbx", "")
    return OverviewQuery(when=when if when in PERIODS else DEFAULT_PERIOD, pbx=pbx if len(pbx) <= 80 else "")


@router.get("/overview")
def show(request: Request, account: SignedIn) -> Response:
    """The page."""
    access.require_all(account)
    parts = rendering.parts_of(request)
    query = read(request.query_params)
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        period = query.period(parts.clock(), offset)
        days = overview.by_day(db, period, utc_offset_min=offset)
        shown: dict[str, Any] = {
            "total": overview.total(db, period),
            "before": overview.total(db, period.before),
            "extensions": overview.by_extension(db, period),
            "queues": overview.by_queue(db, period),
            "saddest": overview.saddest(db, period),
            "unanswered": overview.unanswered(db, period),
        }
        names = {pbx.id: pbx.name for pbx in pbxs.all_pbxs(db)}
    return rendering.page(
        request,
        "overview/page.html",
        query=query,
        period=period,
        offset=offset,
        days=days,
        busiest=max((each.figures.calls for each in days), default=0),
        periods=PERIODS,
        pbx_names=names,
        list_of=lambda **filters: query.list_of(period, offset, **filters),
        **shown,
    )


@router.get("/overview/{table}.csv")
def download(request: Request, account: SignedIn, table: str) -> Response:
    """One of the page's tables as a file, with the same figures."""
    access.require_all(account)
    if table not in TABLES:
        raise NotFound(thing="such table")
    parts = rendering.parts_of(request)
    query = read(request.query_params)
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        period = query.period(parts.clock(), offset)
        if table == "day":
            groups = overview.by_day(db, period, utc_offset_min=offset)
        else:
            groups = (overview.by_extension if table == "extension" else overview.by_queue)(db, period)
    return Response(
        as_csv(table, groups),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="calls-by-{table}.csv"'},
    )


def as_csv(title: str, groups: Sequence[Group]) -> str:
    """A table that spreadsheets open."""
    written = io.StringIO()
    table = csv.writer(written)
    columns = ("calls", "length_s", "score", "positive", "neutral", "negative", "mixed", "missed", "not_called_back")
    table.writerow([title, *columns])
    for each in groups:
        figures = [getattr(each.figures, name) for name in columns]
        table.writerow([plain(each.name), *("" if value is None else value for value in figures)])
    return written.getvalue()
