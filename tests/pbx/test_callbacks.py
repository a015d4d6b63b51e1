from datetime import UTC, datetime, timedelta

import pytest

from aftercall.pbx.callbacks import WITHIN, Talk, called_back, is_same_number, number_key

MISSED = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def talk(call_id: str, number: str, after: timedelta) -> Talk:
    return Talk(call_id=call_id, number=number, started_at=MISSED + after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7175550123", "7175550123"),
        ("+17175550123", "7175550123"),
        ("97175550123", "+17175550123"),
        ("5550123", "7175550123"),
        ("+4930555012345", "030555012345"),
        ("0049 30 555012345", "030/555012345"),
        ("201", "201"),
    ],
)
def test_one_number_is_known_in_all_its_forms(one: str, other: str) -> None:
    assert is_same_number(one, other)
    assert is_same_number(other, one)
    assert number_key(one) == number_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7175550123", "7175550124"),
        ("7175550123", "2125550123"),
        ("201", "1201"),
        ("201", "7175550201"),
        ("", "7175550123"),
        ("anonymous", "anonymous"),
    ],
)
def test_another_number_is_not_taken_for_it(one: str, other: str) -> None:
    assert not is_same_number(one, other)
    assert not is_same_number(other, one)


def test_the_first_talk_after_a_missed_call_is_the_one_that_counts() -> None:
    talks = [
        talk("later", "7175550123", timedelta(hours=2)),
        talk("first", "+17175550123", timedelta(minutes=5)),
        talk("before", "7175550123", timedelta(minutes=-5)),
        talk("another", "7175550199", timedelta(minutes=1)),
    ]
    assert called_back("7175550123", MISSED, talks) == "first"


def test_a_talk_after_a_week_is_another_matter() -> None:
    assert called_back("7175550123", MISSED, [talk("late", "7175550123", WITHIN + timedelta(seconds=1))]) is None
    assert called_back("7175550123", MISSED, [talk("in time", "7175550123", WITHIN)]) == "in time"
