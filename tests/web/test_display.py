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
