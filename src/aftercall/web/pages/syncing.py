"""This file is the sync page and its buttons: how each PBX is doing, sync now, stop, hold back, try again, history."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import NotFound
from aftercall.store import calls, condition, health, pbxs, syncs
from aftercall.store.pbxs import Pbx
from aftercall.web import display, live, rendering, runs
from aftercall.web.access import may_administer
from aftercall.web.pages.events import moment
from aftercall.web.sessions import Administrator, SignedIn

router = APIRouter()

#: Lines of the history on the sync page, and on a page of the history alone.
FEW_LINES, PAGE_LINES = 6, 20
#: So many runs are looked at to fill them: of a PBX where nothing happens, three hours at one a minute.
RUNS_LOOKED_AT = 200


# ---- pages ------------------------------------------------------------------------------------------------------


@router.get("/sync")
def show(request: Request, account: SignedIn) -> Response:
    """How every PBX is doing."""
    parts = rendering.parts_of(request)
    now = parts.clock()
    with parts.engine.connect() as db:
        cards = [_card(db, each, now) for each in pbxs.all_pbxs(db)]
    return rendering.page(
        request,
        "sync/page.html",
        cards=cards,
        is_administrator=may_administer(account),
        events=f"/events?only=syncs&since={quote(now.isoformat())}",
    )


@router.get("/sync/{pbx_id}/history")
def show_history(request: Request, account: SignedIn, pbx_id: str, before: str = "") -> Response:
    """The runs of one PBX, newest first, a page of them."""
    del account
    parts, found = rendering.parts_of(request), _stored(request, pbx_id)
    until = moment(before)
    with parts.engine.connect() as db:
        lines, has_more = _history(db, pbx_id, PAGE_LINES, until)
        offset = display_offset(db, found, parts.clock())
    return rendering.page(
        request,
        "sync/history.html",
        pbx=found,
        lines=lines,
        offset=offset,
        older=lines[-1].oldest_at.isoformat() if has_more else None,
        is_newest=until is None,
    )


def _card(db: sa.Connection, pbx: Pbx, now: datetime) -> dict[str, Any]:
    """What the card of one PBX shows."""
    lines, has_more = _history(db, pbx.id, FEW_LINES, None)
    return {
        "doing": condition.of_pbx(db, pbx, now),
        "lines": lines,
        "has_more": has_more,
        "offset": display_offset(db, pbx, now),
        "pace_window": health.PACE_WINDOW,
    }


def _history(db: sa.Connection, pbx_id: str, most: int, before: datetime | None) -> tuple[list[runs.Line], bool]:
    found = syncs.history(db, pbx_id, before=before, limit=RUNS_LOOKED_AT)
    lines, has_more = runs.folded(found, most=most)
    return lines, has_more or len(found) == RUNS_LOOKED_AT


def display_offset(db: sa.Connection, pbx: Pbx, now: datetime) -> int | None:
    """The PBX's distance from UTC now: from its zone, else as its newest call has it."""
    return display.offset_min(pbx.zone, now) if pbx.zone else calls.newest_utc_offset_min(db)


def _stored(request: Request, pbx_id: str) -> Pbx:
    with rendering.parts_of(request).engine.connect() as db:
        found = pbxs.get(db, pbx_id)
    if found is None:
        raise NotFound(thing="such PBX")
    return found


# ---- the buttons of one PBX -------------------------------------------------------------------------------------


@router.post("/sync/{pbx_id}")
def sync_one(request: Request, account: SignedIn, pbx_id: str) -> Response:
    """Look for new recordings now."""
    rendering.parts_of(request).control.sync(pbx_id, asked_by="user")
    return _answer(request, pbx_id, is_administrator=may_administer(account))


@router.post("/sync/{pbx_id}/stop")
def stop_one(request: Request, account: SignedIn, pbx_id: str) -> Response:
    """Stop the newest sync: what is home stays."""
    parts = rendering.parts_of(request)
    _stored(request, pbx_id)
    with parts.engine.connect() as db:
        last = syncs.last(db, pbx_id)
    if last:
        parts.control.stop_sync(last.id)
    return _answer(request, pbx_id, is_administrator=may_administer(account))


@router.post("/sync/{pbx_id}/pause")
def pause(request: Request, account: Administrator, pbx_id: str) -> Response:
    """Hold back old recordings; new calls come as ever."""
    del account
    rendering.parts_of(request).control.pause_backlog(pbx_id, is_paused=True)
    return _answer(request, pbx_id, is_administrator=True)


@router.post("/sync/{pbx_id}/resume")
def resume(request: Request, account: Administrator, pbx_id: str) -> Response:
    """Let old recordings come again."""
    del account
    rendering.parts_of(request).control.pause_backlog(pbx_id, is_paused=False)
    return _answer(request, pbx_id, is_administrator=True)


@router.post("/sync/{pbx_id}/retry")
def retry_all(request: Request, account: SignedIn, pbx_id: str, code: Annotated[str, Form()]) -> Response:
    """Try every call again that failed for good with this error."""
    rendering.parts_of(request).control.retry_all(pbx_id, code)
    return _answer(request, pbx_id, is_administrator=may_administer(account))


def _answer(request: Request, pbx_id: str, *, is_administrator: bool) -> Response:
    """The card as it is now; a browser without our code is sent back to the page."""
    if "hx-request" not in request.headers:
        return RedirectResponse("/sync", status_code=303)
    parts, found = rendering.parts_of(request), _stored(request, pbx_id)
    with parts.engine.connect() as db:
        card = _card(db, found, parts.clock())
    return rendering.page(request, "sync/card.html", card=card, is_administrator=is_administrator)


# ---- the buttons of the call list -------------------------------------------------------------------------------


def _panel(request: Request) -> Response:
    with rendering.parts_of(request).engine.connect() as db:
        statuses = live.statuses(db)
    return rendering.page(request, "calls/syncs.html", statuses=statuses)


@router.post("/sync")
def sync_all(request: Request, account: SignedIn) -> Response:
    """Ask every connected PBX for what is new; one that is being asked already goes on."""
    del account
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        wanted = [each.id for each in pbxs.all_pbxs(db) if each.is_enabled]
    if not wanted:
        raise NotFound(thing="connected PBX yet")
    for pbx_id in wanted:
        parts.control.sync(pbx_id, asked_by="user")
    return _panel(request)


@router.post("/syncs/{sync_id}/stop")
def stop(request: Request, account: SignedIn, sync_id: str) -> Response:
    """Stop a sync: what is home stays."""
    del account
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        if syncs.get(db, sync_id) is None:
            raise NotFound(thing="such sync")
    parts.control.stop_sync(sync_id)
    return _panel(request)


@router.post("/demo/remove")
def remove_demo(request: Request, account: Administrator) -> Response:
    """Take the demo PBX away with its calls and recordings."""
    del account
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        demo = [each.id for each in pbxs.all_pbxs(db) if each.is_demo]
    for pbx_id in demo:
        parts.control.remove_pbx(pbx_id, parts.archive, with_calls=True)
    return RedirectResponse("/", status_code=303)
