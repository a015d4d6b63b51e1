"""This file knows the models folder: what is in it, whether it is what it should be, and how a model comes and goes.

Each sub-folder is one model. A model appears and disappears by one rename, so whoever looks never sees half of one.
"""

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from aftercall.errors import (
    ModelNotInside,
    ModelsFolderFull,
    ModelsFolderUnwritable,
    ModelUnknown,
    ModelWrongBytes,
)
from aftercall.speech.registry import MODELS, Model, Task, by_name

#: Begins the names of folders that are being filled or emptied; nobody takes them for models.
HIDDEN = "."
#: A download that is not complete lies here, with the model's name behind, and goes on from there the next time.
FETCHING = ".fetching-"
#: What is thrown away is renamed first.
REMOVING = ".removing-"
#: Beside the files of a model that we brought: where they came from, and their checksums on that day.
RECORD = "aftercall.json"
#: Left free on the disk for everything else.
SPARE_BYTES = 200_000_000

_BLOCK_BYTES = 1 << 20

#: Told how many of how many bytes are done.
Tell = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """One model that lies in the models folder with everything its engine needs."""

    #: Its folder's name.
    name: str
    path: Path
    engine: str
    task: Task
    #: BCP 47; empty if it does not matter or is not known.
    languages: tuple[str, ...]
    size_bytes: int
    #: What we know of it; None for one that is not in our list.
    model: Model | None


#: `ok`: the published checksum. `size`: the published size, and no checksum was published. `unchanged`: as on the day
#: it came, and nothing was published. `unknown`: there is nothing to compare it with.
Outcome = Literal["ok", "size", "unchanged", "unknown", "wrong", "missing"]


@dataclass(frozen=True, kw_only=True)
class CheckedFile:
    """What checking one file of a model brought."""

    name: str
    outcome: Outcome
    size_bytes: int | None
    sha256: str | None
    #: What it should have been, where it is not.
    expected: str = ""


# ---- what is there ----------------------------------------------------------------------------------------------


def installed(folder: Path | None, known: Sequence[Model] = MODELS) -> list[Installed]:
    """The models at hand, by name; cheap, since only names and sizes of files are looked at.

    A folder that our list does not know is recognised by its files.
    """
    if folder is None:
        return []
    try:
        with os.scandir(folder) as entries:
            names = sorted(each.name for each in entries if not each.name.startswith(HIDDEN) and each.is_dir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return [found for name in names if (found := _look_at(folder / name, known))]


def _look_at(path: Path, known: Sequence[Model]) -> Installed | None:
    try:
        sizes = sizes_in(path)
    except OSError:  # removed, or closed to us, between two looks
        return None
    model = by_name(path.name, known)
    if model and all(file.name in sizes for file in model.files):
        engine, task, languages = model.engine, model.task, model.languages
    elif recognised := engine_of(sizes):
        (engine, task), languages, model = recognised, (), None
    else:
        return None
    return Installed(
        name=path.name,
        path=path,
        engine=engine,
        task=task,
        languages=languages,
        size_bytes=sum(size for name, size in sizes.items() if name != RECORD),
        model=model,
    )


def sizes_in(path: Path) -> dict[str, int]:
    """The files of a folder, name to size in bytes; not those of its sub-folders."""
    with os.scandir(path) as entries:
        return {each.name: each.stat().st_size for each in entries if each.is_file()}


def engine_of(names: Collection[str]) -> tuple[str, Task] | None:
    """Which engine runs a folder with these files, and what for; None if none of ours does.

    The published models name their parts `encoder.int8.onnx` or `small-encoder.int8.onnx`, `tokens.txt` or
    `small-tokens.txt`.
    """
    stems = {name.removesuffix(".onnx").removesuffix(".int8") for name in names if name.endswith(".onnx")}
    parts = {part for part in ("encoder", "decoder", "joiner") if any(stem.endswith(part) for stem in stems)}
    if not any(name.endswith("tokens.txt") for name in names):
        return None
    if parts == {"encoder", "decoder", "joiner"}:
        return "parakeet", "speech"
    if parts == {"encoder", "decoder"}:
        return "whisper", "speech"
    return None


def find(folder: Path, name: str, known: Sequence[Model] = MODELS) -> Installed:
    """The installed model of that name, or of the name our list has for it.

    Raises:
        ModelUnknown: it is not there.
    """
    at_hand = installed(folder, known)
    for each in at_hand:
        if each.name == name:
            return each
    for each in at_hand:
        if each.model and each.model.name == name:
            return each
    raise ModelUnknown(model=name, known=", ".join(each.name for each in at_hand) or "none, the folder is empty")


def in_package(model: Model) -> Path | None:
    """The model's file in a package that is installed beside us for its weights only; None if there is none.

    The package is found, never imported.
    """
    spec = find_spec(model.module) if model.module else None
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / model.module_file
    return path if path.is_file() else None


# ---- whether it is what it should be ----------------------------------------------------------------------------


def verify(found: Installed, *, tell: Tell | None = None) -> tuple[CheckedFile, ...]:
    """Read every file of a model and compare it with what was published, or with what it was when it came."""
    recorded = _recorded(found.path)
    sizes = sizes_in(found.path)
    names = {file.name for file in found.model.files} if found.model else set()
    names |= {name for name in sizes if name != RECORD}
    total, done = sum(sizes.get(name, 0) for name in names), 0
    checked = []
    for name in sorted(names):
        if name not in sizes:
            checked.append(CheckedFile(name=name, outcome="missing", size_bytes=None, sha256=None))
            continue
        sha256 = checksum(found.path / name, tell=_further(tell, done, total))
        done += sizes[name]
        checked.append(_compared(name, sizes[name], sha256, found.model, recorded.get(name)))
    return tuple(checked)


def _compared(name: str, size: int, sha256: str, model: Model | None, recorded: str | None) -> CheckedFile:
    published = model.file(name) if model else None
    outcome: Outcome = "unknown"
    expected = ""
    if published and published.size_bytes is not None and published.size_bytes != size:
        outcome, expected = "wrong", f"{published.size_bytes} bytes"
    elif published and published.sha256:
        is_same = published.sha256 == sha256
        outcome, expected = ("ok", "") if is_same else ("wrong", f"SHA-256 {published.sha256}")
    elif recorded:
        is_same = recorded == sha256
        outcome, expected = ("unchanged", "") if is_same else ("wrong", f"SHA-256 {recorded}, as on the day it came")
    elif published and published.size_bytes is not None:
        outcome = "size"
    return CheckedFile(name=name, outcome=outcome, size_bytes=size, sha256=sha256, expected=expected)


def _recorded(path: Path) -> dict[str, str]:
    """Checksums by name, from the day the model came; empty if we did not bring it."""
    try:
        said = json.loads((path / RECORD).read_text())
        return {str(name): str(sha256) for name, sha256 in said["sha256"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def checksum(path: Path, *, tell: Tell | None = None) -> str:
    """The SHA-256 of a file."""
    total, done = path.stat().st_size, 0
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            if tell:
                tell(done, total)
    return digest.hexdigest()


def _further(tell: Tell | None, done: int, total: int) -> Tell | None:
    """Tells of one file as a part of several."""
    return None if tell is None else lambda part, _: tell(done + part, total)


# ---- how it comes and goes --------------------------------------------------------------------------------------


@contextlib.contextmanager
def writing_to(folder: Path, model: str, *, needed_bytes: int = 0) -> Iterator[None]:
    """Where the models folder is written: it is made, room is looked for, and the disk's complaints become ours.

    Raises:
        ModelsFolderFull: there is less room than needed, or it ran out on the way.
        ModelsFolderUnwritable: this user may not write there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if needed_bytes and (free := shutil.disk_usage(folder).free) < needed_bytes + SPARE_BYTES:
            raise _full(folder, model, needed_bytes + SPARE_BYTES, free)
        yield
    except OSError as exc:
        if exc.errno in _NO_ROOM:
            raise _full(folder, model, needed_bytes + SPARE_BYTES, shutil.disk_usage(folder).free) from exc
        raise ModelsFolderUnwritable(folder=str(folder), detail=exc.strerror or str(exc)) from exc


_NO_ROOM = {28, 122}  # ENOSPC, EDQUOT


def _full(folder: Path, model: str, needed_bytes: int, free_bytes: int) -> ModelsFolderFull:
    return ModelsFolderFull(
        model=model,
        folder=str(folder),
        needed_mb=-(-needed_bytes // 1_000_000),
        free_mb=free_bytes // 1_000_000,
    )


def put_in(
    staged: Path, folder: Path, name: str, model: Model | None, *, origin: str, tell: Tell | None = None
) -> Path:
    """Check the files of a model and let it appear in the models folder, in place of an older one of its name.

    Args:
        staged: a folder with the files and nothing else, on the same disk; it is gone afterwards.
        model: what they must be; None for one that our list does not know.
        origin: where they came from, to be remembered.
    Returns:
        Its folder.
    Raises:
        ModelNotInside: a file is missing.
        ModelWrongBytes: a file is not the published one. Nothing has appeared.
    """
    sizes = sizes_in(staged)
    _require_all(sizes, model, origin)
    total, done = sum(sizes.values()), 0
    sums: dict[str, str] = {}
    for file in sorted(sizes):
        sums[file] = checksum(staged / file, tell=_further(tell, done, total))
        done += sizes[file]
        compared = _compared(file, sizes[file], sums[file], model, None)
        if compared.outcome == "wrong":
            raise wrong_bytes(name, compared)
        _to_disk(staged / file)
    record = {"from": origin, "at": datetime.now(UTC).isoformat(timespec="seconds"), "sha256": sums}
    (staged / RECORD).write_text(json.dumps(record, indent=2) + "\n")
    _to_disk(staged / RECORD)
    target = folder / name
    with contextlib.suppress(FileNotFoundError):
        throw_away(target)
    staged.rename(target)
    return target


def _require_all(sizes: dict[str, int], model: Model | None, origin: str) -> None:
    if model is None:
        if engine_of(sizes) is None:
            detail = f"Its files are {', '.join(sorted(sizes)[:8])}." if sizes else "It holds no files."
            raise ModelNotInside(path=origin, detail=detail)
        return
    missing = [file.name for file in model.files if file.name not in sizes]
    if missing:
        raise ModelNotInside(path=origin, detail=f"For {model.name} it lacks {', '.join(missing)}.")


def wrong_bytes(model: str, checked: CheckedFile) -> ModelWrongBytes:
    """The error for a file that is not the published one."""
    if checked.expected.endswith(" bytes"):
        measure, found, expected = "size in bytes", str(checked.size_bytes), checked.expected.removesuffix(" bytes")
    else:
        measure, found, expected = "SHA-256", str(checked.sha256), checked.expected.removeprefix("SHA-256 ")
    return ModelWrongBytes(file=checked.name, model=model, measure=measure, found=found, expected=expected)


def _to_disk(path: Path) -> None:
    """A rename must not overtake the bytes it shows, even if the power fails now."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def remove(folder: Path, name: str, known: Sequence[Model] = MODELS) -> None:
    """Delete a model, and what an unfinished download of it has left.

    A call that is being transcribed with it comes to its end; the next one takes another engine or says what it lacks.

    Raises:
        ModelUnknown: neither is there.
        ModelsFolderUnwritable: this user may not delete there.
    """
    has_part = leftover_bytes(folder, name) is not None
    with writing_to(folder, name):
        try:
            throw_away(find(folder, name, known).path)
        except ModelUnknown:
            if not has_part:
                raise
        if has_part:
            throw_away(folder / f"{FETCHING}{name}")


def leftover_bytes(folder: Path, name: str) -> int | None:
    """How much of a model's download is kept for the next attempt; None if there is nothing of it."""
    if not name or "/" in name:
        return None
    try:
        with os.scandir(folder / f"{FETCHING}{name}") as entries:
            return sum(each.stat().st_size for each in entries if each.is_file() and each.name.endswith(".part"))
    except OSError:
        return None


def throw_away(path: Path) -> None:
    """Delete a folder so that it is gone at once for whoever looks.

    Raises:
        FileNotFoundError: it was not there.
    """
    doomed = path.parent / f"{REMOVING}{uuid.uuid4().hex}"
    path.rename(doomed)
    shutil.rmtree(doomed)
