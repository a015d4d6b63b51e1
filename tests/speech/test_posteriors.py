from itertools import pairwise

import pytest

from aftercall.speech.posteriors import confidences


def test_a_surer_word_is_surer() -> None:
    found = confidences([0.0, 0.2, 0.5, 0.8, 1.0], [0.3] * 5)
    assert all(before < after for before, after in pairwise(found))
    assert all(0 < each < 1 for each in found)


def test_a_word_among_sure_words_is_surer() -> None:
    assert confidences([0.5, 0.9], [0.3, 0.3])[0] > confidences([0.5, 0.1], [0.3, 0.3])[0]


def test_long_words_count_for_more_of_their_company() -> None:
    assert confidences([0.5, 0.9, 0.1], [0.3, 0.9, 0.1])[0] > confidences([0.5, 0.9, 0.1], [0.3, 0.1, 0.9])[0]


@pytest.mark.parametrize(("posterior", "right"), [(0.1, 0.13), (0.5, 0.5), (0.95, 0.9)])
def test_the_scale_is_the_measured_one(posterior: float, right: float) -> None:
    """The share of right words among those of stretches that are as sure as they are."""
    assert confidences([posterior], [0.3])[0] == pytest.approx(right, abs=0.03)


def test_no_words_have_no_confidences() -> None:
    assert confidences([], []) == []
