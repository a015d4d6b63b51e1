"""This file is the Sync FreePBX button: ask for a sync, stop one, and take the demo calls away."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import NotFound
from aftercall.store import pbxs, syncs
from aftercall.web import live, rendering
from aftercall.web.sessions import Administrator, SignedIn

router = APIRouter()


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
