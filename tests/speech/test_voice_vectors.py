import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from aftercall.errors import ModelDamaged
from aftercall.model import Samples
from aftercall.speech import voice_vectors
from aftercall.speech.voice_vectors import RATE_HZ, Weights, find_weights, load, mel_filters, mel_powers, tiled, vectors

BY_TORCH = Path(__file__).parents[1] / "data" / "voices" / "resemblyzer_by_torch.json"
WINDOW = round(1.6 * RATE_HZ)


@pytest.fixture(scope="module")
def weights_file() -> Path:
    found = find_weights(None)
    assert found is not None, "the extra `weights` is not installed"
    return found


@pytest.fixture(scope="module")
def weights(weights_file: Path) -> Weights:
    return load(weights_file)


def buzz() -> Samples:
    """Three seconds of a buzz with a formant, a swinging pitch and syllables, and a chirp."""
    at = np.arange(3 * RATE_HZ) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(110 * (1 + 0.05 * np.sin(2 * np.pi * 3 * at))) / RATE_HZ
    sound = np.sum([np.sin(k * phase) / k * np.exp(-(((k * 110 - 600) / 900) ** 2)) for k in range(1, 30)], axis=0)
    sound *= 0.5 + 0.5 * np.sin(2 * np.pi * 4 * at)
    sound += 0.01 * np.sin(2 * np.pi * np.cumsum(200 + 1200 * at) / RATE_HZ)
    at_level: Samples = (sound * 0.1 / np.sqrt(np.mean(sound**2))).astype(np.float32)
    return at_level


def windows_of_buzz() -> list[Samples]:
    sound = buzz()
    return [sound[start : start + WINDOW] for start in (0, RATE_HZ // 2, round(1.2 * RATE_HZ))]


# ---- the network ------------------------------------------------------------------------------------------------


def test_the_vectors_are_those_that_torch_computes(weights: Weights) -> None:
    expected = np.array(json.loads(BY_TORCH.read_text())["vectors"], np.float32)

    found = vectors(windows_of_buzz(), weights)

    assert np.allclose(found, expected, atol=5e-6)
    assert np.all(np.sum(found * expected, axis=1) > 0.999999)


def test_a_plain_lstm_written_step_by_step_gives_the_same(weights_file: Path, weights: Weights) -> None:
    with weights_file.open("rb") as file:
        tensors = voice_vectors.read_tensors(file)
    window = windows_of_buzz()[0]
    steps = list(mel_powers(window[np.newaxis])[:, 0].astype(np.float64))
    for layer in range(3):
        w_in, w_state = tensors[f"lstm.weight_ih_l{layer}"], tensors[f"lstm.weight_hh_l{layer}"]
        bias = tensors[f"lstm.bias_ih_l{layer}"].astype(np.float64) + tensors[f"lstm.bias_hh_l{layer}"]
        state, cell = np.zeros(256), np.zeros(256)
        for at, step in enumerate(steps):
            i, f, g, o = np.split(w_in @ step + w_state @ state + bias, 4)
            cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            state = np.tanh(cell) / (1 + np.exp(-o))
            steps[at] = state
    raw = np.maximum(tensors["linear.weight"] @ state + tensors["linear.bias"], 0)

    assert np.allclose(vectors([window], weights)[0], raw / np.linalg.norm(raw), atol=1e-5)


def test_more_windows_than_fit_at_once_come_out_in_order(weights: Weights) -> None:
    three = windows_of_buzz()
    many = [three[index % 3] for index in range(150)]

    found = vectors(iter(many), weights)

    assert found.shape == (150, 256)
    assert np.allclose(found[147:], vectors(three, weights), atol=1e-5)


def test_no_windows_give_no_vectors(weights: Weights) -> None:
    assert vectors([], weights).shape == (0, 256)


def test_silence_gives_finite_figures(weights: Weights) -> None:
    assert np.all(np.isfinite(vectors([np.zeros(WINDOW, np.float32)], weights)))


def test_a_pure_tone_is_loudest_in_the_band_it_lies_in() -> None:
    at = np.arange(WINDOW) / RATE_HZ
    # The bands are 1/15 kHz and more wide: 500 Hz lies in the eighth of those below 1 kHz.
    tone = (0.1 * np.sin(2 * np.pi * 500 * at)).astype(np.float32)

    powers = mel_powers(tone[np.newaxis])

    assert powers.shape == (160, 1, 40)
    frequencies = np.fft.rfftfreq(400, 1 / RATE_HZ)
    centre_hz = frequencies[mel_filters()[:, powers[80, 0].argmax()].argmax()]
    assert centre_hz == pytest.approx(500, abs=80)


def test_every_band_has_the_same_area() -> None:
    # Bins are 40 Hz apart, too coarse for the narrow bands; the wide ones show it.
    areas = mel_filters()[:, 25:].sum(axis=0) * 40

    assert np.allclose(areas, 1, rtol=0.02)


def test_a_short_sound_is_repeated_until_it_is_long_enough() -> None:
    sound = np.arange(10_000, dtype=np.float32)

    found = tiled(sound)

    assert found.shape == (WINDOW,)
    assert np.array_equal(found, np.concatenate([sound, sound, sound[:5600]]))


# ---- the weights ------------------------------------------------------------------------------------------------


def test_weights_are_found_in_the_models_folder_too(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "pretrained.pt").write_bytes(weights_file.read_bytes())
    monkeypatch.setattr("aftercall.audio.weights.find_spec", lambda name: None)

    assert find_weights(tmp_path) == tmp_path / "resemblyzer" / "pretrained.pt"


def test_a_file_with_other_bytes_is_no_weights(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = bytearray(weights_file.read_bytes())
    other[5_000_000] ^= 1
    (tmp_path / "resemblyzer").mkdir()
    (tmp_path / "resemblyzer" / "pretrained.pt").write_bytes(other)
    monkeypatch.setattr("aftercall.audio.weights.find_spec", lambda name: None)

    assert find_weights(tmp_path) is None


def test_a_file_that_ends_too_early_is_a_damaged_model(weights_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "pretrained.pt"
    path.write_bytes(weights_file.read_bytes()[:1_000_000])

    with pytest.raises(ModelDamaged, match="resemblyzer"):
        load(path)


def test_a_file_of_something_else_is_a_damaged_model(tmp_path: Path) -> None:
    path = tmp_path / "pretrained.pt"
    path.write_bytes(b"not a pickle at all")

    with pytest.raises(ModelDamaged):
        load(path)


class Attack:
    """What unpickles to the result of a command."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("exit 1",)


@pytest.mark.parametrize("payload", [Attack(), Path("/"), np.float32(1)], ids=["a command", "a path", "a number"])
def test_weights_that_want_to_call_anything_are_refused(payload: object) -> None:
    with pytest.raises(pickle.UnpicklingError, match="no place in a file of weights"):
        voice_vectors.read_tensors(io.BytesIO(pickle.dumps(payload)))
