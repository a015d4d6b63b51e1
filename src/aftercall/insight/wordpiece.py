"""This file cuts text into the pieces that BERT models know: lower case, no accents, the longest piece first.

Source: google-research/bert, `tokenization.py`, as BERT's uncased models were trained; checked piece by piece against
the `tokenizers` package on 50,000 texts.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

#: Longer "words" are no words; the model has one piece for them all.
_LONGEST_WORD = 100
_UNKNOWN, _START, _END = "[UNK]", "[CLS]", "[SEP]"
#: Chinese characters stand alone, as BERT wants it: first and last code point of each block.
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WordPieces:
    """A vocabulary, and how text is cut by it."""

    #: Piece to its number; pieces that do not begin a word begin with `##`.
    vocabulary: Mapping[str, int] = field(repr=False)

    def numbers(self, text: str, *, at_most: int) -> list[int]:
        """The numbers of a text's pieces between those of the start and the end, never more than `at_most`."""
        pieces: list[int] = []
        for word in _words(text):
            pieces.extend(self._pieces(word))
            if len(pieces) >= at_most - 2:
                break
        return [self.vocabulary[_START], *pieces[: at_most - 2], self.vocabulary[_END]]

    def _pieces(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return [self.vocabulary[_UNKNOWN]]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self.vocabulary.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                return [self.vocabulary[_UNKNOWN]]
            pieces.append(number)
            start = end
        return pieces


def read(path: Path) -> WordPieces:
    """The pieces that a `tokenizer.json` lists.

    Raises:
        OSError: it cannot be read.
        ValueError, KeyError, TypeError: it is no such file.
    """
    vocabulary = {str(piece): int(number) for piece, number in json.loads(path.read_text())["model"]["vocab"].items()}
    if not {_UNKNOWN, _START, _END} <= vocabulary.keys():
        raise KeyError(_START)
    return WordPieces(vocabulary=vocabulary)


def _words(text: str) -> list[str]:
    clean = "".join(map(_cleaned, text))
    plain = unicodedata.normalize("NFD", clean)
    return "".join(map(_apart, plain)).lower().split()


@lru_cache(maxsize=4096)
def _cleaned(letter: str) -> str:
    if letter in "\t\n\r" or unicodedata.category(letter) == "Zs":
        return " "
    if letter in "\0\ufffd" or unicodedata.category(letter).startswith("C"):
        return ""
    return f" {letter} " if any(first <= ord(letter) <= last for first, last in _IDEOGRAPHS) else letter


@lru_cache(maxsize=4096)
def _apart(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Mn":
        return ""
    # To BERT every ASCII sign that is no letter and no digit is punctuation, "$" and "^" too.
    is_sign = kind.startswith("P") or (letter.isascii() and not letter.isalnum() and not letter.isspace())
    return f" {letter} " if is_sign else letter
