"""This file is the page where people sign in, and the way out."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import SignInFailed, TooManyAttempts
from aftercall.store import accounts as store
from aftercall.web import accounts, rendering, sessions

router = APIRouter()


def own_address(target: str) -> str:
    """Where to go after signing in: an address of ours, or the list of calls; never another site."""
    parts = urlsplit(target)
    is_ours = target.startswith("/") and not target.startswith(("//", "/\\")) and not parts.netloc
    return target if is_ours and target.isprintable() else "/"


@router.get("/login")
def show(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name in the address
    """The form; whoever is signed in goes on at once."""
    if sessions.who_is_it(request):
        return RedirectResponse(own_address(next), status_code=303)
    return _form(request, next=next)


@router.post("/login")
def sign_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002
) -> Response:
    """Check name and password, open a session, and go on to where the visitor wanted to go."""
    parts = rendering.parts_of(request)
    try:
        account = accounts.sign_in(
            parts.engine,
            name=name,
            password=password,
            address=sessions.client_address(request),
            now=parts.clock(),
        )
    except (SignInFailed, TooManyAttempts) as problem:
        return _form(request, next=next, name=name, problem=problem)
    response = RedirectResponse(own_address(next), status_code=303)
    sessions.open_session(request, response, account.id)
    return response


@router.post("/logout")
def sign_out(request: Request) -> Response:
    """End this session."""
    parts = rendering.parts_of(request)
    account = sessions.who_is_it(request)
    session = getattr(request.state, "session", None)
    if account and session:
        with parts.engine.begin() as db:
            store.end_session(db, account.id, session.token_hash)
    response = RedirectResponse("/login", status_code=303)
    sessions.forget_cookie(request, response)
    return response


def _form(
    request: Request,
    *,
    next: str,  # noqa: A002
    name: str = "",
    problem: SignInFailed | TooManyAttempts | None = None,
) -> Response:
    with rendering.parts_of(request).engine.connect() as db:
        has_accounts = store.count(db) > 0
    response = rendering.page(
        request,
        "login.html",
        status=problem.status if problem else 200,
        next=own_address(next),
        name=name,
        problem=problem,
        has_accounts=has_accounts,
    )
    if isinstance(problem, TooManyAttempts):
        response.headers["Retry-After"] = str(problem.facts["seconds"])
    return response
