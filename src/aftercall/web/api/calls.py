"""This file is /api/v1/calls: the list, one call, its sound, and another attempt."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import Response

from aftercall.errors import FormInvalid
from aftercall.store import calls, cdrs, shapes
from aftercall.store.calls import CallFilter
from aftercall.web import access, audio, rendering
from aftercall.web.api.models import CallPage, Direction, Disposition, Leg, Mood, Problem, State, WholeCall
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["calls"])
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such call."}}


def wanted_calls(  # noqa: PLR0917 - each is a parameter of the address
    q: Annotated[str, Query(max_length=200, description="Words, phrases in quotes, or digits of a number.")] = "",
    direction: Direction | None = None,
    mood: Annotated[Mood | Literal["none"] | None, Query(description="`none`: calls without a mood.")] = None,
    state: State | None = None,
    disposition: Disposition | None = None,
    pbx: Annotated[str, Query(max_length=80, description="A PBX's id.")] = "",
    extension: Annotated[str, Query(max_length=80)] = "",
    queue: Annotated[str, Query(max_length=80, description="Queue or ring group.")] = "",
    number: Annotated[str, Query(max_length=80, description="Caller or callee, exactly as stored.")] = "",
    sync: Annotated[str, Query(max_length=80, description="Only calls that this sync found.")] = "",
    category: Annotated[str, Query(max_length=60, description="A category's id.")] = "",
    since: Annotated[datetime | None, Query(description="Started at or after; with a time zone.")] = None,
    until: Annotated[datetime | None, Query(description="Started before; with a time zone.")] = None,
    min_duration_s: Annotated[float | None, Query(ge=0)] = None,
    max_duration_s: Annotated[float | None, Query(ge=0)] = None,
) -> CallFilter:
    """The filters of the list, the same as on the page."""
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise FormInvalid(field=name, problem="needs a time zone, such as 2026-11-23T09:00:00Z.")
    return CallFilter(
        text=q,
        direction=direction or "",
        mood=mood or "",
        state=state or "",
        disposition=disposition or "",
        pbx_id=pbx,
        extension=extension,
        queue=queue,
        number=number,
        sync_id=sync,
        category=category,
        since=since,
        until=until,
        min_duration_s=min_duration_s,
        max_duration_s=max_duration_s,
    )


@router.get("/calls", response_model=CallPage, response_model_exclude_unset=True)
def list_calls(
    request: Request,
    account: SignedIn,
    wanted: Annotated[CallFilter, Depends(wanted_calls)],
    cursor: Annotated[str, Query(pattern=r"^\d{0,19}$", description="`next_cursor` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = calls.PAGE_SIZE,
) -> dict[str, Any]:
    """Calls, newest first."""
    allowed = access.narrowed(account, wanted)
    if allowed is None:
        return {"items": [], "next_cursor": None, "count": 0, "is_count_exact": True}
    with rendering.parts_of(request).engine.connect() as db:
        page = calls.page(db, allowed, older_than=min(int(cursor), calls.LARGEST_KEY) if cursor else None, size=limit)
    return {
        "items": [shapes.call(row) for row in page.rows],
        "next_cursor": str(page.older_than) if page.older_than is not None else None,
        "count": page.count,
        "is_count_exact": page.count < calls.COUNT_LIMIT,
    }


@router.get("/calls/{call_id}", response_model=WholeCall, responses=MISSING)
def show_call(request: Request, account: SignedIn, call_id: str) -> dict[str, Any]:
    """Everything known of one call."""
    return shapes.whole_call(find(request, account, call_id))


@router.get("/calls/{call_id}/legs", response_model=list[Leg], responses=MISSING)
def list_legs(request: Request, account: SignedIn, call_id: str) -> list[dict[str, Any]]:
    """Who was rung, and what came of it, in order; empty without call detail records."""
    row = find(request, account, call_id).row
    with rendering.parts_of(request).engine.connect() as db:
        told = cdrs.told_of(db, row.pbx_id, row.linkedid) if row.linkedid else None
    return shapes.legs(told) if told else []


@router.get(
    "/calls/{call_id}/audio",
    response_class=Response,
    responses=MISSING | {
        200: {"content": {"audio/*": {}}, "description": "The recording."},
        206: {"content": {"audio/*": {}}, "description": "The bytes asked for."},
        416: {"description": "The range lies beyond the end."},
    },
)  # fmt: skip
def hear_call(request: Request, account: SignedIn, call_id: str) -> Response:
    """The recording as browsers play it; answers ranges."""
    return audio.respond(request, find(request, account, call_id))


@router.post("/calls/{call_id}/retry", status_code=202, response_model=WholeCall, responses=MISSING)
def retry_call(request: Request, account: SignedIn, call_id: str) -> dict[str, Any]:
    """Try again from the stage that failed; a call that is done is analysed anew."""
    find(request, account, call_id)
    rendering.parts_of(request).control.retry(call_id)
    return shapes.whole_call(find(request, account, call_id))
