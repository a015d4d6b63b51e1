"""This file takes models from a folder, an archive or single files that somebody brought to this machine."""

import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from aftercall.errors import ModelNotInside, ModelTooLarge
from aftercall.speech import models, unpacking
from aftercall.speech.models import Tell
from aftercall.speech.registry import MODELS, Model, by_name

#: Begins the names of folders in which imports are put together.
IMPORTING = ".importing-"
#: The largest model of our list has less than 2 GB.
LIMIT_BYTES = 8_000_000_000
#: No import takes longer.
STALE_S = 24 * 3600.0
#: Models lie at the top of what is brought, or a few folders below.
_DEPTH = 3
_BLOCK_BYTES = 1 << 20


def import_from(
    paths: Sequence[Path],
    folder: Path,
    *,
    name: str = "",
    known: Sequence[Model] = MODELS,
    limit_bytes: int = LIMIT_BYTES,
    workshop: Path | None = None,
    tell: Tell | None = None,
) -> Path:
    """Bring one model into the models folder; it appears when everything is checked.

    Args:
        paths: a folder, an archive, or the files of one model; left as they are.
        name: what it is to be called; "" for the name our list has for it, else that of its folder or archive.
        workshop: where it is put together, on the disk of the models folder; one of its own if None.
        tell: told how many bytes were copied or unpacked, of how many (0 if that is not known).
    Returns:
        Its folder.
    Raises:
        ModelNotInside: there is no model in it, or more than one.
        ModelWrongBytes: it has the name of a model of our list, and other files.
        ModelArchiveUnsafe, ModelArchiveDamaged, ModelTooLarge: as unpacking says.
        ModelsFolderFull, ModelsFolderUnwritable: the models folder does not take it.
    """
    origin = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} files)"
    for path in paths:
        if not path.exists():
            raise ModelNotInside(path=str(path), detail="It does not exist on this machine, or may not be read.")
    workshop = workshop or new_workshop(folder)
    said = name or origin
    with models.writing_to(folder, said, needed_bytes=_needed(paths, limit_bytes)):
        workshop.mkdir(exist_ok=True)
        try:
            brought, called = _gather(paths, workshop, known, limit_bytes, tell)
            found = _the_model_in(brought, origin, known)
            model, called = _recognised(found, name, called, known)
            staged = _staged(found, workshop / "model", model, limit_bytes, tell)
            return models.put_in(staged, folder, _free(folder, called, model), model, origin=origin)
        except OSError as exc:
            if exc.filename and not Path(exc.filename).is_relative_to(folder):
                raise ModelNotInside(path=str(exc.filename), detail=f"Reading it failed: {exc.strerror}.") from exc
            raise
        finally:
            shutil.rmtree(workshop, ignore_errors=True)


def new_workshop(folder: Path) -> Path:
    """A place in the models folder to put an import together; not made yet."""
    return folder / f"{IMPORTING}{uuid.uuid4().hex}"


def sweep(folder: Path, *, now: float) -> None:
    """Delete what imports and removals have left that were cut off more than a day ago."""
    for each in folder.iterdir() if folder.is_dir() else ():
        if each.name.startswith((IMPORTING, models.REMOVING)) and now - each.stat().st_mtime > STALE_S:
            shutil.rmtree(each, ignore_errors=True)


def _needed(paths: Sequence[Path], limit_bytes: int) -> int:
    """At least as much as what is brought; an archive grows by about a third."""
    total = 0
    for path in paths:
        files = [path] if path.is_file() else [each for each in path.glob("*") if each.is_file()]
        total += sum(each.stat().st_size for each in files)
    return min(total * 4 // 3 if any(unpacking.is_archive(path) for path in paths) else total, limit_bytes)


def _gather(
    paths: Sequence[Path], workshop: Path, known: Sequence[Model], limit_bytes: int, tell: Tell | None
) -> tuple[Path, str]:
    """A folder with what was brought, and the name it came under."""
    first = paths[0]
    if len(paths) == 1 and first.is_dir():
        return first, first.name
    if len(paths) == 1 and unpacking.is_archive(first):
        unpacked = workshop / "unpacked"
        unpacked.mkdir()
        called = unpacking.stem(first)
        model = by_name(called, known)
        unpacking.unpack(
            first,
            unpacked,
            keeps=_keeps(model) if model else None,
            limit_bytes=limit_bytes,
            tell=tell and (lambda done: tell(done, 0)),
        )
        return unpacked, called
    files = workshop / "files"
    files.mkdir()
    for path in paths:
        if not path.is_file():
            raise ModelNotInside(path=str(path), detail="Give one folder, one archive, or the files of one model.")
        (files / path.name).symlink_to(path.resolve())
    return files, first.resolve().parent.name if len(paths) > 1 else first.stem


def _keeps(model: Model) -> dict[str, str]:
    """Of a published archive only the files we use are unpacked: it holds larger twins of them."""
    return {theirs: theirs for source in model.sources for theirs, _ in source.keeps} | {
        file.name: file.name for file in model.files
    }


def _the_model_in(brought: Path, origin: str, known: Sequence[Model]) -> Path:
    """The one folder that holds a model: this one, else one below it."""
    level = [brought]
    for _ in range(_DEPTH):
        found = [each for each in level if _may_be_model(each, known)]
        if len(found) > 1:
            names = ", ".join(each.name for each in found[:8])
            raise ModelNotInside(path=origin, detail=f"It holds several: {names}. Import them one by one.")
        if found:
            return found[0]
        level = [
            inner for each in level for inner in sorted(each.iterdir()) if inner.is_dir() and not inner.is_symlink()
        ][:100]
    raise ModelNotInside(path=origin, detail=_lacking(brought))


def _may_be_model(folder: Path, known: Sequence[Model]) -> bool:
    sizes = models.sizes_in(folder)
    return models.engine_of(sizes) is not None or _complete(sizes, known) is not None or _is_begun(sizes)


def _complete(sizes: dict[str, int], known: Sequence[Model]) -> Model | None:
    """The model of our list whose files these are, by names and sizes."""
    for model in known:
        if all(_has(sizes, model, file.name, file.size_bytes) for file in model.files):
            return model
    return None


def _has(sizes: dict[str, int], model: Model, name: str, size: int | None) -> bool:
    return any(each in sizes and size in (None, sizes[each]) for each in _names_of(model, name))


def _names_of(model: Model, name: str) -> list[str]:
    """A file's name here, and the one it is published under."""
    theirs = [there for source in model.sources for there, here in source.keeps if here == name]
    return [name, *theirs]


def _is_begun(names: Iterable[str]) -> bool:
    """Whether there is a part of a speech model, so that what is missing can be said."""
    return any(re.search(r"(encoder|decoder|joiner)(\.int8)?\.onnx$", name) for name in names)


def _lacking(brought: Path) -> str:
    names = sorted(path.name for path in brought.iterdir())
    return f"In it are {', '.join(names[:8])}." if names else "It is empty."


def _recognised(found: Path, name: str, called: str, known: Sequence[Model]) -> tuple[Model | None, str]:
    """What a folder is: by the name it is given or comes under, else by its files' names and sizes."""
    sizes = models.sizes_in(found)
    model = by_name(name, known) if name else by_name(called, known) or by_name(found.name, known)
    if model is None:
        by_files = _complete(sizes, known)
        model = by_files if not name else None
    if model:
        return model, model.name
    wanted = name or (called if found.name in {"unpacked", "files"} else found.name)
    return None, re.sub(r"[^\w.+-]+", "-", wanted).strip(".-")[:80] or "model"


def _staged(found: Path, staged: Path, model: Model | None, limit_bytes: int, tell: Tell | None) -> Path:
    """A copy of the files, and of nothing else, under the names they have here."""
    staged.mkdir()
    sizes = {name: size for name, size in models.sizes_in(found).items() if not name.startswith(".")}
    if model:
        chosen = {
            file.name: there
            for file in model.files
            for there in reversed(_names_of(model, file.name))
            if there in sizes
        }
    else:
        chosen = {name: name for name in sizes if name != models.RECORD}
    total, done = sum(sizes[name] for name in chosen.values()), 0
    if total > limit_bytes:
        raise ModelTooLarge(file=found.name, limit_bytes=limit_bytes)
    for here, there in chosen.items():
        with (found / there).open("rb") as source, (staged / here).open("xb") as out:
            while block := source.read(_BLOCK_BYTES):
                out.write(block)
                done += len(block)
                if tell:
                    tell(done, total)
    return staged


def _free(folder: Path, called: str, model: Model | None) -> str:
    """A name that takes no other model's place, unless it is the same model of our list."""
    if model:
        return called
    taken = {each.name for each in folder.iterdir()}
    number = 1
    chosen = called
    while chosen in taken:
        number += 1
        chosen = f"{called}-{number}"
    return chosen
