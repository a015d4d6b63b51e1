"""This file is the edge where errors end: as a page for people, as RFC 9457 JSON for programs, both with a reference.

The reference is in the log too, so that what somebody reads out to us can be found.
"""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aftercall import log
from aftercall.errors import AppError, FormInvalid, NotFound, SignInRequired, TooManyAttempts, Unexpected
from aftercall.store import database
from aftercall.web import rendering

_log = log.get("web")


def respond(request: Request, error: AppError, *, status: int | None = None) -> Response:
    """The answer to a request that ended with this error."""
    reference = secrets.token_hex(4)
    status = status or error.status
    _log.warning("request refused", code=error.code, status=status, reference=reference, method=request.method)
    if is_for_programs(request):
        return _as_json(error, status, reference)
    if isinstance(error, SignInRequired):
        return to_sign_in(request)
    if "hx-request" in request.headers and "hx-history-restore-request" not in request.headers:
        return rendering.page(request, "problem_fragment.html", status=status, error=error, reference=reference)
    return rendering.page(request, "problem.html", status=status, error=error, reference=reference)


def is_for_programs(request: Request) -> bool:
    """Whether whoever asks wants JSON."""
    return request.url.path.startswith("/api/") or "application/json" in request.headers.get("accept", "")


def to_sign_in(request: Request) -> Response:
    """Send a browser to the sign-in page, and back here afterwards."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    # A fragment's own address is no page to come back to; htmx says which page asked for it.
    if "hx-request" in request.headers or request.method != "GET":
        here = "/"
    target = "/login" if here == "/" else f"/login?next={quote(here, safe='')}"
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": target})
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(status_code=401)
    return RedirectResponse(target, status_code=303)


def _as_json(error: AppError, status: int, reference: str) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:aftercall:error:{error.code}",
        "title": error.what,
        "status": status,
        "detail": error.why,
        "instance": f"urn:aftercall:reference:{reference}",
        "code": error.code,
        "what": error.what,
        "why": error.why,
        "fix": error.fix,
        "reference": reference,
    }
    headers = {}
    if isinstance(error, FormInvalid):
        body["field"] = error.facts["field"]
    if isinstance(error, TooManyAttempts):
        headers["Retry-After"] = str(error.facts["seconds"])
    if isinstance(error, SignInRequired):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, status_code=status, headers=headers, media_type="application/problem+json")


def install(app: FastAPI) -> None:
    """Translate what handlers raise."""
    app.add_exception_handler(AppError, _app_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)


async def _app_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, AppError)
    return respond(request, exc)


async def _invalid(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    first = exc.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"}) or "Request"
    return respond(request, FormInvalid(field=where, problem=f"{first['msg']}."))


async def _http_error(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == 404:
        return respond(request, NotFound(thing="page"))
    if exc.status_code == 405:
        return respond(
            request, FormInvalid(field="Method", problem=f"{request.method} has no meaning here."), status=405
        )
    return respond(request, FormInvalid(field="Request", problem=f"{exc.detail}."), status=exc.status_code)


class Unforeseen:
    """The last catch: what nobody foresaw becomes a page too, and a trace in the log."""

    def __init__(self, app: ASGIApp, *, folder: Path) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = False

        async def watched_send(message: Message) -> None:
            nonlocal has_started
            has_started = has_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except Exception as exc:
            error = _translated(exc, self._folder)
            if isinstance(error, Unexpected):
                _log.exception("request failed", path=scope["path"], exc_info=exc)
            if has_started:
                raise  # half an answer is out: only the end of the connection can tell
            response = respond(Request(scope), error)
            await response(scope, receive, send)


def _translated(exc: Exception, folder: Path) -> AppError:
    if isinstance(exc, AppError):
        return exc
    try:
        with database.translated(folder):
            raise exc  # noqa: TRY301 - the translator is a context manager
    except AppError as error:
        return error
    except Exception:  # noqa: BLE001 - this is the edge
        return Unexpected(kind=type(exc).__name__)
