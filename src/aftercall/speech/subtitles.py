"""This file cuts turns into subtitles: short enough to be read, in order, and never two at once; pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from aftercall.model import Turn

LINE_CHARS = 42
LINES = 2
LONGEST_MS = 7000
#: Shorter subtitles flash by; they stay longer where nothing follows at once.
SHORTEST_MS = 1000
#: Each of two that share their time gets this, where there is so much.
SHORTEST_SHARE_MS = 500
#: After a pause like this the next words are a subtitle of their own.
PAUSE_MS = 1000
#: With this much text a subtitle ends at the end of a sentence.
ENOUGH_CHARS = 20
#: What is said of the whole call stands in front of it, this long where there is room.
OPENING_MS = 3000


@dataclass(frozen=True, kw_only=True)
class Cue:
    """One subtitle."""

    start_ms: int
    end_ms: int
    #: "" where nobody is named.
    speaker: str
    #: One or two, none longer than LINE_CHARS.
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """A word of the text, or a part of one that fills a line."""

    text: str
    start_ms: int
    end_ms: int


def cues(spoken: Sequence[tuple[str, Turn, str]], *, with_label: bool, opening: str = "") -> list[Cue]:
    """Make the subtitles of a call.

    Args:
        spoken: for each turn, by start: the speaker's label, the turn, and the text to show of it.
        with_label: write the speaker's label into the text where a turn begins; else it is only in `speaker`.
        opening: shown before everything else.
    Returns:
        Subtitles in order. Each begins after the one before has ended, lasts no longer than LONGEST_MS, and holds
        LINES lines of LINE_CHARS characters at most. Where both speakers talk at once, each is shown for a part of
        the time.
    """
    found = [
        cue
        for at, (label, turn, text) in enumerate(spoken)
        for cue in _of_turn(label, turn, text, _entries(spoken, at), with_label=with_label)
    ]
    found.sort(key=lambda cue: (cue.start_ms, cue.end_ms))
    if opening:
        lines = _lines(opening.split())
        assert lines is not None, "an opening fits one subtitle"
        found.insert(0, Cue(start_ms=0, end_ms=OPENING_MS, speaker="", lines=lines))
    return list(_one_by_one(found))


def _entries(spoken: Sequence[tuple[str, Turn, str]], at: int) -> list[int]:
    """When others begin to speak during a turn."""
    turn = spoken[at][1]
    found = []
    for _, other, _ in spoken[at + 1 :]:
        if other.start_s >= turn.end_s:
            break
        found.append(round(other.start_s * 1000))
    return found


# ---- one turn ---------------------------------------------------------------------------------------------------


def _of_turn(label: str, turn: Turn, text: str, entries: Sequence[int], *, with_label: bool) -> Iterator[Cue]:
    front = [f"{label}:"] if label and with_label else []
    held: list[_Piece] = []
    for piece in _pieces(turn, text):
        if held and _ends_before(piece, held, front, entries):
            yield _cue(held, front, label)
            held, front = [], []
        held.append(piece)
    if held:
        yield _cue(held, front, label)


def _ends_before(piece: _Piece, held: Sequence[_Piece], front: list[str], entries: Sequence[int]) -> bool:
    """Whether a subtitle is complete before this piece of text."""
    texts = [each.text for each in held]
    return (
        _lines([*front, *texts, piece.text]) is None
        or piece.end_ms - held[0].start_ms > LONGEST_MS
        or piece.start_ms - held[-1].end_ms >= PAUSE_MS
        or (texts[-1].endswith((".", "?", "!", "。", "।")) and sum(map(len, texts)) >= ENOUGH_CHARS)
        or any(held[-1].start_ms < entry <= piece.start_ms for entry in entries)
    )


def _cue(held: Sequence[_Piece], front: list[str], label: str) -> Cue:
    start_ms = held[0].start_ms
    lines = _lines([*front, *(piece.text for piece in held)])
    assert lines is not None, "what is held fits"
    return Cue(
        start_ms=start_ms,
        end_ms=min(max(held[-1].end_ms, start_ms + 1), start_ms + LONGEST_MS),
        speaker=label,
        lines=lines,
    )


def _pieces(turn: Turn, text: str) -> Iterator[_Piece]:
    """The text's words with their times; those of a word too long for a line in parts of one."""
    for each in _timed(turn, text.split()):
        parts = [each.text[at : at + LINE_CHARS] for at in range(0, len(each.text), LINE_CHARS)]
        length_ms = each.end_ms - each.start_ms
        for number, part in enumerate(parts):
            yield _Piece(
                text=part,
                start_ms=each.start_ms + length_ms * number // len(parts),
                end_ms=each.start_ms + length_ms * (number + 1) // len(parts),
            )


def _timed(turn: Turn, texts: Sequence[str]) -> Iterator[_Piece]:
    """Each word of a text with its times: the turn's words where they go together, else by their letters."""
    if not turn.is_understood:
        # The mark stays in one piece.
        yield _Piece(text=" ".join(texts), start_ms=round(turn.start_s * 1000), end_ms=round(turn.end_s * 1000))
        return
    if len(texts) == len(turn.words):
        for text, word in zip(texts, turn.words, strict=True):
            yield _Piece(text=text, start_ms=round(word.start_s * 1000), end_ms=round(word.end_s * 1000))
        return
    start_ms, length_ms = round(turn.start_s * 1000), round((turn.end_s - turn.start_s) * 1000)
    total, before = sum(map(len, texts)), 0
    for text in texts:
        after = before + len(text)
        yield _Piece(
            text=text,
            start_ms=start_ms + length_ms * before // total,
            end_ms=start_ms + length_ms * after // total,
        )
        before = after


def _lines(texts: Iterable[str]) -> tuple[str, ...] | None:
    """Words in lines, the first one as full as it gets; None if they are too many."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + 1 + len(text) <= LINE_CHARS:
            lines[-1] += f" {text}"
        else:
            lines.append(text)
    return tuple(lines) if len(lines) <= LINES else None


# ---- all of them ------------------------------------------------------------------------------------------------


def _one_by_one(found: Sequence[Cue]) -> Iterator[Cue]:
    """Subtitles that do not overlap; where two would, the time of both is shared by the length of their texts."""
    waiting = list(reversed(found))
    while waiting:
        cue = waiting.pop()
        if not waiting:
            yield replace(cue, end_ms=max(cue.end_ms, cue.start_ms + SHORTEST_MS))
            return
        following = waiting[-1]
        if cue.end_ms <= following.start_ms:
            yield replace(cue, end_ms=max(cue.end_ms, min(cue.start_ms + SHORTEST_MS, following.start_ms)))
            continue
        change_ms = _change_ms(cue, following)
        yield replace(cue, end_ms=change_ms)
        end_ms = min(max(following.end_ms, change_ms + 1), change_ms + LONGEST_MS)
        waiting[-1] = replace(following, start_ms=change_ms, end_ms=end_ms)


def _change_ms(cue: Cue, following: Cue) -> int:
    """When one subtitle gives way to one that begins before its end."""
    own, other = (sum(map(len, each.lines)) for each in (cue, following))
    both_ms = max(cue.end_ms, following.end_ms) - cue.start_ms
    least_ms = min(SHORTEST_SHARE_MS, both_ms // 2)
    share_ms = min(max(both_ms * own // (own + other), least_ms), both_ms - least_ms)
    return max(min(max(following.start_ms, cue.start_ms + share_ms), cue.end_ms), cue.start_ms + 1)
