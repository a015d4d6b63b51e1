"""The simulated PBX's events, heard by our own listener."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import pytest
from tests.fixtures.house import noise
from websockets.asyncio.client import ClientConnection, connect

from aftercall.errors import PbxSignInRefused
from aftercall.model import PbxAddress
from aftercall.pbx.events import Connected, EventPatience, Heard, Lost, Signal, listen, try_events
from aftercall.testing import Simulator

pytestmark = pytest.mark.anyio

NAME = "2026/11/23/external-200-5550101-20261123-124745-1795438065.1"
PATIENCE = EventPatience(connect_s=3, ping_every_s=0.2, pong_s=0.3, shortest_wait_s=0.05, longest_wait_s=0.2)


def address_of(pbx: Simulator, **changes: object) -> PbxAddress:
    facts = {"host": pbx.host, "port": pbx.port, "username": pbx.username, "password": pbx.password}
    return PbxAddress(**{**facts, **changes})  # type: ignore[arg-type]


@pytest.fixture
async def signals(simulator: Simulator) -> AsyncIterator[AsyncGenerator[Signal, None]]:
    """What a listener hears, from the open line on."""
    listening = listen(
        address_of(simulator), application="test", folders=["/var/spool/asterisk/monitor"], patience=PATIENCE
    )
    async with asyncio.timeout(20), aclosing(listening):
        assert isinstance(await anext(listening), Connected)
        yield listening


async def test_a_call_is_heard_from_its_ring_to_its_end(
    simulator: Simulator, signals: AsyncGenerator[Signal, None]
) -> None:
    call = simulator.call(NAME, noise(1), connected=("Support", "200"))
    begun = await anext(signals)
    assert isinstance(begun, Heard)
    assert (begun.call.recording, begun.call.did) == (NAME, "5550100")
    assert simulator.names() == [NAME]
    call.answer()
    answered = await anext(signals)
    call.transfer("203")
    moved = await anext(signals)
    call.hang_up()
    over = await anext(signals)
    assert isinstance(answered, Heard)
    assert isinstance(moved, Heard)
    assert isinstance(over, Heard)
    assert answered.call.answered_at is not None
    assert [each.to for each in moved.call.transfers] == ["203"]
    assert (over.call.hangup_cause, over.call.caller_name) == (16, "Ada Example")
    file = simulator.file(NAME)
    assert file is not None
    assert file.size == len(noise(1))


async def test_rubbish_is_passed_over(simulator: Simulator, signals: AsyncGenerator[Signal, None]) -> None:
    for content in ("", "{", '"Dial"', b"\xff\x00", '{"type":"ChannelDestroyed"}'):
        simulator.emit(content)
    simulator.emit(b"\xff\x00", is_text=False)
    simulator.call(NAME, noise(0.1))
    assert isinstance(await anext(signals), Heard)


async def test_a_dropped_line_is_opened_again(simulator: Simulator, signals: AsyncGenerator[Signal, None]) -> None:
    simulator.drop_events()
    assert isinstance(await anext(signals), Lost)
    assert isinstance(await anext(signals), Connected)


async def test_a_frozen_pbx_is_noticed(simulator: Simulator, signals: AsyncGenerator[Signal, None]) -> None:
    simulator.freeze_events()
    lost = await anext(signals)
    assert isinstance(lost, Lost)
    simulator.freeze_events(is_frozen=False)


async def test_a_second_listener_of_the_same_name_takes_over(
    simulator: Simulator, signals: AsyncGenerator[Signal, None]
) -> None:
    await try_events(address_of(simulator), application="another", patience=PATIENCE)
    await try_events(address_of(simulator), application="test", patience=PATIENCE)
    lost = await anext(signals)
    assert isinstance(lost, Lost)
    assert lost.error.code == "pbx-events-taken"


async def test_a_wrong_password_opens_no_line(simulator: Simulator) -> None:
    with pytest.raises(PbxSignInRefused):
        await try_events(address_of(simulator, password="wrong"), application="test", patience=PATIENCE)
    assert simulator.listeners == []


async def test_without_subscribe_all_nothing_is_told(simulator: Simulator) -> None:
    line = await _open(simulator, "/ari/events?app=quiet")
    everything = await _open(simulator, "/ari/events?app=all&subscribeAll=true")
    simulator.call(NAME, noise(0.1))
    assert '"type": "ChannelCreated"' in str(await everything.recv())
    # What comes first on the quiet line is what everybody gets.
    simulator.emit("hello")
    assert await line.recv() == "hello"
    await line.close()
    await everything.close()


async def _open(simulator: Simulator, path: str) -> ClientConnection:
    key = base64.b64encode(f"{simulator.username}:{simulator.password}".encode()).decode()
    uri = f"ws://{simulator.host}:{simulator.port}{path}"
    return await connect(uri, additional_headers={"Authorization": f"Basic {key}"}, proxy=None)


UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade")
KEY, VERSION = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13"


@pytest.mark.parametrize(
    ("query", "headers", "status", "said"),
    [
        (b"?app=x", (), 426, b"<h1>Upgrade Required</h1>"),
        (b"?subscribeAll=true", (*UPGRADE, KEY, VERSION), 400, b"HTTP request is missing param: [app]"),
        (b"?app=x", (*UPGRADE, VERSION), 400, b"Sec-WebSocket-Version: 7, 8, 13"),
        (b"?app=x", (*UPGRADE, KEY, b"Sec-WebSocket-Version: 12"), 400, b"Sec-WebSocket-Version: 7, 8, 13"),
        (b"?app=x", (*UPGRADE, KEY, VERSION), 101, b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ],
)
async def test_a_request_is_answered_as_asterisk_does(
    simulator: Simulator, query: bytes, headers: tuple[bytes, ...], status: int, said: bytes
) -> None:
    key = base64.b64encode(f"{simulator.username}:{simulator.password}".encode())
    lines = [b"GET /ari/events%s HTTP/1.1" % query, b"Host: pbx", b"Authorization: Basic " + key, *headers, b"", b""]
    reader, writer = await asyncio.open_connection(simulator.host, simulator.port)
    writer.write(b"\r\n".join(lines))
    answer = await reader.readuntil(b"\r\n\r\n")
    if b"Content-type" in answer:
        answer += await reader.readuntil(b"</html>")
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert said in answer
