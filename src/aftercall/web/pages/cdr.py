"""This file is Settings > FreePBX > Call detail records: where a PBX's are read, how that goes, and a file of them."""

import io
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from aftercall.errors import AppError, NotFound
from aftercall.jobs import cdr_import
from aftercall.jobs.cdr_import import Imported
from aftercall.model import CdrAddress
from aftercall.pbx import tls
from aftercall.store import cdr_sources, pbxs
from aftercall.store.cdr_sources import CdrSource
from aftercall.store.pbxs import Pbx
from aftercall.web import cdr_form, pbx_form, rendering
from aftercall.web.cdr_form import EnteredCdr
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/freepbx/{pbx_id}/cdr", dependencies=[Depends(administrator)])

#: What the last test of exactly these values said, as the page remembers it; it only decides about a warning.
TESTED_OK = "ok"


def _entered(  # noqa: PLR0917 - each is a field of the form
    host: Annotated[str, Form()] = "",
    port: Annotated[str, Form()] = "",
    database: Annotated[str, Form()] = "",
    username: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    use_tls: Annotated[bool, Form()] = False,
    pinned_certificate: Annotated[str, Form()] = "",
    is_disabled: Annotated[bool, Form()] = False,
) -> EnteredCdr:
    return EnteredCdr(
        host=host,
        port=port,
        database=database,
        username=username,
        password=password,
        use_tls=use_tls,
        pinned_certificate=pinned_certificate,
        is_enabled=not is_disabled,
    )


Form_ = Annotated[EnteredCdr, Depends(_entered)]


def stored_pbx(request: Request, pbx_id: str) -> tuple[Pbx, CdrSource | None]:
    """The PBX, and where its records are read if that was said.

    Raises:
        NotFound: there is no such PBX.
    """
    with rendering.parts_of(request).engine.connect() as db:
        found = pbxs.get(db, pbx_id)
        if found is None:
            raise NotFound(thing="such PBX")
        return found, cdr_sources.get(db, pbx_id)


@router.get("")
def show(request: Request, pbx_id: str, saved: bool = False) -> Response:
    """The form, with how the reading goes."""
    pbx, stored = stored_pbx(request, pbx_id)
    entered = cdr_form.of_stored(stored) if stored else EnteredCdr(host=pbx.host, username="aftercall")
    return _form(request, pbx, stored, entered, is_saved=saved)


@router.post("")
def save(
    request: Request,
    pbx_id: str,
    entered: Form_,
    tested: Annotated[str, Form()] = "",
    is_sure: Annotated[bool, Form()] = False,
) -> Response:
    """Store where the records are read; the first look comes at once."""
    parts = rendering.parts_of(request)
    pbx, stored = stored_pbx(request, pbx_id)
    problems = cdr_form.problems(entered, stored)
    needs_test = entered.is_enabled and not is_same_connection(entered, stored)
    if problems or (needs_test and not (tested == TESTED_OK or is_sure)):
        return _form(request, pbx, stored, entered, problems=problems, tested=tested, is_unsure=not problems)
    with parts.engine.begin() as db:
        cdr_sources.save(db, pbx_id, cdr_form.settings(entered), parts.vault, parts.clock())
    return RedirectResponse(f"/settings/freepbx/{pbx_id}/cdr?saved=true", status_code=303)


@router.post("/remove")
def remove(request: Request, pbx_id: str) -> Response:
    """Read the records no more; what they have told stays."""
    stored_pbx(request, pbx_id)
    with rendering.parts_of(request).engine.begin() as db:
        cdr_sources.remove(db, pbx_id)
    return RedirectResponse(f"/settings/freepbx/{pbx_id}/cdr", status_code=303)


@router.post("/read")
def read_now(request: Request, pbx_id: str) -> Response:
    """Let the next look come at once."""
    stored_pbx(request, pbx_id)
    with rendering.parts_of(request).engine.begin() as db:
        cdr_sources.ask(db, pbx_id)
    return RedirectResponse(f"/settings/freepbx/{pbx_id}/cdr", status_code=303)


@router.post("/import")
def import_file(request: Request, pbx_id: str, file: Annotated[UploadFile, File()]) -> Response:
    """Take in a CSV file, and tell what it brought."""
    parts = rendering.parts_of(request)
    pbx, stored = stored_pbx(request, pbx_id)
    entered = cdr_form.of_stored(stored) if stored else EnteredCdr(host=pbx.host, username="aftercall")
    text = io.TextIOWrapper(file.file, encoding="utf-8", errors="replace", newline="")
    try:
        imported = cdr_import.import_file(parts.engine, pbx_id, text, clock=parts.clock)
    except AppError as refused:
        return _form(request, pbx, stored, entered, refused=refused)
    finally:
        text.detach()
    return _form(request, pbx, stored, entered, imported=imported)


@router.post("/test")
def test(request: Request, pbx_id: str, entered: Form_) -> Response:
    """Test the values as they stand in the form, saved or not: a JSON line for each check as soon as it is known."""
    pbx, stored = stored_pbx(request, pbx_id)
    if problems := cdr_form.problems(entered, stored):
        return JSONResponse({"problems": problems}, status_code=422)
    return StreamingResponse(
        _checks(request, address_to_test(request, pbx_id, entered), pbx.zone),
        media_type="application/x-ndjson",
        headers={"X-Accel-Buffering": "no"},
    )


async def _checks(request: Request, address: CdrAddress, zone: str | None) -> AsyncIterator[str]:
    has_failed = False
    async for check in rendering.parts_of(request).diagnose_cdr(address, zone=zone):
        has_failed = has_failed or check.status == "fail"
        shown = rendering.fragment(request, "settings/check.html", check=check)
        yield json.dumps({"check": check.check, "status": check.status, "html": shown}) + "\n"
    yield json.dumps({"result": "failed" if has_failed else TESTED_OK}) + "\n"


def address_to_test(request: Request, pbx_id: str, entered: EnteredCdr) -> CdrAddress:
    """Where to connect; the stored password stands in for one that was not typed."""
    parts = rendering.parts_of(request)
    password = None
    if not entered.password:
        with parts.engine.connect() as db:
            known = cdr_sources.address(db, pbx_id, parts.vault)
        password = known.password if known else None
    return cdr_form.address(entered, password)


def is_same_connection(entered: EnteredCdr, stored: CdrSource | None) -> bool:
    """Whether nothing changed that a test of the connection could find fault with."""
    if stored is None or entered.password or stored.blocked_by:
        return False
    where = cdr_form.address(entered, None)
    names = ("host", "port", "database", "username", "use_tls", "certificate")
    return all(getattr(where, name) == getattr(stored, name) for name in names)


def _form(
    request: Request,
    pbx: Pbx,
    stored: CdrSource | None,
    entered: EnteredCdr,
    *,
    problems: dict[str, str] | None = None,
    tested: str = "",
    is_unsure: bool = False,
    is_saved: bool = False,
    imported: Imported | None = None,
    refused: AppError | None = None,
) -> Response:
    with rendering.parts_of(request).engine.connect() as db:
        kept = cdr_sources.kept(db, pbx.id)
    return rendering.page(
        request,
        "settings/cdr.html",
        status=422 if problems or is_unsure or refused else 200,
        pbx=pbx,
        stored=stored,
        entered=entered,
        kept=kept,
        problems=problems or {},
        tested=tested,
        is_unsure=is_unsure,
        is_saved=is_saved,
        imported=imported,
        refused=refused,
        fingerprint=_fingerprint(entered.pinned_certificate),
    )


def _fingerprint(pem: str) -> str:
    """The SHA-256 of a certificate as openssl prints it, "" for none."""
    return tls.read_pem(pem.strip()).sha256 if pem.strip() and not pbx_form.certificate_problem(pem) else ""
