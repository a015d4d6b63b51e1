"""This file is Settings > Speech > Remote service: name another machine that transcribes, try it, or take it away."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import AppError, SecretUnreadable
from aftercall.speech.engine import RemoteService
from aftercall.speech.engines.remote import Trial, try_service
from aftercall.store import remote_service
from aftercall.web import remote_form, rendering
from aftercall.web.remote_form import RemoteForm
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/speech/remote", dependencies=[Depends(administrator)])


def stored(request: Request) -> RemoteService | None:
    """What is saved; without its key where that cannot be read."""
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        return remote_service.load_or_described(db, parts.vault)


@router.get("")
def show(request: Request) -> Response:
    """The form as it is stored; a key that cannot be read is said, so that it can be entered again."""
    parts = rendering.parts_of(request)
    error: AppError | None = None
    try:
        with parts.engine.connect() as db:
            known = remote_service.load(db, parts.vault)
    except SecretUnreadable as lost:
        known, error = stored(request), lost
    return _page(request, remote_form.filled_in(known), error=error)


@router.post("")
async def save(request: Request) -> Response:
    """Save it, or say what is wrong and lose nothing."""
    known = stored(request)
    form = remote_form.read(await _sent(request), known)
    if form.problems:
        return _page(request, form, status=422)
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        remote_service.save(db, parts.vault, remote_form.service_of(form, known))
    return RedirectResponse("/settings/speech/remote?saved=yes", status_code=303)


@router.post("/test")
async def test(request: Request) -> Response:
    """Have a short sample of ours transcribed with what was entered, saved or not."""
    known = stored(request)
    form = remote_form.read(await _sent(request), known)
    trial: Trial | None = None
    error: AppError | None = None
    if not form.problems:
        try:
            trial = await run_in_threadpool(try_service, remote_form.service_of(form, known))
        except AppError as failed:
            error = failed
    return _page(request, form, status=422 if form.problems else 200, trial=trial, error=error)


@router.post("/remove")
def remove(request: Request) -> Response:
    """Send nothing there any more."""
    with rendering.parts_of(request).engine.begin() as db:
        remote_service.remove(db)
    return RedirectResponse("/settings/speech", status_code=303)


async def _sent(request: Request) -> Mapping[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def _page(
    request: Request, form: RemoteForm, *, status: int = 200, trial: Trial | None = None, error: AppError | None = None
) -> Response:
    return rendering.page(
        request,
        "settings/remote.html",
        status=status,
        form=form,
        is_stored=stored(request) is not None,
        host=urlsplit(form.url).netloc if "url" not in form.problems else "",
        trial=trial,
        error=error,
        saved="saved" in request.query_params,
    )
