"""This file follows the database for open pages: which calls moved and how the syncs are, looked up once a second.

The database is the only source: whichever process did the work, every page sees it.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio.to_thread
import sqlalchemy as sa

from aftercall.model import CallState
from aftercall.store import calls, categories, health, pbxs, stages, syncs
from aftercall.store.accounts import Account
from aftercall.store.calls import CallFilter, CallRow
from aftercall.store.categories import ShownCategory
from aftercall.store.pbxs import Pbx
from aftercall.store.stages import StageRecord
from aftercall.store.syncs import Progress
from aftercall.web import access
from aftercall.web.display import ENDED
from aftercall.web.parts import Parts

LOOK_EVERY_S = 1.0
#: A sign of life for proxies and browsers that give up on silent connections.
COMMENT_EVERY_S = 15.0
#: Where nothing runs and nothing went wrong.
_QUIET = frozenset({CallState.DONE, CallState.NO_AUDIO, CallState.NO_RECORDING})
#: A row is stamped before its transaction commits, so it comes to light later than it says: look back this far.
OVERLAP = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class ListedCall:
    """A row of the list with what it needs beyond the row: what runs now, and what went wrong."""

    row: CallRow
    stages: tuple[StageRecord, ...]
    categories: tuple[ShownCategory, ...] = ()

    @property
    def running(self) -> StageRecord | None:
        if self.row.state in ENDED:
            return None
        return next((each for each in self.stages if each.state == "running"), None)

    @property
    def trouble(self) -> StageRecord | None:
        return next((each for each in self.stages if each.error), None)


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A call that moved."""

    call: ListedCall
    #: Whether it belongs to the list that is being looked at.
    is_wanted: bool


@dataclass(frozen=True, kw_only=True)
class PbxStatus:
    """A PBX and its newest sync."""

    pbx: Pbx
    progress: Progress | None
    #: Calls on their way, those of earlier syncs included.
    moving_count: int = 0

    @property
    def is_busy(self) -> bool:
        return self.progress is not None and not self.progress.is_over


@dataclass(frozen=True, kw_only=True)
class News:
    """What one look brought."""

    moved: tuple[Moved, ...]
    pbxs: tuple[PbxStatus, ...]
    #: To be given back as `since` by a reader that was cut off.
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a reader follows."""

    account: Account
    wanted: CallFilter = field(default_factory=CallFilter)
    #: The oldest sort key shown; calls below it are nobody's concern.
    at_or_above: int = 0
    #: Only this call, for its own page.
    call_id: str = ""
    #: False for a page that shows no call at all.
    follows_calls: bool = True


def with_stages(db: sa.Connection, rows: Sequence[CallRow]) -> list[ListedCall]:
    """Rows as the list shows them; only those that still move or failed cost a look at their stages."""
    open_ids = [row.id for row in rows if row.state not in _QUIET]
    found = stages.of_calls(db, open_ids) if open_ids else {}
    belonging = categories.of_calls(db, [row.id for row in rows]) if rows else {}
    return [
        ListedCall(row=row, stages=tuple(found.get(row.id, ())), categories=belonging.get(row.id, ())) for row in rows
    ]


def statuses(db: sa.Connection) -> tuple[PbxStatus, ...]:
    """Every PBX with its newest sync."""
    found = []
    for pbx in pbxs.all_pbxs(db):
        last = syncs.last(db, pbx.id)
        found.append(
            PbxStatus(
                pbx=pbx,
                progress=syncs.progress(db, last.id) if last else None,
                moving_count=health.moving(health.under_way(db, pbx.id)),
            )
        )
    return tuple(found)


class Follower:
    """One reader's view of the changes; blocking, so call it from a thread."""

    def __init__(self, parts: Parts, subject: Subject, since: datetime) -> None:
        self._engine = parts.engine
        self._clock = parts.clock
        self._subject = subject
        self._wanted = access.narrowed(subject.account, subject.wanted)
        self._looked_at = since
        self._told: dict[str, datetime] = {}
        self._syncs: object = None
        self._statuses: tuple[PbxStatus, ...] = ()

    def look(self) -> News | None:
        """What is new since the last look; None if nothing is."""
        now, since = self._clock(), self._looked_at - OVERLAP
        with self._engine.connect() as db:
            last_change = calls.last_change(db)
            has_moved = last_change is not None and last_change > since
            moved = self._moved(db, since) if has_moved and self._subject.follows_calls else ()
            newest_syncs = [(pbx, syncs.last(db, pbx.id)) for pbx in pbxs.all_pbxs(db)]
            # Counting the calls of a large sync costs milliseconds: only while one of them may have moved.
            found = statuses(db) if has_moved or newest_syncs != self._syncs else self._statuses
        is_same = found == self._statuses and not moved
        self._looked_at, self._syncs, self._statuses = now, newest_syncs, found
        return None if is_same else News(moved=moved, pbxs=found, at=now)

    def _moved(self, db: sa.Connection, since: datetime) -> tuple[Moved, ...]:
        if self._wanted is None:
            return ()
        found = calls.moved(
            db, self._wanted, since=since, at_or_above=self._subject.at_or_above, only=self._subject.call_id
        )
        fresh = [each for each in found if self._told.get(each.row.id) != each.row.updated_at]
        self._told = {each.row.id: each.row.updated_at for each in found}
        shown = with_stages(db, [each.row for each in fresh])
        return tuple(
            Moved(call=call, is_wanted=each.is_wanted)
            for call, each in zip(shown, fresh, strict=True)
            if access.may_see_call(self._subject.account, each.row)
        )


async def follow(parts: Parts, subject: Subject, since: datetime) -> AsyncIterator[News | None]:
    """Yield what is new, and None as a sign of life, until the server stops or nobody listens any more."""
    follower = Follower(parts, subject, since)
    silent_s = 0.0
    while not parts.closing.is_set():
        news = await anyio.to_thread.run_sync(follower.look)
        silent_s = 0.0 if news else silent_s + LOOK_EVERY_S
        if news or silent_s >= COMMENT_EVERY_S:
            silent_s = 0.0
            yield news
        await asyncio.sleep(LOOK_EVERY_S)
