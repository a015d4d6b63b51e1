"""This file keeps other sites out: headers on every answer, and no change by a request that another site made.

Both are plain ASGI: Starlette's BaseHTTPMiddleware would hold streams back and break their cancellation.
"""

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aftercall.errors import CrossSiteRefused
from aftercall.web import problems

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

#: The nonce is for the style sheet that the waveform puts into its shadow root.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "media-src 'self'; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class SecurityHeaders:
    """Puts the content security policy and its companions on every answer."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._is_https = is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        scope.setdefault("state", {})["nonce"] = nonce

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                # Pages hold what people said: nothing of them belongs into a cache.
                headers.setdefault("Cache-Control", "no-store")
                if self._is_https:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameSiteOnly:
    """Refuses requests that could change something and were made by a page of another site.

    Browsers say where a request comes from: in Sec-Fetch-Site, or, over plain HTTP in a LAN, in Origin. A program that
    sends neither is no browser, and carries no cookie that another site could misuse.
    """

    def __init__(self, app: ASGIApp, *, public_url: str | None) -> None:
        self._app = app
        self._public_host = urlsplit(public_url).netloc if public_url else ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_ours(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin") or "another site"
        response = problems.respond(Request(scope), CrossSiteRefused(origin=origin))
        await response(scope, receive, send)

    def _is_ours(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site in {"same-origin", "none"}:
            return True
        origin = headers.get("origin")
        if origin is None:
            return site is None
        host = urlsplit(origin).netloc
        return site is None and bool(host) and host in {headers.get("host"), self._public_host}
