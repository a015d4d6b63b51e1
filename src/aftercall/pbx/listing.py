"""This file reads Asterisk's list of recordings: all of it, or only what differs from the list before; pure.

The list of a large PBX is tens of megabytes, sorted by name, and from one sync to the next all but a few entries are
the same bytes. Comparing the bytes costs a hundredth of reading them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

#: Between two entries of Asterisk's list. It cannot stand inside a name, where quotes are escaped.
_SEAM = b'},{"name":"'
_ENTRY = b'{"name":"'
_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A list, read."""

    body: bytes = field(repr=False)
    #: How many recordings it holds.
    count: int
    #: Name to format, in the PBX's order: of all, or of the stretch that differs from the list before.
    recordings: dict[str, str]
    #: That stretch as it was before; empty when the whole list was read.
    before: dict[str, str]
    is_whole: bool


def read(body: bytes, earlier: bytes | None = None) -> Listing:
    """Read a list.

    Args:
        earlier: the list before this one; None to read all of this one.
    Raises:
        ValueError, TypeError: it is not a list of recordings; the message says how.
    """
    stretch = _differing(body, earlier) if earlier is not None else None
    if stretch is None or earlier is None:
        recordings = parse(body)
        return Listing(body=body, count=len(recordings), recordings=recordings, before={}, is_whole=True)
    now, before = stretch
    return Listing(
        body=body,
        count=body.count(_ENTRY),
        recordings=parse(now),
        before=parse(before),
        is_whole=False,
    )


def _differing(body: bytes, earlier: bytes) -> tuple[bytes, bytes] | None:
    """The entries in which two lists differ, each as a list of its own; None when that cannot be told."""
    if not (_is_plain(body) and _is_plain(earlier)):
        return None
    if body == earlier:
        return b"[]", b"[]"
    same = _same_at_start(body, earlier)
    # An entry that only begins alike belongs to the difference, and so does its neighbour, whose comma may differ.
    start = body.rfind(_SEAM, 0, same)
    start = 1 if start < 0 else start + 2
    longest = min(len(body), len(earlier)) - start
    tail = _same_at_end(body, earlier, longest)
    seam = body.find(_SEAM, len(body) - tail)
    tail = len(body) - seam - 1 if seam >= 0 else 1
    return b"[" + body[start : len(body) - tail] + b"]", b"[" + earlier[start : len(earlier) - tail] + b"]"


def _is_plain(body: bytes) -> bool:
    """Whether it looks as Asterisk writes it, without line breaks or spaces between the entries."""
    return body == b"[]" or (body.startswith(b"[" + _ENTRY) and body.endswith(b'"}]'))


def _same_at_start(one: bytes, other: bytes) -> int:
    """How many bytes two texts begin with alike."""
    end = min(len(one), len(other))
    for start in range(0, end, _PIECE_BYTES):
        mine, theirs = one[start : min(start + _PIECE_BYTES, end)], other[start : min(start + _PIECE_BYTES, end)]
        if mine != theirs:
            return start + next(index for index, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a != b)
    return end


def _same_at_end(one: bytes, other: bytes, longest: int) -> int:
    """How many bytes two texts end with alike, `longest` at most."""
    for done in range(0, longest, _PIECE_BYTES):
        size = min(_PIECE_BYTES, longest - done)
        mine = one[len(one) - done - size : len(one) - done]
        theirs = other[len(other) - done - size : len(other) - done]
        if mine != theirs:
            return done + next(
                index for index, (a, b) in enumerate(zip(reversed(mine), reversed(theirs), strict=True)) if a != b
            )
    return longest


def parse(body: bytes) -> dict[str, str]:
    """Turn Asterisk's list into name to format.

    Raises:
        ValueError, TypeError: it is not a list of recordings; the message says how.
    """
    listed: dict[str, str] = {}
    for piece in _pieces(body):
        try:
            entries = json.loads(piece)
        except ValueError as exc:
            raise ValueError("the list of recordings is not JSON") from exc
        if not isinstance(entries, list):
            raise TypeError("the list of recordings is not a JSON list")
        try:
            for entry in entries:
                listed[entry["name"]] = entry["format"]
        except (KeyError, TypeError) as exc:
            raise ValueError("an entry of the list of recordings has no name or no format") from exc
    if not {*map(type, listed), *map(type, listed.values())} <= {str}:
        raise TypeError("a name or format in the list of recordings is not text")
    return listed


def _pieces(body: bytes) -> Iterator[bytes]:
    """Cut a long list where it is safe, so that no single call into the JSON parser holds up the other threads."""
    body = body.strip()
    if len(body) <= _PIECE_BYTES or not (body.startswith(b"[") and body.endswith(b"]")):
        yield body
        return
    start, end = 1, len(body) - 1
    while start < end:
        seam = body.find(_SEAM, start + _PIECE_BYTES)
        stop = end if seam < 0 else seam + 1
        yield b"[" + body[start:stop] + b"]"
        start = stop + 1
