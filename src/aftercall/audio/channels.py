"""This file decides which audio channels of a recording are worth listening to."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from aftercall.model import Audio, Samples

ChannelLayout = Literal["mono", "stereo", "fake stereo", "one-sided"]

#: The loudest moment of a channel in which nobody ever spoke; the idle noise of u-law lies 20 dB below.
SILENT_DBFS = -50.0
#: As much sound as a few clicks make.
CLICKS_S = 0.02
#: Two microphones in two places never agree so well; one signal written twice does, also after a lossy codec.
SAME_SIGNAL = 0.97


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Which audio channels to listen to, and why those."""

    layout: ChannelLayout
    #: Row numbers in `Audio.samples`.
    audio_channels: tuple[int, ...]

    @property
    def channels_are_parties(self) -> bool:
        """Whether each audio channel holds one party of the call."""
        return self.layout == "stereo"


def listen_to(audio: Audio) -> Listening:
    """Choose the audio channels.

    Returns:
        - `mono`: the only channel there is, with both parties in it.
        - `stereo`: both channels, one party in each.
        - `fake stereo`: the first of two channels that carry the same signal (possibly louder or upside down in one
          of them). Both parties are in it, and listening twice would give every word twice.
        - `one-sided`: the channel with sound in it when the other is silent from end to end. It may hold one party
          (the other never spoke) or both (a mono recording in a stereo file): nobody can tell from the sound of one
          channel alone, so its speaker stays unknown.
    """
    if audio.samples.shape[0] == 1:
        return Listening(layout="mono", audio_channels=(0,))
    left, right = audio.samples[0], audio.samples[1]
    silent = [_is_silent(left, audio.rate_hz), _is_silent(right, audio.rate_hz)]
    if silent[0] != silent[1]:
        return Listening(layout="one-sided", audio_channels=(silent.index(False),))
    if not silent[0] and _likeness(left, right) >= SAME_SIGNAL:
        return Listening(layout="fake stereo", audio_channels=(0,))
    return Listening(layout="stereo", audio_channels=(0, 1))


def _is_silent(samples: Samples, rate_hz: int) -> bool:
    """Nothing but idle noise; a constant offset and a click or two do not count."""
    swing = np.abs(samples - np.mean(samples))
    return int(np.count_nonzero(swing > 10 ** (SILENT_DBFS / 20))) < CLICKS_S * rate_hz


def _likeness(left: Samples, right: Samples) -> float:
    """Correlation without sign: 1 when one channel is the other, scaled."""
    a, b = left - np.mean(left), right - np.mean(right)
    # np.dot sums float32 in blocks, exact enough for hours of sound.
    norm = float(np.sqrt(np.dot(a, a)) * np.sqrt(np.dot(b, b)))
    return abs(float(np.dot(a, b))) / norm if norm > 0 else 0.0
