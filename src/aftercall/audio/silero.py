"""This file says how likely somebody speaks, thirty times a second, by Silero's small neural network.

The network is recurrent, so it walks through a recording step by step. Stretches that walk side by side would cost a
third, but they change two frames in a hundred (measured): what it heard long ago still counts.

Source: snakers4/silero-vad 6.2.3 (MIT), the file in its package; onnxruntime runs it.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import soxr

from aftercall.audio import weights
from aftercall.model import Samples

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

METHOD = "silero 6.2.3"
SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"

#: The network knows 8 and 16 kHz; the narrow one hears as well and costs half.
RATE_HZ = 8000
#: New samples of each step, and samples of the step before that it sees again.
STEP, CONTEXT = 256, 32
STEP_S = STEP / RATE_HZ


def is_installed(models: Path | None = None) -> bool:
    """Whether the weights and the library that runs them are here."""
    return _session(models) is not None


def speech_probabilities(samples: Samples, rate_hz: int, models: Path | None = None) -> npt.NDArray[np.float32] | None:
    """How likely somebody speaks.

    Args:
        samples: one audio channel, shape (n_samples,); not modified.
    Returns:
        A figure from 0 to 1 for every STEP_S, the last one for what is left; None where the weights are missing.
    """
    session = _session(models)
    if session is None:
        return None
    sound = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ, quality="MQ")
    found = np.zeros(-(-sound.size // STEP), np.float32)
    state = np.zeros((2, 1, 128), np.float32)
    window = np.zeros((1, CONTEXT + STEP), np.float32)
    rate = np.array(RATE_HZ, np.int64)
    for step in range(found.size):
        new = sound[step * STEP : (step + 1) * STEP]
        window[0, :CONTEXT] = window[0, -CONTEXT:]
        window[0, CONTEXT : CONTEXT + new.size] = new
        window[0, CONTEXT + new.size :] = 0  # the last step is padded with silence
        out, state = session.run(None, {"input": window, "state": state, "sr": rate})
        found[step] = out[0, 0]
    return found


@cache
def _session(models: Path | None) -> "InferenceSession | None":
    path = weights.find("silero_vad", "data/silero_vad.onnx", SHA256, models, "silero-vad/silero_vad.onnx")
    if path is None:
        return None
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    # One core: the other ones belong to the recogniser.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
