"""This file breaks answers on purpose, the ways a PBX, its network or its administrator break them."""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from aftercall.demo.answers import Answer, Exchange, Subject, as_json, message, page, sign_in_refused

#: What `huge` announces: the first length that no longer fits the PBX's own counter.
HUGE_SIZE = 2**31
#: What `extra-bytes` sends beyond the announced length, as a recording does that grows while it is read.
SURPLUS = b"\x00\x01" * 2048


class Fault(StrEnum):
    """Each is one symptom; the first group strikes every request, the others only the list or the downloads."""

    #: ARI is switched off or not loaded: an HTML 404 for everything, before any password.
    ARI_OFF = "ari-off"
    #: Something else answers at that address: a web page with status 200.
    HTML = "html"
    #: Every name and password is refused.
    REFUSE_SIGN_IN = "refuse-sign-in"
    #: Asterisk is still starting.
    BUSY_503 = "busy-503"
    #: The connection is taken and closed without an answer, as when all sessions are used.
    CLOSED_SILENTLY = "closed-silently"
    #: Each answer waits `Simulator.slow_s` before its first byte.
    SLOW = "slow"
    #: res_ari_recordings is not loaded.
    RECORDINGS_MODULE_MISSING = "recordings-module-missing"

    #: The recording folder or a link in it is broken.
    LIST_500 = "list-500"
    #: The recording folder is an empty one of its own instead of the link.
    EMPTY_LIST = "empty-list"
    #: The list ends in the middle of a name.
    MALFORMED_JSON = "malformed-json"
    #: JSON, but not a list of recordings.
    LIST_OF_SOMETHING_ELSE = "list-of-something-else"

    #: Listed, but not there: deleted meanwhile or below a link that leaves the folder.
    FILE_404 = "file-404"
    #: Listed, but Asterisk may not read it.
    FILE_403 = "file-403"
    #: An error's JSON with status 200 and an audio type.
    JSON_AS_AUDIO = "json-as-audio"
    #: A web page with status 200 and an audio type.
    HTML_AS_AUDIO = "html-as-audio"
    #: Half the announced bytes, then an orderly close.
    SHORT_BODY = "short-body"
    #: Half the announced bytes, then a reset.
    DROP_MID_BODY = "drop-mid-body"
    #: Half the announced bytes, then nothing more, for as long as the client waits.
    STALL_MID_BODY = "stall-mid-body"
    #: More bytes than announced.
    EXTRA_BYTES = "extra-bytes"
    #: Announces 2 GiB and sends them for as long as the client reads.
    HUGE = "huge"


_LIST_FAULTS = {Fault.LIST_500, Fault.EMPTY_LIST, Fault.MALFORMED_JSON, Fault.LIST_OF_SOMETHING_ELSE}
_FILE_FAULTS = {
    Fault.FILE_404, Fault.FILE_403, Fault.JSON_AS_AUDIO, Fault.HTML_AS_AUDIO, Fault.SHORT_BODY, Fault.DROP_MID_BODY,
    Fault.STALL_MID_BODY, Fault.EXTRA_BYTES, Fault.HUGE,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How an answer goes out on the wire."""

    answer: Answer
    #: Content-Length, None for the true one.
    announced: int | None = None
    #: Stop after this share of the body.
    share: float = 1.0
    #: Sent after the body.
    surplus: bytes = b""
    #: Zeros are sent until the announced length is reached.
    is_padded: bool = False
    ending: Literal["normal", "close", "reset", "stall"] = "normal"
    #: Nothing is sent at all.
    is_silent: bool = False


def strikes(fault: Fault, subject: Subject) -> bool:
    """Whether a fault concerns an answer about this subject."""
    if fault in _LIST_FAULTS:
        return subject == "list"
    return fault not in _FILE_FAULTS or subject == "file"


def broken(fault: Fault, given: Answer, exchange: Exchange) -> Delivery:  # noqa: PLR0911 (one line per symptom)
    """Bend a right answer into the wrong one."""
    match fault:
        case Fault.SLOW | Fault.RECORDINGS_MODULE_MISSING:
            return Delivery(answer=given)
        case Fault.CLOSED_SILENTLY:
            return Delivery(answer=given, is_silent=True, ending="close")
        case Fault.SHORT_BODY:
            return Delivery(answer=given, share=0.5, ending="close")
        case Fault.DROP_MID_BODY:
            return Delivery(answer=given, share=0.5, ending="reset")
        case Fault.STALL_MID_BODY:
            return Delivery(answer=given, share=0.5, ending="stall")
        case Fault.EXTRA_BYTES:
            return Delivery(answer=given, surplus=SURPLUS)
        case Fault.HUGE:
            return Delivery(answer=given, announced=HUGE_SIZE, is_padded=True, ending="close")
    return Delivery(answer=dataclasses.replace(_instead(fault, given, exchange), closes=given.closes))


def _instead(fault: Fault, given: Answer, exchange: Exchange) -> Answer:  # noqa: PLR0911 (likewise)
    """The answer that takes the right one's place."""
    web_page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
    audio = next((line for line in given.headers if line.startswith("Content-Type: ")), "Content-Type: audio/wav")
    match fault:
        case Fault.ARI_OFF:
            return page(404, "The requested URL was not found on this server.", exchange.version)
        case Fault.HTML:
            return Answer(status=200, headers=("Content-Type: text/html; charset=utf-8",), body=web_page)
        case Fault.REFUSE_SIGN_IN:
            return sign_in_refused()
        case Fault.BUSY_503:
            return message(503, "Asterisk not booted")
        case Fault.LIST_500:
            return as_json({"error": "Allocation failed"}, 500)
        case Fault.EMPTY_LIST:
            return as_json([])
        case Fault.MALFORMED_JSON:
            return dataclasses.replace(given, body=given.body[: len(given.body) // 2] + b'{"na')
        case Fault.LIST_OF_SOMETHING_ELSE:
            return as_json({"recordings": [1, None]})
        case Fault.FILE_404:
            return message(404, "Recording not found")
        case Fault.FILE_403:
            return message(403, "Recording could not be opened")
        case Fault.JSON_AS_AUDIO:
            return Answer(status=200, headers=(audio,), body=message(404, "Recording not found").body)
        case Fault.HTML_AS_AUDIO:
            return Answer(status=200, headers=(audio,), body=web_page)
    raise AssertionError(fault)
