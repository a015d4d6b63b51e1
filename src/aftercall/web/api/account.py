"""This file is /api/v1/me, sessions and tokens: who one is, and where one is signed in."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from aftercall.store import accounts, shapes
from aftercall.web import rendering
from aftercall.web.api.models import Account, NewToken, SessionShape, Token, TokenEntry
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["account"])


@router.get("/me", response_model=Account)
def who_am_i(account: SignedIn) -> dict[str, Any]:
    """The account behind this request."""
    return {"name": account.name, "role": account.role}


@router.get("/sessions", response_model=list[SessionShape])
def list_sessions(request: Request, account: SignedIn) -> list[dict[str, Any]]:
    """Where this account is signed in."""
    current = getattr(request.state, "session", None)
    with rendering.parts_of(request).engine.connect() as db:
        found = accounts.sessions_of(db, account.id)
    return [
        {
            "id": each.token_hash,
            "created_at": shapes.moment(each.created_at),
            "last_seen_at": shapes.moment(each.last_seen_at),
            "expires_at": shapes.moment(each.expires_at),
            "user_agent": each.user_agent,
            "address": each.address,
            "is_current": bool(current and current.token_hash == each.token_hash),
        }
        for each in found
    ]


@router.delete("/sessions/{session_id}", status_code=204)
def end_session(request: Request, account: SignedIn, session_id: str) -> None:
    """End one of one's own sessions."""
    with rendering.parts_of(request).engine.begin() as db:
        accounts.end_session(db, account.id, session_id)


@router.get("/tokens", response_model=list[Token])
def list_tokens(request: Request, account: SignedIn) -> list[dict[str, Any]]:
    """The API tokens of this account."""
    with rendering.parts_of(request).engine.connect() as db:
        found = accounts.api_tokens_of(db, account.id)
    return [
        {
            "id": each.token_hash,
            "name": each.name,
            "created_at": shapes.moment(each.created_at),
            "last_used_at": shapes.moment(each.last_used_at),
        }
        for each in found
    ]


@router.post("/tokens", status_code=201, response_model=NewToken)
def make_token(request: Request, account: SignedIn, entry: TokenEntry) -> dict[str, Any]:
    """Make an API token; it is shown this once."""
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        return {"token": accounts.make_api_token(db, account.id, entry.name, parts.clock())}


@router.delete("/tokens/{token_id}", status_code=204)
def remove_token(request: Request, account: SignedIn, token_id: str) -> None:
    """Revoke an API token."""
    with rendering.parts_of(request).engine.begin() as db:
        accounts.remove_api_token(db, account.id, token_id)
