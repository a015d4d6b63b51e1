"""This file finds the stretches of an audio channel in which somebody speaks.

A small neural network (silero.py) tells voices from noise, the energy of the voice band tells where exactly a word
begins and ends. Where the network's weights are missing the energy stands alone: it hears that something rises above
the background, not that it is a voice. Either takes music for speech; `tones.py` finds that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aftercall.audio import silero
from aftercall.model import Samples, Span

Levels = npt.NDArray[np.float32]

#: One level every so often, over a window of so much sound.
HOP_S = 0.01
WINDOW_S = 0.025
#: Where the energy of voices lies on the telephone; hum and a constant offset lie below it.
BAND_HZ = (200.0, 3600.0)
#: Quieter than this is the idle noise of a codec.
QUIETEST_DBFS = -62.0
#: Nobody is heard who is so much quieter than the channel's own loud moments: that is the other party, leaking over.
RANGE_DB = 35.0
#: How far speech must rise above the background, and how far it may fall back before it ends.
RISE_DB = 10.0
FALL_DB = 6.0
#: The background is what is quiet within so many seconds before and after.
BACKGROUND_S = 8.0
QUIET_SHARE = 0.15

PAD_S = 0.1
SHORTEST_GAP_S = 0.3
SHORTEST_SPEECH_S = 0.15
LONGEST_SPAN_S = 20.0
#: Where to look for the quietest moment when a longer stretch must be cut.
CUT_AFTER_S = 8.0
SHORTEST_REST_S = 2.0

#: The network's own figures: sure that somebody speaks, sure that nobody does any more, and what is too short to count.
VOICE_FROM, VOICE_UNTIL = 0.5, 0.35
SHORTEST_SILENCE_S, SHORTEST_VOICE_S, VOICE_PAD_S = 0.15, 0.12, 0.04
#: Sound that rises above the background so close to a voice belongs to it: soft beginnings and ends of words.
NEAR_VOICE_S = 0.4

#: Frames of one Fourier transform: a few megabytes at a time, however long the call.
_BLOCK = 4096
#: The background is looked at five times a second.
_COARSE = 20


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Where somebody speaks in one audio channel."""

    #: Unbroken speech, in order and apart: for telling speakers apart and for measuring.
    regions: tuple[Span, ...]
    #: The same for a recogniser: short gaps closed, a little air around, none longer than 20 s.
    spans: tuple[Span, ...]
    #: What found it: `silero 6.2.3` or `energy`.
    method: str


def find_speech(
    samples: Samples, rate_hz: int, *, without: Sequence[Span] = (), models: Path | None = None
) -> Activity:
    """Find where somebody speaks.

    Args:
        samples: one audio channel, shape (n_samples,); not modified.
        without: stretches that are known to hold no speech, such as music; nothing in them is found.
        models: the models folder, where the network's weights may lie too.
    Returns:
        Regions and spans in order, apart from each other, inside the recording. Spans longer than 20 s are cut at
        their quietest moments, since recognisers slow down and lose their way in longer ones.
    """
    levels = levels_dbfs(samples, rate_hz)
    duration_s = samples.size / rate_hz
    excluded = _marked(without, levels.size)
    loud = _loud(levels) & ~excluded
    likely = silero.speech_probabilities(samples, rate_hz, models) if levels.size else None
    if likely is None:
        voiced = _long_enough(loud, SHORTEST_SPEECH_S)
        heard = voiced
    else:
        voiced = _voiced(likely, levels.size) & ~excluded
        heard = (_grown(voiced, NEAR_VOICE_S) & loud) | voiced
    runs = [run for run in _merged(_runs(heard)) if run[1] - run[0] >= _frames(SHORTEST_SPEECH_S)]
    pad, smooth = _frames(PAD_S), _smoothed(levels, 9) if levels.size else levels
    padded = [(max(0, start - pad), min(levels.size, end + pad)) for start, end in runs]
    pieces = [piece for run in padded for part in _apart(run, excluded) for piece in _cut(*part, smooth)]
    return Activity(
        regions=tuple(_spans(_runs(voiced), duration_s)),
        spans=tuple(_spans(pieces, duration_s)),
        method="energy" if likely is None else silero.METHOD,
    )


def _loud(levels: Levels) -> npt.NDArray[np.bool_]:
    """Which frames rise above the background, as far as something in them rises well above it."""
    if levels.size == 0:
        return np.zeros(0, np.bool_)
    smooth = _smoothed(levels, 3)
    background = np.maximum(_background(smooth), QUIETEST_DBFS)
    floor = np.percentile(smooth, 95) - RANGE_DB
    clearly = smooth > np.maximum(background + RISE_DB, floor)
    found = np.zeros(levels.size, np.bool_)
    for start, end in _runs(smooth > np.maximum(background + FALL_DB, floor)):
        found[start:end] = clearly[start:end].any()
    return found


def _voiced(likely: npt.NDArray[np.float32], n_frames: int) -> npt.NDArray[np.bool_]:
    """Which frames the network takes for a voice: from sure that somebody speaks until sure that nobody does."""
    step = silero.STEP_S
    found: list[tuple[int, int]] = []
    for start, end in _runs(likely >= VOICE_UNTIL):
        above = np.flatnonzero(likely[start:end] >= VOICE_FROM)
        if above.size:
            found.append((start + int(above[0]), end))
    frames = [(round(start * step / HOP_S), round(end * step / HOP_S)) for start, end in found]
    merged: list[tuple[int, int]] = []
    for start, end in frames:
        if merged and start - merged[-1][1] < _frames(SHORTEST_SILENCE_S):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    voiced, pad = np.zeros(n_frames, np.bool_), _frames(VOICE_PAD_S)
    for start, end in merged:
        if end - start >= _frames(SHORTEST_VOICE_S):
            voiced[max(0, start - pad) : end + pad] = True
    return voiced


def _long_enough(active: npt.NDArray[np.bool_], shortest_s: float) -> npt.NDArray[np.bool_]:
    """The same without runs that are too short, once gaps are closed."""
    found = np.zeros(active.size, np.bool_)
    for start, end in _merged(_runs(active)):
        if end - start >= _frames(shortest_s):
            found[start:end] = True
    return found


def _grown(active: npt.NDArray[np.bool_], by_s: float) -> npt.NDArray[np.bool_]:
    found, by = active.copy(), _frames(by_s)
    for start, end in _runs(active):
        found[max(0, start - by) : end + by] = True
    return found


def _marked(spans: Iterable[Span], n_frames: int) -> npt.NDArray[np.bool_]:
    marked = np.zeros(n_frames, np.bool_)
    for span in spans:
        marked[max(0, _frames(span.start_s)) : max(0, _frames(span.end_s))] = True
    return marked


def _apart(run: tuple[int, int], excluded: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """A run without what is excluded in it."""
    start, end = run
    if not excluded[start:end].any():
        return [run]
    parts = [(start + first, start + last) for first, last in _runs(~excluded[start:end])]
    return [part for part in parts if part[1] - part[0] >= _frames(SHORTEST_SPEECH_S)]


def _spans(runs: Iterable[tuple[int, int]], duration_s: float) -> Iterable[Span]:
    return (
        Span(start_s=round(start * HOP_S, 3), end_s=round(min(end * HOP_S, duration_s), 3))
        for start, end in runs
        if start * HOP_S < duration_s
    )


def levels_dbfs(samples: Samples, rate_hz: int) -> Levels:
    """The level of the voice band every HOP_S; a frame looks at the WINDOW_S around its middle."""
    hop, window = round(HOP_S * rate_hz), round(WINDOW_S * rate_hz)
    n_frames = samples.size // hop
    if n_frames == 0:
        return np.zeros(0, np.float32)
    before = (window - hop) // 2
    shape = np.hanning(window).astype(np.float32)
    frequencies = np.fft.rfftfreq(window, 1 / rate_hz)
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    scale = 2 / (window * float(np.sum(shape**2)))
    levels = np.empty(n_frames, np.float32)
    for at in range(0, n_frames, _BLOCK):
        count = min(_BLOCK, n_frames - at)
        # A copy of this block only: one of the whole recording would double what it takes.
        sound = _stretch(samples, at * hop - before, (count - 1) * hop + window)
        frames = np.lib.stride_tricks.sliding_window_view(sound, window)[::hop]
        # Without its mean first: a constant offset would leak through the window into the band.
        spectrum = np.fft.rfft((frames - frames.mean(axis=1, keepdims=True)) * shape, axis=1)[:, band]
        power = scale * np.sum(spectrum.real**2 + spectrum.imag**2, axis=1)
        levels[at : at + count] = 10 * np.log10(power + 1e-12)
    return levels


def _stretch(samples: Samples, start: int, length: int) -> Samples:
    """So many samples from there on; zeros where the recording has none."""
    found = np.zeros(length, np.float32)
    first, end = max(0, start), min(samples.size, start + length)
    found[first - start : end - start] = samples[first:end]
    return found


def _background(levels: Levels) -> Levels:
    """For each frame the level that is quiet for its surroundings.

    Each fifth of a second counts by its quieter frames: even somebody who never pauses is quiet between syllables.
    """
    blocks = np.pad(levels, (0, -levels.size % _COARSE), mode="edge").reshape(-1, _COARSE)
    coarse = np.quantile(blocks, QUIET_SHARE, axis=1)
    reach = round(BACKGROUND_S / HOP_S / _COARSE)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(coarse, reach, mode="reflect"), 2 * reach + 1)
    quiet: Levels = np.quantile(around, QUIET_SHARE, axis=1).astype(np.float32)
    return np.repeat(quiet, _COARSE)[: levels.size]


def _smoothed(levels: Levels, width: int) -> Levels:
    """Moving average, as long as what came in; the ends are held."""
    before = width // 2
    padded = np.pad(levels, (before, width - 1 - before), mode="edge")
    return np.convolve(padded, np.full(width, 1 / width, np.float32), mode="valid")


def _runs(active: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Where a row of truths starts and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], active, [False]))))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _merged(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Runs with the short gaps between them closed."""
    merged: list[tuple[int, int]] = []
    for start, end in runs:
        if merged and start - merged[-1][1] < _frames(SHORTEST_GAP_S):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _cut(start: int, end: int, levels: Levels) -> list[tuple[int, int]]:
    """A run as pieces of at most LONGEST_SPAN_S, cut where it is quietest."""
    longest, pieces = _frames(LONGEST_SPAN_S), []
    while end - start > longest:
        first = start + _frames(CUT_AFTER_S)
        last = min(start + longest, end - _frames(SHORTEST_REST_S))
        at = first + int(np.argmin(levels[first:last]))
        pieces.append((start, at))
        start = at
    return [*pieces, (start, end)]


def _frames(seconds: float) -> int:
    return round(seconds / HOP_S)
