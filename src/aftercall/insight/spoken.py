"""This file brings spoken text and written phrases to one form, so that rules find words however written; pure.

Lower case, no accents, no punctuation, no filler words; numbers as single digits, whether they were written "25" or
"twenty five".
"""

import re
import unicodedata

_TOKEN = re.compile(r"\d+|[^\W\d_]+")
#: Inside a number ("1,200") and inside a word ("don't") these join.
_JOINS = re.compile(r"(?<=\d),(?=\d{3})|[\u0027\u2019\u02bc]")
FILLERS = frozenset({"um", "umm", "uh", "uhm", "er", "erm", "hm", "hmm"})
_UNITS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
#: Every word a spoken number may hold.
NUMBER_WORDS = frozenset({*_UNITS, *_TENS, "hundred", "thousand"})


def tokens(text: str) -> list[str]:
    """The words of a text in the common form; a number becomes its digits, one token each."""
    found = [token for token in plain_tokens(text) if token not in FILLERS]
    made: list[str] = []
    at = 0
    while at < len(found):
        value, used = _number(found, at)
        if used:
            made += list(str(value))
            at += used
        else:
            made += list(found[at]) if found[at].isdigit() else [found[at]]
            at += 1
    return made


def normalised(text: str) -> str:
    """The same as one string, single spaces between the tokens."""
    return " ".join(tokens(text))


def plain_tokens(text: str) -> list[str]:
    """Words and numbers as written, without case, accents and apostrophes."""
    lowered = text.lower()
    if not lowered.isascii():
        parts = unicodedata.normalize("NFKD", lowered)
        lowered = "".join(char for char in parts if not unicodedata.combining(char))
    return _TOKEN.findall(_JOINS.sub("", lowered))


def _number(found: list[str], at: int) -> tuple[int, int]:
    """The number spoken from here on, and how many tokens it takes; 0 tokens if there is none."""
    value, used = _below_thousand(found, at)
    if used and value and at + used < len(found) and found[at + used] == "thousand":
        rest, rest_used = _below_thousand(found, at + used + 1)
        return value * 1000 + rest, used + 1 + rest_used
    return value, used


def _below_thousand(found: list[str], at: int) -> tuple[int, int]:
    """A number with its hundreds: "two hundred and five"."""
    value, used = _below_hundred(found, at)
    if not value or at + used >= len(found) or found[at + used] != "hundred":
        return value, used
    skipped = 1 if found[at + used + 1 : at + used + 2] == ["and"] else 0
    rest, rest_used = _below_hundred(found, at + used + 1 + skipped)
    return value * 100 + rest, used + 1 + (skipped + rest_used if rest_used else 0)


def _below_hundred(found: list[str], at: int) -> tuple[int, int]:
    word = found[at] if at < len(found) else ""
    if word in _TENS:
        unit = _UNITS.get(found[at + 1] if at + 1 < len(found) else "", 0)
        return (_TENS[word] + unit, 2) if 0 < unit < 10 else (_TENS[word], 1)
    return (_UNITS[word], 1) if word in _UNITS else (0, 0)
