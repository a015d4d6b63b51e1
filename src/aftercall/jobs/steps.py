"""This file is the walk of a call through the house, step by step: list, fetch, decode, transcribe, analyse, index.

Every step may run twice (the process may be killed at any moment), so each first looks whether its work is still
wanted: the recording's attempt number is the token, and only the newest attempt acts. What a step learns is in the
database before the step ends.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError, AttemptsSpent, AudioEmpty, AudioTooShort, NotFound, Retry, Unexpected
from aftercall.jobs import again, categorising, generating, listening, renewing
from aftercall.jobs.clients import Outcome, PbxClients, Resting, Unwanted
from aftercall.jobs.engine import Job, JobEngine, Queue, priority
from aftercall.jobs.generating import Generating
from aftercall.jobs.pool import Workers
from aftercall.jobs.transcribing import Transcribing, sound_of
from aftercall.jobs.understanding import Understanding
from aftercall.model import CallState, Stage
from aftercall.pbx import names
from aftercall.pbx.listing import Listing
from aftercall.recordings import filters, plan
from aftercall.recordings.archive import Archive
from aftercall.recordings.fetch import Fetched, Growing, Wanted
from aftercall.store import (
    calls,
    category_runs,
    cdr_sources,
    cdrs,
    database,
    generated,
    llm_settings,
    pbxs,
    recordings,
    renewals,
    reruns,
    stages,
    syncs,
    transcripts,
)
from aftercall.store.calls import NewCall
from aftercall.store.recordings import RecordingFile

_log = log.get("jobs")

#: New calls are written in portions, so that the pages never wait long for the database.
PORTION = 2000
#: A backlog is cut into about so many fetch jobs, of at most so many recordings each.
BATCHES, LARGEST_BATCH = 50, 20
#: How often a job of many looks whether its recordings are still wanted.
LOOK_EVERY_S = 1.0


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Steps:
    """The steps with all they need; built once by the wiring."""

    engine: sa.Engine
    data: Path
    jobs: JobEngine
    clients: PbxClients
    archive: Archive
    workers: Workers
    transcribing: Transcribing
    understanding: Understanding
    generating: Generating
    max_recording_bytes: int
    clock: Callable[[], datetime] = utc_now

    # ---- a sync ---------------------------------------------------------------------------------------------

    def list_recordings(self, sync_id: str) -> None:
        """Ask the PBX for its list and store what is new; an empty or failing list deletes nothing."""
        with self.engine.begin() as db:
            sync = syncs.get(db, sync_id)
            if sync is None or sync.state not in {"queued", "listing"}:
                return
            syncs.begin(db, sync_id, self.clock())
        try:
            listed = self.clients.list_recordings(sync.pbx_id)
            listing = listed.listing
            hint = None if listing.count else self.clients.why_empty(sync.pbx_id)
            with self.engine.connect() as db:
                pbx = pbxs.get(db, sync.pbx_id)
                if pbx is None:
                    raise NotFound(thing="PBX")
                missing = plan.missing(listing.recordings, self._known(db, sync.pbx_id, listing))
                skipped_before = listed.skipped_before - len(
                    plan.missing(listing.before, self._known(db, sync.pbx_id, listing))
                )
            sorted_out = filters.sort_out(missing, pbx.filters)
            skipped_count = skipped_before + sorted_out.skipped_count
            new = [
                NewCall(
                    pbx_id=sync.pbx_id,
                    name=names.placed(name, pbx.zone),
                    listed_format=each.format,
                    first_seen_at=self.clock(),
                    sync_id=sync_id,
                    clock_skew_s=listed.clock_skew_s or 0,
                )
                for each, name in sorted_out.wanted
            ]
            with database.translated(self.data):
                for start in range(0, len(new), PORTION):
                    with self.engine.begin() as db:
                        portion = new[start : start + PORTION]
                        calls.add_found(db, portion)
                        found = [calls.call_id(sync.pbx_id, each.name.name) for each in portion]
                        cdrs.join_new(db, sync.pbx_id, found, self.clock())
        except AppError as error:
            _log.warning("sync failed", sync_id=sync_id, code=error.code)
            with self.engine.begin() as db:
                syncs.fail(db, sync_id, error, self.clock())
                pbxs.record_list(db, sync.pbx_id, took_s=None)
                if error.retry is Retry.SETTINGS:
                    pbxs.block(db, sync.pbx_id, error.code)
            return
        with self.engine.begin() as db:
            pbxs.unblock(db, sync.pbx_id)
            pbxs.record_list(db, sync.pbx_id, took_s=listed.took_s, clock_skew_s=listed.clock_skew_s)
            cdr_sources.ask(db, sync.pbx_id)
            # Counted by what carries this sync's mark: right also when a kill came between two portions.
            new_count = sum(calls.state_counts(db, sync_id=sync_id).values())
            syncs.finish(
                db,
                sync_id,
                found_count=listing.count,
                new_count=new_count,
                skipped_count=skipped_count,
                list_s=listed.took_s,
                hint=hint,
                now=self.clock(),
            )
        self.clients.remember(sync.pbx_id, listed, skipped_count)
        _log.info(
            "recordings listed",
            sync_id=sync_id,
            found=listing.count,
            new=new_count,
            skipped=skipped_count,
            list_s=round(listed.took_s, 2),
        )

    @staticmethod
    def _known(db: sa.Connection, pbx_id: str, listing: Listing) -> Iterator[str]:
        """The known names of a PBX, as far as the list was read."""
        if listing.is_whole:
            return recordings.known_names(db, pbx_id)
        stretch = set(filter(plan.is_usable, {*listing.recordings, *listing.before}))
        return recordings.known_names(db, pbx_id, among=stretch)

    def hand_out(self, sync_id: str) -> None:
        """Give each recording that should be on its way a job of its own, newest first."""
        with self.engine.begin() as db:
            sync = syncs.get(db, sync_id)
            if sync is None or sync.state != "listed":
                return
            is_held = pbxs.holds_backlog(db, sync.pbx_id)
            if is_held:
                recordings.hold_backlog(db, sync.pbx_id, self.clock())
            wanted = recordings.to_hand_out(
                db, sync.pbx_id, self.clock(), is_impatient=sync.asked_by == "user", with_backlog=not is_held
            )
            attempts = recordings.count_attempts(db, [each.call_id for each in wanted])
        self.jobs.enqueue(fetch_jobs(wanted, attempts))

    # ---- calls: fetch ---------------------------------------------------------------------------------------

    def fetch(self, subjects: list[tuple[str, int]]) -> None:
        """Bring some recordings of one PBX home side by side, or decide for each when to try again."""
        wanted = self._still_wanted(subjects)
        began_at = self.clock()
        if wanted:
            outcomes = self.clients.fetch(
                wanted[0].pbx_id,
                [_wanted(file) for file in wanted],
                archive=self.archive,
                max_bytes=self.max_recording_bytes,
                clock=self.clock,
                is_backlog=wanted[0].is_backlog,
                is_still_wanted=self._wish_check(wanted[0].pbx_id, dict(subjects), is_backlog=wanted[0].is_backlog),
            )
            self._record(list(zip(wanted, outcomes, strict=True)), began_at)
        with self.engine.connect() as db:
            files = recordings.get_all(db, [call_id for call_id, _ in subjects])
        # With the newest attempt's number, not ours: somebody may have put a call off while it was coming home, and
        # then no other job would go on with it.
        self.jobs.enqueue(analyse_job(file, file.attempt) for file in files if file.archive_key is not None)

    def _wish_check(self, pbx_id: str, attempts: Mapping[str, int], *, is_backlog: bool) -> Callable[[Wanted], bool]:
        """Whether a recording is still to be fetched when its turn comes: a job of many may last for hours."""

        looked_at, newest, is_held = 0.0, dict[str, int](), False

        def is_still_wanted(each: Wanted) -> bool:
            nonlocal looked_at, newest, is_held
            # One look a second for all of them: a look for each would cost more than the small downloads.
            if time.monotonic() - looked_at > LOOK_EVERY_S:
                with self.engine.connect() as db:
                    newest = recordings.attempts_of(db, list(attempts))
                    is_held = is_backlog and pbxs.holds_backlog(db, pbx_id)
                looked_at = time.monotonic()
            return not is_held and newest.get(each.call_id) == attempts[each.call_id]

        return is_still_wanted

    def _still_wanted(self, subjects: list[tuple[str, int]]) -> list[RecordingFile]:
        """The recordings whose newest attempt this is and that are not home."""
        attempts = dict(subjects)
        with self.engine.connect() as db:
            files = [
                file
                for file in recordings.get_all(db, list(attempts))
                if file.attempt == attempts[file.call_id] and file.archive_key is None
            ]
            pbx = pbxs.get(db, files[0].pbx_id) if files else None
        if pbx is None:
            return []
        # Refused once is enough: asking for each recording again would get us banned there.
        held = files if pbx.blocked_by else [file for file in files if file.is_backlog and pbx.is_backlog_paused]
        if held:
            with self.engine.begin() as db:
                for file in held:
                    calls.set_state(db, file.call_id, CallState.WAITING, self.clock())
        return [file for file in files if file not in held]

    def _record(self, outcomes: list[tuple[RecordingFile, Outcome]], began_at: datetime) -> None:
        """Store what became of each; those that came home in one transaction."""
        self._record_fetched([(file, got) for file, got in outcomes if isinstance(got, Fetched)], began_at)
        for file, outcome in outcomes:
            if isinstance(outcome, Growing):
                self._look_again(file, outcome)
            elif isinstance(outcome, Resting):
                self._put_off(file, outcome)
            elif isinstance(outcome, Unwanted):
                self._hold(file)
            elif isinstance(outcome, AppError):
                self._failed(file, Stage.FETCH, outcome, began_at)
            elif isinstance(outcome, Exception):
                _log.error("fetch failed unexpectedly", call_id=file.call_id, exc_info=outcome)
                self._failed(file, Stage.FETCH, Unexpected(kind=type(outcome).__name__), began_at)

    def _record_fetched(self, fetched: list[tuple[RecordingFile, Fetched]], began_at: datetime) -> None:
        if not fetched:
            return
        now, call_ids = self.clock(), [file.call_id for file, _ in fetched]
        with self.engine.begin() as db:
            for file, got in fetched:
                recordings.record_fetched(
                    db,
                    file.call_id,
                    archive_key=got.archive_key,
                    size_bytes=got.size_bytes,
                    sha256=got.sha256,
                    content_type=got.content_type,
                    fetched_at=now,
                )
                if file.over_at is not None:
                    calls.record_lag(db, file.call_id, fetched_after_s=lag_s(file.over_at, now))
            stages.put_done(db, call_ids, Stage.FETCH, began_at, now)
            calls.set_states(db, call_ids, CallState.FETCHED, now)

    def _put_off(self, file: RecordingFile, resting: Resting) -> None:
        """The PBX ails: come back when it has rested, which is not this recording's failure."""
        now = self.clock()
        with self.engine.begin() as db:
            attempt = recordings.count_attempt(db, file.call_id)
            recordings.record_next_try(db, file.call_id, now + timedelta(seconds=resting.left_s))
            calls.set_state(db, file.call_id, CallState.WAITING, now)
        self.jobs.enqueue([fetch_job(file, attempt, delay_s=resting.left_s)])

    def _hold(self, file: RecordingFile) -> None:
        """Old recordings are held back: this one waits, if it is still ours to say, until a person lets them come."""
        with self.engine.begin() as db:
            now = recordings.get(db, file.call_id)
            if now is not None and now.attempt == file.attempt and now.archive_key is None:
                calls.set_state(db, file.call_id, CallState.WAITING, self.clock())

    def _look_again(self, file: RecordingFile, growing: Growing) -> None:
        now = self.clock()
        wait = plan.look_again(now, started_at=file.started_at, over_at=file.over_at)
        with self.engine.begin() as db:
            attempt = recordings.count_attempt(db, file.call_id)
            recordings.record_growing(
                db,
                file.call_id,
                size_bytes=growing.size_bytes,
                stood_since=growing.stood_since,
                next_try_at=now + wait,
            )
            calls.set_state(db, file.call_id, CallState.IN_PROGRESS, now)
        self.jobs.enqueue([fetch_job(file, attempt, delay_s=wait.total_seconds())])

    # ---- a call: the stages behind the fetch -------------------------------------------------------------------

    def run_stage(self, stage: Stage, call_id: str, attempt: int) -> bool:
        """Run one stage of the analysis; False when the walk ends here."""
        with self.engine.begin() as db:
            file = recordings.get(db, call_id)
            if file is None or file.attempt != attempt or file.archive_key is None:
                return False
            began_at = self.clock()
            stages.begin(db, call_id, stage, began_at)
            if stage is not Stage.INDEX:
                calls.set_state(db, call_id, CallState.ANALYSING, began_at)
        work = {
            Stage.DECODE: self._decode,
            Stage.TRANSCRIBE: self._transcribe,
            Stage.ANALYSE: self._analyse,
            Stage.INDEX: self._index,
        }[stage]
        try:
            work(file)
        except AudioEmpty as error:
            self._set_aside(file, stage, error, CallState.NO_AUDIO, duration_s=0.0)
            return False
        except AudioTooShort as error:
            self._set_aside(file, stage, error, CallState.SKIPPED)
            return False
        except AppError as error:
            self._failed(file, stage, error, began_at)
            return False
        except Exception as exc:  # noqa: BLE001 (the same edge)
            _log.exception("stage failed unexpectedly", call_id=call_id, stage=stage)
            self._failed(file, stage, Unexpected(kind=type(exc).__name__), began_at)
            return False
        with self.engine.begin() as db:
            stages.finish(db, call_id, stage, self.clock())
        return True

    def _decode(self, file: RecordingFile) -> None:
        heard = self.workers.many.run(listening.look_at, sound_of(self.archive, file))
        with self.engine.connect() as db:
            pbx = pbxs.get(db, file.pbx_id)
        duration_s = round(heard.facts.duration_s, 3)
        with self.engine.begin() as db:
            recordings.record_audio(db, file.call_id, heard.facts, heard.peaks)
            calls.set_state(db, file.call_id, CallState.ANALYSING, self.clock(), duration_s=duration_s)
            # The name's time is the PBX's clock, which may be hours off.
            skew_s = pbx.clock_skew_s or 0 if pbx else 0
            over_at = file.started_at + timedelta(seconds=duration_s - skew_s)
            # Nobody told when the call ended, but its recording does; what ended before we were here proves nothing.
            if (
                file.over_at is None
                and not file.is_start_estimated
                and file.fetched_at
                and pbx
                and over_at > pbx.created_at
            ):
                calls.record_lag(
                    db,
                    file.call_id,
                    over_at=over_at,
                    listed_after_s=lag_s(over_at, file.first_seen_at),
                    fetched_after_s=lag_s(over_at, file.fetched_at),
                )
        shortest_s = pbx.filters.min_duration_s if pbx else 0
        if duration_s < shortest_s:
            raise AudioTooShort(duration_s=duration_s, shortest_s=shortest_s)

    def _transcribe(self, file: RecordingFile) -> None:
        transcript = self.transcribing.of_call(file)
        with self.engine.begin() as db:
            transcripts.put(db, file.call_id, transcript, self.clock())

    def _analyse(self, file: RecordingFile) -> None:
        if not self.understanding.of_call(file.call_id, self.clock()):
            raise Unexpected(kind="analysis without a transcript")

    def _index(self, file: RecordingFile) -> None:
        """The last step makes the call appear as done; the words were indexed with the transcript."""
        now = self.clock()
        with self.engine.begin() as db:
            if file.over_at is not None:
                calls.record_lag(db, file.call_id, analysed_after_s=lag_s(file.over_at, now))
            calls.set_state(
                db,
                file.call_id,
                CallState.DONE,
                now,
                done_at=now,
            )
            recordings.forget_failures(db, file.call_id)
            wants_summary = llm_settings.load(db).is_enabled
            attempt = generated.ask(db, file.call_id, by="", now=now) if wants_summary else None
        if attempt is not None:
            self.jobs.enqueue([generating.job(file.call_id, attempt, file.started_at)])

    # ---- a language model's summary -----------------------------------------------------------------------------

    def generate(self, call_id: str, attempt: int) -> None:
        put_off = self.generating.of_call(call_id, attempt)
        if put_off is not None:
            self.jobs.enqueue([put_off])

    # ---- transcribed again, because a person wants it ----------------------------------------------------------

    def transcribe_again(self, rerun_id: str, call_id: str) -> None:
        again.transcribe(self.engine, self.transcribing, rerun_id, call_id, self.clock)

    def replace_transcripts(self, rerun_id: str) -> None:
        again.replace_all(self.engine, self.understanding, rerun_id, self.clock)

    def renew(self, renewal_id: str) -> None:
        at_once = self.workers.many.workers
        renewing.renew(self.engine, self.understanding, renewal_id, self.clock, at_once=at_once)

    # ---- categories, applied to calls that are here already ----------------------------------------------------

    def categorise(self, run_id: str) -> None:
        categorising.work(self.engine, run_id, self.clock)

    # ---- when it does not work ---------------------------------------------------------------------------------

    def _set_aside(self, file: RecordingFile, stage: Stage, error: AppError, state: CallState, **known: float) -> None:
        """There is nothing to analyse, which is nobody's failure."""
        now = self.clock()
        with self.engine.begin() as db:
            stages.fail(db, file.call_id, stage, now, error, will_retry=False)
            calls.set_state(db, file.call_id, state, now, **known)

    def _failed(self, file: RecordingFile, stage: Stage, error: AppError, began_at: datetime) -> None:
        """Store the failure with its cause and fix, and decide about another attempt."""
        now = self.clock()
        failures = file.failures + 1
        next_try_at = plan.next_try(error.retry, failures, now)
        waits_for_settings = error.retry is Retry.SETTINGS
        will_retry = next_try_at is not None or waits_for_settings
        if not will_retry and error.retry is not Retry.NEVER:
            error = AttemptsSpent(attempts=failures, last=error.what)
        with self.engine.begin() as db:
            stages.begin(db, file.call_id, stage, began_at)
            stages.fail(db, file.call_id, stage, now, error, will_retry=will_retry)
            recordings.record_failure(db, file.call_id, next_try_at)
            calls.set_state(db, file.call_id, CallState.WAITING if will_retry else CallState.FAILED, now)
            if waits_for_settings:
                pbxs.block(db, file.pbx_id, error.code)
            attempt = recordings.count_attempt(db, file.call_id)
        _log.warning("stage failed", call_id=file.call_id, stage=stage, code=error.code, will_retry=will_retry)
        if next_try_at is not None:
            delay_s = (next_try_at - now).total_seconds()
            if stage is Stage.FETCH:
                self.jobs.enqueue([fetch_job(file, attempt, delay_s=delay_s)])
            else:
                self.jobs.enqueue([analyse_job(file, attempt, first_stage=stage, delay_s=delay_s)])

    # ---- from outside ------------------------------------------------------------------------------------------

    def resume(self) -> int:
        """After a start: give every unfinished call whose job is gone a new one; returns how many there were.

        DBOS recovers its own jobs. This mends what it cannot know: a kill between our commit and its enqueue, a job
        database restored from a backup or lost.
        """
        alive = self.jobs.waiting_ids()
        with self.engine.begin() as db:
            if half_done := renewals.stale(db):
                renewals.ask(db, half_done, query="", by="restart", now=self.clock())
            unrenewed = [each for each in renewals.unfinished(db) if f"renew:{each}:0" not in alive]
            orphans = [
                each
                for each in recordings.unfinished(db)
                if not alive & {f"fetch:{each.call_id}:{each.attempt}", f"analyse:{each.call_id}:{each.attempt}"}
                and not (each.attempt == 0 and each.state is CallState.FOUND and self._is_listing(db, each.pbx_id))
            ]
            attempts = recordings.count_attempts(db, [each.call_id for each in orphans])
            unlisted = [each for each in syncs.unfinished(db) if f"sync:{each.id}:0" not in alive]
            ungenerated = [
                each for each in generated.unfinished(db) if f"generate:{each.call_id}:{each.attempt}" not in alive
            ]
            unheard = [each for each in reruns.unfinished(db) if f"again:{each.rerun_id}:{each.call_id}:0" not in alive]
            unreplaced = [
                each
                for each in reruns.replacing(db)
                if not any(job_id.startswith(f"replace:{each}:") for job_id in alive)
            ]
            unapplied = [each for each in category_runs.unfinished(db) if f"categorise:{each}:0" not in alive]
        self.jobs.enqueue(
            analyse_job(each, attempts[each.call_id]) if each.archive_key else fetch_job(each, attempts[each.call_id])
            for each in orphans
        )
        self.jobs.enqueue(sync_job(each.id, is_asked_by_user=each.asked_by == "user") for each in unlisted)
        self.jobs.enqueue(again.job(each.rerun_id, each.call_id) for each in unheard)
        self.jobs.enqueue(again.replace_job(each, self.clock()) for each in unreplaced)
        self.jobs.enqueue(renewing.renewal_job(each) for each in unrenewed)
        self.jobs.enqueue(self._generate_anew(ungenerated))
        self.jobs.enqueue(categorising.job(each) for each in unapplied)
        return len(orphans)

    def _generate_anew(self, orphans: Sequence[generated.GeneratedRecord]) -> list[Job]:
        """A new attempt for each summary whose job is gone."""
        with self.engine.begin() as db:
            return [
                generating.job(each.call_id, generated.count_attempt(db, each.call_id), each.changed_at)
                for each in orphans
            ]

    @staticmethod
    def _is_listing(db: sa.Connection, pbx_id: str) -> bool:
        """A sync that is still listing hands its new calls out itself."""
        last = syncs.last(db, pbx_id)
        return last is not None and last.state in {"queued", "listing"}


def lag_s(over_at: datetime, now: datetime) -> float:
    """Seconds since a call's end; never negative, because clocks never quite agree."""
    return round(max(0.0, (now - over_at).total_seconds()), 3)


def sync_job(sync_id: str, *, is_asked_by_user: bool) -> Job:
    return Job(queue="sync", subjects=((sync_id, 0),), priority=1 if is_asked_by_user else 2)


def fetch_jobs(files: Sequence[RecordingFile], attempts: Mapping[str, int]) -> list[Job]:
    """A job for each recording; with a large backlog several share one, since a durable job costs more than a download.

    Args:
        files: newest first; those of one PBX share jobs, and old ones never with new ones.
    """
    size = min(LARGEST_BATCH, max(1, len(files) // BATCHES))
    jobs = []

    def kind(file: RecordingFile) -> tuple[str, bool]:
        return file.pbx_id, file.is_backlog

    for _, alike in itertools.groupby(sorted(files, key=kind), key=kind):
        waiting = iter(alike)
        while batch := list(itertools.islice(waiting, size)):
            subjects = tuple((file.call_id, attempts[file.call_id]) for file in batch)
            first = priority(batch[0].started_at, is_asked_by_user=False)
            jobs.append(Job(queue=_fetch_queue(batch[0]), subjects=subjects, priority=first))
    return jobs


def _fetch_queue(file: RecordingFile) -> Queue:
    return "backlog" if file.is_backlog else "fetch"


def _wanted(file: RecordingFile) -> Wanted:
    return Wanted(
        call_id=file.call_id,
        name=file.name,
        listed_format=file.listed_format,
        started_at=file.started_at,
        seen_size_bytes=file.seen_size_bytes,
        size_stood_since=file.size_stood_since,
    )


def fetch_job(file: RecordingFile, attempt: int, *, delay_s: float = 0, is_asked_by_user: bool = False) -> Job:
    return Job(
        queue="fetch" if is_asked_by_user else _fetch_queue(file),
        subjects=((file.call_id, attempt),),
        priority=priority(file.started_at, is_asked_by_user=is_asked_by_user),
        delay_s=delay_s,
    )


def analyse_job(
    file: RecordingFile,
    attempt: int,
    *,
    first_stage: Stage = Stage.DECODE,
    delay_s: float = 0,
    is_asked_by_user: bool = False,
) -> Job:
    return Job(
        queue="analyse",
        subjects=((file.call_id, attempt),),
        priority=priority(file.started_at, is_asked_by_user=is_asked_by_user),
        first_stage=first_stage,
        delay_s=delay_s,
    )
