"""This file holds the checks of what a PBX has for us: the list, a real recording, its times, its folders, the cost."""

import asyncio
import heapq
import io
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from aftercall.errors import PbxListEmpty, RecordingError, RecordingNotAudio, RecordingTooLarge
from aftercall.model import Check, RecordingName
from aftercall.pbx import names, sound
from aftercall.pbx.ari import Download
from aftercall.pbx.remedies import Finding
from aftercall.pbx.visit import Sample, Visit, failed, found, not_tried, passed

#: Beyond this, "what happened when" on the PBX and here can no longer be brought together.
TOLERABLE_SKEW = timedelta(seconds=60)
#: How many of the newest recordings to try; the newest of all may still be growing or be gone again.
TRIED_RECORDINGS = 5
#: Enough for an hour of telephone audio; a test should not move more.
TRIED_BYTES = 64_000_000
#: The newest names that are asked for the PBX's time zone.
ASKED_NAMES = 50
#: A clock that was put back or forward by this much has met daylight saving time, not a mistake.
DAYLIGHT_SAVING_MIN = {30, 60}
#: Longer than this without a call is unusual for a PBX that records.
LONG_SINCE = timedelta(days=7)
#: Beyond this a list costs the PBX so much that it should hold less.
MANY_RECORDINGS = 100_000
#: Measured on Asterisk 16 and 22: what each recording costs the PBX in memory while it makes the list.
PBX_BYTES_EACH = 1_800

_NOTHING_LISTED = "Not tried, because the PBX lists no recording."


async def recording_list(visit: Visit) -> Check:
    visit.link, visit.kept_in = await visit.client.recording_folders()
    before = time.monotonic()
    visit.listing = await visit.client.recording_list()
    visit.list_s = time.monotonic() - before
    if visit.listing.count:
        return passed("recording list", f"The PBX lists {_recordings(visit.listing.count)}.")
    empty = PbxListEmpty(link=visit.link, kept_in=visit.kept_in)
    return failed("recording list", empty, visit, is_warning=True)


async def sync_cost(visit: Visit) -> Check:
    if visit.listing is None or not visit.listing.count:
        return not_tried("sync cost", _NOTHING_LISTED)
    count = visit.listing.count
    took = f"{visit.list_s:.1f} s" if visit.list_s >= 0.1 else "less than 0.1 s"
    what = (
        f"The list took {took} for {_recordings(count)}, {_size(len(visit.listing.body))}. "
        f"Estimated: {_size(count * PBX_BYTES_EACH)} of memory on the PBX while it answers."
    )
    if count <= MANY_RECORDINGS:
        return passed("sync cost", what)
    return found(
        "sync cost",
        Finding.MANY_RECORDINGS,
        visit,
        what=what,
        why="ARI has no pages and no filter: the PBX makes the whole list for each sync. Calls go on undisturbed.",
        fix="Show ARI only the recent months of recordings (guide: Many recordings), or choose a longer sync interval.",
    )


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.1f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:,.0f} kB"


def _recordings(count: int) -> str:
    return "1 recording" if count == 1 else f"{count:,} recordings"


# ---- one recording ----------------------------------------------------------------------------------------------


async def download(visit: Visit) -> Check:
    if not visit.recordings:
        return not_tried("download", _NOTHING_LISTED)
    last: RecordingError | None = None
    for name in await asyncio.to_thread(newest, visit.recordings, TRIED_RECORDINGS):
        into = io.BytesIO()
        try:
            got = await visit.client.download(name, into, max_bytes=TRIED_BYTES)
        # One recording may be gone or damaged, the next may do; what the PBX itself does wrong rises.
        except RecordingError as exc:
            last = exc
            continue
        if _is_finished(got):
            visit.sample = Sample(content_type=got.content_type, content=into.getvalue())
            return _judge(got)
    if last is not None and not isinstance(last, RecordingTooLarge):
        raise last
    return not_tried(
        "download",
        f"None of the newest {TRIED_RECORDINGS} recordings is finished and of a handy size.",
        "They are still being recorded, or larger than this test wants to move.",
    )


def newest(listed: Iterable[str], count: int) -> list[str]:
    """The newest recordings by the wall clock in their names, newest first; names without one come last."""

    def wall_clock(name: str) -> tuple[str, str]:
        dates = _DATED.findall(name)
        return "".join(dates[-1]) if dates else "", name

    return heapq.nlargest(count, listed, key=wall_clock)


_DATED = re.compile(r"(\d{8})-(\d{6})(?!\d)")


def _is_finished(got: Download) -> bool:
    """Whether there is something, and its header, where it has one, says how much."""
    return got.size_bytes > 0 and not (got.head.startswith(b"RIFF") and got.head[4:8] == bytes(4))


def _judge(got: Download) -> Check:
    audio_format = _format(got.content_type)
    if audio_format.lower() in {"wav", "wav16", "wav49"} and not got.head.startswith(b"RIFF"):
        raise RecordingNotAudio(
            detail=f"{got.size_bytes} bytes of {got.content_type}", looks_like="something without a RIFF header"
        )
    what = f"The newest finished recording came over: {got.size_bytes:,} bytes of {audio_format or 'unknown format'}"
    if not got.head.startswith(b"RIFF"):
        return passed("download", f"{what}, which has no header to check.")
    announced = int.from_bytes(got.head[4:8], "little") + 8
    if announced == got.size_bytes:
        return passed("download", f"{what}, as long as its header says.")
    return passed(
        "download", f"{what}; its header says {announced:,}.", why="A call that was paused and goes on looks so, too."
    )


async def audio(visit: Visit) -> Check:
    if visit.sample is None:
        return not_tried("audio", "Not tried, because no recording came over to listen to.")
    audio_format = _format(visit.sample.content_type)
    heard = await asyncio.to_thread(sound.judge, visit.sample.content)
    rate = f" at {heard.rate_hz:,} Hz" if heard.rate_hz else ""
    match heard.kind:
        case "mono":
            return passed(
                "audio",
                f"Mono{rate}: both parties are in one audio channel.",
                why="FreePBX records so. Aftercall separates the voices where it can, and says where it cannot.",
                guide="stereo-recordings",
            )
        case "stereo":
            return passed("audio", f"Stereo{rate}: the audio channels differ, so each party can have its own.")
        case "silent":
            return passed("audio", f"{heard.audio_channels} audio channels{rate}, with no sound in them to compare.")
        case "unknown":
            return passed(
                "audio",
                f"How many parties share an audio channel of {audio_format or 'this format'} could not be told.",
            )
    return found(
        "audio",
        Finding.SAME_SOUND,
        visit,
        what=f"{heard.audio_channels} audio channels{rate}, but all of them hold the same sound.",
        why="It looks like stereo, but both parties are in each audio channel: the speakers cannot be told apart by "
        "it.",
        fix="Record each party into an audio channel of its own, or record mono (guide: Stereo recordings).",
    )


def _format(content_type: str) -> str:
    return content_type.rpartition("/")[2]


# ---- time -------------------------------------------------------------------------------------------------------


async def clock(visit: Visit) -> Check:
    skew = await visit.client.clock_skew()
    seconds = abs(skew.total_seconds())
    if abs(skew) <= TOLERABLE_SKEW:
        return passed("clock", f"The PBX's clock and ours agree within {max(seconds, 1):.0f} s.")
    return found(
        "clock",
        Finding.CLOCK_OFF,
        visit,
        what=f"The PBX's clock is {seconds:.0f} s {'ahead of' if skew > timedelta() else 'behind'} this server's.",
        why="Start times of calls come from the PBX, so they will look shifted, and calls in progress hard to tell.",
        fix="Let both keep time by the network: timedatectl set-ntp true, on the PBX and here.",
    )


async def time_zone(visit: Visit) -> Check:
    if not visit.recordings:
        return not_tried("time zone", _NOTHING_LISTED)
    asked = [names.parse(name) for name in await asyncio.to_thread(newest, visit.recordings, ASKED_NAMES)]
    placed = [name for name in asked if name.utc_offset_min is not None and name.started_at is not None]
    placed.sort(key=lambda name: name.started_at or datetime.min.replace(tzinfo=UTC))
    if not placed:
        return _no_zone_in_names(visit, asked)
    offsets = [name.utc_offset_min or 0 for name in placed]
    what = (
        f"The newest {len(placed)} names say {_offset(offsets[-1])}."
        if len(placed) > 1
        else f"The newest name says {_offset(offsets[-1])}."
    )
    if visit.zone is not None:
        return _compare_with_setting(visit, visit.zone, placed, what)
    changes = [(before, after) for before, after in pairwise(offsets) if before != after]
    if not changes:
        return passed("time zone", what)
    if len(changes) == 1 and abs(changes[0][0] - changes[0][1]) in DAYLIGHT_SAVING_MIN:
        return passed(
            "time zone",
            f"The newest names say {_offset(offsets[-1])}, and {_offset(changes[0][0])} before the clock changed.",
        )
    said = ", ".join(_offset(each) for each in sorted(set(offsets)))
    return found(
        "time zone",
        Finding.ZONE_UNCLEAR,
        visit,
        what=f"The newest names do not agree on the PBX's time zone: {said}.",
        why="The PBX's clock or zone was changed, or recordings of another PBX lie among these.",
        fix="Choose the PBX's time zone in its settings.",
    )


def _no_zone_in_names(visit: Visit, asked: list[RecordingName]) -> Check:
    what = "The newest names do not tell the PBX's time zone."
    if not any(name.started_at_local for name in asked):
        return not_tried("time zone", what, "They hold no date and time that we can read.")
    if visit.zone is not None and _zone(visit.zone) is not None:
        return passed("time zone", f"{what} Their times are read in {visit.zone}, as set.")
    return found(
        "time zone",
        Finding.ZONE_UNCLEAR,
        visit,
        what=what,
        why="They hold the PBX's wall clock but not Asterisk's own time stamp, so start times are a guess.",
        fix="Choose the PBX's time zone in its settings.",
    )


def _compare_with_setting(visit: Visit, wanted: str, placed: list[RecordingName], what: str) -> Check:
    zone = _zone(wanted)
    if zone is None:
        why = f"{wanted}, as set here, is no time zone that this server knows."
        return _zone_differs(visit, what, why)
    for name in placed:
        assert name.started_at is not None
        expected = name.started_at.astimezone(zone).utcoffset() or timedelta()
        if expected != timedelta(minutes=name.utc_offset_min or 0):
            should_be = _offset(round(expected.total_seconds() / 60))
            said = _offset(name.utc_offset_min or 0)
            when = f"{name.started_at:%Y-%m-%d}"
            return _zone_differs(visit, what, f"{wanted}, as set here, was {should_be} on {when}; a name says {said}.")
    return passed("time zone", f"{what} {wanted} fits.")


def _zone_differs(visit: Visit, what: str, why: str) -> Check:
    fix = "Correct the time zone in this PBX's settings, or on the PBX."
    return found("time zone", Finding.ZONE_DIFFERS, visit, what=what, why=why, fix=fix)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    # ZoneInfoNotFoundError is a KeyError; a ValueError is a name no file can have, an OSError a folder of the database.
    except (KeyError, ValueError, OSError):
        return None


def _offset(minutes: int) -> str:
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")


# ---- folders ----------------------------------------------------------------------------------------------------


async def folders(visit: Visit) -> Check:
    visit.link, visit.kept_in = await visit.client.recording_folders()
    spool = visit.link.rpartition("/")[0]
    what = f"ARI looks in {visit.link}; FreePBX records into {visit.kept_in}."
    usual = f"{spool}/monitor"
    if visit.kept_in == usual or visit.kept_in.startswith(f"{usual}/"):
        return passed("folders", what)
    why = (
        f"The usual folder is {usual} (MIXMON_DIR, Override Call Recording Location, says otherwise): {visit.link} "
        f"has to lead to {visit.kept_in}, not to {usual}."
    )
    last = _last_start(visit)
    if last is None or datetime.now(UTC) - last < LONG_SINCE:
        return passed("folders", what, why=why, guide="show-ari-the-recordings")
    return found(
        "folders",
        Finding.KEPT_ELSEWHERE,
        visit,
        what=f"{what} The newest recording that ARI shows is of {last:%Y-%m-%d}.",
        why=why,
        fix=f"On the PBX run: ln -sfn {visit.kept_in} {visit.link} (after moving away what is there now).",
    )


def _last_start(visit: Visit) -> datetime | None:
    latest = newest(visit.recordings, 1)
    return names.parse(latest[0]).started_at if latest else None
