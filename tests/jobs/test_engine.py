"""The job engine over a real job database, with steps that only write down that they were called."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aftercall.jobs.engine import Job, JobEngine, priority
from aftercall.jobs.shutdown import ShuttingDown
from aftercall.model import Stage
from aftercall.store import database

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Notes:
    """Steps that write down their calls, and may be told to hold or fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_shutting_down = False
        self.ends_at: Stage | None = None

    def _note(self, step: str, subject: str) -> None:
        if self.is_shutting_down:
            raise ShuttingDown()
        self.gate.wait(10)
        self.calls.append((step, subject))

    def list_recordings(self, sync_id: str) -> None:
        self._note("list", sync_id)

    def hand_out(self, sync_id: str) -> None:
        self._note("hand out", sync_id)

    def fetch(self, subjects: list[tuple[str, int]]) -> None:
        for call_id, attempt in subjects:
            self._note("fetch", f"{call_id}:{attempt}")

    def run_stage(self, stage: Stage, call_id: str, attempt: int) -> bool:
        self._note(stage.value, f"{call_id}:{attempt}")
        return stage is not self.ends_at


@pytest.fixture
def make_engine(tmp_path: Path) -> Iterator[Callable[[], JobEngine]]:
    made: list[tuple[JobEngine, object]] = []

    def make() -> JobEngine:
        engine = database.make_engine(tmp_path / "jobs.db", is_durable=True)
        jobs = JobEngine(engine)
        made.append((jobs, engine))
        return jobs

    yield make
    for jobs, engine in made:
        jobs.close()
        engine.dispose()


def _until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def _job(subject: str, *, attempt: int = 1, queue: str = "fetch", first: int = 5, **more: object) -> Job:
    return Job(queue=queue, subjects=((subject, attempt),), priority=first, **more)


def test_a_sync_lists_and_then_hands_out(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("s1", queue="sync", attempt=0)])
    _until(lambda: len(notes.calls) == 2)
    assert notes.calls == [("list", "s1"), ("hand out", "s1")]


def test_the_analysis_walks_the_stages_in_order_from_where_it_is_told(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("c", queue="analyse", first_stage=Stage.TRANSCRIBE)])
    _until(lambda: len(notes.calls) == 3)
    assert [step for step, _ in notes.calls] == ["transcribe", "analyse", "index"]


def test_a_stage_that_fails_ends_the_walk(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    notes.ends_at = Stage.TRANSCRIBE
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("c", queue="analyse"), _job("later", queue="analyse", first=9)])
    _until(lambda: ("transcribe", "later:1") in notes.calls)
    assert ("analyse", "c:1") not in notes.calls


def test_the_same_job_put_on_the_queue_three_times_runs_once(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("c"), _job("c")])
    _until(lambda: len(notes.calls) == 1)
    jobs.enqueue([_job("c"), _job("d")])
    _until(lambda: len(notes.calls) == 2)
    assert notes.calls == [("fetch", "c:1"), ("fetch", "d:1")]


def test_another_attempt_is_another_job(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("c", attempt=1)])
    _until(lambda: len(notes.calls) == 1)
    jobs.enqueue([_job("c", attempt=2)])
    _until(lambda: len(notes.calls) == 2)


def test_a_users_wish_comes_first_and_then_the_newest_call(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    notes.ends_at = Stage.DECODE
    ages = {"old": timedelta(days=300), "new": timedelta(0), "middle": timedelta(days=1)}
    jobs.launch(notes, analyse_concurrency=1)
    notes.gate.clear()
    jobs.enqueue([_job("running", queue="analyse", first=1)])
    time.sleep(1.2)
    jobs.enqueue(
        _job(name, queue="analyse", first=priority(NOW - age, is_asked_by_user=False)) for name, age in ages.items()
    )
    jobs.enqueue([_job("wish", queue="analyse", first=priority(NOW - timedelta(days=999), is_asked_by_user=True))])
    notes.gate.set()
    _until(lambda: len(notes.calls) == 5)
    assert [subject for _, subject in notes.calls] == ["running:1", "wish:1", "new:1", "middle:1", "old:1"]


def test_a_delayed_job_waits(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("later", delay_s=2.0), _job("now")])
    _until(lambda: ("fetch", "now:1") in notes.calls)
    assert ("fetch", "later:1") not in notes.calls
    assert "fetch:later:1" in jobs.waiting_ids()
    _until(lambda: ("fetch", "later:1") in notes.calls)


def test_work_cut_off_by_the_shutdown_goes_on_at_the_next_start(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    notes.is_shutting_down = True
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("c")])
    time.sleep(1)
    assert jobs.waiting_ids() == {"fetch:c:1"}
    jobs.close()
    again, jobs = Notes(), make_engine()
    jobs.launch(again, analyse_concurrency=1)
    _until(lambda: again.calls == [("fetch", "c:1")])


def test_jobs_of_an_earlier_release_still_run(make_engine: Callable[[], JobEngine]) -> None:
    """The job library keeps to its own version by default, and after an upgrade old jobs would wait for ever."""
    first = make_engine()
    first.launch(Notes(), analyse_concurrency=1)
    first.close()
    make_engine().enqueue([_job("from before")])
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    _until(lambda: notes.calls == [("fetch", "from before:1")])


def test_a_process_beside_the_working_one_may_enqueue(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    make_engine().enqueue([_job("from outside")])
    _until(lambda: notes.calls == [("fetch", "from outside:1")])


def test_ended_jobs_are_forgotten_and_waiting_ones_are_not(make_engine: Callable[[], JobEngine]) -> None:
    notes, jobs = Notes(), make_engine()
    jobs.launch(notes, analyse_concurrency=1)
    jobs.enqueue([_job("done"), _job("waits", delay_s=60)])
    _until(lambda: jobs.waiting_ids() == {"fetch:waits:1"} and len(notes.calls) == 1)
    assert jobs.forget_ended(datetime.now(UTC) + timedelta(seconds=5)) == 1
    assert jobs.waiting_ids() == {"fetch:waits:1"}


def test_the_job_database_is_in_wal_mode_and_survives_a_power_cut(tmp_path: Path) -> None:
    """The job library alone leaves SQLite in its slow mode; FULL loses no committed step."""
    engine = database.make_engine(tmp_path / "jobs.db", is_durable=True)
    with engine.connect() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    engine.dispose()


def test_the_job_engine_opens_no_connection_and_prints_no_advert(tmp_path: Path) -> None:
    program = f"""
import socket
def refuse(*_): raise SystemExit("a connection was opened")
socket.socket.connect = refuse
from pathlib import Path
from aftercall.jobs.engine import JobEngine
from aftercall.store import database
jobs = JobEngine(database.make_engine(Path({str(tmp_path / "jobs.db")!r}), is_durable=True))
jobs.launch(None, analyse_concurrency=1)
jobs.close()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_it_can_be_launched_from_within_an_event_loop(make_engine: Callable[[], JobEngine]) -> None:
    import asyncio

    notes, jobs = Notes(), make_engine()

    async def launch() -> None:
        jobs.launch(notes, analyse_concurrency=1)
        jobs.enqueue([_job("c")])

    thread = threading.Thread(target=asyncio.run, args=(launch(),))  # a loop may run in this one already
    thread.start()
    thread.join()
    _until(lambda: notes.calls == [("fetch", "c:1")])
