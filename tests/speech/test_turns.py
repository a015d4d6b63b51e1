from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.model import Turn, Utterance, Word
from aftercall.speech.turns import MOST_WORDS, is_back_channel, turns


def said(audio_channel: int, start_s: float, text: str, *, word_s: float = 0.3) -> Utterance:
    """Words spoken one right after the other."""
    words = tuple(
        Word(text=each, start_s=round(start_s + at * word_s, 3), end_s=round(start_s + (at + 1) * word_s, 3))
        for at, each in enumerate(text.split())
    )
    end_s = words[-1].end_s if words else start_s + 1
    return Utterance(audio_channel=audio_channel, start_s=start_s, end_s=end_s, words=words)


def shape(found: list[Turn]) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in found]


def stereo(*utterances: Utterance) -> list[tuple[str, str]]:
    return shape(turns(utterances, channels_are_parties=True))


def test_each_audio_channel_is_a_party_and_they_take_turns() -> None:
    assert stereo(said(0, 0, "garden shop hello"), said(1, 2, "i need a new hose"), said(0, 5, "which length")) == [
        ("A", "garden shop hello"),
        ("B", "i need a new hose"),
        ("A", "which length"),
    ]


def test_a_short_pause_does_not_end_a_turn() -> None:
    assert stereo(said(0, 0, "let me see"), said(0, 2.3, "here it is")) == [("A", "let me see here it is")]


def test_a_long_pause_ends_it() -> None:
    assert stereo(said(0, 0, "let me see"), said(0, 2.5, "here it is")) == [("A", "let me see"), ("A", "here it is")]


def test_the_other_party_speaking_ends_it() -> None:
    assert stereo(said(0, 0, "it was on monday"), said(1, 1.2, "no it was tuesday"), said(0, 2.0, "as i said")) == [
        ("A", "it was on monday"),
        ("B", "no it was tuesday"),
        ("A", "as i said"),
    ]


@pytest.mark.parametrize("listening", ["mhm", "yeah", "Okay.", "uh huh", "i see"])
def test_a_back_channel_does_not_take_the_turn(listening: str) -> None:
    assert stereo(said(0, 0, "it was on monday"), said(1, 1.2, listening), said(0, 2.0, "in the morning")) == [
        ("A", "it was on monday in the morning"),
        ("B", listening),
    ]


def test_a_back_channel_that_goes_on_is_an_answer() -> None:
    assert stereo(
        said(0, 0, "it was on monday"),
        said(1, 1.2, "yeah"),
        said(1, 1.9, "i know that"),
        said(0, 2.6, "in the morning"),
    ) == [("A", "it was on monday"), ("B", "yeah i know that"), ("A", "in the morning")]


def test_a_back_channel_does_not_bridge_a_long_pause() -> None:
    assert stereo(said(0, 0, "one moment"), said(1, 1.2, "okay"), said(0, 4, "here i am")) == [
        ("A", "one moment"),
        ("B", "okay"),
        ("A", "here i am"),
    ]


def test_both_may_listen_at_once() -> None:
    assert stereo(said(0, 0, "okay"), said(1, 0.1, "right")) == [("A", "okay"), ("B", "right")]


@pytest.mark.parametrize("text", ["no", "yes", "yeah right sure", "thank you"])
def test_an_answer_is_not_a_back_channel(text: str) -> None:
    assert not is_back_channel(said(0, 0, text).words)


def test_a_monologue_is_cut_at_its_longest_pause() -> None:
    first, second = " ".join(["one"] * 40), " ".join(["two"] * 30)
    found = stereo(said(0, 0, first), said(0, 12.9, second))
    assert found == [("A", first), ("A", second)]


def test_a_monologue_without_pauses_is_cut_in_the_middle() -> None:
    found = turns([said(0, 0, " ".join(["word"] * 100))], channels_are_parties=True)
    assert [len(turn.words) for turn in found] == [50, 50]


def test_sixty_words_may_stay_together() -> None:
    assert len(turns([said(0, 0, " ".join(["word"] * 60))], channels_are_parties=True)) == 1


def test_mixed_parties_give_one_turn_for_each_utterance() -> None:
    found = turns([said(0, 0, "garden shop hello"), said(0, 1.2, "i need a hose")], channels_are_parties=False)
    assert shape(found) == [("unknown", "garden shop hello"), ("unknown", "i need a hose")]


def test_roles_are_given_where_they_are_known() -> None:
    found = turns(
        [said(0, 0, "hello"), said(1, 1, "who is it")], channels_are_parties=True, roles={"A": "agent", "B": "customer"}
    )
    assert [turn.role for turn in found] == ["agent", "customer"]


def test_without_knowledge_there_is_no_role() -> None:
    found = turns([said(0, 0, "hello"), said(1, 1, "who is it")], channels_are_parties=True)
    assert [turn.role for turn in found] == [None, None]


def test_utterances_without_words_leave_no_turn() -> None:
    assert turns([said(0, 0, "")], channels_are_parties=True) == []


def test_the_text_adds_nothing_to_the_words() -> None:
    (turn,) = turns([said(1, 3, "how are you")], channels_are_parties=True)
    assert (turn.text, turn.start_s, turn.end_s) == ("how are you", 3, 3.9)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.floats(0, 3), st.lists(st.sampled_from(["mhm", "okay", "hose"]), max_size=90)),
        max_size=12,
    ),
    st.booleans(),
)
def test_every_word_is_in_exactly_one_turn(parts: list[tuple[int, float, list[str]]], is_stereo: bool) -> None:
    utterances, at = [], [0.0, 0.0]
    for channel, pause_s, words in parts:
        utterances.append(said(channel, at[channel] + pause_s, " ".join(words)))
        at[channel] = utterances[-1].end_s
    found = turns(utterances, channels_are_parties=is_stereo)
    words_in = sorted((w.start_s, w.text) for each in utterances for w in each.words)
    assert sorted((w.start_s, w.text) for turn in found for w in turn.words) == words_in
    assert all(len(turn.words) <= MOST_WORDS for turn in found)
    assert all(first.start_s <= second.start_s for first, second in pairwise(found))
    assert all(a.end_s <= b.start_s + 1e-6 for turn in found for a, b in pairwise(turn.words))
