"""This file draws how a call felt: the geometry of the lane under the waveform and of the quarters' line; pure."""

from dataclasses import dataclass

from aftercall.insight.sentiment import CALL_THRESHOLD
from aftercall.insight.turn_mood import SCALE
from aftercall.model import CallSentiment, SentimentLabel, Transcript, Turn, TurnSentiment
from aftercall.web.display import MOOD_WORDS, position, signed

#: The drawing's own units; the page stretches them.
WIDTH, HEIGHT = 1000.0, 40.0
MIDDLE = HEIGHT / 2
#: A turn is never thinner than this, or a short one on a long call could not be seen.
THINNEST = 2.0
#: Half the height of a neutral turn's dash.
FLAT = 1.0
HIGHEST_SCORE = 5.0


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One turn on the lane: above the middle felt well, below felt badly."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    start_s: float
    title: str


@dataclass(frozen=True, kw_only=True)
class Dot:
    """One quarter of the conversation on the line."""

    x: float
    y: float
    kind: str
    words: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """The quarters' line; a quarter with too few words is a gap, never a zero."""

    dots: tuple[Dot, ...]
    #: SVG `points` of each unbroken stretch.
    stretches: tuple[str, ...]
    words: str


def kind_of(score: float) -> str:
    """Which sign and colour a party's or a quarter's score gets: by the call's own thresholds."""
    threshold = CALL_THRESHOLD * SCALE
    return "positive" if score > threshold else "negative" if score < -threshold else "neutral"


def lane(transcript: Transcript | None, moods: tuple[TurnSentiment, ...], duration_s: float | None) -> tuple[Bar, ...]:
    """One bar per turn, placed as the turn lies in the recording."""
    if transcript is None or not duration_s:
        return ()
    return tuple(
        _bar(turn, mood.label, mood.score, duration_s)
        for turn, mood in zip(transcript.turns, moods, strict=False)
        if mood.label is not None and mood.score is not None
    )


def _bar(turn: Turn, label: SentimentLabel, score: float, duration_s: float) -> Bar:
    start = min(max(turn.start_s / duration_s, 0.0), 1.0) * WIDTH
    end = min(max(turn.end_s / duration_s, 0.0), 1.0) * WIDTH
    width = max(end - start, THINNEST)
    reach = min(abs(score), HIGHEST_SCORE) / HIGHEST_SCORE * (MIDDLE - FLAT)
    if score > 0:
        y, height = MIDDLE - FLAT - reach, reach + FLAT
    elif score < 0:
        y, height = MIDDLE, reach + FLAT
    else:
        y, height = MIDDLE - FLAT, 2 * FLAT
    return Bar(
        x=round(min(start, WIDTH - width), 2),
        y=round(y, 2),
        width=round(width, 2),
        height=round(height, 2),
        kind=label,
        start_s=turn.start_s,
        title=f"{position(turn.start_s)}: {MOOD_WORDS[label]} {signed(score)}",
    )


LINE_WIDTH, LINE_HEIGHT = 240.0, 84.0
_EDGE, _TOP = 24.0, 8.0


def line(felt: CallSentiment) -> Line | None:
    """The four quarters as a line; None when none of them has a score."""
    quarters = felt.quarters
    if not any(score is not None for score in quarters):
        return None
    step = (LINE_WIDTH - 2 * _EDGE) / max(len(quarters) - 1, 1)
    dots: list[Dot] = []
    stretches: list[list[Dot]] = [[]]
    for index, score in enumerate(quarters):
        if score is None:
            stretches.append([])
            continue
        share = (HIGHEST_SCORE - max(-HIGHEST_SCORE, min(HIGHEST_SCORE, score))) / (2 * HIGHEST_SCORE)
        dot = Dot(
            x=round(_EDGE + index * step, 1),
            y=round(_TOP + share * (LINE_HEIGHT - 2 * _TOP), 1),
            kind=kind_of(score),
            words=f"Quarter {index + 1}: {signed(score)}",
        )
        dots.append(dot)
        stretches[-1].append(dot)
    said = ", ".join(
        f"quarter {index + 1} {signed(score) if score is not None else 'too few words'}"
        for index, score in enumerate(quarters)
    )
    return Line(
        dots=tuple(dots),
        stretches=tuple(" ".join(f"{dot.x},{dot.y}" for dot in each) for each in stretches if len(each) > 1),
        words=f"Mood over the conversation: {said}.",
    )
