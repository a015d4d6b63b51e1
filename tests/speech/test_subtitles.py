from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from aftercall.model import Turn, Word
from aftercall.speech.subtitles import LINE_CHARS, LINES, LONGEST_MS, Cue, cues


def turn(start_s: float, text: str, *, speaker: str = "A", word_s: float = 0.3, is_understood: bool = True) -> Turn:
    """Words spoken one right after the other; `|` is a pause of two seconds."""
    words, at_s = [], start_s
    for each in text.split():
        if each == "|":
            at_s += 2
            continue
        words.append(Word(text=each, start_s=at_s, end_s=at_s + word_s))
        at_s += word_s
    return Turn(
        speaker=speaker, role=None, start_s=start_s, end_s=at_s, text=text.replace("| ", "") if is_understood else "",
        words=tuple(words), is_understood=is_understood,
    )  # fmt: skip


def made(*turns: Turn, with_label: bool = False, opening: str = "") -> list[Cue]:
    spoken = [(each.speaker, each, each.text if each.is_understood else "[not understood]") for each in turns]
    return cues(spoken, with_label=with_label, opening=opening)


def shown(found: list[Cue]) -> list[tuple[int, int, str]]:
    return [(cue.start_ms, cue.end_ms, " / ".join(cue.lines)) for cue in found]


def test_a_short_turn_is_one_subtitle_with_its_words_times() -> None:
    assert shown(made(turn(2, "I need a new hose."))) == [(2000, 3500, "I need a new hose.")]


def test_a_long_turn_is_broken_into_lines_and_subtitles() -> None:
    text = "the hose that I bought from your shop in the spring is broken again and I would like to have a new one"
    assert [cue.lines for cue in made(turn(0, text, word_s=0.1))] == [
        ("the hose that I bought from your shop in", "the spring is broken again and I would"),
        ("like to have a new one",),
    ]


def test_a_subtitle_ends_with_its_sentence() -> None:
    assert [cue.lines for cue in made(turn(0, "The hose is broken again. Can I have a new one?"))] == [
        ("The hose is broken again.",),
        ("Can I have a new one?",),
    ]


def test_short_sentences_stay_together() -> None:
    assert [cue.lines for cue in made(turn(0, "Yes. No. I am."))] == [("Yes. No. I am.",)]


def test_a_subtitle_ends_before_a_pause() -> None:
    assert shown(made(turn(0, "one moment | here it is"))) == [(0, 1000, "one moment"), (2600, 3600, "here it is")]


def test_no_subtitle_stays_for_longer_than_seven_seconds() -> None:
    assert shown(made(turn(0, "very slow words", word_s=4))) == [
        (0, 4000, "very"), (4000, 8000, "slow"), (8000, 12000, "words"),
    ]  # fmt: skip


def test_the_speaker_stands_where_a_turn_begins() -> None:
    first, second = made(turn(0, "one moment | here it is", speaker="Erika"), with_label=True)
    assert (first.lines, second.lines) == (("Erika: one moment",), ("here it is",))


def test_a_flash_of_a_word_stays_for_a_second() -> None:
    assert shown(made(turn(0, "No.", word_s=0.1))) == [(0, 1000, "No.")]


def test_but_not_into_the_next_subtitle() -> None:
    assert shown(made(turn(0, "No.", word_s=0.1), turn(0.4, "Yes.", speaker="B"))) == [
        (0, 400, "No."), (400, 1400, "Yes."),
    ]  # fmt: skip


def test_who_talks_into_a_turn_is_shown_in_its_middle() -> None:
    told = turn(0, "it was on monday in the morning")
    assert shown(made(told, turn(1.2, "mhm", speaker="B"))) == [
        (0, 1200, "it was on monday"),
        (1200, 1500, "mhm"),
        (1500, 2500, "in the morning"),
    ]


def test_what_was_not_understood_is_one_mark() -> None:
    assert shown(made(turn(1, "a b c d e f g h", word_s=1.5, is_understood=False))) == [
        (1000, 8000, "[not understood]"),
    ]  # fmt: skip


def test_a_corrected_line_with_other_words_keeps_the_time_of_the_turn() -> None:
    corrected = Turn(
        speaker="A", role=None, start_s=10, end_s=12, text="we sell hoses", words=turn(10, "vessel noses").words
    )
    assert shown(made(corrected)) == [(10000, 12000, "we sell hoses")]


def test_a_word_too_long_for_a_line_is_broken() -> None:
    assert [cue.lines for cue in made(turn(0, "x" * 100, word_s=3))] == [("x" * 42, "x" * 42), ("x" * 16,)]


def test_the_opening_is_shown_first() -> None:
    assert shown(made(turn(5, "hello there"), opening="Low accuracy")) == [
        (0, 3000, "Low accuracy"), (5000, 6000, "hello there"),
    ]  # fmt: skip


def test_an_opening_leaves_time_for_who_speaks_at_once() -> None:
    first, second = made(turn(0, "hello there"), opening="Low accuracy")
    assert first.end_ms == second.start_ms
    assert 0 < first.end_ms < 3000


def test_no_turns_make_no_subtitles() -> None:
    assert made() == []


TURNS = st.lists(
    st.tuples(
        st.floats(0, 3),
        st.lists(st.sampled_from(["a", "word", "sentence.", "日本語", "x" * 90, "|"]), min_size=1, max_size=30),
        st.floats(0.0, 3),
        st.sampled_from("AB"),
        st.booleans(),
    ),
    max_size=6,
)


@settings(deadline=None)
@given(TURNS, st.booleans())
def test_subtitles_are_short_in_order_apart_and_lose_no_word(
    parts: list[tuple[float, list[str], float, str, bool]], with_label: bool
) -> None:
    turns, at_s = [], 0.0
    for step_s, words, word_s, speaker, is_understood in parts:
        at_s += step_s
        turns.append(turn(at_s, " ".join([*words, "end"]), speaker=speaker, word_s=word_s, is_understood=is_understood))
    found = made(*turns, with_label=with_label)
    assert all(0 < cue.end_ms - cue.start_ms <= LONGEST_MS for cue in found)
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(found))
    assert all(1 <= len(cue.lines) <= LINES and max(map(len, cue.lines)) <= LINE_CHARS for cue in found)
    for speaker in "AB":
        said = "".join(line for cue in found if cue.speaker == speaker for line in cue.lines)
        expected = "".join(
            each.text if each.is_understood else "[not understood]" for each in turns if each.speaker == speaker
        )
        assert sorted(said.replace(f"{speaker}:", "").replace(" ", "")) == sorted(expected.replace(" ", ""))
