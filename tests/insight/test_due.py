"""When something is due, as people say it."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.insight import due

#: A Wednesday, 10:30.
SAID = datetime(2026, 3, 11, 10, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("I'll call you back tomorrow.", "2026-03-12"),
        ("i'll call you back tomorrow morning", "2026-03-12"),
        ("The day after tomorrow somebody comes.", "2026-03-13"),
        ("I'll send it today", "2026-03-11"),
        ("we will ring you tonight", "2026-03-11"),
        ("I'll do it this afternoon", "2026-03-11"),
        ("by the end of the day", "2026-03-11"),
        ("by close of business today", "2026-03-11"),
        ("An engineer comes on Monday.", "2026-03-16"),
        ("by friday", "2026-03-13"),
        ("on Wednesday", "2026-03-18"),
        ("next Tuesday", "2026-03-17"),
        ("next Friday", None),
        ("this friday", "2026-03-13"),
        ("Friday next week", "2026-03-20"),
        ("in two days", "2026-03-13"),
        ("in two hours", "2026-03-11T12:30:00+01:00"),
        ("within 48 hours", "2026-03-13T10:30:00+01:00"),
        ("within forty-eight hours", "2026-03-13T10:30:00+01:00"),
        ("within the next twenty four hours", "2026-03-12T10:30:00+01:00"),
        ("in half an hour", "2026-03-11T11:00:00+01:00"),
        ("in an hour", "2026-03-11T11:30:00+01:00"),
        ("in 15 minutes", "2026-03-11T10:45:00+01:00"),
        ("in ten to fifteen minutes", "2026-03-11T10:45:00+01:00"),
        ("in a week", "2026-03-18"),
        ("within three to five business days", "2026-03-18"),
        ("within two working days", "2026-03-13"),
        ("in a month", "2026-04-11"),
        ("by the end of the week", "2026-03-13"),
        ("at the end of the month", "2026-03-31"),
        ("on the 14th", "2026-03-14"),
        ("by the third", "2026-04-03"),
        ("on the twenty first", "2026-03-21"),
        ("on the 14th of May", "2026-05-14"),
        ("March the 3rd", "2027-03-03"),
        ("on June 5", "2026-06-05"),
        ("at three o'clock", "2026-03-11T15:00:00+01:00"),
        ("at 9 am", None),
        ("tomorrow at 9 a.m.", "2026-03-12T09:00:00+01:00"),
        ("Monday at half past two", "2026-03-16T14:30:00+01:00"),
        ("by noon", "2026-03-11T12:00:00+01:00"),
        ("by five", "2026-03-11T17:00:00+01:00"),
        ("tomorrow at quarter to ten", "2026-03-12T09:45:00+01:00"),
        ("at 16:15", "2026-03-11T16:15:00+01:00"),
        ("next week", None),
        ("in a few days", None),
        ("as soon as I can", None),
    ],
)
def test_a_phrase_means_a_time(words: str, expected: str | None) -> None:
    found = due.find(words, SAID)
    assert found is not None
    assert (found.at.isoformat() if found.at else None) == expected
    assert found.words


@pytest.mark.parametrize(
    "words",
    ["I waited since Monday.", "last Friday nobody came", "It costs twenty pounds.", "I'll do that for you.",
     "at 20 percent", "on the third floor"],
)  # fmt: skip
def test_what_names_no_time_is_none(words: str) -> None:
    assert due.find(words, SAID) is None


def test_without_a_date_of_the_call_only_the_words_are_told() -> None:
    assert due.find("I'll call tomorrow", None) == due.Due(words="tomorrow", at=None)


@given(st.text(alphabet=st.sampled_from("at by in the next monday 0123456789 three half past of week "), max_size=60))
def test_no_words_break_it(words: str) -> None:
    found = due.find(words, SAID)
    assert found is None or found.words
