"""This file puts the web room together: routes, guards and headers around the parts it is handed."""

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from aftercall import __version__
from aftercall.web import api, problems, rendering
from aftercall.web.pages import (
    account,
    accuracy,
    call,
    call_list,
    categories,
    cdr,
    coverage,
    editing,
    events,
    exports,
    first_run,
    freepbx,
    generated,
    language_model,
    models,
    overview,
    redaction,
    remote_service,
    renewals,
    reruns,
    setup_guide,
    sign_in,
    speech,
    syncing,
)
from aftercall.web.parts import Parts
from aftercall.web.security import SameSiteOnly, SecurityHeaders
from aftercall.web.sessions import signed_in


class HashedFiles(StaticFiles):
    """The bundle: a file's name holds its hash, so a browser needs to fetch it only once."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def create_app(parts: Parts) -> FastAPI:
    """The application; it owns nothing of what it is handed.

    Raises:
        PagesMissing: the bundle was not built.
    """
    rendering.asset("main.js")
    app = FastAPI(
        title="Aftercall",
        version=__version__,
        summary="Calls, what was said in them and how they felt.",
        description="Sign in with a session cookie, or send `Authorization: Bearer` with an API token.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.parts = parts
    app.include_router(_pages())
    app.include_router(api.router)
    app.mount("/static/dist", HashedFiles(directory=rendering.BUNDLE), name="bundle")
    problems.install(app)
    # The last one added is the outermost.
    app.add_middleware(problems.Unforeseen, folder=parts.settings.data)
    app.add_middleware(SameSiteOnly, public_url=parts.settings.public_url)
    app.add_middleware(SecurityHeaders, is_https=(parts.settings.public_url or "").startswith("https://"))
    return app


def _pages() -> APIRouter:
    pages = APIRouter(include_in_schema=False)
    for open_page in (first_run, sign_in):
        pages.include_router(open_page.router)
    for guarded in (
        call_list,
        call,
        editing,
        exports,
        events,
        syncing,
        setup_guide,
        cdr,
        freepbx,
        generated,
        language_model,
        models,
        overview,
        redaction,
        remote_service,
        speech,
        categories,
        accuracy,
        coverage,
        renewals,
        reruns,
        account,
    ):
        pages.include_router(guarded.router, dependencies=[Depends(signed_in)])
    return pages
