"""This file puts names and terms of the vocabulary in the place of unsure words that sound nearly like them.

Recognisers write what they know: a queue called "Fuerth Sued" or a colleague named "Kowalczyk" comes out as ordinary
words that sound alike, and the recogniser is unsure of them. Only such words are replaced, only by a phrase that sounds
nearly the same, and never when two phrases would do: a word that was understood stays as it was understood.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from aftercall.model import Word

#: A word the engine is at least this sure of is never touched.
SURE = 0.6
#: How alike the sounds must be, 0 to 1.
ALIKE_IN_SOUND = 0.87
#: How alike the spellings must be, 0 to 1; different letters of one sound are expected.
ALIKE_IN_LETTERS = 0.5
#: Short words sound like many others: up to this many letters the spellings must be closer.
SHORT = 6
ALIKE_IN_LETTERS_IF_SHORT = 0.6
#: Shorter phrases sound like too many words.
SHORTEST = 4

#: Spellings of one sound in the languages at hand, to one letter; in this order.
_SPELLINGS = (
    (r"(.)\1+", r"\1"),
    (r"tsch|sch|sh|cz|ch(?=[aeiouy])|sz", "x"),
    (r"ph|v|w", "f"),
    (r"ck|ch|c(?![eiy])|q|g", "k"),
    (r"c(?=[eiy])|z|ts|ß", "s"),
    (r"th|dt|d", "t"),
    (r"b", "p"),
    (r"y|j", "i"),
    (r"h", ""),
    (r"[aei][aeiou]*", "a"),
    (r"[ou][aeiou]*", "u"),
    (r"(.)\1+", r"\1"),
)
_AROUND = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)


@dataclass(frozen=True)
class _Phrase:
    """A phrase of the vocabulary, made ready for comparing."""

    text: str
    #: The letters of each word.
    parts: tuple[str, ...]
    #: All its letters.
    letters: str


@dataclass(frozen=True, kw_only=True)
class _Change:
    """Words from `first` to before `after` are to become `phrase`."""

    first: int
    after: int
    phrase: _Phrase
    likeness: float


def favoured(words: Sequence[Word], phrases: Sequence[str]) -> list[Word]:
    """The words, with phrases of the vocabulary where they were meant.

    Args:
        words: of one utterance; those without a confidence are left alone.
        phrases: as they should be written; one or several words each.
    Returns:
        The words in order. A replaced run keeps its stretch of time, the punctuation around it, and the lowest of its
        confidences: it is still a guess.
    """
    usable = [_phrase(text) for text in dict.fromkeys(" ".join(each.split()) for each in phrases)]
    usable = [phrase for phrase in usable if len(phrase.letters) >= SHORTEST]
    if not usable or not any(_is_unsure(word) for word in words):
        return list(words)
    result: list[Word] = []
    at = 0
    while at < len(words):
        change = _best_change(words, at, usable)
        if change is None:
            result.append(words[at])
            at += 1
        else:
            result.extend(_written(words[change.first : change.after], change.phrase.text))
            at = change.after
    return result


@lru_cache(maxsize=4096)
def _phrase(text: str) -> _Phrase:
    parts = tuple(_letters(part) for part in text.split())
    return _Phrase(text=text, parts=parts, letters="".join(parts))


def _is_unsure(word: Word) -> bool:
    return word.confidence is not None and word.confidence < SURE


def _best_change(words: Sequence[Word], at: int, phrases: Sequence[_Phrase]) -> _Change | None:
    """The likeliest change of a run that begins here; None if there is none, or two are as likely."""
    longest = max(len(phrase.parts) for phrase in phrases) + 1
    if not any(_is_unsure(word) for word in words[at : at + longest]):
        return None
    found = sorted(
        (change for phrase in phrases for change in _changes(words, at, phrase)),
        key=lambda change: (-change.likeness, change.after),
    )
    if not found:
        return None
    best = found[0]
    rivals = [each for each in found[1:] if each.phrase != best.phrase and best.likeness - each.likeness < 0.05]
    return None if rivals else best


def _changes(words: Sequence[Word], at: int, phrase: _Phrase) -> Iterator[_Change]:
    """Runs of a word more or less than the phrase has, whose words are unsure or part of the phrase already."""
    for count in range(max(1, len(phrase.parts) - 1), len(phrase.parts) + 2):
        run = words[at : at + count]
        if len(run) < count:
            return
        said = tuple(_letters(word.text) for word in run)
        if said == phrase.parts:  # understood, whatever its capitals
            return
        changed = [word for word, letters in zip(run, said, strict=True) if letters not in phrase.parts]
        if not changed or not all(map(_is_unsure, changed)) or not said[0] or not said[-1]:
            continue
        likeness = _likeness("".join(said), phrase.letters)
        if likeness >= ALIKE_IN_SOUND:
            yield _Change(first=at, after=at + count, phrase=phrase, likeness=likeness)


def _likeness(said: str, phrase: str) -> float:
    """How alike two spellings sound, 0 to 1; 0 if even their letters have too little in common."""
    at_least = ALIKE_IN_LETTERS_IF_SHORT if len(phrase) <= SHORT else ALIKE_IN_LETTERS
    if Levenshtein.normalized_similarity(said, phrase) < at_least:
        return 0.0
    return Levenshtein.normalized_similarity(_sound(said), _sound(phrase))


def _written(run: Sequence[Word], phrase: str) -> Iterator[Word]:
    """The phrase in the place of a run of words."""
    before = _parts_of(run[0].text)[0]
    after = _parts_of(run[-1].text)[2]
    texts = phrase.split()
    texts[0] = before + texts[0]
    texts[-1] += after
    times = [(word.start_s, word.end_s) for word in run]
    if len(texts) != len(run):
        times = _shared_out(texts, run[0].start_s, run[-1].end_s)
    confidence = min((word.confidence for word in run if word.confidence is not None), default=None)
    for text, (start_s, end_s) in zip(texts, times, strict=True):
        yield Word(text=text, start_s=start_s, end_s=end_s, confidence=confidence)


def _shared_out(texts: Sequence[str], start_s: float, end_s: float) -> list[tuple[float, float]]:
    """A stretch of time, shared out by the lengths of the words."""
    total = sum(map(len, texts))
    bounds = [start_s]
    for text in texts:
        bounds.append(bounds[-1] + (end_s - start_s) * len(text) / total)
    bounds[-1] = end_s
    return [(round(bounds[number], 3), round(bounds[number + 1], 3)) for number in range(len(texts))]


def _parts_of(text: str) -> tuple[str, str, str]:
    """What stands before the first letter, the word, what stands after the last letter."""
    match = _AROUND.match(text)
    return (match[1], match[2], match[3]) if match else ("", text, "")


@lru_cache(maxsize=4096)
def _letters(text: str) -> str:
    """Letters and digits only, small, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if letter.isalnum())


@lru_cache(maxsize=4096)
def _sound(letters: str) -> str:
    """A rough key of how it sounds: one letter for each group of sounds that telephones and recognisers confuse."""
    key = letters
    for pattern, letter in _SPELLINGS:
        key = re.sub(pattern, letter, key)
    return key
