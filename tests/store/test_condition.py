"""How one PBX is doing, all in one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from aftercall.errors import PbxTimeout
from aftercall.model import CallState
from aftercall.store import calls, condition, pbxs, shapes, syncs
from aftercall.store.condition import Condition

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def _condition(engine: sa.Engine, pbx_id: str) -> Condition:
    with engine.connect() as db:
        found = pbxs.get(db, pbx_id)
        assert found is not None
        return condition.of_pbx(db, found, NOW)


def _sync(db: sa.Connection, pbx_id: str, *, is_listed: bool = True) -> str:
    sync_id, _ = syncs.ask(db, pbx_id, "user", NOW)
    if is_listed:
        syncs.finish(db, sync_id, found_count=1, new_count=1, now=NOW)
    return sync_id


def test_a_pbx_that_was_never_asked_waits(engine: sa.Engine, pbx_id: str) -> None:
    found = _condition(engine, pbx_id)
    assert (found.state, found.progress, found.time_left) == ("waiting", None, timedelta())


def test_a_list_that_is_asked_for_comes_before_everything_else(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        sync_id = _sync(db, pbx_id, is_listed=False)
        pbxs.set_enabled(db, pbx_id, is_enabled=False)
        pbxs.block(db, pbx_id, "pbx-sign-in-refused")
    assert _condition(engine, pbx_id).state == "queued"
    with engine.begin() as db:
        syncs.begin(db, sync_id, NOW)
    assert _condition(engine, pbx_id).state == "listing"


@pytest.mark.parametrize(
    ("state", "expected"),
    [(CallState.FOUND, "working"), (CallState.FETCHED, "working"), (CallState.ANALYSING, "working"),
     (CallState.WAITING, "waiting"), (CallState.IN_PROGRESS, "waiting"), (CallState.DONE, "waiting")],
)  # fmt: skip
def test_it_works_while_calls_move(
    engine: sa.Engine, pbx_id: str, add_calls: Callable[..., list[str]], state: CallState, expected: str
) -> None:
    (call_id,) = add_calls(1)
    with engine.begin() as db:
        calls.set_state(db, call_id, state, NOW)
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=1, new_count=1, now=NOW)
    assert _condition(engine, pbx_id).state == expected


def test_calls_of_an_earlier_sync_are_work_too(
    engine: sa.Engine, pbx_id: str, add_calls: Callable[..., list[str]]
) -> None:
    add_calls(3)
    with engine.begin() as db:
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=3, new_count=3, now=NOW)
        later, _ = syncs.ask(db, pbx_id, "schedule", NOW + timedelta(minutes=10))
        syncs.finish(db, later, found_count=3, new_count=0, now=NOW + timedelta(minutes=10))
    found = _condition(engine, pbx_id)
    assert (found.state, found.moving_count, found.time_left) == ("working", 3, None)
    assert found.progress is not None
    assert found.progress.is_over


def test_a_refusal_and_failing_lists_are_told(engine: sa.Engine, pbx_id: str) -> None:
    error = PbxTimeout(host="h", port=1, seconds=5.0)
    with engine.begin() as db:
        syncs.fail(db, _sync(db, pbx_id, is_listed=False), error, NOW)
        pbxs.record_list(db, pbx_id, took_s=None)
    found = _condition(engine, pbx_id)
    assert (found.state, found.trouble and found.trouble.code) == ("failing", "pbx-timeout")
    with engine.begin() as db:
        pbxs.block(db, pbx_id, "pbx-sign-in-refused")
    assert _condition(engine, pbx_id).state == "blocked"


def test_it_listens_while_the_events_come(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        pbxs.record_events(db, pbx_id, "connected", NOW)
    assert _condition(engine, pbx_id).state == "listening"
    with engine.begin() as db:
        pbxs.record_events(db, pbx_id, "lost", NOW, PbxTimeout(host="h", port=1, seconds=5.0))
    assert _condition(engine, pbx_id).state == "waiting"


def test_a_pbx_that_is_off_is_off_and_its_silence_is_no_news(
    engine: sa.Engine, pbx_id: str, add_calls: Callable[..., list[str]]
) -> None:
    for week in range(5):
        add_calls(30, prefix=f"w{week}", started_at=NOW - timedelta(days=7 * week, hours=5))
    for index in range(4):
        add_calls(5, prefix=f"h{index}", started_at=NOW - timedelta(days=7 * (index + 1), hours=1))
    with engine.begin() as db:
        db.execute(sa.text("update call set state = 'done'"))
        (running,) = syncs.unfinished(db)
        syncs.finish(db, running.id, found_count=1, new_count=1, now=NOW)
    assert _condition(engine, pbx_id).silent_since == NOW - timedelta(hours=5)
    with engine.begin() as db:
        pbxs.set_enabled(db, pbx_id, is_enabled=False)
    found = _condition(engine, pbx_id)
    assert (found.state, found.silent_since) == ("off", None)


def test_the_silence_is_counted_by_the_clock_that_dates_the_calls(
    engine: sa.Engine, pbx_id: str, add_calls: Callable[..., list[str]]
) -> None:
    """A PBX three hours behind: its newest call, minutes old, looks three hours old."""
    behind = timedelta(hours=3)
    for week in range(5):
        add_calls(30, prefix=f"w{week}", started_at=NOW - behind - timedelta(days=7 * week, minutes=2))
    for index in range(4):
        add_calls(5, prefix=f"h{index}", started_at=NOW - timedelta(days=7 * (index + 1), hours=1))
    with engine.begin() as db:
        assert _condition(engine, pbx_id).silent_since is not None
        pbxs.record_list(db, pbx_id, took_s=0.1, clock_skew_s=-behind.total_seconds())
    assert _condition(engine, pbx_id).silent_since is None


def test_nobody_is_told_a_next_sync_that_will_not_come(engine: sa.Engine, pbx_id: str) -> None:
    assert shapes.pbx_status(_condition(engine, pbx_id))["next_due_at"] is not None
    with engine.begin() as db:
        pbxs.set_enabled(db, pbx_id, is_enabled=False)
    assert shapes.pbx_status(_condition(engine, pbx_id))["next_due_at"] is None


def test_it_costs_the_same_however_many_calls_are_over(
    engine: sa.Engine, pbx_id: str, add_calls: Callable[..., list[str]]
) -> None:
    """Every statement finds its rows by an index that begins with the PBX or the sync; none walks over all calls."""
    add_calls(50)
    seen: list[tuple[str, object]] = []
    with engine.connect() as db:
        sa.event.listen(
            db, "before_cursor_execute", lambda _c, _cur, sql, params, _ctx, _many: seen.append((sql, params))
        )
        found = pbxs.get(db, pbx_id)
        assert found is not None
        condition.of_pbx(db, found, NOW)
        read = [(sql, params) for sql, params in seen if " call" in sql or "recording" in sql]
        plans = [
            row[3]
            for sql, params in read
            for row in db.exec_driver_sql(f"explain query plan {sql}", params)  # type: ignore[arg-type]
        ]
    assert len(read) >= 6
    walks = [step for step in plans if step.startswith("SCAN") and "SUBQUERY" not in step and "CONSTANT" not in step]
    assert walks == []
    assert not any("(pbx_id=?)" in step and "call" in step and "sort_key" not in step for step in plans), plans
