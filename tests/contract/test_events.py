"""This file holds what listening relies on, run over the demo's simulator and every real Asterisk of the lab."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from lab.asterisk import Lab
from tests.fixtures.house import noise

from aftercall import errors
from aftercall.demo.live import LiveCall
from aftercall.demo.simulator import Simulator
from aftercall.jobs.loop import LoopThread
from aftercall.model import PbxAddress
from aftercall.pbx import names
from aftercall.pbx.ari import AriClient
from aftercall.pbx.events import Connected, EventPatience, Heard, Lost, Signal, listen, try_events
from aftercall.pbx.heard import HeardCall
from aftercall.recordings import header

pytestmark = pytest.mark.anyio

PATIENCE = EventPatience(connect_s=2, ping_every_s=0.5, pong_s=1.5, shortest_wait_s=0.1, longest_wait_s=0.5)
CALLER = ("Ada Example", "5550101234")


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One PBX, real or not, and what may happen to it."""

    address: PbxAddress
    #: Where its recordings lie, as its events name them.
    folder: str
    #: Lets so many calls from outside ring 200 and be answered there; their recordings as listed.
    begin: Callable[[int], list[str]]
    hang_up: Callable[[], None]
    #: Between the two it is not there at all.
    kill: Callable[[], None]
    restart: Callable[[], None]
    #: Between the two it is there and does nothing.
    freeze: Callable[[], None]
    thaw: Callable[[], None]


class Ear:
    """What one listener has heard so far."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []
        self._news = asyncio.Event()

    def take(self, news: Signal) -> None:
        self.signals.append(news)
        self._news.set()

    async def until(self, condition: Callable[[], bool], within_s: float = 60) -> None:
        async with asyncio.timeout(within_s):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def count(self, kind: type[Signal]) -> int:
        return sum(isinstance(each, kind) for each in self.signals)

    @property
    def is_connected(self) -> bool:
        return next(
            (isinstance(each, Connected) for each in reversed(self.signals) if not isinstance(each, Heard)), False
        )

    @property
    def calls(self) -> dict[str, HeardCall]:
        """The newest of each call."""
        return {each.call.recording: each.call for each in self.signals if isinstance(each, Heard)}

    @property
    def over(self) -> list[str]:
        return sorted(name for name, call in self.calls.items() if call.ended_at)

    @property
    def losses(self) -> list[str]:
        return [each.error.code for each in self.signals if isinstance(each, Lost)]


@asynccontextmanager
async def listening(exchange: Exchange, application: str = "contract") -> AsyncIterator[Ear]:
    """An ear at the PBX, from the open line on."""
    ear = Ear()
    task = asyncio.create_task(_hear(exchange, ear, PATIENCE, application))
    try:
        await ear.until(lambda: ear.is_connected)
        yield ear
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class EveryExchange:
    """The contract; a subclass gives the `exchange`."""

    async def test_a_call_is_told_from_its_first_ring_to_its_end(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear:
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await ear.until(lambda: name in ear.calls and ear.calls[name].answered_at is not None)
            assert ear.calls[name].ended_at is None
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: ear.over == [name])
        call = ear.calls[name]
        assert (call.caller_name, call.caller_number) == CALLER
        assert (call.connected_number, call.did, call.context) == ("200", "200", "from-trunk")
        assert (call.hangup_cause, call.hangup_text, call.transfers) == (16, "Normal Clearing", ())
        assert call.is_heard_from_start
        assert call.answered_at is not None
        assert call.ended_at is not None
        assert call.started_at <= call.recording_began_at <= call.answered_at <= call.ended_at
        assert call.ring_s == pytest.approx((call.answered_at - call.started_at).total_seconds(), abs=0.001)

    async def test_events_and_list_name_a_recording_and_its_format_alike(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear, AriClient(exchange.address) as client:
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await ear.until(lambda: name in ear.calls)
            listed = await client.recordings()
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: ear.over == [name])
        assert {name: call.format for name, call in ear.calls.items()} == listed
        assert names.parse(name).uniqueid == ear.calls[name].uniqueid

    async def test_when_the_end_is_told_the_recording_is_whole_at_once_or_very_soon(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear, AriClient(exchange.address) as client:
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await ear.until(lambda: name in ear.calls and ear.calls[name].answered_at is not None)
            assert await _is_growing(client, name)
            ending = asyncio.create_task(asyncio.to_thread(exchange.hang_up))
            await ear.until(lambda: ear.over == [name])
            async with asyncio.timeout(10):
                # MixMonitor closes the file in a thread of its own.
                while await _is_growing(client, name):
                    await asyncio.sleep(0.05)
            await ending

    async def test_its_times_are_of_the_same_clock_as_its_ping(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear, AriClient(exchange.address) as client:
            skew = await client.clock_skew()
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await ear.until(lambda: name in ear.calls)
            heard = next(each for each in ear.signals if isinstance(each, Heard))
            await asyncio.to_thread(exchange.hang_up)
        assert abs(heard.received_at + skew - heard.call.started_at) < timedelta(seconds=10)

    async def test_twenty_calls_that_end_together_are_all_told_of_once(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear:
            begun = await asyncio.to_thread(exchange.begin, 20)
            await ear.until(lambda: len(ear.calls) == 20)
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: len(ear.over) == 20)
        assert ear.over == sorted(begun)
        ends = [each.call.recording for each in ear.signals if isinstance(each, Heard) and each.call.ended_at]
        assert len(ends) == 20
        assert ear.losses == []

    async def test_one_who_comes_in_the_middle_of_a_call_makes_nothing_up(self, exchange: Exchange) -> None:
        (early,) = await asyncio.to_thread(exchange.begin, 1)
        async with listening(exchange) as ear:
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: ear.over == [name])
        assert early not in ear.calls

    async def test_when_it_is_killed_and_comes_back_it_is_heard_again(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear:
            exchange.kill()
            await ear.until(lambda: "pbx-connection-refused" in ear.losses)
            assert not ear.is_connected
            exchange.restart()
            await ear.until(lambda: ear.is_connected)
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: ear.over == [name])
        assert set(ear.losses) <= {
            "pbx-dropped", "pbx-connection-refused", "pbx-closed-silently", "pbx-ari-off", "pbx-busy",
        }  # fmt: skip

    async def test_when_it_freezes_its_silence_is_noticed(self, exchange: Exchange) -> None:
        async with listening(exchange) as ear:
            exchange.freeze()
            try:
                await ear.until(lambda: bool(ear.losses))
            finally:
                exchange.thaw()
            await ear.until(lambda: ear.is_connected)
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await asyncio.to_thread(exchange.hang_up)
            await ear.until(lambda: ear.over == [name])

    async def test_of_two_listeners_under_one_name_the_newer_hears_and_the_older_is_told(
        self, exchange: Exchange
    ) -> None:
        async with listening(exchange) as older, listening(exchange) as newer:
            await older.until(lambda: older.losses == ["pbx-events-taken"])
            lost = older.signals[-1]
            assert isinstance(lost, Lost)
            assert lost.retry_in_s == PATIENCE.long_wait_s
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await asyncio.to_thread(exchange.hang_up)
            await newer.until(lambda: newer.over == [name])
        assert older.calls == {}
        assert newer.losses == []

    async def test_listeners_under_two_names_hear_the_same(self, exchange: Exchange) -> None:
        async with listening(exchange, "one") as one, listening(exchange, "two") as two:
            await try_events(exchange.address, application="three", patience=PATIENCE)
            (name,) = await asyncio.to_thread(exchange.begin, 1)
            await asyncio.to_thread(exchange.hang_up)
            await one.until(lambda: one.over == [name])
            await two.until(lambda: two.over == [name])
        assert (one.calls, one.losses, two.losses) == (two.calls, [], [])

    async def test_a_wrong_password_ends_the_listening(self, exchange: Exchange) -> None:
        signals = listen(
            replace(exchange.address, password="wrong"), application="contract", folders=[], patience=PATIENCE
        )
        async with asyncio.timeout(10), aclosing(signals):
            with pytest.raises(errors.PbxSignInRefused):
                await anext(signals)


async def _is_growing(client: AriClient, name: str) -> bool:
    got = await client.download(name, io.BytesIO(), max_bytes=10_000_000)
    return bool(header.is_growing(got.head, got.size_bytes, "wav"))


class TestSimulator(EveryExchange):
    @pytest.fixture
    def pbx(self) -> Iterator[Simulator]:
        with Simulator() as pbx:
            yield pbx

    @pytest.fixture
    def exchange(self, pbx: Simulator) -> Exchange:
        going_on: list[LiveCall] = []
        began = iter(range(1, 1000))

        def begin(count: int) -> list[str]:
            calls = [
                pbx.call(
                    f"2026/11/23/external-200-{CALLER[1]}-20261123-124745-1795438065.{next(began)}",
                    noise(1),
                    caller=CALLER,
                    exten="200",
                )
                for _ in range(count)
            ]
            for call in calls:
                call.answer()
            going_on.extend(calls)
            return [call.file.name for call in calls]

        def hang_up() -> None:
            while going_on:
                going_on.pop().hang_up()

        return Exchange(
            address=PbxAddress(host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password),
            folder="/var/spool/asterisk/monitor",
            begin=begin,
            hang_up=hang_up,
            kill=pbx.stop,
            restart=pbx.start,
            freeze=pbx.freeze_events,
            thaw=lambda: pbx.freeze_events(is_frozen=False),
        )

    async def test_a_refused_sign_in_is_asked_for_once(self, exchange: Exchange, pbx: Simulator) -> None:
        await self.test_a_wrong_password_ends_the_listening(exchange)
        assert len(pbx.requests) == 1

    async def test_only_get_is_ever_sent(self, exchange: Exchange, pbx: Simulator) -> None:
        await self.test_when_it_is_killed_and_comes_back_it_is_heard_again(exchange)
        assert set(pbx.methods) == {"GET"}


@pytest.mark.pbx
class TestAsterisk(EveryExchange):
    @pytest.fixture
    def exchange(self, pbx: Lab) -> Exchange:
        def send(number: signal.Signals) -> None:
            assert pbx.pid is not None
            os.kill(pbx.pid, number)

        return Exchange(
            address=address_of(pbx),
            folder=str(pbx.monitor),
            begin=lambda count: pbx.call(frm=CALLER[1], caller_name=CALLER[0], tail_s=60, count=count, wait=False),
            hang_up=pbx.hang_up,
            kill=pbx.kill,
            restart=pbx.restart,
            freeze=lambda: send(signal.SIGSTOP),
            thaw=lambda: send(signal.SIGCONT),
        )

    async def test_its_certificate_is_refused_until_it_is_pinned(self, exchange: Exchange, pbx: Lab) -> None:
        over_tls = address_of(pbx, port=pbx.tls_port, use_tls=True)
        with pytest.raises(errors.PbxCertificateUntrusted) as refused:
            await try_events(over_tls, application="contract", patience=PATIENCE)
        assert ":" in refused.value.facts["sha256"]
        pinned = replace(over_tls, pinned_certificate=pbx.certificate_pem)
        await self.test_a_call_is_told_from_its_first_ring_to_its_end(replace(exchange, address=pinned))

    def test_while_it_starts_nothing_it_answers_ends_the_listening(self, exchange: Exchange, pbx: Lab) -> None:
        # As fast as can be, so that each of its answers on the way is met: refused, no ARI, not booted.
        hurried = replace(PATIENCE, shortest_wait_s=0.005, longest_wait_s=0.01, long_wait_s=0.01)
        # The Asterisk ends with the thread that starts it; so this one starts it and another one listens.
        network, ear = LoopThread(), Ear()
        pbx.kill()
        listening_on = asyncio.run_coroutine_threadsafe(_hear(exchange, ear, hurried), network.loop)
        try:
            pbx.restart()
            network.run(ear.until(lambda: ear.is_connected or listening_on.done()))
        finally:
            listening_on.cancel()
            network.close()
        assert ear.is_connected
        assert "pbx-connection-refused" in ear.losses


async def _hear(exchange: Exchange, ear: Ear, patience: EventPatience, application: str = "contract") -> None:
    signals = listen(exchange.address, application=application, folders=[exchange.folder], patience=patience)
    async with aclosing(signals):
        async for news in signals:
            ear.take(news)


def address_of(pbx: Lab, **changes: Any) -> PbxAddress:
    facts = {"host": pbx.host, "port": pbx.port, "username": pbx.username, "password": pbx.password}
    return PbxAddress(**{**facts, **changes})
