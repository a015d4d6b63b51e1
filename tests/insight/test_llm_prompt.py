"""What a language model is told."""

import itertools

import pytest

from aftercall.insight import llm_prompt
from aftercall.insight.llm_prompt import Line, lines, masked, parts
from aftercall.model import Role, Turn


def _turn(
    text: str, *, start_s: float = 63.4, role: Role | None = "customer", speaker: str = "A", **more: bool
) -> Turn:
    return Turn(speaker=speaker, role=role, start_s=start_s, end_s=start_s + 2, text=text, **more)


def test_a_turn_is_a_numbered_line_with_its_time_and_party() -> None:
    said = lines([_turn("hello"), _turn("yes\nplease", start_s=4000, role=None, speaker="B")])
    assert [str(line) for line in said] == ["0 [01:03] customer: hello", "1 [66:40] speaker B: yes please"]


def test_what_was_not_understood_is_left_out_and_the_numbers_stay() -> None:
    said = lines([_turn("a guess", is_understood=False), _turn(""), _turn("hello", role=None, speaker="unknown")])
    assert [str(line) for line in said] == ["2 [01:03] speaker: hello"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my card is 4111 1111 1111 1111 okay", "my card is [number] okay"),
        ("call 555-010-0123", "call [number]"),
        ("write to ada.l@mail.example.org please", "write to [e-mail] please"),
        ("it is four one double one five six seven", "it is [number]"),
        ("between 9 and 12 on the 23rd, 250 euros", "between 9 and 12 on the 23rd, 250 euros"),
        ("one or two or three", "one or two or three"),
    ],
)
def test_long_numbers_and_addresses_never_leave(text: str, expected: str) -> None:
    assert masked(text) == expected


def _said(count: int, words: int = 30) -> tuple[Line, ...]:
    return tuple(Line(position=n, start_s=n, who="agent", text="word " * words) for n in range(count))


def test_a_call_that_fits_is_one_piece() -> None:
    assert parts(_said(60), 8192) == [_said(60)]


def test_a_longer_one_is_cut_between_turns_and_shares_two_of_them() -> None:
    said = _said(600)
    made = parts(said, 32_000)
    assert len(made) > 3
    assert all(llm_prompt.tokens(llm_prompt.as_text(part)) <= llm_prompt.PART_TOKENS * 1.05 for part in made)
    for before, after in itertools.pairwise(made):
        assert before[-2:] == after[:2]
    assert {line.position for part in made for line in part} == set(range(600))


def test_a_small_context_makes_smaller_parts() -> None:
    made = parts(_said(200), 4096)
    assert all(llm_prompt.tokens(llm_prompt.as_text(part)) <= llm_prompt.room(4096) * 1.1 for part in made)
    assert llm_prompt.most_parts(4096) < llm_prompt.most_parts(32_000) == llm_prompt.MOST_REQUESTS - 2


def test_a_turn_longer_than_a_part_is_a_part_of_its_own() -> None:
    made = parts((*_said(2, 5000), *_said(2, 10)), 8192)
    assert sum(len(part) for part in made) == 4


def test_the_key_of_the_cache_changes_with_the_model_and_the_words() -> None:
    said = _said(3)
    assert llm_prompt.cache_key("a", said) == llm_prompt.cache_key("a", said)
    assert (
        len({llm_prompt.cache_key("a", said), llm_prompt.cache_key("b", said), llm_prompt.cache_key("a", said[:2])})
        == 3
    )
