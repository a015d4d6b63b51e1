"""This file measures how soon calls are here after the hang-up, forty at once; and what listening costs."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from lab.asterisk import Lab

from aftercall import wiring
from aftercall.pbx.heard import Tracker
from aftercall.store import health, pbxs
from aftercall.store.health import Lag
from bench import house as bench_house
from bench.figures import Figure

CALLS = 40
EVENTS = 50_000


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
    channel = {
        "id": "1795438065.1", "name": "PJSIP/trunk-00000001", "state": "Up", "protocol_id": "a" * 40,
        "caller": {"name": "Ada Example", "number": "5550101"}, "connected": {"name": "", "number": "200"},
        "accountcode": "", "dialplan": {"context": "from-trunk", "exten": "200", "priority": 4, "app_name": "Set",
        "app_data": "x" * 80}, "creationtime": "2026-11-23T12:47:45.731+0000", "language": "en",
    }  # fmt: skip
    rest = {"timestamp": "2026-11-23T12:47:46.000+0000", "channel": channel, "asterisk_id": "02:00", "application": "x"}
    dull = json.dumps({"variable": "RTPAUDIOQOS", "value": "ssrc=1;lost=0", "type": "ChannelVarset", **rest})
    telling = json.dumps({"type": "Dial", "dialstatus": "", "caller": channel, "peer": channel, **rest})
    tracker = Tracker(["/var/spool/asterisk/monitor"])
    began = time.process_time()
    for index in range(EVENTS):
        tracker.feed(telling if index % 14 == 0 else dull)
    share = (time.process_time() - began) / EVENTS * 5000
    return Figure(
        what="5,000 events a second: what telling calls from them takes of one core",
        baseline="one core",
        value=100 * share,
        unit="%",
        limit=25,
        detail=f"{EVENTS:,} events as a real Asterisk writes them, the websocket itself not included",
    )
