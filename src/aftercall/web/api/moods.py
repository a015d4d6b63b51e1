"""This file is what the API has of moods that people put right: one line's, and all of them for the trainer."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request

from aftercall.store import mood_corrections, shapes
from aftercall.web import rendering
from aftercall.web.api.calls import MISSING
from aftercall.web.api.models import MoodCorrection, Turn
from aftercall.web.pages.call import find
from aftercall.web.pages.editing import open_line
from aftercall.web.sessions import Administrator, SignedIn

router = APIRouter(tags=["transcripts"])


class Said(BaseModel):
    """How a line felt; null takes back what was said."""

    label: Literal["positive", "neutral", "negative"] | None


@router.put("/calls/{call_id}/turns/{position}/mood", response_model=Turn, responses=MISSING)
def say(request: Request, account: SignedIn, call_id: str, position: int, said: Said) -> dict[str, Any]:
    """Say how one line felt, counted from 0; the call's mood follows at once, and later analyses keep it."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.say_mood(call_id, position, label=said.label, by=account.name)
    line = open_line(request, account, call_id, position).line
    return shapes.turn(line.turn, line.mood)


@router.get("/mood-corrections", response_model=list[MoodCorrection])
def list_all(request: Request, _account: Administrator) -> list[dict[str, Any]]:
    """What people said of the mood of lines, of all calls, the oldest first."""
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.mood_correction(each) for each in mood_corrections.every(db)]
