"""This file listens to the PBXs' events, so that calls show while they go on and come home as they end.

Events are the speed, the list is the truth: whatever is missed while nobody listens comes with the next list. One task
per PBX lives on the network thread; a supervisor starts and ends them as the settings change. What was heard is written
in batches, so that forty calls that end together cost one transaction.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError, PbxError, Retry, Unexpected
from aftercall.jobs.control import JobControl
from aftercall.jobs.engine import Job, JobEngine
from aftercall.jobs.loop import LoopThread
from aftercall.jobs.steps import fetch_job, lag_s, utc_now
from aftercall.model import CallState, Disposition, PbxAddress, RecordingName
from aftercall.pbx import names
from aftercall.pbx.ari import AriClient
from aftercall.pbx.events import Connected, Heard, HeardCall, Lost, Signal, listen
from aftercall.recordings import filters
from aftercall.store import calls, cdrs, choices, pbxs, recordings
from aftercall.store.calls import NewCall
from aftercall.store.pbxs import Pbx
from aftercall.store.vault import Vault

_log = log.get("events")

#: How often to look whether other PBXs want to be heard.
LOOK_EVERY_S = 1.0
#: A call in progress is left alone for so long; then a list looks at it, should its end have been missed.
LOOK_AFTER = timedelta(minutes=30)
#: After a gap the next list comes at once, if the PBX makes one within this time.
QUICK_LIST_S = 2.0
#: The hang-up cause of a busy line (Q.850).
BUSY_CAUSE = 17
_APPLICATION = "events application"


@dataclass(kw_only=True)
class _Ear:
    """The task that listens to one PBX."""

    #: As the PBX and our name were when the task began; if either changes it needs another task.
    pbx_id: str
    changed_at: datetime
    application: str
    task: asyncio.Task[None]


@dataclass(kw_only=True)
class _Line:
    """What the task of one PBX keeps."""

    pbx_id: str
    heard: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    #: How far the PBX's clock is ahead of ours.
    skew: timedelta = timedelta()
    was_lost: bool = False


class Hearing:
    """Starts and ends the listeners; `start` and `close` may be called from any thread."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        network: LoopThread,
        jobs: JobEngine,
        control: JobControl,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._network = network
        self._jobs = jobs
        self._control = control
        self._clock = clock
        self._ears: dict[str, _Ear] = {}
        self._supervisor: Future[None] | None = None

    def start(self) -> None:
        with self._engine.begin() as db:
            # Whoever listened before has gone without a word.
            for pbx in pbxs.all_pbxs(db):
                pbxs.record_events(db, pbx.id, None, self._clock())
        self._supervisor = asyncio.run_coroutine_threadsafe(self._supervise(), self._network.loop)

    def close(self) -> None:
        """Stop listening; what was heard before is written first."""
        if self._supervisor is None:
            return
        self._supervisor.cancel()
        self._network.run(self._end_all())
        self._supervisor = None

    # ---- who is to be heard ---------------------------------------------------------------------------------

    async def _supervise(self) -> None:
        while True:
            try:
                found, application = await asyncio.to_thread(self._wanted)
                wanted = {pbx.id: pbx for pbx in found}
                for ear in list(self._ears.values()):
                    pbx = wanted.get(ear.pbx_id)
                    is_same = pbx is not None and (pbx.changed_at, application) == (ear.changed_at, ear.application)
                    if not is_same or ear.task.done():
                        await self._end(ear, is_wanted=pbx is not None)
                for pbx in wanted.values():
                    if pbx.id not in self._ears:
                        task = asyncio.create_task(self._attend(pbx, application))
                        self._ears[pbx.id] = _Ear(
                            pbx_id=pbx.id, changed_at=pbx.changed_at, application=application, task=task
                        )
            except (AppError, sa.exc.SQLAlchemyError):
                _log.warning("could not look whom to listen to", exc_info=True)
            await asyncio.sleep(LOOK_EVERY_S)

    def _wanted(self) -> tuple[list[Pbx], str]:
        """The PBXs that are to be heard, and the name under which."""
        with self._engine.connect() as db:
            found = [pbx for pbx in pbxs.all_pbxs(db) if pbx.is_enabled and pbx.hears_events and pbx.blocked_by is None]
            application = application_name(db)
        if application is None:
            with self._engine.begin() as db:
                application = rename(db)
        return found, application

    async def _end(self, ear: _Ear, *, is_wanted: bool) -> None:
        ear.task.cancel()
        with suppress(asyncio.CancelledError):
            await ear.task
        self._ears.pop(ear.pbx_id, None)
        if not is_wanted:
            await asyncio.to_thread(self._note, ear.pbx_id, None)

    async def _end_all(self) -> None:
        for ear in list(self._ears.values()):
            await self._end(ear, is_wanted=False)

    # ---- one PBX --------------------------------------------------------------------------------------------

    async def _attend(self, pbx: Pbx, application: str) -> None:
        """Listen until cancelled; an error only a person can mend stops everything we ask of this PBX."""
        line = _Line(pbx_id=pbx.id)
        writer = asyncio.create_task(self._write_on(line))
        try:
            address = await asyncio.to_thread(self._address, pbx.id)
            await self._follow(line, address, application)
        except AppError as error:
            _log.warning("events refused", pbx_id=pbx.id, code=error.code)
            await asyncio.to_thread(self._note, pbx.id, error)
            if error.retry is Retry.SETTINGS:
                await asyncio.to_thread(self._block, pbx.id, error)
            else:
                await asyncio.sleep(60)
        except Exception as exc:  # noqa: BLE001 (the edge: an ear that dies is put back by the supervisor)
            _log.exception("listening failed unexpectedly", pbx_id=pbx.id)
            await asyncio.to_thread(self._note, pbx.id, Unexpected(kind=type(exc).__name__))
            await asyncio.sleep(60)
        finally:
            await line.heard.join()
            writer.cancel()

    async def _follow(self, line: _Line, address: PbxAddress, application: str) -> None:
        async with AriClient(address) as client:
            folders = await self._folders(line, client)
            async with aclosing(listen(address, application=application, folders=folders)) as signals:
                async for signal in signals:
                    await self._take(line, client, signal)

    async def _take(self, line: _Line, client: AriClient, signal: Signal) -> None:
        match signal:
            case Heard():
                line.heard.put_nowait(signal)
            case Connected():
                with suppress(PbxError):
                    line.skew = await client.clock_skew()
                await asyncio.to_thread(self._connected, line)
            case Lost():
                line.was_lost = True
                await asyncio.to_thread(self._note, line.pbx_id, signal.error)

    async def _folders(self, line: _Line, client: AriClient) -> Sequence[str]:
        """Where recordings are written, as the PBX's events name it; asked until the PBX answers."""
        wait_s = 1.0
        while True:
            try:
                link, kept_in = await client.recording_folders()
            except PbxError as error:
                if error.retry is Retry.SETTINGS:
                    raise
                await asyncio.to_thread(self._note, line.pbx_id, error)
                line.was_lost = True
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 60.0)
            else:
                return kept_in, f"{link.removesuffix('/recording')}/monitor", link

    async def _write_on(self, line: _Line) -> None:
        """Write what was heard, everything that has come meanwhile at once."""
        while True:
            batch = [await line.heard.get()]
            while not line.heard.empty():
                batch.append(line.heard.get_nowait())
            try:
                await asyncio.to_thread(self._store, line, [each.call for each in batch])
            except (AppError, sa.exc.SQLAlchemyError):
                # The next list brings these calls all the same.
                _log.warning("what was heard could not be stored", pbx_id=line.pbx_id, exc_info=True)
            except Exception:  # noqa: BLE001 (the edge: one call nobody foresaw must not silence all that follow)
                _log.exception("what was heard could not be stored", pbx_id=line.pbx_id)
            finally:
                for _ in batch:
                    line.heard.task_done()

    # ---- what is written ------------------------------------------------------------------------------------

    def _store(self, line: _Line, heard: Sequence[HeardCall]) -> None:
        """Bring the calls up to date, and send for the recordings of those that are over."""
        # Of several news about one call only the last counts.
        newest = list({each.recording: each for each in heard}.values())
        jobs: list[Job] = []
        with self._engine.begin() as db:
            pbx = pbxs.get(db, line.pbx_id)
            if pbx is None:
                return
            for each in newest:
                name = names.placed(names.parse(each.recording), pbx.zone)
                if filters.why_skipped(name, pbx.filters):
                    continue
                now = self._clock()
                calls.add_found(db, [_new_call(pbx.id, each, name, now, line.skew)])
                call_id = calls.call_id(pbx.id, each.recording)
                calls.record_facts(db, call_id, now, **_facts(each))
                if each.ended_at is None:
                    self._begin_of(db, call_id)
                    continue
                if job := self._end_of(db, call_id, each, line.skew):
                    jobs.append(job)
                # The records may have been quicker than the event.
                cdrs.join_new(db, pbx.id, [call_id], now)
        self._jobs.enqueue(jobs)

    def _begin_of(self, db: sa.Connection, call_id: str) -> None:
        file = recordings.get(db, call_id)
        if file is not None and file.state is CallState.IN_PROGRESS:
            recordings.record_next_try(db, call_id, self._clock() + LOOK_AFTER)

    def _end_of(self, db: sa.Connection, call_id: str, heard: HeardCall, skew: timedelta) -> Job | None:
        """Keep when a call ended; the job that fetches its recording, unless it is home already."""
        assert heard.ended_at is not None
        over_at, now = heard.ended_at - skew, self._clock()
        file = recordings.get(db, call_id)
        if file is None:
            return None
        calls.record_lag(db, call_id, over_at=over_at, listed_after_s=lag_s(over_at, now))
        if file.archive_key is not None:
            if file.fetched_at is None or file.fetched_at >= over_at:
                return None
            # It was appended to after it had come home: a parked or transferred call goes on in the same file.
            recordings.forget_file(db, call_id)
        attempt = recordings.count_attempt(db, call_id)
        calls.set_state(db, call_id, CallState.FOUND, now)
        return fetch_job(file, attempt)

    def _connected(self, line: _Line) -> None:
        now = self._clock()
        with self._engine.begin() as db:
            pbxs.record_events(db, line.pbx_id, "connected", now)
            pbx = pbxs.get(db, line.pbx_id)
        _log.info("hearing the events", pbx_id=line.pbx_id)
        if line.was_lost and pbx is not None and (pbx.last_list_s or 0) <= QUICK_LIST_S:
            # Calls may have begun and ended meanwhile.
            self._control.sync(line.pbx_id, asked_by="schedule")
        line.was_lost = False

    def _note(self, pbx_id: str, error: AppError | None) -> None:
        """Write down that the line is lost, or that nobody listens any more; the next list looks at what went on."""
        now = self._clock()
        with self._engine.begin() as db:
            pbxs.record_events(db, pbx_id, "lost" if error else None, now, error)
            recordings.look_soon(db, pbx_id, now)

    def _block(self, pbx_id: str, error: AppError) -> None:
        with self._engine.begin() as db:
            pbxs.block(db, pbx_id, error.code)

    def _address(self, pbx_id: str) -> PbxAddress:
        with self._engine.begin() as db:
            address = pbxs.address(db, pbx_id, self._vault)
            if address is not None:
                pbxs.record_events(db, pbx_id, "connecting", self._clock())
        if address is None:
            raise Unexpected(kind="a PBX without an address")
        return address


def application_name(db: sa.Connection) -> str | None:
    """The name under which this installation listens to every PBX; None before the first time."""
    name = choices.get(db, _APPLICATION)
    return None if name is None else str(name)


def rename(db: sa.Connection) -> str:
    """Take a new name: of two installations under one name, each would take the events from the other."""
    name = f"aftercall-{secrets.token_hex(4)}"
    choices.put(db, _APPLICATION, name)
    return name


def _new_call(pbx_id: str, heard: HeardCall, name: RecordingName, now: datetime, skew: timedelta) -> NewCall:
    return NewCall(
        pbx_id=pbx_id,
        name=name,
        listed_format=heard.format,
        first_seen_at=now,
        sync_id=None,
        clock_skew_s=skew.total_seconds(),
        state=CallState.IN_PROGRESS,
    )


def _facts(heard: HeardCall) -> dict[str, object]:
    """The columns of a call that its events tell."""
    return {
        "caller_name": heard.caller_name,
        "callee_name": heard.connected_name,
        "did": heard.did,
        "context": heard.context,
        "answered_at": heard.answered_at,
        "hung_up_at": heard.ended_at,
        "ring_s": heard.ring_s,
        "hangup_cause": heard.hangup_cause,
        "hangup_text": heard.hangup_text,
        "disposition": _disposition(heard) if heard.ended_at else None,
        "transfers": [
            asdict(each) | {"at": each.at.isoformat()} for each in heard.transfers
        ] or None,
    }  # fmt: skip


def _disposition(heard: HeardCall) -> Disposition | None:
    if heard.answered_at is not None:
        return "answered"
    if not heard.is_heard_from_start:
        return None
    return "busy" if heard.hangup_cause == BUSY_CAUSE else "missed"
