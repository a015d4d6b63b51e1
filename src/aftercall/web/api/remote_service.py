"""This file is /api/v1/speech-settings/remote: the remote speech service, its test, and its removal."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from aftercall.errors import FormInvalid
from aftercall.speech.engine import RemoteService
from aftercall.speech.engines.remote import try_service
from aftercall.store import remote_service, shapes
from aftercall.web import remote_form, rendering
from aftercall.web.api.models import RemoteServiceShape, RemoteTrial
from aftercall.web.pages.remote_service import stored
from aftercall.web.sessions import Administrator

router = APIRouter(prefix="/speech-settings/remote", tags=["speech"])


class NewService(BaseModel):
    """A service; an empty key keeps the stored one, as long as the host is the same."""

    url: Annotated[str, Field(max_length=500, description="As far as /v1.")]
    model: Annotated[str, Field(max_length=160)]
    key: Annotated[str, Field(max_length=500)] = ""
    timeout_s: float = remote_form.USUAL.timeout_s
    upload_limit_mb: float = remote_form.USUAL.upload_limit_mb
    is_in_auto: bool = False


@router.get("", response_model=RemoteServiceShape | None)
def show(request: Request, _account: Administrator) -> dict[str, Any] | None:
    """As it is stored, without the key; null if there is none."""
    found = stored(request)
    return shapes.remote_service(found) if found else None


@router.put("", response_model=RemoteServiceShape)
def save(request: Request, _account: Administrator, new: NewService) -> dict[str, Any]:
    """Save it; it is used where `remote` is chosen, and by `auto` only if `is_in_auto` says so."""
    wanted = _read(request, new)
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        remote_service.save(db, parts.vault, wanted)
    return shapes.remote_service(wanted)


@router.delete("", status_code=204)
def remove(request: Request, _account: Administrator) -> Response:
    """Send nothing there any more."""
    with rendering.parts_of(request).engine.begin() as db:
        remote_service.remove(db)
    return Response(status_code=204)


@router.post("/test", response_model=RemoteTrial)
def test(request: Request, _account: Administrator, new: NewService) -> dict[str, Any]:
    """Have a short sample of ours transcribed, without saving anything."""
    return shapes.trial(try_service(_read(request, new)))


def _read(request: Request, new: NewService) -> RemoteService:
    """Raises FormInvalid for a value that cannot be used."""
    known = stored(request)
    sent = {name: str(value) for name, value in new.model_dump(exclude={"is_in_auto"}).items()}
    form = remote_form.read(sent | ({"is_in_auto": "on"} if new.is_in_auto else {}), known)
    for field, problem in form.problems.items():
        raise FormInvalid(field=field, problem=problem)
    return remote_form.service_of(form, known)
