"""This file is /api/v1/syncs: how a sync goes, and stopping it."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from aftercall.errors import NotFound
from aftercall.store import shapes, syncs
from aftercall.web import rendering
from aftercall.web.api.models import Problem, Sync

router = APIRouter(tags=["syncs"])
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such sync."}}


def _progress(request: Request, sync_id: str) -> dict[str, Any]:
    with rendering.parts_of(request).engine.connect() as db:
        found = syncs.progress(db, sync_id)
    if found is None:
        raise NotFound(thing="such sync")
    return shapes.sync(found)


@router.get("/syncs/{sync_id}", response_model=Sync, responses=MISSING)
def show_sync(request: Request, sync_id: str) -> dict[str, Any]:
    """One sync and how far its calls are."""
    return _progress(request, sync_id)


@router.post("/syncs/{sync_id}/stop", response_model=Sync, responses=MISSING)
def stop_sync(request: Request, sync_id: str) -> dict[str, Any]:
    """Stop a sync; what is home stays."""
    _progress(request, sync_id)
    rendering.parts_of(request).control.stop_sync(sync_id)
    return _progress(request, sync_id)
