import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftercall.model import Word
from aftercall.speech.score import fold
from aftercall.speech.sentences import LONGEST_END_S, SHORTEST_END_S, USUAL_PAUSE_S, pause_that_ends, readable


def written(text: str, *, language: str = "en", pause_s: float = 0.5) -> str:
    """Text in which `|` is a long pause and `,` a short one, made readable."""
    words, at_s = [], 0.0
    for each in text.split():
        if each in "|,":
            at_s += pause_s if each == "|" else pause_s * 0.7
            continue
        words.append(Word(text=each, start_s=at_s, end_s=at_s + 0.25))
        at_s += 0.25
    return " ".join(word.text for word in readable(words, language=language, pause_s=pause_s))


def test_a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() -> None:
    assert written("the hose is broken") == "The hose is broken."


def test_a_long_pause_ends_a_sentence() -> None:
    assert written("the hose is broken | it was new") == "The hose is broken. It was new."


def test_a_clear_shorter_pause_is_a_comma() -> None:
    assert written("the hose is broken , it was new") == "The hose is broken, it was new."


def test_a_pause_after_a_word_that_needs_another_ends_nothing() -> None:
    assert written("i bought the | hose from , uh | your shop") == "I bought the hose from uh your shop."


def test_a_turn_that_breaks_off_gets_no_full_stop() -> None:
    assert written("it worked and then i") == "It worked and then I"


def test_a_word_alone_is_a_sentence() -> None:
    assert written("and | hello") == "And. Hello."


def test_i_and_names_have_capitals_in_english() -> None:
    assert written("yes i'm here on tuesday's list and mr jones in december") == (
        "Yes I'm here on Tuesday's list and Mr jones in December."
    )


def test_may_and_march_are_months_only_where_they_must_be() -> None:
    assert written("it may take until may , we march in march") == "It may take until May, we march in March."


def test_a_word_with_capitals_of_its_own_keeps_them() -> None:
    assert written("iPhone it is") == "iPhone it is."


@pytest.mark.parametrize(
    "question",
    [
        "can you hear me", "okay so what time is it", "do you have it in blue", "is there a manager", "how much was it",
        "where's my order", "why don't you call", "what about sunday", "it was blue wasn't it", "when can you come",
        "garden shop this is anna how can i help you",
    ],
)  # fmt: skip
def test_a_question_gets_its_mark(question: str) -> None:
    assert written(question).endswith("?")


@pytest.mark.parametrize(
    "statement",
    [
        "what i said is this", "when i called nobody came", "do it now", "have your card ready",
        "which is why it broke", "should you need anything call us", "i can you know wait", "how nice of them",
    ],
)  # fmt: skip
def test_a_statement_gets_none(statement: str) -> None:
    assert "?" not in written(statement)


def test_each_sentence_of_a_turn_has_its_own_mark() -> None:
    assert written("is it open | it is | thanks") == "Is it open? It is. Thanks."


def test_other_languages_get_a_capital_and_a_full_stop_only() -> None:
    assert written("i was , is it | ja", language="de-AT") == "I was is it. Ja."


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("zh", "你好 谢谢", "你好 谢谢。"),
        ("hi", "नमस्ते", "नमस्ते।"),
        ("th", "สวัสดี", "สวัสดี"),
        ("ar", "مرحبا بك", "مرحبا بك."),
        ("tr", "iyi günler", "İyi günler."),
        ("ka", "გამარჯობა", "გამარჯობა."),
        ("el", "γεια σας", "Γεια σας."),
    ],
)
def test_every_script_is_written_its_own_way(language: str, text: str, expected: str) -> None:
    assert written(text, language=language) == expected


def test_a_mark_that_is_there_is_not_doubled() -> None:
    assert written("come at five p.m. | is that so?") == "Come at five p.m. Is that so?"


def test_figures_and_addresses_stay_as_they_were_spoken() -> None:
    spoken = "five five five oh one two three | jo at example dot com"
    assert written(spoken).lower().replace(".", "") == spoken.replace("| ", "")


def test_nothing_is_made_of_nothing() -> None:
    assert readable([], language="en", pause_s=0.5) == ()


# ---- pauses -------------------------------------------------------------------------------------------------------


def test_few_pauses_tell_nothing_of_a_speaker() -> None:
    assert pause_that_ends([0.3] * 7) == USUAL_PAUSE_S


def test_a_speaker_ends_a_sentence_with_the_longer_half_of_his_pauses() -> None:
    assert pause_that_ends([0.0] * 50 + [0.2] * 4 + [0.4] * 5 + [0.6] * 4) == pytest.approx(0.4)


@pytest.mark.parametrize(("pause_s", "expected"), [(0.15, SHORTEST_END_S), (1.2, LONGEST_END_S)])
def test_hasty_and_slow_speakers_are_met_half_way(pause_s: float, expected: float) -> None:
    assert pause_that_ends([pause_s] * 20) == expected


def test_waiting_is_no_way_of_speaking() -> None:
    assert pause_that_ends([0.4] * 8 + [9.0] * 30) == pytest.approx(0.4)


# ---- whatever is said ---------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["i", "i'm", "the", "monday", "may", "can", "you", "hello", "p.m.", "é", "ßa", "straße", "日本", "uh", "five", "-"]
)


@settings(deadline=None)
@given(
    st.lists(st.tuples(WORDS, st.floats(0, 2), st.floats(0.01, 1)), max_size=30),
    st.sampled_from(["en", "en-GB", "de", "zh", "th", "es", "xx"]),
)
def test_no_word_comes_goes_or_changes_but_in_case_and_marks(
    said: list[tuple[str, float, float]], language: str
) -> None:
    words, at_s = [], 0.0
    for text, gap_s, length_s in said:
        words.append(Word(text=text, start_s=at_s + gap_s, end_s=at_s + gap_s + length_s, confidence=0.5))
        at_s = words[-1].end_s
    made = readable(words, language=language, pause_s=0.5)
    assert [(w.start_s, w.end_s, w.confidence) for w in made] == [(w.start_s, w.end_s, w.confidence) for w in words]
    assert all(fold(new.text).casefold() == fold(old.text).casefold() for new, old in zip(made, words, strict=True))
    assert " ".join(w.text for w in made).split() == [w.text for w in made]
