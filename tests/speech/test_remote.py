"""The remote engine against a service on this machine, in the dialects that exist and when it misbehaves."""

import itertools
from typing import Any

import numpy as np
import pytest
from tests.fixtures.speech_service import Asked, SpeechService, words_over

from aftercall.errors import (
    LanguageUnsupported,
    RemoteAnswerMalformed,
    RemoteRefused,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
)
from aftercall.model import Samples, Span, Utterance
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit, RemoteService
from aftercall.speech.engines.remote import Remote
from aftercall.speech.engines.spliced import GAP_S

SPANS = (Span(start_s=10.0, end_s=12.0), Span(start_s=30.0, end_s=33.0))
#: Of what is sent for them.
SENT_S = 2.0 + GAP_S + 3.0
NO_HINTS = Hints()


def _sound(seconds: float = 40.0, rate_hz: int = 8000) -> Samples:
    return np.random.default_rng(1).normal(0, 0.1, int(seconds * rate_hz)).astype(np.float32)


def _hear(service: RemoteService, hints: Hints = NO_HINTS, spans: tuple[Span, ...] = SPANS) -> list[Utterance]:
    engine = Remote(Outfit(remote=service), sleep=lambda _: None)
    return engine.transcribe(_sound(), 8000, spans, hints, audio_channel=1)


def _text(heard: list[Utterance]) -> list[str]:
    return [" ".join(word.text for word in each.words) for each in heard]


# ---- what is sent ---------------------------------------------------------------------------------------------------


def test_only_speech_is_sent_as_wide_mono_flac(speech_service: SpeechService) -> None:
    _hear(speech_service.remote())
    (asked,) = speech_service.asked
    assert asked.filename == "speech.flac"
    assert asked.rate_hz == 16_000
    assert asked.length_s == pytest.approx(SENT_S, abs=0.01)
    assert asked.authorization == "Bearer open-sesame"
    assert asked.fields["timestamp_granularities[]"] == ["word", "segment"]


def test_language_and_vocabulary_are_told(speech_service: SpeechService) -> None:
    _hear(speech_service.remote(), Hints(language="de-AT", phrases=("Köb", "Thermomax")))
    (asked,) = speech_service.asked
    assert asked.fields["language"] == ["de"]
    assert asked.fields["prompt"] == ["Köb, Thermomax"]


def test_without_a_key_none_is_sent(speech_service: SpeechService) -> None:
    _hear(speech_service.remote(key=""))
    assert speech_service.asked[0].authorization == ""


def test_nothing_is_sent_where_nobody_speaks(speech_service: SpeechService) -> None:
    assert _hear(speech_service.remote(), spans=()) == []
    assert speech_service.asked == []


def test_a_language_that_no_such_service_knows_is_refused(speech_service: SpeechService) -> None:
    with pytest.raises(LanguageUnsupported):
        _hear(speech_service.remote(), Hints(language="xx"))
    assert speech_service.asked == []


# ---- the dialects ---------------------------------------------------------------------------------------------------


def test_words_come_back_to_where_they_were_said(speech_service: SpeechService) -> None:
    words = [
        {"word": "Hello", "start": 0.5, "end": 1.0, "probability": 0.9},
        {"word": "there.", "start": 1.0, "end": 1.5, "probability": 0.4},
        {"word": "Goodbye.", "start": 2.0 + GAP_S + 1.0, "end": 2.0 + GAP_S + 1.5},
    ]
    speech_service.says({"text": "Hello there. Goodbye.", "language": "english", "words": words})
    first, second = _hear(speech_service.remote())
    assert [(word.text, word.start_s, word.end_s) for word in first.words] == [
        ("Hello", 10.5, 11.0),
        ("there.", 11.0, 11.5),
    ]
    (last,) = second.words
    assert (last.text, last.start_s, last.end_s) == ("Goodbye.", pytest.approx(31.0), pytest.approx(31.5))
    assert [word.confidence for word in (*first.words, last)] == [0.9, 0.4, None]
    assert (first.audio_channel, first.language) == (1, "en")


def test_a_word_that_runs_over_stays_inside_its_stretch(speech_service: SpeechService) -> None:
    speech_service.says({"text": "late", "words": [{"word": "late", "start": 1.8, "end": 2.5}]})
    (heard,) = _hear(speech_service.remote())
    assert heard.words[0].end_s == 12.0


def test_segments_alone_give_words_spread_over_each(speech_service: SpeechService) -> None:
    segments = [
        {"start": 0.0, "end": 2.0, "text": " one two", "avg_logprob": -0.105},
        {"start": 2.6, "end": 5.6, "text": " three", "avg_logprob": -0.105},
    ]
    speech_service.says({"text": "one two three", "segments": segments})
    first, second = _hear(speech_service.remote())
    assert [word.text for word in first.words] == ["one", "two"]
    assert first.words[0].end_s == pytest.approx(11.0)
    assert first.words[0].confidence == pytest.approx(0.9, abs=0.01)
    assert second.words[0].start_s >= 30.0


def test_words_inside_segments_are_found(speech_service: SpeechService) -> None:
    segment = {"start": 0.0, "end": 2.0, "text": "one two", "words": words_over(2.0, "one", "two")}
    speech_service.says({"text": "one two", "segments": [segment]})
    assert _text(_hear(speech_service.remote())) == ["one two"]


def test_a_segment_the_service_takes_for_silence_is_left_out(speech_service: SpeechService) -> None:
    silent = {"start": 0.0, "end": 2.0, "text": "Thank you.", "avg_logprob": -1.4, "no_speech_prob": 0.9}
    timed = words_over(2.0, "Thank", "you.")
    for body in ({"segments": [silent]}, {"segments": [silent], "words": timed}):
        speech_service.says({"text": "Thank you.", **body})
        assert _hear(speech_service.remote()) == []


def test_plain_text_is_spread_over_what_was_sent(speech_service: SpeechService) -> None:
    speech_service.says({"text": "aa bb cc dd"})
    heard = _hear(speech_service.remote())
    words = [word for each in heard for word in each.words]
    assert [word.text for word in words] == ["aa", "bb", "cc", "dd"]
    assert all(10.0 <= word.start_s <= word.end_s <= 33.0 for word in words)
    assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(words))
    assert {word.confidence for word in words} == {None}


def test_logprobs_become_confidences(speech_service: SpeechService) -> None:
    tokens = [{"token": "Hel", "logprob": -0.1}, {"token": "lo", "logprob": -0.3}, {"token": " there", "logprob": -2.0}]
    speech_service.says({"text": "Hello there", "logprobs": tokens})
    words = [word for each in _hear(speech_service.remote(model="gpt-4o-transcribe")) for word in each.words]
    assert [word.confidence for word in words] == [pytest.approx(0.819, abs=0.001), pytest.approx(0.135, abs=0.001)]
    assert speech_service.asked[0].fields["include[]"] == ["logprobs"]


def test_a_diarizing_model_is_asked_as_it_wants(speech_service: SpeechService) -> None:
    segments = [{"speaker": "A", "start": 0.0, "end": 2.0, "text": "one two"}]
    speech_service.says({"text": "one two", "segments": segments})
    assert _text(_hear(speech_service.remote(model="gpt-4o-transcribe-diarize"), Hints(phrases=("x",)))) == ["one two"]
    fields = speech_service.asked[0].fields
    assert (fields["response_format"], fields["chunking_strategy"]) == (["diarized_json"], ["auto"])
    assert "prompt" not in fields


def test_a_service_without_word_times_is_asked_more_simply(speech_service: SpeechService) -> None:
    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if asked.fields["response_format"] == ["verbose_json"]:
            return 400, {"error": {"message": "response_format verbose_json is not supported"}}, {}
        return 200, {"text": "hello"}, {}

    speech_service.answer = answer
    assert _text(_hear(speech_service.remote())) == ["hello"]
    assert [each.fields["response_format"] for each in speech_service.asked] == [["verbose_json"], ["json"]]


@pytest.mark.parametrize(
    "words",
    [
        [{"word": "x", "start": None, "end": 1}],
        [{"word": "x", "start": 2.0, "end": 1.0}],
        [{"word": "", "start": 0.0, "end": 1.0}],
        ["x"],
        "x",
        [{"word": "x", "start": float("nan"), "end": 1.0}],
    ],
)
def test_odd_words_are_not_believed_but_the_text_is_kept(speech_service: SpeechService, words: Any) -> None:
    speech_service.says({"text": "hello", "words": words})
    assert _text(_hear(speech_service.remote())) == ["hello"]


# ---- limits ---------------------------------------------------------------------------------------------------------


def test_what_is_too_large_is_packed_smaller_then_cut_at_a_pause(speech_service: SpeechService) -> None:
    speech_service.answer = lambda asked: (200, {"text": "x", "words": words_over(asked.length_s, "x")}, {})
    heard = _hear(speech_service.remote(upload_limit_mb=0.02))
    assert {each.filename for each in speech_service.asked} == {"speech.ogg"}
    assert all(len(each.sound) <= 20_000 for each in speech_service.asked)
    assert [each.start_s for each in heard] == [10.0, 30.0]


def test_a_refusal_for_size_cuts_too(speech_service: SpeechService) -> None:
    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if asked.length_s > 4:
            return 413, {"error": "too large"}, {}
        return 200, {"text": "part", "words": words_over(asked.length_s, "part")}, {}

    speech_service.answer = answer
    heard = _hear(speech_service.remote())
    assert [(each.start_s, each.words[0].start_s) for each in heard] == [(10.0, 10.0), (30.0, 30.0)]


def test_a_single_stretch_that_is_too_large_says_how_to_mend_it(speech_service: SpeechService) -> None:
    with pytest.raises(RemoteTooLarge) as caught:
        _hear(speech_service.remote(upload_limit_mb=0.001), spans=SPANS[:1])
    assert "client_max_body_size" in caught.value.fix
    assert speech_service.asked == []


def test_long_speech_is_sent_in_pieces_with_the_right_times(speech_service: SpeechService) -> None:
    speech_service.says({"text": "a", "words": [{"word": "a", "start": 0.0, "end": 0.5}]})
    spans = tuple(Span(start_s=n * 100.0, end_s=n * 100.0 + 90.0) for n in range(9))
    engine = Remote(Outfit(remote=speech_service.remote()), sleep=lambda _: None)
    heard = engine.transcribe(_sound(900.0, 2000), 2000, spans, Hints())
    assert len(speech_service.asked) == 2
    assert [each.words[0].start_s for each in heard] == [0.0, 600.0]


# ---- when it does not work ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(speech_service: SpeechService, status: int) -> None:
    speech_service.says_in_turn((status, {"error": {"message": "busy"}}), (200, {"text": "hello"}))
    assert _text(_hear(speech_service.remote())) == ["hello"]
    assert len(speech_service.asked) == 2


def test_the_wait_that_the_service_asks_for_is_kept(speech_service: SpeechService) -> None:
    speech_service.says({"error": "slow down"}, 429, Retry_After="7")
    waits: list[float] = []
    engine = Remote(Outfit(remote=speech_service.remote()), sleep=waits.append)
    with pytest.raises(RemoteUnreachable, match="slow down"):
        engine.transcribe(_sound(), 8000, SPANS, Hints())
    assert waits == [7.0, 7.0]
    assert len(speech_service.asked) == 3


@pytest.mark.parametrize(
    ("status", "error"), [(400, RemoteRejected), (401, RemoteRefused), (403, RemoteRefused), (404, RemoteRejected)]
)
def test_what_waiting_does_not_mend_is_not_tried_again(
    speech_service: SpeechService, status: int, error: type[Exception]
) -> None:
    speech_service.says({"error": {"message": "that will not do"}}, status)
    with pytest.raises(error, match="that will not do"):
        _hear(speech_service.remote())
    assert len(speech_service.asked) == 1


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"", {"hello": 1}, ["text"], {"text": 5}])
def test_what_is_no_transcript_is_said(speech_service: SpeechService, body: Any) -> None:
    speech_service.says(body)
    with pytest.raises(RemoteAnswerMalformed):
        _hear(speech_service.remote())


def test_a_service_that_never_answers_is_given_up(speech_service: SpeechService) -> None:
    speech_service.pause_s = 1.0
    with pytest.raises(RemoteUnreachable, match=r"no answer within 0\.2 s"):
        _hear(speech_service.remote(timeout_s=0.2))
    assert len(speech_service.asked) == 3


def test_a_service_that_is_not_there_is_said() -> None:
    with pytest.raises(RemoteUnreachable, match=r"127\.0\.0\.1:9"):
        _hear(RemoteService(url="http://127.0.0.1:9/v1", model="x"))


# ---- choosing -------------------------------------------------------------------------------------------------------


def test_auto_never_means_it_unless_the_owner_said_so(speech_service: SpeechService) -> None:
    assert plugins.best_available(Outfit(remote=speech_service.remote())) != "remote"
    assert plugins.best_available(Outfit(remote=speech_service.remote(is_in_auto=True))) == "remote"


def test_it_is_no_choice_until_a_service_is_set(speech_service: SpeechService) -> None:
    assert "remote" not in plugins.available(Outfit())
    engine = plugins.load("remote", Outfit(remote=speech_service.remote()))
    assert engine.model == f"whisper-1 at 127.0.0.1:{speech_service.port}"
