from itertools import pairwise

import numpy as np
import pytest
import soxr
from tests.fixtures.sounds import SOUNDS, silence

from aftercall.audio.activity import find_speech
from aftercall.audio.decode import decode
from aftercall.errors import LanguageUnsupported
from aftercall.model import Samples, Span, Utterance
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.engines.pocketsphinx import Pocketsphinx


@pytest.fixture(scope="module")
def left() -> tuple[Samples, int]:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    return audio.samples[0], audio.rate_hz


@pytest.fixture(scope="module")
def heard(left: tuple[Samples, int]) -> list[Utterance]:
    samples, rate_hz = left
    return Pocketsphinx(Outfit()).transcribe(
        samples, rate_hz, find_speech(samples, rate_hz).spans, Hints(), audio_channel=1
    )


def text(utterances: list[Utterance]) -> str:
    return " ".join(word.text for each in utterances for word in each.words)


def test_clear_words_are_understood(heard: list[Utterance]) -> None:
    assert {"good", "morning", "calling", "garden", "help", "today", "sorry", "again", "tomorrow"} <= set(
        text(heard).split()
    )


def test_words_stay_inside_their_span_and_ascend(heard: list[Utterance]) -> None:
    for utterance in heard:
        assert utterance.start_s <= utterance.words[0].start_s
        assert utterance.words[-1].end_s <= utterance.end_s
        assert all(word.start_s < word.end_s for word in utterance.words)
        assert all(first.end_s <= second.start_s for first, second in pairwise(utterance.words))


def test_words_are_where_they_were_spoken(heard: list[Utterance]) -> None:
    at = {word.text: word.start_s for each in heard for word in each.words}
    assert at["calling"] == pytest.approx(2.7, abs=0.2)
    assert at["sorry"] == pytest.approx(13.0, abs=0.4)


def test_each_word_has_a_confidence(heard: list[Utterance]) -> None:
    confidences = [word.confidence for each in heard for word in each.words]
    assert all(each is not None and 0 <= each <= 1 for each in confidences)
    assert len(set(confidences)) > 3


def test_fillers_and_pronunciation_marks_stay_out(heard: list[Utterance]) -> None:
    assert not set("<>[]()+0123456789") & set(text(heard))


def test_the_audio_channel_is_written_into_the_utterances(heard: list[Utterance]) -> None:
    assert {each.audio_channel for each in heard} == {1}


def test_telephone_sound_is_understood_worse_but_understood(left: tuple[Samples, int]) -> None:
    samples, rate_hz = left
    narrow = soxr.resample(samples, rate_hz, 8000).astype(np.float32)
    found = Pocketsphinx(Outfit()).transcribe(narrow, 8000, find_speech(narrow, 8000).spans, Hints(language="en-GB"))
    assert {"morning", "tomorrow"} & set(text(found).split())


def test_what_a_process_heard_before_changes_nothing(left: tuple[Samples, int]) -> None:
    """A call gives the same transcript however it is shared between processes, and when it is done again."""
    samples, rate_hz = left
    first, second = find_speech(samples, rate_hz).spans
    engine = Pocketsphinx(Outfit())
    alone = engine.transcribe(samples, rate_hz, [second], Hints())
    after_another = engine.transcribe(samples, rate_hz, [first, second], Hints())[1:]
    assert after_another == alone


def test_silence_has_no_words() -> None:
    assert Pocketsphinx(Outfit()).transcribe(silence(3), 8000, [Span(start_s=0.5, end_s=2.5)], Hints()) == []


@pytest.mark.parametrize("span", [Span(start_s=9, end_s=10), Span(start_s=0.5, end_s=0.5), Span(start_s=0, end_s=0.01)])
def test_a_span_with_hardly_a_sample_has_no_words(span: Span) -> None:
    assert Pocketsphinx(Outfit()).transcribe(silence(3), 8000, [span], Hints()) == []


def test_another_language_is_refused() -> None:
    with pytest.raises(LanguageUnsupported, match="de"):
        Pocketsphinx(Outfit()).transcribe(silence(1), 8000, [], Hints(language="de"))


def test_it_says_what_it_is_and_that_it_is_weak() -> None:
    engine = Pocketsphinx(Outfit())
    assert (engine.name, engine.is_low_accuracy, engine.languages) == ("pocketsphinx", True, ("en",))
    assert engine.model.startswith("en-us 5.")
