from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.model import Turn, Word
from aftercall.speech.retimed import retimed

TEXTS = st.lists(st.sampled_from(["yes", "no", "We", "don't", "know.", "call", "-", "five"]), max_size=12).map(" ".join)


def _turn(text: str, *, start_s: float = 10.0, end_s: float | None = None) -> Turn:
    """Each word is 0.4 s long, with 0.1 s before the next."""
    words = tuple(
        Word(text=word, start_s=start_s + n * 0.5, end_s=start_s + n * 0.5 + 0.4, confidence=0.3)
        for n, word in enumerate(text.split())
    )
    ends = end_s if end_s is not None else (words[-1].end_s if words else start_s)
    return Turn(speaker="A", role=None, start_s=start_s, end_s=ends, text=text, words=words)


def _times(words: tuple[Word, ...]) -> list[tuple[str, float, float]]:
    return [(word.text, round(word.start_s, 2), round(word.end_s, 2)) for word in words]


def test_words_that_stay_keep_their_times_and_confidence() -> None:
    made = retimed(_turn("we fall you back"), "We call you back.")
    assert _times(made)[2:] == [("you", 11.0, 11.4), ("back.", 11.5, 11.9)]
    assert [word.confidence for word in made] == [0.3, None, 0.3, 0.3]


def test_a_new_word_takes_the_time_of_the_one_it_replaces() -> None:
    assert _times(retimed(_turn("we fall you back"), "we call you back"))[1] == ("call", 10.5, 10.9)


def test_two_words_for_one_share_its_time_by_their_length() -> None:
    assert _times(retimed(_turn("the weissmann boiler"), "the Vaillant man boiler"))[1:3] == [
        ("Vaillant", 10.5, 10.79),
        ("man", 10.79, 10.9),
    ]


def test_an_added_word_fills_the_gap() -> None:
    assert _times(retimed(_turn("call Monday"), "call on Monday"))[1] == ("on", 10.4, 10.5)


def test_words_added_at_the_end_go_as_far_as_the_turn() -> None:
    assert _times(retimed(_turn("call me", end_s=12.9), "call me back"))[2] == ("back", 10.9, 12.9)


def test_a_turn_without_words_gives_its_whole_time_to_the_new_ones() -> None:
    assert _times(retimed(_turn("", end_s=12.0), "yes sure")) == [("yes", 10.0, 10.86), ("sure", 10.86, 12.0)]


def test_nothing_said_has_no_words() -> None:
    assert retimed(_turn("we call you"), "") == ()


@given(TEXTS, TEXTS)
def test_there_is_one_word_for_each_of_the_text_in_order_and_inside_the_turn(before: str, after: str) -> None:
    turn = _turn(before, end_s=20.0)
    made = retimed(turn, after)
    assert [word.text for word in made] == after.split()
    assert all(word.start_s <= word.end_s for word in made)
    assert all(one.start_s <= other.start_s + 1e-9 for one, other in pairwise(made))
    assert all(turn.start_s <= word.start_s <= word.end_s <= turn.end_s + 1e-9 for word in made)


@pytest.mark.parametrize("text", ["", "We call you back.", "a"])
def test_the_same_text_keeps_every_word(text: str) -> None:
    turn = _turn(text)
    assert retimed(turn, text) == turn.words
