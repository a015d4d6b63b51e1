"""Worker processes and the engine that may not be loaded twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.sounds import SOUNDS
from tests.fixtures.tiny_models import write_corrupt, write_parakeet, write_wrong_shape

from aftercall.errors import LanguageUnsupported, ModelDamaged
from aftercall.jobs.listening import Sound, transcribe
from aftercall.jobs.pool import Workers
from aftercall.model import Transcript
from aftercall.speech.engine import Hints, Outfit


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


@pytest.fixture
def sound() -> Sound:
    """Two voices on two audio channels."""
    return Sound(path=SOUNDS / "two-voices.opus")


def _transcribe(workers: Workers, sound: Sound, models: Path, choice: str = "parakeet", **hints: str) -> Transcript:
    return transcribe(workers, sound, choice=choice, outfit=Outfit(models=models, threads=2), hints=Hints(**hints))  # type: ignore[arg-type]


def test_a_model_in_the_folder_is_what_auto_means(workers: Workers, sound: Sound, tmp_path: Path) -> None:
    write_parakeet(tmp_path / "models" / "parakeet-tiny")
    found = _transcribe(workers, sound, tmp_path / "models", "auto")
    assert (found.engine, found.model, found.is_low_accuracy) == ("parakeet", "parakeet-tiny", False)
    assert {turn.speaker for turn in found.turns} == {"A", "B"}
    assert all(word.confidence for turn in found.turns for word in turn.words)


def test_a_model_that_kills_its_process_is_called_bad_and_the_next_one_works(
    workers: Workers, sound: Sound, tmp_path: Path
) -> None:
    write_wrong_shape(tmp_path / "models" / "parakeet-wrong")
    write_parakeet(tmp_path / "models" / "parakeet-tiny")
    with pytest.raises(ModelDamaged, match="bad model"):
        _transcribe(workers, sound, tmp_path / "models", "parakeet/parakeet-wrong")
    assert _transcribe(workers, sound, tmp_path / "models", "parakeet/parakeet-tiny").turns


def test_a_model_that_is_no_model_is_called_bad(workers: Workers, sound: Sound, tmp_path: Path) -> None:
    write_corrupt(tmp_path / "models" / "parakeet-corrupt")
    with pytest.raises(ModelDamaged):
        _transcribe(workers, sound, tmp_path / "models")


def test_a_language_no_engine_knows_is_refused_before_any_work(workers: Workers, sound: Sound, tmp_path: Path) -> None:
    with pytest.raises(LanguageUnsupported, match="xx"):
        _transcribe(workers, sound, tmp_path / "models", "auto", language="xx")
