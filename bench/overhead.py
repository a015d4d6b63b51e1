"""This file measures what the durable jobs cost per call, with steps that do nothing."""

import tempfile
import time
from pathlib import Path

from aftercall.jobs.engine import Job, JobEngine
from aftercall.model import Stage
from aftercall.store import database
from bench.figures import Figure
from bench.house import until

COUNT = 400


class Nothing:
    """Steps that only count."""

    def __init__(self) -> None:
        self.ended = 0

    def list_recordings(self, sync_id: str) -> None: ...

    def hand_out(self, sync_id: str) -> None: ...

    def fetch(self, subjects: list[tuple[str, int]]) -> None:
        self.jobs.enqueue([Job(queue="analyse", subjects=tuple(subjects), priority=5)])

    def run_stage(self, stage: Stage, call_id: str, attempt: int) -> bool:
        self.ended += stage is Stage.INDEX
        return True

    jobs: JobEngine


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        engine = database.make_engine(Path(folder) / "jobs.db", is_durable=True)
        walk = Nothing()
        walk.jobs = JobEngine(engine)
        walk.jobs.launch(walk, analyse_concurrency=32)
        time.sleep(1.5)  # the queues are noticed once a second
        began, cpu_began = time.perf_counter(), time.process_time()
        walk.jobs.enqueue(Job(queue="fetch", subjects=((f"c{index}", 1),), priority=5) for index in range(COUNT))
        until(lambda: walk.ended == COUNT)
        wall_ms = (time.perf_counter() - began) * 1000 / COUNT
        cpu_ms = (time.process_time() - cpu_began) * 1000 / COUNT
        walk.jobs.close()
        engine.dispose()
    return [
        Figure(
            what=f"Job overhead per call over {COUNT} calls (a fetch job, an analyse job, 5 durable steps)",
            baseline="steps that do nothing",
            value=wall_ms,
            unit="ms",
            limit=25,
            detail=f"{cpu_ms:.1f} ms of CPU a call",
        )
    ]
