"""This file reads the call list's address: what is filtered, which page, and the same back as a query string; pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from aftercall.model import CallState
from aftercall.store.calls import LARGEST_KEY, CallFilter
from aftercall.web.display import DIRECTION_WORDS, DISPOSITION_WORDS, MOOD_WORDS, STATE_WORDS, clock, zone

#: The names used in the address, in the order they are written there.
NAMES = (
    "q",
    "when",
    "from",
    "to",
    "direction",
    "mood",
    "state",
    "disposition",
    "category",
    "duration",
    "extension",
    "queue",
    "number",
    "pbx",
    "sync",
)

WHEN_WORDS = {
    "today": "Today",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}
MOOD_FILTERS = {**MOOD_WORDS, "none": "No mood yet"}
DURATION_WORDS = {
    "-30": "Under 30 s",
    "30-180": "30 s to 3 min",
    "180-600": "3 to 10 min",
    "600-": "Over 10 min",
}
LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True)
class Chip:
    """One active filter, as the page shows it."""

    name: str
    words: str
    #: The list's address without it.
    without: str


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What the address of the list asks for; unknown values are dropped, so that an old bookmark still opens."""

    values: tuple[tuple[str, str], ...]
    older_than: int | None
    newer_than: int | None

    @property
    def given(self) -> dict[str, str]:
        return dict(self.values)

    @property
    def query(self) -> str:
        """The filters as a query string, without the page."""
        return urlencode(self.values)

    @property
    def address(self) -> str:
        return f"/?{self.query}" if self.values else "/"

    @property
    def is_first_page(self) -> bool:
        return self.older_than is None and self.newer_than is None

    def page_address(self, **at: int | None) -> str:
        """The address of another page of the same list."""
        pairs = [*self.values, *((name, str(key)) for name, key in at.items() if key is not None)]
        return f"/?{urlencode(pairs)}" if pairs else "/"

    def wanted(self, now: datetime, utc_offset_min: int | None) -> CallFilter:
        """As the store understands it; days are days on the PBX's clock."""
        given = self.given
        since, until = _days(given, now.astimezone(zone(utc_offset_min)).date())
        low, high = _span(given.get("duration", ""))
        return CallFilter(
            text=given.get("q", ""),
            direction=given.get("direction", ""),
            mood=given.get("mood", ""),
            state=given.get("state", ""),
            disposition=given.get("disposition", ""),
            pbx_id=given.get("pbx", ""),
            extension=given.get("extension", ""),
            queue=given.get("queue", ""),
            number=given.get("number", ""),
            sync_id=given.get("sync", ""),
            category=given.get("category", ""),
            since=_midnight(since, utc_offset_min),
            until=_midnight(until, utc_offset_min),
            min_duration_s=low,
            max_duration_s=high,
        )

    def chips(self, pbx_names: Mapping[str, str], category_names: Mapping[str, str] | None = None) -> list[Chip]:
        """The active filters in words, each with the address that lacks it."""
        return [
            Chip(name=name, words=_words(name, value, pbx_names, category_names or {}), without=self._without(name))
            for name, value in self.values
        ]

    def _without(self, name: str) -> str:
        rest = [(key, value) for key, value in self.values if key != name]
        return f"/?{urlencode(rest)}" if rest else "/"


def read(query: Mapping[str, str]) -> ListQuery:
    """Read what was asked for."""
    values = []
    for name in NAMES:
        value = query.get(name, "").strip()
        if value and _is_known(name, value):
            values.append((name, value))
    return ListQuery(
        values=tuple(values), older_than=sort_key(query.get("older_than")), newer_than=sort_key(query.get("newer_than"))
    )


def _is_known(name: str, value: str) -> bool:
    known: Mapping[str, object]
    match name:
        case "q":
            return len(value) <= LONGEST_TEXT
        case "from" | "to":
            return _date(value) is not None
        case "when":
            known = WHEN_WORDS
        case "direction":
            known = DIRECTION_WORDS
        case "mood":
            known = MOOD_FILTERS
        case "state":
            known = {state.value: None for state in CallState}
        case "disposition":
            known = DISPOSITION_WORDS
        case "duration":
            return _span(value) != (None, None)
        case _:
            return len(value) <= 80
    return value in known


def sort_key(text: str | None) -> int | None:
    """A call's sort key as an address holds it; None for anything that is no number."""
    return min(int(text), LARGEST_KEY) if text and re.fullmatch(r"\d{1,19}", text, re.ASCII) else None


def is_day(text: str) -> bool:
    """Whether a text is a day as an address holds it, and one that a zone cannot shift out of the calendar."""
    day = _date(text)
    return day is not None and 1 < day.year < 9999


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else None
    except ValueError:
        return None


def _days(given: Mapping[str, str], today: date) -> tuple[date | None, date | None]:
    """First day, and the first day after the last one."""
    tomorrow = today + timedelta(days=1)
    match given.get("when"):
        case "today":
            return today, tomorrow
        case "yesterday":
            return today - timedelta(days=1), today
        case "7d":
            return today - timedelta(days=6), tomorrow
        case "30d":
            return today - timedelta(days=29), tomorrow
    first, last = _date(given.get("from", "")), _date(given.get("to", ""))
    return first, last + timedelta(days=1) if last and last < date.max else None


def _midnight(day: date | None, utc_offset_min: int | None) -> datetime | None:
    # The first and last year have no room for a zone's shift.
    if day is None or not 1 < day.year < 9999:
        return None
    return datetime.combine(day, time(), tzinfo=zone(utc_offset_min)).astimezone(UTC)


def _span(text: str) -> tuple[float | None, float | None]:
    match = re.fullmatch(r"(\d{0,6})-(\d{0,6})", text, re.ASCII)
    if match is None:
        return None, None
    return (float(match[1]) if match[1] else None, float(match[2]) if match[2] else None)


def _words(name: str, value: str, pbx_names: Mapping[str, str], category_names: Mapping[str, str]) -> str:
    said: dict[str, Callable[[], str]] = {
        "q": lambda: f"\N{LEFT DOUBLE QUOTATION MARK}{value}\N{RIGHT DOUBLE QUOTATION MARK}",
        "when": lambda: WHEN_WORDS[value],
        "from": lambda: f"From {value}",
        "to": lambda: f"To {value}",
        "direction": lambda: DIRECTION_WORDS[value],
        "mood": lambda: MOOD_FILTERS[value],
        "state": lambda: STATE_WORDS[CallState(value)],
        "disposition": lambda: DISPOSITION_WORDS[value],
        "duration": lambda: DURATION_WORDS.get(value) or _duration_words(value),
        "category": lambda: category_names.get(value, "Removed category"),
        "extension": lambda: f"Extension {value}",
        "queue": lambda: f"Queue or group {value}",
        "number": lambda: f"With {value}",
        "pbx": lambda: pbx_names.get(value, "Removed PBX"),
        "sync": lambda: "One sync's calls",
    }
    return said[name]()


def _duration_words(value: str) -> str:
    low, high = _span(value)
    if low is None:
        return f"Up to {clock(high)}"
    return f"From {clock(low)}" if high is None else f"{clock(low)} to {clock(high)}"
