"""This file turns values into the words and figures that pages show; pure."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from aftercall.model import CallState, Stage
from aftercall.recordings import filters

MINUS = "\N{MINUS SIGN}"

STATE_WORDS = {
    CallState.FOUND: "Queued",
    CallState.IN_PROGRESS: "Still on the line",
    CallState.FETCHED: "Fetched",
    CallState.ANALYSING: "Analysing",
    CallState.DONE: "Done",
    CallState.NO_AUDIO: "No audio",
    CallState.WAITING: "Will try again",
    CallState.FAILED: "Failed",
    CallState.SKIPPED: "Too short",
    CallState.NO_RECORDING: "No recording",
}

#: What a stage is called while it runs, and when it is over.
STAGE_WORDS = {
    Stage.FETCH: ("Fetching", "Fetched"),
    Stage.DECODE: ("Decoding", "Decoded"),
    Stage.TRANSCRIBE: ("Transcribing", "Transcribed"),
    Stage.ANALYSE: ("Reading the mood", "Mood read"),
    Stage.INDEX: ("Indexing", "Searchable"),
}

#: Where calls failed, as a sentence goes on after their number.
CAUSE_STAGES = {
    "fetch": "not fetched",
    "decode": "not decoded",
    "transcribe": "not transcribed",
    "analyse": "not analysed",
    "index": "not made searchable",
}

#: How a call ended for the caller.
DISPOSITION_WORDS = {
    "answered": "Answered",
    "missed": "Missed",
    "voicemail": "Voicemail",
    "busy": "Busy",
    "failed": "Not connected",
}

#: What became of an answered call's recording: a heading, and the probable cause in a sentence.
COVERAGE_WORDS = {
    "usable": ("Recorded", "There is a usable recording."),
    "on its way": ("On its way", "The recording is being fetched or analysed."),
    "not recorded": (
        "Not recorded",
        "The PBX's records name no recording: nothing told the PBX to record this call. Look at the call recording "
        "settings of the extension, the queue and the route.",
    ),
    "not on the PBX": (
        "Not on the PBX",
        "The PBX's records name a recording, but the PBX does not list it: it was deleted or moved there, or never "
        "written because nobody spoke.",
    ),
    "failed": ("Unreadable", "The recording is on the PBX, but it could not be fetched or read."),
    "no audio": ("Empty file", "The recording holds a header and no sound: the recording began and ended at once."),
    "filtered out": ("Filtered out", "The filters of this PBX leave the call out, or its recording was too short."),
    "too old": ("Too old", "The call was before the day from which recordings are fetched."),
}

#: Where nothing moves any more by itself.
ENDED = frozenset(
    {CallState.DONE, CallState.NO_AUDIO, CallState.FAILED, CallState.SKIPPED, CallState.NO_RECORDING}
)  # fmt: skip

DIRECTION_WORDS = {
    "inbound": "Inbound",
    "outbound": "Outbound",
    "internal": "Internal",
    "conference": "Conference",
    "unknown": "Unknown",
}

#: Why a recording is skipped.
RULE_WORDS = {
    "since": "too old",
    "directions": "another direction",
    "extensions": "another extension",
    "names": "its name",
}

#: The fields of a PBX's form, for a message away from them.
FIELD_WORDS = {
    "host": "Host",
    "port": "Port",
    "username": "Username",
    "password": "Password",
    "prefix": "HTTP prefix",
    "pinned_certificate": "Trusted certificate",
    "zone": "Time zone",
    "period": "Recordings from",
    "since": "First day",
    "directions": "Directions",
    "extensions": "Only these extensions",
    "min_duration_s": "Shortest recording",
    "skipped_names": "Names to skip",
    "database": "Database",
}

#: Checks whose names are abbreviations.
CHECK_WORDS = {"tcp": "TCP", "tls": "TLS", "http": "HTTP", "ari": "ARI"}

MOOD_WORDS = {"positive": "Positive", "neutral": "Neutral", "negative": "Negative", "mixed": "Mixed"}


def clock(seconds: float | None) -> str:
    """`3:07`, `1:02:03`; a dash for what is not known."""
    if seconds is None:
        return "\N{EN DASH}"
    whole = int(seconds + 0.5)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def position(seconds: float) -> str:
    """A place inside a recording: as `clock`, but never rounded past it."""
    return clock(int(seconds))


def running(since: datetime, now: datetime) -> str:
    """How long a call has been going on; the page lets it run."""
    return clock(int(max(0.0, (now - since).total_seconds())))


def spoken_duration(seconds: float | None) -> str:
    """`3 minutes 7 seconds`, for those who listen to the page."""
    if seconds is None:
        return "unknown"
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (rest, "second")]
    said = [f"{number} {word}{'' if number == 1 else 's'}" for number, word in parts if number]
    return " ".join(said) or "0 seconds"


def signed(score: float | None) -> str:
    """`+2.1`, `0.0`, with a real minus sign."""
    if score is None:
        return ""
    rounded = round(score, 1)
    if rounded == 0:
        return "0.0"
    return f"{'+' if rounded > 0 else MINUS}{abs(rounded):.1f}"


def size(size_bytes: int | None) -> str:
    """`482 bytes`, `3.4 MB`."""
    if size_bytes is None:
        return ""
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    power = 1 if size_bytes < 999_500 else 2 if size_bytes < 999_500_000 else 3
    amount, unit = size_bytes / 1000**power, ("kB", "MB", "GB")[power - 1]
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"


def zone(utc_offset_min: int | None) -> timezone:
    """The PBX's own zone, UTC where its names do not tell."""
    return timezone(timedelta(minutes=utc_offset_min or 0))


def offset_min(iana: str, at: datetime) -> int:
    """How far a zone is from UTC at that moment."""
    offset = at.astimezone(ZoneInfo(iana)).utcoffset() or timedelta()
    return round(offset / timedelta(minutes=1))


def zone_name(utc_offset_min: int | None) -> str:
    """`UTC+1`, `UTC-3:30`, `UTC`."""
    if not utc_offset_min:
        return "UTC"
    hours, minutes = divmod(abs(utc_offset_min), 60)
    return f"UTC{'+' if utc_offset_min > 0 else MINUS}{hours}{f':{minutes:02}' if minutes else ''}"


def time_of_day(at: datetime, utc_offset_min: int | None) -> str:
    """`14:05` on the PBX's clock."""
    return f"{at.astimezone(zone(utc_offset_min)):%H:%M}"


def day(at: datetime, utc_offset_min: int | None, now: datetime) -> str:
    """`Today`, `Yesterday`, `Mon 16 Nov`, and with the year where it is another one."""
    there = zone(utc_offset_min)
    on, today = at.astimezone(there).date(), now.astimezone(there).date()
    if on == today:
        return "Today"
    if on == today - timedelta(days=1):
        return "Yesterday"
    return f"{on:%a} {on.day} {on:%b}" + (f" {on.year}" if on.year != today.year else "")


def date(since: datetime, iana: str | None) -> str:
    """`24 Oct 2026`, the first day that is fetched."""
    first = filters.day_of(since, iana)
    return f"{first.day} {first:%b} {first.year}"


def moment(at: datetime, utc_offset_min: int | None) -> str:
    """`Monday 23 November 2026, 14:05:09 (UTC+1)`."""
    there = at.astimezone(zone(utc_offset_min))
    return f"{there:%A} {there.day} {there:%B} {there.year}, {there:%H:%M:%S} ({zone_name(utc_offset_min)})"


def answered(at: datetime, ring_s: float | None, utc_offset_min: int | None) -> str:
    """`14:05:09, after ringing 3.2 s`."""
    rang = "" if ring_s is None else f", after ringing {lag(ring_s)}"
    return f"{at.astimezone(zone(utc_offset_min)):%H:%M:%S}{rang}"


def ago(at: datetime, now: datetime) -> str:
    """`just now`, `2 min ago`, `in 8 min`; the page keeps it true as time goes by."""
    seconds = (now - at).total_seconds()
    if abs(seconds) < 45:
        return "just now" if seconds >= 0 else "in a moment"
    amount, unit = next(
        (abs(seconds) / length, name)
        for length, name, below in ((60, "min", 3600), (3600, "h", 86400), (86400, "d", float("inf")))
        if abs(seconds) < below
    )
    number = max(1, int(amount + 0.5))
    return f"{number} {unit} ago" if seconds > 0 else f"in {number} {unit}"


def due(at: datetime, now: datetime) -> str:
    """As `ago`, for what is to happen then: once the time has come it happens any moment."""
    return ago(at, now) if at > now else "any moment"


def took(started_at: datetime, finished_at: datetime | None) -> str:
    """How long a stage ran: `80 ms`, `3.4 s`, `2:05`."""
    if finished_at is None:
        return ""
    seconds = max(0.0, (finished_at - started_at).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def roughly(length: timedelta) -> str:
    """`under a minute`, `about 40 min`, `about 2 h`, `about 3 days`: as exact as an estimate may sound."""
    seconds = length.total_seconds()
    if seconds < 60:
        return "under a minute"
    if seconds < 90 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    if seconds < 36 * 3600:
        return f"about {round(seconds / 3600)} h"
    return f"about {plural(round(seconds / 86400), 'day')}"


def seconds_left(seconds: float) -> str:
    """`about 40 s`, `about 3 min`: as exact as a download can tell."""
    return f"about {max(1, round(seconds))} s" if seconds < 90 else roughly(timedelta(seconds=seconds))


def times(factor: float) -> str:
    """`0.8`, `5`, `25`: how many times real time, as exact as an estimate may sound."""
    return f"{factor:.1f}" if factor < 2 else f"{factor:.0f}"


def lag(seconds: float | None) -> str:
    """How late something was: `0.8 s`, `12 s`, `3 min`, `2 h`; a dash for what was not measured."""
    if seconds is None:
        return "\N{EN DASH}"
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.0f} h"


def rate(count: int, window: timedelta) -> str:
    """So many in a while, a minute: `0`, `0.4`, `12`."""
    per_min = count / (window / timedelta(minutes=1))
    return f"{per_min:.1f}" if 0 < per_min < 9.95 else f"{per_min:.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 call`, `2 calls`, `1,204 calls`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """The same with a capital at its start; names inside keep theirs."""
    return text[:1].upper() + text[1:]
