"""This file is the "Generate" button of a call: have a language model summarise it, or stop that."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.web import rendering
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter()


@router.post("/calls/{call_id}/generate")
def generate(request: Request, account: SignedIn, call_id: str) -> Response:
    """Ask for a summary; what was written before stays until there is a new one."""
    find(request, account, call_id)
    rendering.parts_of(request).control.generate(call_id, by=account.name)
    return RedirectResponse(f"/calls/{call_id}#generated-title", status_code=303)


@router.post("/calls/{call_id}/generate/cancel")
def cancel(request: Request, account: SignedIn, call_id: str) -> Response:
    """Stop it, if it waits or is at it."""
    find(request, account, call_id)
    rendering.parts_of(request).control.cancel_generate(call_id)
    return RedirectResponse(f"/calls/{call_id}#generated-title", status_code=303)
