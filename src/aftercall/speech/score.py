"""This file compares two texts word by word: how many words are wrong, and which."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rapidfuzz.distance import Levenshtein

#: Apostrophes and what joins a compound belong to a word; all other punctuation does not.
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


@dataclass(frozen=True, kw_only=True)
class WordErrors:
    """What differs between a reference and what was heard, in words."""

    substitutions: int
    deletions: int
    insertions: int
    #: Of the reference.
    words: int

    @property
    def wrong(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float | None:
        """The word error rate (WER): wrong words divided by the words of the reference; None without a reference."""
        return self.wrong / self.words if self.words else None


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of words in a comparison, as they are written."""

    kind: Literal["same", "removed", "added"]
    text: str


def word_errors(reference: str, heard: str) -> WordErrors:
    """Count the fewest word errors that turn the reference into what was heard; case and punctuation do not count."""
    expected, got = folded(reference), folded(heard)
    kinds = [each.tag for each in Levenshtein.editops(expected, got)]
    return WordErrors(
        substitutions=kinds.count("replace"),
        deletions=kinds.count("delete"),
        insertions=kinds.count("insert"),
        words=len(expected),
    )


def word_diff(before: str, after: str) -> list[Piece]:
    """The words of both texts in one row: kept, removed and added; a word whose case or punctuation changed is kept.

    Returns:
        Pieces in order; without the added ones they are the words of `before`, without the removed ones (and with the
        kept ones written as in `after`) those of `after`.
    """
    return list(_joined(_pieces(before.split(), after.split())))


def folded(text: str) -> list[str]:
    """The words of a text, lower-case and without the punctuation around them."""
    return [word for word in map(fold, text.split()) if word]


def fold(word: str) -> str:
    """One word the same way; "" for a lone punctuation mark."""
    return _EDGES.sub("", word.replace("\u2019", "'")).lower()


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    for each in Levenshtein.opcodes([fold(word) for word in old], [fold(word) for word in new]):
        if each.tag == "equal":
            yield Piece(kind="same", text=" ".join(new[each.dest_start : each.dest_end]))
            continue
        if each.src_end > each.src_start:
            yield Piece(kind="removed", text=" ".join(old[each.src_start : each.src_end]))
        if each.dest_end > each.dest_start:
            yield Piece(kind="added", text=" ".join(new[each.dest_start : each.dest_end]))


def _joined(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind become one piece; between two kept words the removed come before the added."""
    removed: list[str] = []
    added: list[str] = []
    for piece in pieces:
        if piece.kind == "removed":
            removed.append(piece.text)
        elif piece.kind == "added":
            added.append(piece.text)
        else:
            yield from _changes(removed, added)
            removed, added = [], []
            yield piece
    yield from _changes(removed, added)


def _changes(removed: list[str], added: list[str]) -> Iterator[Piece]:
    if removed:
        yield Piece(kind="removed", text=" ".join(removed))
    if added:
        yield Piece(kind="added", text=" ".join(added))
