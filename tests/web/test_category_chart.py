"""The bars of calls per day."""

from datetime import date, timedelta

from aftercall.web.category_chart import HEIGHT, WIDTH, chart

FIRST = date(2026, 11, 1)


def test_without_calls_there_is_no_chart() -> None:
    assert chart([]) is None


def test_days_without_calls_keep_their_room() -> None:
    made = chart([(FIRST, 2), (FIRST + timedelta(days=3), 4)])
    assert made
    assert [bar.words for bar in made.bars] == ["2026-11-01: 2", "2026-11-04: 4"]
    assert [bar.height for bar in made.bars] == [HEIGHT / 2, HEIGHT]
    assert made.bars[1].x > WIDTH * 3 / 4


def test_a_long_time_is_shown_in_weeks() -> None:
    made = chart([(FIRST + timedelta(days=at), 1) for at in range(140)])
    assert made
    assert (made.unit, len(made.bars), made.largest) == ("week", 20, 7)


def test_only_as_many_bars_as_can_be_seen() -> None:
    made = chart([(FIRST + timedelta(days=at * 30), 1) for at in range(100)])
    assert made
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in made.bars)
    assert min(bar.width for bar in made.bars) > 2
