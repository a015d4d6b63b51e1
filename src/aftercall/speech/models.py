"""This file knows the models folder: what is in it, and whether it is what it should be.

Each sub-folder is one model. What is in none of them belongs to somebody else and is left alone.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from aftercall.speech import registry
from aftercall.speech.registry import Model, Task

#: Begin the names of folders that are being filled or emptied; nobody takes them for models.
UNFINISHED = "."


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


def installed(folder: Path | None) -> list[Installed]:
    """The models at hand, by name; cheap, since only names and sizes of files are looked at.

    A folder that our list does not know is recognised by its files.
    """
    if folder is None:
        return []
    try:
        with os.scandir(folder) as entries:
            folders = sorted(each.name for each in entries if not each.name.startswith(UNFINISHED) and each.is_dir())
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return [found for name in folders if (found := _look_at(folder / name))]


def _look_at(path: Path) -> Installed | None:
    try:
        with os.scandir(path) as entries:
            sizes = {each.name: each.stat().st_size for each in entries if each.is_file()}
    except OSError:  # removed or closed to us between two looks
        return None
    known = registry.by_name(path.name)
    if known and all(file.name in sizes for file in known.files):
        engine, task, languages = known.engine, known.task, known.languages
    elif recognised := engine_of(sizes):
        (engine, task), languages, known = recognised, (), None
    else:
        return None
    return Installed(
        name=path.name,
        path=path,
        engine=engine,
        task=task,
        languages=languages,
        size_bytes=sum(sizes.values()),
        model=known,
    )


def engine_of(names: Collection[str]) -> tuple[str, Task] | None:
    """Which engine runs a folder with these files, and what for; None if none of ours does.

    The published models name their parts `encoder.int8.onnx` or `small-encoder.int8.onnx`, `tokens.txt` or
    `small-tokens.txt`.
    """
    stems = {name.removesuffix(".onnx").removesuffix(".int8") for name in names if name.endswith(".onnx")}
    parts = {part for part in ("encoder", "decoder", "joiner") if any(stem.endswith(part) for stem in stems)}
    has_tokens = any(name.endswith("tokens.txt") for name in names)
    if has_tokens and parts == {"encoder", "decoder", "joiner"}:
        return "parakeet", "speech"
    if has_tokens and parts == {"encoder", "decoder"}:
        return "whisper", "speech"
    return None
