"""This file sends a simulated PBX's events: one websocket per application name, as Asterisk has it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request as Handshake
from websockets.server import ServerProtocol

from aftercall.demo.answers import Request

#: A listener that does not read gets no more than this.
_MOST_WAITING = 20_000


class Listener:
    """One open websocket."""

    def __init__(self, application: str, writer: asyncio.StreamWriter, *, hears_all: bool) -> None:
        self.application = application
        self.hears_all = hears_all
        self._writer = writer
        self._protocol = ServerProtocol()
        #: It takes everything in and answers nothing, as a PBX that is frozen does.
        self.is_silent = False

    def open(self, request: Request) -> bool:
        """Answer the handshake; False if it was refused."""
        lines = [b"%s: %s" % header for header in request.headers.items()]
        raw = b"\r\n".join([b"GET %s HTTP/1.1" % request.target, *lines, b"", b""])
        self._protocol.receive_data(raw)
        (handshake,) = self._protocol.events_received()
        assert isinstance(handshake, Handshake)
        response = self._protocol.accept(handshake)
        self._protocol.send_response(response)
        self._flush()
        return response.status_code == 101

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Answer pings until the listener has gone."""
        while data := await reader.read(65_536):
            if self.is_silent:
                continue
            try:
                self._protocol.receive_data(data)
            except ProtocolError:
                return
            frames = self._protocol.events_received()
            self._flush()
            if any(isinstance(frame, Frame) and frame.opcode is Opcode.CLOSE for frame in frames):
                return

    def send(self, content: str | bytes, is_text: bool = True) -> None:
        """Send one message, which need not make sense; nothing on a line that is closing."""
        if self._writer.is_closing() or self.is_silent:
            return
        if self._writer.transport.get_write_buffer_size() > _MOST_WAITING * 1000:
            self._writer.transport.abort()
            return
        raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
        (self._protocol.send_text if is_text else self._protocol.send_binary)(raw)
        self._flush()

    def drop(self) -> None:
        """End without a word."""
        self._writer.transport.abort()

    def _flush(self) -> None:
        for piece in self._protocol.data_to_send():
            if piece:
                self._writer.write(piece)


class Switchboard:
    """The listeners of a PBX; for use within its event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, Listener] = {}

    def add(self, listener: Listener) -> None:
        """Let somebody listen; who listened under that name hears that it is over, and nothing more."""
        replaced = self._listeners.get(listener.application)
        self._listeners[listener.application] = listener
        if replaced is not None:
            gone = {"type": "ApplicationReplaced", "timestamp": stamp(datetime.now(UTC))}
            replaced.send(json.dumps(gone | {"application": listener.application, "asterisk_id": "02:00:00:00:00:01"}))

    def remove(self, listener: Listener) -> None:
        if self._listeners.get(listener.application) is listener:
            del self._listeners[listener.application]

    def publish(self, event: dict[str, Any]) -> None:
        """Tell everybody who asked for everything."""
        for listener in [each for each in self._listeners.values() if each.hears_all]:
            about = {"asterisk_id": "02:00:00:00:00:01", "application": listener.application}
            listener.send(json.dumps(event | about, ensure_ascii=False))

    def send(self, content: str | bytes, is_text: bool) -> None:
        """Send everybody one message, whatever it is."""
        for listener in self.all():
            listener.send(content, is_text)

    def drop(self) -> None:
        """Break every line."""
        for listener in self.all():
            listener.drop()

    def all(self) -> list[Listener]:
        return list(self._listeners.values())


def stamp(at: datetime) -> str:
    """A time as Asterisk writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
