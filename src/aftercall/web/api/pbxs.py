"""This file is /api/v1/pbxs: connect, change, test, sync and remove PBXs."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from aftercall.errors import FormInvalid, NotFound
from aftercall.store import pbxs, shapes, syncs
from aftercall.web import pbx_form, rendering
from aftercall.web.api.models import Check, Pbx, PbxEntry, Problem, Sync
from aftercall.web.pages.freepbx import address_to_test
from aftercall.web.pbx_form import Entered
from aftercall.web.sessions import administrator

router = APIRouter(tags=["PBXs"], dependencies=[Depends(administrator)])
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such PBX."}}


def _entered(entry: PbxEntry) -> Entered:
    return Entered(
        name=entry.name,
        host=entry.host,
        port=str(entry.port),
        username=entry.username,
        password=entry.password or "",
        use_tls=entry.use_tls,
        prefix=entry.prefix,
        sync_interval_min=str(entry.sync_interval_min),
        pinned_certificate=entry.pinned_certificate or "",
        is_enabled=entry.is_enabled,
    )


def _stored(request: Request, pbx_id: str) -> pbxs.Pbx:
    with rendering.parts_of(request).engine.connect() as db:
        found = pbxs.get(db, pbx_id)
    if found is None:
        raise NotFound(thing="such PBX")
    return found


def _require_sound(request: Request, entered: Entered, stored: pbxs.Pbx | None, *, is_test: bool = False) -> None:
    problems = pbx_form.problems(entered, stored, is_test=is_test)
    for field, problem in problems.items():
        raise FormInvalid(field=field, problem=problem)
    if is_test:
        return
    with rendering.parts_of(request).engine.connect() as db:
        other = pbxs.by_name(db, entered.name.strip())
    if other and (stored is None or other.id != stored.id):
        raise FormInvalid(field="name", problem="Another PBX has this name already.")


@router.get("/pbxs", response_model=list[Pbx])
def list_pbxs(request: Request) -> list[dict[str, Any]]:
    """Every connected PBX."""
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.pbx(each) for each in pbxs.all_pbxs(db)]


@router.post("/pbxs", status_code=201, response_model=Pbx)
def add_pbx(request: Request, entry: PbxEntry) -> dict[str, Any]:
    """Connect a PBX; the schedule takes it up at once."""
    parts, entered = rendering.parts_of(request), _entered(entry)
    _require_sound(request, entered, None)
    with parts.engine.begin() as db:
        pbx_id = pbxs.add(db, pbx_form.settings(entered), parts.vault, parts.clock())
    return shapes.pbx(_stored(request, pbx_id))


@router.post("/pbxs/test", response_model=list[Check])
async def test_entry(request: Request, entry: PbxEntry) -> list[dict[str, Any]]:
    """Test a connection that is not stored (yet)."""
    entered = _entered(entry)
    _require_sound(request, entered, None, is_test=True)
    return [asdict(check) async for check in rendering.parts_of(request).diagnose(pbx_form.address(entered, None))]


@router.get("/pbxs/{pbx_id}", response_model=Pbx, responses=MISSING)
def show_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """One PBX."""
    return shapes.pbx(_stored(request, pbx_id))


@router.put("/pbxs/{pbx_id}", response_model=Pbx, responses=MISSING)
def change_pbx(request: Request, pbx_id: str, entry: PbxEntry) -> dict[str, Any]:
    """Change a PBX; a new interval holds at once."""
    parts, entered, stored = rendering.parts_of(request), _entered(entry), _stored(request, pbx_id)
    _require_sound(request, entered, stored)
    with parts.engine.begin() as db:
        pbxs.change(db, pbx_id, pbx_form.settings(entered, is_demo=stored.is_demo), parts.vault, parts.clock())
    return shapes.pbx(_stored(request, pbx_id))


@router.delete("/pbxs/{pbx_id}", status_code=204, responses=MISSING)
def remove_pbx(request: Request, pbx_id: str, with_calls: bool = False) -> None:
    """Disconnect a PBX; its calls stay unless asked."""
    parts = rendering.parts_of(request)
    _stored(request, pbx_id)
    parts.control.remove_pbx(pbx_id, parts.archive, with_calls=with_calls)


@router.post("/pbxs/{pbx_id}/test", response_model=list[Check], responses=MISSING)
async def test_pbx(request: Request, pbx_id: str) -> list[dict[str, Any]]:
    """Test the connection as it is stored."""
    stored = _stored(request, pbx_id)
    address = address_to_test(request, pbx_form.of_stored(stored), stored)
    return [asdict(check) async for check in rendering.parts_of(request).diagnose(address)]


@router.post("/pbxs/{pbx_id}/sync", status_code=202, response_model=Sync, responses=MISSING)
def sync_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """Look for new recordings now; while a sync of this PBX is being listed, the answer is that one."""
    parts = rendering.parts_of(request)
    sync_id = parts.control.sync(pbx_id, asked_by="user")
    with parts.engine.connect() as db:
        progress = syncs.progress(db, sync_id)
    assert progress is not None
    return shapes.sync(progress)
