"""This file is /api/v1/overview: the figures of a period, and of the one before."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request

from aftercall.store import calls, overview, shapes
from aftercall.web import access, rendering
from aftercall.web.api.models import Overview
from aftercall.web.pages.overview import OverviewQuery
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["overview"])


@router.get("/overview", response_model=Overview)
def show_overview(
    request: Request,
    account: SignedIn,
    when: Annotated[str, Query(pattern="^(today|7d|30d|90d)$")] = "7d",
    pbx: Annotated[str, Query(max_length=80, description="A PBX's id.")] = "",
) -> dict[str, Any]:
    """How many calls there were, how they felt, day by day, by extension and by queue."""
    access.require_all(account)
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        offset = calls.newest_utc_offset_min(db)
        period = OverviewQuery(when=when, pbx=pbx).period(parts.clock(), offset)
        return {
            "since": shapes.moment(period.since),
            "until": shapes.moment(period.until),
            "total": shapes.figures(overview.total(db, period)),
            "before": shapes.figures(overview.total(db, period.before)),
            "by_day": [shapes.group(each) for each in overview.by_day(db, period, utc_offset_min=offset)],
            "by_extension": [shapes.group(each) for each in overview.by_extension(db, period)],
            "by_queue": [shapes.group(each) for each in overview.by_queue(db, period)],
        }
