"""This file is what people and schedules can ask of the jobs: sync now, stop, try again, transcribe again."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa

from aftercall.errors import LlmOff, NotFound
from aftercall.jobs import again, generating
from aftercall.jobs.category_control import CategoryControl
from aftercall.jobs.correcting import Correcting
from aftercall.jobs.engine import JobEngine
from aftercall.jobs.renewing import renewal_job
from aftercall.jobs.steps import analyse_job, fetch_job, fetch_jobs, sync_job, utc_now
from aftercall.jobs.understanding import Understanding
from aftercall.model import CallState, Stage
from aftercall.recordings.archive import Archive
from aftercall.store import (
    call_facts,
    calls,
    generated,
    health,
    llm_settings,
    pbxs,
    recordings,
    renewals,
    reruns,
    stages,
    syncs,
)


class JobControl:
    """Writes the wish into the database, then puts the job on its queue; works beside a running server too."""

    def __init__(
        self,
        engine: sa.Engine,
        jobs: JobEngine,
        clock: Callable[[], datetime] = utc_now,
        *,
        understanding: Understanding | None = None,
    ) -> None:
        self._engine = engine
        self._understanding = understanding or Understanding(engine=engine)
        self._jobs = jobs
        self._clock = clock
        #: What people put right in a call needs no job: it is done at once.
        self.correcting = Correcting(engine, self._understanding, clock)
        self.categories = CategoryControl(engine, jobs, clock)

    def sync(self, pbx_id: str, *, asked_by: syncs.AskedBy) -> str:
        """Ask for a sync of a PBX; the answer is the running one's id while there is one.

        Raises:
            NotFound: there is no such PBX.
        """
        now = self._clock()
        with self._engine.begin() as db:
            if pbxs.get(db, pbx_id) is None:
                raise NotFound(thing="PBX")
            pbxs.mark_due(db, pbx_id, now)
            sync_id, is_new = syncs.ask(db, pbx_id, asked_by, now)
        if is_new:
            self._jobs.enqueue([sync_job(sync_id, is_asked_by_user=asked_by == "user")])
        return sync_id

    def stop_sync(self, sync_id: str) -> None:
        """Stop a sync: nothing more is listed or fetched for it; what is home stays."""
        now = self._clock()
        with self._engine.begin() as db:
            syncs.cancel(db, sync_id, now)
            recordings.put_off(db, sync_id, now)

    def retry(self, call_id: str) -> None:
        """Try a call again now, from the stage that failed.

        Raises:
            NotFound: there is no such call.
        """
        self._again(call_id, is_asked_by_user=True)

    def _again(self, call_id: str, *, is_asked_by_user: bool) -> None:
        now = self._clock()
        with self._engine.begin() as db:
            file = recordings.get(db, call_id)
            if file is None:
                raise NotFound(thing="call")
            recordings.forget_failures(db, call_id)
            attempt = recordings.count_attempt(db, call_id)
            first = self._first_to_run(db, call_id) if file.archive_key else Stage.FETCH
            stages.forget_after(db, call_id, first)
            calls.set_state(db, call_id, CallState.FETCHED if file.archive_key else CallState.FOUND, now)
        if file.archive_key:
            self._jobs.enqueue([analyse_job(file, attempt, first_stage=first, is_asked_by_user=is_asked_by_user)])
        else:
            self._jobs.enqueue([fetch_job(file, attempt, is_asked_by_user=is_asked_by_user)])

    def retry_all(self, pbx_id: str, code: str) -> int:
        """Try every call of a PBX again that failed for good with this error; returns how many.

        Raises:
            NotFound: there is no such PBX.
        """
        with self._engine.connect() as db:
            if pbxs.get(db, pbx_id) is None:
                raise NotFound(thing="PBX")
            failed = health.failed_with(db, pbx_id, code)
        for call_id in failed:
            self._again(call_id, is_asked_by_user=False)
        return len(failed)

    def pause_backlog(self, pbx_id: str, *, is_paused: bool) -> None:
        """Hold back a PBX's old recordings, or let them come; new calls are not concerned.

        Raises:
            NotFound: there is no such PBX.
        """
        with self._engine.begin() as db:
            if pbxs.get(db, pbx_id) is None:
                raise NotFound(thing="PBX")
            pbxs.pause_backlog(db, pbx_id, is_paused=is_paused)
            if is_paused:
                recordings.hold_backlog(db, pbx_id, self._clock())
                return
            held = [
                file
                for file in recordings.to_hand_out(db, pbx_id, self._clock(), is_impatient=False)
                if file.is_backlog
            ]
            attempts = recordings.count_attempts(db, [each.call_id for each in held])
            for each in held:
                calls.set_state(db, each.call_id, CallState.FOUND, self._clock())
        self._jobs.enqueue(fetch_jobs(held, attempts))

    # ---- transcribed again --------------------------------------------------------------------------------------

    def transcribe_again(
        self, call_ids: Sequence[str], *, engine: str | None, language: str | None, query: str, by: str
    ) -> str:
        """Transcribe calls again with an engine or a language; what comes of it waits until a person accepts it.

        Args:
            engine: a choice as `speech.plugins` has it, None for what the settings say.
            query: the address of the list they were chosen with, "" for a single call.
            by: the name of the account.
        Returns:
            The rerun's id.
        """
        with self._engine.begin() as db:
            rerun_id = reruns.ask(db, call_ids, engine=engine, language=language, query=query, by=by, now=self._clock())
            queued = reruns.calls_of(db, rerun_id, limit=None)
        self._jobs.enqueue(again.job(rerun_id, each.call_id, is_one_call=len(queued) == 1) for each in queued)
        return rerun_id

    def accept(self, rerun_id: str, call_id: str) -> None:
        """Let the new transcript of a call take the present one's place.

        Raises:
            NotFound: nothing of the kind is ready.
        """
        with self._engine.begin() as db:
            if not again.accept(db, rerun_id, call_id, self._clock()):
                raise NotFound(thing="new transcript of this call")
        self._understanding.of_call(call_id, self._clock())

    def discard(self, rerun_id: str, call_id: str) -> None:
        """Forget the new transcript of a call."""
        with self._engine.begin() as db:
            again.discard(db, rerun_id, call_id, self._clock())

    def accept_all(self, rerun_id: str) -> int:
        """Let every new transcript of a rerun that is ready take its place, as a job; returns how many there are."""
        with self._engine.begin() as db:
            count = reruns.set_all(db, rerun_id, "replacing", self._clock(), among=["ready"])
        if count:
            self._jobs.enqueue([again.replace_job(rerun_id, self._clock())])
        return count

    def discard_all(self, rerun_id: str) -> int:
        """Forget every new transcript of a rerun that nobody has accepted; returns how many there were."""
        with self._engine.begin() as db:
            return again.discard_all(db, rerun_id, self._clock())

    def cancel_rerun(self, rerun_id: str) -> None:
        """Transcribe no more calls of a rerun; what is ready stays ready."""
        with self._engine.begin() as db:
            reruns.cancel(db, rerun_id, self._clock())

    def take_version(self, call_id: str, number: int) -> None:
        """Let one of a call's older transcripts take the present one's place.

        Raises:
            NotFound: there is no such version.
        """
        with self._engine.begin() as db:
            again.make_present(db, call_id, number, self._clock())
        self._understanding.of_call(call_id, self._clock())

    # ---- analyse again ------------------------------------------------------------------------------------------

    def renew(self, call_ids: Sequence[str], *, query: str, by: str) -> str:
        """Have calls understood anew, as a job.

        Args:
            query: the address of the list they were chosen with, "" for a single call or all.
            by: the name of the account.
        Returns:
            The renewal's id.
        """
        with self._engine.begin() as db:
            renewal_id = renewals.ask(db, call_ids, query=query, by=by, now=self._clock())
        self._jobs.enqueue([renewal_job(renewal_id)])
        return renewal_id

    def cancel_renewal(self, renewal_id: str) -> None:
        """Analyse no more calls of a renewal; those done stay done."""
        with self._engine.begin() as db:
            renewals.cancel(db, renewal_id, self._clock())

    # ---- a language model's summary -----------------------------------------------------------------------------

    def generate(self, call_id: str, *, by: str) -> None:
        """Have a language model summarise a call, as a job; what it wrote before stays until then.

        Args:
            by: the name of the account.
        Raises:
            NotFound: there is no such call.
            LlmOff: no language model is switched on.
        """
        now = self._clock()
        with self._engine.begin() as db:
            if not calls.rows_by_id(db, [call_id]):
                raise NotFound(thing=f"call {call_id}")
            started_at = call_facts.of_call(db, call_id).started_at or now
            if not llm_settings.load(db).is_enabled:
                raise LlmOff()
            attempt = generated.ask(db, call_id, by=by, now=now)
        if attempt is not None:
            self._jobs.enqueue([generating.job(call_id, attempt, started_at, is_asked_by_user=True)])

    def cancel_generate(self, call_id: str) -> None:
        """Let no language model summarise a call, if it waits for that or is at it."""
        with self._engine.begin() as db:
            generated.cancel(db, call_id, self._clock())

    def remove_pbx(self, pbx_id: str, archive: Archive, *, with_calls: bool) -> None:
        """Disconnect a PBX; its calls and recordings go only if asked, the files after the rows."""
        if not with_calls:
            with self._engine.begin() as db:
                pbxs.remove(db, pbx_id, self._clock())
            return
        with self._engine.begin() as db:
            keys = pbxs.remove_with_calls(db, pbx_id)
        archive.delete(keys)

    @staticmethod
    def _first_to_run(db: sa.Connection, call_id: str) -> Stage:
        done = {each.stage for each in stages.of_call(db, call_id) if each.state == "done"}
        behind_fetch = [stage for stage in Stage if stage is not Stage.FETCH]
        if len(done.intersection(behind_fetch)) == len(behind_fetch):
            return Stage.DECODE  # nothing failed: analyse it anew
        return next(stage for stage in behind_fetch if stage not in done)
