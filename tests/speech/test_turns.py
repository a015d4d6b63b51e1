from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftercall.model import Turn, Utterance, Voices, VoiceSpan, Word
from aftercall.speech.turns import (
    MOST_WORDS,
    is_back_channel,
    mean_confidence,
    swapped,
    turns,
    with_roles,
    with_speaker,
)


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


# ---- both parties in one audio channel -----------------------------------------------------------------------------


def voices(*spans: tuple[float, float, str], is_accepted: bool = True) -> Voices:
    return Voices(
        spans=tuple(VoiceSpan(start_s=start_s, end_s=end_s, speaker=who) for start_s, end_s, who in spans),
        similarity=0.8,
        is_accepted=is_accepted,
        is_low_confidence=False,
        reason="" if is_accepted else "too much alike",
        method="test",
    )


def mono(known: Voices, *utterances: Utterance) -> list[tuple[str, str]]:
    return shape(turns(utterances, channels_are_parties=False, voices=known))


def test_voices_tell_the_words_of_one_utterance_apart() -> None:
    known = voices((0, 0.9, "A"), (0.9, 2.4, "B"))
    assert mono(known, said(0, 0, "garden shop hello i need a new hose")) == [
        ("A", "garden shop hello"),
        ("B", "i need a new hose"),
    ]


def test_voices_that_were_not_accepted_tell_nothing() -> None:
    known = voices((0, 0.6, "A"), (0.6, 2, "B"), is_accepted=False)
    assert mono(known, said(0, 0, "hello i need a hose")) == [("unknown", "hello i need a hose")]


def test_a_turn_goes_on_over_the_utterances_of_one_voice() -> None:
    known = voices((0, 3, "A"), (3, 5, "B"))
    assert mono(known, said(0, 0, "let me see"), said(0, 1.4, "here it is"), said(0, 3.1, "thank you")) == [
        ("A", "let me see here it is"),
        ("B", "thank you"),
    ]


def test_a_word_without_a_voice_goes_to_the_nearer_neighbour() -> None:
    known = voices((0, 0.9, "A"), (2.0, 5, "B"))
    words = (
        Word(text="hello", start_s=0, end_s=0.9),
        Word(text="there", start_s=1.0, end_s=1.3),
        Word(text="i", start_s=2.0, end_s=2.4),
        Word(text="need", start_s=2.4, end_s=2.9),
    )
    assert mono(known, Utterance(audio_channel=0, start_s=0, end_s=3, words=words)) == [
        ("A", "hello there"),
        ("B", "i need"),
    ]


def test_one_short_word_in_the_other_voice_is_an_error_of_the_voices() -> None:
    known = voices((0, 0.5, "A"), (0.5, 0.75, "B"), (0.75, 2, "A"))
    assert mono(known, said(0, 0, "we are open on monday", word_s=0.25)) == [("A", "we are open on monday")]


def test_one_short_word_with_a_pause_around_it_is_a_reply() -> None:
    known = voices((0, 1, "A"), (1, 1.6, "B"), (1.6, 3, "A"))
    parts = (said(0, 0, "are you there", word_s=0.25), said(0, 1.2, "no", word_s=0.2), said(0, 1.8, "well", word_s=0.2))
    assert mono(known, *parts) == [("A", "are you there"), ("B", "no"), ("A", "well")]


def test_a_listener_does_not_take_the_turn_in_one_audio_channel_either() -> None:
    known = voices((0, 1.5, "A"), (1.5, 1.9, "B"), (1.9, 4, "A"))
    parts = (said(0, 0, "it was on monday"), said(0, 1.5, "mhm"), said(0, 2.0, "in the morning"))
    assert mono(known, *parts) == [("A", "it was on monday in the morning"), ("B", "mhm")]


def test_a_reply_in_a_breath_inside_one_utterance_comes_in_between() -> None:
    words = said(0, 0, "how can i help").words + said(0, 2.4, "which length").words
    asked = Utterance(audio_channel=0, start_s=0, end_s=4, words=words)
    assert stereo(asked, said(1, 1.3, "i need a")) == [
        ("A", "how can i help"),
        ("B", "i need a"),
        ("A", "which length"),
    ]


def test_a_long_pause_inside_an_utterance_ends_a_turn_of_unknown_speakers_too() -> None:
    words = said(0, 0, "one moment").words + said(0, 5, "here it is").words
    found = turns([Utterance(audio_channel=0, start_s=0, end_s=6, words=words)], channels_are_parties=False)
    assert shape(found) == [("unknown", "one moment"), ("unknown", "here it is")]


def test_a_long_turn_is_not_cut_after_its_first_word() -> None:
    first, second = said(0, 0, "well"), said(0, 1.7, " ".join(["word"] * 70))
    found = turns([first, second], channels_are_parties=True)
    assert min(len(turn.words) for turn in found) >= 5


# ---- what was not understood --------------------------------------------------------------------------------------


def sure(confidences: list[float | None], *, word_s: float = 0.3) -> Utterance:
    words = tuple(
        Word(text="word", start_s=at * word_s, end_s=(at + 1) * word_s, confidence=confidence)
        for at, confidence in enumerate(confidences)
    )
    return Utterance(audio_channel=0, start_s=0, end_s=9, words=words)


def test_a_turn_of_unsure_words_is_not_understood_and_keeps_them_as_guesses() -> None:
    (turn,) = turns([sure([0.2, 0.3])], channels_are_parties=True, understood_from=0.4, adds_sentences=True)
    assert (turn.is_understood, turn.text, [word.text for word in turn.words]) == (False, "", ["word", "word"])


def test_a_turn_as_sure_as_wanted_is_understood() -> None:
    (turn,) = turns([sure([0.5, 0.5])], channels_are_parties=True, understood_from=0.5)
    assert (turn.is_understood, turn.text) == (True, "word word")


def test_a_short_turn_is_judged_with_what_its_speaker_usually_gets() -> None:
    """Two doubtful words of somebody who is understood stay; the same of somebody who is not, go."""
    doubtful = sure([0.35, 0.35])

    def understood(usual: float) -> bool:
        rest = replace(sure([usual] * 30), start_s=10)
        later = replace(rest, words=tuple(replace(w, start_s=w.start_s + 10, end_s=w.end_s + 10) for w in rest.words))
        return turns([doubtful, later], channels_are_parties=True, understood_from=0.4)[0].is_understood

    assert understood(0.8)
    assert not understood(0.3)


def test_a_long_turn_speaks_for_itself() -> None:
    long, other = sure([0.1] * 50), replace(sure([0.9] * 50), audio_channel=0)
    later = replace(other, words=tuple(replace(w, start_s=w.start_s + 30, end_s=w.end_s + 30) for w in other.words))
    found = turns([long, later], channels_are_parties=True, understood_from=0.4)
    assert [turn.is_understood for turn in found] == [False, True]


def test_each_speaker_is_judged_alone() -> None:
    bad, good = sure([0.3]), replace(sure([0.9] * 50), audio_channel=1)
    found = turns([bad, good], channels_are_parties=True, understood_from=0.4)
    assert {turn.speaker: turn.is_understood for turn in found}["A"] is False


def test_words_without_a_confidence_do_not_count() -> None:
    (turn,) = turns([sure([None, 0.9, None])], channels_are_parties=True, understood_from=0.8)
    assert turn.is_understood


def test_an_engine_without_confidences_is_believed() -> None:
    (turn,) = turns([sure([None, None])], channels_are_parties=True, understood_from=0.8)
    assert turn.is_understood


def test_without_a_threshold_everything_is_understood() -> None:
    (turn,) = turns([sure([0.0])], channels_are_parties=True)
    assert turn.is_understood


def test_long_words_weigh_more() -> None:
    words = [Word(text="a", start_s=0, end_s=0.1, confidence=0), Word(text="b", start_s=0.1, end_s=1, confidence=1)]
    assert mean_confidence(words) == pytest.approx(0.9)


# ---- readable -----------------------------------------------------------------------------------------------------


def test_sentences_are_added_where_they_are_wanted() -> None:
    (turn,) = turns([said(0, 0, "i am here")], channels_are_parties=True, adds_sentences=True)
    assert (turn.text, [word.text for word in turn.words]) == ("I am here.", ["I", "am", "here."])


def test_another_language_than_english_gets_no_english() -> None:
    (turn,) = turns([said(0, 0, "i monday hier")], channels_are_parties=True, adds_sentences=True, language="de")
    assert turn.text == "I monday hier."


def test_each_speaker_pauses_in_his_own_way() -> None:
    def speaks(audio_channel: int, start_s: float, pause_s: float) -> list[Utterance]:
        """Ten words with his usual pause between them, and one after 0.4 s."""
        step_s = pause_s + 0.3
        usual = [said(audio_channel, start_s + at * step_s, "yes") for at in range(10)]
        return [*usual, said(audio_channel, start_s + 9 * step_s + 0.3 + 0.4, "no")]

    quick, slow = turns(
        [*speaks(0, 0, 0.15), *speaks(1, 20, 0.9)], channels_are_parties=True, adds_sentences=True
    )  # fmt: skip
    assert quick.text.endswith("yes. No.")
    assert slow.text.endswith("Yes no.")


# ---- put right by a person ----------------------------------------------------------------------------------------


def three_turns() -> list[Turn]:
    return turns(
        [said(0, 0, "which colour"), said(1, 0.7, "is it for"), said(0, 1.7, "the hose")],
        channels_are_parties=True,
        roles={"A": "agent", "B": "customer"},
    )


def test_swapping_exchanges_the_roles_of_all_turns() -> None:
    assert [turn.role for turn in swapped(three_turns())] == ["customer", "agent", "customer"]


def test_swapping_invents_no_roles() -> None:
    found = turns([said(0, 0, "hello")], channels_are_parties=True)
    assert swapped(found) == tuple(found)


def test_chosen_roles_replace_those_of_the_named_speakers_only() -> None:
    assert [turn.role for turn in with_roles(three_turns(), {"B": None})] == ["agent", None, "agent"]


def test_a_turn_given_to_the_other_speaker_joins_its_neighbours() -> None:
    (turn,) = with_speaker(three_turns(), 1, "A")
    assert (turn.speaker, turn.role, turn.text) == ("A", "agent", "which colour is it for the hose")
    assert (turn.start_s, turn.end_s) == (0, 2.3)


def test_a_turn_given_to_the_other_speaker_stays_alone_after_a_long_pause() -> None:
    found = turns([said(0, 0, "hello"), said(1, 4, "hello"), said(0, 9, "hello")], channels_are_parties=True)
    assert [turn.speaker for turn in with_speaker(found, 1, "A")] == ["A", "A", "A"]


def test_what_was_not_understood_is_not_joined_with_what_was() -> None:
    first, second = sure([0.1]), said(1, 0.5, "hello")
    found = turns([first, second], channels_are_parties=True, understood_from=0.5)
    assert [turn.is_understood for turn in with_speaker(found, 1, "A")] == [False, True]


def test_joined_turns_do_not_grow_beyond_what_can_be_read() -> None:
    found = turns(
        [said(0, 0, " ".join(["one"] * 40)), said(1, 12.1, " ".join(["two"] * 30))], channels_are_parties=True
    )
    assert len(with_speaker(found, 1, "A")) == 2


def test_a_correction_survives_being_joined() -> None:
    found = three_turns()
    found[0] = replace(found[0], text="Which colour?", is_corrected=True)
    (turn,) = with_speaker(found, 1, "A")
    assert (turn.text, turn.is_corrected) == ("Which colour? is it for the hose", True)


def test_the_first_turn_of_a_second_speaker_takes_the_role_that_is_left() -> None:
    found = turns([said(0, 0, "hello"), said(0, 4, "hello")], channels_are_parties=True, roles={"A": "agent"})
    assert [turn.role for turn in with_speaker(found, 1, "B")] == ["agent", "customer"]


@settings(deadline=None)
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


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 9)), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 2), st.floats(0.05, 2), st.sampled_from("AB")), max_size=10),
)
def test_voices_lose_and_invent_no_word(parts: list[tuple[float, int]], talk: list[tuple[float, float, str]]) -> None:
    utterances, at_s = [], 0.0
    for pause_s, count in parts:
        utterances.append(said(0, round(at_s + pause_s, 3), " ".join(["word"] * count), word_s=0.2))
        at_s = utterances[-1].end_s
    spans, at_s = [], 0.0
    for pause_s, length_s, who in talk:
        spans.append((at_s + pause_s, at_s + pause_s + length_s, who))
        at_s = spans[-1][1]
    found = turns(utterances, channels_are_parties=False, voices=voices(*spans))
    assert sorted(w.start_s for turn in found for w in turn.words) == [w.start_s for u in utterances for w in u.words]
    speakers = {turn.speaker for turn in found}
    assert speakers == {"unknown"} or speakers <= {who for *_, who in spans}
    assert all(first.start_s <= second.start_s for first, second in pairwise(found))
