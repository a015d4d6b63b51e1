"""This file tells what the audio channels of a downloaded recording hold, as far as its bytes say; pure.

Only PCM in WAV is read here. Whatever is compressed is decoded later, in the room for audio.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

#: `same`: several audio channels that all carry the same sound; `silent`: no sound to judge by.
Kind = Literal["mono", "stereo", "same", "silent", "unknown"]

_PCM, _EXTENSIBLE = 1, 0xFFFE
_SAMPLE = {8: "u1", 16: "<i2", 32: "<i4"}
#: Two audio channels are the same sound if what sets them apart is this much weaker than the sound (60 dB).
_APART = 1e-6
#: Below this share of full scale (60 dB) there is only noise.
_QUIET = 1e-3
#: So many frames at once, so that an hour of audio does not double in memory.
_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Sound:
    kind: Kind
    audio_channels: int | None = None
    rate_hz: int | None = None


def judge(content: bytes) -> Sound:
    """Look at a whole recording."""
    fmt, data = _chunk(content, b"fmt "), _chunk(content, b"data")
    if fmt is None or data is None or len(fmt) < 16:
        return Sound(kind="unknown")
    coding = int.from_bytes(fmt[0:2], "little")
    count = int.from_bytes(fmt[2:4], "little")
    rate_hz = int.from_bytes(fmt[4:8], "little")
    bits = int.from_bytes(fmt[14:16], "little")
    if count == 1:
        return Sound(kind="mono", audio_channels=1, rate_hz=rate_hz)
    if coding not in {_PCM, _EXTENSIBLE} or bits not in _SAMPLE or count < 2:
        return Sound(kind="unknown", audio_channels=count or None, rate_hz=rate_hz)
    frame_bytes = count * bits // 8
    whole = len(data) // frame_bytes * frame_bytes
    samples = np.frombuffer(data[:whole], dtype=_SAMPLE[bits]).reshape(-1, count)
    return Sound(kind=_compare(samples, bits), audio_channels=count, rate_hz=rate_hz)


def _compare(samples: npt.NDArray[np.integer], bits: int) -> Kind:
    loudest, apart, together = 0.0, 0.0, 0.0
    for start in range(0, len(samples), _BLOCK):
        block = samples[start : start + _BLOCK].astype(np.float64)
        block = (block - 128) / 128 if bits == 8 else block / 2 ** (bits - 1)
        loudest = max(loudest, float(np.abs(block).max(initial=0.0)))
        together += float(np.square(block).sum())
        apart += float(np.square(block - block[:, :1]).sum())
    if loudest < _QUIET:
        return "silent"
    return "same" if apart <= together * _APART else "stereo"


def _chunk(content: bytes, wanted: bytes) -> memoryview | None:
    """A chunk of a RIFF file; as much of it as there is."""
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        return None
    at, view = 12, memoryview(content)
    while at + 8 <= len(content):
        size = int.from_bytes(content[at + 4 : at + 8], "little")
        if content[at : at + 4] == wanted:
            return view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    return None
