"""This file fills in what a telephone line cuts off: the mel bands above its 4 kHz, guessed from those below.

The embedded engine was trained on wide-band speech. Where the upper bands are empty it gets far more words wrong; with
a guess in them fewer. `scripts/learn_high_bands.py` learned the guess, and says from what.
"""

from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from aftercall.model import Samples
from aftercall.speech.cepstra import BANDS, Floats

#: Bands that a telephone carries whole; those above reach over its edge.
HEARD = 18
#: Frames on each side that a guess looks at.
CONTEXT = 2
#: Sound whose loudest moments above the edge stay so far below the loudest ones under it is narrow-band speech.
EDGE_HZ = 4300
NARROW_DB = -53.0

WEIGHTS = Path(__file__).with_name("narrow_band.npy")
_FRAME = 512


def is_narrow(samples: Samples, rate_hz: int) -> bool:
    """Whether nothing is there above a telephone's 4 kHz: by the rate, or by the sound where the rate allows more."""
    if rate_hz <= 2 * EDGE_HZ:
        return True
    if samples.size < _FRAME:
        return False
    frames = samples[: samples.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = np.abs(np.fft.rfft(frames * np.hanning(_FRAME))) ** 2
    hz = np.fft.rfftfreq(_FRAME, 1 / rate_hz)
    below = np.percentile(power[:, (hz > 200) & (hz < 3400)].mean(axis=1), 95)
    above = np.percentile(power[:, (hz > EDGE_HZ) & (hz < 7000)].mean(axis=1), 95)
    return bool(above < below * 10 ** (NARROW_DB / 10))


def filled(bands: Floats) -> Floats:
    """The same mel bands, those above the edge guessed from the others.

    Args:
        bands: as `cepstra.mel_bands` gives them, of a stretch of speech; not modified. The guess is about how bands
            move together: their mean over the stretch counts for nothing, here as in the decoder.
    """
    if not len(bands):
        return bands
    low = bands[:, :HEARD]
    guess = context(low - low.mean(axis=0)) @ _weights()
    return np.concatenate([low, guess], axis=1)


def context(low: Floats) -> Floats:
    """Each frame with its neighbours side by side, the first and the last repeated beyond the ends."""
    padded = np.pad(low, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    return np.concatenate([padded[at : at + len(low)] for at in range(2 * CONTEXT + 1)], axis=1)


@cache
def _weights() -> npt.NDArray[np.float32]:
    """Shape ((2 * CONTEXT + 1) * HEARD, BANDS - HEARD)."""
    weights: npt.NDArray[np.float32] = np.load(WEIGHTS, allow_pickle=False)
    assert weights.shape == ((2 * CONTEXT + 1) * HEARD, BANDS - HEARD)
    return weights
