"""This file is "Analyse again": have calls understood anew after the rules changed, watch how far it is, stop it."""

from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import NotFound
from aftercall.store import calls, pbxs, renewals
from aftercall.store.calls import CallFilter
from aftercall.store.renewals import Renewal
from aftercall.web import access, list_query, rendering
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter()

#: Analysing reads no sound, so a whole archive may be asked for at once.
MOST_CALLS = 1_000_000


def stored(request: Request, renewal_id: str) -> Renewal:
    """Raises NotFound if there is no such wish."""
    with rendering.parts_of(request).engine.connect() as db:
        found = renewals.get(db, renewal_id)
    if found is None:
        raise NotFound(thing="such run")
    return found


@router.get("/renewals")
def list_renewals(request: Request, account: SignedIn) -> Response:
    """What was asked for lately."""
    access.require_all(account)
    with rendering.parts_of(request).engine.connect() as db:
        found = renewals.recent(db)
    return rendering.page(request, "renewals/all.html", renewals=found)


@router.get("/renewals/new")
def ask(request: Request, account: SignedIn) -> Response:
    """How many calls a filtered list holds."""
    query, chosen = _chosen(request, account, request.query_params.get("list", ""))
    with rendering.parts_of(request).engine.connect() as db:
        count = len(calls.ids(db, chosen, limit=MOST_CALLS)) if chosen else 0
        names = {each.id: each.name for each in pbxs.all_pbxs(db)}
    return rendering.page(request, "renewals/new.html", query=query, chips=query.chips(names), count=count)


@router.post("/renewals")
def begin(
    request: Request, account: SignedIn, wanted: Annotated[str, Form(alias="list", max_length=2000)] = ""
) -> Response:
    """Analyse all calls of a filtered list again."""
    query, chosen = _chosen(request, account, wanted)
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = calls.ids(db, chosen, limit=MOST_CALLS) if chosen else []
    renewal_id = parts.control.renew(found, query=query.address, by=account.name)
    return RedirectResponse(f"/renewals/{renewal_id}", status_code=303)


@router.post("/calls/{call_id}/analyse-again")
def begin_for_one(request: Request, account: SignedIn, call_id: str) -> Response:
    """Analyse one call again."""
    find(request, account, call_id)
    rendering.parts_of(request).control.renew([call_id], query="", by=account.name)
    return RedirectResponse(f"/calls/{call_id}", status_code=303)


@router.get("/renewals/{renewal_id}")
def show(request: Request, account: SignedIn, renewal_id: str) -> Response:
    """How far it is."""
    access.require_all(account)
    template = "renewals/progress.html" if "hx-request" in request.headers else "renewals/page.html"
    return rendering.page(request, template, renewal=stored(request, renewal_id))


@router.post("/renewals/{renewal_id}/cancel")
def cancel(request: Request, account: SignedIn, renewal_id: str) -> Response:
    """Stop; what is done stays done."""
    access.require_all(account)
    stored(request, renewal_id)
    rendering.parts_of(request).control.cancel_renewal(renewal_id)
    return RedirectResponse(f"/renewals/{renewal_id}", status_code=303)


def _chosen(request: Request, account: SignedIn, chosen: str) -> tuple[list_query.ListQuery, CallFilter | None]:
    """The filtered list that a form names by its query string."""
    access.require_all(account)
    parts = rendering.parts_of(request)
    query = list_query.read(dict(parse_qsl(chosen)))
    with parts.engine.connect() as db:
        return query, access.narrowed(account, query.wanted(parts.clock(), calls.newest_utc_offset_min(db)))
