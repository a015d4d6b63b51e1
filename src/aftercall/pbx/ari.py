"""This file talks to one PBX over ARI: it only ever asks, and every failure leaves it as one of our errors.

It asks with GET. The one HEAD of `may_write`, which changes nothing either, is part of a connection test only.
"""

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, BinaryIO, NoReturn, Self
from urllib.parse import quote

import httpx2

from aftercall.errors import (
    AppError,
    PbxListBroken,
    PbxReplyMalformed,
    PbxReplyTooLarge,
    PbxTimeout,
    RecordingIncomplete,
    RecordingMissing,
    RecordingTooLarge,
)
from aftercall.model import PbxAddress, PbxInfo
from aftercall.pbx import failures, listing, tls
from aftercall.pbx.failures import Reply
from aftercall.pbx.listing import Listing
from aftercall.pbx.lookup import bare, find_addresses

#: Where Asterisk keeps its spool when it will not say.
USUAL_SPOOL = "/var/spool/asterisk"

#: So much of a download is handed back for a look at what it is.
HEAD_BYTES = 64

#: More than any answer but the list needs.
_SMALL_REPLY_BYTES = 4_000_000
_ERROR_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait for a PBX, and how much to swallow."""

    #: For each address of the host.
    connect_s: float = 5.0
    #: For a small answer as a whole; in a download, between two pieces of it.
    silence_s: float = 30.0
    #: For the whole list. Asterisk walks every folder before it sends the first byte, on a cold disk slowly.
    list_s: float = 300.0
    #: 100 MB are more than a million recordings.
    list_bytes: int = 100_000_000
    #: In a connection test: how long idle connections are watched for being closed.
    settle_s: float = 0.5


@dataclass(frozen=True, kw_only=True)
class Download:
    """What came of a download; the bytes themselves are where the caller wanted them."""

    size_bytes: int
    #: As the PBX sent it: "audio/" and the file's extension, in the file's own case.
    content_type: str
    sha256: str
    #: The first bytes, `HEAD_BYTES` at most.
    head: bytes


class AriClient:
    """Asks one PBX; for use within one event loop, by any number of tasks.

    Each request has a connection of its own: keeping one gains nothing, and surplus bytes of a growing recording
    would be taken for the next answer.
    """

    def __init__(self, address: PbxAddress, *, patience: Patience | None = None) -> None:
        self._address = address
        self._patience = patience or Patience()
        self._addresses: tuple[str, ...] = ()
        self._scheme = "https" if address.use_tls else "http"
        self._base = f"/{quote(address.prefix, safe='/')}/ari" if address.prefix else "/ari"
        self._http = httpx2.AsyncClient(
            auth=httpx2.BasicAuth(address.username, address.password),
            verify=self._context(),
            headers={
                "Host": _authority(address.host, address.port),
                "User-Agent": "aftercall",
                "Connection": "close",
                "Accept-Encoding": "identity",
            },
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            follow_redirects=False,
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    # ---- questions ----------------------------------------------------------------------------------------------

    async def info(self) -> PbxInfo:
        """What Asterisk says about itself."""
        said = await self._ask("asterisk/info")
        try:
            system, status = said["system"], said.get("status", {})
            return PbxInfo(
                version=str(system["version"]),
                entity_id=str(system["entity_id"]),
                startup_time=str(status.get("startup_time", "")),
                last_reload_time=str(status.get("last_reload_time", "")),
            )
        except (KeyError, TypeError, AttributeError) as exc:
            raise PbxReplyMalformed(detail="asterisk/info without version or entity_id") from exc

    async def clock_skew(self) -> timedelta:
        """How far the PBX's clock is ahead of ours; negative when it is behind."""
        asked_at = datetime.now(UTC)
        said = await self._ask("asterisk/ping")
        answered_at = datetime.now(UTC)
        try:
            theirs = datetime.fromisoformat(said["timestamp"])
            return theirs - (asked_at + (answered_at - asked_at) / 2)
        except (KeyError, TypeError, ValueError) as exc:
            raise PbxReplyMalformed(detail="asterisk/ping without a timestamp") from exc

    async def modules(self) -> dict[str, str]:
        """Every loaded module, name to status ("Running" when all is well)."""
        said = await self._ask("asterisk/modules")
        try:
            return {str(module["name"]): str(module["status"]) for module in said}
        except (KeyError, TypeError) as exc:
            raise PbxReplyMalformed(detail="asterisk/modules is not a list of modules") from exc

    async def module_state(self, name: str) -> str | None:
        """The status of one module, such as res_ari_recordings.so; None if it is not loaded."""
        path = f"asterisk/modules/{quote(name, safe='')}"
        reply = await self._get(path)
        if reply.status == 404 and "could not be found" in failures.ari_message(reply):
            return None
        said = self._json(reply, path)
        return str(said.get("status", "")) if isinstance(said, dict) else ""

    async def variable(self, name: str) -> str:
        """A global variable of the dialplan or of Asterisk itself; "" if there is none of that name."""
        said = await self._ask(f"asterisk/variable?variable={quote(name, safe='')}")
        value = said.get("value") if isinstance(said, dict) else None
        if not isinstance(value, str):
            raise PbxReplyMalformed(detail="asterisk/variable without a value")
        return value

    async def recordings(self) -> dict[str, str]:
        """Every recording the PBX lists, name to format, in the PBX's order.

        The format is a hint only. A plain dict, because ten thousand of anything finer cost more than the request.

        Raises:
            PbxError: as `recording_list`.
        """
        return (await self.recording_list()).recordings

    async def recording_list(self, earlier: bytes | None = None) -> Listing:
        """The PBX's list of recordings.

        Args:
            earlier: the list before; then only the stretch is read that differs from it.
        Raises:
            PbxListBroken: one bad entry takes the whole list down.
            PbxError: as every request.
        """
        path = "recordings/stored"
        reply = await self._get(path, within_s=self._patience.list_s, limit_bytes=self._patience.list_bytes)
        if reply.status == 500 and failures.ari_message(reply) == "Allocation failed":
            spool = await self.spool_folder()
            raise PbxListBroken(folder=f"{spool}/recording", spool=spool)
        if reply.status != 200:
            self._refuse(reply, path)
        try:
            return await asyncio.to_thread(listing.read, reply.body, earlier)
        except (ValueError, TypeError) as exc:
            raise failures.nonsense(reply, self._address, str(exc)) from exc

    async def spool_folder(self) -> str:
        """Asterisk's spool folder on the PBX, or the usual one when it will not say."""
        try:
            return (await self.variable("ASTSPOOLDIR")).rstrip("/") or USUAL_SPOOL
        except AppError:
            return USUAL_SPOOL

    async def recording_folders(self) -> tuple[str, str]:
        """On the PBX: where ARI looks for recordings, and where FreePBX keeps them."""
        spool = await self.spool_folder()
        return f"{spool}/recording", (await self.variable("MIXMON_DIR")).rstrip("/") or f"{spool}/monitor"

    async def download(self, name: str, into: BinaryIO, *, max_bytes: int) -> Download:
        """Bring one recording home: exactly as many bytes as announced, however much the file grows meanwhile.

        Args:
            into: gets the bytes; what is in it after an error is worthless.
            max_bytes: refuse larger ones before the first byte.
        Raises:
            RecordingMissing: listed, but not handed out.
            RecordingIncomplete: fewer bytes came than announced.
            RecordingNotAudio: JSON or a web page came in place of it.
            RecordingTooLarge: more than `max_bytes`, or more than Asterisk can announce.
            PbxError: as every request.
        """
        path = f"recordings/stored/{quote_name(name)}/file"
        async with self._open(path, within_s=self._patience.silence_s) as response:
            if response.status_code != 200:
                self._refuse(await _read_reply(response, _ERROR_BYTES), path)
            announced = _announced_size(response, max_bytes)
            content_type = response.headers.get("content-type", "")
            received, head, digest = 0, b"", hashlib.sha256()
            try:
                async for piece in response.aiter_raw():
                    if len(head) < HEAD_BYTES:
                        head = (head + piece)[:HEAD_BYTES]
                    received += len(piece)
                    digest.update(piece)
                    into.write(piece)
            except httpx2.TransportError as exc:
                if isinstance(exc, httpx2.TimeoutException):
                    raise
                raise RecordingIncomplete(received_bytes=received, announced_bytes=announced) from exc
        if error := failures.not_audio(content_type, received, head):
            raise error
        return Download(size_bytes=received, content_type=content_type, sha256=digest.hexdigest(), head=head)

    # ---- steps of a connection test -----------------------------------------------------------------------------

    async def addresses(self) -> tuple[str, ...]:
        """The IP addresses of the PBX, looked up once and again after a failure."""
        if not self._addresses:
            self._addresses = await find_addresses(self._address.host)
        return self._addresses

    async def knock(self) -> Reply:
        """Ask without a password: a living ARI answers 401, and what else lives there shows itself."""
        path = "asterisk/info"
        reply = await self._get(path, auth=None)
        if reply.status in {401, 404} and (failures.speaks_as_asterisk(reply) or failures.ari_message(reply)):
            return reply
        if reply.status == 200:
            # Only a proxy that signs in by itself gets here with JSON.
            self._json(reply, path)
            return reply
        self._refuse(reply, path)

    async def may_write(self) -> bool | None:
        """Whether the user may change things on the PBX; None when the answer does not tell.

        Asterisk looks at the user's right before it looks whether a resource knows the method, and none knows HEAD: 403
        for a user who may only read, 405 for one who may write. Nothing happens on the PBX either way.
        """
        reply = await self._get("asterisk/ping", method="HEAD")
        return {403: False, 405: True}.get(reply.status) if failures.speaks_as_asterisk(reply) else None

    # ---- the wire -----------------------------------------------------------------------------------------------

    async def _ask(self, path: str) -> Any:
        return self._json(await self._get(path), path)

    def _json(self, reply: Reply, path: str) -> Any:
        if reply.status != 200:
            self._refuse(reply, path)
        try:
            return json.loads(reply.body)
        except ValueError as exc:
            raise failures.nonsense(reply, self._address, f"{path.partition('?')[0]} is not JSON") from exc

    def _refuse(self, reply: Reply, path: str) -> NoReturn:
        # The name may belong to another machine by now.
        self._addresses = ()
        raise failures.from_reply(reply, self._address, path) or PbxReplyMalformed(detail=f"status {reply.status}")

    async def _get(
        self,
        path: str,
        *,
        within_s: float | None = None,
        limit_bytes: int = _SMALL_REPLY_BYTES,
        auth: Any = httpx2.USE_CLIENT_DEFAULT,
        method: str = "GET",
    ) -> Reply:
        """One question with one answer, both within the given time."""
        wait_s = within_s or self._patience.silence_s
        try:
            async with asyncio.timeout(wait_s), self._open(path, within_s=wait_s, auth=auth, method=method) as response:
                return await _read_reply(response, limit_bytes)
        except TimeoutError as exc:
            raise PbxTimeout(host=self._address.host, port=self._address.port, seconds=wait_s) from exc

    @asynccontextmanager
    async def _open(
        self, path: str, *, within_s: float, auth: Any = httpx2.USE_CLIENT_DEFAULT, method: str = "GET"
    ) -> AsyncIterator[httpx2.Response]:
        """Ask on a new connection and hand over the answer as soon as its headers are there."""
        response = None
        try:
            response = await self._send(method, path, within_s, auth)
            try:
                yield response
            finally:
                await response.aclose()
        except httpx2.HTTPError as exc:
            self._addresses = ()
            connecting = isinstance(exc, httpx2.ConnectTimeout)
            raise failures.from_exception(
                exc,
                self._address,
                waited_s=self._patience.connect_s if connecting else within_s,
                is_answering=response is not None,
                certificate=await self._shown_certificate() if failures.is_about_certificate(exc) else None,
            ) from exc

    async def _send(self, method: str, path: str, within_s: float, auth: Any) -> httpx2.Response:
        """Try each address of the host in turn, as "localhost" and dual-stack names need it."""
        failed: httpx2.HTTPError | None = None
        for ip in await self.addresses():
            request = self._http.build_request(
                method,
                f"{self._scheme}://{_authority(ip, self._address.port)}{self._base}/{path}",
                timeout=httpx2.Timeout(within_s, connect=self._patience.connect_s),
                # We connect to the address that was checked; the name is for the certificate and the Host header.
                extensions={"sni_hostname": bare(self._address.host)},
            )
            try:
                return await self._http.send(request, stream=True, auth=auth)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as exc:
                failed = exc
        assert failed is not None
        raise failed

    def _context(self) -> ssl.SSLContext:
        if self._address.use_tls:
            return tls.build_context(self._address.pinned_certificate)
        # Never used, but the library would load the system's authorities for nothing.
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    async def _shown_certificate(self) -> tls.ServerCertificate | None:
        for ip in await self.addresses():
            try:
                return await tls.fetch_certificate(
                    ip,
                    self._address.port,
                    server_name=bare(self._address.host),
                    timeout_s=self._patience.connect_s,
                )
            except OSError:
                continue
        return None


def quote_name(name: str) -> str:
    """A recording's name as one segment of a path: every byte but the unreserved ones encoded, slashes too.

    Raises:
        RecordingMissing: no file can have this name.
    """
    if name in {".", ".."}:
        # The HTTP library would resolve these as folders.
        return name.replace(".", "%2E")
    try:
        return quote(name, safe="", errors="surrogateescape")
    except UnicodeEncodeError as exc:
        raise RecordingMissing() from exc


# ---- answers ----------------------------------------------------------------------------------------------------


async def _read_reply(response: httpx2.Response, limit_bytes: int) -> Reply:
    """Read an answer whole, or the beginning of it when it is not a 200.

    Raises:
        PbxReplyTooLarge: a 200 is larger than the limit.
    """
    is_good = response.status_code == 200
    limit = limit_bytes if is_good else _ERROR_BYTES
    too_large = PbxReplyTooLarge(limit_mb=max(1, limit // 1_000_000))
    if is_good and int(response.headers.get("content-length", 0)) > limit:
        raise too_large
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > limit:
            if is_good:
                raise too_large
            break
    return Reply(status=response.status_code, headers=response.headers, body=bytes(body))


def _announced_size(response: httpx2.Response, max_bytes: int) -> int:
    """The size of a recording, before its first byte."""
    if "content-length" not in response.headers:
        raise PbxReplyMalformed(detail="a recording without Content-Length")
    announced = int(response.headers["content-length"])
    if announced > max_bytes:
        raise RecordingTooLarge(size_mb=announced // 1_000_000, limit_mb=max_bytes // 1_000_000)
    return announced


def _authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL and in the Host header."""
    name = bare(host)
    if ":" in name:
        return f"[{name}]:{port}"
    return f"{name if name.isascii() else name.encode('idna').decode()}:{port}"
