"""This file runs the network's coroutines on one event loop in a thread of its own, for jobs that are plain threads."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from aftercall.jobs.shutdown import ShuttingDown

R = TypeVar("R")


class LoopThread:
    """One event loop that lives as long as the jobs do."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine there and wait for it; call it from any other thread.

        Raises:
            ShuttingDown: the loop was closed under the work.
        """
        if self.loop.is_closed():
            work.close()
            raise ShuttingDown()
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop).result()
        except CancelledError as exc:
            raise ShuttingDown() from exc

    def close(self) -> None:
        if self.loop.is_closed():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        pending = asyncio.all_tasks(self.loop)
        for task in pending:
            task.cancel()
        if pending:
            self.loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
