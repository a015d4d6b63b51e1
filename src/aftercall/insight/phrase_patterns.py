"""This file turns the phrases of a rule into one regular expression over text in the common form; pure.

The expression finds phrases exactly, in every form of their words, or with one wrong letter in each long word.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

from aftercall.insight import spoken

Match = Literal["exact", "stem", "fuzzy"]

#: In a phrase it stands for up to three words of any kind.
GAP = "*"
#: Shorter words are never matched with a wrong letter: "sick" is not "sock".
FUZZY_FROM = 6
_ENDINGS = ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "e", "y")
_FORMS = "(?:s|es|ed|d|ing|ings|er|ers|or|ors|ation|ations|ion|ions|ment|ments|e|y|ies|ied|able)?"
_LETTER = r"[^\W\d_]"


def compiled(phrases: Iterable[str], match: Match) -> re.Pattern[str]:
    """One expression that finds any of the phrases."""
    return re.compile("|".join(f"(?:{_phrase(phrase, match)})" for phrase in phrases))


@lru_cache(maxsize=1000)
def anchors(phrases: tuple[str, ...], match: Match) -> tuple[str, ...]:
    """Letters of which some must be in any text that holds one of the phrases; none if nothing of the kind is sure."""
    found = set()
    for phrase in phrases:
        sure = [token for stretch in parts(phrase) for token in stretch if token.isascii() and token.isalpha()]
        if match == "fuzzy":
            sure = [token for token in sure if len(token) < FUZZY_FROM]
        if match == "stem":
            sure = [stem(token) for token in sure]
        if not sure:
            return ()
        found.add(max(sure, key=len))
    return tuple(sorted(found))


def parts(phrase: str) -> list[list[str]]:
    """The tokens of a phrase, in the stretches between its gaps."""
    return [made for each in phrase.split(GAP) if (made := spoken.tokens(each))]


def _phrase(phrase: str, match: Match) -> str:
    stretches = [" ".join(word_pattern(token, match) for token in stretch) for stretch in parts(phrase)]
    tokens = [token for stretch in parts(phrase) for token in stretch]
    # A number is found whole only: "5" is not said in "25".
    before = r"(?<![^ ])(?<!\d )" if tokens[0].isdigit() else r"(?<![^ ])"
    after = r"(?![^ ])(?! \d)" if tokens[-1].isdigit() else r"(?![^ ])"
    return before + r"(?: [^ ]+){0,3} ".join(stretches) + after


def word_pattern(token: str, match: Match) -> str:
    """What one word of a phrase looks like in the text."""
    if match == "stem" and token.isalpha():
        root = stem(token)
        return f"{root}{root[-1]}?{_FORMS}" if len(root) >= 3 else token
    if match == "fuzzy" and token.isalpha() and len(token) >= FUZZY_FROM:
        return f"(?:{'|'.join(_one_edit(token))})"
    return token


def stem(word: str) -> str:
    """The part of a word that its forms share: cancel for cancelled, appl for apply."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word.removesuffix(ending)
            is_doubled = ending in {"ing", "ings", "ed", "er", "ers", "ation", "ations"} and root[-1] == root[-2]
            return root[:-1] if is_doubled and len(root) > 3 and root[-1] not in "s" else root
    return word


def _one_edit(word: str) -> Iterable[str]:
    yield word
    for at in range(len(word)):
        # One letter wrong or missing here, or one too many before it.
        yield f"{word[:at]}{_LETTER}?{word[at + 1 :]}"
        yield f"{word[:at]}{_LETTER}{word[at:]}"
    yield word + _LETTER
    for at in range(len(word) - 1):
        yield f"{word[:at]}{word[at + 1]}{word[at]}{word[at + 2 :]}"
