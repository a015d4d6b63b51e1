"""This file is Settings > FreePBX: the connected PBXs, the form of one, its test, its preview, and its removal."""

import json
import zoneinfo
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from aftercall.errors import NotFound
from aftercall.jobs.clients import Preview
from aftercall.model import PbxAddress
from aftercall.pbx import tls
from aftercall.store import condition, pbxs
from aftercall.store.pbxs import Pbx
from aftercall.web import pbx_form, rendering
from aftercall.web.pbx_form import Entered
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/freepbx", dependencies=[Depends(administrator)])

#: What the last test of exactly these values said, as the page remembers it; it only decides about a warning.
TESTED_OK = "ok"


def _entered(  # noqa: PLR0917 - each is a field of the form
    name: Annotated[str, Form()] = "",
    host: Annotated[str, Form()] = "",
    port: Annotated[str, Form()] = "",
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    use_tls: Annotated[bool, Form()] = False,
    prefix: Annotated[str, Form()] = "",
    sync_interval_min: Annotated[str, Form()] = "",
    pinned_certificate: Annotated[str, Form()] = "",
    is_disabled: Annotated[bool, Form()] = False,
    zone: Annotated[str, Form()] = "",
    period: Annotated[str, Form()] = "all",
    since: Annotated[str, Form()] = "",
    directions: Annotated[list[str] | None, Form()] = None,
    extensions: Annotated[str, Form()] = "",
    min_duration_s: Annotated[str, Form()] = "",
    skipped_names: Annotated[str, Form()] = "",
    downloads_at_once: Annotated[str, Form()] = "2",
    backlog_per_min: Annotated[str, Form()] = "",
    hears_events: Annotated[bool, Form()] = False,
) -> Entered:
    return Entered(
        name=name,
        host=host,
        port=port,
        username=username,
        password=password,
        use_tls=use_tls,
        prefix=prefix,
        sync_interval_min=sync_interval_min,
        pinned_certificate=pinned_certificate,
        is_enabled=not is_disabled,
        zone=zone,
        period=period,
        since=since,
        # A browser leaves out what is not ticked: an empty one among them tells that somebody was asked.
        directions=pbx_form.DIRECTIONS if directions is None else tuple(each for each in directions if each),
        extensions=extensions,
        min_duration_s=min_duration_s,
        skipped_names=skipped_names,
        downloads_at_once=downloads_at_once,
        backlog_per_min=backlog_per_min,
        hears_events=hears_events,
    )


Form_ = Annotated[Entered, Depends(_entered)]


def _stored(request: Request, pbx_id: str) -> Pbx:
    with rendering.parts_of(request).engine.connect() as db:
        found = pbxs.get(db, pbx_id)
    if found is None:
        raise NotFound(thing="such PBX")
    return found


@router.get("")
def show(request: Request, saved: str = "") -> Response:
    """The PBXs, each with its last and its next sync."""
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        conditions = condition.of_all(db, parts.clock())
    if not conditions:
        return RedirectResponse("/settings/freepbx/new", status_code=303)
    return rendering.page(request, "settings/pbxs.html", conditions=conditions, saved=saved)


@router.get("/new")
def show_new(request: Request) -> Response:
    """The form of a new PBX."""
    proposed = Entered(name="FreePBX", port=str(pbx_form.TLS_PORT), use_tls=True, period=pbx_form.PROPOSED_PERIOD)
    return _form(request, proposed, None)


def show_filled_in(request: Request, entered: Entered) -> Response:
    """The form of a new PBX with what another page has found out, the password included."""
    proposed = replace(entered, period=pbx_form.PROPOSED_PERIOD)
    return _form(request, proposed, None, given_password=entered.password)


@router.get("/{pbx_id}")
def show_one(request: Request, pbx_id: str) -> Response:
    """The form of a stored PBX."""
    stored = _stored(request, pbx_id)
    return _form(request, pbx_form.of_stored(stored), stored)


@router.post("/new")
def add(
    request: Request,
    entered: Form_,
    tested: Annotated[str, Form()] = "",
    is_sure: Annotated[bool, Form()] = False,
) -> Response:
    """Store a new PBX; the schedule takes it up at once."""
    parts = rendering.parts_of(request)
    problems = pbx_form.problems(entered, None) | _taken(request, entered, None)
    if problems or not (tested == TESTED_OK or is_sure):
        return _form(request, entered, None, problems=problems, tested=tested, is_unsure=not problems)
    with parts.engine.begin() as db:
        pbx_id = pbxs.add(db, pbx_form.settings(entered, parts.clock()), parts.vault, parts.clock())
    return RedirectResponse(f"/settings/freepbx?saved={pbx_id}", status_code=303)


@router.post("/{pbx_id}")
def change(
    request: Request,
    pbx_id: str,
    entered: Form_,
    tested: Annotated[str, Form()] = "",
    is_sure: Annotated[bool, Form()] = False,
) -> Response:
    """Change a PBX; a new interval holds at once, new filters at the next sync."""
    parts = rendering.parts_of(request)
    stored = _stored(request, pbx_id)
    problems = pbx_form.problems(entered, stored) | _taken(request, entered, stored)
    needs_test = not is_same_connection(entered, stored)
    if problems or (needs_test and not (tested == TESTED_OK or is_sure)):
        return _form(request, entered, stored, problems=problems, tested=tested, is_unsure=not problems)
    settings = pbx_form.settings(entered, parts.clock(), is_demo=stored.is_demo)
    with parts.engine.begin() as db:
        pbxs.change(db, pbx_id, settings, parts.vault, parts.clock())
    return RedirectResponse(f"/settings/freepbx?saved={pbx_id}", status_code=303)


@router.post("/{pbx_id}/remove")
def remove(request: Request, pbx_id: str, with_calls: Annotated[bool, Form()] = False) -> Response:
    """Disconnect a PBX; its calls go only when that was ticked."""
    parts = rendering.parts_of(request)
    _stored(request, pbx_id)
    parts.control.remove_pbx(pbx_id, parts.archive, with_calls=with_calls)
    return RedirectResponse("/settings/freepbx", status_code=303)


@router.post("/{pbx_id}/enable")
def enable(request: Request, pbx_id: str) -> Response:
    """Switch a PBX's schedule and events on."""
    return _switch(request, pbx_id, is_enabled=True)


@router.post("/{pbx_id}/disable")
def disable(request: Request, pbx_id: str) -> Response:
    """Switch a PBX's schedule and events off; its calls stay."""
    return _switch(request, pbx_id, is_enabled=False)


def _switch(request: Request, pbx_id: str, *, is_enabled: bool) -> Response:
    _stored(request, pbx_id)
    with rendering.parts_of(request).engine.begin() as db:
        pbxs.set_enabled(db, pbx_id, is_enabled=is_enabled)
    return RedirectResponse("/settings/freepbx", status_code=303)


@router.post("/{pbx_id}/preview")
def preview(request: Request, pbx_id: str, entered: Form_) -> Response:
    """Count what a sync would fetch with the values as they stand in the form, saved or not; a piece of the page.

    Args:
        pbx_id: whose recordings are known already, and whose stored password to use; `new` for none.
    """
    stored = None if pbx_id == "new" else _stored(request, pbx_id)
    problems = pbx_form.problems(entered, stored, is_preview=True)
    counted = None if problems else count_wanted(request, entered, stored)
    return rendering.page(
        request,
        "settings/preview.html",
        status=422 if problems else 200,
        problems=problems,
        counted=counted,
        entered=entered,
    )


def count_wanted(request: Request, entered: Entered, stored: Pbx | None) -> Preview:
    """What a sync would fetch, counted on a list that the PBX makes now; the form must have no problems.

    Raises:
        PbxError: the PBX did not give its list.
    """
    parts = rendering.parts_of(request)
    if parts.preview is None:
        raise NotFound(thing="connection to PBXs in this process")
    address = address_to_test(request, entered, stored)
    return parts.preview(address, stored.id if stored else None, pbx_form.chosen(entered, parts.clock()))


@router.post("/{pbx_id}/test")
def test(request: Request, pbx_id: str, entered: Form_) -> Response:
    """Test the values as they stand in the form, saved or not: a JSON line for each check as soon as it is known.

    Args:
        pbx_id: whose stored password to use where none was typed; `new` for none.
    """
    stored = None if pbx_id == "new" else _stored(request, pbx_id)
    if problems := pbx_form.problems(entered, stored, is_test=True):
        return JSONResponse({"problems": problems}, status_code=422)
    address = address_to_test(request, entered, stored)
    return StreamingResponse(
        _checks(request, address, entered.zone.strip() or None),
        media_type="application/x-ndjson",
        headers={"X-Accel-Buffering": "no"},
    )


async def _checks(request: Request, address: PbxAddress, zone: str | None) -> AsyncIterator[str]:
    has_failed = False
    async for check in rendering.parts_of(request).diagnose(address, zone=zone):
        has_failed = has_failed or check.status == "fail"
        shown = rendering.fragment(request, "settings/check.html", check=check)
        yield json.dumps({"check": check.check, "status": check.status, "html": shown}) + "\n"
    yield json.dumps({"result": "failed" if has_failed else TESTED_OK}) + "\n"


def address_to_test(request: Request, entered: Entered, stored: Pbx | None) -> PbxAddress:
    """Where to connect; the stored password stands in for one that was not typed."""
    parts = rendering.parts_of(request)
    password = None
    if stored and not entered.password:
        with parts.engine.connect() as db:
            known = pbxs.address(db, stored.id, parts.vault)
        password = known.password if known else None
    return pbx_form.address(entered, password)


def is_same_connection(entered: Entered, stored: Pbx) -> bool:
    """Whether nothing changed that a test of the connection could find fault with."""
    address = pbx_form.address(entered, None)
    return not entered.password and all(
        getattr(address, name) == getattr(stored, name)
        for name in ("host", "port", "username", "use_tls", "prefix", "pinned_certificate")
    )


def _taken(request: Request, entered: Entered, stored: Pbx | None) -> dict[str, str]:
    with rendering.parts_of(request).engine.connect() as db:
        other = pbxs.by_name(db, entered.name.strip())
    if other is None or (stored and other.id == stored.id):
        return {}
    return {"name": "Another PBX has this name already."}


def _form(
    request: Request,
    entered: Entered,
    stored: Pbx | None,
    *,
    problems: dict[str, str] | None = None,
    tested: str = "",
    is_unsure: bool = False,
    given_password: str = "",
) -> Response:
    return rendering.page(
        request,
        "settings/pbx.html",
        status=422 if problems or is_unsure else 200,
        entered=entered,
        stored=stored,
        problems=problems or {},
        tested=tested,
        is_unsure=is_unsure,
        given_password=given_password,
        fingerprint=_fingerprint(entered.pinned_certificate),
        directions=pbx_form.DIRECTIONS,
        zones=_zones(),
    )


@cache
def _zones() -> list[str]:
    """The time zones to propose: those of places."""
    continents = {
        "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"
    }  # fmt: skip
    of_places = (each for each in zoneinfo.available_timezones() if each.partition("/")[0] in continents)
    return [*sorted(of_places), "UTC"]


def _fingerprint(pem: str) -> str:
    """The SHA-256 of a certificate as openssl prints it, "" for none."""
    return tls.read_pem(pem.strip()).sha256 if pem.strip() and not pbx_form.certificate_problem(pem) else ""
