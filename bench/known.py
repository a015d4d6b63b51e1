"""This file measures a sync of 10,000 recordings that are all known, against the bare list request."""

import subprocess
from datetime import UTC, datetime

from lab.asterisk import Lab

from aftercall import wiring
from aftercall.jobs.clients import PbxClients
from aftercall.jobs.loop import LoopThread
from aftercall.jobs.pool import Workers
from aftercall.store import syncs
from bench import house as bench_house
from bench.figures import Figure, paired, seconds

COUNT = 10_000


def measure(lab: Lab) -> list[Figure]:
    lab.clear()
    lab.seed(COUNT, days=200)
    curl = ["curl", "-s", "-o", "/dev/null", "-u", f"{lab.username}:{lab.password}"]
    curl.append(f"http://{lab.host}:{lab.port}/ari/recordings/stored")
    with bench_house.house() as made:
        pbx_id = bench_house.connect(made, lab)
        network = LoopThread()
        steps = wiring.the_walk(made, PbxClients(made.engine, made.vault, network), Workers(1))

        def sync() -> None:
            with made.engine.begin() as db:
                sync_id, _ = syncs.ask(db, pbx_id, "user", datetime.now(UTC))
            steps.list_recordings(sync_id)

        first_s = seconds(sync)
        ours_s, bare_s, ratio = paired(
            lambda: seconds(sync),
            lambda: seconds(lambda: subprocess.run(curl, check=True)),
            runs=9,
        )
        steps.clients.close()
        network.close()
    return [
        Figure(
            what=f"Sync of {COUNT:,} known recordings (Asterisk {lab.release})",
            baseline="one curl of the list, its process start included",
            value=ratio,
            unit="x",
            limit=1.5,
            detail=f"ours {ours_s * 1000:.0f} ms, bare list {bare_s * 1000:.0f} ms; the first sync, which stores "
            f"all of them, {first_s:.2f} s",
        )
    ]
