from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from tests.fixtures import tiny_models
from tests.fixtures.sounds import babble, hiss, silence

from aftercall.errors import LanguageUnsupported, ModelDamaged, ModelMissing
from aftercall.model import Samples, Span, Utterance, Word
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit, covers
from aftercall.speech.engines.whisper import LANGUAGES, Whisper, without_loops

SMALL = "whisper-small"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one tiny Whisper that takes every sound for German."""
    models = tmp_path_factory.mktemp("models")
    tiny_models.write_whisper(models / SMALL)
    return models


@pytest.fixture
def engine(folder: Path) -> Whisper:
    return Whisper(Outfit(models=folder))


def a_call(*, speech_s: float = 6.0) -> Samples:
    """A second of faint noise, speech, and another second of noise."""
    return np.concatenate([hiss(1, level_dbfs=-70), babble(speech_s, level_dbfs=-12), hiss(1, level_dbfs=-70)])


def says(
    folder: Path, *words: str, languages: tuple[str, ...] = ("en", "de", "pl"), detects: str = "en"
) -> list[Utterance]:
    """What is left of what a Whisper writes that says only these words."""
    tiny_models.write_whisper(folder / SMALL, words=words, languages=languages, detects=detects)
    return Whisper(Outfit(models=folder)).transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints())


def text(utterances: list[Utterance]) -> str:
    return " ".join(word.text for each in utterances for word in each.words)


def words(said: str) -> list[Word]:
    return [Word(text=text, start_s=float(at), end_s=at + 0.5) for at, text in enumerate(said.split())]


def test_it_writes_what_it_heard_and_finds_the_language_out(engine: Whisper) -> None:
    (utterance,) = engine.transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints(), audio_channel=1)
    assert text([utterance]).startswith("Hello, thank you for calling.")
    assert (utterance.audio_channel, utterance.start_s, utterance.end_s) == (1, 0.9, 7.1)
    assert utterance.language == "de"


def test_it_writes_the_language_it_is_told_without_loading_twice(engine: Whisper) -> None:
    span = [Span(start_s=0.9, end_s=7.1)]
    heard = [
        engine.transcribe(a_call(), 8000, span, Hints(language=tag))[0].language for tag in ("pl", "en-GB", "de", None)
    ]
    assert heard == ["pl", "en", "de", "de"]


def test_an_english_model_writes_english(tmp_path: Path) -> None:
    tiny_models.write_whisper(tmp_path / "whisper-base.en", languages=())
    engine = Whisper(Outfit(models=tmp_path))
    assert engine.languages == ("en",)
    assert engine.transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints())[0].language == "en"
    with pytest.raises(LanguageUnsupported, match="de"):
        engine.transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints(language="de"))


def test_times_without_a_model_that_gives_them_are_estimated_and_carry_no_confidence(engine: Whisper) -> None:
    (utterance,) = engine.transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints())
    assert utterance.words[0].start_s == 0.9
    assert utterance.words[-1].end_s == 7.1
    assert all(first.end_s == second.start_s for first, second in pairwise(utterance.words))
    assert {word.confidence for word in utterance.words} == {None}


def test_a_model_with_its_attention_gives_real_times(tmp_path: Path) -> None:
    tiny_models.write_whisper(tmp_path / SMALL, with_times=True, words_per_s=2)
    engine = Whisper(Outfit(models=tmp_path))
    (utterance,) = engine.transcribe(a_call(speech_s=12), 8000, [Span(start_s=1.0, end_s=13.0)], Hints())
    at = {word.text: word.start_s for word in reversed(utterance.words)}
    assert at["thank"] == pytest.approx(1.5, abs=0.1)
    assert at["you"] == pytest.approx(2.0, abs=0.1)
    assert at["Good"] == pytest.approx(4.0, abs=0.1)


def test_a_span_over_half_a_minute_is_heard_to_its_end(engine: Whisper) -> None:
    sound = np.concatenate([a_call(speech_s=8) for _ in range(9)])
    (utterance,) = engine.transcribe(sound, 8000, [Span(start_s=0.0, end_s=90.0)], Hints())
    assert utterance.words[-1].end_s == 90.0
    assert all(first.end_s <= second.start_s for first, second in pairwise(utterance.words))
    (part,) = engine.transcribe(sound, 8000, [Span(start_s=0.0, end_s=20.0)], Hints())
    assert len(utterance.words) > 3 * len(part.words)


def test_spans_come_back_in_their_order(engine: Whisper) -> None:
    sound = np.concatenate([a_call(speech_s=2), a_call(speech_s=8), a_call(speech_s=4)])
    spans = [Span(start_s=0.9, end_s=3.1), Span(start_s=4.9, end_s=13.1), Span(start_s=14.9, end_s=19.1)]
    found = engine.transcribe(sound, 8000, spans, Hints())
    assert [each.start_s for each in found] == [0.9, 4.9, 14.9]
    assert len(found[0].words) < len(found[2].words) < len(found[1].words)


def test_silence_and_faint_noise_give_no_words(engine: Whisper) -> None:
    assert engine.transcribe(silence(3), 8000, [Span(start_s=0, end_s=3)], Hints()) == []
    assert engine.transcribe(hiss(3, level_dbfs=-70), 8000, [Span(start_s=0, end_s=3)], Hints()) == []


def test_a_letter_split_over_two_tokens_is_written_whole(tmp_path: Path) -> None:
    tiny_models.write_whisper(tmp_path / SMALL, words=("caf|X|Y", "noir"))
    tokens = tmp_path / SMALL / "tiny-tokens.txt"
    # base64 of the two bytes of "é", one token each
    tokens.write_text(tokens.read_text().replace("WA==", "ww==").replace("WQ==", "qQ=="))
    found = Whisper(Outfit(models=tmp_path)).transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints())
    assert set(text(found).split()) >= {"café", "noir"}


def test_a_language_without_spaces_is_divided_at_its_pauses(tmp_path: Path) -> None:
    found = says(tmp_path, "もし|もし、|佐藤|です。", languages=("en", "ja"), detects="ja")
    assert found[0].language == "ja"
    assert [word.text for word in found[0].words][:2] == ["もしもし、", "佐藤です。"]


def test_annotations_of_sounds_are_left_out(tmp_path: Path) -> None:
    assert set(text(says(tmp_path, "(phone", "ringing)", "Hello", "there")).split()) <= {"Hello", "there"}
    assert says(tmp_path, "[MUSIC]") == []


@pytest.mark.parametrize(
    "said",
    ["Thank you for watching!", "Subtitles by the Amara.org community", "Untertitel im Auftrag des ZDF, 2020"],
)
def test_credits_of_films_are_left_out(said: str, tmp_path: Path) -> None:
    rate = len(said.split()) / 6
    tiny_models.write_whisper(tmp_path / SMALL, words=said.split(), words_per_s=rate)
    sound = babble(6, level_dbfs=-12)
    assert Whisper(Outfit(models=tmp_path)).transcribe(sound, 8000, [Span(start_s=0, end_s=6)], Hints()) == []


def test_a_call_about_subtitles_is_not_taken_for_credits(tmp_path: Path) -> None:
    said = "I would like to know whether there are subtitles by default on my new television set"
    tiny_models.write_whisper(tmp_path / SMALL, words=said.split(), words_per_s=4)
    found = Whisper(Outfit(models=tmp_path)).transcribe(a_call(), 8000, [Span(start_s=0.9, end_s=7.1)], Hints())
    assert "subtitles by default" in text(found)


def test_a_loop_of_words_is_left_out(tmp_path: Path) -> None:
    assert says(tmp_path, "you") == []


def test_what_was_said_before_a_loop_stays() -> None:
    kept = without_loops(words("I would like to cancel my order from last week please and thanks " + "you know " * 5))
    assert (
        " ".join(word.text for word in kept)
        == "I would like to cancel my order from last week please and thanks you know"
    )


def test_a_text_that_is_mostly_a_loop_is_left_out_whole() -> None:
    assert without_loops(words("so the next one is " + "the next one is " * 6)) == []


def test_a_loop_is_seen_through_capitals_and_commas() -> None:
    assert without_loops(words("Bye bye, bye. Bye, bye bye! bye")) == []


@pytest.mark.parametrize(
    "said", ["no no no no no", "yes, yes, of course, of course, of course", "five five five oh one two", "bye bye", ""]
)
def test_people_repeat_themselves_too(said: str) -> None:
    assert " ".join(word.text for word in without_loops(words(said))) == said


def test_the_largest_model_is_the_first_choice(tmp_path: Path) -> None:
    for name in ("whisper-tiny", "whisper-medium", "whisper-large-v3-turbo"):
        tiny_models.write_whisper(tmp_path / name)
    assert Whisper.choices(Outfit(models=tmp_path)) == (
        "whisper/whisper-large-v3-turbo",
        "whisper/whisper-medium",
        "whisper/whisper-tiny",
    )


def test_auto_means_whisper_for_a_language_parakeet_does_not_know(folder: Path, tmp_path: Path) -> None:
    tiny_models.write_whisper(tmp_path / SMALL)
    tiny_models.write_parakeet(tmp_path / "parakeet-tdt-0.6b-v3-int8")
    outfit = Outfit(models=tmp_path)
    assert plugins.resolve("auto", outfit, language="ja") == f"whisper/{SMALL}"
    assert plugins.resolve("auto", outfit, language="de").startswith("parakeet/")


def test_norwegian_bokmal_is_known_by_either_name(engine: Whisper) -> None:
    assert covers(engine, "nb-NO")
    assert covers(engine, "no")
    assert len(LANGUAGES) == len(set(LANGUAGES))


def test_without_models_there_is_no_choice(tmp_path: Path) -> None:
    assert Whisper.choices(Outfit(models=tmp_path)) == ()
    with pytest.raises(ModelMissing):
        Whisper(Outfit(models=tmp_path))


def test_a_model_that_works_warms_up(engine: Whisper) -> None:
    engine.warm_up()


def test_a_missing_file_is_a_damaged_model_that_names_it(tmp_path: Path) -> None:
    folder = tiny_models.write_whisper(tmp_path / SMALL)
    engine = Whisper(Outfit(models=tmp_path))
    (folder / "tiny-tokens.txt").unlink()
    with pytest.raises(ModelDamaged, match="tokens"):
        engine.warm_up()


def test_a_corrupt_file_is_a_damaged_model(tmp_path: Path) -> None:
    decoder = tiny_models.write_whisper(tmp_path / SMALL) / "tiny-decoder.int8.onnx"
    decoder.write_bytes(decoder.read_bytes()[:100])
    with pytest.raises(ModelDamaged, match="bad model"):
        Whisper(Outfit(models=tmp_path)).warm_up()
