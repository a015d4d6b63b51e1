"""This file says what Asterisk's REST interface answers to a request; it is pure but for the clock it is handed.

Each body, header, order of headers and order of checks was compared with the answers of Asterisk 16.28 and 22.10,
byte by byte. Left out are the parts of ARI that a reader of recordings never asks for: live channels are none,
and of the writing methods only DELETE exists.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

from aftercall.demo.spool import Spool, StoredFile

#: What an answer is about, for the faults that strike only there.
Subject = Literal["list", "file", "other"]
#: What FreePBX's Asterisk has for the work we ask of it.
MODULES = {
    "app_mixmonitor.so": "Mixed Audio Monitoring Application",
    "format_gsm.so": "Raw GSM data",
    "format_pcm.so": "Raw/Sun uLaw/ALaw 8KHz (PCM,PCMA,AU), G.722 16Khz",
    "format_sln.so": "Raw Signed Linear Audio support (SLN) 8khz-192khz",
    "format_wav.so": "Microsoft WAV/WAV16 format (8kHz/16kHz Signed Linear)",
    "format_wav_gsm.so": "Microsoft WAV format (Proprietary GSM)",
    "res_ari.so": "Asterisk RESTful Interface",
    "res_ari_asterisk.so": "RESTful API module - Asterisk resources",
    "res_ari_events.so": "RESTful API module - WebSocket resource",
    "res_ari_model.so": "ARI Model validators",
    "res_ari_recordings.so": "RESTful API module - Recording resources",
    "res_http_websocket.so": "HTTP WebSocket Support",
    "res_stasis_recording.so": "Stasis application recording support",
}
RECORDINGS_MODULE = "res_ari_recordings.so"


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """What the simulated PBX says of itself, and whom it lets in."""

    username: str
    password: str = field(repr=False)
    read_only: bool
    version: str
    #: HTTP prefix of http.conf without slashes, "" for none.
    prefix: str
    #: Dialplan globals that `/ari/asterisk/variable` knows.
    variables: dict[str, str]
    started_at: datetime
    entity_id: str = "02:00:00:00:de:30"
    has_recordings_module: bool = True


@dataclass(frozen=True, kw_only=True)
class Request:
    method: str
    #: As it came over the wire: path and query, percent-encoded.
    target: bytes
    #: By lower-case name.
    headers: dict[bytes, bytes]

    @property
    def closes(self) -> bool:
        return self.headers.get(b"connection", b"").lower() == b"close"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status with either a body or a stored file to stream; server, date and length are added on the way out."""

    status: int
    headers: tuple[str, ...] = ()
    body: bytes = b""
    file: StoredFile | None = None
    closes: bool = False
    subject: Subject = "other"
    #: Not an answer but an open line: the application that wants to hear the events.
    listens_as: str = ""
    #: Whether it hears of everything. A read-only user cannot ask for single things, so without it all is silent.
    subscribes_to_all: bool = False


def answer(request: Request, exchange: Exchange, spool: Spool, now: datetime) -> Answer:
    """Answer as Asterisk would: place, then sign-in, then rights, then path, then the resource."""
    path, _, query = request.target.partition(b"?")
    parameters = _parameters(query)
    inside = _below_ari(path, exchange.prefix)
    if inside is None:
        return page(404, "The requested URL was not found on this server.", exchange.version)
    if not _is_signed_in(request, parameters, exchange):
        return sign_in_refused()
    if exchange.read_only and request.method not in {"GET", "OPTIONS"}:
        return message(403, "Write access denied")
    if inside.endswith(b"/"):
        right = f"{exchange.prefix and '/' + exchange.prefix}/ari/{inside.decode('utf-8', 'replace').rstrip('/')}"
        return message(404, f"ARI URLs do not end with a slash. Try {right}")
    is_upgrade = request.headers.get(b"upgrade", b"").lower() == b"websocket"
    if inside == b"events" and is_upgrade:
        return _open_line(request, parameters, exchange)
    return _Resources(request.method, parameters, exchange, spool, now).find(_segments(inside))


def _open_line(request: Request, parameters: dict[bytes, bytes], exchange: Exchange) -> Answer:
    application = parameters.get(b"app", b"").decode("utf-8", "replace")
    if not application:
        return page(400, "HTTP request is missing param: [app]", exchange.version, closes=True)
    if request.headers.get(b"sec-websocket-version") != b"13" or b"sec-websocket-key" not in request.headers:
        return Answer(status=400, headers=("Sec-WebSocket-Version: 7, 8, 13",))
    wants_all = parameters.get(b"subscribeAll", b"").lower() in {b"true", b"yes", b"1", b"on"}
    return Answer(status=101, listens_as=application, subscribes_to_all=wants_all)


def head(given: Answer, *, version: str, now: datetime, length: int) -> bytes:
    """The status line and headers, in Asterisk's order and spelling."""
    lines = [
        f"HTTP/1.1 {given.status} {HTTPStatus(given.status).phrase}",
        f"Server: Asterisk/{version}",
        f"Date: {format_datetime(now.astimezone(UTC), usegmt=True)}",
        *(["Connection: close"] if given.closes else []),
        "Cache-Control: no-cache, no-store",
        *given.headers,
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape")


def message(status: int, text: str, *headers: str) -> Answer:
    """An error of the REST interface."""
    return as_json({"message": text}, status, *headers)


def sign_in_refused() -> Answer:
    return message(401, "Authentication required", 'WWW-Authenticate: Basic realm="Asterisk REST Interface"')


def page(status: int, text: str, version: str, *, closes: bool = False) -> Answer:
    """An error of the HTTP server below the REST interface."""
    phrase = HTTPStatus(status).phrase
    lines = [
        '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">',
        "<html><head>",
        f"<title>{status} {phrase}</title>",
        "</head><body>",
        f"<h1>{phrase}</h1>",
        f"<p>{text}</p>",
        "<hr />",
        f"<address>Asterisk/{version}</address>",
        "</body></html>",
        "",
    ]
    return Answer(status=status, headers=("Content-type: text/html",), body="\r\n".join(lines).encode(), closes=closes)


def as_json(value: Any, status: int = 200, *headers: str, subject: Subject = "other") -> Answer:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")
    return Answer(status=status, headers=(*headers, "Content-type: application/json"), body=body, subject=subject)


@dataclass(frozen=True)
class _Resources:
    """The tree of resources, walked one segment at a time."""

    method: str
    parameters: dict[bytes, bytes]
    exchange: Exchange
    spool: Spool
    now: datetime

    def find(self, segments: list[str]) -> Answer:  # noqa: PLR0911 (one line per resource)
        match segments:
            case [] | ["asterisk"] | ["recordings"] | ["recordings", "live"]:
                return self._only({})
            case ["asterisk", "info"]:
                return self._only({"GET": self._info})
            case ["asterisk", "ping"]:
                return self._only({"GET": self._ping})
            case ["asterisk", "modules"]:
                return self._only({"GET": lambda: as_json([_module(name) for name in self._modules()])})
            case ["asterisk", "modules", name]:
                return self._only({"GET": lambda: self._one_module(name)})
            case ["asterisk", "variable"]:
                return self._only({"GET": self._variable})
            case ["channels" | "bridges" | "endpoints" | "applications"]:
                return self._only({"GET": lambda: as_json([])})
            case ["events"]:
                return page(426, "", self.exchange.version)
            case ["recordings", "stored", *rest] if self.exchange.has_recordings_module:
                return self._stored(rest)
        return _no_resource()

    def _stored(self, segments: list[str]) -> Answer:
        match segments:
            case []:
                return self._only({"GET": self._list})
            case [name]:
                return self._only({"GET": lambda: self._entry(name), "DELETE": lambda: self._delete(name)})
            case [name, "file"]:
                return self._only({"GET": lambda: self._file(name)})
        return _no_resource()

    def _only(self, methods: dict[str, Any]) -> Answer:
        """Answer one of the resource's own methods, tell them on OPTIONS, refuse any other."""
        allow = "Allow: " + ",".join(["OPTIONS", *methods])
        if self.method == "OPTIONS":
            return Answer(status=204, headers=(allow,))
        if self.method not in methods:
            return message(405, "Invalid method", allow)
        given: Answer = methods[self.method]()
        return given

    def _info(self) -> Answer:
        asterisk = self.exchange
        started = _timestamp(asterisk.started_at)
        parts = {
            "build": {
                "os": "Linux",
                "kernel": "6.1.0",
                "machine": "x86_64",
                "options": "BUILD_NATIVE, OPTIONAL_API",
                "date": "2026-07-20 21:35:32 UTC",
                "user": "root",
            },
            "system": {"version": asterisk.version, "entity_id": asterisk.entity_id},
            "config": {"name": "", "default_language": "en", "setid": {"user": "", "group": ""}},
            "status": {"startup_time": started, "last_reload_time": started},
        }
        only = self.parameters.get(b"only")
        wanted = set(parts) if only is None else set(only.decode("utf-8", "replace").split(","))
        return as_json({name: part for name, part in parts.items() if name in wanted})

    def _ping(self) -> Answer:
        stamp = _timestamp(self.now)
        return as_json({"ping": "pong", "timestamp": stamp, "asterisk_id": self.exchange.entity_id})

    def _modules(self) -> list[str]:
        return [name for name in MODULES if name != RECORDINGS_MODULE or self.exchange.has_recordings_module]

    def _one_module(self, name: str) -> Answer:
        if not name.endswith(".so"):
            return message(409, "Module information could not be retrieved")
        if name not in self._modules():
            return message(404, "Module could not be found in running modules")
        return as_json(_module(name))

    def _variable(self) -> Answer:
        name = self.parameters.get(b"variable", b"").decode("utf-8", "replace")
        if not name:
            return message(400, "Variable name is required")
        return as_json({"value": self.exchange.variables.get(name, "")})

    def _list(self) -> Answer:
        return as_json([{"name": name, "format": form} for name, form in self.spool.listed()], subject="list")

    def _entry(self, name: str) -> Answer:
        file = self.spool.find(name)
        return as_json({"name": file.name, "format": file.format}) if file else _no_recording()

    def _file(self, name: str) -> Answer:
        file = self.spool.find(name)
        if file is None:
            return _no_recording()
        return Answer(status=200, headers=(f"Content-Type: audio/{file.format}",), file=file, subject="file")

    def _delete(self, name: str) -> Answer:
        return Answer(status=204) if self.spool.remove(name) else _no_recording()


def _no_resource() -> Answer:
    return message(404, "Resource not found")


def _no_recording() -> Answer:
    return message(404, "Recording not found")


def _module(name: str) -> dict[str, Any]:
    support = "core"
    return {"name": name, "description": MODULES[name], "use_count": 0, "status": "Running", "support_level": support}


def _timestamp(moment: datetime) -> str:
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def _below_ari(path: bytes, prefix: str) -> bytes | None:
    """The path after `/ari/`, still encoded; None if it leads elsewhere. Only here upper case does not matter."""
    root = (f"/{prefix}/ari" if prefix else "/ari").encode()
    if path[: len(root)].lower() != root.lower() or path[len(root) : len(root) + 1] not in {b"", b"/"}:
        return None
    return path[len(root) + 1 :]


def _segments(inside: bytes) -> list[str]:
    """The path's decoded segments up to the first empty one, where Asterisk stops reading."""
    segments: list[str] = []
    for encoded in inside.split(b"/"):
        if not encoded:
            break
        segments.append(_decoded(encoded).decode("utf-8", "surrogateescape"))
    return segments


def _decoded(encoded: bytes) -> bytes:
    """Percent-decoding as Asterisk does it everywhere: a `+` is a space, in a path too."""
    return unquote_to_bytes(encoded.replace(b"+", b" "))


def _parameters(query: bytes) -> dict[bytes, bytes]:
    pairs = (part.partition(b"=") for part in query.split(b"&") if part)
    return {_decoded(name): _decoded(value) for name, _, value in pairs}


def _is_signed_in(request: Request, parameters: dict[bytes, bytes], exchange: Exchange) -> bool:
    scheme, _, encoded = request.headers.get(b"authorization", b"").partition(b" ")
    given = parameters.get(b"api_key", b"")
    if scheme == b"Basic":
        try:
            given = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
    expected = f"{exchange.username}:{exchange.password}".encode()
    return hmac.compare_digest(given, expected)
