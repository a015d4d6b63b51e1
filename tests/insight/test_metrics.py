"""The figures of a call: what each says, and when it says nothing."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.insight.metrics import NEEDS_STEREO, NO_SPEECH, NO_TIMES, NOT_SEPARATED, measure, merged
from aftercall.model import (
    CallFacts,
    NonSpeech,
    Role,
    Span,
    SpeakerSeparation,
    SpeechSpan,
    Transcript,
    Turn,
    Word,
)

FACTS = CallFacts(answered_after_s=0.5)
ROLES: dict[str, Role] = {"A": "agent", "B": "customer"}


def turn(speaker: str, start_s: float, end_s: float, text: str, *, loudness: float | None = None) -> Turn:
    words = text.split()
    step = (end_s - start_s) / len(words)
    return Turn(
        speaker=speaker,
        role=ROLES.get(speaker),
        start_s=start_s,
        end_s=end_s,
        text=text,
        words=tuple(
            Word(text=word, start_s=start_s + n * step, end_s=start_s + (n + 1) * step) for n, word in enumerate(words)
        ),
        loudness=loudness,
    )


def call(*turns: Turn, speakers: SpeakerSeparation = "stereo", language: str = "en") -> Transcript:
    return Transcript(
        engine="test",
        model="test",
        language=language,
        speakers=speakers,
        turns=turns,
        speech=tuple(
            SpeechSpan(audio_channel=int(each.speaker == "B"), start_s=each.start_s, end_s=each.end_s) for each in turns
        ),
    )


TALK = call(
    turn("A", 1, 3, "hello this is the office speaking"),
    turn("B", 4, 10, "my boiler is broken and I would like somebody to come and mend it"),
    turn("A", 15, 17, "when did it stop working?"),
    turn("B", 17.5, 19, "on Sunday"),
)


def test_the_figures_of_a_plain_call() -> None:
    made = measure(TALK, FACTS)
    agent, customer = made.parties["agent"], made.parties["customer"]
    assert (made.conversation_ms, made.talk_time_ms) == (18000, 11500)
    assert (agent.talk_time_ms, customer.talk_time_ms) == (4000, 7500)
    assert made.talk_ratio == pytest.approx(4 / 11.5, abs=0.001)
    assert (made.overlap_ms, made.overlaps) == (0, ())
    assert made.silences == (Span(start_s=10, end_s=15),)
    assert (made.silence_ms, made.longest_silence_ms, made.silence_share) == (5000, 5000, 0.278)
    assert (customer.longest, customer.longest_ms) == (Span(start_s=4, end_s=10), 6000)
    assert (agent.response_latency_ms, made.patience_ms) == (5000, 5000)
    assert (customer.response_latency_ms, customer.response_latency_p90_ms) == (750, 950)
    assert made.interactivity == 10.0
    assert (agent.questions_per_10_min, agent.question_turns) == (33.3, (2,))
    assert made.dead_air_start_ms == 500
    assert not made.is_estimated


def interruption(**changed: float) -> Transcript:
    at = {"a_end": 5.8, "b_start": 5.0, "b_end": 8.0} | changed
    return call(
        turn("A", 1, at["a_end"], "let me explain to you how this works with the boiler"),
        turn("B", at["b_start"], at["b_end"], "no listen to me now"),
    )


@pytest.mark.parametrize(
    ("made", "count"),
    [
        (interruption(), 1),
        (interruption(a_end=5.2), 0),  # they touch by less than .3 s
        (interruption(a_end=7.5), 0),  # the agent goes on for more than 2 s
        (interruption(b_start=1.5, a_end=2.5), 0),  # the agent has spoken for less than 1 s
        (interruption(b_start=5.0, b_end=5.9), 0),  # shorter than 1 s
        (call(TALK.turns[0], turn("B", 2.2, 3.5, "okay yeah")), 0),  # two words
        (call(turn("A", 1, 5.8, "let me explain to you"), turn("B", 5, 6.5, "yeah okay right sure")), 0),
    ],
)
def test_an_interruption_is_one_only_by_all_its_marks(made: Transcript, count: int) -> None:
    found = measure(made, FACTS).parties["customer"].interruptions
    assert found is not None
    assert len(found) == count
    assert all(each.start_s == 5.0 for each in found)


@pytest.mark.parametrize("name", ["talk_ratio", "overlap_ms", "patience_ms", "interactivity"])
def test_not_separated_is_none_and_never_zero(name: str) -> None:
    turns = [replace(each, speaker="unknown", role=None) for each in TALK.turns]
    made = measure(call(*turns, speakers="not separated"), FACTS)
    assert getattr(made, name) is None
    assert made.reasons[name] == NOT_SEPARATED
    assert (made.talk_time_ms, made.silence_ms) == (11500, 5000)


def test_not_separated_every_figure_of_a_party_is_none() -> None:
    turns = [replace(each, speaker="unknown", role=None) for each in TALK.turns]
    made = measure(call(*turns, speakers="not separated"), FACTS)
    for party in ("agent", "customer"):
        figures = made.parties[party]
        for name in ("talk_time_ms", "talk_speed", "longest_ms", "response_latency_ms", "interruptions", "filler_words",
                     "questions_per_10_min", "loudness", "raised_turns"):  # fmt: skip
            assert getattr(figures, name) is None
            assert made.reasons[f"{party}.{name}"] == NOT_SEPARATED


def test_separated_voices_are_estimated_and_hide_who_speaks_over_whom() -> None:
    made = measure(replace(TALK, speakers="separated"), FACTS)
    assert made.is_estimated
    assert made.talk_ratio is not None
    assert made.overlap_ms is None
    assert made.reasons["overlap_ms"] == NEEDS_STEREO
    assert made.parties["agent"].interruptions is None
    assert made.reasons["agent.interruptions"] == NEEDS_STEREO


def test_without_roles_there_is_no_share_of_the_agent() -> None:
    made = measure(call(*(replace(each, role=None) for each in TALK.turns)), FACTS)
    assert set(made.parties) == {"A", "B"}
    assert made.talk_ratio is None
    assert "who of the two" in made.reasons["talk_ratio"]


def test_talk_speed_needs_thirty_words() -> None:
    assert measure(TALK, FACTS).parties["agent"].talk_speed is None
    long = call(turn("A", 0, 20, " ".join(["word"] * 40)))
    assert measure(long, FACTS).parties["agent"].talk_speed == 120


def test_digits_count_as_they_are_spoken() -> None:
    spoken = call(turn("A", 0, 20, " ".join(["word"] * 36) + " 4111"))
    assert measure(spoken, FACTS).parties["agent"].talk_speed == 120


def test_a_back_channel_breaks_no_story() -> None:
    made = measure(
        call(turn("B", 0, 10, "it began to leak"), turn("A", 10.5, 11, "mhm"), turn("B", 12, 20, "and then")), FACTS
    )
    assert made.parties["customer"].longest_ms == 20000
    assert made.interactivity == 0


@pytest.mark.parametrize(("announced", "holds"), [("please hold on", 1), ("it is raining", 0)])
def test_a_hold_is_one_that_somebody_announced(announced: str, holds: int) -> None:
    made = measure(call(turn("A", 0, 2, announced), turn("A", 20, 22, "here I am")), FACTS)
    assert len(made.holds) == holds
    assert made.hold_ms == holds * 18000


def test_music_is_a_hold() -> None:
    music = NonSpeech(kind="music", audio_channel=0, start_s=3, end_s=15)
    made = measure(
        replace(call(turn("A", 0, 2, "one moment please"), turn("A", 16, 18, "thanks")), non_speech=(music,)), FACTS
    )
    assert made.hold_ms == 14000


def test_raised_is_six_decibels_above_ones_own_median() -> None:
    levels = (60.0, 61.0, 60.0, 67.0)
    turns = [turn("A", n * 3, n * 3 + 2, "some words here", loudness=each) for n, each in enumerate(levels)]
    figures = measure(call(*turns), FACTS).parties["agent"]
    assert (figures.loudness, figures.raised_turns) == (60.5, (3,))
    few = measure(call(*turns[:2]), FACTS)
    assert few.parties["agent"].raised_turns is None
    assert "agent.raised_turns" in few.reasons


def test_what_is_not_known_has_its_reason() -> None:
    made = measure(replace(TALK, language="de"), CallFacts())
    assert made.dead_air_start_ms is None
    assert "answered" in made.reasons["dead_air_start_ms"]
    for name in ("hold_ms", "questions_per_10_min", "agent.filler_words"):
        assert "language de" in made.reasons[name]


def test_nobody_speaks_or_nobody_gave_times() -> None:
    for transcript, reason in ((call(), NO_SPEECH), (replace(TALK, has_times=False), NO_TIMES)):
        made = measure(transcript, FACTS)
        assert made.conversation_ms is None
        assert made.silence_ms is None
        assert set(made.reasons.values()) == {reason}


def test_old_transcripts_without_speech_are_measured_by_their_words() -> None:
    made = measure(replace(TALK, speech=()), FACTS)
    assert made.parties["agent"].talk_time_ms == 4000


def test_filler_words_are_counted() -> None:
    made = measure(call(turn("B", 0, 4, "um I mean the uh boiler is er broken")), FACTS)
    assert made.parties["customer"].filler_words == 4


_SPANS = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 5)).map(lambda each: Span(start_s=each[0], end_s=sum(each)))
)


@given(_SPANS)
def test_merged_speech_is_in_order_and_apart(spans: list[Span]) -> None:
    made = merged(spans)
    assert all(before.end_s < after.start_s for before, after in pairwise(made))
    assert merged(made) == made


@given(st.lists(st.tuples(st.sampled_from("AB"), st.floats(0, 60), st.floats(0.2, 9)), min_size=1, max_size=8))
def test_parts_never_exceed_the_whole(said: list[tuple[str, float, float]]) -> None:
    made = measure(
        call(*(turn(who, at, at + length, "so many words") for who, at, length in sorted(said, key=lambda x: x[1]))),
        FACTS,
    )
    if made.conversation_ms is None or made.talk_time_ms is None:
        return
    assert made.talk_time_ms <= made.conversation_ms + 1
    assert (made.silence_ms or 0) + made.talk_time_ms <= made.conversation_ms + len(said) + 1
    assert made.talk_ratio is None or 0 <= made.talk_ratio <= 1
