"""This file gives the words of a corrected text their times: what stayed keeps its own, what is new shares the gap."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from aftercall.model import Turn, Word
from aftercall.speech.score import fold


@dataclass(frozen=True)
class _Block:
    """A stretch of the old words and the stretch of the new text that stands in its place; half-open."""

    is_same: bool
    old_from: int
    old_to: int
    new_from: int
    new_to: int


def retimed(turn: Turn, text: str) -> tuple[Word, ...]:
    """The words of a turn after a person corrected its text.

    Args:
        turn: as it was.
        text: what was really said; "" if nothing was.
    Returns:
        One word for each of the text, in order and inside the turn. A word that stayed, whatever its case and
        punctuation, keeps its time and its confidence. New words share the time of those they replace, or the gap they
        fill, by their length; a person is sure of them, so they have no confidence.
    """
    old, new = turn.words, text.split()
    words: list[Word] = []
    for block in _blocks(old, new):
        written = new[block.new_from : block.new_to]
        if block.is_same:
            kept = zip(old[block.old_from : block.old_to], written, strict=True)
            words += [
                Word(text=to, start_s=was.start_s, end_s=was.end_s, confidence=was.confidence) for was, to in kept
            ]
        else:
            words += _shared(written, *_gap(turn, block))
    return tuple(words)


def _blocks(old: Sequence[Word], new: Sequence[str]) -> Iterator[_Block]:
    """What is the same and what is not, in turn: two neighbours are never of one kind."""
    changed: _Block | None = None
    for each in Levenshtein.opcodes([fold(word.text) for word in old], [fold(word) for word in new]):
        block = _Block(each.tag == "equal", each.src_start, each.src_end, each.dest_start, each.dest_end)
        if block.is_same:
            if changed:
                yield changed
            yield block
            changed = None
        elif changed:
            changed = _Block(False, changed.old_from, block.old_to, changed.new_from, block.new_to)
        else:
            changed = block
    if changed:
        yield changed


def _gap(turn: Turn, block: _Block) -> tuple[float, float]:
    """The time that new words may share."""
    if block.old_to > block.old_from:
        return turn.words[block.old_from].start_s, turn.words[block.old_to - 1].end_s
    start_s = turn.words[block.old_from - 1].end_s if block.old_from else turn.start_s
    end_s = turn.words[block.old_to].start_s if block.old_to < len(turn.words) else turn.end_s
    # Words of two recognised pieces may overlap a little.
    return start_s, max(start_s, end_s)


def _shared(written: Sequence[str], start_s: float, end_s: float) -> Iterator[Word]:
    letters = sum(map(len, written))
    before = 0
    for word in written:
        after = before + len(word)
        yield Word(
            text=word,
            start_s=start_s + (end_s - start_s) * before / letters,
            end_s=start_s + (end_s - start_s) * after / letters,
        )
        before = after
