"""This file is /api/v1/pbxs: connect, change, test, preview, sync, pause and remove PBXs, and how each is doing."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import StreamingResponse

from aftercall.errors import FormInvalid, NotFound
from aftercall.model import PbxAddress
from aftercall.store import condition, pbxs, shapes, syncs
from aftercall.web import pbx_form, rendering
from aftercall.web.api.models import (
    Check,
    Pbx,
    PbxEntry,
    PbxStatus,
    Preview,
    Problem,
    Retried,
    RetryEntry,
    RunPage,
    Sync,
)
from aftercall.web.pages.freepbx import address_to_test, count_wanted
from aftercall.web.pbx_form import Entered
from aftercall.web.sessions import administrator

router = APIRouter(tags=["PBXs"], dependencies=[Depends(administrator)])
NDJSON = "application/x-ndjson"
#: Each line has the shape `Check`.
DIAGNOSIS: dict[int | str, dict[str, Any]] = {
    200: {"content": {NDJSON: {"schema": {"$ref": "#/components/schemas/Check"}}}, "description": "A check a line."}
}
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
        zone=entry.zone or "",
        period="all" if entry.since is None else "day",
        since=entry.since or "",
        directions=pbx_form.DIRECTIONS if entry.directions is None else tuple(entry.directions),
        extensions=", ".join(entry.extensions),
        min_duration_s=str(entry.min_duration_s),
        skipped_names="\n".join(entry.skipped_names),
        downloads_at_once=str(entry.downloads_at_once),
        backlog_per_min=str(entry.backlog_per_min or ""),
        hears_events=entry.hears_events,
    )


def _stored(request: Request, pbx_id: str) -> pbxs.Pbx:
    with rendering.parts_of(request).engine.connect() as db:
        found = pbxs.get(db, pbx_id)
    if found is None:
        raise NotFound(thing="such PBX")
    return found


def _require_sound(request: Request, entered: Entered, stored: pbxs.Pbx | None) -> None:
    _require_no(pbx_form.problems(entered, stored))
    with rendering.parts_of(request).engine.connect() as db:
        other = pbxs.by_name(db, entered.name.strip())
    if other and (stored is None or other.id != stored.id):
        raise FormInvalid(field="name", problem="Another PBX has this name already.")


def _require_no(problems: dict[str, str]) -> None:
    for field, problem in problems.items():
        raise FormInvalid(field=field, problem=problem)


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
        pbx_id = pbxs.add(db, pbx_form.settings(entered, parts.clock()), parts.vault, parts.clock())
    return shapes.pbx(_stored(request, pbx_id))


@router.post("/pbxs/test", response_model=list[Check])
async def test_entry(request: Request, entry: PbxEntry) -> list[dict[str, Any]]:
    """Test a connection that is not stored (yet)."""
    entered = _entered(entry)
    _require_no(pbx_form.problems(entered, None, is_test=True))
    checks = rendering.parts_of(request).diagnose(pbx_form.address(entered, None), zone=entry.zone)
    return [asdict(check) async for check in checks]


@router.post("/pbxs/preview", response_model=Preview)
def preview_entry(request: Request, entry: PbxEntry) -> dict[str, Any]:
    """Count what a sync of a PBX that is not stored (yet) would fetch; nothing is stored."""
    entered = _entered(entry)
    _require_no(pbx_form.problems(entered, None, is_preview=True))
    return count_wanted(request, entered, None).as_json()


@router.get("/pbxs/{pbx_id}", response_model=Pbx, responses=MISSING)
def show_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """One PBX."""
    return shapes.pbx(_stored(request, pbx_id))


@router.put("/pbxs/{pbx_id}", response_model=Pbx, responses=MISSING)
def change_pbx(request: Request, pbx_id: str, entry: PbxEntry) -> dict[str, Any]:
    """Change a PBX: what is left out takes its default. A new interval holds at once, new filters at the next sync."""
    parts, entered, stored = rendering.parts_of(request), _entered(entry), _stored(request, pbx_id)
    _require_sound(request, entered, stored)
    settings = pbx_form.settings(entered, parts.clock(), is_demo=stored.is_demo)
    with parts.engine.begin() as db:
        pbxs.change(db, pbx_id, settings, parts.vault, parts.clock())
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
    return [asdict(check) async for check in rendering.parts_of(request).diagnose(address, zone=stored.zone)]


@router.get("/pbxs/{pbx_id}/diagnosis", response_class=StreamingResponse, responses=MISSING | DIAGNOSIS)
async def diagnose_pbx(request: Request, pbx_id: str) -> StreamingResponse:
    """Test the connection as it is stored: a JSON line for each check, as soon as its outcome is known."""
    stored = _stored(request, pbx_id)
    address = address_to_test(request, pbx_form.of_stored(stored), stored)
    return StreamingResponse(
        _lines(request, address, stored.zone), media_type=NDJSON, headers={"X-Accel-Buffering": "no"}
    )


async def _lines(request: Request, address: PbxAddress, zone: str | None) -> AsyncIterator[str]:
    async for check in rendering.parts_of(request).diagnose(address, zone=zone):
        yield json.dumps(asdict(check)) + "\n"


@router.post("/pbxs/{pbx_id}/sync", status_code=202, response_model=Sync, responses=MISSING)
def sync_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """Look for new recordings now; while a sync of this PBX is being listed, the answer is that one."""
    parts = rendering.parts_of(request)
    sync_id = parts.control.sync(pbx_id, asked_by="user")
    with parts.engine.connect() as db:
        progress = syncs.progress(db, sync_id)
    assert progress is not None
    return shapes.sync(progress)


@router.post("/pbxs/{pbx_id}/preview", response_model=Preview, responses=MISSING)
def preview_pbx(request: Request, pbx_id: str, entry: PbxEntry | None = None) -> dict[str, Any]:
    """Count what a sync would fetch, with the stored settings or with others; nothing is stored."""
    stored = _stored(request, pbx_id)
    entered = _entered(entry) if entry else pbx_form.of_stored(stored)
    _require_no(pbx_form.problems(entered, stored, is_preview=True))
    return count_wanted(request, entered, stored).as_json()


@router.post("/pbxs/{pbx_id}/pause-backlog", response_model=Pbx, responses=MISSING)
def pause_backlog(request: Request, pbx_id: str) -> dict[str, Any]:
    """Hold back old recordings; new calls come as ever."""
    rendering.parts_of(request).control.pause_backlog(pbx_id, is_paused=True)
    return shapes.pbx(_stored(request, pbx_id))


@router.post("/pbxs/{pbx_id}/resume-backlog", response_model=Pbx, responses=MISSING)
def resume_backlog(request: Request, pbx_id: str) -> dict[str, Any]:
    """Let old recordings come again."""
    rendering.parts_of(request).control.pause_backlog(pbx_id, is_paused=False)
    return shapes.pbx(_stored(request, pbx_id))


@router.post("/pbxs/{pbx_id}/enable", response_model=Pbx, responses=MISSING)
def enable_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """Switch the schedule and the events of a PBX on."""
    return _switched(request, pbx_id, is_enabled=True)


@router.post("/pbxs/{pbx_id}/disable", response_model=Pbx, responses=MISSING)
def disable_pbx(request: Request, pbx_id: str) -> dict[str, Any]:
    """Switch the schedule and the events of a PBX off; its calls stay."""
    return _switched(request, pbx_id, is_enabled=False)


def _switched(request: Request, pbx_id: str, *, is_enabled: bool) -> dict[str, Any]:
    _stored(request, pbx_id)
    with rendering.parts_of(request).engine.begin() as db:
        pbxs.set_enabled(db, pbx_id, is_enabled=is_enabled)
    return shapes.pbx(_stored(request, pbx_id))


@router.get("/pbxs/{pbx_id}/status", response_model=PbxStatus, responses=MISSING)
def show_status(request: Request, pbx_id: str) -> dict[str, Any]:
    """How a PBX is doing: its newest sync, pace, events, lags, failures by cause, and unusual silence."""
    parts, stored = rendering.parts_of(request), _stored(request, pbx_id)
    with parts.engine.connect() as db:
        return shapes.pbx_status(condition.of_pbx(db, stored, parts.clock()))


@router.get("/pbxs/{pbx_id}/syncs", response_model=RunPage, responses=MISSING)
def list_syncs(
    request: Request,
    pbx_id: str,
    before: Annotated[datetime | None, Query(description="Only those asked for before then (ISO 8601).")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 20,
) -> dict[str, Any]:
    """The syncs of a PBX, newest first."""
    _stored(request, pbx_id)
    if before is not None and before.tzinfo is None:
        before = before.replace(tzinfo=UTC)
    with rendering.parts_of(request).engine.connect() as db:
        found = syncs.history(db, pbx_id, before=before, limit=limit + 1)
    shown = found[:limit]
    return {
        "items": [shapes.run(each) for each in shown],
        "before": shapes.moment(shown[-1].requested_at) if len(found) > limit else None,
    }


@router.post("/pbxs/{pbx_id}/retry", status_code=202, response_model=Retried, responses=MISSING)
def retry_failed(request: Request, pbx_id: str, entry: RetryEntry) -> dict[str, Any]:
    """Try every call of a PBX again that failed for good with this error."""
    return {"count": rendering.parts_of(request).control.retry_all(pbx_id, entry.code)}
