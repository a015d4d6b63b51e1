"""This file makes of a text what a speech engine might have heard: no case, no punctuation, and some words wrong.

Of the errors 55 in 100 are words that sound alike, 27 are left out (small words twice as often), 18 are put in: about
the shares of engines on telephone speech.
"""

import random
import re
from collections.abc import Iterable
from functools import cached_property

SUBSTITUTED, DELETED = 0.55, 0.27
SMALL_WORD_FACTOR = 1.9

SMALL_WORDS = (
    "a", "an", "the", "to", "of", "and", "in", "on", "at", "it", "is", "i", "you", "that", "for", "my", "me", "we",
    "was", "with", "so", "but", "do", "just", "have", "be", "this", "um", "uh",
)  # fmt: skip
_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)*")
#: Spellings that sound the same, in the order they are put.
_SOUNDS = (
    (r"^kn|^gn", "n"), (r"^wr", "r"), (r"ph", "f"), (r"gh", ""), (r"ck|q", "k"), (r"c(?=[eiy])", "s"), (r"c(?!h)", "k"),
    (r"x", "ks"), (r"z", "s"), (r"dg|j", "g"), (r"v", "f"), (r"d", "t"), (r"b", "p"),
)  # fmt: skip


class Mishearing:
    """Hears texts wrongly, the same texts always in the same way."""

    def __init__(self, vocabulary: Iterable[str], seed: int) -> None:
        """Take the words that may be heard in place of others."""
        self._vocabulary = sorted({word for word in vocabulary if _WORD.fullmatch(word)})
        self._chance = random.Random(seed)

    def hear(self, text: str, word_errors: float) -> str:
        """One text, with that share of its words wrong."""
        heard: list[str] = []
        for word in plain(text).split():
            weight = SMALL_WORD_FACTOR if word in SMALL_WORDS else 1.0
            fate = self._chance.random() / max(word_errors, 1e-9)
            if fate < SUBSTITUTED:
                heard.append(self._like(word))
            elif fate < SUBSTITUTED + DELETED * weight:
                continue
            else:
                heard.append(word)
            if self._chance.random() < word_errors * (1 - SUBSTITUTED - DELETED):
                heard.append(self._chance.choice(SMALL_WORDS))
        return " ".join(heard)

    def _like(self, word: str) -> str:
        alike = [each for each in self._by_sound.get(_sound(word), ()) if each != word]
        return self._chance.choice(alike or self._vocabulary)

    @cached_property
    def _by_sound(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for word in self._vocabulary:
            found.setdefault(_sound(word), []).append(word)
        return found


def plain(text: str) -> str:
    """A text as most engines write: lower case, no punctuation."""
    return " ".join(_WORD.findall(text.lower().replace("’", "'")))


def _sound(word: str) -> str:
    """The consonants of a word as they sound, and whether a vowel comes first."""
    sound = word.replace("'", "")
    for spelling, heard in _SOUNDS:
        sound = re.sub(spelling, heard, sound)
    sound = ("a" if re.match(r"[aeiouy]", sound) else "") + re.sub(r"[aeiouyhw]", "", sound)
    return re.sub(r"(.)\1+", r"\1", sound)
