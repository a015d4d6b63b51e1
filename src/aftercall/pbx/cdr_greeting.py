"""This file reads how a MySQL or MariaDB greets, and the certificate it shows, without signing in.

TLS comes after the greeting there, so the usual ways to look at a server's certificate do not work.
"""

import asyncio
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass

from aftercall.errors import (
    AppError,
    CdrBusy,
    CdrConnectionRefused,
    CdrDropped,
    CdrHostBlocked,
    CdrHostRefused,
    CdrNotADatabase,
    CdrReplyMalformed,
    CdrTlsOff,
    PbxNoRoute,
    PbxTimeout,
)
from aftercall.model import CdrAddress
from aftercall.pbx import tls
from aftercall.pbx.lookup import find_addresses

#: Of the protocol: a greeting begins with its version, an error with this byte; TLS and long answers are capabilities.
PROTOCOL, REFUSAL = 10, 0xFF
_CAN_TLS, _LONG, _PROTOCOL_41, _SECURE = 0x0800, 0x0001, 0x0200, 0x8000
_LARGEST_GREETING = 10_000
_HOST_REFUSED, _HOST_BLOCKED, _TOO_MANY = 1130, 1129, 1040


@dataclass(frozen=True, kw_only=True)
class Greeting:
    version: str
    has_tls: bool


def dial(address: CdrAddress, *, wait_s: float) -> socket.socket:
    """A plain connection to the first address behind the host that takes one.

    Raises:
        PbxNameUnknown, PbxAddressRefused: there is nothing to connect to.
        PbxTimeout, PbxNoRoute, CdrConnectionRefused: nobody takes the connection.
    """
    refused: OSError | None = None
    for ip in asyncio.run(find_addresses(address.host)):
        try:
            return socket.create_connection((ip, address.port), wait_s)
        except OSError as exc:
            refused = exc
    assert refused is not None
    raise _unreachable(refused, address, wait_s) from refused


def _unreachable(exc: OSError, address: CdrAddress, wait_s: float) -> AppError:
    host, port = address.host, address.port
    if isinstance(exc, TimeoutError):
        return PbxTimeout(host=host, port=port, seconds=wait_s)
    if isinstance(exc, ConnectionRefusedError):
        return CdrConnectionRefused(host=host, port=port)
    return PbxNoRoute(host=host, port=port, detail=exc.strerror or str(exc))


def read_greeting(line: socket.socket, address: CdrAddress, *, wait_s: float) -> Greeting:
    """What a database says first, before it knows who is there.

    Raises:
        CdrNotADatabase: something else lives there.
        CdrHostRefused, CdrHostBlocked, CdrBusy: it will not talk with this server.
        CdrDropped: it said nothing in time.
    """
    line.settimeout(wait_s)
    try:
        head = _exactly(line, 4)
        length = int.from_bytes(head[:3], "little")
        is_greeting = head[3] == 0 and 5 <= length <= _LARGEST_GREETING
        body = _exactly(line, length) if is_greeting else b"?"
    except TimeoutError as exc:
        if _is_web_server(line):
            raise _other(address, "is a web server") from exc
        raise CdrDropped(host=address.host, seconds=wait_s) from exc
    except OSError as exc:
        raise _other(address, "closed the connection without a word") from exc
    if body[0] == REFUSAL:
        raise refusal(int.from_bytes(body[1:3], "little"), body[3:].decode("utf-8", "replace"), address)
    version, _, rest = body[1:].partition(b"\0")
    if body[0] != PROTOCOL or len(rest) < 15:
        raise _other(address, "said something else first")
    # 4 bytes of thread, 8 of salt, a zero, then the lower capabilities.
    return Greeting(
        version=version.decode("ascii", "replace"), has_tls=bool(int.from_bytes(rest[13:15], "little") & _CAN_TLS)
    )


def refusal(code: int, detail: str, address: CdrAddress) -> AppError:
    """What a database means that turns us away before the sign-in."""
    if code == _HOST_REFUSED:
        return CdrHostRefused(host=address.host, detail=detail[:200])
    if code == _HOST_BLOCKED:
        return CdrHostBlocked(host=address.host, detail=detail[:200])
    if code == _TOO_MANY:
        return CdrBusy(host=address.host, detail=detail[:200])
    return CdrReplyMalformed(host=address.host, detail=f"{code}, {detail[:200]}")


def shake_hands(address: CdrAddress, context: ssl.SSLContext, *, wait_s: float) -> ssl.SSLSocket:
    """Greet, go over to TLS, and stop there; the caller closes the line.

    Raises:
        OSError: as the network and the ssl module raise it.
        CdrTlsOff: the database offers none.
    """
    line = dial(address, wait_s=wait_s)
    try:
        _require_tls(read_greeting(line, address, wait_s=wait_s), address)
        wanted = _LONG | _PROTOCOL_41 | _CAN_TLS | _SECURE
        body = wanted.to_bytes(4, "little") + (2**24 - 1).to_bytes(4, "little") + bytes([45]) + bytes(23)
        line.sendall(len(body).to_bytes(3, "little") + b"\1" + body)
        return context.wrap_socket(line, server_hostname=address.host)
    except BaseException:
        line.close()
        raise


def fetch_certificate(address: CdrAddress, *, wait_s: float) -> tls.ServerCertificate:
    """The certificate a database shows, trusted or not; nothing else of it is believed.

    Raises:
        OSError: as the network and the ssl module raise it.
        CdrTlsOff: it offers none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with closing(shake_hands(address, context, wait_s=wait_s)) as line:
        shown = line.getpeercert(binary_form=True)
    if shown is None:
        raise ssl.SSLError("the server shows no certificate")
    return tls.read_certificate(shown)


def _require_tls(greeting: Greeting, address: CdrAddress) -> None:
    if not greeting.has_tls:
        raise CdrTlsOff(host=address.host)


def _other(address: CdrAddress, detail: str) -> CdrNotADatabase:
    return CdrNotADatabase(host=address.host, port=address.port, detail=detail)


def _exactly(line: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = line.recv(count - len(found))
        if not more:
            raise ConnectionError("closed")
        found += more
    return found


def _is_web_server(line: socket.socket) -> bool:
    """A database speaks first; whoever waits to be asked may be a web server."""
    with suppress(OSError):
        line.settimeout(2)
        line.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
        return line.recv(5) == b"HTTP/"
    return False
