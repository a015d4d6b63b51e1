"""This file is the stream each page listens to: rows that changed and how the syncs are, as pieces of the page."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from aftercall.store import calls
from aftercall.web import list_query, live, rendering
from aftercall.web.live import News, Subject
from aftercall.web.sessions import SignedIn

router = APIRouter()

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
#: Told to the browser: come back this long after the line broke.
RETRY_MS = 2000


@router.get("/events")
def stream(request: Request, account: SignedIn) -> Response:
    """Follow the list that the address describes, or one call, or nothing but the syncs."""
    parts = rendering.parts_of(request)
    given = request.query_params
    query = list_query.read(given)
    now = parts.clock()
    with parts.engine.connect() as db:
        wanted = query.wanted(now, calls.newest_utc_offset_min(db))
    subject = Subject(
        account=account,
        wanted=wanted,
        at_or_above=list_query.sort_key(given.get("low")) or 0,
        call_id=given.get("call", ""),
        follows_calls=given.get("only") != "syncs",
    )
    since = moment(request.headers.get("last-event-id")) or moment(given.get("since")) or now

    async def pieces() -> AsyncIterator[str]:
        yield f"retry: {RETRY_MS}\n\n"
        async for news in live.follow(parts, subject, since):
            yield _as_events(request, news, query.query, subject) if news else ": still here\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream", headers=HEADERS)


def moment(text: str | None) -> datetime | None:
    """A time as an address or a header gives it; None if it is none."""
    try:
        found = datetime.fromisoformat((text or "").replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def event(name: str, body: object, at: datetime) -> str:
    """One event as it goes over the wire."""
    return f"id: {at.isoformat()}\nevent: {name}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n"


def _as_events(request: Request, news: News, query: str, subject: Subject) -> str:
    is_busy = any(each.is_busy for each in news.pbxs)
    if not subject.follows_calls:
        return event("syncs", {"busy": is_busy}, news.at)
    out, is_list = [], not subject.call_id
    for each in news.moved:
        body: dict[str, object] = {"id": each.call.row.id, "state": each.call.row.state.value}
        if is_list:
            row = rendering.fragment(request, "calls/row.html", call=each.call, within=query)
            # Sort keys have more digits than a JavaScript number holds.
            body |= {"key": str(each.call.row.sort_key), "wanted": each.is_wanted, "html": row}
        out.append(event("call", body, news.at))
    if is_list:
        panel = rendering.fragment(request, "calls/syncs.html", statuses=news.pbxs)
        out.append(event("syncs", {"html": panel, "busy": is_busy}, news.at))
    return "".join(out)
