"""How loud each turn is."""

import numpy as np
import pytest

from aftercall.audio.turn_levels import with_loudness
from aftercall.model import Audio, Transcript, Turn


def test_each_turn_is_measured_in_the_channel_of_its_party() -> None:
    rate = 8000
    tone = np.sin(np.arange(2 * rate) * 2 * np.pi * 400 / rate).astype(np.float32)
    samples = np.stack([tone * 0.1, np.roll(tone, 7) * 0.5 * (np.arange(2 * rate) > rate)]).astype(np.float32)
    turns = tuple(
        Turn(speaker=who, role=None, start_s=start_s, end_s=end_s, text="x")
        for who, start_s, end_s in (("A", 0.0, 1.0), ("B", 1.1, 2.0), ("B", 0.1, 0.9))
    )
    made = Transcript(engine="t", model="t", language="en", speakers="stereo", turns=turns)
    loud = [turn.loudness for turn in with_loudness(made, Audio(samples=samples, rate_hz=rate)).turns]
    assert loud[:2] == pytest.approx([77.0, 91.0], abs=0.2)
    assert loud[2] is None
