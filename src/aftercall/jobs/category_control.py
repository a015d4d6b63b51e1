"""This file is what people can ask about categories: apply them to past calls, and preview one before it is saved.

A preview stores nothing, so it is no durable job: it runs beside, and is gone when the process ends.
"""

import secrets
import threading
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import NotFound
from aftercall.insight.category_rules import Category
from aftercall.jobs import categorising
from aftercall.jobs.engine import JobEngine
from aftercall.store import calls, categories, category_preview, category_runs
from aftercall.store.category_preview import Preview

_log = log.get("jobs")

#: Previews whose outcome is kept for the pages that look at it.
KEPT = 20


class PreviewRun:
    """One preview on its way, or what came of it."""

    def __init__(self, draft: Category, saved: Category | None) -> None:
        self.id = secrets.token_hex(8)
        self.draft = draft
        self.saved = saved
        self.done = 0
        #: How many calls have to be looked at; 0 until that is known.
        self.whole = 0
        self.found: Preview | None = None
        #: Something nobody foresaw ended it.
        self.has_failed = False
        self._stopped = threading.Event()
        self._over = threading.Event()

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        self._stopped.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over by then."""
        return self._over.wait(timeout_s)

    def run(self, engine: sa.Engine) -> None:
        try:
            with engine.connect() as db:
                offset = calls.newest_utc_offset_min(db) or 0
            self.found = category_preview.preview(
                engine,
                categories.prepare(self.draft),
                categories.prepare(self.saved) if self.saved else None,
                utc_offset_min=offset,
                progress=self._progress,
            )
        except Exception:  # noqa: BLE001 (the edge of a thread: the page says that it failed)
            self.has_failed = True
            _log.exception("preview failed unexpectedly", category=self.draft.id)
        finally:
            self._over.set()

    def _progress(self, done: int, whole: int) -> bool:
        self.done, self.whole = done, whole
        return not self.is_stopped


class CategoryControl:
    """Writes the wish into the database, then puts the job on its queue; works beside a running server too."""

    def __init__(self, engine: sa.Engine, jobs: JobEngine, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._jobs = jobs
        self._clock = clock
        self._previews: dict[str, PreviewRun] = {}
        self._lock = threading.Lock()

    def apply(self, category_id: str | None, *, by: str) -> str:
        """Apply one category, or all of them, to every call there is; returns the run's id.

        Raises:
            NotFound: there is no such category.
        """
        with self._engine.begin() as db:
            if category_id is not None and categories.get(db, category_id) is None:
                raise NotFound(thing="such category")
            run_id, is_new = category_runs.ask(db, category_id=category_id, by=by, now=self._clock())
        if is_new:
            self._jobs.enqueue([categorising.job(run_id)])
        return run_id

    def stop(self, run_id: str) -> None:
        """Apply no further; what is done stays.

        Raises:
            NotFound: no such run goes on.
        """
        with self._engine.begin() as db:
            if not category_runs.end(db, run_id, "cancelled", self._clock()):
                raise NotFound(thing="run of this kind that goes on")

    def preview(self, draft: Category) -> PreviewRun:
        """Begin to look through all calls for what a category would hold, compared with its saved version."""
        with self._engine.connect() as db:
            stored = categories.get(db, draft.id)
        run = PreviewRun(draft, stored.category if stored else None)
        with self._lock:
            for each in self._previews.values():
                # Whoever edits the same category further is not interested in how it was.
                if each.draft.id == draft.id:
                    each.stop()
            self._previews[run.id] = run
            for old in list(self._previews)[:-KEPT]:
                self._previews.pop(old).stop()
        threading.Thread(target=run.run, args=(self._engine,), name="preview", daemon=True).start()
        return run

    def preview_of(self, preview_id: str) -> PreviewRun:
        """A preview that was begun here.

        Raises:
            NotFound: there is none, or not any more.
        """
        with self._lock:
            found = self._previews.get(preview_id)
        if found is None:
            raise NotFound(thing="such preview (it is kept until the server restarts)")
        return found

    def close(self) -> None:
        """Stop all previews and wait for them."""
        with self._lock:
            running = [each for each in self._previews.values() if not each.is_over]
        for each in running:
            each.stop()
        for each in running:
            each.wait(5)
