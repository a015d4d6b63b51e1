"""This file packs samples for sending: FLAC, which loses nothing, and Opus, which is a tenth of the size."""

import io
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream

from aftercall.model import Samples

OPUS_BIT_RATE = 32_000


def flac(samples: Samples, rate_hz: int) -> bytes:
    """Mono samples in [-1, 1], shape (n,), as a FLAC file of 16 bits."""
    return _packed(samples, rate_hz, container="flac", codec="flac")


def opus(samples: Samples, rate_hz: int) -> bytes:
    """The same as Opus in Ogg at 32 kbit/s; `rate_hz` must be one that Opus knows, such as 16,000."""
    return _packed(samples, rate_hz, container="ogg", codec="libopus", bit_rate=OPUS_BIT_RATE)


def _packed(samples: Samples, rate_hz: int, *, container: str, codec: str, bit_rate: int | None = None) -> bytes:
    whole = (np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
    into = io.BytesIO()
    with av.open(into, "w", format=container) as file:
        stream = cast(AudioStream, file.add_stream(codec, rate=rate_hz))
        stream.layout = "mono"
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(whole[None, :], format="s16", layout="mono")
        frame.sample_rate = rate_hz
        frame.pts = 0
        fifo = av.AudioFifo()
        fifo.write(frame)
        # Codecs take frames of their own size; the resampler also brings the samples into the form they want.
        resampler = av.AudioResampler(format=stream.codec_context.format or "s16", layout="mono", rate=rate_hz)
        size = stream.codec_context.frame_size or 4096
        while part := fifo.read(size) or fifo.read(partial=True):
            for ready in resampler.resample(part):
                file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    return into.getvalue()
