"""This file hears as the embedded engine's decoder does: sound -> mel bands -> cepstra, in numpy.

The decoder does this for itself where it is given sound. It is done here for telephone speech, whose missing high bands
have to be filled in between the two steps. The constants are those of the model (`feat.params` in its wheel) and of
Sphinx's own front end; a test compares the two.

Source:
    cmusphinx/pocketsphinx, `src/fe`. Its noise removal follows G. Doblinger, "Computationally efficient speech
    enhancement by spectral minima tracking", and C. Kim, "Power-normalized cepstral coefficients".
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from aftercall.model import Samples

Floats = npt.NDArray[np.float64]

RATE_HZ = 16000
#: Frames come each hundredth of a second.
SHIFT = 160
BANDS = 25
LOWEST_HZ, HIGHEST_HZ = 130.0, 6800.0

_WINDOW = 410
_FFT = 512
_PRE_EMPHASIS = 0.97
_CEPSTRA = 13
_LIFTER = 22
_LOG_FLOOR = 1e-4
#: Frames that are looked at in one piece: 20 MB.
_BLOCK = 4096

#: How fast the smoothed power, the noise below it, and the mask behind a loud sound follow.
_POWER_KEPT, _RISE_KEPT, _FALL_KEPT, _MASK_KEPT = 0.7, 0.995, 0.5, 0.85
_MASKED = 0.2
_MOST_GAIN = 20.0
#: A band's gain is the mean over so many bands on each side.
_NEIGHBOURS = 4


def mel_bands(samples: Samples) -> Floats:
    """The logarithm of the power in each mel band, steady noise removed.

    Args:
        samples: one audio channel at RATE_HZ, float in [-1, 1].
    Returns:
        Shape (n_frames, BANDS), a frame each SHIFT samples; no frames for less than a window.
    """
    count = max(0, 1 + (samples.size - _WINDOW) // SHIFT)
    scaled = np.clip(np.trunc(samples.astype(np.float64) * 32767), -32768, 32767)
    emphasised = scaled - _PRE_EMPHASIS * np.concatenate([[0.0], scaled[:-1]]) if samples.size else scaled
    power = np.empty((count, BANDS))
    for first in range(0, count, _BLOCK):
        at = (np.arange(first, min(first + _BLOCK, count)) * SHIFT)[:, np.newaxis] + np.arange(_WINDOW)
        spectrum = np.fft.rfft(emphasised[at] * np.hamming(_WINDOW), _FFT)
        power[first : first + _BLOCK] = (spectrum.real**2 + spectrum.imag**2) @ _filters()
    logarithms: Floats = np.log(_without_noise(power) + _LOG_FLOOR)
    return logarithms


def cepstra(bands: Floats) -> npt.NDArray[np.float32]:
    """What the decoder takes: shape (n_frames, 13)."""
    return np.asarray(bands @ _cosines(), np.float32)


def centres_hz() -> Floats:
    """The middle of each mel band."""
    return _edges_hz()[1:-1]


def _edges_hz() -> Floats:
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    step_hz = RATE_HZ / _FFT
    rounded: Floats = np.floor(edges / step_hz + 0.5) * step_hz
    return rounded


@cache
def _filters() -> Floats:
    """Triangles of equal area, shape (bins of the spectrum, BANDS)."""
    edges, hz = _edges_hz(), np.arange(_FFT // 2 + 1)[:, np.newaxis] * RATE_HZ / _FFT
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (hz - left) / (middle - left), (right - hz) / (right - middle)
    triangles: Floats = np.maximum(0, np.minimum(rising, falling)) * 2 / (right - left)
    return triangles


@cache
def _cosines() -> Floats:
    """The orthonormal cosine transform with its lifter, shape (BANDS, 13)."""
    order = np.arange(_CEPSTRA)
    waves = np.cos(np.pi / BANDS * order * (np.arange(BANDS)[:, np.newaxis] + 0.5)) * np.sqrt(2 / BANDS)
    waves[:, 0] = np.sqrt(1 / BANDS)
    lifted: Floats = waves * (1 + _LIFTER / 2 * np.sin(order * np.pi / _LIFTER))
    return lifted


def _without_noise(power: Floats) -> Floats:
    """Lower each band where it holds little more than its own steady floor."""
    if not len(power):
        return power
    smooth, noise, floor, peak = power[0], power[0] / _MOST_GAIN, power[0] / _MOST_GAIN, np.zeros(BANDS)
    gains = np.empty_like(power)
    for at, now in enumerate(power):
        smooth = _POWER_KEPT * smooth + (1 - _POWER_KEPT) * now
        noise = _envelope(noise, smooth)
        signal = np.maximum(1.0, smooth - noise)
        floor = _envelope(floor, signal)
        peak = peak * _MASK_KEPT
        heard = np.where(signal < _MASK_KEPT * peak, peak * _MASKED, signal)
        peak = np.maximum(peak, signal)
        heard = np.maximum(heard, floor)
        small = heard < _MOST_GAIN * smooth
        gains[at] = np.where(small, heard / np.where(small, smooth, 1.0), _MOST_GAIN)
    return power * (np.maximum(gains, 1 / _MOST_GAIN) @ _neighbours())


def _envelope(before: Floats, now: Floats) -> Floats:
    kept = np.where(now >= before, _RISE_KEPT, _FALL_KEPT)
    followed: Floats = kept * before + (1 - kept) * now
    return followed


@cache
def _neighbours() -> Floats:
    at = np.arange(BANDS)
    near = (np.abs(at[:, np.newaxis] - at) <= _NEIGHBOURS).astype(np.float64)
    means: Floats = near / near.sum(axis=0)
    return means
