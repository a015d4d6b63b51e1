"""This file tests what the rules make of single sentences; the sentences are our own."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.insight.phrases import NO_MOOD, OWN_WORDS, PATTERNS
from aftercall.insight.rules import score_text, words_of


def phrases(text: str, *, positive: bool) -> list[str]:
    return [found.phrase for found in score_text(text).evidence if found.is_positive is positive]


def test_one_phrase_scores_its_weight_over_vaders_root() -> None:
    assert score_text("It doesn't work.").score == pytest.approx(-2.0 / math.sqrt(2.0**2 + 15), abs=1e-3)


@pytest.mark.parametrize(
    "text",
    [
        "My line has been dead since Sunday and nobody came.",
        "I already explained all of this to your colleague.",
        "You people billed me twice.",
        "Put me through to your manager.",
        "I'm afraid we cannot refund the ticket.",
        "this is a total waste of time",
    ],
)
def test_complaints_without_a_word_of_feeling_are_negative(text: str) -> None:
    assert score_text(text).score < -0.25


@pytest.mark.parametrize(
    "text",
    [
        "That fixed it.",
        "Everything is working again.",
        "You went above and beyond for us.",
        "It was much cheaper than I expected.",
        "thank you so much",
        "We can waive the fee.",
    ],
)
def test_relief_without_a_word_of_feeling_is_positive(text: str) -> None:
    assert score_text(text).score > 0.25


def test_a_negated_mood_turns_round() -> None:
    assert score_text("I am happy.").score > 0.25
    assert score_text("I am not happy.").score < -0.25
    assert score_text("That is not bad at all.").score > 0.25


@pytest.mark.parametrize("text", ["I don't like this.", "I dont like this", "I do not like this", "I don’t like this"])
def test_a_contraction_counts_however_it_is_written(text: str) -> None:
    assert score_text(text).score == pytest.approx(score_text("I don't like this").score)
    assert score_text(text).score < -0.25


def test_a_no_that_answers_does_not_negate_the_sentence() -> None:
    assert score_text("No, that is wonderful.").score > 0.25


def test_degree_counts() -> None:
    assert score_text("I am very angry.").score < score_text("I am angry.").score


def test_a_question_counts_less_than_a_statement() -> None:
    asked, said = score_text("Is it a terrible noise?").score, score_text("It is a terrible noise.").score
    assert -0.25 < asked < 0
    assert said < -0.25


def test_a_question_without_punctuation_is_known_by_its_beginning() -> None:
    assert score_text("is it a terrible noise").score == score_text("Is it a terrible noise?").score


def test_a_question_that_is_a_complaint_counts_in_full() -> None:
    assert score_text("Are you kidding me?").score < -0.25


@pytest.mark.parametrize(
    "text",
    [
        "Thank you for calling Example Dental, how can I help you?",
        "Good morning.",
        "You're welcome, have a wonderful day.",
        "I'd be happy to look that up.",
        "What is the best number to reach you?",
        "I would like to pay my deposit by credit card, please.",
        "Yes, sure, my insurance should cover the damage.",
        "The fraud department is free at nine.",
        "No problem.",
        "That is spelled L O L.",
    ],
)
def test_politeness_and_trade_words_are_no_mood(text: str) -> None:
    assert -0.25 <= score_text(text).score <= 0.25


@pytest.mark.parametrize("text", ["This is bullshit.", "what the fuck", "Oh damn.", "He is an asshole."])
def test_swear_words_are_negative(text: str) -> None:
    assert score_text(text).score < -0.25


def test_the_evidence_is_the_phrase_as_it_was_said() -> None:
    assert phrases("Well, the technician Never Showed Up.", positive=False) == ["Never Showed Up"]


def test_the_evidence_of_a_negated_word_names_the_negation() -> None:
    assert phrases("I am not really happy.", positive=False) == ["not really happy"]
    assert phrases("I am not really happy.", positive=True) == []


def test_the_evidence_keeps_the_order_of_speech() -> None:
    found = [piece.phrase for piece in score_text("You are rude, it doesn't work, and I am furious.").evidence]
    assert found == ["rude", "doesn't work", "furious"]


def test_every_sentence_has_its_own_score() -> None:
    first, second = score_text("I love the machine. The delivery was awful.").sentences
    assert first > 0.25
    assert second < -0.25


def test_redacted_spans_are_not_words() -> None:
    assert words_of("my number is [terrible card number] thanks") == ["my", "number", "is", "thanks"]
    assert score_text("my number is [terrible card number] thanks").score == 0


def test_no_text_has_no_score_and_no_evidence() -> None:
    nothing = score_text("")
    assert (nothing.score, nothing.sentences, nothing.evidence) == (0.0, (), ())


def test_the_lists_do_not_contradict_each_other() -> None:
    assert not NO_MOOD & OWN_WORDS.keys()
    every = [pattern for _, patterns in PATTERNS for pattern in patterns]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("text", ["[" * 50_000, "not good " * 20_000, "x" * 300_000, "don't keep " * 10_000 + "?"])
def test_a_monstrous_text_is_scored_in_seconds(text: str) -> None:
    started = time.monotonic()
    assert -1 <= score_text(text).score <= 1
    assert time.monotonic() - started < 60


VOCABULARY = st.sampled_from(
    [
        "not", "never", "I", "waiting", "for", "hours", "doesn't", "work", "great", "terrible", "but", "very", "no",
        "GOOD", "thank you", "so much", "?", ".", "!", "happy", "[card]", "nobody", "called", "least", "kind of",
        "to die for", "’", "wasn’t",
    ]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(VOCABULARY, max_size=90).map(" ".join)))
def test_any_text_scores_between_minus_one_and_one(text: str) -> None:
    result = score_text(text)
    assert all(-1 <= score <= 1 for score in (result.score, *result.sentences))
    assert all(found.phrase for found in result.evidence)
