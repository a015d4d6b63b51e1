"""This file answers ranged requests for a recording's bytes: 206, 416 and the whole of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from aftercall.recordings.archive import Archive

#: Read and sent at a time.
PORTION_BYTES = 256 * 1024


class Unsatisfiable(Exception):
    """The range begins beyond the end of the file."""


@dataclass(frozen=True, kw_only=True)
class ByteRange:
    """The bytes from `start` up to, not including, `end`."""

    start: int
    end: int


def parse(header: str | None, size_bytes: int) -> ByteRange | None:
    """What a Range header asks for; None for the whole file, also when the header is not understood (RFC 9110, 14.2).

    Raises:
        Unsatisfiable: there is no byte of the file in it.
    """
    match = re.fullmatch(r"\s*bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", header or "", re.ASCII)
    if match is None or not (match[1] or match[2]):
        return None  # several ranges at once are not worth their multipart answer: the whole file is correct too
    if not match[1]:
        length = min(int(match[2]), size_bytes)
        if length == 0:
            raise Unsatisfiable
        return ByteRange(start=size_bytes - length, end=size_bytes)
    start = int(match[1])
    if match[2] and int(match[2]) < start:
        return None
    if start >= size_bytes:
        raise Unsatisfiable
    return ByteRange(start=start, end=min(int(match[2]) + 1, size_bytes) if match[2] else size_bytes)


def respond(archive: Archive, key: str, *, content_type: str, headers: Headers, etag: str) -> Response:
    """Answer with the bytes that the request's headers ask for.

    Raises:
        ArchiveBroken: the file is gone.
    """
    size_bytes = archive.size(key)
    about = {"Accept-Ranges": "bytes", "Cache-Control": "private, no-cache", "ETag": f'"{etag}"'}
    # A player that holds bytes of another version must not mix them with these.
    is_same_version = headers.get("if-range", about["ETag"]) == about["ETag"]
    try:
        wanted = parse(headers.get("range"), size_bytes) if is_same_version else None
    except Unsatisfiable:
        return Response(status_code=416, headers=about | {"Content-Range": f"bytes */{size_bytes}"})
    part = wanted or ByteRange(start=0, end=size_bytes)
    about["Content-Length"] = str(part.end - part.start)
    if wanted:
        about["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size_bytes}"
    return StreamingResponse(
        _portions(archive, key, part),
        status_code=206 if wanted else 200,
        media_type=content_type,
        headers=about,
    )


def _portions(archive: Archive, key: str, part: ByteRange) -> Iterator[bytes]:
    for start in range(part.start, part.end, PORTION_BYTES):
        yield archive.read_range(key, start, min(start + PORTION_BYTES, part.end))
