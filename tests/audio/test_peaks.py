import numpy as np
import pytest
from tests.fixtures.sounds import silence, tone

from aftercall.audio.peaks import peaks
from aftercall.model import Audio


def audio(*rows: np.ndarray) -> Audio:
    return Audio(samples=np.stack(rows), rate_hz=8000)


def test_there_is_a_row_for_each_audio_channel() -> None:
    assert [len(row) for row in peaks(audio(tone(2), silence(2)))] == [800, 800]


def test_the_loudest_sample_of_each_stretch_counts_whatever_its_sign() -> None:
    samples = np.zeros(1000, np.float32)
    samples[5], samples[999] = 0.25, -0.75
    assert peaks(audio(samples), points=10) == [[0.25, 0, 0, 0, 0, 0, 0, 0, 0, 0.75]]


@pytest.mark.parametrize("n_samples", [801, 1599, 12345])
def test_every_sample_is_looked_at(n_samples: int) -> None:
    for at in (0, n_samples // 3, n_samples - 1):
        samples = np.zeros(n_samples, np.float32)
        samples[at] = 1
        assert sum(peaks(audio(samples))[0]) == 1


def test_a_recording_shorter_than_the_points_has_one_for_each_sample() -> None:
    assert peaks(audio(np.array([0.1, -0.2, 0.3], np.float32))) == [[0.1, 0.2, 0.3]]


def test_figures_have_three_digits() -> None:
    assert peaks(audio(np.array([0.12345], np.float32))) == [[0.123]]
