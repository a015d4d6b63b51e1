"""This file has a language model summarise calls, one at a time; whatever becomes of it, the call stays as it is.

What the model wrote is kept apart from everything else known of the call: no rule, category or figure ever reads it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import (
    AppError,
    LlmCallCap,
    LlmCallTooLong,
    LlmDayCap,
    LlmNothingToSummarise,
    LlmNotInstalled,
    LlmOff,
    LlmPaused,
    Unexpected,
)
from aftercall.insight import llm, llm_prompt, redaction
from aftercall.insight.llm import Endpoint, Spent
from aftercall.insight.llm_prompt import Line
from aftercall.jobs.engine import Job, priority
from aftercall.jobs.loop import LoopThread
from aftercall.jobs.shutdown import ShuttingDown
from aftercall.model import CallFacts, Generated, Transcript
from aftercall.store import call_facts, calls, generated, llm_settings, transcripts
from aftercall.store.generated import GeneratedRecord
from aftercall.store.vault import Vault

_log = log.get("jobs")

#: A shorter call has nothing that its transcript does not say as fast.
SHORTEST_S = 20.0
#: How often a request that is on its way looks whether it is still wanted.
LOOK_EVERY_S = 0.5
#: These say nothing of how the model does.
_NO_REQUEST = (LlmOff, LlmNothingToSummarise, LlmDayCap, LlmCallCap, LlmCallTooLong, LlmNotInstalled)


class _Unwanted(Exception):
    """Somebody cancelled it, or asked anew."""


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """A call that is to be sent."""

    endpoint: Endpoint
    said: tuple[Line, ...]
    language: str
    key: str
    #: What the same words have given before.
    known: Generated | None


def job(call_id: str, attempt: int, started_at: datetime, *, is_asked_by_user: bool = False, delay_s: float = 0) -> Job:
    return Job(
        queue="generate",
        subjects=((call_id, attempt),),
        priority=priority(started_at, is_asked_by_user=is_asked_by_user),
        delay_s=delay_s,
    )


def said(transcript: Transcript) -> tuple[Line, ...]:
    """What a language model may see of a transcript: everything that is sent anywhere comes from here.

    Every kind that can be found is hidden from it, also those that the policy keeps for people.
    """
    return llm_prompt.lines(redaction.mask(transcript, redaction.find(transcript)).turns)


def why_not(transcript: Transcript | None, facts: CallFacts) -> str:
    """Why a call is not worth asking about, "" if it is."""
    if facts.disposition == "voicemail":
        return "it is a voicemail"
    if facts.duration_s is not None and facts.duration_s < SHORTEST_S:
        return f"the call lasted {facts.duration_s:.0f} s"
    if transcript is None or not said(transcript):
        return "no words were understood"
    return ""


def is_outdated(record: GeneratedRecord, transcript: Transcript | None) -> bool:
    """Whether the words have changed since, so that the summary may stand on what nobody said."""
    if record.made is None or transcript is None:
        return False
    return record.cache_key != llm_prompt.cache_key(record.made.model, said(transcript))


@dataclass(frozen=True, kw_only=True)
class Generating:
    """All that summarising a call needs; built once by the wiring."""

    engine: sa.Engine
    vault: Vault
    network: LoopThread
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def of_call(self, call_id: str, attempt: int) -> Job | None:
        """Have a call summarised, if this attempt is still wanted.

        Returns:
            The job of the next attempt, while the model rests after failures.
        """
        with self.engine.begin() as db:
            if not generated.begin(db, call_id, attempt, self.clock()):
                return None
        spent = Spent()
        try:
            wish = self._wish(call_id)
            made = wish.known or self.network.run(self._watched(wish, call_id, attempt, spent))
        except LlmPaused as error:
            return self._put_off(call_id, attempt, error)
        except _Unwanted:
            self._count(spent)
            return None
        except ShuttingDown:
            raise
        except AppError as error:
            self._failed(call_id, attempt, error, spent)
            return None
        except Exception as exc:  # noqa: BLE001 (the edge of a job: what nobody foresaw is shown with the call)
            _log.exception("summarising failed unexpectedly", call_id=call_id)
            self._failed(call_id, attempt, Unexpected(kind=type(exc).__name__), spent)
            return None
        self._count(spent)
        with self.engine.begin() as db:
            generated.put(db, call_id, attempt, made, key=wish.key, tokens=spent.tokens, now=self.clock())
            if wish.known is None:
                generated.count_success(db)
            calls.touch(db, call_id, self.clock())
        return None

    def _wish(self, call_id: str) -> _Wish:
        """What is to be sent, once everything that speaks against it was asked; nothing is sent here.

        Raises:
            LlmError: it is not to be sent, and why.
        """
        now = self.clock()
        with self.engine.connect() as db:
            endpoint = llm_settings.endpoint(db, self.vault)
            if endpoint is None:
                raise LlmOff()
            transcript, facts = transcripts.of_call(db, call_id), call_facts.of_call(db, call_id)
            reason = why_not(transcript, facts)
            if transcript is None or reason:
                raise LlmNothingToSummarise(reason=reason)
            lines = said(transcript)
            key = llm_prompt.cache_key(endpoint.model, lines)
            known = generated.by_key(db, key)
            day_cap, used = llm_settings.load(db).day_cap, generated.used_on(db, now).tokens
            rest = generated.breaker(db)
        if known is None:
            if rest.paused_until is not None and rest.paused_until > now:
                until = f"{rest.paused_until:%H:%M}"
                raise LlmPaused(until=until, failures=rest.failures, last=rest.last)
            needed = llm_prompt.estimate(lines, endpoint.context_tokens)
            if used + needed > day_cap:
                raise LlmDayCap(used=used, cap=day_cap, needed=needed)
        return _Wish(endpoint=endpoint, said=lines, language=transcript.language, key=key, known=known)

    async def _watched(self, wish: _Wish, call_id: str, attempt: int, spent: Spent) -> Generated:
        """Ask the model, and stop as soon as nobody wants the answer any more."""
        asking = asyncio.create_task(llm.generate(wish.endpoint, wish.said, language=wish.language, spent=spent))
        try:
            while True:
                ended, _ = await asyncio.wait({asking}, timeout=LOOK_EVERY_S)
                if ended:
                    return asking.result()
                if not await asyncio.to_thread(self._is_wanted, call_id, attempt):
                    raise _Unwanted
        finally:
            asking.cancel()
            await asyncio.wait({asking})

    def _is_wanted(self, call_id: str, attempt: int) -> bool:
        with self.engine.connect() as db:
            return generated.is_wanted(db, call_id, attempt)

    def _put_off(self, call_id: str, attempt: int, error: LlmPaused) -> Job | None:
        now = self.clock()
        with self.engine.begin() as db:
            until = generated.breaker(db).paused_until or now
            following = generated.put_off(db, call_id, attempt, error, now)
            calls.touch(db, call_id, now)
        delay_s = max(1.0, (until - now).total_seconds())
        return None if following is None else job(call_id, following, now, delay_s=delay_s)

    def _failed(self, call_id: str, attempt: int, error: AppError, spent: Spent) -> None:
        _log.warning("no summary", call_id=call_id, code=error.code)
        now = self.clock()
        self._count(spent)
        with self.engine.begin() as db:
            generated.fail(
                db,
                call_id,
                attempt,
                error,
                now,
                state="skipped" if isinstance(error, LlmNothingToSummarise) else "failed",
                tokens=spent.tokens,
            )
            if not isinstance(error, _NO_REQUEST):
                generated.count_failure(db, error, now)
            calls.touch(db, call_id, now)

    def _count(self, spent: Spent) -> None:
        if spent.requests:
            with self.engine.begin() as db:
                generated.add_usage(db, self.clock(), tokens=spent.tokens, requests=spent.requests)
