"""This file is a PBX made of sockets: it speaks ARI as Asterisk does, keeps count, and fails on request.

The demo runs it instead of a real PBX, and the tests run it as one whose faults can be switched. It lives in a thread
with an event loop of its own, so that it answers whatever its user is busy with.
"""

import asyncio
import dataclasses
import secrets
import socket
import ssl
import struct
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aftercall.demo.answers import Answer, Exchange, Request, answer, head, page
from aftercall.demo.events import Listener, Switchboard
from aftercall.demo.faults import Delivery, Fault, broken, strikes
from aftercall.demo.live import LiveCall
from aftercall.demo.spool import BLOCK_SIZE, Spool, StoredFile

#: The longest request or header line Asterisk reads, its end included.
_LONGEST_LINE = 4095
_CHUNK = 65_536


@dataclass(frozen=True, kw_only=True)
class SeenRequest:
    """One request as it arrived and what it got."""

    method: str
    #: Raw, percent-encoded; with the query.
    target: str
    status: int


@dataclass(kw_only=True)
class _Breakage:
    fault: Fault
    recording: str | None
    times: int | None


class Simulator:
    """A PBX on 127.0.0.1, at a port of its own choice, from `start` to `stop` or inside `with` / `async with`.

    All methods may be called from any thread, before the start and while it runs.
    """

    def __init__(
        self,
        files: Iterable[StoredFile] = (),
        *,
        username: str = "aftercall",
        password: str | None = None,
        read_only: bool = True,
        version: str = "22.10.1",
        prefix: str = "",
        variables: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        keep_alive_s: float = 15.0,
        inactivity_s: float = 30.0,
        session_limit: int = 100,
        clock_ahead: timedelta = timedelta(),
    ) -> None:
        """Describe the PBX.

        Args:
            password: None for a random one.
            read_only: the user's setting in ari.conf; without it, HEAD is 405 instead of 403, and DELETE deletes.
            prefix: HTTP prefix of http.conf, without slashes.
            variables: dialplan globals; None for those of a FreePBX in its default state.
            tls: the context of the server side, None for plain HTTP.
            keep_alive_s: an idle connection is closed after this long.
            inactivity_s: half a request is refused after this long.
            session_limit: one connection more is closed without an answer.
            clock_ahead: how far its clock is ahead of the true one.
        """
        self.host = "127.0.0.1"
        self.port = 0
        self.username = username
        self.password = secrets.token_urlsafe(15) if password is None else password
        self.prefix = prefix
        self.use_tls = tls is not None
        #: How long the fault `slow` waits.
        self.slow_s = 1.0
        #: The latest requests, oldest first.
        self.requests: deque[SeenRequest] = deque(maxlen=10_000)
        #: All requests ever, by method: only GET may ever be in it.
        self.methods: Counter[str] = Counter()
        #: The most connections that were open at the same time.
        self.peak_sessions = 0
        self._exchange = Exchange(
            username=username,
            password=self.password,
            read_only=read_only,
            version=version,
            prefix=prefix,
            variables={"ASTSPOOLDIR": "/var/spool/asterisk"} if variables is None else variables,
            started_at=datetime.now(UTC),
        )
        self._spool = Spool()
        self._switchboard = Switchboard()
        self._is_frozen = False
        self._breakages: list[_Breakage] = []
        self._tls = tls
        self._keep_alive_s = keep_alive_s
        self._inactivity_s = inactivity_s
        self._session_limit = session_limit
        self._clock_ahead = clock_ahead
        self._sessions: set[asyncio.Task[None]] = set()
        self._growing: set[asyncio.Task[None]] = set()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._waiting_to_grow: list[StoredFile] = []
        for file in files:
            self.add(file)

    # ---- its life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Listen; `port` is known afterwards."""
        ready = threading.Event()
        failures: list[BaseException] = []
        self._thread = threading.Thread(target=self._live, args=(ready, failures), name="simulated-pbx", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            raise failures[0]

    def stop(self) -> None:
        """Close every connection and stop listening; calls that were growing stay as they are."""
        if self._thread is None:
            return
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._thread = self._loop = self._stopping = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.start)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    # ---- its recordings ---------------------------------------------------------------------------------------------

    def add(self, file: StoredFile) -> None:
        """Put a file into the recording folder; one that grows by itself does so while the simulator runs."""
        self._spool.add(file)
        if file.grows_bytes_per_s is None:
            return
        if self._loop is None:
            self._waiting_to_grow.append(file)
        else:
            self._loop.call_soon_threadsafe(self._let_grow, file)

    def add_recording(self, name: str, content: bytes, format: str = "wav", *, written: int | None = None) -> None:  # noqa: A002 (ARI's word)
        """Put a recording into the folder; with `written`, its call goes on and only so many bytes are there."""
        self.add(StoredFile(name=name, format=format, content=content, written=written))

    def append(self, name: str, size: int) -> None:
        """Let a recording in progress grow by `size` bytes."""
        self._spool.append(name, size)

    def finish(self, name: str) -> None:
        """Hang up a call in progress: the whole recording is there and its header is right."""
        self._spool.finish(name)

    def remove(self, name: str) -> None:
        """Delete a recording, as an administrator or a clean-up on the PBX would.

        Raises:
            KeyError: there is none of that name.
        """
        if not self._spool.remove(name):
            raise KeyError(name)

    def file(self, name: str) -> StoredFile | None:
        """The recording of that name as it stands, None if there is none."""
        return self._spool.find(name)

    def names(self) -> list[str]:
        """What the list shows now, in its order."""
        return [name for name, _ in self._spool.listed()]

    # ---- its calls --------------------------------------------------------------------------------------------------

    def call(
        self,
        name: str,
        content: bytes,
        *,
        caller: tuple[str, str] = ("Ada Example", "5550101"),
        connected: tuple[str, str] = ("", "200"),
        context: str = "from-trunk",
        exten: str = "5550100",
    ) -> LiveCall:
        """Let a call ring whose recording grows until it is hung up; everybody who listens is told.

        Args:
            name: of its recording; the uniqueid stands at its end.
            content: of the whole recording, a WAV.
            caller, connected: name and number.
        """
        file = StoredFile(name=name, format="wav", content=content, written=min(44, len(content)))
        self.add(file)
        call = LiveCall(
            publish=self.publish,
            file=file,
            path=f"{self._exchange.variables['ASTSPOOLDIR']}/monitor/{name}.wav",
            uniqueid=name.rpartition("-")[2],
            caller=caller,
            connected=connected,
            context=context,
            exten=exten,
            now=lambda: datetime.now(UTC) + self._clock_ahead,
        )
        call.ring()
        return call

    def publish(self, event: dict[str, Any]) -> None:
        """Tell everybody who listens of something."""
        self._in_loop(self._switchboard.publish, event)

    def emit(self, content: str | bytes, *, is_text: bool = True) -> None:
        """Send everybody who listens something that need not be an event; bytes go as they are, as text or not."""
        self._in_loop(self._switchboard.send, content, is_text)

    def drop_events(self) -> None:
        """Break every open line."""
        self._in_loop(self._switchboard.drop)

    def freeze_events(self, *, is_frozen: bool = True) -> None:
        """Answer nothing more on any open line, or on a new one."""
        self._is_frozen = is_frozen
        self._in_loop(self._freeze)

    @property
    def listeners(self) -> list[str]:
        """The applications that listen now."""
        return [listener.application for listener in self._switchboard.all()]

    def _freeze(self) -> None:
        for listener in self._switchboard.all():
            listener.is_silent = self._is_frozen

    def _in_loop(self, work: Callable[..., None], *arguments: Any) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(work, *arguments)

    # ---- its faults -------------------------------------------------------------------------------------------------

    def fail(self, fault: Fault | str, *, recording: str | None = None, times: int | None = None) -> None:
        """Break something from the next request on, besides what is broken already.

        Args:
            recording: strike only what is asked of this recording; None for all.
            times: heal after so many broken answers; None to stay broken until `mend`.
        """
        self._breakages.append(_Breakage(fault=Fault(fault), recording=recording, times=times))

    def mend(self) -> None:
        """Make everything work again."""
        self._breakages.clear()

    def count(self, method: str = "GET", *, ending: str = "") -> int:
        """How many of the latest requests used this method and a path that ends so."""
        seen = list(self.requests)
        return sum(one.method == method and one.target.partition("?")[0].endswith(ending) for one in seen)

    # ---- inside: the thread -----------------------------------------------------------------------------------------

    def _live(self, ready: threading.Event, failures: list[BaseException]) -> None:
        try:
            asyncio.run(self._serve(ready))
        except OSError as exc:
            failures.append(exc)
            ready.set()

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._accept, self.host, self.port, ssl=self._tls, limit=_LONGEST_LINE)
        self.port = server.sockets[0].getsockname()[1]
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        for file in self._waiting_to_grow:
            self._let_grow(file)
        self._waiting_to_grow.clear()
        ready.set()
        await self._stopping.wait()
        server.close()
        for task in (tasks := [*self._sessions, *self._growing]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    def _let_grow(self, file: StoredFile) -> None:
        task = asyncio.get_running_loop().create_task(self._grow(file))
        self._growing.add(task)
        task.add_done_callback(self._growing.discard)

    async def _grow(self, file: StoredFile) -> None:
        """Write block after block at the call's own pace, then hang up."""
        assert file.grows_bytes_per_s is not None
        while file.written is not None and file.written < len(file.content):
            await asyncio.sleep(min(BLOCK_SIZE, len(file.content) - file.written) / file.grows_bytes_per_s)
            file.written = min(file.written + BLOCK_SIZE, len(file.content))
        file.written = None

    # ---- inside: a connection ---------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            if len(self._sessions) <= self._session_limit:
                self.peak_sessions = max(self.peak_sessions, len(self._sessions))
                await self._converse(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the client has gone, or has said nothing for too long: Asterisk closes without a word, too
        finally:
            self._sessions.discard(task)
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after another until one side has enough."""
        while True:
            request = await self._read_request(reader)
            if isinstance(request, Answer):
                await self._send(writer, Delivery(answer=request))
                return
            delivery = await self._decide(request)
            status = 0 if delivery.is_silent else delivery.answer.status
            self.methods[request.method] += 1
            target = request.target.decode("utf-8", "backslashreplace")
            self.requests.append(SeenRequest(method=request.method, target=target, status=status))
            if delivery.answer.listens_as and not delivery.is_silent:
                await self._let_listen(request, delivery.answer, reader, writer)
                return
            await self._send(writer, delivery)
            if delivery.answer.closes or delivery.ending != "normal":
                return

    async def _let_listen(
        self, request: Request, given: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hold an open line to somebody who wants to hear the events, until one side has enough."""
        listener = Listener(given.listens_as, writer, hears_all=given.subscribes_to_all)
        if not listener.open(request):
            return
        listener.is_silent = self._is_frozen
        self._switchboard.add(listener)
        try:
            await listener.serve(reader)
        finally:
            self._switchboard.remove(listener)

    async def _decide(self, request: Request) -> Delivery:
        """The right answer, bent by the first fault that concerns it."""
        given = self._answer(request, self._exchange)
        for breakage in list(self._breakages):
            name = given.file.name if given.file else None
            if not strikes(breakage.fault, given.subject) or breakage.recording not in {None, name}:
                continue
            if breakage.times is not None:
                breakage.times -= 1
                if breakage.times <= 0:
                    self._breakages.remove(breakage)
            if breakage.fault is Fault.SLOW:
                await asyncio.sleep(self.slow_s)
            if breakage.fault is Fault.RECORDINGS_MODULE_MISSING:
                given = self._answer(request, dataclasses.replace(self._exchange, has_recordings_module=False))
            return broken(breakage.fault, given, self._exchange)
        return Delivery(answer=given)

    def _answer(self, request: Request, exchange: Exchange) -> Answer:
        given = answer(request, exchange, self._spool, datetime.now(UTC) + self._clock_ahead)
        return dataclasses.replace(given, closes=request.closes)

    async def _read_request(self, reader: asyncio.StreamReader) -> Request | Answer:
        """Read up to the blank line and past the body; an answer instead if it is no request.

        Raises:
            TimeoutError: not a byte came.
            IncompleteReadError: the client has closed.
        """
        first = await asyncio.wait_for(reader.readexactly(1), self._keep_alive_s)
        try:
            async with asyncio.timeout(self._inactivity_s):
                line = await _read_line(reader, first)
                if line is None:
                    return self._refused("Request line too long")
                words = line.split(b" ", 2)
                if len(words) < 2 or not words[1]:
                    return self._refused("Invalid Request")
                headers: dict[bytes, bytes] = {}
                while header := await _read_line(reader):
                    name, _, value = header.partition(b":")
                    headers[name.lower()] = value.strip()
                if header is None:
                    return self._refused("Header line too long")
                length = headers.get(b"content-length", b"0")
                if not length.isdigit():
                    return self._refused("Invalid Content-Length in request!")
                await reader.readexactly(int(length))
        except TimeoutError:
            return self._refused("Timeout")
        return Request(method=words[0].decode("latin-1").upper(), target=words[1], headers=headers)

    def _refused(self, text: str) -> Answer:
        return page(400, text, self._exchange.version, closes=True)

    async def _send(self, writer: asyncio.StreamWriter, delivery: Delivery) -> None:
        """Put an answer on the wire; a file that grows meanwhile is sent to its new end, as Asterisk does."""
        if delivery.is_silent:
            return
        given = delivery.answer
        length = len(given.body) if given.file is None else given.file.size
        announced = length if delivery.announced is None else delivery.announced
        writer.write(head(given, version=self._exchange.version, now=datetime.now(UTC), length=announced))
        await _send_body(writer, given, delivery, length)
        sent = length
        while delivery.is_padded and sent < announced:
            writer.write(bytes(_CHUNK))
            await writer.drain()
            sent += _CHUNK
        writer.write(delivery.surplus)
        await writer.drain()
        if delivery.ending == "stall":
            await asyncio.Event().wait()
        if delivery.ending == "reset":
            _reset(writer)


async def _send_body(writer: asyncio.StreamWriter, given: Answer, delivery: Delivery, length: int) -> None:
    if given.file is None:
        writer.write(given.body[: int(length * delivery.share)])
        return
    stop = int(length * delivery.share) if delivery.share < 1 else None
    offset = 0
    while chunk := given.file.read(offset, _CHUNK if stop is None else min(_CHUNK, stop - offset)):
        writer.write(chunk)
        await writer.drain()
        offset += len(chunk)


async def _read_line(reader: asyncio.StreamReader, first: bytes = b"") -> bytes | None:
    """One line without its end; None if it is longer than Asterisk reads."""
    if first == b"\n":
        return b""
    try:
        line = first + await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError:
        return None
    return None if len(line) > _LONGEST_LINE else line.rstrip(b"\r\n")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Let the close that follows send RST instead of FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
