"""This file unpacks archives that may have been made to harm: nothing is written outside of one folder, ever.

No library writes here. Each entry is looked at first, and its bytes are copied by us into a file of a name we have
checked: an entry that is a link, a device, or names a place outside stops everything. (tarfile's own `data` filter
would let links pass that stay inside, and older Pythons do not have it.)
"""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from aftercall.errors import ModelArchiveDamaged, ModelArchiveUnsafe, ModelTooLarge

SUFFIXES = (".tar", ".tar.bz2", ".tbz2", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".zip")
#: A model has less than a dozen files; its archive some recordings to try it with.
MOST_ENTRIES = 10_000
_BLOCK_BYTES = 1 << 20


def is_archive(path: Path) -> bool:
    """Whether a file's name says that it is one we unpack."""
    return path.name.lower().endswith(SUFFIXES)


def stem(path: Path) -> str:
    """The name of an archive without what says that it is one."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return path.name[: -len(suffix)]
    return path.name


@dataclass(frozen=True, kw_only=True)
class _Entry:
    name: str
    is_folder: bool
    #: What it is if it is neither a plain file nor a folder.
    strange: str
    open: Callable[[], IO[bytes] | None]


def unpack(
    archive: Path,
    into: Path,
    *,
    keeps: Mapping[str, str] | None = None,
    limit_bytes: int,
    tell: Callable[[int], None] | None = None,
) -> None:
    """Unpack plain files.

    Args:
        into: an empty folder.
        keeps: the files wanted, by the last part of their path, and the names they get; None for all, in their folders.
        limit_bytes: the wanted files may not hold more in all, whatever the archive says of itself.
        tell: told how many bytes were written so far.
    Raises:
        ModelArchiveUnsafe: an entry points outside, or is no plain file or folder. Whoever called throws `into` away.
        ModelArchiveDamaged: it cannot be read.
        ModelTooLarge: it holds more than the limit.
    """
    written = 0
    try:
        for number, entry in enumerate(_entries(archive)):
            if number >= MOST_ENTRIES:
                raise _unsafe(archive, f"It holds more than {MOST_ENTRIES} entries.")
            path = _checked(archive, entry)
            wanted = _wanted(path, keeps)
            if entry.is_folder or wanted is None:
                continue
            target = into / wanted
            target.parent.mkdir(parents=True, exist_ok=True)
            opened = entry.open()
            if opened is None:
                raise _unsafe(archive, f"Its entry {path} is no plain file.")
            with opened as source, _new(archive, target) as out:
                while block := source.read(_BLOCK_BYTES):
                    written += len(block)
                    if written > limit_bytes:
                        raise ModelTooLarge(file=archive.name, limit_bytes=limit_bytes)
                    out.write(block)
                    if tell:
                        tell(written)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError) as exc:
        raise _damaged(archive, exc) from exc
    except OSError as exc:
        # bz2 and gzip report bad data as an OSError without a number; those of the disk have one.
        if exc.errno is None:
            raise _damaged(archive, exc) from exc
        raise


def _wanted(path: PurePosixPath, keeps: Mapping[str, str] | None) -> PurePosixPath | None:
    if keeps is None:
        return path
    kept = keeps.get(path.name)
    return PurePosixPath(kept) if kept else None


def _new(archive: Path, target: Path) -> IO[bytes]:
    try:
        return target.open("xb")
    except FileExistsError as exc:
        raise _unsafe(archive, f"It holds two files named {target.name}.") from exc
    except (NotADirectoryError, IsADirectoryError) as exc:
        raise _unsafe(archive, f"Its entry {target.name} is a file and a folder.") from exc


def _checked(archive: Path, entry: _Entry) -> PurePosixPath:
    """Where an entry belongs below the folder; anything else than a plain place inside is refused."""
    shown = entry.name.encode("unicode_escape").decode()[:200]
    if entry.strange:
        raise _unsafe(archive, f"Its entry {shown} is {entry.strange}.")
    path = PurePosixPath(entry.name.replace("\\", "/"))
    if path.is_absolute() or (path.parts and path.parts[0].endswith(":")):
        raise _unsafe(archive, f"Its entry {shown} names a place of its own on the disk.")
    if ".." in path.parts:
        raise _unsafe(archive, f"Its entry {shown} points outside of the archive.")
    if "\0" in entry.name or (not path.parts and not entry.is_folder):
        raise _unsafe(archive, f"Its entry {shown!r} has no usable name.")
    return path


def _entries(archive: Path) -> Iterator[_Entry]:
    if archive.name.lower().endswith(".zip"):
        yield from _zip_entries(archive)
    else:
        yield from _tar_entries(archive)


def _tar_entries(archive: Path) -> Iterator[_Entry]:
    """In order, read once from front to back: seeking in a compressed file starts anew each time."""
    with tarfile.open(archive, "r|*") as tar:
        for member in tar:
            yield _Entry(
                name=member.name,
                is_folder=member.isdir(),
                strange="" if member.isreg() or member.isdir() else _kind(member),
                open=lambda member=member: tar.extractfile(member),  # type: ignore[misc]
            )


def _kind(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return f"a link (to {member.linkname.encode('unicode_escape').decode()[:200]})"
    return "a device" if member.ischr() or member.isblk() else "no plain file"


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as bundle:
        for info in bundle.infolist():
            mode = info.external_attr >> 16
            is_plain = stat.S_IFMT(mode) in {0, stat.S_IFREG, stat.S_IFDIR}
            strange = "" if is_plain else "a link or a device"
            if info.flag_bits & 1:
                strange = "encrypted"
            yield _Entry(
                # zipfile has cut the name at a null byte already.
                name=info.filename,
                is_folder=info.is_dir(),
                strange=strange,
                open=lambda info=info: bundle.open(info),  # type: ignore[misc]
            )


def _unsafe(archive: Path, detail: str) -> ModelArchiveUnsafe:
    return ModelArchiveUnsafe(archive=archive.name, detail=detail)


def _damaged(archive: Path, exc: Exception) -> ModelArchiveDamaged:
    return ModelArchiveDamaged(archive=archive.name, detail=str(exc).strip().rstrip(".") or type(exc).__name__)
