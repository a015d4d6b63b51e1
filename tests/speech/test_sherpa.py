from itertools import pairwise

import numpy as np
import pytest
from tests.fixtures.sounds import babble, hiss, silence

from aftercall.model import Span
from aftercall.speech.engines.sherpa import Heard, batches, cut, is_silent, ready, spread, words

SPAN = Span(start_s=10.0, end_s=13.0)


def heard(*tokens: tuple[str, float, float], probabilities: tuple[float, ...] = ()) -> Heard:
    texts, starts_s, durations_s = zip(*tokens, strict=True)
    return Heard(
        text="".join(texts).strip(),
        tokens=texts,
        starts_s=starts_s,
        durations_s=durations_s,
        log_probs=tuple(float(np.log(each)) for each in probabilities),
    )


def test_a_token_with_a_space_begins_a_word_and_the_others_go_on_with_it() -> None:
    found = words(heard((" call", 0.4, 0.2), ("ing", 0.6, 0.3), ("\u2581you", 1.2, 0.3)), SPAN)
    assert [(word.text, word.start_s, word.end_s) for word in found] == [("calling", 10.4, 10.9), ("you", 11.2, 11.5)]


def test_a_first_token_without_a_space_is_a_word_too() -> None:
    assert [word.text for word in words(heard(("o", 0.0, 0.1), ("h", 0.1, 0.1), (" yes", 0.5, 0.2)), SPAN)] == [
        "oh",
        "yes",
    ]


def test_a_space_that_comes_as_a_token_of_its_own_is_no_part_of_the_word() -> None:
    (word,) = words(heard((" ", 0.2, 0.1), ("Zoë", 0.8, 0.2)), SPAN)
    assert (word.text, word.start_s) == ("Zoë", 10.8)


def test_punctuation_stays_with_its_word_but_does_not_lengthen_it() -> None:
    found = words(heard((" bye", 0.4, 0.2), (".", 2.0, 0.4)), SPAN)
    assert [(word.text, word.end_s) for word in found] == [("bye.", 10.6)]


def test_what_is_no_word_is_left_out() -> None:
    found = words(heard((" -", 0.1, 0.1), (" ♪", 0.3, 0.1), (" 5", 0.5, 0.1), (" %", 0.7, 0.1)), SPAN)
    assert [word.text for word in found] == ["5", "%"]


def test_confidence_is_the_geometric_mean_of_the_tokens() -> None:
    found = words(heard((" call", 0.4, 0.2), ("ing", 0.6, 0.3), probabilities=(0.9, 0.4)), SPAN)
    assert found[0].confidence == pytest.approx(0.6, abs=0.001)


def test_without_log_probs_there_is_no_confidence() -> None:
    assert words(heard((" yes", 0.4, 0.2)), SPAN)[0].confidence is None


def test_without_durations_a_token_lasts_to_the_next_one_but_not_across_a_pause() -> None:
    said = Heard(text="a b c", tokens=(" a", " b", " c"), starts_s=(0.0, 0.3, 2.9))
    assert [(word.start_s, word.end_s) for word in words(said, SPAN)] == [(10.0, 10.3), (10.3, 10.8), (12.9, 13.0)]


@pytest.mark.parametrize(
    "tokens",
    [
        [(" a", 0.5, 0.0), (" b", 0.5, 0.0), (" c", 0.5, 0.0)],
        [(" a", 0.5, 2.0), (" b", 0.7, 0.4), (" c", 0.8, 9.0)],
        [(" a", 2.9, 0.3), (" b", 3.0, 0.3), (" c", 3.1, 0.3)],
        [(" a", 1.0, 0.1), (" b", 0.2, 0.1), (" c", 0.1, 0.1)],
        [(f" w{number}", 1.0, 0.1) for number in range(400)],
    ],
    ids=["all at once", "overlapping", "beyond the end", "backwards", "more than there is room for"],
)
def test_words_ascend_apart_and_inside_their_span_whatever_the_model_says(
    tokens: list[tuple[str, float, float]],
) -> None:
    found = words(heard(*tokens), SPAN)
    assert [word.text for word in found] == [text.strip() for text, _, _ in tokens]
    assert found[0].start_s >= SPAN.start_s
    assert found[-1].end_s <= SPAN.end_s
    assert all(word.start_s < word.end_s for word in found)
    assert all(first.end_s <= second.start_s for first, second in pairwise(found))


def test_text_without_times_is_spread_over_the_span_by_length_and_has_no_confidence() -> None:
    found = words(Heard(text=" Of course - sure."), SPAN)
    assert [(word.text, word.start_s, word.end_s) for word in found] == [
        ("Of", 10.0, 10.562),
        ("course", 10.562, 11.875),
        ("sure.", 11.875, 13.0),
    ]
    assert {word.confidence for word in found} == {None}


def test_nothing_heard_gives_no_words() -> None:
    assert words(Heard(text=""), SPAN) == spread(["-", "..."], SPAN) == []


def test_batches_hold_stretches_of_about_the_same_length_and_every_one_once() -> None:
    lengths = [20.0, 1.0, 19.0, 0.5, 21.0, 1.5, 0.1, 22.0]
    groups = list(batches(lengths, total_s=45))
    assert sorted(index for group in groups for index in group) == list(range(8))
    assert groups[0] == [7, 4]
    assert groups[1] == [0, 2]
    assert {index for group in groups[2:] for index in group} == {1, 3, 5, 6}


def test_a_batch_is_bounded_with_its_padding() -> None:
    lengths = [float(length) for length in np.random.default_rng(3).uniform(0.1, 30, 500)]
    for group in batches(lengths, total_s=100):
        assert len(group) * max(lengths[index] for index in group) <= 100


def test_one_stretch_longer_than_a_batch_is_a_batch() -> None:
    assert list(batches([200.0, 1.0], total_s=100)) == [[0], [1]]


def test_a_span_short_enough_is_not_cut() -> None:
    assert cut(babble(5), 8000, Span(start_s=0, end_s=5), 30) == [Span(start_s=0, end_s=5)]


def test_a_long_span_is_cut_in_its_pauses() -> None:
    sound = np.concatenate([babble(8), hiss(0.5, level_dbfs=-60), babble(8), hiss(0.5, level_dbfs=-60), babble(3)])
    pieces = cut(sound, 8000, Span(start_s=0, end_s=20), 10)
    assert [piece.end_s for piece in pieces] == [pytest.approx(8.25, abs=0.25), pytest.approx(16.75, abs=0.25), 20]
    assert all(first.end_s == second.start_s for first, second in pairwise(pieces))


def test_a_span_past_the_end_of_the_sound_is_cut_all_the_same() -> None:
    pieces = cut(babble(5), 8000, Span(start_s=0, end_s=95), 30)
    assert pieces[-1].end_s == 95
    assert all(piece.end_s - piece.start_s <= 30 for piece in pieces)


def test_silence_is_silent_with_a_constant_offset_too() -> None:
    assert is_silent(silence(1))
    assert is_silent(silence(1) + np.float32(0.01))
    assert is_silent(silence(0))
    assert not is_silent(hiss(1, level_dbfs=-55))


def test_sound_is_brought_to_16_khz_and_to_a_length_the_models_take() -> None:
    assert ready(babble(2), 8000).shape == (32000,)
    assert ready(babble(0.01), 8000).shape == (6400,)
    assert ready(babble(1, rate_hz=16000), 16000).dtype == np.float32
