"""This file knows who is signed in: by the session cookie of a browser or the bearer token of a program."""

from datetime import timedelta
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import Response

from aftercall.errors import Forbidden, SignInRequired
from aftercall.store import accounts, coverage, pbxs
from aftercall.store.accounts import Account
from aftercall.web.access import may_administer
from aftercall.web.rendering import parts_of

LIFETIME = timedelta(days=30)
#: `last seen` is written at most this often: reading a page should not mean writing to the disk.
SEEN_EVERY = timedelta(minutes=1)


def is_https(request: Request) -> bool:
    """Whether the browser speaks TLS, as far as we can know behind a proxy."""
    public_url = parts_of(request).settings.public_url
    return public_url.startswith("https://") if public_url else request.url.scheme == "https"


def cookie_name(request: Request) -> str:
    """`__Host-` binds the cookie to this host and to TLS; without TLS browsers would refuse it."""
    return "__Host-sid" if is_https(request) else "sid"


def client_address(request: Request) -> str:
    """The address the request came from; behind a trusted proxy uvicorn has put the real one here."""
    return request.client.host if request.client else "unknown"


def open_session(request: Request, response: Response, account_id: str) -> None:
    """Sign this browser in under a fresh token."""
    parts = parts_of(request)
    with parts.engine.begin() as db:
        token = accounts.open_session(
            db,
            account_id,
            lifetime=LIFETIME,
            user_agent=request.headers.get("user-agent", ""),
            address=client_address(request),
            now=parts.clock(),
        )
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="lax",
    )


def forget_cookie(request: Request, response: Response) -> None:
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_https(request), httponly=True, samesite="lax"
    )  # fmt: skip


def who_is_it(request: Request) -> Account | None:
    """The account behind a request, None if there is none."""
    parts = parts_of(request)
    now = parts.clock()
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        with parts.engine.begin() as db:
            return accounts.account_of_api_token(db, token.strip(), now)
    cookie = request.cookies.get(cookie_name(request))
    if not cookie:
        return None
    with parts.engine.connect() as db:
        found = accounts.session_of(db, cookie, now)
        kinds = {each.is_demo for each in pbxs.all_pbxs(db)} if found else set()
        has_records = found is not None and coverage.has_records(db)
    request.state.has_demo, request.state.has_others = True in kinds, False in kinds
    request.state.has_records = has_records
    if found is None:
        return None
    account, session = found
    if now - session.last_seen_at > SEEN_EVERY:
        with parts.engine.begin() as db:
            accounts.touch_session(db, session.token_hash, now)
    request.state.session = session
    return account


def signed_in(request: Request) -> Account:
    """Guards a route.

    Raises:
        SignInRequired: nobody is signed in.
    """
    account = who_is_it(request)
    if account is None:
        raise SignInRequired()
    request.state.account = account
    return account


def administrator(account: Annotated[Account, Depends(signed_in)]) -> Account:
    """Guards a route that changes the installation.

    Raises:
        Forbidden: the role does not include it.
    """
    if not may_administer(account):
        raise Forbidden(action="change this installation")
    return account


SignedIn = Annotated[Account, Depends(signed_in)]
Administrator = Annotated[Account, Depends(administrator)]
