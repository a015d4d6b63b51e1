"""This file hands out a call's transcript as a file: text, subtitles, JSON, Word."""

import re
from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aftercall.store import call_speakers, exports
from aftercall.web import rendering
from aftercall.web.pages.call import find
from aftercall.web.sessions import SignedIn

router = APIRouter()


@router.get("/calls/{call_id}/export/{suffix}")
def download(request: Request, account: SignedIn, call_id: str, suffix: exports.Suffix) -> Response:
    """The file, to be saved."""
    return respond(request, account, call_id, suffix)


def respond(request: Request, account: SignedIn, call_id: str, suffix: exports.Suffix) -> Response:
    """The transcript of a call that this account may see.

    Raises:
        NotFound: there is no such call for them, or it has no transcript.
    """
    found = find(request, account, call_id)
    with rendering.parts_of(request).engine.connect() as db:
        names = call_speakers.names(db, call_id)
    made = exports.document(found, suffix, names=names)
    return Response(
        made.content,
        headers={"Content-Type": made.content_type, "Content-Disposition": attachment(made.file_name)},
    )


def attachment(name: str) -> str:
    """The header that saves an answer under a name (RFC 6266); browsers too old for Unicode get plain letters."""
    plain = re.sub(r"[^A-Za-z0-9 ._+()-]+", "_", name)
    if plain == name:
        return f'attachment; filename="{plain}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
