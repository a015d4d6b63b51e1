"""This file is /api/v1/redaction-settings: which kinds are hidden in transcripts."""

from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request

from aftercall.model import RedactionKind
from aftercall.store import redaction_settings
from aftercall.store.redaction_settings import RedactionSettings
from aftercall.web import rendering
from aftercall.web.sessions import Administrator

router = APIRouter(prefix="/redaction-settings", tags=["redaction"])

Policies = dict[RedactionKind, Literal["keep", "mask"]]


@router.get("", response_model=Policies)
def show(request: Request, _account: Administrator) -> Policies:
    """Kind to `mask` or `keep`."""
    with rendering.parts_of(request).engine.connect() as db:
        return redaction_settings.load(db).policies


@router.put("", response_model=Policies)
def save(request: Request, _account: Administrator, new: Policies) -> Policies:
    """Change the kinds that are named; it counts for transcripts that are written from now on."""
    with rendering.parts_of(request).engine.begin() as db:
        wanted = {**redaction_settings.load(db).policies, **new}
        redaction_settings.save(db, RedactionSettings(policies=wanted))
    return wanted
