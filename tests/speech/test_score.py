import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.speech.score import Piece, fold, folded, word_diff, word_errors

WORDS = st.lists(st.sampled_from(["yes", "no", "We", "don't", "know.", "call", "-", "five"]), max_size=12).map(" ".join)


@pytest.mark.parametrize(
    ("reference", "heard", "counts"),
    [
        ("we call you back", "we call you back", (0, 0, 0)),
        ("We call, you back!", "we call you back", (0, 0, 0)),
        ("we call you back", "we fall you back", (1, 0, 0)),
        ("we call you back", "we you back", (0, 1, 0)),
        ("we call you back", "we will call you back", (0, 0, 1)),
        ("don\u2019t", "don't", (0, 0, 0)),
        ("", "who said that", (0, 0, 3)),
    ],
)
def test_word_errors_are_counted(reference: str, heard: str, counts: tuple[int, int, int]) -> None:
    found = word_errors(reference, heard)
    assert (found.substitutions, found.deletions, found.insertions) == counts


def test_the_rate_is_of_the_reference_and_may_exceed_one() -> None:
    assert word_errors("yes", "no no no").rate == 3.0
    assert word_errors("", "no").rate is None


@given(WORDS, WORDS)
def test_a_comparison_holds_both_texts(before: str, after: str) -> None:
    pieces = word_diff(before, after)
    old = " ".join(piece.text for piece in pieces if piece.kind != "added")
    new = " ".join(piece.text for piece in pieces if piece.kind != "removed")
    assert [fold(word) for word in old.split()] == [fold(word) for word in before.split()]
    assert new.split() == after.split()


@given(WORDS)
def test_a_text_agrees_with_itself(text: str) -> None:
    assert word_errors(text, text).wrong == 0
    assert [piece.kind for piece in word_diff(text, text)] == ["same"] * bool(text.split())


def test_what_was_removed_stands_before_what_was_added() -> None:
    assert word_diff("I will call you Monday then", "I will ring you on Monday then") == [
        Piece(kind="same", text="I will"),
        Piece(kind="removed", text="call"),
        Piece(kind="added", text="ring"),
        Piece(kind="same", text="you"),
        Piece(kind="added", text="on"),
        Piece(kind="same", text="Monday then"),
    ]


def test_a_lone_punctuation_mark_is_no_word() -> None:
    assert folded("well - \u201cyes\u201d, ... e-mail") == ["well", "yes", "e-mail"]
