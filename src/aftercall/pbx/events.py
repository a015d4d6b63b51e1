"""This file listens to one PBX: ARI's websocket, kept open, with what it told and how the line is.

Listening needs no more than a read-only user. Nothing that happened while the line was down is ever told; the list of
recordings mends that.
"""

import asyncio
import base64
import logging
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus

from aftercall.errors import (
    AppError,
    PbxAddressRefused,
    PbxCertificateUnreadable,
    PbxClosedSilently,
    PbxDropped,
    PbxError,
    PbxEventsModuleMissing,
    PbxEventsTaken,
    PbxForbidden,
    PbxNotAsterisk,
    PbxSignInRefused,
    Retry,
)
from aftercall.model import PbxAddress
from aftercall.pbx import failures, tls
from aftercall.pbx.failures import Reply
from aftercall.pbx.heard import HeardCall, Replaced, Tracker
from aftercall.pbx.lookup import bare, find_addresses

#: Only our own settings mend these, and asking again may get us banned.
_FINAL = (PbxSignInRefused, PbxForbidden, PbxAddressRefused, PbxCertificateUnreadable)

#: On its way to DEBUG the library would write down the headers, and with them the password.
_library_log = logging.getLogger("aftercall.websocket")
_library_log.setLevel(logging.WARNING)

__all__ = ["Connected", "EventPatience", "Heard", "HeardCall", "Lost", "Signal", "listen", "try_events"]


@dataclass(frozen=True, kw_only=True)
class EventPatience:
    """How long to wait for a PBX that has nothing to say, and between attempts."""

    connect_s: float = 10.0
    #: Asterisk says nothing while nobody calls, so we ask whether it still lives.
    ping_every_s: float = 15.0
    pong_s: float = 10.0
    shortest_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    #: After something only a person can mend, or another listener that must not be fought.
    long_wait_s: float = 300.0
    #: A line that has held so long begins anew with the shortest wait.
    good_after_s: float = 60.0
    #: More than any event; larger ones end the line.
    longest_event_bytes: int = 4_000_000


@dataclass(frozen=True, kw_only=True)
class Connected:
    """The line is open."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Something new of a call."""

    call: HeardCall
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class Lost:
    """The line is down; the next attempt comes by itself."""

    error: AppError
    retry_in_s: float


Signal = Connected | Heard | Lost


async def listen(
    address: PbxAddress, *, application: str, folders: Sequence[str], patience: EventPatience | None = None
) -> AsyncGenerator[Signal, None]:
    """Listen until the caller has enough, opening the line again whenever it breaks.

    Args:
        application: a name of this installation's own; a second listener of the same name takes the first one's place.
        folders: on the PBX, absolute: those that the list's names are relative to.
    Raises:
        PbxError: one that only other settings here mend, such as a refused sign-in; after one attempt. What the PBX
            alone can mend is no end: while it starts, an Asterisk answers for seconds as one without ARI does.
    """
    patience = patience or EventPatience()
    failed_before = 0
    while True:
        opened_at = None
        try:
            async with _line(address, application, patience) as line:
                opened_at = asyncio.get_running_loop().time()
                yield Connected(at=datetime.now(UTC))
                # Calls whose end was missed while the line was down must not be taken for calls in progress.
                tracker = Tracker(folders)
                while True:
                    # As bytes, because what is not UTF-8 is to be put aside, not to end the line.
                    for call in tracker.feed(await line.recv(decode=False)):
                        yield Heard(call=call, received_at=datetime.now(UTC))
        except Replaced:
            error: AppError = PbxEventsTaken(application=application)
        except ConnectionClosed:
            error = PbxDropped(host=address.host, port=address.port)
        except PbxError as exc:
            if isinstance(exc, _FINAL):
                raise
            error = exc
        if opened_at is not None and asyncio.get_running_loop().time() - opened_at >= patience.good_after_s:
            failed_before = 0
        wait_s = wait(error, failed_before, patience, random.random())  # noqa: S311 (spreads load, guards nothing)
        failed_before += 1
        yield Lost(error=error, retry_in_s=wait_s)
        await asyncio.sleep(wait_s)


async def try_events(address: PbxAddress, *, application: str, patience: EventPatience | None = None) -> None:
    """Open the line once and close it again, for the connection test.

    Args:
        application: another name than the one we listen under, or that line would lose its place to this one.
    Raises:
        PbxError: it cannot be opened.
    """
    async with _line(address, application, patience or EventPatience()):
        pass


def wait(error: AppError, failed_before: int, patience: EventPatience, chance: float) -> float:
    """How long to wait before the next attempt, in seconds: twice as long each time, with a limit.

    Args:
        chance: 0 to 1; after an outage not every listener must come back in the same second.
    """
    if isinstance(error, PbxEventsTaken):
        return patience.long_wait_s
    limit = patience.longest_wait_s if error.retry is Retry.SOON else patience.long_wait_s
    longest: float = min(patience.shortest_wait_s * 2 ** min(failed_before, 16), limit)
    return longest * (0.5 + chance / 2)


# ---- the wire ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _line(address: PbxAddress, application: str, patience: EventPatience) -> AsyncIterator[ClientConnection]:
    """An open websocket; what goes wrong until it is open leaves as one of our errors."""
    line = await _open(address, application, patience)
    try:
        yield line
    finally:
        try:
            async with asyncio.timeout(1):
                await line.close()
        except TimeoutError:
            pass  # a PBX that is frozen answers no goodbye
        finally:
            line.transport.abort()


async def _open(address: PbxAddress, application: str, patience: EventPatience) -> ClientConnection:
    failed: PbxError | None = None
    for ip in await find_addresses(address.host):
        try:
            return await _connect(ip, address, application, patience)
        except PbxError as exc:
            failed = exc
            if exc.retry is not Retry.SOON:
                break
    assert failed is not None
    raise failed


class _Opening(connect):
    """An attempt to open a websocket that goes where it was sent, and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow none: our password is for this address, and an Asterisk sends nobody elsewhere."""
        return exc


async def _connect(ip: str, address: PbxAddress, application: str, patience: EventPatience) -> ClientConnection:
    token = base64.b64encode(f"{address.username}:{address.password}".encode()).decode()
    secure: dict[str, Any] = {}
    if address.use_tls:
        secure = {"ssl": tls.build_context(address.pinned_certificate), "server_hostname": bare(address.host)}
    try:
        return await _Opening(
            _uri(address, application),
            # We connect to the address that was checked; the name is for the certificate and the Host header.
            host=ip,
            port=address.port,
            additional_headers={"Authorization": f"Basic {token}"},
            user_agent_header="aftercall",
            compression=None,
            proxy=None,
            open_timeout=patience.connect_s,
            ping_interval=patience.ping_every_s,
            ping_timeout=patience.pong_s,
            close_timeout=1,
            max_size=patience.longest_event_bytes,
            # Asterisk hangs up on a listener that reads too slowly: better let some events wait here.
            max_queue=10_000,
            logger=_library_log,
            **secure,
        )
    except InvalidStatus as exc:
        raise _refused(exc, address) from exc
    except InvalidHandshake as exc:
        if isinstance(exc, InvalidMessage) and isinstance(exc.__cause__, EOFError):
            raise PbxClosedSilently(host=address.host, port=address.port) from exc
        what = "something that is not HTTP" if isinstance(exc, InvalidMessage) else "a websocket opened wrongly"
        raise PbxNotAsterisk(host=address.host, port=address.port, detail=what) from exc
    except (OSError, EOFError) as exc:
        certificate = None
        if failures.is_about_certificate(exc):
            certificate = await tls.fetch_certificate(
                ip, address.port, server_name=bare(address.host), timeout_s=patience.connect_s
            )
        raise failures.from_exception(
            exc, address, waited_s=patience.connect_s, certificate=certificate
        ) from exc  # fmt: skip


def _uri(address: PbxAddress, application: str) -> str:
    host = bare(address.host)
    shown = f"[{host}]" if ":" in host else host if host.isascii() else host.encode("idna").decode()
    prefix = f"/{quote(address.prefix, safe='/')}" if address.prefix else ""
    scheme = "wss" if address.use_tls else "ws"
    query = f"app={quote(application, safe='')}&subscribeAll=true"
    return f"{scheme}://{shown}:{address.port}{prefix}/ari/events?{query}"


def _refused(exc: InvalidStatus, address: PbxAddress) -> AppError:
    """What an answer other than an open websocket means."""
    response = exc.response
    reply = Reply(status=response.status_code, headers=response.headers, body=bytes(response.body or b"")[:65_536])
    if reply.status == HTTPStatus.NOT_FOUND and failures.ari_message(reply) == "Resource not found":
        return PbxEventsModuleMissing()
    return failures.from_reply(reply, address, "events") or failures.nonsense(reply, address, "200 to a websocket")
