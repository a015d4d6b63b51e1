"""This file is where people put a transcript right: a line's words, who said it, and what a line has said before.

Each form is a page of its own, with the sound of the line; the page of the call opens it in the line's place.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from pydantic import Field
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import CorrectionOutdated, FormInvalid, NotFound
from aftercall.model import Role, SentimentLabel
from aftercall.speech.score import word_diff
from aftercall.store import call_speakers, corrections, mood_corrections, vocabulary
from aftercall.store.calls import CallDetail
from aftercall.web import call_lines, rendering
from aftercall.web.call_lines import Line, Speaker
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter()

#: Nobody speaks longer without a pause; a form that sends more was not made by us.
LONGEST_TEXT = 10_000


@dataclass(frozen=True, kw_only=True)
class Open:
    """One line with all that its forms show."""

    call: CallDetail
    line: Line
    speakers: dict[str, Speaker]

    @property
    def other(self) -> Speaker | None:
        """Who else could have said it."""
        return next((each for key, each in self.speakers.items() if key != self.line.speaker.key), None)


def open_line(request: Request, account: SignedIn, call_id: str, position: int) -> Open:
    """One line of a call that this account may see.

    Raises:
        NotFound: there is no such call for them, or no such line.
    """
    found = find(request, account, call_id)
    made = found.transcript
    if made is None or not 0 <= position < len(made.turns):
        raise NotFound(thing="such line in this call")
    with rendering.parts_of(request).engine.connect() as db:
        chosen = call_speakers.of_call(db, call_id)
        history = corrections.by_line(corrections.history(db, call_id)).get(position, [])
    moods = found.insight.turns if found.insight else ()
    return Open(
        call=found,
        line=call_lines.line(made, position, moods, chosen, history),
        speakers=call_lines.speakers(made, chosen),
    )


# ---- the words --------------------------------------------------------------------------------------------------


@router.get("/calls/{call_id}/turns/{position}/edit")
def edit(request: Request, account: SignedIn, call_id: str, position: int) -> Response:
    """The form that corrects a line."""
    opened = open_line(request, account, call_id, position)
    return _form(request, opened, text=opened.line.turn.text)


@router.post("/calls/{call_id}/turns/{position}")
def correct(  # noqa: PLR0917 - each is a field of the form
    request: Request,
    account: SignedIn,
    call_id: str,
    position: int,
    text: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    expected: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
    learn: Annotated[list[Annotated[str, Field(max_length=400)]] | None, Form()] = None,
) -> Response:
    """Save a line, and teach the engines some of its words; a line that changed meanwhile is shown beside the text."""
    find(request, account, call_id)
    parts = rendering.parts_of(request)
    try:
        parts.control.correcting.correct(call_id, position, text=text, expected=expected, by=account.name)
    except CorrectionOutdated as outdated:
        opened = open_line(request, account, call_id, position)
        return _form(
            request, opened, text=text, learn=", ".join(learn or ()), status=outdated.status, outdated=outdated
        )
    with parts.engine.begin() as db:
        for phrase in re.split(r"[,;\n]", ",".join(learn or ())):
            vocabulary.add(db, phrase, source="learned", by=account.name, now=parts.clock())
    return _back(call_id, position)


@router.post("/calls/{call_id}/turns/{position}/confirm")
def confirm(
    request: Request,
    account: SignedIn,
    call_id: str,
    position: int,
    expected: Annotated[str, Form(max_length=LONGEST_TEXT)] = "",
) -> Response:
    """Say that a line is right as it is."""
    return correct(request, account, call_id, position, text=expected, expected=expected)


@router.get("/calls/{call_id}/turns/{position}/history")
def history(request: Request, account: SignedIn, call_id: str, position: int) -> Response:
    """Every text a line has had."""
    opened = open_line(request, account, call_id, position)
    steps = [
        {"made": each, "pieces": word_diff(heard(each), each.after.text)} for each in reversed(opened.line.history)
    ]
    return _part(request, "call/line_history.html", opened, steps=steps)


def heard(made: corrections.Correction) -> str:
    """What a line said before, or the guess where it was not understood."""
    return made.before.text or " ".join(word.text for word in made.before.words)


@router.post("/calls/{call_id}/corrections/{correction_id}/restore")
def restore(request: Request, account: SignedIn, call_id: str, correction_id: int) -> Response:
    """Give a line back what it said before one of its corrections."""
    find(request, account, call_id)
    parts = rendering.parts_of(request)
    parts.control.correcting.restore(call_id, correction_id, by=account.name)
    with parts.engine.connect() as db:
        found = next(each for each in corrections.history(db, call_id) if each.id == correction_id)
    return _back(call_id, found.position)


# ---- who said it ------------------------------------------------------------------------------------------------


@router.get("/calls/{call_id}/turns/{position}/speaker")
def who(request: Request, account: SignedIn, call_id: str, position: int) -> Response:
    """The forms that say who speaks."""
    opened = open_line(request, account, call_id, position)
    if opened.other is None:
        raise NotFound(thing="such speaker in this call")
    return _part(request, "call/speaker_form.html", opened)


@router.post("/calls/{call_id}/turns/{position}/other-speaker")
def other_speaker(request: Request, account: SignedIn, call_id: str, position: int) -> Response:
    """Give one line to the other speaker."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.say_it_was_the_other(call_id, position)
    return _back(call_id, position)


@router.post("/calls/{call_id}/speakers/swap")
def swap(request: Request, account: SignedIn, call_id: str, position: Annotated[int, Form(ge=0)] = 0) -> Response:
    """Exchange agent and customer."""
    find(request, account, call_id)
    rendering.parts_of(request).control.correcting.swap_speakers(call_id, by=account.name)
    return _back(call_id, position)


@router.post("/calls/{call_id}/speakers/{speaker}")
def choose(  # noqa: PLR0917 - each is a field of the form
    request: Request,
    account: SignedIn,
    call_id: str,
    speaker: str,
    name: Annotated[str, Form()] = "",
    role: Annotated[Role | None, Form()] = None,
    position: Annotated[int, Form(ge=0)] = 0,
) -> Response:
    """Name a speaker, or say whether he works here."""
    find(request, account, call_id)
    if len(name) > call_speakers.LONGEST_NAME:
        raise FormInvalid(field="Name", problem=f"must have at most {call_speakers.LONGEST_NAME} letters.")
    rendering.parts_of(request).control.correcting.choose_speaker(
        call_id, speaker, role=role, name=name, by=account.name
    )
    return _back(call_id, position)


# ---- how it felt ------------------------------------------------------------------------------------------------


@router.get("/calls/{call_id}/turns/{position}/mood")
def mood(request: Request, account: SignedIn, call_id: str, position: int) -> Response:
    """Why a line has its mood, and the form that says it is another."""
    opened = open_line(request, account, call_id, position)
    return _part(request, "call/mood_form.html", opened, labels=mood_corrections.LABELS)


@router.post("/calls/{call_id}/turns/{position}/mood")
def say_mood(
    request: Request,
    account: SignedIn,
    call_id: str,
    position: int,
    label: Annotated[Literal["positive", "neutral", "negative", ""], Form()] = "",
) -> Response:
    """Keep what a person says of a line's mood; nothing takes it back."""
    find(request, account, call_id)
    said: SentimentLabel | None = label or None
    rendering.parts_of(request).control.correcting.say_mood(call_id, position, label=said, by=account.name)
    return _back(call_id, position)


# ---- as it is answered ------------------------------------------------------------------------------------------


def _form(
    request: Request,
    opened: Open,
    *,
    text: str,
    learn: str = "",
    status: int = 200,
    outdated: CorrectionOutdated | None = None,
) -> Response:
    return _part(
        request, "call/edit_form.html", opened, status=status, text=text, learn=learn, outdated=outdated
    )  # fmt: skip


def _part(request: Request, template: str, opened: Open, *, status: int = 200, **context: object) -> Response:
    return rendering.page(
        request,
        "call/line_page.html",
        status=status,
        part=template,
        row=opened.call.row,
        has_sound=opened.call.archive_key is not None and opened.call.audio is not None,
        line=opened.line,
        other=opened.other,
        longest_text=LONGEST_TEXT,
        longest_name=call_speakers.LONGEST_NAME,
        **context,
    )


def _back(call_id: str, position: int) -> Response:
    return RedirectResponse(f"/calls/{call_id}#turn-{position}", status_code=303)
