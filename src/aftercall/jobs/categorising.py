"""This file applies the categories to calls that are here already: newest first, in portions, from where it stopped.

A portion and the note that it is done are one transaction, so a run that is cut off goes on behind it.
"""

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from aftercall import log
from aftercall.insight.categories import Prepared, evaluate
from aftercall.jobs.engine import LAST, Job
from aftercall.model import CallSentiment, Insight
from aftercall.store import call_facts, calls, categories, category_runs, insights, transcripts

_log = log.get("jobs")

#: Calls in one transaction: few enough that nobody waits for the database.
PORTION = 50

Clock = Callable[[], datetime]


def job(run_id: str) -> Job:
    """Behind every sync: nobody waits for it."""
    return Job(queue="sync", subjects=((run_id, 0),), priority=LAST, other_workflow="categorise")


def work(engine: sa.Engine, run_id: str, clock: Clock) -> None:
    """Apply the categories until every call was looked at, or somebody stops it."""
    while _portion(engine, run_id, clock):
        pass


def _portion(engine: sa.Engine, run_id: str, clock: Clock) -> bool:
    with engine.begin() as db:
        run = category_runs.get(db, run_id)
        if run is None or not run.goes_on:
            return False
        wanted, among = _wanted(db, run.category_id)
        portion = category_runs.next_calls(db, run.below, limit=PORTION)
        if not portion:
            category_runs.end(db, run_id, "done", clock())
            _log.info("categories applied", run_id=run_id, calls=run.done_count, hits=run.hit_count)
            return False
        # First the note: it takes the lock, and tells whether the portion is still ours.
        below = portion[-1][1]
        if not category_runs.advance(db, run, below=below, done=len(portion), hits=0):
            return True
        hits = sum(apply_to(db, call_id, wanted, among, clock()) for call_id, _ in portion)
        run_after = category_runs.get(db, run_id)
        if run_after and hits:
            category_runs.advance(db, run_after, below=below, done=0, hits=hits)
    return True


def apply_to(db: sa.Connection, call_id: str, wanted: list[Prepared], among: list[str] | None, now: datetime) -> bool:
    """Decide anew which of some categories a call belongs to.

    Args:
        among: the ids of the categories that are looked at, also those switched off; None for all.
    Returns:
        Whether it belongs to one of them.
    """
    transcript = transcripts.of_call(db, call_id)
    if transcript is None:
        return False
    insight = insights.of_call(db, call_id) or _nothing_understood()
    hits = evaluate(wanted, transcript, insight, call_facts.of_call(db, call_id))
    if categories.put_hits(db, call_id, hits, among=among):
        calls.touch(db, call_id, now)
    return bool(hits)


def _wanted(db: sa.Connection, category_id: str | None) -> tuple[list[Prepared], list[str] | None]:
    if category_id is None:
        return categories.prepared(db), None
    stored = categories.get(db, category_id)
    is_on = stored is not None and stored.category.is_enabled
    return [categories.prepare(stored.category)] if stored and is_on else [], [category_id]


def _nothing_understood() -> Insight:
    unknown = CallSentiment(score=None, label=None, trend=None, quarters=())
    return Insight(turns=(), sentiment=unknown)
