"""This file is the page of one's own sessions: where one is signed in, and how to end that."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.store import accounts
from aftercall.web import rendering
from aftercall.web.sessions import SignedIn

router = APIRouter()


@router.get("/account/sessions")
def show(request: Request, account: SignedIn) -> Response:
    """Every session of this account, the newest use first."""
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = accounts.sessions_of(db, account.id)
    current = getattr(request.state, "session", None)
    return rendering.page(
        request,
        "sessions.html",
        sessions=[each for each in found if each.expires_at > parts.clock()],
        current=current.token_hash if current else "",
        browser_of=browser_of,
    )


@router.post("/account/sessions/end")
def end(request: Request, account: SignedIn, session: Annotated[str, Form()] = "") -> Response:
    """End one of one's own sessions."""
    with rendering.parts_of(request).engine.begin() as db:
        accounts.end_session(db, account.id, session)
    return RedirectResponse("/account/sessions", status_code=303)


def browser_of(user_agent: str) -> str:
    """`Firefox on Linux`, as far as a browser tells the truth about itself."""
    browsers = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
        ("Mac OS X", "macOS"), ("Linux", "Linux"),
    )  # fmt: skip
    browser = next((name for mark, name in browsers if mark in user_agent), "")
    system = next((name for mark, name in systems if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent[:60] or "An unknown program"
