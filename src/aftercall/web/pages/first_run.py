"""This file is the page behind the one-time link: it creates the owner's account."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import FormInvalid, SetupLinkInvalid
from aftercall.store import accounts as store
from aftercall.web import accounts, rendering, sessions

router = APIRouter()


def _require_token(request: Request, token: str) -> None:
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        has_owner = store.count(db) > 0
    wanted = parts.setup_token
    if has_owner or wanted is None or not secrets.compare_digest(token.encode(), wanted.encode()):
        raise SetupLinkInvalid()


@router.get("/setup")
def show(request: Request, token: str = "") -> Response:
    """The form, for whoever holds the link."""
    _require_token(request, token)
    return rendering.page(request, "setup.html", token=token, name="", problem=None)


@router.post("/setup")
def create(
    request: Request,
    token: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """Create the owner, sign in, and go to the calls."""
    _require_token(request, token)
    parts = rendering.parts_of(request)
    try:
        account_id = accounts.create_owner(parts.engine, name=name, password=password, now=parts.clock())
    except FormInvalid as problem:
        return rendering.page(request, "setup.html", status=422, token=token, name=name, problem=problem)
    if account_id is None:
        raise SetupLinkInvalid()
    response = RedirectResponse("/", status_code=303)
    sessions.open_session(request, response, account_id)
    return response
