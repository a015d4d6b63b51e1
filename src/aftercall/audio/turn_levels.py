"""This file measures how loud each turn is: its speech against full scale, never mixed with what its words mean."""

import math
from dataclasses import replace

from aftercall.audio.channels import listen_to
from aftercall.audio.loudness import active_rms
from aftercall.model import Audio, Transcript, Turn

#: 0 dBFS is this loud, and every dB below one less.
LOUDEST = 100.0


def with_loudness(made: Transcript, audio: Audio) -> Transcript:
    """The transcript with the loudness of each turn, measured in the audio channel of its party."""
    channels = listen_to(audio).audio_channels
    return replace(made, turns=tuple(_measured(turn, audio, channels) for turn in made.turns))


def _measured(turn: Turn, audio: Audio, channels: tuple[int, ...]) -> Turn:
    channel = channels[-1] if turn.speaker == "B" else channels[0]
    first, last = (max(0, round(at * audio.rate_hz)) for at in (turn.start_s, turn.end_s))
    level = active_rms(audio.samples[channel, first:last], audio.rate_hz) if last > first else 0.0
    if level <= 0:
        return replace(turn, loudness=None)
    return replace(turn, loudness=round(min(max(LOUDEST + 20 * math.log10(level), 0.0), LOUDEST), 1))
