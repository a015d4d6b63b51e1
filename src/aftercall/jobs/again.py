"""This file transcribes calls again because a person wants it, and replaces their transcripts when the person says so.

What comes of it waits as a candidate beside the present transcript: nothing is replaced before it was looked at.
Every step may run twice; the state of each call in the rerun is the token.
"""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError, NotFound, Unexpected
from aftercall.jobs.engine import ASKED_BY_USER, LAST, Job
from aftercall.jobs.transcribing import Transcribing
from aftercall.jobs.understanding import Understanding
from aftercall.model import Transcript
from aftercall.speech.score import word_errors
from aftercall.store import call_speakers, calls, recordings, reruns, transcripts
from aftercall.store.reruns import Rerun

_log = log.get("jobs")

#: Transcripts replaced in one transaction.
PORTION = 20

Clock = Callable[[], datetime]


def job(rerun_id: str, call_id: str, *, is_one_call: bool = False) -> Job:
    """One call of a rerun: somebody waits for a single one; of many, every other call comes first."""
    return Job(
        queue="analyse",
        subjects=((f"{rerun_id}:{call_id}", 0),),
        priority=ASKED_BY_USER if is_one_call else LAST,
        other_workflow="again",
    )


def replace_job(rerun_id: str, now: datetime) -> Job:
    """Replace whatever a person has let through; short work, so it goes where nobody waits behind recognition.

    A rerun may be let through several times, as more of it gets ready: the time tells these jobs apart.
    """
    asked = int(now.timestamp() * 1000)
    return Job(queue="sync", subjects=((rerun_id, asked),), priority=ASKED_BY_USER, other_workflow="replace")


def transcribe(engine: sa.Engine, transcribing: Transcribing, rerun_id: str, call_id: str, clock: Clock) -> None:
    """Transcribe one call of a rerun and keep what came of it as a candidate."""
    with engine.begin() as db:
        wish = reruns.get(db, rerun_id)
        file = recordings.get(db, call_id)
        if wish is None or file is None or file.archive_key is None:
            return  # removed meanwhile, and this wish with it
        if not reruns.set_state(db, rerun_id, call_id, "running", clock(), among=["queued", "running"]):
            return
    try:
        made = transcribing.of_call(file, engine=wish.engine, language=wish.language)
    except AppError as error:
        _failed(engine, wish, call_id, error, clock())
        return
    except Exception as exc:  # noqa: BLE001 (the edge of a job: what nobody foresaw is shown with the call)
        _log.exception("transcribing again failed unexpectedly", call_id=call_id)
        _failed(engine, wish, call_id, Unexpected(kind=type(exc).__name__), clock())
        return
    with engine.begin() as db:
        before = transcripts.of_call(db, call_id)
        made = transcripts.masked(db, made)
        changed, longest = _difference(before, made)
        transcripts.put_candidate(db, call_id, made, rerun_id=rerun_id, now=clock())
        is_ours = reruns.set_state(
            db, rerun_id, call_id, "ready", clock(), among=["running"], changed_words=changed, all_words=longest
        )
        if not is_ours:  # cancelled meanwhile
            transcripts.discard_candidates(db, call_id, rerun_id=rerun_id)


def accept(db: sa.Connection, rerun_id: str, call_id: str, now: datetime) -> bool:
    """Let what a rerun made of a call take the present transcript's place; the old one is kept as a version.

    Returns:
        False if nothing of the kind is ready.
    """
    number = transcripts.candidate(db, call_id, rerun_id)
    if number is None:
        return False
    if not reruns.set_state(db, rerun_id, call_id, "replaced", now, among=["ready", "replacing"]):
        return False
    make_present(db, call_id, number, now)
    return True


def make_present(db: sa.Connection, call_id: str, number: int, now: datetime) -> None:
    """Let a version take the present transcript's place; the call is then to be understood anew.

    What people said of the speakers since that version was made holds for it too.

    Raises:
        NotFound: there is no such version.
    """
    made = transcripts.make_present(db, call_id, number)
    if made is None:
        raise NotFound(thing="version of this transcript")
    transcripts.change(db, call_id, call_speakers.with_chosen(made, call_speakers.of_call(db, call_id)))
    calls.touch(db, call_id, now)


def replace_all(engine: sa.Engine, understanding: Understanding, rerun_id: str, clock: Clock) -> None:
    """Replace every transcript of a rerun that a person has let through."""
    while True:
        with engine.begin() as db:
            portion = reruns.calls_of(db, rerun_id, state="replacing", limit=PORTION)
            if not portion:
                return
            for each in portion:
                if not accept(db, rerun_id, each.call_id, clock()):
                    reruns.set_state(db, rerun_id, each.call_id, "discarded", clock(), among=["replacing"])
        for each in portion:
            understanding.of_call(each.call_id, clock())


def discard(db: sa.Connection, rerun_id: str, call_id: str, now: datetime) -> None:
    """Forget what a rerun made of a call."""
    if reruns.set_state(db, rerun_id, call_id, "discarded", now, among=["ready", "failed"]):
        transcripts.discard_candidates(db, call_id, rerun_id=rerun_id)


def discard_all(db: sa.Connection, rerun_id: str, now: datetime) -> int:
    """Forget all that a rerun made and nobody has accepted; returns how many transcripts that were."""
    ready = reruns.calls_of(db, rerun_id, state="ready", limit=None)
    for each in ready:
        discard(db, rerun_id, each.call_id, now)
    return len(ready)


def _failed(engine: sa.Engine, wish: Rerun, call_id: str, error: AppError, now: datetime) -> None:
    _log.warning("transcribing again failed", call_id=call_id, code=error.code)
    with engine.begin() as db:
        reruns.set_state(db, wish.id, call_id, "failed", now, among=["running"], error=error)


def _difference(before: Transcript | None, made: Transcript) -> tuple[int, int]:
    """How many words differ, and how many the longer transcript has."""
    old, new = (" ".join(turn.text for turn in each.turns) if each else "" for each in (before, made))
    errors = word_errors(old, new)
    return errors.wrong, max(errors.words, errors.words - errors.deletions + errors.insertions)
