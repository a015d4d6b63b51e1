"""This file keeps the recordings' bytes, under keys of our own making, never under the PBX's names."""

import errno
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from aftercall.errors import ArchiveBroken, ArchiveFull

#: Leave this much of the disk to the databases and to everybody else.
RESERVE_BYTES = 200 * 1024 * 1024


def key_for(call_id: str, started_at: datetime, content_type: str) -> str:
    """Where a recording lives: `2026/11/<id>.<extension>`."""
    extension = content_type.rpartition("/")[2].lower()
    if not re.fullmatch(r"[a-z0-9]{1,8}", extension):
        extension = "bin"
    return f"{started_at:%Y/%m}/{call_id}.{extension}"


class Archive:
    """A folder of recordings."""

    def __init__(self, folder: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._reserve_bytes = reserve_bytes
        self._store = LocalStore(prefix=folder)

    def require_room(self, size_bytes: int = 0) -> None:
        """Raises ArchiveFull when so many bytes more would fill the disk."""
        free_bytes = shutil.disk_usage(self.folder).free
        if free_bytes - size_bytes < self._reserve_bytes:
            raise ArchiveFull(folder=str(self.folder), free_mb=free_bytes // 2**20)

    def put(self, key: str, content: IO[bytes]) -> None:
        """Store a file whole or not at all; the same key again replaces it.

        Raises:
            ArchiveFull: the disk is full.
        """
        try:
            obstore.put(self._store, key, content)
        except (BaseError, OSError) as exc:
            if getattr(exc, "errno", None) == errno.ENOSPC or "No space left" in str(exc):
                raise ArchiveFull(folder=str(self.folder), free_mb=0) from exc
            raise

    def size(self, key: str) -> int:
        """Size in bytes. Raises ArchiveBroken when the file is gone."""
        with self._broken(key):
            return obstore.head(self._store, key)["size"]

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes from start up to, not including, end. Raises ArchiveBroken when the file is gone."""
        if start == end:
            return b""
        with self._broken(key):
            return bytes(obstore.get_range(self._store, key, start=start, end=end))

    def path(self, key: str) -> Path:
        """A local file with these bytes, for decoders that want one. Raises ArchiveBroken when it is gone."""
        found = self.folder / key
        if not found.is_file():
            raise ArchiveBroken(folder=str(self.folder), detail="the file is missing")
        return found

    def delete(self, keys: Iterable[str]) -> None:
        """Delete these files; those already gone are no matter."""
        for key in keys:
            try:
                obstore.delete(self._store, key)
            except (NotFoundError, FileNotFoundError):
                continue

    @contextmanager
    def _broken(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as exc:
            raise ArchiveBroken(folder=str(self.folder), detail=type(exc).__name__) from exc
