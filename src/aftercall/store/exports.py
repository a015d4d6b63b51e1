"""This file makes a document of a stored call: its present transcript, with what is known of the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aftercall.errors import NotFound
from aftercall.speech.exports import FORMATS, CallFacts, file_name
from aftercall.store.calls import CallDetail

Suffix = Literal["txt", "srt", "vtt", "json", "docx"]


@dataclass(frozen=True, kw_only=True)
class Document:
    content: bytes
    content_type: str
    file_name: str


def document(found: CallDetail, suffix: Suffix, *, names: Mapping[str, str] | None = None) -> Document:
    """The transcript of a call in one format.

    Args:
        names: what people called its speakers.
    Raises:
        NotFound: the call has no transcript.
    """
    if found.transcript is None:
        raise NotFound(thing="transcript of this call")
    call, made = _facts(found, names or {}), FORMATS[suffix]
    return Document(
        content=made.write(found.transcript, call),
        content_type=made.content_type,
        file_name=file_name(call, suffix),
    )


def _facts(found: CallDetail, names: Mapping[str, str]) -> CallFacts:
    row = found.row
    return CallFacts(
        id=row.id,
        pbx=row.pbx_name,
        recording=row.recording,
        started_at=row.started_at,
        utc_offset_min=row.utc_offset_min,
        direction=row.direction,
        caller=row.caller,
        callee=row.callee,
        caller_name=row.caller_name,
        callee_name=row.callee_name,
        extension=row.extension,
        queue_or_group=row.queue_or_group,
        duration_s=row.duration_s,
        names=names,
    )
