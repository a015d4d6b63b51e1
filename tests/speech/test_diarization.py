from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures.sounds import silence, tone
from tests.fixtures.tiny_models import write_diarization

from aftercall.model import Samples, Span
from aftercall.speech import diarization, voice_vectors
from aftercall.speech.diarization import find_models, part
from aftercall.speech.speakers import separate

LOW_HZ, HIGH_HZ = 200, 1200
#: Length and pitch of what is said, with half a second between.
TWO = ((3.0, LOW_HZ), (4.0, HIGH_HZ), (5.0, LOW_HZ), (2.0, HIGH_HZ), (4.0, LOW_HZ))
ONE = tuple((length_s, LOW_HZ) for length_s, _ in TWO)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_diarization(tmp_path_factory.mktemp("diarization"))


def call(said: tuple[tuple[float, float], ...]) -> tuple[Samples, list[Span]]:
    parts, regions, at_s = [], [], 0.0
    for length_s, pitch_hz in said:
        parts += [tone(length_s, pitch_hz=pitch_hz, peak=0.3), silence(0.5)]
        regions.append(Span(start_s=at_s, end_s=at_s + length_s))
        at_s += length_s + 0.5
    return np.concatenate(parts), regions


def test_two_voices_are_parted_by_the_real_library(models: Path) -> None:
    samples, regions = call(TWO)

    parted = part(samples, 8000, regions, models)

    assert parted is not None
    assert [span.speaker for span in parted.spans] == ["A", "B", "A", "B", "A"]
    for span, region in zip(parted.spans, regions, strict=True):
        assert span.start_s == pytest.approx(region.start_s, abs=0.1)
        assert span.end_s == pytest.approx(region.end_s, abs=0.1)
    assert parted.similarity < 0.3


def test_what_is_no_speech_is_not_listened_to(models: Path) -> None:
    samples, regions = call(TWO)

    parted = part(samples, 8000, [*regions[:1], *regions[2:]], models)

    assert parted is not None
    assert all(span.end_s < 3.6 or span.start_s > 7.4 for span in parted.spans)


def test_the_speakers_are_estimated_and_say_by_what(models: Path) -> None:
    samples, regions = call(TWO)

    voices = separate(samples, 8000, regions, weights=None, diarization=models)

    assert voices.is_accepted
    assert voices.is_low_confidence
    assert voices.method == "sherpa-diarization"
    assert all(before.end_s <= after.start_s for before, after in pairwise(voices.spans))


def test_one_voice_is_not_cut_in_two(models: Path) -> None:
    samples, regions = call(ONE)

    voices = separate(samples, 8000, regions, weights=None, diarization=models)

    assert not voices.is_accepted
    assert voices.reason == "one voice only, or two that are too alike"
    assert voices.similarity is not None
    assert voices.similarity > 0.9


def test_silence_has_no_speakers(models: Path) -> None:
    voices = separate(silence(5), 8000, [Span(start_s=0, end_s=5)], weights=None, diarization=models)

    assert not voices.is_accepted


@pytest.mark.parametrize("damage", [b"no model at all", b""], ids=["other bytes", "empty"])
def test_a_model_that_cannot_be_loaded_leaves_the_work_to_the_voice_vectors(tmp_path: Path, damage: bytes) -> None:
    folder = write_diarization(tmp_path / "damaged")
    (folder / "segmentation.onnx").write_bytes(damage)
    samples, regions = call(TWO)

    voices = separate(samples, 8000, regions, weights=voice_vectors.find_weights(None), diarization=folder)

    assert voices.method.startswith("resemblyzer")


def test_without_the_vectors_it_says_what_is_missing(tmp_path: Path) -> None:
    samples, regions = call(TWO)

    voices = separate(samples, 8000, regions, weights=None, diarization=tmp_path / "nowhere")

    assert voices.reason == "speaker weights are not installed"


def test_a_call_too_long_for_it_is_left_to_the_voice_vectors(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diarization, "LONGEST_S", 10.0)
    samples, regions = call(TWO)

    assert part(samples, 8000, regions, models) is None


def test_where_two_speak_at_once_who_began_later_has_it() -> None:
    spans = diarization._apart([(0.0, 10.0, 1), (2.0, 3.0, 0), (9.0, 12.0, 0)], 11.5)

    assert [(span.start_s, span.end_s, span.speaker) for span in spans] == [
        (0.0, 2.0, "A"),
        (2.0, 3.0, "B"),
        (3.0, 9.0, "A"),
        (9.0, 11.5, "B"),
    ]


def test_only_the_published_files_are_ever_loaded(tmp_path: Path) -> None:
    write_diarization(tmp_path / "sherpa-diarization")

    assert find_models(tmp_path) is None


def test_no_models_folder_has_no_models(tmp_path: Path) -> None:
    assert find_models(None) is None
    assert find_models(tmp_path) is None
