"""This file finds the stretches of an audio channel in which somebody speaks, by their energy alone.

It needs no weights and no training, so it is there on every installation. It hears that something rises above the
background, not that it is a voice: hold music and ringing tones count as speech here.
"""

import numpy as np
import numpy.typing as npt

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

#: Frames of one Fourier transform: a few megabytes at a time, however long the call.
_BLOCK = 4096
#: The background is looked at five times a second.
_COARSE = 20


def speech_spans(samples: Samples, rate_hz: int) -> list[Span]:
    """Find where somebody speaks.

    Args:
        samples: one audio channel, shape (n_samples,); not modified.
    Returns:
        Spans in order, apart from each other, inside the recording; none longer than 20 s, since recognisers slow down
        and lose their way in longer ones: a longer stretch is cut at its quietest moments.
    """
    levels = levels_dbfs(samples, rate_hz)
    if levels.size == 0:
        return []
    smooth = _smoothed(levels, 3)
    background = np.maximum(_background(smooth), QUIETEST_DBFS)
    floor = np.percentile(smooth, 95) - RANGE_DB
    runs = _runs(smooth > np.maximum(background + FALL_DB, floor))
    loud = smooth > np.maximum(background + RISE_DB, floor)
    runs = [(start, end) for start, end in runs if loud[start:end].any()]
    runs = [run for run in _merged(runs) if run[1] - run[0] >= _frames(SHORTEST_SPEECH_S)]
    pad = _frames(PAD_S)
    padded = [(max(0, start - pad), min(levels.size, end + pad)) for start, end in runs]
    duration_s = samples.size / rate_hz
    return [
        Span(start_s=round(start * HOP_S, 3), end_s=round(min(end * HOP_S, duration_s), 3))
        for run in padded
        for start, end in _cut(*run, _smoothed(levels, 9))
    ]


def levels_dbfs(samples: Samples, rate_hz: int) -> Levels:
    """The level of the voice band every HOP_S; a frame looks at the WINDOW_S around its middle."""
    hop, window = round(HOP_S * rate_hz), round(WINDOW_S * rate_hz)
    n_frames = samples.size // hop
    if n_frames == 0:
        return np.zeros(0, np.float32)
    before = (window - hop) // 2
    padded = np.pad(samples, (before, window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:n_frames]
    shape = np.hanning(window).astype(np.float32)
    frequencies = np.fft.rfftfreq(window, 1 / rate_hz)
    band = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])
    scale = 2 / (window * float(np.sum(shape**2)))
    levels = np.empty(n_frames, np.float32)
    for at in range(0, n_frames, _BLOCK):
        block = frames[at : at + _BLOCK]
        # Without its mean first: a constant offset would leak through the window into the band.
        spectrum = np.fft.rfft((block - block.mean(axis=1, keepdims=True)) * shape, axis=1)[:, band]
        power = scale * np.sum(spectrum.real**2 + spectrum.imag**2, axis=1)
        levels[at : at + _BLOCK] = 10 * np.log10(power + 1e-12)
    return levels


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
