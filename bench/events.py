"""This file measures how soon calls are here after the hang-up, forty at once; and what listening costs."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime

from lab.asterisk import Lab
from websockets.asyncio.server import ServerConnection, serve

from aftercall import wiring
from aftercall.jobs.loop import LoopThread
from aftercall.model import PbxAddress
from aftercall.pbx.events import Lost, listen
from aftercall.pbx.heard import Tracker
from aftercall.store import health, pbxs
from aftercall.store.health import Lag
from bench import house as bench_house
from bench.figures import Figure

CALLS = 40
EVENTS = 50_000
FOLDERS = ("/var/spool/asterisk/monitor",)


def measure(lab: Lab) -> Iterator[Figure]:
    lab.clear()
    with bench_house.house() as made:
        pbx_id = bench_house.connect(made, lab)
        with wiring.at_work(made, with_schedule=False, with_events=True):

            def lags() -> health.Lags:
                with made.engine.connect() as db:
                    return health.lags(db, pbx_id, since=datetime(2020, 1, 1, tzinfo=UTC))

            def hears() -> bool:
                with made.engine.connect() as db:
                    pbx = pbxs.get(db, pbx_id)
                return pbx is not None and pbx.events_state == "connected"

            bench_house.until(hears)
            lab.call(count=CALLS, tail_s=120, wait=False)
            time.sleep(6)
            lab.hang_up()
            bench_house.until(lambda: lags().fetched.count == CALLS)
            found = lags()
    yield _figure("listed", found.listed, 1, lab.release)
    yield _figure("fetched", found.fetched, 3, lab.release)
    yield _listening()


def _figure(what: str, lag: Lag, limit: float, release: str) -> Figure:
    assert lag.p50_s is not None
    assert lag.p95_s is not None
    return Figure(
        what=f"Hang-up -> {what}, p95 of {CALLS} calls that end together (Asterisk {release})",
        baseline="none: an absolute figure; Asterisk plays both ends of every call on the same two cores",
        value=lag.p95_s,
        unit="s",
        limit=limit,
        detail=f"p50 {lag.p50_s:.2f} s, the analysis beside it",
    )


def _listening() -> Figure:
    """The share of one core that 5,000 events a second take, seven in a hundred of them worth reading."""
    texts = _events(EVENTS)
    tracker = Tracker(FOLDERS)
    began = time.process_time()
    for text in texts:
        tracker.feed(text)
    telling_s = time.process_time() - began
    whole_s = asyncio.run(_listen_to(texts))
    return Figure(
        what="5,000 events a second: what hearing them takes of one core",
        baseline="one core",
        value=100 * whole_s / EVENTS * 5000,
        unit="%",
        limit=25,
        detail=f"{EVENTS:,} events as a real Asterisk writes them, over a websocket; telling calls from them alone "
        f"{100 * telling_s / EVENTS * 5000:.1f} %",
    )


async def _listen_to(texts: Sequence[str]) -> float:
    """The CPU time, in seconds, in which our listener takes in all of these; who sends them lives in another thread."""
    network = LoopThread()
    talking: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    here = asyncio.get_running_loop()

    async def talk(line: ServerConnection) -> None:
        for text in texts:
            await line.send(text)
        await line.send('{"type":"ApplicationReplaced"}')
        await line.wait_closed()

    async def open_door() -> None:
        async with serve(talk, "127.0.0.1", 0, compression=None) as server:
            here.call_soon_threadsafe(talking.set_result, server.sockets[0].getsockname()[1])
            await server.serve_forever()

    door = asyncio.run_coroutine_threadsafe(open_door(), network.loop)
    try:
        address = PbxAddress(host="127.0.0.1", port=await talking, username="bench", password="bench")
        began = time.thread_time()
        async with aclosing(listen(address, application="bench", folders=FOLDERS)) as signals:
            async for each in signals:
                if isinstance(each, Lost):
                    assert each.error.code == "pbx-events-taken"
                    break
        return time.thread_time() - began
    finally:
        door.cancel()
        network.close()


def _events(count: int) -> list[str]:
    channel = {
        "id": "1795438065.1", "name": "PJSIP/trunk-00000001", "state": "Up", "protocol_id": "a" * 40,
        "caller": {"name": "Ada Example", "number": "5550101"}, "connected": {"name": "", "number": "200"},
        "accountcode": "", "dialplan": {"context": "from-trunk", "exten": "200", "priority": 4, "app_name": "Dial",
        "app_data": "x" * 80}, "creationtime": "2026-11-23T12:47:45.731+0000", "language": "en",
    }  # fmt: skip
    rest = {"timestamp": "2026-11-23T12:47:46.000+0000", "channel": channel, "asterisk_id": "02:00", "application": "x"}

    def written(event: object) -> str:
        return json.dumps(event, separators=(",", ":"))

    dull = written({"variable": "RTPAUDIOQOS", "value": "ssrc=1;lost=0", "type": "ChannelVarset", **rest})
    telling = written({"type": "Dial", "dialstatus": "", "caller": channel, "peer": channel, **rest})
    return [telling if index % 14 == 0 else dull for index in range(count)]
