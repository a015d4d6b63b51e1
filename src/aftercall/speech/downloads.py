"""This file keeps track of the models that are being brought here, and watches the clock of the processes that do it.

A second request for the same model joins the first. What ended stays known until it is asked for again.
"""

import contextlib
import json
import os
import pickle
import select
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from aftercall import log
from aftercall.errors import (
    AppError,
    ModelDownloadStalled,
    ModelFetchDied,
    ModelUnknown,
    every_error,
)
from aftercall.speech import importing, models
from aftercall.speech.fetching import Fetch, Import, Order, Patience
from aftercall.speech.registry import MODELS, Model, by_name

_log = log.get("models")

#: Speeds are taken over this time: long enough to be steady, short enough to follow the line.
_SPEED_OVER_S = 8.0
#: Where nothing comes for so long there is no speed to tell.
_SPEED_HOLDS_S = 3.0
#: How soon a cancel or a passed limit is noticed.
_LOOK_EVERY_S = 0.2

#: -P beside it: the folder we were started in has no say in what is imported.
_PROCESS = "import sys; from aftercall.speech.fetching import main; sys.exit(main())"

Doing = Literal["starting", "fetching", "checking", "unpacking", "copying", "done", "failed", "cancelled"]
_ENDED = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far one model is on its way."""

    #: The model's name; for an import the path it comes from.
    name: str
    kind: Literal["fetch", "import"]
    doing: Doing = "starting"
    done_bytes: int = 0
    #: None if not known.
    total_bytes: int | None = None
    #: Of the last seconds; None at the beginning.
    bytes_per_s: float | None = None
    #: Where it comes from, after all redirects.
    host: str = ""
    error: AppError | None = None
    #: The folder it has now, when it is done.
    put: str = ""

    @property
    def is_over(self) -> bool:
        return self.doing in _ENDED

    @property
    def share(self) -> float | None:
        """0 to 1, of what is being done now; None if not known."""
        return min(self.done_bytes / self.total_bytes, 1.0) if self.total_bytes else None

    @property
    def left_s(self) -> float | None:
        """How long it will take at this speed; None if not known."""
        if not self.total_bytes or not self.bytes_per_s:
            return None
        return max(self.total_bytes - self.done_bytes, 0) / self.bytes_per_s


class Download:
    """One model on its way: a process, and a thread that listens to it and ends it when its time is over."""

    def __init__(self, order: Order, *, name: str, patience: Patience) -> None:
        self._order = order
        self._patience = patience
        self._lock = threading.Lock()
        self._progress = Progress(name=name, kind="fetch" if isinstance(order, Fetch) else "import")
        self._is_cancelled = threading.Event()
        self._ended = threading.Event()
        self.pid: int | None = None
        self._thread = threading.Thread(target=self._run, name=f"model {name}", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        with self._lock:
            return self._progress

    def cancel(self) -> None:
        """End it; what has come is kept, so that the next fetch goes on from there."""
        self._is_cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Whether it is over, after waiting no longer than that."""
        return self._ended.wait(timeout_s)

    # ---- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            self._listen()
        except OSError as exc:
            self._end("failed", error=ModelFetchDied(model=self._progress.name, detail=exc.strerror or str(exc)))
        finally:
            if isinstance(self._order, Import):
                # Also what a process that was ended could not clear away itself.
                shutil.rmtree(self._order.workshop, ignore_errors=True)
            self._ended.set()

    def _listen(self) -> None:
        with subprocess.Popen(  # noqa: S603 - our own code
            [sys.executable, "-P", "-c", _PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin
            assert process.stdout
            self.pid = process.pid
            try:
                pickle.dump(self._order, process.stdin)
                process.stdin.flush()
                last, limit = self._follow(process.stdout.fileno())
            except BrokenPipeError:
                last, limit = {}, None
            finally:
                # What is on the disk stays there; the process has nothing else to lose.
                process.kill()
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            status = process.wait()
        self._conclude(last, limit, status)

    def _follow(self, stdout: int) -> tuple[dict[str, Any], str | None]:
        """Read until the process has no more to say: its last word, and which limit it passed."""
        started_at = moved_at = time.monotonic()
        seen: deque[tuple[float, int]] = deque()
        last: dict[str, Any] = {}
        rest, before = b"", ("", -1)
        while True:
            ready, _, _ = select.select([stdout], [], [], _LOOK_EVERY_S)
            now = time.monotonic()
            if ready:
                said = os.read(stdout, 1 << 16)
                if not said:
                    return last, None
                *lines, rest = (rest + said).split(b"\n")
                for line in lines:
                    last = json.loads(line)
                    if "doing" in last and (last["doing"], last["done"]) != before:
                        if last["doing"] != before[0]:
                            seen.clear()
                        before, moved_at = (last["doing"], last["done"]), now
                        self._moved(last, now, seen)
            if now - moved_at > _SPEED_HOLDS_S:
                self._stands_still()
            if self._is_cancelled.is_set():
                return {}, "cancelled"
            if now - started_at > self._patience.overall_s:
                return {}, f"It was not done after {_lasting(self._patience.overall_s)}."
            if now - moved_at > self._patience.silence_s:
                return {}, f"Nothing moved for {_lasting(self._patience.silence_s)}."

    def _moved(self, said: dict[str, Any], now: float, seen: deque[tuple[float, int]]) -> None:
        seen.append((now, said["done"]))
        while now - seen[0][0] > _SPEED_OVER_S:
            seen.popleft()
        past_s, past = seen[0]
        speed = (said["done"] - past) / (now - past_s) if now - past_s >= 0.5 else None
        with self._lock:
            self._progress = replace(
                self._progress,
                doing=said["doing"],
                done_bytes=said["done"],
                total_bytes=said["total"],
                host=said["host"] or self._progress.host,
                bytes_per_s=speed if speed is not None else self._progress.bytes_per_s,
            )

    def _stands_still(self) -> None:
        """A speed of before, and the time left by it, would be untrue now."""
        with self._lock:
            self._progress = replace(self._progress, bytes_per_s=None)

    def _conclude(self, last: dict[str, Any], limit: str | None, status: int) -> None:
        name = self._progress.name
        if limit == "cancelled":
            self._end("cancelled")
        elif limit:
            self._end("failed", error=ModelDownloadStalled(model=name, detail=limit))
        elif "put" in last:
            self._end("done", put=last["put"])
        elif "error" in last:
            self._end("failed", error=_rebuilt(last))
        else:
            self._end("failed", error=ModelFetchDied(model=name, detail=f"status {status}"))

    def _end(self, doing: Doing, *, error: AppError | None = None, put: str = "") -> None:
        with self._lock:
            self._progress = replace(self._progress, doing=doing, error=error, put=put, bytes_per_s=None)
        _log.info("model " + doing, model=put or self._progress.name, error=error.code if error else None)


def _rebuilt(said: dict[str, Any]) -> AppError:
    kind = next(each for each in every_error() if each.code == said["error"])
    return kind(**said["facts"])


def _lasting(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} seconds"
    return f"{seconds / 60:g} minutes" if seconds < 7200 else f"{seconds / 3600:g} hours"


class Downloads:
    """All models on their way into one models folder; may be used by any thread."""

    def __init__(self, folder: Path, *, known: Sequence[Model] = MODELS, patience: Patience | None = None) -> None:
        self.folder = folder
        self.known = tuple(known)
        self._patience = patience or Patience()
        self._lock = threading.Lock()
        self._downloads: dict[str, Download] = {}

    def start(self, name: str, *, mirror: str | None = None) -> Download:
        """Fetch a model of our list, or join the fetch that is under way.

        Raises:
            ModelUnknown: our list has none of that name.
        """
        model = by_name(name, self.known)
        if model is None:
            raise ModelUnknown(model=name, known=", ".join(each.name for each in self.known))
        order = Fetch(model=model, folder=self.folder, mirror=mirror, patience=self._patience)
        return self._started(model.name, order)

    def start_import(self, paths: Sequence[Path], *, name: str = "", workshop: Path | None = None) -> Download:
        """Import a model from this machine, or join the import of the same path that is under way.

        Args:
            workshop: a folder in the models folder that holds `paths` already, and is deleted afterwards.
        """
        importing.sweep(self.folder, now=time.time())
        order = Import(
            paths=tuple(paths),
            name=name,
            folder=self.folder,
            known=self.known,
            workshop=workshop or importing.new_workshop(self.folder),
        )
        return self._started(str(paths[0]), order)

    def _started(self, name: str, order: Order) -> Download:
        with self._lock:
            known = self._downloads.get(name)
            if known and not known.progress.is_over:
                return known
            made = Download(order, name=name, patience=self._patience)
            self._downloads[name] = made
            return made

    def get(self, name: str) -> Download | None:
        """The newest attempt to bring this model; None if there was none since the start."""
        with self._lock:
            return self._downloads.get(name)

    def all(self) -> list[Progress]:
        """How far each one is, those that ended included."""
        with self._lock:
            found = list(self._downloads.values())
        return [each.progress for each in found]

    def cancel(self, name: str) -> None:
        """End a download or an import; does nothing if there is none."""
        if found := self.get(name):
            found.cancel()
            found.wait(10.0)

    def forget(self, name: str) -> None:
        """No longer tell how an ended attempt went."""
        with self._lock:
            if name in self._downloads and self._downloads[name].progress.is_over:
                del self._downloads[name]

    def remove(self, name: str) -> None:
        """Delete a model, or what an unfinished download of it left.

        Raises:
            ModelUnknown, ModelsFolderUnwritable: as `models.remove`.
        """
        self.cancel(name)
        models.remove(self.folder, name, self.known)
        self.forget(name)

    def close(self) -> None:
        """End everything that is under way."""
        with self._lock:
            found = list(self._downloads.values())
        for each in found:
            each.cancel()
        for each in found:
            each.wait(10.0)
