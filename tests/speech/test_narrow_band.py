import numpy as np
import pytest
import soxr
from tests.fixtures.sounds import SOUNDS

from aftercall.audio.decode import decode
from aftercall.model import Samples, Span
from aftercall.speech.cepstra import BANDS, RATE_HZ, mel_bands
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.engines import pocketsphinx
from aftercall.speech.narrow_band import HEARD, WEIGHTS, context, filled, is_narrow


@pytest.fixture(scope="module")
def wide() -> Samples:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    return audio.samples[0][: 6 * audio.rate_hz]


@pytest.fixture(scope="module")
def narrow(wide: Samples) -> Samples:
    return soxr.resample(wide, RATE_HZ, 8000, quality="HQ")


def test_telephone_speech_is_narrow_at_any_rate(narrow: Samples) -> None:
    assert is_narrow(narrow, 8000)
    for rate_hz in (RATE_HZ, 48000):
        stored = np.round(soxr.resample(narrow, 8000, rate_hz, quality="HQ") * 32767) / 32767
        assert is_narrow(stored.astype(np.float32), rate_hz)


def test_wide_speech_is_not(wide: Samples) -> None:
    assert not is_narrow(wide, RATE_HZ)
    assert not is_narrow(soxr.resample(wide, RATE_HZ, 48000), 48000)
    assert not is_narrow(soxr.resample(wide, RATE_HZ, 11025), 11025)


def test_too_little_sound_to_tell_is_taken_as_it_is() -> None:
    assert not is_narrow(np.zeros(100, np.float32), RATE_HZ)


def test_only_the_missing_bands_are_filled_in(narrow: Samples) -> None:
    bands = mel_bands(soxr.resample(narrow, 8000, RATE_HZ, quality="HQ"))
    full = filled(bands)
    assert full.shape == bands.shape
    assert np.array_equal(full[:, :HEARD], bands[:, :HEARD])


def test_what_is_filled_in_is_near_what_was_cut_off(wide: Samples, narrow: Samples) -> None:
    """Up to the mean, which the decoder takes out."""
    truth = mel_bands(wide)[:, HEARD:]
    empty = mel_bands(soxr.resample(narrow, 8000, RATE_HZ, quality="HQ"))
    guess = filled(empty)[:, HEARD:]
    count = min(len(truth), len(guess))

    def error(bands: np.ndarray) -> float:
        return float(np.mean(((bands - bands.mean(axis=0)) - (truth - truth.mean(axis=0))[:count])[:, 1:] ** 2))

    assert error(guess[:count]) < error(empty[:count, HEARD:]) / 2
    assert error(guess[:count]) < float(truth.var()) / 2


def test_loudness_changes_nothing() -> None:
    bands = np.random.default_rng(1).normal(size=(40, BANDS))
    assert np.allclose(filled(bands)[:, HEARD:], filled(bands + 3)[:, HEARD:])


def test_nothing_stays_nothing() -> None:
    assert filled(np.empty((0, BANDS))).shape == (0, BANDS)


def test_context_puts_neighbours_side_by_side() -> None:
    frames = np.arange(3.0)[:, np.newaxis]
    assert context(frames).tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 2], [0, 1, 2, 2, 2]]


def test_the_weights_are_small_and_plain() -> None:
    assert WEIGHTS.stat().st_size < 10_000
    assert np.load(WEIGHTS, allow_pickle=False).dtype == np.float32


@pytest.mark.parametrize("rate_hz", [8000, RATE_HZ])
def test_the_engine_fills_in_telephone_speech_only(
    wide: Samples, narrow: Samples, rate_hz: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []

    class Ears:
        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: taken.append(name)

    monkeypatch.setattr(pocketsphinx, "_decoder", Ears)
    engine, span = pocketsphinx.Pocketsphinx(Outfit()), [Span(start_s=0, end_s=5)]
    engine.transcribe(soxr.resample(narrow, 8000, rate_hz, quality="HQ"), rate_hz, span, Hints())
    assert "process_cep" in taken
    assert "process_raw" not in taken
    taken.clear()
    engine.transcribe(wide, RATE_HZ, span, Hints())
    assert "process_raw" in taken
    assert "process_cep" not in taken
