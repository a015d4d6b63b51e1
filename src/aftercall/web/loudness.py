"""This file draws how loud each turn is, in a lane of its own beside the mood and never mixed into it; pure."""

from dataclasses import dataclass

from aftercall.model import CallMetrics, Transcript
from aftercall.web.display import position

WIDTH, HEIGHT = 1000.0, 24.0
THINNEST = 2.0
#: What is softer than this is drawn as flat: speech on a telephone line lies far above.
SOFTEST = 40.0
LOUDEST = 100.0
LOWEST = 1.0


@dataclass(frozen=True, kw_only=True)
class LoudBar:
    """One turn on the lane: the higher, the louder."""

    x: float
    y: float
    width: float
    height: float
    party: str
    is_raised: bool
    start_s: float
    title: str


def lane(transcript: Transcript | None, metrics: CallMetrics | None, duration_s: float | None) -> tuple[LoudBar, ...]:
    """One bar per turn whose loudness was measured, placed as the turn lies in the recording."""
    if transcript is None or not duration_s:
        return ()
    raised = {at for party in (metrics.parties.values() if metrics else ()) for at in party.raised_turns or ()}
    made = []
    for number, turn in enumerate(transcript.turns):
        if turn.loudness is None:
            continue
        start = min(max(turn.start_s / duration_s, 0.0), 1.0) * WIDTH
        end = min(max(turn.end_s / duration_s, 0.0), 1.0) * WIDTH
        width = max(end - start, THINNEST)
        share = min(max((turn.loudness - SOFTEST) / (LOUDEST - SOFTEST), 0.0), 1.0)
        height = max(share * HEIGHT, LOWEST)
        words = "raised voice, " if number in raised else ""
        made.append(
            LoudBar(
                x=round(min(start, WIDTH - width), 2),
                y=round(HEIGHT - height, 2),
                width=round(width, 2),
                height=round(height, 2),
                party=turn.role or "unknown",
                is_raised=number in raised,
                start_s=turn.start_s,
                title=f"{position(turn.start_s)}: {words}loudness {round(turn.loudness)} of 100",
            )
        )
    return tuple(made)
