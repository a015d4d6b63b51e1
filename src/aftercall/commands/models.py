"""This file is `aftercall models`: fetch, import, check and remove the models that engines work with."""

import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import click

from aftercall.errors import Cancelled
from aftercall.speech import catalogue, models
from aftercall.speech.catalogue import Entry
from aftercall.speech.downloads import Download, Progress
from aftercall.speech.models import CheckedFile
from aftercall.store import model_settings
from aftercall.web.display import roughly, size
from aftercall.wiring import House

#: Between two lines of progress where the terminal does not overwrite them.
_LINE_EVERY_S = 5.0
_LOOK_EVERY_S = 0.2
_STATES = {
    "installed": "installed",
    "built in": "comes with this installation",
    "coming": "being fetched by this process",
    "part": "begun, not complete",
    "available": "",
}

Tell = Callable[[str], None]


def line(each: Entry) -> str:
    """One model of `models list`, for people."""
    state = _STATES[each.state] if each.model else "not in our list, unverified"
    about = each.model.languages_in_words.partition(":")[0] if each.model else ""
    return f"{each.name:28}{size(each.size_bytes) or 'size not known':>10}  {state:30}{about}".rstrip()


def fetch(house: House, name: str, *, mirror: str | None, tell: Tell) -> Progress:
    """Fetch a model and wait until it is there.

    Raises:
        AppError: why it is not.
    """
    with house.engine.connect() as db:
        stored = model_settings.mirror(db)
    return _until_over(house.downloads.start(name, mirror=mirror or stored), tell)


def import_(house: House, paths: Sequence[Path], *, name: str, tell: Tell) -> Progress:
    """Import a model and wait until it is there.

    Raises:
        AppError: why it is not.
    """
    return _until_over(house.downloads.start_import([path.absolute() for path in paths], name=name), tell)


def _until_over(download: Download, tell: Tell) -> Progress:
    told_at, told = 0.0, ""
    is_terminal = sys.stderr.isatty()
    try:
        while not download.wait(_LOOK_EVERY_S):
            progress, now = download.progress, time.monotonic()
            if is_terminal or progress.doing != told or now - told_at > _LINE_EVERY_S:
                tell(in_words(progress))
                told_at, told = now, progress.doing
    except KeyboardInterrupt:
        download.cancel()
        download.wait()
        raise Cancelled(who="you; what has come is kept, and the same command goes on from there") from None
    progress = download.progress
    if progress.error:
        raise progress.error
    return progress


def in_words(progress: Progress) -> str:
    """`Fetching: 120 MB of 487 MB, 12 MB/s, under a minute left, from models.example.com`."""
    said = f"{progress.doing.capitalize()}: {size(progress.done_bytes)}"
    if progress.total_bytes:
        said += f" of {size(progress.total_bytes)}"
    if progress.bytes_per_s:
        said += f", {size(round(progress.bytes_per_s))}/s"
    if progress.left_s is not None:
        said += f", {roughly(timedelta(seconds=progress.left_s))} left"
    return said + (f", from {progress.host}" if progress.host and progress.doing == "fetching" else "")


def verify(house: House, names: Sequence[str], tell: Tell) -> list[tuple[str, tuple[CheckedFile, ...]]]:
    """Check some models, or all of them.

    Raises:
        ModelUnknown: one of them is not there.
    """
    downloads = house.downloads
    if names:
        wanted = [models.find(downloads.folder, name, downloads.known) for name in names]
    else:
        wanted = models.installed(downloads.folder, downloads.known)
    checked = []
    for each in wanted:
        tell(f"Checking {each.name}, {size(each.size_bytes)}")
        checked.append((each.name, models.verify(each)))
    return checked


def check_in_words(name: str, files: tuple[CheckedFile, ...]) -> str:
    """What checking brought, a line for each file."""
    lines = [f"{name}: {'good' if catalogue.is_good(files) else 'NOT GOOD'}"]
    for each in files:
        lines.append(f"  {each.name}: {catalogue.OUTCOME_WORDS[each.outcome]}")
        if each.expected:
            lines.append(f"    expected {each.expected}, found {each.size_bytes} bytes, SHA-256 {each.sha256}")
    return "\n".join(lines)


def to_stderr() -> Tell:
    """Overwrites its own line on a terminal, else writes one after the other."""
    if not sys.stderr.isatty():
        return lambda text: click.echo(text, err=True)

    def overwrite(text: str) -> None:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()

    return overwrite
