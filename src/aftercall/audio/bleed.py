"""This file leaves out what one party's audio channel only carries because the other party leaks into it.

Where two wires become four (a hybrid), and before loud telephones, some of the far voice comes back, late and soft.
"""

from collections.abc import Sequence

import numpy as np

from aftercall.audio.activity import HOP_S, Levels, levels_dbfs
from aftercall.model import Samples, Span

#: The other channel is so much louder in a stretch that is nothing but its echo.
LOUDER_DB = 12.0
#: And its loudness rises and falls alike, up to so much earlier.
ALIKE = 0.6
LATEST_S = 0.3


def without_bleed(
    spans: Sequence[Sequence[Span]], left: Samples, right: Samples, rate_hz: int
) -> list[tuple[Span, ...]]:
    """The stretches of speech of two audio channels, without those that are an echo of the other one.

    Args:
        spans: of the left and of the right channel, in order.
    """
    levels = [levels_dbfs(each, rate_hz) for each in (left, right)]
    return [
        tuple(span for span in own if not _is_echo(span, levels[channel], levels[1 - channel]))
        for channel, own in enumerate(spans)
    ]


def _is_echo(span: Span, own: Levels, other: Levels) -> bool:
    start, end = round(span.start_s / HOP_S), min(round(span.end_s / HOP_S), own.size)
    if end - start < 5:
        return False
    here = own[start:end]
    for late in range(0, round(LATEST_S / HOP_S) + 1, 2):
        there = other[max(0, start - late) : end - late]
        if there.size != here.size or _loudness_db(there) - _loudness_db(here) < LOUDER_DB:
            continue
        if _likeness(here, there) > ALIKE:
            return True
    return False


def _loudness_db(levels: Levels) -> float:
    return float(10 * np.log10(np.mean(10 ** (levels / 10)) + 1e-12))


def _likeness(one: Levels, other: Levels) -> float:
    """How alike two courses of loudness are, -1 to 1; what is below the noise of a line counts as that."""
    a, b = np.maximum(one, -65.0), np.maximum(other, -65.0)
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / norm if norm > 0 else 0.0
