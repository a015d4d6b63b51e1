import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures import tiny_models
from tests.fixtures.sounds import babble, hiss, silence

from aftercall.errors import EngineDied, LanguageUnsupported, ModelDamaged, ModelMissing
from aftercall.jobs.pool import CpuPool
from aftercall.model import Samples, Span, Utterance
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.engines import sherpa
from aftercall.speech.engines.parakeet import LANGUAGES_V3, Parakeet

V3 = "parakeet-tdt-0.6b-v3-int8"
V2 = "parakeet-tdt-0.6b-v2-int8"
TEXT = "Hello, thank you for calling. Good bye."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one tiny Parakeet."""
    models = tmp_path_factory.mktemp("models")
    tiny_models.write_parakeet(models / V3)
    return models


@pytest.fixture
def engine(folder: Path) -> Parakeet:
    return Parakeet(Outfit(models=folder))


@pytest.fixture
def pool() -> Iterator[CpuPool]:
    pool = CpuPool(1)
    yield pool
    pool.close()


def pauses(*parts: tuple[float, Samples], rate_hz: int = 8000) -> Samples:
    """Sounds, each after so many seconds of faint noise, and half a second of it at the end."""
    sounds = [part for quiet_s, sound in parts for part in (hiss(quiet_s, level_dbfs=-70, rate_hz=rate_hz), sound)]
    return np.concatenate([*sounds, hiss(0.5, level_dbfs=-70, rate_hz=rate_hz)])


def text(utterances: list[Utterance]) -> str:
    return " ".join(word.text for each in utterances for word in each.words)


def warm_up(folder: Path, choice: str) -> str:
    """What a worker does before the first call."""
    engine = plugins.load(choice, Outfit(models=folder))
    engine.warm_up()
    return engine.model


def hear_in_worker(folder: Path, threads: int) -> list[Utterance]:
    engine = Parakeet(Outfit(models=folder, threads=threads))
    return engine.transcribe(pauses((0.5, babble(3)), (1.0, babble(2))), 8000, [Span(start_s=0, end_s=7)], Hints())


def test_words_fall_where_speech_is(engine: Parakeet) -> None:
    sound = pauses((1.0, babble(2)), (1.5, babble(1)))
    (utterance,) = engine.transcribe(sound, 8000, [Span(start_s=0.0, end_s=6.0)], Hints())
    inside = [0.9 <= word.start_s <= 3.1 or 4.4 <= word.start_s <= 5.6 for word in utterance.words]
    assert len(inside) >= 6
    assert all(inside)
    assert set(text([utterance]).split()) <= set(TEXT.split())


def test_times_count_from_the_start_of_the_recording(engine: Parakeet) -> None:
    sound = pauses((20.0, babble(1)))
    (utterance,) = engine.transcribe(sound, 8000, [Span(start_s=19.5, end_s=21.4)], Hints(), audio_channel=1)
    assert (utterance.audio_channel, utterance.start_s, utterance.end_s) == (1, 19.5, 21.4)
    assert utterance.words[0].start_s == pytest.approx(20.0, abs=0.15)


def test_words_ascend_apart_and_inside_their_span(engine: Parakeet) -> None:
    sound = pauses((0.3, babble(5)), (0.3, babble(4)))
    spans = [Span(start_s=0.2, end_s=5.4), Span(start_s=5.5, end_s=9.7)]
    for utterance, span in zip(engine.transcribe(sound, 8000, spans, Hints()), spans, strict=True):
        assert utterance.words[0].start_s >= span.start_s
        assert utterance.words[-1].end_s <= span.end_s
        assert all(word.start_s < word.end_s for word in utterance.words)
        assert all(first.end_s <= second.start_s for first, second in pairwise(utterance.words))


def test_pieces_of_a_word_are_joined(engine: Parakeet) -> None:
    (utterance,) = engine.transcribe(pauses((0.2, babble(6))), 8000, [Span(start_s=0, end_s=6.5)], Hints())
    at = [word.text for word in utterance.words].index("calling.")
    assert utterance.words[at].end_s - utterance.words[at].start_s == pytest.approx(0.64, abs=0.01)


def test_confidence_comes_from_the_models_own_probabilities(tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V3, unsure=("thank",), confidence=0.4)
    engine = Parakeet(Outfit(models=tmp_path))
    (utterance,) = engine.transcribe(pauses((0.2, babble(6))), 8000, [Span(start_s=0, end_s=6.5)], Hints())
    confidences = {word.text: word.confidence for word in utterance.words}
    assert confidences.pop("thank") == pytest.approx(0.4, abs=0.01)
    assert all(each is not None and 0.99 < each <= 1 for each in confidences.values())


def test_many_spans_of_mixed_lengths_come_back_in_their_order(engine: Parakeet) -> None:
    lengths = [float(length) for length in np.random.default_rng(5).uniform(0.3, 9, 40)]
    sound = pauses(*((0.4, babble(length, seed=number)) for number, length in enumerate(lengths)))
    ends = np.cumsum([length + 0.4 for length in lengths])
    spans = [Span(start_s=end - length - 0.2, end_s=end + 0.1) for end, length in zip(ends, lengths, strict=True)]
    utterances = engine.transcribe(sound, 8000, spans, Hints())
    assert [(each.start_s, each.end_s) for each in utterances] == [(span.start_s, span.end_s) for span in spans]
    for each, span in zip(utterances, spans, strict=True):
        assert span.start_s <= each.words[0].start_s
        assert each.words[-1].end_s <= span.end_s


def test_a_span_at_the_very_end_and_past_it_is_heard(engine: Parakeet) -> None:
    sound = np.concatenate([hiss(1, level_dbfs=-70), babble(1)])
    (utterance,) = engine.transcribe(sound, 8000, [Span(start_s=0.8, end_s=2.3)], Hints())
    assert 0.9 <= utterance.words[0].start_s <= utterance.words[-1].end_s <= 2.3


def test_the_shortest_of_spans_does_no_harm(engine: Parakeet) -> None:
    spans = [Span(start_s=0.5, end_s=0.5), Span(start_s=0.6, end_s=0.6001), Span(start_s=0.7, end_s=0.75)]
    for utterance in engine.transcribe(babble(1), 8000, spans, Hints()):
        assert utterance.start_s <= utterance.words[0].start_s < utterance.words[-1].end_s <= utterance.end_s


def test_silence_gives_no_words_whatever_the_model_would_say(engine: Parakeet) -> None:
    spans = [Span(start_s=0, end_s=4), Span(start_s=4, end_s=6)]
    assert engine.transcribe(silence(6), 8000, spans, Hints()) == []
    assert engine.transcribe(silence(6), 8000, [], Hints()) == []


def test_the_same_sound_at_8_and_16_khz_gives_the_same_words(engine: Parakeet) -> None:
    span = [Span(start_s=0.0, end_s=4.5)]
    narrow = engine.transcribe(pauses((1.0, babble(3))), 8000, span, Hints())
    wide = engine.transcribe(pauses((1.0, babble(3, rate_hz=16000)), rate_hz=16000), 16000, span, Hints())
    assert text(wide).split()[:8] == text(narrow).split()[:8]
    assert len(text(narrow).split()) >= 8
    assert narrow[0].words[0].start_s == pytest.approx(wide[0].words[0].start_s, abs=0.1)


def test_two_audio_channels_are_heard_apart(engine: Parakeet) -> None:
    first = engine.transcribe(pauses((0.2, babble(2))), 8000, [Span(start_s=0, end_s=2.5)], Hints(), audio_channel=0)
    second = engine.transcribe(pauses((3.0, babble(2))), 8000, [Span(start_s=2.8, end_s=5.5)], Hints(), audio_channel=1)
    assert [each.audio_channel for each in first + second] == [0, 1]
    assert first[0].words[-1].end_s <= second[0].words[0].start_s


def test_a_span_longer_than_the_model_should_hear_at_once_is_one_utterance_still(engine: Parakeet) -> None:
    sound = pauses(*((0.5, babble(8, seed=number)) for number in range(8)))
    (utterance,) = engine.transcribe(sound, 8000, [Span(start_s=0.0, end_s=68.5)], Hints())
    assert utterance.words[-1].end_s > 60
    assert all(first.end_s <= second.start_s for first, second in pairwise(utterance.words))


def test_samples_are_not_changed(engine: Parakeet) -> None:
    sound = pauses((0.2, babble(2)))
    before = sound.copy()
    engine.transcribe(sound, 8000, [Span(start_s=0, end_s=2.5)], Hints())
    assert np.array_equal(sound, before)


def test_one_two_and_four_threads_hear_the_same(folder: Path, pool: CpuPool) -> None:
    first, second, third = (pool.run(hear_in_worker, folder, threads) for threads in (1, 2, 4))
    assert first == second == third
    assert first


def test_a_name_of_the_vocabulary_takes_the_place_of_an_unsure_word_that_sounds_alike(tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V3, words=("Mister", "kowal|chick", "please."), unsure=("kowalchick",))
    engine = Parakeet(Outfit(models=tmp_path))
    span = [Span(start_s=0, end_s=6.5)]
    sound = pauses((0.2, babble(6)))
    (plain,) = engine.transcribe(sound, 8000, span, Hints())
    (favoured,) = engine.transcribe(sound, 8000, span, Hints(phrases=("Kowalczyk", "Nordlicht")))
    assert "kowalchick" in text([plain])
    assert text([favoured]) == text([plain]).replace("kowalchick", "Kowalczyk")
    assert [word.start_s for word in favoured.words] == [word.start_s for word in plain.words]


def test_a_sure_word_stays_whatever_the_vocabulary_says(tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V3, words=("Mister", "Smith"))
    engine = Parakeet(Outfit(models=tmp_path))
    heard = engine.transcribe(pauses((0.2, babble(3))), 8000, [Span(start_s=0, end_s=3.5)], Hints(phrases=("Smyth",)))
    assert "Smith" in text(heard)
    assert "Smyth" not in text(heard)


def test_version_3_is_the_first_choice_and_knows_25_languages(folder: Path, tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V2)
    tiny_models.write_parakeet(tmp_path / V3)
    outfit = Outfit(models=tmp_path)
    assert Parakeet.choices(outfit) == (f"parakeet/{V3}", f"parakeet/{V2}")
    assert Parakeet(outfit).model == V3
    assert len(set(LANGUAGES_V3)) == len(Parakeet(outfit).languages) == 25
    assert Parakeet(outfit, V2).languages == ("en",)


def test_a_model_is_the_best_choice_of_all(folder: Path) -> None:
    assert plugins.best_available(Outfit(models=folder)) == f"parakeet/{V3}"
    assert plugins.best_available(Outfit(models=folder), "de-AT") == f"parakeet/{V3}"


def test_without_models_there_is_no_choice(tmp_path: Path) -> None:
    assert Parakeet.choices(Outfit()) == Parakeet.choices(Outfit(models=tmp_path)) == ()
    with pytest.raises(ModelMissing, match=V3):
        Parakeet(Outfit(models=tmp_path))


def test_a_model_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(ModelMissing, match="parakeet-elsewhere"):
        plugins.load("parakeet/parakeet-elsewhere", Outfit(models=folder))


def test_a_language_it_does_not_know_is_refused(engine: Parakeet) -> None:
    with pytest.raises(LanguageUnsupported, match="ja"):
        engine.transcribe(babble(1), 8000, [Span(start_s=0, end_s=1)], Hints(language="ja"))


def test_a_model_that_works_warms_up(engine: Parakeet) -> None:
    engine.warm_up()


def test_making_an_engine_loads_nothing(folder: Path) -> None:
    sherpa._held.clear()
    engine = Parakeet(Outfit(models=folder))
    assert (engine.model, engine.languages[0]) == (V3, "en")
    assert sherpa._held == {}


def test_a_process_holds_one_model_and_loads_it_once(folder: Path, tmp_path: Path) -> None:
    Parakeet(Outfit(models=folder)).warm_up()
    (first,) = sherpa._held.values()
    Parakeet(Outfit(models=folder)).warm_up()
    assert list(sherpa._held.values()) == [first]
    tiny_models.write_parakeet(tmp_path / V2)
    Parakeet(Outfit(models=tmp_path)).warm_up()
    (second,) = sherpa._held.values()
    assert second is not first


def test_a_model_that_was_mended_is_loaded_again(tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V3, words=("old",))
    engine = Parakeet(Outfit(models=tmp_path))
    sound, span = pauses((0.2, babble(2))), [Span(start_s=0, end_s=2.5)]
    assert set(text(engine.transcribe(sound, 8000, span, Hints())).split()) == {"old"}
    tiny_models.write_parakeet(tmp_path / V3, words=("new",))
    assert set(text(engine.transcribe(sound, 8000, span, Hints())).split()) == {"new"}


def test_a_corrupt_file_is_a_damaged_model(tmp_path: Path) -> None:
    tiny_models.write_corrupt(tmp_path / V3)
    with pytest.raises(ModelDamaged, match=r"bad model.*parsing failed") as raised:
        Parakeet(Outfit(models=tmp_path)).warm_up()
    assert raised.value.facts["model"] == V3


def test_a_missing_file_is_a_damaged_model_that_names_it(tmp_path: Path) -> None:
    tiny_models.write_parakeet(tmp_path / V3)
    engine = Parakeet(Outfit(models=tmp_path))
    tiny_models.write_incomplete(tmp_path / V3)
    with pytest.raises(ModelDamaged, match="joiner"):
        engine.transcribe(babble(1), 8000, [Span(start_s=0, end_s=1)], Hints())


def test_a_model_that_is_not_complete_is_no_choice(tmp_path: Path) -> None:
    tiny_models.write_incomplete(tmp_path / V3)
    assert Parakeet.choices(Outfit(models=tmp_path)) == ()
    with pytest.raises(ModelMissing, match=V3):
        Parakeet(Outfit(models=tmp_path), V3)


def test_a_model_of_the_wrong_shape_ends_its_process_while_it_warms_up_and_nothing_else(
    tmp_path: Path, pool: CpuPool
) -> None:
    tiny_models.write_wrong_shape(tmp_path / "bad" / V3)
    tiny_models.write_parakeet(tmp_path / "good" / V3)
    with pytest.raises(EngineDied):
        pool.run(warm_up, tmp_path / "bad", "parakeet")
    assert pool.run(warm_up, tmp_path / "good", "parakeet") == V3


def test_a_damaged_model_says_so_across_the_border_of_the_process(tmp_path: Path) -> None:
    tiny_models.write_corrupt(tmp_path / V3)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        raised = executor.submit(warm_up, tmp_path, "parakeet").exception()
    assert isinstance(raised, ModelDamaged)
    assert raised.facts["model"] == V3
