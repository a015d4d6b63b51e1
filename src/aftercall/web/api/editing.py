"""This file is what the API lets people put right in a call: a line's words, and who its speakers are."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.errors import NotFound
from aftercall.model import Role
from aftercall.store import call_speakers, corrections, shapes
from aftercall.web import call_lines, rendering
from aftercall.web.api.calls import MISSING
from aftercall.web.api.models import CallSpeaker, LineCorrection, Problem, Turn
from aftercall.web.pages.call import find
from aftercall.web.pages.editing import LONGEST_TEXT, open_line
from aftercall.web.sessions import SignedIn

router = APIRouter(prefix="/calls/{call_id}", tags=["transcripts"])

OUTDATED: dict[int | str, dict[str, Any]] = {
    **MISSING,
    409: {"model": Problem, "description": "The line says something else by now."},
}


class Written(BaseModel):
    """What was really said in a line; the same text again confirms it."""

    text: Annotated[str, Field(max_length=LONGEST_TEXT)]
    expected: Annotated[str, Field(max_length=LONGEST_TEXT, description="The line's text as you read it.")]


class Chosen(BaseModel):
    """Who a speaker is; null leaves it as it is."""

    name: Annotated[str | None, Field(max_length=call_speakers.LONGEST_NAME, description='"" for none.')] = None
    role: Role | None = None


@router.put("/turns/{position}", response_model=Turn, responses=OUTDATED)
def correct(request: Request, account: SignedIn, call_id: str, position: int, written: Written) -> dict[str, Any]:
    """Correct or confirm one line, counted from 0; its mood and the search follow at once."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.correct(
        call_id, position, text=written.text, expected=written.expected, by=account.name
    )
    return _turn(request, account, call_id, position)


@router.post("/turns/{position}/other-speaker", response_model=Turn, responses=MISSING)
def other_speaker(request: Request, account: SignedIn, call_id: str, position: int) -> dict[str, Any]:
    """Give one line to the other speaker; the same again takes it back."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.say_it_was_the_other(call_id, position)
    return _turn(request, account, call_id, position)


@router.get("/corrections", response_model=list[LineCorrection], responses=MISSING)
def list_corrections(request: Request, account: SignedIn, call_id: str) -> list[dict[str, Any]]:
    """What people put right in the present transcript, the oldest first."""
    find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.correction(each) for each in corrections.history(db, call_id)]


@router.post("/corrections/{correction_id}/restore", response_model=Turn, responses=OUTDATED)
def restore(request: Request, account: SignedIn, call_id: str, correction_id: int) -> dict[str, Any]:
    """Give a line back what it said before one of its corrections."""
    find(request, account, call_id)
    parts = rendering.parts_of(request)
    parts.control.correcting.restore(call_id, correction_id, by=account.name)
    with parts.engine.connect() as db:
        found = next(each for each in corrections.history(db, call_id) if each.id == correction_id)
    return _turn(request, account, call_id, found.position)


@router.get("/speakers", response_model=list[CallSpeaker], responses=MISSING)
def list_speakers(request: Request, account: SignedIn, call_id: str) -> list[dict[str, Any]]:
    """The speakers that were told apart; empty where they were not."""
    found = find(request, account, call_id)
    if found.transcript is None:
        raise NotFound(thing="transcript of this call")
    with rendering.parts_of(request).engine.connect() as db:
        chosen = call_speakers.of_call(db, call_id)
    told = call_lines.speakers(found.transcript, chosen)
    return [
        {
            "speaker": key,
            "name": chosen.get(key, call_speakers.NOTHING).name,
            "role": each.role,
            "is_chosen": chosen.get(key, call_speakers.NOTHING).role is not None,
        }
        for key, each in sorted(told.items())
        if key in call_speakers.SPEAKERS
    ]


@router.post("/speakers/swap", response_model=list[CallSpeaker], responses=MISSING)
def swap(request: Request, account: SignedIn, call_id: str) -> list[dict[str, Any]]:
    """Exchange agent and customer."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.swap_speakers(call_id, by=account.name)
    return list_speakers(request, account, call_id)


@router.put("/speakers/{speaker}", response_model=list[CallSpeaker], responses=MISSING)
def choose(request: Request, account: SignedIn, call_id: str, speaker: str, chosen: Chosen) -> list[dict[str, Any]]:
    """Name a speaker, or say whether he works here; kept for every later transcript of this call."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.choose_speaker(
        call_id, speaker, role=chosen.role, name=chosen.name, by=account.name
    )
    return list_speakers(request, account, call_id)


def _turn(request: Request, account: SignedIn, call_id: str, position: int) -> dict[str, Any]:
    line = open_line(request, account, call_id, position).line
    return shapes.turn(line.turn, line.mood)
