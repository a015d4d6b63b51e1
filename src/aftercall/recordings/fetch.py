"""This file brings one recording home: download, look at it, and keep it only if it is a finished recording."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast

from aftercall.errors import RecordingNotAudio
from aftercall.pbx.ari import AriClient
from aftercall.recordings import header, plan
from aftercall.recordings.archive import Archive, key_for

#: Smaller recordings never touch the disk before they are known to be good.
IN_MEMORY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is known of a recording before the fetch."""

    call_id: str
    name: str
    listed_format: str
    started_at: datetime
    seen_size_bytes: int | None
    size_stood_since: datetime | None


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """It is in the archive."""

    archive_key: str
    size_bytes: int
    sha256: str
    content_type: str


@dataclass(frozen=True, kw_only=True)
class Growing:
    """It is still being recorded; nothing was kept."""

    size_bytes: int
    stood_since: datetime


async def fetch(
    client: AriClient, archive: Archive, wanted: Wanted, *, max_bytes: int, clock: Callable[[], datetime]
) -> Fetched | Growing:
    """Download a recording and archive it under a key of its own.

    Raises:
        RecordingNotAudio: the bytes are an error message, a page or other text.
        PbxError, RecordingError: as the client raises them.
        ArchiveFull: no room.
    """
    archive.require_room()
    with SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as spool:
        file = cast(BinaryIO, spool)
        got = await client.download(wanted.name, file, max_bytes=max_bytes)
        now = clock()
        # The type the PBX sends is the truth; the list's format is a guess when a name exists in several formats.
        audio_format = got.content_type.rpartition("/")[2] or wanted.listed_format
        if not header.is_audio(got.head, got.content_type, audio_format) and got.size_bytes > 0:
            raise RecordingNotAudio(
                detail=f"{got.size_bytes} bytes of {got.content_type or 'no type'}",
                looks_like=header.looks_like(got.head),
            )
        is_growing = header.is_growing(got.head, got.size_bytes, audio_format)
        if is_growing is not False:
            stood_since = plan.stands_since(got.size_bytes, wanted.seen_size_bytes, wanted.size_stood_since, now)
            if not plan.is_over(
                stood_since=stood_since, started_at=wanted.started_at, is_raw=is_growing is None, now=now
            ):
                return Growing(size_bytes=got.size_bytes, stood_since=stood_since)
        key = key_for(wanted.call_id, wanted.started_at, got.content_type)
        file.seek(0)
        if got.size_bytes > IN_MEMORY_BYTES:
            await asyncio.to_thread(archive.put, key, file)
        else:  # quicker than handing it to a thread
            archive.put(key, file)
    return Fetched(archive_key=key, size_bytes=got.size_bytes, sha256=got.sha256, content_type=got.content_type)
