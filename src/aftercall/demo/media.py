"""This file turns the voiced lines back into the files that a PBX would have recorded.

Each call's lines lie one after another in `media/<key>.opus`; `media/timeline.json` says where each line stands there
and when it is said in the call.
"""

import io
import json
import struct
from functools import cache
from importlib.resources import files
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soxr

from aftercall.demo.scripts import Script
from aftercall.model import Samples

PACKED_RATE_HZ = 16_000
#: Quiet between two packed lines, so that one line's codec echo does not reach the next.
GUARD_S = 0.2
#: What FreePBX's usual recording has.
MIXED_RATE_HZ = 8_000

_MEDIA = files(__package__) / "media"


def recorded(script: Script) -> tuple[str, bytes]:
    """The call as the PBX keeps it: the file's extension (`wav`, or `WAV` for GSM) and its bytes."""
    match script.sound:
        case "stereo 16 kHz":
            return "wav", wav(_pcm(call_samples(script)), PACKED_RATE_HZ)
        case "mono 8 kHz":
            return "wav", mixed_wav(call_samples(script))
        case "gsm":
            return "WAV", (_MEDIA / f"{script.key}.WAV").read_bytes()
        case "none":
            return "wav", wav(np.zeros((1, 0), np.int16), MIXED_RATE_HZ)


def call_samples(script: Script) -> Samples:
    """Put the voiced lines where they belong: shape (2, n) at 16 kHz, the caller first, nothing where nobody speaks."""
    packed = _decode_opus((_MEDIA / f"{script.key}.opus").read_bytes())
    timeline = _timeline()[script.key]
    call = np.zeros((2, _samples(timeline["length_s"])), np.float32)
    for line, place in zip(script.lines, timeline["lines"], strict=True):
        voiced = packed[_samples(place["packed_s"]) :][: _samples(place["length_s"])]
        start = _samples(place["start_s"])
        call[script.audio_channel(line.part), start : start + len(voiced)] += voiced
    return call


def mixed_wav(call: Samples) -> bytes:
    """Both parties in one channel at 8 kHz, as MixMonitor writes unless told otherwise."""
    mixed = soxr.resample(call.sum(axis=0), PACKED_RATE_HZ, MIXED_RATE_HZ, quality="HQ")
    return wav(_pcm(mixed[np.newaxis]), MIXED_RATE_HZ)


def wav(pcm: npt.NDArray[np.int16], rate_hz: int) -> bytes:
    """Write 16-bit samples, shape (n_channels, n_samples), behind the 44-byte header that Asterisk writes."""
    return wav_header(pcm.size * 2, rate_hz=rate_hz, audio_channels=len(pcm)) + pcm.T.astype("<i2").tobytes()


def wav_header(data_size: int, *, rate_hz: int, audio_channels: int) -> bytes:
    block = 2 * audio_channels
    fmt = struct.pack("<IHHIIHH", 16, 1, audio_channels, rate_hz, rate_hz * block, block, 16)
    return b"RIFF" + struct.pack("<I", 36 + data_size) + b"WAVEfmt " + fmt + b"data" + struct.pack("<I", data_size)


def _decode_opus(data: bytes) -> Samples:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=PACKED_RATE_HZ)
    with av.open(io.BytesIO(data), "r") as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


def _pcm(samples: Samples) -> npt.NDArray[np.int16]:
    return (np.clip(samples, -1, 1) * 32767).astype(np.int16)


def _samples(seconds: float) -> int:
    return round(seconds * PACKED_RATE_HZ)


@cache
def _timeline() -> dict[str, Any]:
    timeline: dict[str, Any] = json.loads((_MEDIA / "timeline.json").read_text())
    return timeline
