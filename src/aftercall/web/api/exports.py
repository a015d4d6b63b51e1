"""This file is /api/v1/calls/{id}/export: a call's transcript as a file."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from aftercall.speech.exports import FORMATS
from aftercall.store.exports import Suffix
from aftercall.web.api.models import Problem
from aftercall.web.pages.exports import respond
from aftercall.web.sessions import SignedIn

router = APIRouter(tags=["calls"])
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {each.content_type.partition(";")[0]: {} for each in FORMATS.values()},
        "description": "The file, named after the call.",
    },
    404: {"model": Problem, "description": "There is no such call, or it has no transcript."},
}


@router.get("/calls/{call_id}/export/{suffix}", response_class=Response, responses=ANSWERS)
def export_call(request: Request, account: SignedIn, call_id: str, suffix: Suffix) -> Response:
    """The transcript with speakers and times: `txt`, `srt`, `vtt`, `json` (with every word) or `docx`."""
    return respond(request, account, call_id, suffix)
