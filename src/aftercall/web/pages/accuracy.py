"""This file is the accuracy page: how well the engines hear this installation's own calls, as people corrected them."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.store import accuracy, vocabulary
from aftercall.web import rendering
from aftercall.web.sessions import Administrator

router = APIRouter()


@router.get("/accuracy")
def show(request: Request, _account: Administrator) -> Response:
    """The page."""
    with rendering.parts_of(request).engine.connect() as db:
        found = accuracy.report(db)
        known = {each.phrase.lower() for each in vocabulary.every(db)}
    return rendering.page(
        request,
        "accuracy/page.html",
        report=found,
        known=known,
        can_learn=vocabulary.normalised,
        most=accuracy.MOST_CORRECTIONS,
        sure_from=accuracy.SURE_FROM_WORDS,
    )


@router.post("/accuracy/learn")
def learn(request: Request, account: Administrator, phrase: Annotated[str, Form(max_length=200)]) -> Response:
    """Teach the engines a word that they get wrong."""
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        vocabulary.add(db, phrase, source="learned", by=account.name, now=parts.clock())
    return RedirectResponse("/accuracy#mistakes", status_code=303)
