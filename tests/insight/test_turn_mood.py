"""How turns felt: the head and the rules together, the words that did it, and what people say of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from bench.insight import felt, macro_f1, read
from bench.noise import Mishearing, plain

from aftercall.insight import vectors
from aftercall.insight.head import FIGURES, Head
from aftercall.insight.rules import score_text
from aftercall.insight.safetensors import Floats
from aftercall.insight.turn_mood import (
    HEAD_SHARE,
    NOTHING_FELT,
    SAID_SCORE,
    TrainedJudge,
    corrected,
    feel,
    pieces_of,
)
from aftercall.insight.vectors import SIZE

OWN_TURNS = Path(__file__).parents[1] / "data" / "mood_turns.tsv"


class TwoWords:
    """Vectors that see only two words, unknown to the rules: `blorp`, which is bad, and `zang`, which is good."""

    name = "two words"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> Floats:
        self.seen.extend(texts)
        made = np.zeros((len(texts), SIZE), np.float32)
        made[:, 0] = ["blorp" in text for text in texts]
        made[:, 1] = ["zang" in text for text in texts]
        return made


@pytest.fixture
def judge() -> TrainedJudge:
    """Sure of a mood where it sees its word, else that there is none."""
    weights = np.zeros((3, SIZE + FIGURES + 1), np.float32)
    weights[0, 0], weights[2, 1], weights[1, -1] = 40, 40, 20
    return TrainedJudge(vectors=TwoWords(), head=Head(weights=weights, name="test"))


PLAIN = "the blue van stands at the corner of the long street near the old mill"


def test_a_score_is_four_fifths_the_heads_and_one_fifth_the_rules(judge: TrainedJudge) -> None:
    text = "It is blorp and nobody called me back."
    (made,) = feel([text], judge)
    assert made.score == pytest.approx(-HEAD_SHARE + (1 - HEAD_SHARE) * score_text(text).score, abs=1e-6)
    assert made.shown.label == "negative"
    assert made.shown.score == round(5 * made.score, 1)


def test_without_vectors_the_rules_judge_alone() -> None:
    (made,) = feel(["It is blorp and nobody called me back."], None)
    assert made.score == score_text("It is blorp and nobody called me back.").score


def test_the_words_of_the_rules_are_the_evidence_where_they_have_any(judge: TrainedJudge) -> None:
    (made,) = feel(["It is blorp and nobody called me back."], judge)
    assert made.shown.evidence == ("nobody called",)


def test_the_words_without_which_the_mood_goes_away_are_the_evidence(judge: TrainedJudge) -> None:
    (made,) = feel([f"{PLAIN}, it was a blorp day, {PLAIN}"], judge)
    assert made.shown.label == "negative"
    (evidence,) = made.shown.evidence
    assert "blorp" in evidence
    assert len(evidence.split()) <= 6


def test_a_mood_of_the_line_as_a_whole_has_no_words(judge: TrainedJudge) -> None:
    # Left out here, it still stands there.
    (made,) = feel(["blorp one two blorp three four blorp five six"], judge)
    assert (made.shown.label, made.shown.evidence) == ("negative", ())


def test_in_a_long_turn_the_sentence_that_is_most_of_its_mind_is_looked_at(judge: TrainedJudge) -> None:
    (made,) = feel([f"{PLAIN}. {PLAIN} again. We had a blorp week."], judge)
    assert made.shown.evidence == ("We had a blorp week",) or "blorp" in " ".join(made.shown.evidence)
    assert not any("mill" in words for words in made.shown.evidence)


def test_plain_turns_cost_no_search_for_evidence(judge: TrainedJudge) -> None:
    feel([PLAIN, f"{PLAIN} again"], judge)
    assert isinstance(judge.vectors, TwoWords)
    assert judge.vectors.seen == [PLAIN, f"{PLAIN} again"]


def test_a_text_said_twice_is_judged_once(judge: TrainedJudge) -> None:
    made = feel(["a blorp day", PLAIN, "a blorp day"], judge)
    assert made[0] == made[2]
    assert isinstance(judge.vectors, TwoWords)
    assert judge.vectors.seen.count("a blorp day") == 1


@pytest.mark.parametrize("text", ["", "blorp", "blorp thing", "[card]", "Thank you for calling, how can I help you?"])
def test_what_cannot_tell_a_mood_is_not_judged(judge: TrainedJudge, text: str) -> None:
    assert feel([text], judge) == [NOTHING_FELT]


def test_a_long_turn_with_a_zang_and_a_blorp_sentence_is_mixed_and_shows_both(judge: TrainedJudge) -> None:
    (made,) = feel([f"{PLAIN}. It was a zang day. {PLAIN}. It was a blorp night."], judge)
    assert made.shown.label == "mixed"
    assert made.shown.evidence == ("It was a zang day", "It was a blorp night")


def test_a_speech_is_the_mean_of_its_sentences_by_their_words(judge: TrainedJudge) -> None:
    text = ". ".join([PLAIN, PLAIN, PLAIN, PLAIN, "one two three four blorp"])  # 4 x 15 + 5 words
    (made,) = feel([text], judge)
    assert made.score == pytest.approx(-HEAD_SHARE * 5 / 65, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a b c d", ["a b c", "d"]),
        ("one two three, four five six seven", ["one two three,", "four five six", "seven"]),
        ("", []),
    ],
)
def test_a_turn_is_cut_into_pieces(text: str, pieces: list[str]) -> None:
    assert pieces_of(text) == pieces


def test_a_long_turn_has_few_pieces() -> None:
    assert len(pieces_of("word " * 60)) == 8


# ---- what people say ------------------------------------------------------------------------------------------------


def test_what_a_person_says_wins(judge: TrainedJudge) -> None:
    (made,) = feel(["a blorp  day"], judge)
    said = corrected("a blorp  day", made, {"a blorp day": "positive"})
    assert (said.score, said.shown.label, said.shown.score) == (SAID_SCORE, "positive", 2.5)
    assert said.shown.is_corrected
    assert said.shown.evidence == ()


def test_who_agrees_changes_no_figure(judge: TrainedJudge) -> None:
    (made,) = feel(["a blorp day"], judge)
    said = corrected("a blorp day", made, {"a blorp day": "negative"})
    assert (said.score, said.shown.evidence) == (made.score, made.shown.evidence)
    assert said.shown.is_corrected


def test_other_turns_stay_as_they_are(judge: TrainedJudge) -> None:
    (made,) = feel(["a blorp day"], judge)
    assert corrected("a blorp day", made, {"another": "positive"}) is made


# ---- the judges as they are shipped ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("word_errors", "at_least"), [(None, 0.80), (0.0, 0.75), (0.3, 0.60)])
def test_the_mood_of_our_own_turns_is_mostly_right(word_errors: float | None, at_least: float) -> None:
    """Thirty turns, as written, in lower case, and with words wrong. Their author knew the rules: it proves little."""
    network = vectors.find()
    assert network is not None
    turns = read(OWN_TURNS)
    vocabulary = {word for text in turns.texts for word in plain(text).split()}
    hearing = Mishearing(vocabulary, seed=20)
    texts = turns.texts if word_errors is None else [hearing.hear(text, word_errors) for text in turns.texts]
    assert macro_f1(turns.labels, felt(texts, network)) >= at_least


def test_facts_without_a_word_of_the_rules_are_told_with_their_words() -> None:
    network = vectors.find()
    assert network is not None
    from aftercall.insight import head

    judge = TrainedJudge(vectors=network, head=head.find())
    for text in ("You have been so kind and patient with my mother", "I feel completely ignored by your people"):
        (made,) = feel([text], judge)
        assert made.shown.label != "neutral"
        assert all(words in text for words in made.shown.evidence)
