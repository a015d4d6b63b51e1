"""Words and figures."""

from datetime import UTC, datetime, timedelta

import pytest

from aftercall.model import CallState, Stage
from aftercall.web import display

NOW = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "–"), (0, "0:00"), (59.4, "0:59"), (59.5, "1:00"), (187, "3:07"), (3723, "1:02:03")]
)
def test_a_duration(seconds: float | None, shown: str) -> None:
    assert display.clock(seconds) == shown


def test_a_place_in_a_recording_is_never_rounded_past_itself() -> None:
    assert display.position(59.9) == "0:59"


@pytest.mark.parametrize(("score", "shown"), [(None, ""), (2.14, "+2.1"), (-0.06, "−0.1"), (-0.04, "0.0"), (0, "0.0")])
def test_a_score(score: float | None, shown: str) -> None:
    assert display.signed(score) == shown


@pytest.mark.parametrize(
    ("size", "shown"),
    [(None, ""), (482, "482 bytes"), (1500, "1.5 kB"), (999_600, "1.0 MB"), (3_400_000_000, "3.4 GB")],
)
def test_a_size(size: int | None, shown: str) -> None:
    assert display.size(size) == shown


def test_the_day_is_the_pbxs_day() -> None:
    late = NOW - timedelta(hours=1)
    assert display.day(late, 0, NOW) == "Yesterday"
    assert display.day(late, 60, NOW) == "Today"
    assert display.day(NOW - timedelta(days=7), 0, NOW) == "Mon 16 Nov"
    assert display.day(NOW - timedelta(days=365), 0, NOW) == "Sun 23 Nov 2025"


def test_a_moment_names_its_zone() -> None:
    assert display.moment(NOW, 330) == "Monday 23 November 2026, 06:00:00 (UTC+5:30)"
    assert display.moment(NOW, -60).endswith("(UTC−1)")
    assert display.moment(NOW, None).endswith("(UTC)")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(3, "just now"), (50, "1 min ago"), (3000, "50 min ago"), (5400, "2 h ago"), (200_000, "2 d ago"),
     (-30, "in a moment"), (-480, "in 8 min")],
)  # fmt: skip
def test_how_long_ago(seconds: int, shown: str) -> None:
    assert display.ago(NOW - timedelta(seconds=seconds), NOW) == shown


def test_what_is_overdue_happens_any_moment() -> None:
    assert display.due(NOW - timedelta(minutes=5), NOW) == "any moment"
    assert display.due(NOW + timedelta(minutes=5), NOW) == "in 5 min"


def test_how_long_a_stage_took() -> None:
    assert [display.took(NOW, NOW + timedelta(seconds=each)) for each in (0.08, 3.42, 125)] == [
        "80 ms",
        "3.4 s",
        "2:05",
    ]


def test_every_state_and_stage_has_its_words() -> None:
    assert set(display.STATE_WORDS) == set(CallState)
    assert set(display.STAGE_WORDS) == set(Stage)


def test_a_screen_reader_hears_a_duration_in_words() -> None:
    assert display.spoken_duration(3661) == "1 hour 1 minute 1 second"
    assert display.spoken_duration(0) == "0 seconds"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "under a minute"), (59, "under a minute"), (60, "about 1 min"), (2400, "about 40 min"), (5399, "about 90 min"),
     (5400, "about 2 h"), (7200, "about 2 h"), (36 * 3600, "about 2 days"), (10 * 86400, "about 10 days")],
)  # fmt: skip
def test_an_estimate_sounds_no_surer_than_it_is(seconds: int, words: str) -> None:
    assert display.roughly(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "\N{EN DASH}"), (0.0, "0.0 s"), (-1.0, "0.0 s"), (0.84, "0.8 s"), (9.94, "9.9 s"), (9.96, "10 s"),
     (99.0, "99 s"), (100.0, "2 min"), (3600.0, "60 min"), (7200.0, "2 h")],
)  # fmt: skip
def test_a_lag_is_as_exact_as_it_is_short(seconds: float | None, words: str) -> None:
    assert display.lag(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0"), (4, "0.4"), (99, "9.9"), (123, "12"), (12345, "1234")])
def test_a_speed_is_told_a_minute(count: int, words: str) -> None:
    assert display.rate(count, timedelta(minutes=10)) == words


def test_a_call_that_goes_on_runs_from_its_start_and_never_backwards() -> None:
    assert display.running(NOW - timedelta(seconds=95), NOW) == "1:35"
    assert display.running(NOW + timedelta(seconds=5), NOW) == "0:00"


def test_an_answer_tells_the_time_and_how_long_it_rang() -> None:
    at = datetime(2026, 11, 23, 13, 5, 9, tzinfo=UTC)
    assert display.answered(at, 3.2, 60) == "14:05:09, after ringing 3.2 s"
    assert display.answered(at, None, None) == "13:05:09"


def test_a_zone_has_its_own_offset_in_summer_and_in_winter() -> None:
    summer, winter = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    assert [display.offset_min("Europe/Berlin", at) for at in (summer, winter)] == [120, 60]


def test_every_rule_and_every_stage_has_its_words() -> None:
    assert set(display.RULE_WORDS) == {"since", "directions", "extensions", "names"}
    assert set(display.CAUSE_STAGES) == set(Stage)
