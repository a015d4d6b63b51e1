"""This file is /api/v1/reruns and the versions of a call's transcript: transcribe again, compare, keep the better."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.errors import NotFound
from aftercall.store import calls, reruns, shapes, transcripts
from aftercall.store.calls import CallFilter
from aftercall.web import access, engine_choices, rendering
from aftercall.web.api.calls import MISSING, wanted_calls
from aftercall.web.api.models import Problem, RerunProgress, TranscriptVersion, WholeVersion
from aftercall.web.pages.call import find
from aftercall.web.pages.reruns import MOST_CALLS
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["transcripts"])
NO_RUN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such run."}}


class Wish(BaseModel):
    """With what to transcribe again; null for what the settings say."""

    engine: Annotated[str | None, Field(max_length=160, description="`ENGINE` or `ENGINE/MODEL`.")] = None
    language: Annotated[str | None, Field(max_length=20, description="BCP 47.")] = None


@router.post("/calls/{call_id}/again", status_code=202, response_model=RerunProgress, responses=MISSING)
def transcribe_again(request: Request, account: SignedIn, call_id: str, wish: Wish) -> dict[str, Any]:
    """Transcribe one call again; what comes of it is a candidate until it is accepted."""
    find(request, account, call_id)
    read = engine_choices.read(request, wish.engine or "", wish.language or "")
    rerun_id = rendering.parts_of(request).control.transcribe_again(
        [call_id], engine=read.engine, language=read.language, query="", by=account.name
    )
    return _progress(request, rerun_id)


@router.get("/calls/{call_id}/versions", response_model=list[TranscriptVersion], responses=MISSING)
def list_versions(request: Request, account: SignedIn, call_id: str) -> list[dict[str, Any]]:
    """All transcripts of a call, the present one first."""
    find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.version(each) for each in transcripts.versions(db, call_id)]


@router.get("/calls/{call_id}/versions/{number}", response_model=WholeVersion, responses=MISSING)
def show_version(request: Request, account: SignedIn, call_id: str, number: int) -> dict[str, Any]:
    """One transcript of a call with its turns."""
    find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        found = next((each for each in transcripts.versions(db, call_id) if each.number == number), None)
        made = transcripts.of_version(db, call_id, number)
    if found is None or made is None:
        raise NotFound(thing="such version")
    return shapes.version(found) | {"turns": [shapes.turn(each, None) for each in made.turns]}


@router.post("/calls/{call_id}/versions/{number}/take", response_model=list[TranscriptVersion], responses=MISSING)
def take_version(request: Request, account: SignedIn, call_id: str, number: int) -> list[dict[str, Any]]:
    """Let a version take the present transcript's place; the present one becomes an old version."""
    find(request, account, call_id)
    control = rendering.parts_of(request).control
    with rendering.parts_of(request).engine.connect() as db:
        rerun_id = transcripts.rerun_of(db, call_id, number)
    if rerun_id:
        control.accept(rerun_id, call_id)
    else:
        control.take_version(call_id, number)
    return list_versions(request, account, call_id)


@router.post("/calls/{call_id}/versions/{number}/discard", response_model=list[TranscriptVersion], responses=MISSING)
def discard_version(request: Request, account: SignedIn, call_id: str, number: int) -> list[dict[str, Any]]:
    """Forget a new transcript that nobody has accepted."""
    find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        rerun_id = transcripts.rerun_of(db, call_id, number)
    if rerun_id is None:
        raise NotFound(thing="new transcript of this call")
    rendering.parts_of(request).control.discard(rerun_id, call_id)
    return list_versions(request, account, call_id)


@router.post("/reruns", status_code=202, response_model=RerunProgress)
def begin(
    request: Request, account: SignedIn, wish: Wish, wanted: Annotated[CallFilter, Depends(wanted_calls)]
) -> dict[str, Any]:
    """Transcribe every call of a filtered list again, the newest 20,000 at most."""
    read = engine_choices.read(request, wish.engine or "", wish.language or "")
    allowed = access.narrowed(account, wanted)
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        found = calls.ids(db, allowed, limit=MOST_CALLS) if allowed else []
    rerun_id = parts.control.transcribe_again(
        found, engine=read.engine, language=read.language, query="", by=account.name
    )
    return _progress(request, rerun_id)


@router.get("/reruns/{rerun_id}", response_model=RerunProgress, responses=NO_RUN)
def show_rerun(request: Request, account: SignedIn, rerun_id: str) -> dict[str, Any]:
    """How far it is."""
    access.require_all(account)
    return _progress(request, rerun_id)


@router.post("/reruns/{rerun_id}/accept", status_code=202, response_model=RerunProgress, responses=NO_RUN)
def accept_all(request: Request, account: SignedIn, rerun_id: str) -> dict[str, Any]:
    """Let every new transcript that is ready take the present one's place."""
    access.require_all(account)
    _progress(request, rerun_id)
    rendering.parts_of(request).control.accept_all(rerun_id)
    return _progress(request, rerun_id)


@router.post("/reruns/{rerun_id}/discard", response_model=RerunProgress, responses=NO_RUN)
def discard_all(request: Request, account: SignedIn, rerun_id: str) -> dict[str, Any]:
    """Forget every new transcript that nobody has accepted."""
    access.require_all(account)
    _progress(request, rerun_id)
    rendering.parts_of(request).control.discard_all(rerun_id)
    return _progress(request, rerun_id)


@router.post("/reruns/{rerun_id}/cancel", response_model=RerunProgress, responses=NO_RUN)
def cancel(request: Request, account: SignedIn, rerun_id: str) -> dict[str, Any]:
    """Transcribe no more calls of it; what is ready stays ready."""
    access.require_all(account)
    _progress(request, rerun_id)
    rendering.parts_of(request).control.cancel_rerun(rerun_id)
    return _progress(request, rerun_id)


def _progress(request: Request, rerun_id: str) -> dict[str, Any]:
    with rendering.parts_of(request).engine.connect() as db:
        found, counts = reruns.get(db, rerun_id), reruns.counts(db, rerun_id)
    if found is None:
        raise NotFound(thing="such run")
    return shapes.rerun(found, counts)
