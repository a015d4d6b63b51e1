"""This file measures a PBX with 300,000 recordings that are all known but ten: CPU, memory, and how soon those come."""

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import sqlalchemy as sa
from lab.asterisk import Lab
from lab.recordings import silence

from aftercall import wiring
from aftercall.jobs.clients import PbxClients
from aftercall.jobs.loop import LoopThread
from aftercall.jobs.pool import Workers
from aftercall.jobs.steps import Steps
from aftercall.model import CallState
from aftercall.store import syncs
from aftercall.store.tables import call, recording
from aftercall.wiring import House
from bench import house as bench_house
from bench.figures import Figure

COUNT, NEW = 300_000, 10


def measure(lab: Lab) -> Iterator[Figure]:
    lab.clear()
    lab.seed(COUNT, days=1500)
    size_mb, parse_s = _parse(lab)
    with bench_house.house() as made:
        pbx_id = bench_house.connect(made, lab)
        with _steps(made) as steps:
            _list(made, steps, pbx_id)
        _mark_known(made)
        gc.collect()
        with _steps(made) as steps:
            idle_mb = _rss_mb()
            with _peak() as peak:
                whole_s = _cpu_s(lambda: _list(made, steps, pbx_id))
            _add_new(lab)
            again_s = _cpu_s(lambda: _list(made, steps, pbx_id))
        yield Figure(
            what=f"CPU of a sync of {COUNT:,} known recordings and {NEW} new ones (Asterisk {lab.release})",
            baseline="orjson parsing the same list, all its bytes at hand",
            value=again_s / parse_s,
            unit="x",
            limit=2,
            detail=f"ours {again_s * 1000:.0f} ms, {size_mb:.0f} MB received included; orjson {parse_s * 1000:.0f} ms; "
            f"the first sync after a start reads it whole: {whole_s * 1000:.0f} ms ({whole_s / parse_s:.1f} x)",
        )
        yield Figure(
            what="Memory of the first such sync after a start, at its peak, above idle",
            baseline="none: an absolute figure",
            value=max(peak) - idle_mb,
            unit="MB RSS",
            limit=150,
        )
        _forget_new(made)
        yield _first_of_new(made, pbx_id)


def _parse(lab: Lab) -> tuple[float, float]:
    """How large the list is (MB), and how long the fastest common parser takes for it (CPU seconds)."""
    body = lab.request("/ari/recordings/stored")[1]
    return len(body) / 1e6, min(_cpu_s(lambda: orjson.loads(body)) for _ in range(5))


def _list(made: House, steps: Steps, pbx_id: str) -> None:
    with made.engine.begin() as db:
        sync_id, _ = syncs.ask(db, pbx_id, "user", datetime.now(UTC))
    steps.list_recordings(sync_id)


def _first_of_new(made: House, pbx_id: str) -> Figure:
    fetched = sa.select(sa.func.min(recording.c.fetched_at)).where(recording.c.sha256.is_not(None))
    with wiring.at_work(made, with_schedule=False):
        sync_id = made.control.sync(pbx_id, asked_by="user")

        def first_at() -> datetime | None:
            with made.engine.connect() as db:
                return db.scalar(fetched)

        bench_house.until(lambda: first_at() is not None)
        with made.engine.connect() as db:
            sync = syncs.get(db, sync_id)
    first = first_at()
    assert first is not None
    assert sync is not None
    assert sync.started_at is not None
    arrived_at = sync.started_at + timedelta(seconds=sync.list_s or 0)
    return Figure(
        what=f"The first of the {NEW} new recordings is at home after the list has arrived",
        baseline="none: an absolute figure",
        value=(first - arrived_at).total_seconds(),
        unit="s",
        limit=1,
        detail=f"the first list after a start, read whole; Asterisk took {sync.list_s:.1f} s for it",
    )


@contextmanager
def _steps(made: House) -> Iterator[Steps]:
    network = LoopThread()
    clients = PbxClients(made.engine, made.vault, network)
    yield wiring.the_walk(made, clients, Workers(1))
    clients.close()
    network.close()


def _mark_known(made: House) -> None:
    """As if all had come home long ago."""
    with made.engine.begin() as db:
        db.execute(call.update().values(state=CallState.DONE))
        db.execute(recording.update().values(archive_key="known"))


def _add_new(lab: Lab) -> None:
    now = datetime.now().replace(microsecond=0)  # noqa: DTZ005 (names hold local time)
    folder = lab.monitor / f"{now:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(NEW):
        stem = f"external-{300 + index}-5550123-{now:%Y%m%d-%H%M%S}-{int(now.timestamp())}.9{index}"
        (folder / f"{stem}.wav").write_bytes(silence(1))


def _forget_new(made: House) -> None:
    with made.engine.begin() as db:
        db.execute(call.delete().where(call.c.state == CallState.FOUND))


def _cpu_s(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _peak() -> Iterator[list[float]]:
    seen, done = [_rss_mb()], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            seen.append(_rss_mb())

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    done.set()
    thread.join()
