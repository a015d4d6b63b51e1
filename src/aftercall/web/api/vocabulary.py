"""This file is /api/v1/vocabulary and /api/v1/accuracy: the words engines favour, and how well they hear."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.errors import FormInvalid, NotFound
from aftercall.store import accuracy, shapes, vocabulary
from aftercall.web import rendering
from aftercall.web.api.models import AccuracyReport, Problem, VocabularyPhrase
from aftercall.web.sessions import Administrator

router = APIRouter(tags=["speech"])


class NewPhrase(BaseModel):
    """A name or a term, as it is written."""

    phrase: Annotated[str, Field(max_length=vocabulary.LONGEST_PHRASE)]


@router.get("/vocabulary", response_model=list[VocabularyPhrase])
def list_phrases(request: Request, _account: Administrator) -> list[dict[str, Any]]:
    """What people entered or corrections taught, by name."""
    with rendering.parts_of(request).engine.connect() as db:
        return [shapes.phrase(each) for each in vocabulary.every(db)]


@router.post("/vocabulary", status_code=201, response_model=list[VocabularyPhrase])
def add(request: Request, account: Administrator, new: NewPhrase) -> list[dict[str, Any]]:
    """Add a name or a term; one that is there stays as it is."""
    if not vocabulary.normalised(new.phrase):
        raise FormInvalid(field="phrase", problem="holds no word. Write a name or a term, with two letters at least.")
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        vocabulary.add(db, new.phrase, source="typed", by=account.name, now=parts.clock())
    return list_phrases(request, account)


@router.delete(
    "/vocabulary/{phrase}",
    status_code=204,
    responses={404: {"model": Problem, "description": "It is not in the vocabulary."}},
)
def remove(request: Request, _account: Administrator, phrase: str) -> None:
    """Forget a name or a term."""
    with rendering.parts_of(request).engine.begin() as db:
        if phrase not in {each.phrase for each in vocabulary.every(db)}:
            raise NotFound(thing="such phrase in the vocabulary")
        vocabulary.remove(db, phrase)


@router.get("/accuracy", response_model=AccuracyReport)
def show_accuracy(request: Request, _account: Administrator) -> dict[str, Any]:
    """Word error rates on this installation's own calls, counted from the lines that people read."""
    with rendering.parts_of(request).engine.connect() as db:
        return shapes.accuracy_report(accuracy.report(db))
