"""This file is /api/v1/events: calls and syncs as they change, as server-sent events."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from aftercall.store import shapes
from aftercall.web import live, rendering
from aftercall.web.live import News, Subject
from aftercall.web.pages.events import HEADERS, event, moment
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["events"])


@router.get(
    "/events",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "`call` and `sync` events, without end."}},
)
def stream(
    request: Request,
    account: SignedIn,
    since: Annotated[str, Query(description="Begin with what changed since then (ISO 8601).")] = "",
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Follow all calls and syncs. The data of a `call` event is a call as in the list, of a `sync` event a sync."""
    parts = rendering.parts_of(request)
    begin = moment(last_event_id) or moment(since) or parts.clock()

    async def pieces() -> AsyncIterator[str]:
        yield ": hello\n\n"
        async for news in live.follow(parts, Subject(account=account), begin):
            yield _as_events(news) if news else ": still here\n\n"

    return StreamingResponse(pieces(), media_type="text/event-stream", headers=HEADERS)


def _as_events(news: News) -> str:
    calls = [event("call", shapes.call(each.call.row), news.at) for each in news.moved]
    syncs = [event("sync", shapes.sync(each.progress), news.at) for each in news.pbxs if each.progress]
    return "".join(calls + syncs)
