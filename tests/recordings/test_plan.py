from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.errors import Retry
from aftercall.recordings import plan

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@given(st.dictionaries(st.text(min_size=1, max_size=30), st.just("wav")), st.sets(st.text(max_size=30)))
def test_missing_is_what_is_listed_and_not_known(listed: dict[str, str], known: set[str]) -> None:
    missing = {each.name for each in plan.missing(listed, known)}
    assert missing <= listed.keys()
    assert not missing & known
    assert all(plan.is_usable(name) for name in missing)
    assert {name for name in listed if plan.is_usable(name)} - known == missing


def test_an_empty_list_asks_for_nothing() -> None:
    assert plan.missing({}, {"a", "b"}) == []


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 1025, "lone \ud800 surrogate"])
def test_names_no_database_can_hold_are_left_out(name: str) -> None:
    assert not plan.is_usable(name)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\nb", "100%", "Grüße", "x" * 300, "+15550100"])
def test_odd_names_are_still_names(name: str) -> None:
    assert plan.is_usable(name)


def test_a_passing_fault_is_tried_again_sooner_than_a_lasting_one() -> None:
    soon, later = plan.next_try(Retry.SOON, 1, NOW), plan.next_try(Retry.LATER, 1, NOW)
    assert soon is not None
    assert later is not None
    assert NOW < soon < later


@pytest.mark.parametrize("retry", [Retry.NEVER, Retry.SETTINGS])
def test_what_only_a_person_can_mend_is_not_tried_again(retry: Retry) -> None:
    assert plan.next_try(retry, 1, NOW) is None


@pytest.mark.parametrize("retry", [Retry.SOON, Retry.LATER])
def test_waits_grow_and_end(retry: Retry) -> None:
    times = []
    failures = 1
    while (at := plan.next_try(retry, failures, NOW)) is not None:
        times.append(at)
        failures += 1
    assert times == sorted(set(times))
    assert timedelta(hours=1) <= times[-1] - NOW <= timedelta(days=1)


def test_a_recording_that_grows_is_not_over() -> None:
    since = plan.stands_since(200, 100, NOW - timedelta(hours=1), NOW)
    assert since == NOW
    assert not plan.is_over(stood_since=since, started_at=NOW - timedelta(hours=1), is_raw=False, now=NOW)


def test_a_recording_that_stands_still_for_ten_minutes_is_over() -> None:
    since = plan.stands_since(100, 100, NOW - timedelta(minutes=10), NOW)
    assert plan.is_over(stood_since=since, started_at=NOW - timedelta(hours=1), is_raw=False, now=NOW)


def test_a_headerless_recording_needs_one_unchanged_second_look() -> None:
    since = plan.stands_since(100, 100, NOW - plan.LOOK_AGAIN, NOW)
    assert plan.is_over(stood_since=since, started_at=NOW, is_raw=True, now=NOW)


def test_a_recording_of_yesterday_is_over() -> None:
    assert plan.is_over(stood_since=NOW, started_at=NOW - timedelta(days=1), is_raw=False, now=NOW)


@pytest.mark.parametrize(("since_s", "wait_s"), [(0, 1), (0.9, 1), (2, 3), (6, 10), (14, 10), (60, 30)])
def test_after_a_hang_up_a_recording_is_looked_at_again_after_1_3_and_10_seconds(since_s: float, wait_s: float) -> None:
    over_at = NOW - timedelta(seconds=since_s)
    assert plan.look_again(NOW, started_at=NOW - timedelta(hours=1), over_at=over_at) == timedelta(seconds=wait_s)


@pytest.mark.parametrize(("minutes", "wait_s"), [(0, 30), (3, 30), (10, 60), (40, 240), (600, 300)])
def test_the_longer_a_call_lasts_the_less_often_it_is_looked_at(minutes: float, wait_s: float) -> None:
    wait = plan.look_again(NOW, started_at=NOW - timedelta(minutes=minutes), over_at=None)
    assert wait == timedelta(seconds=wait_s)
