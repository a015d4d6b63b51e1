"""This file reads when something is due from the words that say so, by the call's own date; pure.

It answers only where the words leave no doubt: "next week" names no day, "soon" nothing at all.
"""

# Word lists read best as running text, and a family of phrases on one line.
# ruff: noqa: E501, SIM905

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

_NUMBERS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
} | {
    "a": 1, "an": 1, "a couple of": 2, "thirty": 30, "forty": 40, "forty five": 45, "forty eight": 48, "sixty": 60,
    "twenty four": 24, "seventy two": 72, "ninety": 90,
}  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third "
        "twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth "
        "thirty-first".split(),
        start=1,
    )
}
#: Without "am" or "pm" an hour below this means the afternoon: nobody is called back at three in the night.
_FIRST_MORNING_HOUR = 8
_FRIDAY = 4


def _any(words: object) -> str:
    return "|".join(re.escape(str(word)).replace(r"\-", "[- ]") for word in sorted(map(str, words), key=len)[::-1])  # type: ignore[call-overload]


_N = rf"(?:\d{{1,3}}|{_any(_NUMBERS)})"
_ORDINAL = rf"(?:\d{{1,2}}(?:st|nd|rd|th)|{_any(_ORDINALS)})"
_PERIOD = r"(?: (?P<period>morning|afternoon|evening|night))?"
_DAY_PHRASES = re.compile(
    rf"\b(?:(?P<after_tomorrow>(?:the )?day after tomorrow)"
    rf"|(?P<tomorrow>tomorrow){_PERIOD}"
    r"|(?P<today>tonight|today|this (?:morning|afternoon|evening)|later on today"
    r"|(?:by )?(?:the )?(?:end|close) of (?:the |today's )?(?:day|business|play)(?! (?:tomorrow|on|after|next))(?: today)?)"
    rf"|(?P<past>(?:last|every|since|each) (?:{_any(_DAYS)})s?)"
    rf"|(?:by |on |before )?(?P<which>next |this |coming )?(?P<weekday>{_any(_DAYS)})"
    r"(?P<week> week| next week)?(?: (?:morning|afternoon|evening))?"
    rf"|(?:on |by )?(?:the )?(?P<dom>{_ORDINAL})(?: of)? (?P<month>{_any(_MONTHS)})"
    rf"|(?:on |by )?(?P<month2>{_any(_MONTHS)}) (?:the )?(?P<dom2>{_ORDINAL}|\d{{1,2}}(?![\d:]))"
    rf"|(?:on|by|before|until) the (?P<dom3>{_ORDINAL})(?! (?:floor|time|line|of|one|person|call|option|page))"
    r"|(?P<week_end>(?:by |at |before )?(?:the )?end of (?:the|this) week)"
    r"|(?P<month_end>(?:by |at |before )?(?:the )?end of (?:the|this) month)"
    rf"|(?:in|within)(?: the next)? (?:(?P<least>{_N}) (?:to|or) )?(?P<count>{_N}) (?P<business>(?:business|working) )?"
    r"(?P<unit>day|week|month)s?(?:'? time)?\b)"
)
_DURATION = re.compile(
    rf"\b(?:in|within)(?: the next)? (?:about )?(?:(?P<half>half an hour)|(?P<quarter>a quarter of an hour)"
    rf"|(?:(?P<least>{_N}) (?:to|or) )?(?P<count>{_N}) (?P<unit>minute|hour)s?\b)"
)
_CLOCK = re.compile(
    rf"\b(?:at|by|before|around|until) (?:(?P<noon>noon|midday|lunchtime)|"
    rf"(?:(?P<part>half past|quarter past|quarter to|a quarter past|a quarter to) )?"
    rf"(?P<hour>\d{{1,2}}|{_any([word for word, n in _NUMBERS.items() if 1 <= n <= 12 and word not in {'a', 'an', 'a couple of'}])})"
    r"(?::(?P<minute>[0-5]\d)| (?P<spoken_minute>thirty|fifteen|forty five))?"
    r"(?P<oclock> o'?clock)?(?: ?(?P<half_day>a\.?m\b\.?|p\.?m\b\.?|in the (?:morning|afternoon|evening)))?)"
    r"(?! (?:percent|pounds?|dollars?|euros?|people|minutes?|hours?|days?|weeks?|months?|years?|or|of|times?|to|and)\b)(?![\d%])"
)
_VAGUE = re.compile(
    r"\b(?:next week|next month|(?:in|within) (?:a|the next) few (?:minutes|hours|days|weeks)|later|soon|shortly|some ?time"
    r"|as soon as (?:i|we|you) can|as soon as possible|next time|this week|straight ?away|right away|right now)\b"
)


@dataclass(frozen=True, kw_only=True)
class Due:
    """When something is due."""

    #: The words that say it.
    words: str
    #: A day, or an aware point in time; None where the words do not settle it.
    at: date | None


def find(text: str, said_at: datetime | None) -> Due | None:
    """When a sentence says that something is due.

    Args:
        said_at: when it was said, by the clock of those who speak; None if that is not known: then only the words are
            told.
    Returns:
        None if the sentence names no time.
    """
    plain = re.sub(r"\s+", " ", re.sub(r"[,;!?]|\.(?!\d)(?![mM]\b)", " ", text.replace("’", "'").lower())).strip()
    plain = re.sub(r"\b(twenty|thirty|forty|seventy)-(four|five|eight|two)\b(?= hour| minute)", r"\1 \2", plain)
    if found := _DURATION.search(plain):
        return Due(words=found[0], at=said_at + _duration(found) if said_at else None)
    day, hour = _DAY_PHRASES.search(plain), _CLOCK.search(plain)
    if day and day["past"]:
        return None
    if day is None and hour is None:
        vague = _VAGUE.search(plain)
        return Due(words=vague[0], at=None) if vague else None
    words = " ".join(
        each[0].strip() for each in sorted((one for one in (day, hour) if one), key=lambda one: one.start())
    )
    return Due(words=words, at=_settled(day, hour, said_at) if said_at else None)


def _settled(day: re.Match[str] | None, hour: re.Match[str] | None, said_at: datetime) -> date | None:
    on = _day(day, said_at.date()) if day else said_at.date()
    if on is None:
        return None
    if hour is None:
        return on
    clock = _clock(hour)
    if clock is None:
        return on if day else None
    at = datetime.combine(on, clock, tzinfo=said_at.tzinfo)
    # "At three", said at five: whether tomorrow or in the night is not said.
    return at if day or at > said_at else None


def _number(words: str) -> int:
    return int(words) if words.isdigit() else _NUMBERS[words]


def _duration(found: re.Match[str]) -> timedelta:
    if found["half"]:
        return timedelta(minutes=30)
    if found["quarter"]:
        return timedelta(minutes=15)
    count = _number(found["count"])
    return timedelta(hours=count) if found["unit"] == "hour" else timedelta(minutes=count)


def _day(found: re.Match[str], today: date) -> date | None:
    ways: dict[str, Callable[[], date | None]] = {
        "after_tomorrow": lambda: today + timedelta(days=2),
        "tomorrow": lambda: today + timedelta(days=1),
        "today": lambda: today,
        "weekday": lambda: _weekday(found, today),
        "dom": lambda: _in_month(found["dom"], found["month"], today),
        "dom2": lambda: _in_month(found["dom2"], found["month2"], today),
        "dom3": lambda: _day_of_month(_ordinal(found["dom3"]), today),
        "week_end": lambda: today + timedelta(days=_FRIDAY - today.weekday()) if today.weekday() <= _FRIDAY else None,
        "month_end": lambda: _first_of_next_month(today) - timedelta(days=1),
        "count": lambda: _after(found, today),
    }
    return next(way() for name, way in ways.items() if found[name])


def _weekday(found: re.Match[str], today: date) -> date | None:
    ahead = (_DAYS.index(found["weekday"]) - today.weekday()) % 7 or 7
    if found["week"]:
        return (
            today + timedelta(days=7 - today.weekday() + _DAYS.index(found["weekday"])) if "next" in found[0] else None
        )
    # "Next Tuesday", said on a Monday, is tomorrow for some and in eight days for others.
    if (found["which"] or "").strip() == "next" and today.weekday() + ahead < len(_DAYS):
        return None
    return today + timedelta(days=ahead)


def _ordinal(words: str) -> int:
    return int(re.sub(r"\D", "", words)) if words[0].isdigit() else _ORDINALS[words.replace(" ", "-")]


def _in_month(day: str, month: str, today: date) -> date | None:
    number = _MONTHS.index(month) + 1
    for year in (today.year, today.year + 1):
        if (made := _date(year, number, _ordinal(day))) and made >= today:
            return made
    return None


def _day_of_month(day: int, today: date) -> date | None:
    made = _date(today.year, today.month, day)
    if made and made >= today:
        return made
    following = _first_of_next_month(today)
    return _date(following.year, following.month, day)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _first_of_next_month(today: date) -> date:
    return (today.replace(day=1) + timedelta(days=32)).replace(day=1)


def _after(found: re.Match[str], today: date) -> date | None:
    count = _number(found["count"])
    if found["unit"] == "month":
        month = today.month - 1 + count
        return _date(today.year + month // 12, month % 12 + 1, today.day)
    if found["unit"] == "week":
        return today + timedelta(weeks=count)
    if not found["business"]:
        return today + timedelta(days=count)
    while count:
        today += timedelta(days=1)
        count -= today.weekday() <= _FRIDAY
    return today


def _clock(found: re.Match[str]) -> time | None:
    if found["noon"]:
        return time(12)
    hour = _number(found["hour"])
    if hour > 23 or (hour == 0 and not found["minute"]):
        return None
    spoken = _NUMBERS.get(found["spoken_minute"] or "", 0)
    minute = int(found["minute"] or spoken)
    half = (found["half_day"] or "").replace(".", "")
    if half == "am" or "morning" in half:
        hour %= 12
    elif half or hour < _FIRST_MORNING_HOUR:
        hour = hour % 12 + 12
    part = found["part"] or ""
    if "half" in part:
        minute = 30
    elif "past" in part:
        minute = 15
    elif "to" in part:
        hour, minute = hour - 1, 45
    return time(hour, minute)
