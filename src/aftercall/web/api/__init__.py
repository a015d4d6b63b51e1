"""The JSON API under /api/v1, one file per resource."""

from fastapi import APIRouter, Depends

from aftercall.web.api import (
    account,
    calls,
    categories,
    cdr,
    editing,
    events,
    exports,
    language_model,
    models_at_hand,
    moods,
    overview,
    pbxs,
    redaction,
    remote_service,
    renewals,
    reruns,
    speech,
    syncs,
    vocabulary,
)
from aftercall.web.api.models import Problem
from aftercall.web.sessions import signed_in

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(signed_in)],
    responses={
        401: {"model": Problem, "description": "Nobody is signed in."},
        422: {"model": Problem, "description": "A value cannot be used."},
    },
)
for resource in (
    calls,
    exports,
    renewals,
    reruns,
    editing,
    moods,
    speech,
    redaction,
    remote_service,
    language_model,
    vocabulary,
    categories,
    pbxs,
    cdr,
    syncs,
    events,
    models_at_hand,
    overview,
    account,
):
    router.include_router(resource.router)
