"""This file holds one ARI client per PBX for the jobs, and keeps the load on each PBX low."""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from aftercall.errors import AppError, NotFound, PbxError, PbxListEmpty, Retry
from aftercall.jobs.gate import LOOK_EVERY_S, Gate, Pace, Rest
from aftercall.jobs.loop import LoopThread
from aftercall.model import PbxAddress
from aftercall.pbx.ari import AriClient
from aftercall.pbx.listing import Listing
from aftercall.recordings import plan
from aftercall.recordings.archive import Archive
from aftercall.recordings.fetch import Fetched, Growing, Wanted, fetch
from aftercall.recordings.filters import Filters, sort_out
from aftercall.store import pbxs, recordings
from aftercall.store.vault import Vault


@dataclass(frozen=True, kw_only=True)
class Resting:
    """Not tried: the PBX has just failed, and is left alone for a while."""

    left_s: float


@dataclass(frozen=True, kw_only=True)
class Unwanted:
    """Not tried: meanwhile it was put off, held back, or is another attempt's business."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a sync would do."""

    listed_count: int
    #: Of the listed ones, those that came before.
    known_count: int
    wanted_count: int
    #: The rule's name (`since`, `directions`, `extensions`, `names`) to how many it skips.
    skipped_by: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "listed": self.listed_count,
            "known": self.known_count,
            "wanted": self.wanted_count,
            "skipped": dict(self.skipped_by),
        }


Outcome = Fetched | Growing | Resting | Unwanted | Exception


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A list as it came."""

    listing: Listing
    #: How many seconds the PBX took.
    took_s: float
    #: How far the PBX's clock is ahead of ours, None if it would not say.
    clock_skew_s: float | None
    #: When the PBX's settings, the filters among them, were changed last.
    changed_at: datetime
    #: How many recordings of the list before were skipped, if this one is told by what differs from it.
    skipped_before: int


@dataclass(frozen=True, kw_only=True)
class _LastList:
    """The list before, all of which is stored or skipped."""

    body: bytes = field(repr=False)
    changed_at: datetime
    skipped_count: int


@dataclass(kw_only=True)
class _Line:
    """The connection to one PBX, as long as its address stays the same."""

    address: PbxAddress
    client: AriClient
    gate: Gate
    pace: Pace = field(default_factory=Pace)
    rest: Rest = field(default_factory=Rest)
    #: A list costs the PBX memory: never two at a time.
    listing: asyncio.Lock = field(default_factory=asyncio.Lock)
    last: _LastList | None = None
    #: The pace for old recordings, and when it was looked up.
    backlog_per_min: int | None = None
    looked_at: float = -math.inf


@dataclass(frozen=True, kw_only=True)
class _Wish:
    """How a PBX wants to be asked."""

    address: PbxAddress
    downloads_at_once: int
    changed_at: datetime


class PbxClients:
    """Runs work against PBXs on the network thread; call it from any other thread."""

    def __init__(self, engine: sa.Engine, vault: Vault, network: LoopThread) -> None:
        self._engine = engine
        self._vault = vault
        self._network = network
        self._lines: dict[str, _Line] = {}

    def list_recordings(self, pbx_id: str) -> Listed:
        """The PBX's list of recordings; of a list like the one before only what differs is read."""
        return self._network.run(self._list(self._wish(pbx_id), pbx_id))

    def remember(self, pbx_id: str, listed: Listed, skipped_count: int) -> None:
        """Everything in this list is stored or skipped: the next one needs to be read only where it differs."""
        line = self._lines.get(pbx_id)
        if line is not None:
            line.last = _LastList(
                body=listed.listing.body, changed_at=listed.changed_at, skipped_count=skipped_count
            )  # fmt: skip

    def preview(self, address: PbxAddress, pbx_id: str | None, filters: Filters) -> Preview:
        """What a sync with these filters would fetch, counted on a list made now; nothing is stored.

        Args:
            pbx_id: whose recordings are known already; None for a PBX that is not stored yet.
        """
        listed = self._network.run(self._peek(address, pbx_id))
        with self._engine.connect() as db:
            missing = plan.missing(listed, recordings.known_names(db, pbx_id) if pbx_id else ())
        sorted_out = sort_out(missing, filters)
        return Preview(
            listed_count=len(listed),
            known_count=len(listed) - len(missing),
            wanted_count=len(sorted_out.wanted),
            skipped_by=sorted_out.skipped_by,
        )

    def why_empty(self, pbx_id: str) -> PbxListEmpty:
        """What to tell about an empty list: the folders to look at on that PBX."""
        link, kept_in = self._network.run(self._folders(self._wish(pbx_id), pbx_id))
        return PbxListEmpty(link=link, kept_in=kept_in)

    def fetch(
        self,
        pbx_id: str,
        wanted: Sequence[Wanted],
        *,
        archive: Archive,
        max_bytes: int,
        clock: Callable[[], datetime],
        is_backlog: bool,
        is_still_wanted: Callable[[Wanted], bool],
    ) -> list[Outcome]:
        """Bring recordings home, a few at a time, newest first; what became of each, in their order.

        Args:
            is_backlog: they are old: kept to the PBX's pace, and not tried while it rests.
            is_still_wanted: asked when a recording's turn has come.
        """
        wish = self._wish(pbx_id)

        def one(client: AriClient, each: Wanted) -> Coroutine[Any, Any, Fetched | Growing]:
            return fetch(client, archive, each, max_bytes=max_bytes, clock=clock)

        return self._network.run(
            self._fetch(wish, pbx_id, wanted, one, is_backlog=is_backlog, is_still_wanted=is_still_wanted)
        )

    def close(self) -> None:
        self._network.run(self._close())

    def _wish(self, pbx_id: str) -> _Wish:
        with self._engine.connect() as db:
            pbx, address = pbxs.get(db, pbx_id), pbxs.address(db, pbx_id, self._vault)
        if pbx is None or address is None:
            raise NotFound(thing="PBX")
        return _Wish(address=address, downloads_at_once=pbx.downloads_at_once, changed_at=pbx.changed_at)

    def _pace(self, line: _Line, pbx_id: str) -> int | None:
        """How many old recordings a minute this PBX may be asked for now; held-back ones are soon let go unasked."""
        # A look for each recording would cost more than the small downloads.
        if time.monotonic() - line.looked_at > LOOK_EVERY_S:
            with self._engine.connect() as db:
                pbx = pbxs.get(db, pbx_id)
            line.backlog_per_min = None if pbx is None or pbx.is_backlog_paused else pbx.backlog_per_min
            line.looked_at = time.monotonic()
        return line.backlog_per_min

    async def _list(self, wish: _Wish, pbx_id: str) -> Listed:
        line = await self._line(wish, pbx_id)
        async with line.listing:
            # Other filters may want what the ones before have skipped.
            last = line.last if line.last and line.last.changed_at == wish.changed_at else None
            began = time.monotonic()
            listing = await line.client.recording_list(last.body if last else None)
            took_s = time.monotonic() - began
            line.rest.worked()
            skew = None
            with suppress(AppError):
                skew = await line.client.clock_skew()
            return Listed(
                listing=listing,
                took_s=took_s,
                clock_skew_s=skew.total_seconds() if skew is not None else None,
                changed_at=wish.changed_at,
                skipped_before=last.skipped_count if last and not listing.is_whole else 0,
            )

    async def _peek(self, address: PbxAddress, pbx_id: str | None) -> Mapping[str, str]:
        line = self._lines.get(pbx_id) if pbx_id else None
        if line is not None and line.address == address:
            async with line.listing:
                return await line.client.recordings()
        async with AriClient(address) as client:
            return await client.recordings()

    async def _folders(self, wish: _Wish, pbx_id: str) -> tuple[str, str]:
        return await (await self._line(wish, pbx_id)).client.recording_folders()

    async def _fetch(
        self,
        wish: _Wish,
        pbx_id: str,
        wanted: Sequence[Wanted],
        fetch_one: Callable[[AriClient, Wanted], Coroutine[Any, Any, Fetched | Growing]],
        *,
        is_backlog: bool,
        is_still_wanted: Callable[[Wanted], bool],
    ) -> list[Outcome]:
        line = await self._line(wish, pbx_id)

        async def one(each: Wanted) -> Outcome:
            if is_backlog:
                await line.pace.wait(each.started_at.timestamp(), lambda: self._pace(line, pbx_id))
            async with line.gate.pass_through(each.started_at.timestamp()):
                if is_backlog and line.rest.left_s:
                    return Resting(left_s=line.rest.left_s)
                if not is_still_wanted(each):
                    return Unwanted()
                try:
                    outcome = await fetch_one(line.client, each)
                except Exception as exc:  # noqa: BLE001 (handed to the step, which decides what becomes of each)
                    if isinstance(exc, PbxError) and exc.retry is Retry.SOON:
                        line.rest.failed()
                    return exc
                line.rest.worked()
                return outcome

        return list(await asyncio.gather(*(one(each) for each in wanted)))

    async def _line(self, wish: _Wish, pbx_id: str) -> _Line:
        line = self._lines.get(pbx_id)
        if line is None or line.address != wish.address:
            # The old client, if any, is left to the downloads that still use it; it holds no idle connections.
            line = self._lines[pbx_id] = _Line(
                address=wish.address, client=AriClient(wish.address), gate=Gate(wish.downloads_at_once)
            )
        line.gate.resize(wish.downloads_at_once)
        return line

    async def _close(self) -> None:
        for line in self._lines.values():
            await line.client.aclose()
        self._lines.clear()
