"""This file reads the PBXs' call detail records: every minute what is new, and the past stretch by stretch.

Each PBX is read in a thread of its own, because a database may hang, and neither the schedule nor another PBX may wait
for it. Nothing is remembered here: how far it is read stands in the store, and rows that are read again double nothing.
"""

import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from aftercall import log
from aftercall.errors import AppError, Unexpected
from aftercall.jobs.steps import utc_now
from aftercall.pbx import cdr_calls
from aftercall.pbx.cdr import CdrPatience, CdrReader, TableClock
from aftercall.pbx.cdr_rows import CdrRow
from aftercall.store import cdr_sources, cdrs, pbxs
from aftercall.store.cdr_sources import CdrSource
from aftercall.store.pbxs import Pbx
from aftercall.store.vault import Vault

_log = log.get("cdr")

LOOK_EVERY_S = 1.0
#: Rows of one call are written apart, and Asterisk may hold them back for minutes (cdr.conf, `batch`).
OVERLAP = timedelta(minutes=10)
#: Where the table's clock was moved (summer time), the overlap is wider for once.
CLOCK_MOVED = timedelta(hours=2)
#: The first look reaches back so far; what is older follows in the background.
FIRST_STRETCH = timedelta(days=1)
#: One question asks for no more than this.
STRETCH, SHORTEST_STRETCH, LONGEST_STRETCH = timedelta(hours=6), timedelta(minutes=30), timedelta(days=2)
#: Stretches of the past grow and shrink to hold about so many rows.
FEW_ROWS, MANY_ROWS = 1000, 10_000
#: Calls in one transaction, so that whoever else writes never waits long.
PORTION = 100
#: A look spends no longer than this on the past, so that what is new comes every few seconds even then.
PAST_S = 10.0


def read(
    engine: sa.Engine,
    vault: Vault,
    pbx_id: str,
    *,
    clock: Callable[[], datetime] = utc_now,
    patience: CdrPatience | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Look once: read what is new, and some of the past; what goes wrong is written down with the source.

    Args:
        is_wanted: asked between two questions; False ends the look early.
    """
    with engine.connect() as db:
        source, owner = cdr_sources.get(db, pbx_id), pbxs.get(db, pbx_id)
        if source is None or owner is None:
            return
    try:
        with engine.connect() as db:
            address = cdr_sources.address(db, pbx_id, vault)
        assert address is not None
        with CdrReader(address, patience=patience) as reader:
            look = _Look(engine=engine, reader=reader, source=source, owner=owner, clock=clock, is_wanted=is_wanted)
            look.read_on()
            is_backfilled = look.read_back()
    except AppError as error:
        _log.warning("call detail records not read", pbx_id=pbx_id, code=error.code)
        with engine.begin() as db:
            cdr_sources.record_failure(db, source, error, clock())
        return
    with engine.begin() as db:
        cdr_sources.record_look(db, source, clock(), is_backfilled=is_backfilled)


class _Look:
    """One look at one table."""

    def __init__(
        self,
        *,
        engine: sa.Engine,
        reader: CdrReader,
        source: CdrSource,
        owner: Pbx,
        clock: Callable[[], datetime],
        is_wanted: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._reader = reader
        self._source = source
        self._owner = owner
        self._clock = clock
        self._is_wanted = is_wanted
        self._table: TableClock = reader.clock()
        self._offset_min = self._table.offset_min or 0

    def read_on(self) -> None:
        """From where the last look ended up to now."""
        low, until = self._low(), self._table.now
        while low < until and self._is_wanted():
            high = min(low + STRETCH, until)
            # The clocks of the database and of Asterisk never quite agree: the last question has no end.
            end = high if high < until else until + timedelta(days=1)
            self._keep(self._reader.ended(low, end, offset_min=self._offset_min), read_to=high)
            low = high
        with self._engine.begin() as db:
            cdrs.join_left_over(db, self._owner.id, self._clock())

    def _low(self) -> datetime:
        source, until = self._source, self._table.now
        if source.read_to is None:
            self._source = replace(source, backfilled_to=until - FIRST_STRETCH)
            return until - FIRST_STRETCH
        has_moved = source.offset_min not in {None, self._offset_min}
        return min(source.read_to, until) - OVERLAP - (CLOCK_MOVED if has_moved else timedelta())

    def read_back(self) -> bool:
        """Some of what is older, as far back as calls are wanted; True when there is nothing left."""
        oldest = self._table.oldest_at
        if oldest is None:
            return True
        since = self._owner.filters.since
        floor = max(oldest, since) if since else oldest
        stretch, give_up_at = STRETCH, time.monotonic() + PAST_S
        while (high := self._source.backfilled_to) and high > floor:
            if time.monotonic() > give_up_at or not self._is_wanted():
                return False
            low = max(high - stretch, floor)
            rows = self._reader.began(low, high, offset_min=self._offset_min)
            if len(rows) > MANY_ROWS:
                stretch = max(stretch / 2, SHORTEST_STRETCH)
            elif len(rows) < FEW_ROWS:
                stretch = min(stretch * 2, LONGEST_STRETCH)
            assert self._source.read_to is not None
            self._keep(rows, read_to=self._source.read_to, backfilled_to=low)
        return True

    def _keep(self, rows: list[CdrRow], *, read_to: datetime, backfilled_to: datetime | None = None) -> None:
        """Store what was read, and last of all how far that is: a kill in between loses and doubles nothing."""
        before = self._source
        self._source = replace(
            before, read_to=read_to, backfilled_to=backfilled_to or before.backfilled_to, offset_min=self._offset_min
        )
        assert self._source.backfilled_to is not None
        changed, waiting = 0, iter(cdr_calls.group(rows).values())
        while portion := list(itertools.islice(waiting, PORTION)):
            several = itertools.chain.from_iterable(portion)
            with self._engine.begin() as db:
                told = cdrs.take(db, self._owner.id, several, self._clock(), usual_offset_min=self._offset_min)
            changed += len(told)
        with self._engine.begin() as db:
            cdr_sources.record_read(
                db,
                before,
                read_to=read_to,
                backfilled_to=self._source.backfilled_to,
                offset_min=self._offset_min,
            )
        if changed:
            _log.info("call detail records read", pbx_id=self._owner.id, rows=len(rows), calls=changed)


class CdrReading:
    """Looks every second which PBX's records are due; `start` and `close` may be called from any thread."""

    def __init__(
        self,
        engine: sa.Engine,
        vault: Vault,
        *,
        clock: Callable[[], datetime] = utc_now,
        patience: CdrPatience | None = None,
    ) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock
        self._patience = patience
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cdr", daemon=True)
        #: PBX to the thread that reads its records, one at a time.
        self._readers: dict[str, threading.Thread] = {}

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Start no more looks, and wait a little for those under way; what they have not stored is read again."""
        self._stop.set()
        for thread in (self._thread, *self._readers.values()):
            if thread.is_alive():
                thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            try:
                with self._engine.connect() as db:
                    due = cdr_sources.due(db, self._clock())
            except sa.exc.SQLAlchemyError:
                _log.warning("could not look whose records are due", exc_info=True)
                continue
            for pbx_id in due:
                running = self._readers.get(pbx_id)
                if running is None or not running.is_alive():
                    self._readers[pbx_id] = threading.Thread(target=self._read, args=(pbx_id,), name="cdr", daemon=True)
                    self._readers[pbx_id].start()

    def _read(self, pbx_id: str) -> None:
        try:
            read(
                self._engine,
                self._vault,
                pbx_id,
                clock=self._clock,
                patience=self._patience,
                is_wanted=lambda: not self._stop.is_set(),
            )
        except Exception as exc:  # noqa: BLE001 (the edge: a look that dies is made again later)
            if self._stop.is_set():
                return
            _log.exception("reading call detail records failed unexpectedly", pbx_id=pbx_id)
            with self._engine.begin() as db:
                source = cdr_sources.get(db, pbx_id)
                if source is not None:
                    cdr_sources.record_failure(db, source, Unexpected(kind=type(exc).__name__), self._clock())
