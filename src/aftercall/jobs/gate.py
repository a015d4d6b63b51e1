"""This file keeps the load on one PBX low: so many downloads at a time, newest call first, and a rest when it ails."""

import asyncio
import heapq
import itertools
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

#: After a failure that may pass, leave the PBX alone for so long; twice as long after each further one.
SHORTEST_REST_S, LONGEST_REST_S = 5.0, 300.0
#: How often those who wait for their moment look whether the pace has changed.
LOOK_EVERY_S = 1.0


class Gate:
    """Lets so many through at a time, those of the highest rank first; for use within one event loop."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._inside = 0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def resize(self, at_once: int) -> None:
        """Let more or fewer through from now on."""
        self._at_once = at_once
        self._admit()

    @asynccontextmanager
    async def pass_through(self, rank: float) -> AsyncIterator[None]:
        """Wait for a place, hold it, give it back."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-rank, next(self._order), turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            raise
        try:
            yield
        finally:
            self._leave()

    def _leave(self) -> None:
        self._inside -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._inside < self._at_once:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                self._inside += 1
                turn.set_result(None)


class Pace:
    """Spreads work evenly over time, those of the highest rank first; for use within one event loop."""

    def __init__(self) -> None:
        self._turn = Gate(1)
        self._last_at = -math.inf

    async def wait(self, rank: float, per_min: Callable[[], int | None]) -> None:
        """Wait for the next moment at this pace.

        Args:
            per_min: the pace as it is now, asked again and again, since it may be changed meanwhile; None is no limit.
        """
        if per_min() is None:
            self._last_at = time.monotonic()
            return
        async with self._turn.pass_through(rank):
            while (pace := per_min()) is not None:
                left_s = self._last_at + 60 / pace - time.monotonic()
                if left_s <= 0:
                    break
                await asyncio.sleep(min(left_s, LOOK_EVERY_S))
            self._last_at = time.monotonic()


class Rest:
    """Counts failures of a PBX, and says how long to leave it alone."""

    def __init__(self) -> None:
        self._failures = 0
        self._until = 0.0

    @property
    def left_s(self) -> float:
        """Seconds until it may be asked again; 0 when it may be."""
        return max(0.0, self._until - time.monotonic())

    def failed(self) -> None:
        """It failed; several failures side by side count as one."""
        if self.left_s == 0:
            self._until = time.monotonic() + min(SHORTEST_REST_S * 2**self._failures, LONGEST_REST_S)
            self._failures += 1

    def worked(self) -> None:
        self._failures, self._until = 0, 0.0
