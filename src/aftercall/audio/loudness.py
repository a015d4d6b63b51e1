"""This file brings a stretch of sound to the loudness that recognisers were trained on."""

import numpy as np

from aftercall.model import Samples

#: The level of the speech itself, pauses left out.
TARGET_DBFS = -23.0
#: Nothing is ever clipped for it.
HIGHEST_PEAK = 0.95
#: Frames so much quieter than the loudest one are pauses.
ACTIVE_RANGE_DB = 30.0
FRAME_S = 0.02


def levelled(samples: Samples, rate_hz: int) -> Samples:
    """Amplify or soften a stretch of sound so that its speech is at TARGET_DBFS, as far as the peaks allow.

    Args:
        samples: one audio channel, shape (n_samples,); not modified. A constant offset is taken out.
    Returns:
        New samples of the same length; silence stays silence.
    """
    centred = samples - np.mean(samples) if samples.size else samples.copy()
    peak = float(np.max(np.abs(centred), initial=0))
    # A constant offset leaves rounding behind; amplifying that would make noise out of nothing.
    if peak < 1e-5:
        return np.zeros_like(samples)
    gain = min(10 ** (TARGET_DBFS / 20) / active_rms(centred, rate_hz), HIGHEST_PEAK / peak)
    return centred * np.float32(gain)


def active_rms(samples: Samples, rate_hz: int) -> float:
    """Root mean square of the frames that are not pauses, 0 to 1."""
    length = max(1, min(round(FRAME_S * rate_hz), samples.size))
    frames = samples[: samples.size // length * length].reshape(-1, length)
    power = np.mean(np.square(frames), axis=1)
    if power.size == 0:
        return 0.0
    return float(np.sqrt(np.mean(power[power >= np.max(power) * 10 ** (-ACTIVE_RANGE_DB / 10)])))
