"""This file tells which digits a word stands for, spoken or written."""

import re
from dataclasses import dataclass
from typing import Literal

#: `sure` is a number wherever it stands; `maybe` sounds like one and counts only between numbers.
Certainty = Literal["sure", "maybe"]

_UNITS = {
    word: str(digit)
    for digit, words in enumerate(
        ("zero nought naught", "one", "two", "three", "four", "five fife", "six", "seven", "eight", "nine niner")
    )
    for word in words.split()
}
_TEENS = {
    word: str(number)
    for number, word in enumerate(
        ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"],
        10,
    )
}
_TENS = {
    word: str(number * 10)
    for number, word in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_SOUNDS_LIKE = {
    "oh": "0", "o": "0", "won": "1", "to": "2", "too": "2", "tree": "3", "for": "4", "fore": "4", "ate": "8",
    "nein": "9",
}  # fmt: skip
_TIMES = {"double": 2, "triple": 3, "treble": 3}
_ZEROS = {"hundred": "00", "thousand": "000"}
_ORDINALS = {
    word: str(number)
    for number, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
            "thirteenth",
            "fourteenth",
            "fifteenth",
            "sixteenth",
            "seventeenth",
            "eighteenth",
            "nineteenth",
            "twentieth",
        ],
        1,
    )
} | {"thirtieth": "30"}
MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)
_WRITTEN = re.compile(r"[+(#]{0,2}\d[\d\-–.()/]*")
_WRITTEN_ORDINAL = re.compile(r"(\d{1,2})(?:st|nd|rd|th)")


@dataclass(frozen=True, kw_only=True)
class Digits:
    """What one word adds to a number."""

    #: "" for `double` and the like, which only say how often the next digit comes.
    digits: str
    certainty: Certainty = "sure"
    times: int = 1
    #: A round ten, which swallows the unit after it: forty two is 42.
    is_tens: bool = False
    is_unit: bool = False
    is_ordinal: bool = False


def plain(word: str) -> str:
    """A word as it is compared: small letters, without the signs around it."""
    return word.lower().replace("’", "'").strip(".,;:!?\"'…[]")


def digits_of(word: str) -> Digits | None:  # noqa: PLR0911 (one line for each kind of word)
    """What a word adds to a number; None for a word that is none.

    Sums of money, times of day and percentages are none: `$20`, `12:30`, `5%`.
    """
    bare = plain(word)
    if bare in _UNITS:
        return Digits(digits=_UNITS[bare], is_unit=True)
    if bare in _TEENS:
        return Digits(digits=_TEENS[bare])
    if bare in _TENS:
        return Digits(digits=_TENS[bare], is_tens=True)
    if bare in _SOUNDS_LIKE:
        return Digits(digits=_SOUNDS_LIKE[bare], certainty="maybe")
    if bare in _TIMES:
        return Digits(digits="", certainty="maybe", times=_TIMES[bare])
    if bare in _ZEROS:
        return Digits(digits=_ZEROS[bare], certainty="maybe")
    if bare in _ORDINALS:
        return Digits(digits=_ORDINALS[bare], certainty="maybe", is_ordinal=True, is_unit=len(_ORDINALS[bare]) == 1)
    if found := _WRITTEN_ORDINAL.fullmatch(bare):
        return Digits(digits=found[1], certainty="maybe", is_ordinal=True)
    if _WRITTEN.fullmatch(bare):
        return Digits(digits=re.sub(r"\D", "", bare))
    return _hyphened(bare)


def _hyphened(bare: str) -> Digits | None:
    """Numbers written with a hyphen: forty-two, five-five-five."""
    parts = bare.split("-")
    if len(parts) > 1 and all(part in _UNITS or part in _TENS or part in _TEENS for part in parts):
        return Digits(digits=together([said for part in parts if (said := digits_of(part))]))
    return None


def together(found: list[Digits]) -> str:
    """The digits that words say one after the other: double five forty two is 5542."""
    said, times, after_tens = "", 1, False
    for each in found:
        if not each.digits:
            times = each.times
            continue
        if after_tens and each.is_unit and each.digits != "0":
            said = said[:-1] + each.digits
        else:
            said += each.digits * times
        times, after_tens = 1, each.is_tens
    return said


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of a payment card."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
