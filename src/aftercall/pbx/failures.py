"""This file translates whatever goes wrong between us and the PBX into our errors: the one place that does.

An exception is judged by its causes, an answer by status and body: there are five different 404s.
"""

import errno
import json
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx2

from aftercall.errors import (
    AppError,
    PbxAriOff,
    PbxBusy,
    PbxCertificateChanged,
    PbxCertificateExpired,
    PbxCertificateName,
    PbxCertificateUntrusted,
    PbxClosedSilently,
    PbxConnectionRefused,
    PbxDropped,
    PbxForbidden,
    PbxNoRoute,
    PbxNotAsterisk,
    PbxPortIsPlain,
    PbxRecordingsModuleMissing,
    PbxReplyMalformed,
    PbxSignInRefused,
    PbxTimeout,
    PbxTlsTooOld,
    RecordingMissing,
    RecordingNotAudio,
    RecordingTooLarge,
    RecordingUnreadable,
)
from aftercall.model import PbxAddress
from aftercall.pbx.tls import ServerCertificate


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer of whatever listens at the PBX's address."""

    status: int
    #: Case-insensitive.
    headers: Mapping[str, str]
    #: The whole body of a 200, the beginning of any other.
    body: bytes


# ---- exceptions -------------------------------------------------------------------------------------------------

_NO_ROUTE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL})

#: What OpenSSL, depending on its version, says of an answer in plain text.
_PLAIN_TEXT = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)

#: OpenSSL's X509_V_ERR_*: not yet valid and expired; made out to another host, e-mail or IP address.
_NOT_VALID_TODAY = frozenset({9, 10})
_OTHER_NAME = frozenset({62, 63, 64})


def from_exception(
    exc: BaseException,
    address: PbxAddress,
    *,
    waited_s: float,
    is_answering: bool = False,
    certificate: ServerCertificate | None = None,
) -> AppError:
    """Say what an exception of the network, of TLS or of the HTTP library means.

    Args:
        waited_s: how long we waited, when it is a time-out.
        is_answering: the beginning of an answer had arrived.
        certificate: what the server shows, when `is_about_certificate`.
    """
    host, port = address.host, address.port
    causes = list(_causes(exc))
    if any(isinstance(cause, (TimeoutError, httpx2.TimeoutException)) for cause in causes):
        return PbxTimeout(host=host, port=port, seconds=waited_s)
    if is_answering:
        return PbxDropped(host=host, port=port)
    for cause in causes:
        if isinstance(cause, OSError) and (error := _from_os_error(cause, address, certificate)):
            return error
    # The library has one class for "nothing came" and for "nonsense came"; only its words differ.
    if isinstance(exc, httpx2.RemoteProtocolError) and "Content-Length" in str(exc):
        # Asterisk counts in 32 bits and announces a negative length for 2 GB and more.
        return RecordingTooLarge(size_mb="more than 2047", limit_mb=2047)
    if isinstance(exc, httpx2.RemoteProtocolError) and "disconnected" not in str(exc):
        return PbxNotAsterisk(host=host, port=port, detail="something that is not HTTP")
    return PbxClosedSilently(host=host, port=port)


def is_about_certificate(exc: BaseException) -> bool:
    """Whether the message to the user needs the certificate the server shows."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(exc))


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def _from_os_error(exc: OSError, address: PbxAddress, certificate: ServerCertificate | None) -> AppError | None:
    match exc:
        case ssl.SSLCertVerificationError():
            return _certificate_refused(exc, address, certificate)
        case ssl.SSLEOFError():
            return None
        case ssl.SSLError():
            return _tls_failed(exc, address)
        case ConnectionRefusedError():
            return PbxConnectionRefused(host=address.host, port=address.port)
        case OSError(errno=code) if code in _NO_ROUTE:
            return PbxNoRoute(host=address.host, port=address.port, detail=exc.strerror or str(exc))
    return None


def _certificate_refused(
    exc: ssl.SSLCertVerificationError, address: PbxAddress, certificate: ServerCertificate | None
) -> AppError:
    where = {"host": address.host, "port": address.port}
    sha256 = certificate.sha256 if certificate else "unknown (it could not be fetched a second time)"
    if exc.verify_code in _NOT_VALID_TODAY:
        return PbxCertificateExpired(
            **where,
            not_before=f"{certificate.not_before:%Y-%m-%d}" if certificate else "an unknown day",
            not_after=f"{certificate.not_after:%Y-%m-%d}" if certificate else "an unknown day",
        )
    if address.pinned_certificate is not None:
        return PbxCertificateChanged(**where, sha256=sha256)
    if exc.verify_code in _OTHER_NAME:
        names = ", ".join(certificate.names) if certificate else ""
        return PbxCertificateName(**where, names=names or "no name at all", sha256=sha256)
    return PbxCertificateUntrusted(**where, sha256=sha256)


def _tls_failed(exc: ssl.SSLError, address: PbxAddress) -> AppError:
    if exc.reason in _PLAIN_TEXT:
        return PbxPortIsPlain(host=address.host, port=address.port)
    detail = (exc.reason or str(exc)).replace("_", " ").lower()
    return PbxTlsTooOld(host=address.host, port=address.port, detail=detail)


# ---- answers ----------------------------------------------------------------------------------------------------


def from_reply(reply: Reply, address: PbxAddress, path: str) -> AppError | None:
    """Say what is wrong with an answer; None for a 200.

    Args:
        path: below /ari, as it was asked for.
    """
    if reply.status == 200:
        return None
    message = ari_message(reply)
    if not (message or speaks_as_asterisk(reply)) or 300 <= reply.status < 400:
        return not_asterisk(reply, address)
    if reply.status == 401:
        return PbxSignInRefused(host=address.host, username=address.username)
    if reply.status == 403:
        is_one_file = message == "Recording could not be opened"
        return RecordingUnreadable() if is_one_file else PbxForbidden(detail=message or "no reason given")
    if reply.status == 404:
        return _not_found(message, address, path)
    said = f"{reply.status}, {message or _kind(reply)}"
    return PbxBusy(http_status=said) if reply.status >= 500 else PbxReplyMalformed(detail=said)


def speaks_as_asterisk(reply: Reply) -> bool:
    """Whether the headers are Asterisk's own; a reverse proxy in front of it may put its own name there."""
    return (
        reply.headers.get("server", "").startswith("Asterisk")
        or "Asterisk REST Interface" in reply.headers.get("www-authenticate", "")
    )  # fmt: skip


def nonsense(reply: Reply, address: PbxAddress, detail: str) -> AppError:
    """A 200 whose body makes no sense."""
    return PbxReplyMalformed(detail=detail) if speaks_as_asterisk(reply) else not_asterisk(reply, address)


def not_asterisk(reply: Reply, address: PbxAddress) -> AppError:
    """Something else lives at this address."""
    server = reply.headers.get("server", "")[:60]
    return PbxNotAsterisk(
        host=address.host,
        port=address.port,
        detail=f"{reply.status}, {_kind(reply)}, {f'Server: {server}' if server else 'no Server header'}",
    )


def ari_message(reply: Reply) -> str:
    """The message of an ARI error, "" if this is none."""
    try:
        said = json.loads(reply.body)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    # `error` is what "Allocation failed" uses, and only that.
    message = said.get("message") or said.get("error")
    return message[:200] if isinstance(message, str) else ""


def not_audio(content_type: str, size_bytes: int, head: bytes) -> AppError | None:
    """Say what came in place of a recording, if it is clearly none; None when it may be audio.

    Args:
        head: the first bytes.
    """
    start = head.lstrip().lower()
    if start.startswith((b'{"message"', b'{"error"')) or content_type.endswith("json"):
        looks_like = "JSON"
    elif start.startswith((b"<!doctype", b"<html", b"<?xml")) or content_type == "text/html":
        looks_like = "a web page"
    elif content_type and not content_type.lower().startswith(("audio/", "application/octet-stream", "video/")):
        looks_like = content_type
    else:
        return None
    if b"Recording not found" in head:
        return RecordingMissing()
    return RecordingNotAudio(detail=f"{size_bytes} bytes of {content_type or 'no type'}", looks_like=looks_like)


def _not_found(message: str, address: PbxAddress, path: str) -> AppError:
    if message == "Recording not found":
        return RecordingMissing()
    if message == "Resource not found" and path.startswith("recordings/stored"):
        if path.endswith("/file"):
            # Asterisk says so when the slashes inside the name are no longer encoded.
            return PbxReplyMalformed(detail="404, Resource not found: something on the way decodes %2F")
        return PbxRecordingsModuleMissing()
    if message and message != "Resource not found":
        return PbxReplyMalformed(detail=f"404, {message}")
    base = f"/{address.prefix}/ari" if address.prefix else "/ari"
    # JSON: ARI lives, but the module behind this part of it does not.
    return PbxAriOff(host=address.host, port=address.port, path=f"{base}/{path}" if message else base)


def _kind(reply: Reply) -> str:
    location = reply.headers.get("location", "")[:60]
    if location:
        return f"a redirect to {location}"
    return reply.headers.get("content-type", "").partition(";")[0] or "no content type"
