"""This file asks for each PBX's sync when its interval is over, and forgets ended jobs after a month."""

import threading
import time
from datetime import timedelta

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError
from aftercall.jobs.control import JobControl
from aftercall.jobs.engine import JobEngine
from aftercall.jobs.steps import utc_now
from aftercall.store import pbxs, syncs

_log = log.get("schedule")

#: How often to look. Due times live in the database, so a restart forgets nothing.
LOOK_EVERY_S = 1.0
#: Records of ended jobs are of no use after this, and are looked for this often.
KEEP_ENDED = timedelta(days=30)
FORGET_EVERY_S = 3600.0
#: Runs that found nothing are kept for the history of a week: at one a minute they would be a million in two years.
KEEP_IDLE = timedelta(days=7)


class Schedule:
    """A thread that looks every second which PBX is due."""

    def __init__(self, engine: sa.Engine, control: JobControl, jobs: JobEngine) -> None:
        self._engine = engine
        self._control = control
        self._jobs = jobs
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedule", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def look(self) -> list[str]:
        """Ask for every sync that is due; returns the PBX ids."""
        with self._engine.connect() as db:
            due = pbxs.due(db, utc_now())
        for pbx in due:
            self._control.sync(pbx.id, asked_by="schedule")
        return [pbx.id for pbx in due]

    def _run(self) -> None:
        forgot_at = 0.0
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                self.look()
                if time.monotonic() - forgot_at > FORGET_EVERY_S:
                    self._jobs.forget_ended(utc_now() - KEEP_ENDED)
                    with self._engine.begin() as db:
                        syncs.forget_idle(db, utc_now() - KEEP_IDLE)
                    forgot_at = time.monotonic()
            except (AppError, sa.exc.SQLAlchemyError):
                # A busy database or a PBX removed this second; the next look is a second away.
                _log.warning("schedule could not look", exc_info=True)
