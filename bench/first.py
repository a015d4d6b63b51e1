"""This file measures how fast 1,000 small recordings come home, against four loops of curl side by side."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from lab.asterisk import Lab

from aftercall import wiring
from aftercall.store.tables import recording
from bench import house as bench_house
from bench.figures import Figure

COUNT = 1_000
RUNS = 3


def measure(lab: Lab) -> Iterator[Figure]:
    lab.clear()
    names = lab.seed(COUNT, days=20)
    rates = [(_curl_rate(lab, names), _our_rate(lab)) for _ in range(RUNS)]
    ratios = sorted(ours / bare for bare, ours in rates)
    bare, ours = (sorted(each)[RUNS // 2] for each in zip(*rates, strict=True))
    yield Figure(
        what=f"First sync of {COUNT:,} small recordings up to fetched (Asterisk {lab.release})",
        baseline="4 parallel loops of curl, one process a file",
        value=100 * ratios[RUNS // 2],
        unit="%",
        limit=60,
        is_floor=True,
        detail=f"ours {ours:.0f} a second (list, plan, jobs, archive and database included, the analysis beside it), "
        f"curl {bare:.0f} a second",
    )


def _curl_rate(lab: Lab, names: list[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:

        def loop(share: list[str], number: int) -> None:
            lines = [
                f'curl -s -u "{lab.username}:{lab.password}" -o {folder}/{number} '
                f"http://{lab.host}:{lab.port}/ari/recordings/stored/{quote(name, safe='')}/file"
                for name in share
            ]
            script = Path(folder) / f"{number}.sh"
            script.write_text("\n".join(lines))
            subprocess.run(["sh", str(script)], check=True)

        threads = [threading.Thread(target=loop, args=(names[number::4], number)) for number in range(4)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(names) / (time.perf_counter() - began)


def _our_rate(lab: Lab) -> float:
    with bench_house.house() as made:
        pbx_id = bench_house.connect(made, lab)
        with wiring.at_work(made, with_schedule=False):
            began = time.perf_counter()
            made.control.sync(pbx_id, asked_by="user")

            def fetched() -> bool:
                with made.engine.connect() as db:
                    count = db.scalar(
                        sa.select(sa.func.count()).select_from(recording).where(recording.c.archive_key.is_not(None))
                    )
                return count == COUNT

            bench_house.until(fetched)
            return COUNT / (time.perf_counter() - began)


if __name__ == "__main__":
    sys.exit("run: make bench")
