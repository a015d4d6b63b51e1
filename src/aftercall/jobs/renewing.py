"""This file understands many calls anew because the rules changed or a person wants it; their transcripts stay.

It may be cut off anywhere: a call is marked as done in the transaction that stores its insight.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError
from aftercall.jobs.engine import ASKED_BY_USER, Job
from aftercall.jobs.understanding import Understanding
from aftercall.store import renewals

_log = log.get("jobs")

#: Calls between two looks whether the wish still stands.
PORTION = 16


def renewal_job(renewal_id: str) -> Job:
    """Short work for each call, so it goes where nobody waits behind recognition."""
    return Job(queue="sync", subjects=((renewal_id, 0),), priority=ASKED_BY_USER, other_workflow="renew")


def renew(
    engine: sa.Engine, understanding: Understanding, renewal_id: str, clock: Callable[[], datetime], *, at_once: int
) -> None:
    """Understand every call of a renewal anew, newest first, until none is left or it is cancelled."""

    def understand_one(call_id: str) -> None:
        try:
            understanding.of_call(call_id, clock())
        except AppError as error:
            _log.warning("analysing again failed", call_id=call_id, code=error.code)
            with engine.begin() as db:
                renewals.give_up(db, renewal_id, call_id)

    with ThreadPoolExecutor(at_once, thread_name_prefix="renew") as side_by_side:
        while True:
            with engine.connect() as db:
                portion = renewals.waiting(db, renewal_id, limit=PORTION)
            if not portion:
                break
            list(side_by_side.map(understand_one, portion))
    with engine.begin() as db:
        renewals.finish(db, renewal_id, clock())
