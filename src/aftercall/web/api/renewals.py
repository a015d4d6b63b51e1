"""This file is /api/v1/renewals: have calls analysed again by the present rules."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from aftercall.store import calls, shapes
from aftercall.store.calls import CallFilter
from aftercall.web import access, rendering
from aftercall.web.api.calls import MISSING, wanted_calls
from aftercall.web.api.models import RenewalProgress
from aftercall.web.api.reruns import NO_RUN
from aftercall.web.pages.call import find
from aftercall.web.pages.renewals import MOST_CALLS, stored
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["analysis"])


@router.post("/calls/{call_id}/analyse-again", status_code=202, response_model=RenewalProgress, responses=MISSING)
def analyse_again(request: Request, account: SignedIn, call_id: str) -> dict[str, Any]:
    """Analyse one call again; its transcript stays."""
    find(request, account, call_id)
    renewal_id = rendering.parts_of(request).control.renew([call_id], query="", by=account.name)
    return shapes.renewal(stored(request, renewal_id))


@router.post("/renewals", status_code=202, response_model=RenewalProgress)
def begin(request: Request, account: SignedIn, wanted: Annotated[CallFilter, Depends(wanted_calls)]) -> dict[str, Any]:
    """Analyse every call of a filtered list again."""
    allowed = access.narrowed(account, wanted)
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = calls.ids(db, allowed, limit=MOST_CALLS) if allowed else []
    return shapes.renewal(stored(request, parts.control.renew(found, query="", by=account.name)))


@router.get("/renewals/{renewal_id}", response_model=RenewalProgress, responses=NO_RUN)
def show_renewal(request: Request, account: SignedIn, renewal_id: str) -> dict[str, Any]:
    """How far it is."""
    access.require_all(account)
    return shapes.renewal(stored(request, renewal_id))


@router.post("/renewals/{renewal_id}/cancel", response_model=RenewalProgress, responses=NO_RUN)
def cancel_renewal(request: Request, account: SignedIn, renewal_id: str) -> dict[str, Any]:
    """Stop; what is done stays done."""
    access.require_all(account)
    stored(request, renewal_id)
    rendering.parts_of(request).control.cancel_renewal(renewal_id)
    return shapes.renewal(stored(request, renewal_id))
