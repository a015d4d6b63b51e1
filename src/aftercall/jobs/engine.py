"""This file is the only one that knows DBOS: durable jobs that survive a kill at any moment.

Five queues: `sync` (one list per PBX), `fetch` (the network), `backlog` (the same for old recordings, so that new ones
never wait behind them), `analyse` (the CPU), `generate` (a language model, one call at a time). The bodies of the
workflows only call steps, and a step may run twice: see `steps.py`.
"""

import itertools
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions

from aftercall.model import Stage

#: Rows of another version are never picked up, so this stays as it is for ever; a workflow body that must change
#: does so behind DBOS.patch().
APPLICATION_VERSION = "1"

Queue = Literal["sync", "fetch", "backlog", "analyse", "generate"]

#: A person's wish comes before everything, then the newest call.
ASKED_BY_USER = 1
#: Behind every call.
LAST = 2**31 - 1

#: Downloads at a time are limited per PBX where they happen; the queue only has to keep that many busy.
FETCH_CONCURRENCY = 48
#: The same for jobs of old recordings, so that one PBX which ails does not hold up another's past.
BACKLOG_CONCURRENCY = 48
#: Jobs put on a queue in one transaction: few enough that nobody waits for the lock.
PORTION = 200
POLL_S: dict[Queue, float] = {"sync": 0.2, "fetch": 0.2, "backlog": 0.2, "analyse": 0.5, "generate": 0.5}


def priority(started_at: datetime, *, is_asked_by_user: bool) -> int:
    """Smaller comes first: a user's request, then newest calls first."""
    if is_asked_by_user:
        return ASKED_BY_USER
    return max(2, LAST - int(started_at.timestamp()) // 60)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One piece of work to put on a queue."""

    queue: Queue
    #: The sync's or the call's id and which attempt this is; several only for fetch jobs of a large backlog.
    subjects: tuple[tuple[str, int], ...]
    priority: int
    #: Where to begin, for analyse jobs.
    first_stage: Stage = Stage.DECODE
    delay_s: float = 0
    #: What to do, where it is not what the queue is named for: `again` on `analyse`; `replace`, `renew`, `generate` and
    #: `categorise` on `sync`.
    other_workflow: str = ""

    @property
    def id(self) -> str:
        """The same job is put on the queue only once, ever."""
        subject, attempt = self.subjects[0]
        return _job_id(self.workflow, subject, attempt)

    @property
    def workflow(self) -> str:
        """What is done; old recordings are fetched as new ones are, only on a queue of their own."""
        return self.other_workflow or ("fetch" if self.queue == "backlog" else self.queue)


def _job_id(queue: str, subject: str, attempt: int) -> str:
    return f"{queue}:{subject}:{attempt}"


class Walk(Protocol):
    """The steps, as the workflows below call them; every one may be called twice and must not mind."""

    def list_recordings(self, sync_id: str) -> None: ...

    def hand_out(self, sync_id: str) -> None: ...

    def fetch(self, subjects: list[tuple[str, int]]) -> None: ...

    def run_stage(self, stage: Stage, call_id: str, attempt: int) -> bool:
        """Run one stage of the analysis; False ends the walk."""
        ...

    def transcribe_again(self, rerun_id: str, call_id: str) -> None: ...

    def replace_transcripts(self, rerun_id: str) -> None: ...

    def renew(self, renewal_id: str) -> None: ...

    def generate(self, call_id: str, attempt: int) -> None: ...

    def categorise(self, run_id: str) -> None: ...


class _Walker:
    """Where the running process keeps its steps: workflows are registered before the parts are built."""

    walk: Walk | None = None


def _walk() -> Walk:
    if _Walker.walk is None:
        raise RuntimeError("the job engine was not launched")
    return _Walker.walk


@DBOS.workflow(name="sync")
def _sync(sync_id: str) -> None:
    DBOS.run_step({"name": "list"}, _walk().list_recordings, sync_id)
    DBOS.run_step({"name": "hand out"}, _walk().hand_out, sync_id)


@DBOS.workflow(name="fetch", max_recovery_attempts=100)
def _fetch(subjects: list[tuple[str, int]]) -> None:
    DBOS.run_step({"name": "fetch"}, _walk().fetch, subjects)


@DBOS.workflow(name="analyse", max_recovery_attempts=100)
def _analyse(call_id: str, attempt: int, first_stage: str) -> None:
    stages = list(Stage)
    for stage in stages[stages.index(Stage(first_stage)) :]:
        if not DBOS.run_step({"name": stage.value}, _walk().run_stage, stage, call_id, attempt):
            return


@DBOS.workflow(name="again", max_recovery_attempts=100)
def _again(rerun_id: str, call_id: str) -> None:
    DBOS.run_step({"name": "transcribe again"}, _walk().transcribe_again, rerun_id, call_id)


@DBOS.workflow(name="replace", max_recovery_attempts=100)
def _replace(rerun_id: str) -> None:
    DBOS.run_step({"name": "replace"}, _walk().replace_transcripts, rerun_id)


@DBOS.workflow(name="renew", max_recovery_attempts=100)
def _renew(renewal_id: str) -> None:
    DBOS.run_step({"name": "analyse again"}, _walk().renew, renewal_id)


@DBOS.workflow(name="generate", max_recovery_attempts=100)
def _generate(call_id: str, attempt: int) -> None:
    DBOS.run_step({"name": "generate"}, _walk().generate, call_id, attempt)


@DBOS.workflow(name="categorise", max_recovery_attempts=100)
def _categorise(run_id: str) -> None:
    DBOS.run_step({"name": "categorise"}, _walk().categorise, run_id)


def _options(job: Job) -> EnqueueOptions:
    options: EnqueueOptions = {
        "workflow_name": job.workflow,
        "queue_name": job.queue,
        "workflow_id": job.id,
        "priority": job.priority,
        "app_version": APPLICATION_VERSION,
    }
    if job.delay_s > 0:
        options["delay_seconds"] = job.delay_s
    return options


def _arguments(job: Job) -> tuple[object, ...]:
    subject, attempt = job.subjects[0]
    match job.workflow:
        case "fetch":
            return (list(job.subjects),)
        case "analyse":
            return (subject, attempt, job.first_stage.value)
        case "generate":
            return (subject, attempt)
        case "again":
            return tuple(subject.split(":"))
    return (subject,)


class JobEngine:
    """Puts jobs on the queues and, once launched, works them off.

    Without `launch` it only enqueues and cancels, for a process beside the one that works.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._client: DBOSClient | None = None
        self._client_lock = threading.Lock()
        self._is_launched = False

    def launch(self, walk: Walk, *, analyse_concurrency: int) -> None:
        """Make the tables if need be, recover what was cut off, and begin to work."""
        # In a thread of its own: the library refuses to be launched where an event loop runs, whoever's that is.
        with ThreadPoolExecutor(1, thread_name_prefix="launch") as aside:
            aside.submit(self._launch, walk, analyse_concurrency).result()

    def _launch(self, walk: Walk, analyse_concurrency: int) -> None:
        _Walker.walk = walk
        _quieten()
        config = DBOSConfig(
            name="aftercall",
            system_database_url=str(self._engine.url),
            system_database_engine=self._engine,
            executor_id="embedded",
            application_version=APPLICATION_VERSION,
            log_level="WARNING",
            max_executor_threads=FETCH_CONCURRENCY + BACKLOG_CONCURRENCY + analyse_concurrency + 8,
            scheduler_polling_interval_sec=3600.0,
        )
        DBOS(config=config)
        DBOS.launch()
        concurrency: dict[Queue, int] = {
            "sync": 4,
            "fetch": FETCH_CONCURRENCY,
            "backlog": BACKLOG_CONCURRENCY,
            "analyse": analyse_concurrency,
            "generate": 1,
        }
        for queue, at_once in concurrency.items():
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once,
                polling_interval_sec=POLL_S[queue],
                on_conflict="always_update",
            )
        self._is_launched = True

    def close(self) -> None:
        """Stop taking jobs; those cut off go on at the next launch."""
        if self._is_launched:
            DBOS.destroy(workflow_completion_timeout_sec=2)
            self._is_launched = False
            _Walker.walk = None
        if self._client:
            self._client.destroy()
            self._client = None

    def enqueue(self, jobs: Iterable[Job]) -> None:
        """Put jobs on their queues; a job that was ever put there before is left alone."""
        client = self._get_client()
        waiting = iter(jobs)
        while portion := list(itertools.islice(waiting, PORTION)):
            with self._engine.begin() as db:
                for job in portion:
                    client.enqueue_in_transaction(db, _options(job), *_arguments(job))

    def waiting_ids(self) -> set[str]:
        """The ids of all jobs that are queued, delayed or running; each call of a fetch job counts as one."""
        found = self._get_client().list_workflows(status=["ENQUEUED", "PENDING", "DELAYED"], load_output=False)
        ids = {each.workflow_id for each in found}
        for each in found:
            if each.name == "fetch" and each.input:
                ids |= {_job_id("fetch", subject, attempt) for subject, attempt in each.input["args"][0]}
        return ids

    def forget_ended(self, before: datetime) -> int:
        """Delete the records of jobs that ended before then; returns how many."""
        client = self._get_client()
        ended = client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=before.isoformat(),
            load_input=False,
            load_output=False,
            limit=1000,
        )
        if ended:
            client.delete_workflows([each.workflow_id for each in ended])
        return len(ended)

    def _get_client(self) -> DBOSClient:
        with self._client_lock:
            if self._client is None:
                # Nobody may have worked in this data folder yet: asking for work must be possible all the same.
                if not self._is_launched and not sa.inspect(self._engine).has_table("workflow_status"):
                    DBOS.migrate(self._engine.url.render_as_string(hide_password=False))
                self._client = DBOSClient(system_database_engine=self._engine, application_name="aftercall")
            return self._client


class _NoCancelTraces(logging.Filter):
    """A cancelled job is no error, though DBOS logs it as one with its whole trace."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "AwaitedWorkflowCancelled" not in record.getMessage()


def _quieten() -> None:
    logger = logging.getLogger("dbos")
    if not any(isinstance(each, _NoCancelTraces) for each in logger.filters):
        logger.addFilter(_NoCancelTraces())
