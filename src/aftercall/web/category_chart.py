"""This file lays out the bars of calls per day, as the preview of a category draws them; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 640.0, 96.0
#: More days than this become weeks, so that a bar can be seen.
MOST_BARS = 92


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One day or week."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The bars from the first day to the last."""

    bars: tuple[Bar, ...]
    first: str
    last: str
    largest: int
    #: `day` or `week`.
    unit: str
    words: str


def chart(days: Sequence[tuple[date, int]]) -> Chart | None:
    """The chart of calls per day, per week over a long time; None without calls."""
    if not days:
        return None
    counts = dict(days)
    first, last = min(counts), max(counts)
    step = 1 if (last - first).days < MOST_BARS else 7
    starts = [first + timedelta(days=at) for at in range(0, (last - first).days + 1, step)]
    # Beyond two years of weeks only the newest can be drawn.
    starts = starts[-2 * MOST_BARS :]
    sums = [sum(counts.get(start + timedelta(days=at), 0) for at in range(step)) for start in starts]
    largest = max(sums)
    room = WIDTH / len(starts)
    width = min(24.0, room * 0.8)
    unit = "day" if step == 1 else "week"
    bars = tuple(
        Bar(
            x=round(at * room + (room - width) / 2, 2),
            y=round(HEIGHT * (1 - count / largest), 2),
            width=round(width, 2),
            height=round(HEIGHT * count / largest, 2),
            words=f"{'' if step == 1 else 'week from '}{start.isoformat()}: {count:,}",
        )
        for at, (start, count) in enumerate(zip(starts, sums, strict=True))
        if count
    )
    peak = starts[sums.index(largest)]
    words = f"Calls per {unit} from {starts[0]} to {last}; most, {largest:,}, {'on' if step == 1 else 'from'} {peak}"
    return Chart(bars=bars, first=starts[0].isoformat(), last=last.isoformat(), largest=largest, unit=unit, words=words)
