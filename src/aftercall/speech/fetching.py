"""This file brings one model into the models folder, in a process of its own, whose `main` is here.

It gets its order as a pickle on stdin, tells how far it is as JSON lines on stdout, and ends with stdin: so it dies
with the process that started it, whatever ended that. Whoever started it also watches the clock (speech/downloads.py).
"""

import contextlib
import fcntl
import json
import os
import pickle
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from aftercall.errors import (
    AppError,
    ModelArchiveDamaged,
    ModelBusy,
    ModelDownloadIncomplete,
    ModelNotInside,
    ModelSourceRefused,
    ModelSourceUnreachable,
    ModelTooLarge,
    ModelWrongBytes,
)
from aftercall.speech import importing, models, unpacking
from aftercall.speech.models import CheckedFile
from aftercall.speech.registry import Model, Source

#: A download may say where it went; more often is a loop.
MOST_REDIRECTS = 5
#: Of a source whose size nobody told.
MOST_BYTES = 8_000_000_000
#: Lines on stdout come no more often than this.
_TELL_EVERY_S = 0.2
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a download may take, and how often it is taken up again."""

    #: From the start to the end, unpacking included.
    overall_s: float = 6 * 3600.0
    #: Without a sign of progress.
    silence_s: float = 60.0
    connect_s: float = 15.0
    #: In a row, without a byte between them.
    tries: int = 3
    #: Before the second try; twice as long before the third.
    pause_s: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Fetch:
    """The order to fetch a model of our list."""

    model: Model
    folder: Path
    mirror: str | None
    patience: Patience


@dataclass(frozen=True, kw_only=True)
class Import:
    """The order to import a model from this machine."""

    paths: tuple[Path, ...]
    name: str
    folder: Path
    known: tuple[Model, ...]
    #: Where it is put together; in the models folder. Whoever gives the order deletes it, however this ends.
    workshop: Path


Order = Fetch | Import


def mirrored(url: str, mirror: str | None) -> str:
    """The address of a source at a mirror: the mirror's address takes the place of scheme and host."""
    return f"{mirror.rstrip('/')}{urlsplit(url).path}" if mirror else url


# ---- telling ----------------------------------------------------------------------------------------------------


class Teller:
    """Writes JSON lines: what is done now, how many bytes of how many, from where; the newest state, now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {}
        self._told: dict[str, Any] = {}

    def tell(self, doing: str, done: int, total: int | None, *, host: str = "") -> None:
        self._state = {"doing": doing, "done": done, "total": total, "host": host}

    def keep_telling(self) -> None:
        """For a thread of its own, so that the last bytes before a silence are told too."""
        while True:
            time.sleep(_TELL_EVERY_S)
            if self._state != self._told:
                self._told = self._state
                self.say(self._told)

    def say(self, line: dict[str, Any]) -> None:
        with self._lock:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()


# ---- one download -----------------------------------------------------------------------------------------------


class _CutOff(Exception):
    """The line broke; the download may go on from where it is."""


@dataclass(kw_only=True)
class _Line:
    """One source on its way to one file."""

    http: httpx2.Client
    model: str
    source: Source
    url: str
    part: Path
    notes: Path
    patience: Patience
    teller: Teller
    #: Bytes of earlier sources, and of all of them together (None if not known).
    before: int
    total: int | None

    @property
    def have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def bring(self) -> None:
        """Fetch until everything is there, going on where the line broke.

        Raises:
            ModelSourceUnreachable, ModelSourceRefused, ModelDownloadIncomplete, ModelTooLarge.
        """
        if self._noted().get("url") != self.url:
            self.part.unlink(missing_ok=True)
        failures, began_with = 0, self.have
        while True:
            had = self.have
            try:
                self._receive()
            except (httpx2.TransportError, _CutOff) as exc:
                failures = 1 if self.have > had else failures + 1
                is_first_contact = self.have == began_with and isinstance(exc, httpx2.ConnectError)
                if failures >= self.patience.tries or is_first_contact:
                    raise self._given_up(exc) from exc
                time.sleep(self.patience.pause_s * 2 ** (failures - 1))
            else:
                return

    def _given_up(self, exc: Exception) -> AppError:
        host = urlsplit(self.url).netloc
        if self.have == 0:
            detail = str(exc).strip().rstrip(".") or type(exc).__name__
            return ModelSourceUnreachable(host=host, model=self.model, detail=detail)
        return ModelDownloadIncomplete(
            host=host,
            model=self.model,
            received=str(self.have),
            expected=str(self.source.size_bytes or "an unknown number of"),
            attempts=self.patience.tries,
        )

    def _receive(self) -> None:
        """One request, from where the file ends."""
        have = self.have
        with self._answer(self._headers(have)) as answer:
            host = answer.url.host
            if answer.status_code == 416 and self._is_all_there(answer, have):
                return
            if answer.status_code == 416:
                self.part.unlink(missing_ok=True)
                raise _CutOff("the server has another file now")
            self._refuse_others(answer)
            is_rest = answer.status_code == 206
            if is_rest and _starts_at(answer) != have:
                self.part.unlink(missing_ok=True)
                raise _CutOff("the server went on at another place")
            announced = _length(answer)
            whole = None if announced is None else announced + (have if is_rest else 0)
            self._check_size(whole)
            self._note(answer)
            with self.part.open("ab" if is_rest else "wb") as out:
                done = have if is_rest else 0
                for block in answer.iter_raw():
                    done += len(block)
                    self._check_size(done, is_so_far=True)
                    out.write(block)
                    self._tell(done, whole, host)
        if whole is not None and done != whole:
            raise _CutOff(f"{done} of {whole} bytes came")

    def _headers(self, have: int) -> dict[str, str]:
        noted = self._noted()
        mark = noted.get("etag") or noted.get("modified")
        if not have or not (mark or self.source.sha256):
            return {}
        return {"Range": f"bytes={have}-", **({"If-Range": mark} if mark else {})}

    @contextlib.contextmanager
    def _answer(self, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """The answer at the end of a few redirects; never from an encrypted place to an open one."""
        url = self.url
        for _ in range(MOST_REDIRECTS + 1):
            with self.http.stream("GET", url, headers=headers) as answer:
                if answer.status_code not in {301, 302, 303, 307, 308}:
                    yield answer
                    return
                onward = urljoin(url, answer.headers.get("location", ""))
            if urlsplit(onward).scheme not in {"http", "https"} or not urlsplit(onward).hostname:
                raise self._refusal(f"a redirect that leads nowhere ({onward[:100]})", url)
            if urlsplit(url).scheme == "https" and urlsplit(onward).scheme == "http":
                raise self._refusal("a redirect to an unencrypted address", url)
            url = onward
        raise self._refusal(f"more than {MOST_REDIRECTS} redirects", url)

    def _refuse_others(self, answer: httpx2.Response) -> None:
        """Let a file through and nothing else."""
        if answer.status_code in _TRANSIENT:
            raise _CutOff(f"it answered {answer.status_code}")
        if answer.status_code not in {200, 206}:
            raise self._refusal(f"{answer.status_code} {answer.reason_phrase}".strip(), str(answer.url))
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise self._refusal(f"a web page ({kind})", str(answer.url))

    def _refusal(self, answered: str, url: str) -> ModelSourceRefused:
        return ModelSourceRefused(host=urlsplit(url).netloc, model=self.model, answer=answered, url=self.url)

    def _is_all_there(self, answer: httpx2.Response, have: int) -> bool:
        whole = answer.headers.get("content-range", "").partition("*/")[2]
        return whole == str(have) and self.source.size_bytes in {None, have}

    def _check_size(self, size: int | None, *, is_so_far: bool = False) -> None:
        """Stop at the first byte too many, or where another size is announced than was published."""
        published = self.source.size_bytes
        if size is None:
            return
        if published is not None and not is_so_far and size != published:
            self.part.unlink(missing_ok=True)
            raise models.wrong_bytes(
                self.model,
                CheckedFile(
                    name=_name(self.source),
                    outcome="wrong",
                    size_bytes=size,
                    sha256=None,
                    expected=f"{published} bytes",
                ),
            )
        limit = published or MOST_BYTES
        if size > limit:
            self.part.unlink(missing_ok=True)
            raise ModelTooLarge(file=_name(self.source), limit_bytes=limit)

    def _tell(self, done: int, whole: int | None, host: str) -> None:
        total = self.total if self.total is not None else whole
        self.teller.tell("fetching", self.before + done, total, host=host)

    def _noted(self) -> dict[str, str]:
        try:
            said = json.loads(self.notes.read_text())
            return {str(key): str(value) for key, value in said.items() if value}
        except (OSError, ValueError, AttributeError):
            return {}

    def _note(self, answer: httpx2.Response) -> None:
        """What tells at the next attempt that the file there is still the same one."""
        etag = answer.headers.get("etag", "")
        marks = {
            "url": self.url,
            # A weak one may stand for other bytes.
            "etag": "" if etag.startswith("W/") else etag,
            "modified": answer.headers.get("last-modified", ""),
        }
        self.notes.write_text(json.dumps(marks))


def _length(answer: httpx2.Response) -> int | None:
    said = answer.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


def _starts_at(answer: httpx2.Response) -> int | None:
    unit, _, rest = answer.headers.get("content-range", "").partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isascii() and first.isdigit() else None


def _name(source: Source) -> str:
    return urlsplit(source.url).path.rpartition("/")[2]


# ---- one model --------------------------------------------------------------------------------------------------


def fetch(order: Fetch, teller: Teller) -> Path:
    """Fetch, check, unpack and put in; what has come stays for the next attempt if this one fails."""
    model, folder = order.model, order.folder
    with models.writing_to(folder, model.name, needed_bytes=_needed(order)):
        workshop = folder / f"{models.FETCHING}{model.name}"
        workshop.mkdir(exist_ok=True)
        with _alone(workshop, model.name):
            parts = _bring_all(order, workshop, teller)
            staged = _stage(model, parts, workshop / "files", teller)
            try:
                put = models.put_in(
                    staged,
                    folder,
                    model.name,
                    model,
                    origin=", ".join(mirrored(source.url, order.mirror) for source in model.sources),
                    tell=lambda done, total: teller.tell("checking", done, total),
                )
            except (ModelWrongBytes, ModelNotInside):
                # What has come will never do.
                shutil.rmtree(workshop)
                raise
            shutil.rmtree(workshop)
    return put


def _needed(order: Fetch) -> int:
    """What is still to come, and what is unpacked from it."""
    have = models.leftover_bytes(order.folder, order.model.name) or 0
    return max((order.model.download_bytes or 0) - have, 0) + (order.model.size_bytes or 0)


@contextlib.contextmanager
def _alone(workshop: Path, model: str) -> Iterator[None]:
    """The system lets go of the lock when the process ends, however it ends."""
    with (workshop / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise ModelBusy(model=model) from exc
        yield


def _bring_all(order: Fetch, workshop: Path, teller: Teller) -> list[tuple[Source, Path]]:
    model, patience = order.model, order.patience
    timeout = httpx2.Timeout(patience.silence_s / 2, connect=patience.connect_s)
    brought: list[tuple[Source, Path]] = []
    before = 0
    with httpx2.Client(
        timeout=timeout,
        follow_redirects=False,
        headers={"User-Agent": "aftercall", "Accept-Encoding": "identity"},
    ) as http:
        for number, source in enumerate(model.sources):
            line = _Line(
                http=http,
                model=model.name,
                source=source,
                url=mirrored(source.url, order.mirror),
                part=workshop / f"{number}.part",
                notes=workshop / f"{number}.json",
                patience=patience,
                teller=teller,
                before=before,
                total=model.download_bytes,
            )
            if source.size_bytes is None or line.have != source.size_bytes:
                line.bring()
            _require_published(line)
            before += line.have
            brought.append((source, line.part))
    return brought


def _require_published(line: _Line) -> None:
    """A download that is not the published file is of no use to the next attempt either."""
    source, whole = line.source, line.total
    if source.size_bytes is not None and line.have != source.size_bytes:
        expected = f"{source.size_bytes} bytes"
    elif source.sha256 is None:
        return
    else:
        found = models.checksum(line.part, tell=lambda done, _: line.teller.tell("checking", line.before + done, whole))
        if found == source.sha256:
            return
        expected = f"SHA-256 {source.sha256}"
    checked = CheckedFile(
        name=_name(source),
        outcome="wrong",
        size_bytes=line.have,
        sha256=models.checksum(line.part),
        expected=expected,
    )
    line.part.unlink()
    raise models.wrong_bytes(line.model, checked)


def _stage(model: Model, parts: list[tuple[Source, Path]], staged: Path, teller: Teller) -> Path:
    """The model's files in a folder of their own; archives stay until everything is in its place."""
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    limit = model.size_bytes or MOST_BYTES
    for source, part in parts:
        if not source.is_archive:
            shutil.copyfile(part, staged / source.keeps[0][1])
            continue
        # Its name tells what kind it is; the part itself stays where the next attempt looks for it.
        named = part.with_name(_name(source))
        named.unlink(missing_ok=True)
        named.symlink_to(part.name)
        try:
            unpacking.unpack(
                named,
                staged,
                keeps=dict(source.keeps),
                limit_bytes=limit,
                tell=lambda done: teller.tell("unpacking", done, limit),
            )
        except ModelArchiveDamaged:
            part.unlink()
            raise
        finally:
            named.unlink()
    return staged


def import_(order: Import, teller: Teller) -> Path:
    """Import as importing.py does it, and tell."""
    return importing.import_from(
        order.paths,
        order.folder,
        name=order.name,
        known=order.known,
        workshop=order.workshop,
        tell=lambda done, total: teller.tell("copying", done, total or None),
    )


# ---- the process ------------------------------------------------------------------------------------------------


def _end_with_stdin() -> None:
    # Not through sys.stdin: the interpreter could not end while a thread holds that.
    while os.read(0, 1024):
        pass
    os._exit(1)


def main() -> int:
    """Carry out one order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    order: Order = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started us, through its pipe
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    os.nice(5)
    teller = Teller()
    threading.Thread(target=teller.keep_telling, daemon=True).start()
    try:
        put = fetch(order, teller) if isinstance(order, Fetch) else import_(order, teller)
    except AppError as error:
        teller.say({"error": error.code, "facts": error.facts})
        return 1
    teller.say({"put": put.name})
    return 0
