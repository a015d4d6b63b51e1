"""This file draws a recording's outline: the loudest moment of each of some hundred stretches."""

import numpy as np

from aftercall.model import Audio


def peaks(audio: Audio, points: int = 800) -> list[list[float]]:
    """The waveform for a page.

    Args:
        points: how many figures to give for each audio channel; a recording with fewer samples gets one for each.
    Returns:
        For each audio channel the largest absolute sample of each stretch, 0 to 1, three digits.
    """
    n_samples = audio.samples.shape[1]
    points = min(points, n_samples)
    if points == 0:
        return [[] for _ in audio.samples]
    starts = np.arange(points, dtype=np.int64) * n_samples // points
    # Highest and lowest apart: np.abs over all samples would copy the whole recording.
    highest = np.maximum.reduceat(audio.samples, starts, axis=1)
    lowest = np.minimum.reduceat(audio.samples, starts, axis=1)
    return [[round(float(each), 3) for each in row] for row in np.maximum(highest, -lowest)]
