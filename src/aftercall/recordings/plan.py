"""This file decides, without doing: which listed recordings are missing here, and when to try again what failed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from aftercall.errors import Retry
from aftercall.model import ListedRecording

#: Longer names than any file system allows come from something that is not a PBX.
MAX_NAME_LENGTH = 1024

#: A recording whose size stands still for this long is over, whatever its header says (Asterisk was killed).
STANDS_STILL = timedelta(minutes=10)
#: No call lasts this long: an old recording needs no waiting at all.
LONGEST_CALL = timedelta(hours=24)
#: How soon to look at a growing recording again: at least, and at most.
LOOK_AGAIN = timedelta(seconds=30)
LOOK_AGAIN_AT_MOST = timedelta(minutes=5)
#: After a hang-up the header is final at once, or in a moment: how long after it to look, and how soon again.
_SINCE_HANG_UP = [(timedelta(seconds=seconds), timedelta(seconds=wait)) for seconds, wait in ((1, 1), (4, 3), (15, 10))]

_SOON = [timedelta(seconds=seconds) for seconds in (5, 15, 45, 120, 300, 600, 1800, 3600)]
_LATER = [timedelta(minutes=minutes) for minutes in (5, 30, 120, 360, 900)]


def missing(listed: Mapping[str, str], known: Iterable[str]) -> list[ListedRecording]:
    """The listed recordings (name to format) that we have never seen.

    The known names may come one by one: 300,000 of them need not be held beside the list.

    Names that no database can hold or no PBX can mean are left out; they could never be asked for again.
    """
    if not listed:
        return []
    unknown = dict(listed)
    for name in known:
        unknown.pop(name, None)
    return [ListedRecording(name=name, format=kind) for name, kind in unknown.items() if is_usable(name)]


def is_usable(name: str) -> bool:
    """Whether a listed name can be stored and asked for."""
    if not name or len(name) > MAX_NAME_LENGTH or "\0" in name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def next_try(retry: Retry, failures: int, now: datetime) -> datetime | None:
    """When to try again after so many failures in a row (at least 1); None to give up or to wait for new settings."""
    steps = {Retry.SOON: _SOON, Retry.LATER: _LATER}.get(retry, [])
    return now + steps[failures - 1] if failures <= len(steps) else None


def look_again(now: datetime, *, started_at: datetime, over_at: datetime | None) -> timedelta:
    """How soon to look at a recording again that is not finished yet.

    Args:
        over_at: when the call was over, by this server's clock; None while nobody has said so.
    """
    if over_at is not None:
        since = now - over_at
        return next((wait for limit, wait in _SINCE_HANG_UP if since < limit), LOOK_AGAIN)
    # Each look is a whole download, so a long call is looked at less often.
    return min(max(LOOK_AGAIN, (now - started_at) / 10), LOOK_AGAIN_AT_MOST)


def stands_since(size_bytes: int, seen_size_bytes: int | None, stood_since: datetime | None, now: datetime) -> datetime:
    """Since when a growing recording has had this size."""
    return stood_since if stood_since is not None and seen_size_bytes == size_bytes else now


def is_over(*, stood_since: datetime, started_at: datetime, is_raw: bool, now: datetime) -> bool:
    """Whether to take a recording as it is although its bytes do not say that it is complete.

    Args:
        is_raw: the format has no header that could tell; then one unchanged second look is enough.
    """
    wait = LOOK_AGAIN if is_raw else STANDS_STILL
    return now - stood_since >= wait or now - started_at >= LONGEST_CALL
