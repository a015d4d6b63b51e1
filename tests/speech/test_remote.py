"""The remote engine against a service on this machine, in the dialects that exist and when it misbehaves."""

import ssl
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import numpy as np
import pytest
import trustme
from tests.fixtures.speech_service import Asked, SpeechService, words_over

from aftercall.errors import (
    LanguageUnsupported,
    RemoteAnswerMalformed,
    RemoteNotSet,
    RemoteRefused,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
    RemoteUntrusted,
)
from aftercall.model import Samples, Span, Utterance
from aftercall.speech import plugins
from aftercall.speech.engine import Hints, Outfit, RemoteService
from aftercall.speech.engines import remote_wire
from aftercall.speech.engines.remote import MOST_PROMPT, Remote
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


def test_a_service_that_gives_no_times_is_asked_for_each_stretch(speech_service: SpeechService) -> None:
    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        texts = {2: "aa bb", 3: "cc dd"}
        return 200, {"text": texts.get(round(asked.length_s), "aa bb cc dd")}, {}

    speech_service.answer = answer
    engine = Remote(Outfit(remote=speech_service.remote()), sleep=lambda _: None)
    for _ in range(2):
        heard = engine.transcribe(_sound(), 8000, SPANS, NO_HINTS)
        assert _text(heard) == ["aa bb", "cc dd"]
        assert [(word.start_s, word.end_s) for each in heard for word in each.words] == [
            (10.0, 11.0), (11.0, 12.0), (30.0, 31.5), (31.5, 33.0),
        ]  # fmt: skip
        assert {word.confidence for each in heard for word in each.words} == {None}
    assert [each.length_s for each in speech_service.asked] == pytest.approx([SENT_S, 2, 3, 2, 3], abs=0.01)


def test_punctuation_that_the_timed_words_lack_is_taken_from_the_text(speech_service: SpeechService) -> None:
    words = words_over(2.0, "well", "known", "isnt", "it")
    speech_service.says({"text": "Well-known \u2013 isn't it?", "words": words})
    (heard,) = _hear(speech_service.remote())
    assert [(word.text, word.start_s, word.end_s) for word in heard.words] == [
        ("Well-known", 10.0, 11.0), ("isn't", 11.0, 11.5), ("it?", 11.5, 12.0),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["Something else.", "Hello there you", ""])
def test_words_stay_where_the_text_says_something_else(speech_service: SpeechService, text: str) -> None:
    speech_service.says({"text": text, "words": words_over(2.0, "hello", "there")})
    assert _text(_hear(speech_service.remote())) == ["hello there"]


def test_one_text_for_several_timed_words_without_spaces_stays_in_words(speech_service: SpeechService) -> None:
    speech_service.says({"text": "\u4f60\u597d\u5417", "words": words_over(2.0, "\u4f60", "\u597d", "\u5417")})
    assert _text(_hear(speech_service.remote())) == ["\u4f60 \u597d \u5417"]


@pytest.mark.parametrize("segments", [[], None, [{"text": "hello"}], [{"start": "0", "end": "1", "text": "hello"}]])
def test_the_text_is_kept_where_segments_have_no_times(speech_service: SpeechService, segments: Any) -> None:
    speech_service.says({"text": "hello", "segments": segments})
    assert _text(_hear(speech_service.remote(), spans=SPANS[:1])) == ["hello"]


def test_no_word_is_lost_where_one_of_them_has_no_time(speech_service: SpeechService) -> None:
    speech_service.says({"text": "one two", "words": [{"word": "one", "start": 0, "end": 1}, {"word": "two"}]})
    assert _text(_hear(speech_service.remote(), spans=SPANS[:1])) == ["one two"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Subtitles by the Amara.org community", []),
        ("(upbeat music) Hello", ["Hello"]),
        ("so so so so so so so so", []),
    ],
)
def test_what_whisper_invents_is_left_out(speech_service: SpeechService, text: str, kept: list[str]) -> None:
    speech_service.says({"text": text, "words": words_over(2.0, *text.split())})
    assert _text(_hear(speech_service.remote())) == kept


def test_logprobs_become_confidences(speech_service: SpeechService) -> None:
    tokens = [{"token": "Hel", "logprob": -0.1}, {"token": "lo", "logprob": -0.3}, {"token": " there", "logprob": -2.0}]
    speech_service.says({"text": "Hello there", "logprobs": tokens})
    (heard,) = _hear(speech_service.remote(model="gpt-4o-transcribe"), spans=SPANS[:1])
    words = heard.words
    assert [word.confidence for word in words] == [pytest.approx(0.819, abs=0.001), pytest.approx(0.135, abs=0.001)]
    assert speech_service.asked[0].fields["include[]"] == ["logprobs"]


def test_a_model_known_to_give_no_times_is_asked_for_each_stretch_at_once(speech_service: SpeechService) -> None:
    _hear(speech_service.remote(model="gpt-4o-transcribe"))
    assert [each.length_s for each in speech_service.asked] == pytest.approx([2, 3], abs=0.01)


def test_a_diarizing_model_is_asked_as_it_wants(speech_service: SpeechService) -> None:
    segments = [{"speaker": "A", "start": 0.0, "end": 2.0, "text": "one two"}]
    speech_service.says({"text": "one two", "segments": segments})
    assert _text(_hear(speech_service.remote(model="gpt-4o-transcribe-diarize"), Hints(phrases=("x",)))) == ["one two"]
    fields = speech_service.asked[0].fields
    assert (fields["response_format"], fields["chunking_strategy"]) == (["diarized_json"], ["auto"])
    assert "prompt" not in fields


@pytest.mark.parametrize("status", [400, 422])
def test_a_service_without_word_times_is_asked_more_simply(speech_service: SpeechService, status: int) -> None:
    def answer(asked: Asked) -> tuple[int, Any, dict[str, str]]:
        if asked.fields["response_format"] == ["verbose_json"]:
            return status, {"error": {"message": "response_format verbose_json is not supported"}}, {}
        return 200, {"text": "hello"}, {}

    speech_service.answer = answer
    assert _text(_hear(speech_service.remote(), spans=SPANS[:1])) == ["hello"]
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
    assert _text(_hear(speech_service.remote(), spans=SPANS[:1])) == ["hello"]


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
    assert _text(_hear(speech_service.remote(), spans=SPANS[:1])) == ["hello"]
    assert len(speech_service.asked) == 2


def test_the_wait_that_the_service_asks_for_is_kept(speech_service: SpeechService) -> None:
    speech_service.says({"error": "slow down"}, 429, Retry_After="7")
    waits: list[float] = []
    engine = Remote(Outfit(remote=speech_service.remote()), sleep=waits.append)
    with pytest.raises(RemoteUnreachable, match="slow down"):
        engine.transcribe(_sound(), 8000, SPANS, Hints())
    assert waits == [7.0, 7.0]
    assert len(speech_service.asked) == 3


def test_the_wait_may_be_a_date(speech_service: SpeechService) -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    speech_service.says({"error": "slow down"}, 503, Retry_After=until)
    waits: list[float] = []
    with pytest.raises(RemoteUnreachable):
        Remote(Outfit(remote=speech_service.remote()), sleep=waits.append).transcribe(_sound(), 8000, SPANS, NO_HINTS)
    assert waits == [pytest.approx(30, abs=2)] * 2


@pytest.mark.parametrize("told", ["soon", "nan", ""])
def test_a_wait_that_cannot_be_read_is_ours(speech_service: SpeechService, told: str) -> None:
    speech_service.says({"error": "slow down"}, 429, Retry_After=told)
    waits: list[float] = []
    with pytest.raises(RemoteUnreachable):
        Remote(Outfit(remote=speech_service.remote()), sleep=waits.append).transcribe(_sound(), 8000, SPANS, NO_HINTS)
    assert waits == list(remote_wire.WAITS_S)


def test_a_service_that_wants_to_be_left_alone_for_long_is(speech_service: SpeechService) -> None:
    speech_service.says({"error": "slow down"}, 429, Retry_After="3600")
    with pytest.raises(RemoteUnreachable, match="it asks to wait 3600 s"):
        _hear(speech_service.remote())
    assert len(speech_service.asked) == 1


def test_an_empty_account_is_not_tried_again(speech_service: SpeechService) -> None:
    speech_service.says({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, 429)
    with pytest.raises(RemoteRefused, match="exceeded your quota"):
        _hear(speech_service.remote())
    assert len(speech_service.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RemoteRejected), (401, RemoteRefused), (403, RemoteRefused), (404, RemoteRejected), (302, RemoteRejected)],
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


def test_an_answer_that_drips_is_given_up_in_time_too(speech_service: SpeechService) -> None:
    speech_service.drip_s = 0.1
    speech_service.says(b"x" * 100)
    with pytest.raises(RemoteUnreachable, match=r"no answer within 0\.5 s"):
        Remote(Outfit(remote=speech_service.remote(timeout_s=0.5)), attempts=1).transcribe(
            _sound(), 8000, SPANS, NO_HINTS
        )


def test_an_answer_without_end_is_cut_off(speech_service: SpeechService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_wire, "LARGEST_ANSWER", 1_000_000)
    speech_service.says(b"x" * 2_000_000)
    with pytest.raises(RemoteAnswerMalformed, match="larger than 1 MB"):
        _hear(speech_service.remote())


def test_a_certificate_that_is_not_trusted_is_said_and_nothing_is_sent(speech_service: SpeechService) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    speech_service.shows(context)
    with pytest.raises(RemoteUntrusted, match="certificate"):
        _hear(speech_service.remote(url=speech_service.url.replace("http:", "https:")))
    assert speech_service.asked == []


def test_a_service_that_is_not_there_is_said() -> None:
    with pytest.raises(RemoteUnreachable, match=r"127\.0\.0\.1:9"):
        _hear(RemoteService(url="http://127.0.0.1:9/v1", model="x"))


# ---- choosing -------------------------------------------------------------------------------------------------------


def test_auto_never_means_it_unless_the_owner_said_so(speech_service: SpeechService) -> None:
    assert plugins.best_available(Outfit(remote=speech_service.remote())) != "remote"
    assert plugins.best_available(Outfit(remote=speech_service.remote(is_in_auto=True))) == "remote"


def test_chosen_without_a_service_it_says_where_to_name_one() -> None:
    with pytest.raises(RemoteNotSet, match="Remote service"):
        plugins.load("remote", Outfit())


def test_the_vocabulary_is_told_in_whole_phrases(speech_service: SpeechService) -> None:
    phrases = tuple(f"phrase number {n}" for n in range(100))
    _hear(speech_service.remote(), Hints(phrases=phrases))
    (prompt,) = speech_service.asked[0].fields["prompt"]
    assert len(prompt) <= MOST_PROMPT
    assert set(prompt.split(", ")) <= set(phrases)
    assert prompt.count(",") > 30


def test_it_is_no_choice_until_a_service_is_set(speech_service: SpeechService) -> None:
    assert "remote" not in plugins.available(Outfit())
    engine = plugins.load("remote", Outfit(remote=speech_service.remote()))
    assert engine.model == f"whisper-1 at 127.0.0.1:{speech_service.port}"
