"""This file is Settings > Redaction: which kinds of numbers and addresses are hidden in transcripts."""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.insight.redaction import LABELS
from aftercall.store import redaction_settings
from aftercall.store.redaction_settings import RedactionSettings
from aftercall.web import rendering
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/redaction", dependencies=[Depends(administrator)])

#: Kind to its name and what it is found by, for people.
KINDS = {
    "card": (
        "Card number",
        "13 to 19 digits that look like a card or are named one, also with a misheard digit",
    ),
    "cvv": ("Card security code", "three or four digits after “security code”, “CVV”"),
    "expiry": ("Card expiry", "a month and a year after “expires”"),
    "ssn": ("Social security number", "eight to ten digits, or the last four, after “social”"),
    "account": ("Bank account", "digits after “account”, “routing”, “PIN”"),
    "phone": ("Phone number", "ten or eleven digits, or fewer after “phone”, “call me at”"),
    "email": ("E-mail address", "written, or spoken as “jane at example dot com”"),
    "dob": ("Date of birth", "a date after “born”, “birth”"),
}


@router.get("")
def show(request: Request) -> Response:
    """The policy as it is stored."""
    with rendering.parts_of(request).engine.connect() as db:
        stored = redaction_settings.load(db)
    return rendering.page(
        request,
        "settings/redaction.html",
        kinds=KINDS,
        labels=LABELS,
        masked=stored.masked,
        saved="saved" in request.query_params,
    )


@router.post("")
async def save(request: Request) -> Response:
    """Save it; it counts for transcripts that are written from now on."""
    sent = await request.form()
    chosen = RedactionSettings(policies={kind: "mask" if kind in sent else "keep" for kind in LABELS})
    with rendering.parts_of(request).engine.begin() as db:
        redaction_settings.save(db, chosen)
    return RedirectResponse("/settings/redaction?saved=yes", status_code=303)
