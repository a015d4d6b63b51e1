"""This file is /api/v1/pbxs/{id}/cdr and /api/v1/coverage: call detail records, and what they tell is missing."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from aftercall.errors import FormInvalid, NotFound
from aftercall.model import CdrAddress
from aftercall.store import calls, cdr_sources, coverage, shapes
from aftercall.store.coverage import Asked
from aftercall.web import cdr_form, rendering
from aftercall.web.api.models import CdrEntry, CdrSource, Check, CoverageGap, CoverageReport, Gap, Problem
from aftercall.web.cdr_form import EnteredCdr
from aftercall.web.pages.cdr import address_to_test, stored_pbx
from aftercall.web.sessions import administrator

router = APIRouter(tags=["call detail records"], dependencies=[Depends(administrator)])
MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such PBX, or its records are not read."}
}
USUAL_PERIOD = timedelta(days=7)


def _entered(entry: CdrEntry) -> EnteredCdr:
    return EnteredCdr(
        host=entry.host,
        port=str(entry.port),
        database=entry.database,
        username=entry.username,
        password=entry.password or "",
        use_tls=entry.use_tls,
        pinned_certificate=entry.certificate or "",
        is_enabled=entry.is_enabled,
    )


def _require_sound(entered: EnteredCdr, stored: cdr_sources.CdrSource | None) -> None:
    for field, problem in cdr_form.problems(entered, stored).items():
        raise FormInvalid(field="certificate" if field == "pinned_certificate" else field, problem=problem)


@router.get("/pbxs/{pbx_id}/cdr", response_model=CdrSource, responses=MISSING)
def show_cdr(request: Request, pbx_id: str) -> dict[str, Any]:
    """Where a PBX's call detail records are read, and how that goes."""
    _, stored = stored_pbx(request, pbx_id)
    if stored is None:
        raise NotFound(thing="call detail records set up for this PBX")
    with rendering.parts_of(request).engine.connect() as db:
        return shapes.cdr_source(stored, cdr_sources.kept(db, pbx_id))


@router.put("/pbxs/{pbx_id}/cdr", response_model=CdrSource, responses=MISSING)
def save_cdr(request: Request, pbx_id: str, entry: CdrEntry) -> dict[str, Any]:
    """Read a PBX's call detail records from there; the first look comes at once."""
    parts, entered = rendering.parts_of(request), _entered(entry)
    _, stored = stored_pbx(request, pbx_id)
    _require_sound(entered, stored)
    with parts.engine.begin() as db:
        cdr_sources.save(db, pbx_id, cdr_form.settings(entered), parts.vault, parts.clock())
    return show_cdr(request, pbx_id)


@router.delete("/pbxs/{pbx_id}/cdr", status_code=204, responses=MISSING)
def remove_cdr(request: Request, pbx_id: str) -> None:
    """Read a PBX's call detail records no more; what they have told stays."""
    stored_pbx(request, pbx_id)
    with rendering.parts_of(request).engine.begin() as db:
        cdr_sources.remove(db, pbx_id)


@router.post("/pbxs/{pbx_id}/cdr/test", response_model=list[Check], responses=MISSING)
async def try_connection(request: Request, pbx_id: str, entry: CdrEntry | None = None) -> list[dict[str, Any]]:
    """Test the way to the records, as it is stored or as given; nothing is stored."""
    pbx, stored = stored_pbx(request, pbx_id)
    if entry is None and stored is None:
        raise NotFound(thing="call detail records set up for this PBX")
    entered = _entered(entry) if entry else cdr_form.of_stored(stored) if stored else EnteredCdr()
    _require_sound(entered, stored)
    address: CdrAddress = address_to_test(request, pbx_id, entered)
    checks = rendering.parts_of(request).diagnose_cdr(address, zone=pbx.zone)
    return [asdict(check) async for check in checks]


def _asked(  # noqa: PLR0917 - each is a parameter of the address
    request: Request,
    since: Annotated[datetime | None, Query(description="Started at or after; a week ago if left out.")] = None,
    until: Annotated[datetime | None, Query(description="Started before; now if left out.")] = None,
    pbx: Annotated[str, Query(max_length=80, description="A PBX's id.")] = "",
    extension: Annotated[str, Query(max_length=80, description="`-` for calls of no extension.")] = "",
    queue: Annotated[str, Query(max_length=80)] = "",
    cause: Gap | None = None,
) -> Asked:
    for name, moment in (("since", since), ("until", until)):
        if moment is not None and moment.tzinfo is None:
            raise FormInvalid(field=name, problem="needs a time zone, such as 2026-11-23T09:00:00Z.")
    last = until or rendering.parts_of(request).clock()
    return Asked(
        since=(since or last - USUAL_PERIOD).astimezone(UTC),
        until=last.astimezone(UTC),
        pbx_id=pbx,
        extension=extension,
        queue=queue,
        cause=cause or "",
    )


@router.get("/coverage", response_model=CoverageReport)
def show_coverage(request: Request, asked: Annotated[Asked, Depends(_asked)]) -> dict[str, Any]:
    """Answered calls without a usable recording, by extension, queue and day."""
    with rendering.parts_of(request).engine.connect() as db:
        return shapes.coverage_report(coverage.report(db, asked, utc_offset_min=calls.newest_utc_offset_min(db)))


@router.get("/coverage/calls", response_model=list[CoverageGap])
def list_gaps(
    request: Request,
    asked: Annotated[Asked, Depends(_asked)],
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> list[dict[str, Any]]:
    """The answered calls without a usable recording, newest first."""
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.gap(each) for each in islice(coverage.gaps(db, asked), limit)]
