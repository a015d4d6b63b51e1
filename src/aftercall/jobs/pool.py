"""This file runs CPU work in processes of their own, which die with their parent and are given back when idle."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from aftercall.errors import EngineDied
from aftercall.jobs.shutdown import ShuttingDown

P = ParamSpec("P")
R = TypeVar("R")

#: Recognisers hold 150 MB and more each; an idle office gets that memory back.
IDLE_S = 60.0


def _die_with(parent_pid: int) -> None:
    """Started in each worker: leave Ctrl-C and SIGTERM to the parent, and end when the parent is gone.

    A killed parent leaves pool workers behind, burning CPU. PR_SET_PDEATHSIG would not do: it follows the thread
    that made the worker, and job threads end.
    """

    # Matrix products on all cores at once burn many times their worth in waiting: the workers are the parallel part.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, name="die-with-parent", daemon=True).start()


class Workers:
    """All worker processes: many for what is light, and one for an engine whose weights are too big to hold twice."""

    def __init__(self, workers: int) -> None:
        self.many = CpuPool(workers)
        self.one = CpuPool(1)

    def close(self) -> None:
        """End them all."""
        self.many.close()
        self.one.close()


class CpuPool:
    """Worker processes for decoding and recognition, started at the first task.

    Tasks must be importable functions with picklable arguments; what they return is pickled back.
    """

    def __init__(self, workers: int, *, idle_s: float = IDLE_S) -> None:
        self.workers = workers
        self._idle_s = idle_s
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._busy = 0
        self._idle_timer: threading.Timer | None = None
        self._is_closed = False

    def run(self, task: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run one task and wait for it.

        Raises:
            EngineDied: the process ended under the task; the next task gets a new pool.
            ShuttingDown: the pool was closed under the task.
            Whatever the task raises.
        """
        return self.run_all(task, [(args, kwargs)])[0]

    def run_all(self, task: Callable[..., R], calls: Iterable[tuple[tuple[object, ...], dict[str, object]]]) -> list[R]:
        """Run a task over several arguments side by side; the results come in the order of the arguments."""
        pool = self._enter()
        try:
            futures: list[Future[R]] = [pool.submit(task, *args, **kwargs) for args, kwargs in calls]
            return [future.result() for future in futures]
        except (BrokenProcessPool, CancelledError) as exc:
            if self._is_closed:
                raise ShuttingDown() from exc
            self._drop(pool)
            raise EngineDied() from exc
        finally:
            self._leave()

    def close(self) -> None:
        """End the workers; tasks that wait are cancelled, running ones are cut off."""
        with self._lock:
            self._is_closed = True
            pool, self._pool = self._pool, None
            if self._idle_timer:
                self._idle_timer.cancel()
        if pool:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:
                process.kill()
            pool.shutdown(wait=True)  # lets go of the queues, whose semaphores would be reported as leaked

    def _enter(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._is_closed:
                raise ShuttingDown()
            if self._idle_timer:
                self._idle_timer.cancel()
                self._idle_timer = None
            self._busy += 1
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self.workers,
                    mp_context=multiprocessing.get_context("spawn"),  # forking after threads have started deadlocks
                    initializer=_die_with,
                    initargs=(os.getpid(),),
                )
            return self._pool

    def _leave(self) -> None:
        with self._lock:
            self._busy -= 1
            if self._busy == 0 and not self._is_closed:
                self._idle_timer = threading.Timer(self._idle_s, self._give_back)
                self._idle_timer.daemon = True
                self._idle_timer.start()

    def _give_back(self) -> None:
        with self._lock:
            if self._busy:
                return
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=True)

    def _drop(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        broken.shutdown(wait=False, cancel_futures=True)
