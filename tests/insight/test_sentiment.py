"""This file tests how turns become the mood of a call."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.insight.rules import score_text
from aftercall.insight.sentiment import score_turns
from aftercall.model import CallSentiment, Role, Turn, TurnSentiment, Word

#: Twenty words without any mood.
FILLER = "the blue van stands at the corner of the long street near the old mill by the river in town"
ANGRY = "it doesn't work and nobody called me back"  # 8 words
GLAD = "that fixed it and thank you so much"  # 8 words


def turn(
    text: str,
    start_s: float = 0.0,
    end_s: float = 0.0,
    *,
    role: Role | None = None,
    speaker: str = "A",
    confidence: float | None = None,
) -> Turn:
    words = tuple(
        Word(text=word, start_s=start_s, end_s=end_s, confidence=confidence)
        for word in (text.split() if confidence is not None else ())
    )
    return Turn(speaker=speaker, role=role, start_s=start_s, end_s=end_s, text=text, words=words)


def mood(*turns: Turn, language: str = "en", is_low_accuracy: bool = False) -> CallSentiment:
    return score_turns(turns, language=language, is_low_accuracy=is_low_accuracy).sentiment


def turn_mood(text: str) -> TurnSentiment:
    return score_turns([turn(text)], language="en", is_low_accuracy=False).turns[0]


# ---- a turn ---------------------------------------------------------------------------------------------------------


def test_a_turn_shows_five_times_the_inner_score() -> None:
    felt = turn_mood("It doesn't work.")
    assert (felt.label, felt.score, felt.evidence) == ("negative", -2.3, ("doesn't work",))


def test_a_happy_turn_is_positive() -> None:
    assert turn_mood("That fixed it, thank you so much!").label == "positive"


def test_a_plain_turn_is_neutral_without_evidence() -> None:
    assert turn_mood(FILLER) == TurnSentiment(label="neutral", score=0.0, evidence=())


@pytest.mark.parametrize("text", ["", "uh huh", "Joy Winner", "Good morning."])
def test_a_very_short_turn_is_neutral(text: str) -> None:
    assert turn_mood(text) == TurnSentiment(label="neutral", score=0.0, evidence=())


@pytest.mark.parametrize(
    ("text", "label"), [("Oh, perfect!", "positive"), ("Terrible.", "negative"), ("Damn it", "negative")]
)
def test_a_very_short_turn_with_a_telling_word_counts(text: str, label: str) -> None:
    assert turn_mood(text).label == label


LONG_BOTH = f"I love the new machine, it is wonderful. The delivery was awful and the driver was rude. {FILLER}."


def test_a_long_turn_with_a_good_and_a_bad_sentence_is_mixed_and_shows_both() -> None:
    felt = turn_mood(LONG_BOTH)
    assert felt.label == "mixed"
    assert {"love", "wonderful", "awful", "rude"} <= set(felt.evidence)


def test_a_short_turn_is_never_mixed() -> None:
    assert turn_mood("I love it. You are awful.").label != "mixed"


def test_a_turn_shows_only_the_evidence_of_its_own_direction() -> None:
    felt = turn_mood("It is a nice phone but the service is awful, horrible and a disgrace.")
    assert felt.label == "negative"
    assert "nice" not in felt.evidence
    assert {"awful", "horrible"} <= set(felt.evidence)


def test_there_is_one_turn_sentiment_per_turn_in_order() -> None:
    made = score_turns([turn(ANGRY), turn(FILLER), turn(GLAD)], language="en", is_low_accuracy=False)
    assert [felt.label for felt in made.turns] == ["negative", "neutral", "positive"]


# ---- the call -------------------------------------------------------------------------------------------------------


def test_the_score_weighs_length_up_to_twenty_words_and_the_end_of_the_call() -> None:
    # Turn 1: 8 words, middle at 10 of 100 s: weight 8 x 0.6 = 4.8.
    # Turn 2: 40 words, which count as 20, middle at 75 of 100 s: weight 20 x 1.25 = 25.
    felt = mood(turn(ANGRY, 0, 20), turn(f"{FILLER} {FILLER}", 50, 100))
    assert felt.score == round(5 * 4.8 * score_text(ANGRY).score / 29.8, 2)


def test_a_bad_end_weighs_more_than_a_bad_start() -> None:
    early = mood(turn(ANGRY, 0, 10), turn(FILLER, 90, 100))
    late = mood(turn(FILLER, 0, 10), turn(ANGRY, 90, 100))
    assert early.score is not None
    assert late.score is not None
    assert late.score < early.score < 0


def test_the_call_has_the_customers_score_with_the_agents_beside_it() -> None:
    felt = mood(
        turn(f"{ANGRY} {FILLER}", 0, 10, role="customer"), turn(f"{GLAD} {FILLER}", 10, 20, role="agent", speaker="B")
    )
    assert felt.score == felt.parties["customer"]
    assert felt.label == "negative"
    assert set(felt.parties) == {"customer", "agent"}
    assert felt.parties["agent"] is not None
    assert felt.parties["agent"] > 0


def test_one_angry_turn_among_plain_ones_makes_the_call_negative() -> None:
    felt = mood(turn(FILLER, 0, 10), turn(ANGRY, 10, 20), turn(FILLER, 20, 30))
    assert felt.score is not None
    assert -1.25 < felt.score < -0.5
    assert felt.label == "negative"


def test_without_roles_there_is_one_score_for_the_whole_call() -> None:
    felt = mood(turn(f"{ANGRY} {FILLER}", 0, 10, speaker="unknown"), turn(FILLER, 10, 20, speaker="unknown"))
    assert felt.parties == {"whole call": felt.score}


def test_a_silent_agent_has_no_score_but_the_customer_has() -> None:
    felt = mood(turn(f"{ANGRY} {FILLER}", 0, 10, role="customer"), turn("okay then", 10, 20, role="agent"))
    assert felt.score is not None
    assert felt.parties["agent"] is None


@pytest.mark.parametrize("words", [0, 1, 19])
def test_fewer_than_twenty_words_give_no_figure_and_say_why(words: int) -> None:
    felt = mood(turn(" ".join(["awful"] * words), 0, 10))
    assert (felt.score, felt.label, felt.trend, felt.quarters) == (None, None, None, (None,) * 4)
    assert felt.reason == "too little text: fewer than 20 words"
    assert felt.parties == {"whole call": None}


def test_twenty_words_are_enough() -> None:
    felt = mood(turn(FILLER, 0, 10))
    assert (felt.score, felt.label, felt.reason) == (0.0, "neutral", "")


def test_a_talkative_agent_does_not_stand_in_for_a_silent_customer() -> None:
    felt = mood(turn(f"{FILLER} {FILLER}", 0, 10, role="agent"), turn("awful service", 10, 20, role="customer"))
    assert felt.score is None
    assert felt.reason == "too little text: fewer than 20 words"


def test_no_turns_give_no_figure() -> None:
    made = score_turns([], language="en", is_low_accuracy=False)
    assert made.turns == ()
    assert made.sentiment.reason == "too little text: fewer than 20 words"


@pytest.mark.parametrize("language", ["de", "de-AT", "es", ""])
def test_another_language_is_never_scored_as_english(language: str) -> None:
    made = score_turns([turn(f"{ANGRY} {FILLER}")], language=language, is_low_accuracy=False)
    assert made.turns == (TurnSentiment(label=None, score=None, evidence=()),)
    assert (made.sentiment.score, made.sentiment.label, made.sentiment.trend) == (None, None, None)


@pytest.mark.parametrize(
    ("language", "reason"), [("de-AT", "language de-AT is not covered"), ("", "the language is not known")]
)
def test_the_reason_names_the_language(language: str, reason: str) -> None:
    assert mood(turn(FILLER), language=language).reason == reason


@pytest.mark.parametrize("language", ["en", "en-US", "en_GB", "EN"])
def test_every_english_is_covered(language: str) -> None:
    assert mood(turn(FILLER), language=language).reason == ""


def test_the_quarters_divide_the_conversation_not_the_recording() -> None:
    # Speech from 100 s to 140 s, so a quarter is 10 s.
    felt = mood(turn(ANGRY, 100, 110), turn(FILLER, 110, 120), turn("one two three", 120, 130), turn(GLAD, 130, 140))
    angry, glad = round(5 * score_text(ANGRY).score, 2), round(5 * score_text(GLAD).score, 2)
    assert felt.quarters == (angry, 0.0, None, glad)


def test_turns_of_one_quarter_are_weighed_by_length_alone() -> None:
    felt = mood(turn(ANGRY, 0, 1), turn(FILLER, 1, 2), turn(FILLER, 90, 100))
    assert felt.quarters == (round(5 * 8 * score_text(ANGRY).score / 28, 2), None, None, 0.0)


def test_only_the_customers_turns_make_the_quarters() -> None:
    felt = mood(
        turn(f"{ANGRY} {FILLER}", 0, 10, role="customer"),
        turn(FILLER, 10, 20, role="agent"),
        turn(FILLER, 30, 40, role="agent"),
    )
    assert felt.quarters[0] is not None
    assert felt.quarters[1:] == (None, None, None)


@pytest.mark.parametrize(
    ("first", "last", "trend"),
    [(ANGRY, GLAD, "improving"), (GLAD, ANGRY, "declining"), (ANGRY, ANGRY, "steady"), (FILLER, FILLER, "steady")],
)
def test_the_trend_runs_from_the_first_known_quarter_to_the_last(first: str, last: str, trend: str) -> None:
    assert mood(turn(first, 0, 10), turn(FILLER, 20, 30), turn(last, 50, 60)).trend == trend


def test_one_quarter_alone_has_no_trend() -> None:
    assert mood(turn(FILLER, 0, 10)).trend is None


def test_turns_without_times_are_taken_in_their_order() -> None:
    felt = mood(turn(ANGRY), turn(FILLER), turn(FILLER), turn(GLAD))
    assert felt.trend == "improving"
    # Middles at 1/8, 3/8, 5/8 and 7/8 of the call.
    weights = [8 * 0.625, 20 * 0.875, 20 * 1.125, 8 * 1.375]
    expected = 5 * (weights[0] * score_text(ANGRY).score + weights[3] * score_text(GLAD).score) / sum(weights)
    assert felt.score == round(expected, 2)


# ---- how sure we are ------------------------------------------------------------------------------------------------

ENOUGH = f"{FILLER} {FILLER}"


def test_forty_clear_words_of_a_known_speaker_are_sure() -> None:
    assert not mood(turn(ENOUGH, 0, 10, confidence=0.6)).is_low_confidence


@pytest.mark.parametrize(
    "doubtful",
    [turn(FILLER, 0, 10), turn(ENOUGH, 0, 10, speaker="unknown"), turn(ENOUGH, 0, 10, confidence=0.59)],
    ids=["few words", "speakers not separated", "unsure engine"],
)
def test_a_doubtful_transcript_makes_an_uncertain_score(doubtful: Turn) -> None:
    assert mood(doubtful).is_low_confidence


def test_an_engine_of_low_accuracy_makes_an_uncertain_score() -> None:
    assert mood(turn(ENOUGH, 0, 10), is_low_accuracy=True).is_low_confidence


def test_the_customers_words_decide_not_the_agents() -> None:
    felt = mood(turn(FILLER, 0, 10, role="customer"), turn(ENOUGH, 10, 20, role="agent"))
    assert felt.is_low_confidence


def test_the_method_is_named() -> None:
    assert mood(turn(FILLER)).method.startswith("vader 3.3.2 + conversation rules")
    assert mood(turn(FILLER), language="fr").method == mood(turn(FILLER)).method


# ---- properties -----------------------------------------------------------------------------------------------------

TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([ANGRY, GLAD, FILLER, "but", "not", "great.", "Awful!", "Is it?", "[card]"]), max_size=5
    ).map(" ".join),
)
TIMES = st.integers(0, 3600).map(float)


@st.composite
def turns_of_a_call(draw: st.DrawFn) -> list[Turn]:
    turns = []
    for _ in range(draw(st.integers(0, 8))):
        start_s = draw(TIMES)
        role = draw(st.sampled_from((None, "agent", "customer")))
        speaker = draw(st.sampled_from(["A", "B", "unknown"]))
        confidence = draw(st.none() | st.floats(0, 1))
        turns.append(
            turn(draw(TEXTS), start_s, start_s + draw(TIMES), role=role, speaker=speaker, confidence=confidence)
        )
    return turns


@given(turns_of_a_call(), st.booleans())
def test_any_call_is_scored_within_the_scale(turns: list[Turn], is_low_accuracy: bool) -> None:
    made = score_turns(turns, language="en", is_low_accuracy=is_low_accuracy)
    felt = made.sentiment
    assert len(made.turns) == len(turns)
    assert len(felt.quarters) == 4
    shown = [*(one.score for one in made.turns), felt.score, *felt.quarters, *felt.parties.values()]
    assert all(-5 <= score <= 5 for score in shown if score is not None)
    assert (felt.score is None) == (felt.label is None) == bool(felt.reason)
    assert felt.is_low_confidence or not is_low_accuracy


@given(turns_of_a_call(), st.randoms(use_true_random=False))
def test_the_clock_not_the_list_orders_the_turns(turns: list[Turn], chance: Random) -> None:
    timed = [replace(one, end_s=one.end_s + 1) for one in turns]
    shuffled = list(timed)
    chance.shuffle(shuffled)
    before, after = mood(*timed), mood(*shuffled)
    assert after.score == pytest.approx(before.score, abs=0.011)
    assert after.quarters == pytest.approx(before.quarters, abs=0.011)


@given(turns_of_a_call())
def test_a_turn_without_words_changes_nothing_about_the_mood(turns: list[Turn]) -> None:
    timed = [replace(one, end_s=one.end_s + 1) for one in turns]
    silent = [turn("", one.start_s, one.end_s, role=one.role, speaker=one.speaker) for one in timed]
    before, after = mood(*timed), mood(*timed, *silent)
    assert (after.score, after.quarters, after.trend) == (before.score, before.quarters, before.trend)
