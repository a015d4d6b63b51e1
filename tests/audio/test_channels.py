import numpy as np
import pytest
from tests.fixtures.sounds import babble, hiss, silence

from aftercall.audio.channels import Listening, listen_to
from aftercall.model import Audio, Samples


def heard(*rows: Samples) -> Listening:
    return listen_to(Audio(samples=np.stack(rows).astype(np.float32), rate_hz=8000))


def alternating() -> tuple[Samples, Samples]:
    """Two parties who take turns, a little of each in both."""
    a = np.concatenate([babble(3, seed=1), silence(3)])
    b = np.concatenate([silence(3), babble(3, seed=2)])
    return a + 0.02 * b, b + 0.02 * a


def test_one_channel_is_mono() -> None:
    assert heard(babble(2)) == Listening(layout="mono", audio_channels=(0,))


def test_two_different_channels_are_two_parties() -> None:
    found = heard(*alternating())
    assert (found.layout, found.audio_channels, found.channels_are_parties) == ("stereo", (0, 1), True)


@pytest.mark.parametrize("gain", [1.0, 0.3, -1.0])
def test_the_same_signal_twice_is_listened_to_once(gain: float) -> None:
    mixed = sum(alternating())
    found = heard(mixed, gain * mixed + hiss(6, level_dbfs=-50))
    assert (found.layout, found.audio_channels, found.channels_are_parties) == ("fake stereo", (0,), False)


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(
    "quiet",
    [silence(6), hiss(6, level_dbfs=-70), silence(6) + np.float32(0.1), np.eye(1, 48000, 17, dtype=np.float32)[0]],
    ids=["zeros", "idle noise", "constant offset", "one click"],
)
def test_a_silent_channel_is_left_out(quiet: Samples, side: int) -> None:
    rows = [sum(alternating()), quiet]
    found = heard(*(rows if side == 1 else reversed(rows)))
    assert (found.layout, found.audio_channels) == ("one-sided", (1 - side,))
    assert not found.channels_are_parties


def test_one_short_word_in_an_hour_makes_a_channel_worth_hearing() -> None:
    quiet = silence(600)
    quiet[80000:82400] = babble(0.3)
    found = heard(np.tile(babble(6), 100), quiet)
    assert found.audio_channels == (0, 1)


def test_two_silent_channels_are_left_as_they_are() -> None:
    assert heard(silence(1), silence(1)).audio_channels == (0, 1)
