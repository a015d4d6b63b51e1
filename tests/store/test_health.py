"""How the calls come home: lags, pace, causes, and unusual silence."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from aftercall.errors import AppError, EngineDied, PbxTimeout
from aftercall.model import CallState, RecordingName, Stage
from aftercall.store import calls, health, pbxs, recordings, stages
from aftercall.store.calls import NewCall
from aftercall.store.vault import Vault

#: A Monday.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
MORNING = [timedelta(minutes=minutes) for minutes in range(0, 120, 20)]
AddCalls = Callable[..., list[str]]


@pytest.fixture
def other_pbx(engine: sa.Engine, vault: Vault) -> str:
    entered = pbxs.PbxSettings(name="Branch", host="192.0.2.20", port=8088, username="a", password="b")
    with engine.begin() as db:
        return pbxs.add(db, entered, vault, NOW)


# ---- lags -------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1000), min_size=1).map(sorted), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(ordered: list[float], share: float) -> None:
    found = health.percentile(ordered, share)
    assert found is not None
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    assert sum(value < found for value in ordered) < share * len(ordered) + 1e-9


def test_of_nothing_there_is_no_percentile() -> None:
    assert health.percentile([], 0.5) is None


def test_lags_are_told_with_the_number_of_calls_behind_them(
    engine: sa.Engine, pbx_id: str, add_calls: AddCalls
) -> None:
    ids = add_calls(20)
    with engine.begin() as db:
        for seconds, call_id in enumerate(ids, start=1):
            calls.record_lag(db, call_id, listed_after_s=float(seconds))
        calls.record_lag(db, ids[0], fetched_after_s=2.5)
        found = health.lags(db, pbx_id, since=NOW - WEEK)
    assert (found.listed.count, found.listed.p50_s, found.listed.p95_s) == (20, 10.0, 19.0)
    assert (found.fetched.count, found.fetched.p50_s, found.fetched.p95_s) == (1, 2.5, 2.5)
    assert (found.analysed.count, found.analysed.p50_s, found.analysed.p95_s) == (0, None, None)


def test_lags_leave_out_old_calls_and_those_of_other_pbxs(
    engine: sa.Engine, pbx_id: str, other_pbx: str, add_calls: AddCalls
) -> None:
    (old,) = add_calls(1, started_at=NOW - timedelta(days=8))
    (elsewhere,) = add_calls(1, pbx=other_pbx)
    with engine.begin() as db:
        for call_id in (old, elsewhere):
            calls.record_lag(db, call_id, listed_after_s=1.0)
        assert health.lags(db, pbx_id, since=NOW - WEEK).listed.count == 0


# ---- pace -------------------------------------------------------------------------------------------------------


def test_the_pace_counts_what_came_home_and_was_analysed_of_late(
    engine: sa.Engine, pbx_id: str, add_calls: AddCalls
) -> None:
    now_done, before = add_calls(2)
    with engine.begin() as db:
        for call_id, at in ((now_done, NOW), (before, NOW - timedelta(minutes=11))):
            calls.set_state(db, call_id, CallState.DONE, NOW, done_at=at)
            recordings.record_fetched(db, call_id, archive_key="k", fetched_at=at)
        recently = NOW - health.PACE_WINDOW
        assert health.done_since(db, pbx_id, recently) == 1
        assert health.fetched_since(db, pbx_id, recently) == 1


def test_what_is_under_way_is_counted_and_what_is_over_is_not(
    engine: sa.Engine, pbx_id: str, add_calls: AddCalls
) -> None:
    ids = add_calls(len(CallState))
    with engine.begin() as db:
        for call_id, state in zip(ids, CallState, strict=True):
            calls.set_state(db, call_id, state, NOW)
        found = health.under_way(db, pbx_id)
    over = {CallState.DONE, CallState.NO_AUDIO, CallState.FAILED, CallState.SKIPPED, CallState.NO_RECORDING}
    assert found == {state: 1 for state in CallState if state not in over}
    assert health.moving(found) == 3


@pytest.mark.parametrize(
    ("left", "done", "expected"),
    [(0, 0, timedelta()), (0, 5, timedelta()), (100, 0, None), (100, 50, timedelta(minutes=20))],
)
def test_the_time_left_is_told_only_while_something_gets_done(left: int, done: int, expected: timedelta | None) -> None:
    assert health.time_left(left, done, timedelta(minutes=10)) == expected


# ---- causes -----------------------------------------------------------------------------------------------------


def _fail(db: sa.Connection, call_id: str, stage: Stage, error: AppError, *, will_retry: bool = False) -> None:
    stages.begin(db, call_id, stage, NOW)
    stages.fail(db, call_id, stage, NOW, error, will_retry=will_retry)
    calls.set_state(db, call_id, CallState.WAITING if will_retry else CallState.FAILED, NOW)


def test_failures_are_grouped_by_cause_the_most_frequent_first(
    engine: sa.Engine, pbx_id: str, other_pbx: str, add_calls: AddCalls
) -> None:
    ids = add_calls(5)
    (elsewhere,) = add_calls(1, pbx=other_pbx)
    timeout, died = PbxTimeout(host="h", port=1, seconds=5.0), EngineDied(engine="e")
    with engine.begin() as db:
        _fail(db, ids[0], Stage.TRANSCRIBE, died)
        for call_id in (*ids[1:4], elsewhere):
            _fail(db, call_id, Stage.FETCH, timeout)
        _fail(db, ids[4], Stage.FETCH, timeout, will_retry=True)
        found = health.causes(db, pbx_id)
        to_retry = health.failed_with(db, pbx_id, "pbx-timeout")
    assert [(each.failure.code, each.stage, each.count) for each in found] == [
        ("pbx-timeout", "fetch", 3), ("engine-died", "transcribe", 1),
    ]  # fmt: skip
    assert (found[0].failure.what, found[0].failure.fix) == (timeout.what, timeout.fix)
    assert to_retry == ids[1:4]


# ---- silence ----------------------------------------------------------------------------------------------------


@pytest.fixture
def calls_at(engine: sa.Engine, pbx_id: str) -> Callable[[Iterable[datetime]], None]:
    """Adds a call at each of these moments."""

    def add(moments: Iterable[datetime]) -> None:
        with engine.begin() as db:
            calls.add_found(
                db,
                [
                    NewCall(
                        pbx_id=pbx_id, listed_format="wav", first_seen_at=at, sync_id=None,
                        name=RecordingName(name=f"{at:%Y%m%d-%H%M%S}", kind="in", direction="inbound", started_at=at),
                    )
                    for at in moments
                ],
            )  # fmt: skip

    return add


def _weeks_of(*hours: timedelta, first_day: datetime, weeks: Iterable[int]) -> list[datetime]:
    return [first_day - WEEK * back + hour for back in weeks for hour in hours]


def _silent(engine: sa.Engine, pbx_id: str, now: datetime, zone: str | None = None) -> datetime | None:
    with engine.connect() as db:
        return health.unusual_silence(db, pbx_id, now, zone)


TEN = NOW - timedelta(hours=2)


def test_a_monday_morning_without_a_call_is_unusual_where_mondays_have_calls(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    last = TEN - timedelta(hours=60)
    calls_at([last, *_weeks_of(*MORNING, first_day=TEN, weeks=(1, 2, 3, 4))])
    assert _silent(engine, pbx_id, NOW) == last


def test_one_call_ends_the_silence(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    calls_at([NOW - timedelta(minutes=5), *_weeks_of(*MORNING, first_day=TEN, weeks=(1, 2, 3, 4))])
    assert _silent(engine, pbx_id, NOW) is None


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(NOW.replace(hour=3), id="at night"),
        pytest.param(NOW + timedelta(days=5), id="on a Saturday"),
        pytest.param(NOW + timedelta(days=6, hours=6), id="on a Sunday evening"),
    ],
)
def test_nobody_expects_calls_when_there_never_are_any(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None], now: datetime
) -> None:
    office_hours = [timedelta(hours=hour, minutes=minute) for hour in range(9) for minute in (0, 20, 40)]
    days = [day for day in range(1, 40) if (NOW - timedelta(days=day)).weekday() < 5]
    calls_at(NOW.replace(hour=8) - timedelta(days=day) + hour for day in days for hour in office_hours)
    # The week before that day had its calls as well, up to Friday 17:00.
    this_week = [day for day in range((now - NOW).days + 1) if (NOW + timedelta(days=day)).weekday() < 5]
    calls_at(
        at for day in this_week for hour in office_hours
        if (at := NOW.replace(hour=8) + timedelta(days=day) + hour) < now
    )  # fmt: skip
    assert _silent(engine, pbx_id, now) is None


def test_the_week_after_a_holiday_is_not_measured_by_the_holiday(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    calls_at([TEN - timedelta(hours=60), *_weeks_of(*MORNING, first_day=TEN, weeks=(2, 3, 4))])
    assert _silent(engine, pbx_id, NOW) is None


def test_a_single_holiday_further_back_hides_nothing(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    calls_at([TEN - timedelta(hours=60), *_weeks_of(*MORNING, first_day=TEN, weeks=(1, 3, 4))])
    assert _silent(engine, pbx_id, NOW) is not None


def test_a_pbx_connected_last_week_has_no_habits_yet(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    calls_at([TEN - timedelta(hours=60), *_weeks_of(*MORNING, first_day=TEN, weeks=(1,))])
    assert _silent(engine, pbx_id, NOW) is None


def test_a_pbx_that_has_been_silent_for_weeks_is_said_so(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    days = [NOW - timedelta(days=day, hours=hour) for day in range(9, 40) for hour in (1, 2, 3)]
    calls_at(days)
    assert _silent(engine, pbx_id, NOW) == max(days)


def test_half_an_hour_is_no_silence_and_neither_is_a_pbx_without_any_call(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    assert _silent(engine, pbx_id, NOW) is None
    many = [timedelta(minutes=minute) for minute in range(120)]
    calls_at([NOW - timedelta(minutes=29), *_weeks_of(*many, first_day=TEN, weeks=(1, 2, 3, 4))])
    assert _silent(engine, pbx_id, NOW) is None


def test_calls_of_another_pbx_break_no_silence(
    engine: sa.Engine, pbx_id: str, other_pbx: str, add_calls: AddCalls,
    calls_at: Callable[[Iterable[datetime]], None],
) -> None:  # fmt: skip
    calls_at([TEN - timedelta(hours=60), *_weeks_of(*MORNING, first_day=TEN, weeks=(1, 2, 3, 4))])
    add_calls(1, pbx=other_pbx, started_at=NOW)
    assert _silent(engine, pbx_id, NOW) is not None


def test_an_office_that_opens_by_its_own_clocks_is_measured_by_them(
    engine: sa.Engine, pbx_id: str, calls_at: Callable[[Iterable[datetime]], None]
) -> None:
    """On 25 October 2026 the clocks of Berlin went back: 08:00 there is 06:00 UTC before, 07:00 UTC after."""
    now = datetime(2026, 10, 26, 6, 50, tzinfo=UTC)
    opening = [timedelta(minutes=minute) for minute in range(0, 300, 10)]
    first_day = datetime(2026, 10, 26, 6, 0, tzinfo=UTC)
    calls_at([datetime(2026, 10, 23, 14, tzinfo=UTC), *_weeks_of(*opening, first_day=first_day, weeks=(1, 2, 3, 4))])
    assert _silent(engine, pbx_id, now, "Europe/Berlin") is None
    assert _silent(engine, pbx_id, now + timedelta(hours=1), "Europe/Berlin") is not None


@given(st.lists(st.integers(0, 10), min_size=4, max_size=4))
def test_silence_needs_calls_last_week_and_in_another_one(counts: list[int]) -> None:
    weeks = [count >= health.CALLS_EXPECTED for count in counts]
    assert health.is_unusual(counts) == (weeks[0] and sum(weeks) >= 2)
