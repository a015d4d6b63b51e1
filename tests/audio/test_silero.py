"""The network that tells voices from everything else; its weights are part of what `make setup` installs."""

from pathlib import Path

import numpy as np
import pytest
from tests.fixtures.sounds import SOUNDS, babble, hiss, silence, tone

from aftercall.audio import silero, weights
from aftercall.audio.activity import find_speech
from aftercall.audio.decode import decode
from aftercall.model import Samples, Span


def _voices() -> tuple[Samples, int]:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    return audio.samples.sum(axis=0), audio.rate_hz


def test_the_weights_are_here_and_the_package_is_not_imported() -> None:
    assert silero.is_installed()


def test_a_file_that_is_not_the_one_we_know_is_refused(tmp_path: Path) -> None:
    (tmp_path / "silero.onnx").write_bytes(b"something else")
    assert weights.find("no_such_package", "x", silero.SHA256, tmp_path, "silero.onnx") is None


def test_the_models_folder_stands_in_for_the_package(tmp_path: Path) -> None:
    found = weights.find("silero_vad", "data/silero_vad.onnx", silero.SHA256)
    assert found
    (tmp_path / "silero.onnx").write_bytes(found.read_bytes())
    assert weights.find("no_such_package", "x", silero.SHA256, tmp_path, "silero.onnx") == tmp_path / "silero.onnx"


def test_voices_are_found_where_they_are() -> None:
    samples, rate_hz = _voices()
    found = find_speech(samples, rate_hz)
    assert found.method == silero.METHOD
    assert [round(span.start_s) for span in found.spans] == [1, 7, 13]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda rate_hz: silence(10, rate_hz=rate_hz), id="silence"),
        pytest.param(lambda rate_hz: hiss(10, level_dbfs=-30, rate_hz=rate_hz), id="noise"),
        pytest.param(lambda rate_hz: babble(10, rate_hz=rate_hz), id="noise that swells like speech"),
        pytest.param(lambda rate_hz: tone(10, pitch_hz=50, rate_hz=rate_hz), id="hum"),
    ],
)
def test_what_is_no_voice_is_not_heard(make: object, rate_hz: int) -> None:
    assert find_speech(make(rate_hz), rate_hz).spans == ()  # type: ignore[operator]


def test_what_is_known_to_hold_no_speech_is_left_out() -> None:
    samples, rate_hz = _voices()
    found = find_speech(samples, rate_hz, without=[Span(start_s=6, end_s=12)])
    assert [round(span.start_s) for span in found.spans] == [1, 13]
    assert not any(span.start_s < 12 and span.end_s > 6 for span in (*found.spans, *found.regions))


def test_a_soft_beginning_next_to_a_voice_is_not_cut_off() -> None:
    """The network is late by a syllable at times; the energy knows where the word begins."""
    samples, rate_hz = _voices()
    found = find_speech(samples, rate_hz)
    for region in found.regions:
        assert any(span.start_s <= region.start_s and region.end_s <= span.end_s + 0.1 for span in found.spans)


def test_a_recording_without_a_sample_has_no_speech() -> None:
    assert find_speech(np.zeros(0, np.float32), 8000).spans == ()
