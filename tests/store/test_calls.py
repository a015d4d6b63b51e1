from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from aftercall.model import CallState, RecordingName
from aftercall.store import calls, pbxs, recordings
from aftercall.store.calls import CallFilter, NewCall
from aftercall.store.vault import Vault

#: The fixtures' clock.
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
AddCalls = Callable[..., list[str]]


def test_the_same_recording_twice_is_one_call(engine: sa.Engine, add_calls: AddCalls) -> None:
    add_calls(3)
    add_calls(5)
    with engine.connect() as db:
        assert calls.page(db, CallFilter()).count == 5


def test_the_same_name_on_two_pbxs_is_two_calls(engine: sa.Engine, vault: Vault, add_calls: AddCalls) -> None:
    other = pbxs.PbxSettings(name="Branch", host="192.0.2.20", port=8088, username="a", password="b")
    with engine.begin() as db:
        branch = pbxs.add(db, other, vault, NOW)
    add_calls(1)
    add_calls(1, pbx=branch)
    with engine.connect() as db:
        assert calls.page(db, CallFilter()).count == 2


def test_pages_follow_each_other_without_gap_or_repeat_in_both_directions(
    engine: sa.Engine, add_calls: AddCalls
) -> None:
    expected = add_calls(25)
    with engine.connect() as db:
        seen, older_than, last = [], None, None
        while True:
            page = calls.page(db, CallFilter(), older_than=older_than, size=10)
            seen += [row.id for row in page.rows]
            last = page
            if page.older_than is None:
                break
            older_than = page.older_than
        assert seen == expected
        back = calls.page(db, CallFilter(), newer_than=last.newer_than, size=10)
    assert [row.id for row in back.rows] == expected[10:20]


def test_a_recording_without_a_start_counts_from_when_it_was_seen(engine: sa.Engine, pbx_id: str) -> None:
    with engine.begin() as db:
        nameless = RecordingName(name="strange file", kind="unknown", direction="unknown")
        calls.add_found(
            db, [NewCall(pbx_id=pbx_id, name=nameless, listed_format="wav", first_seen_at=NOW, sync_id="s")]
        )
        row = calls.page(db, CallFilter()).rows[0]
    assert (row.started_at, row.is_start_estimated) == (NOW, True)


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (CallFilter(direction="inbound"), 4),
        (CallFilter(direction="outbound"), 0),
        (CallFilter(state="found"), 4),
        (CallFilter(state="done"), 0),
        (CallFilter(mood="none"), 4),
        (CallFilter(mood="positive"), 0),
        (CallFilter(extension="200"), 0),
        (CallFilter(text="0103"), 0),
        (CallFilter(text="5550100003"), 1),
        (CallFilter(text="555 010-0003"), 1),
        (CallFilter(text="nobody said this"), 0),
    ],
)
def test_each_filter_narrows_the_list(engine: sa.Engine, add_calls: AddCalls, wanted: CallFilter, count: int) -> None:
    add_calls(4)
    with engine.connect() as db:
        assert calls.page(db, wanted).count == count


def test_filters_by_time_and_length(engine: sa.Engine, add_calls: AddCalls) -> None:
    first, *_ = add_calls(4)
    with engine.begin() as db:
        calls.set_state(db, first, CallState.DONE, NOW, duration_s=90.0)
        assert calls.page(db, CallFilter(since=NOW - timedelta(seconds=90))).count == 2
        assert calls.page(db, CallFilter(until=NOW - timedelta(seconds=90))).count == 2
        assert calls.page(db, CallFilter(min_duration_s=60)).count == 1
        assert calls.page(db, CallFilter(max_duration_s=60)).count == 0


def test_neighbours_stay_within_the_filter(engine: sa.Engine, add_calls: AddCalls) -> None:
    ids = add_calls(3)
    with engine.begin() as db:
        for identity in (ids[0], ids[2]):
            calls.set_state(db, identity, CallState.DONE, NOW)
        row = calls.rows_by_id(db, [ids[2]])[0]
        assert calls.neighbours(db, CallFilter(state="done"), row.sort_key) == (ids[0], None)


def test_what_moved_since_is_what_changed(engine: sa.Engine, add_calls: AddCalls) -> None:
    ids = add_calls(3)
    later = NOW + timedelta(seconds=5)
    with engine.begin() as db:
        calls.set_state(db, ids[1], CallState.FETCHED, later)
        assert [each.row.id for each in calls.moved(db, CallFilter(), since=NOW)] == [ids[1]]
        assert calls.last_change(db) == later


def test_what_moved_says_whether_it_belongs_to_the_filtered_list(engine: sa.Engine, add_calls: AddCalls) -> None:
    ids = add_calls(2)
    with engine.begin() as db:
        for identity, state in ((ids[0], CallState.DONE), (ids[1], CallState.FAILED)):
            calls.set_state(db, identity, state, NOW + timedelta(seconds=5))
        found = calls.moved(db, CallFilter(state="done"), since=NOW)
    assert [(each.row.id, each.is_wanted) for each in found] == [(ids[0], True), (ids[1], False)]


def test_what_moved_below_the_rows_shown_is_left_out(engine: sa.Engine, add_calls: AddCalls) -> None:
    ids = add_calls(2)
    with engine.begin() as db:
        for identity in ids:
            calls.set_state(db, identity, CallState.DONE, NOW + timedelta(seconds=5))
        newest = calls.rows_by_id(db, [ids[0]])[0]
        found = calls.moved(db, CallFilter(), since=NOW, at_or_above=newest.sort_key)
    assert [each.row.id for each in found] == [ids[0]]


def test_removing_a_pbx_with_its_calls_names_the_files_to_delete(
    engine: sa.Engine, pbx_id: str, add_calls: AddCalls
) -> None:
    ids = add_calls(3)
    with engine.begin() as db:
        recordings.record_fetched(db, ids[0], archive_key="2026/11/x.wav")
        assert pbxs.remove_with_calls(db, pbx_id) == ["2026/11/x.wav"]
        assert calls.page(db, CallFilter()).count == 0


def test_removing_a_pbx_keeps_its_calls(engine: sa.Engine, pbx_id: str, add_calls: AddCalls) -> None:
    add_calls(3)
    with engine.begin() as db:
        pbxs.remove(db, pbx_id, NOW)
        assert (calls.page(db, CallFilter()).count, pbxs.all_pbxs(db)) == (3, [])


SENSIBLE = st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


@given(SENSIBLE, SENSIBLE, st.text(max_size=20))
def test_sort_keys_order_calls_by_their_start(one: datetime, other: datetime, name: str) -> None:
    earlier, later = sorted([one, other])
    if later - earlier >= timedelta(milliseconds=1):
        assert calls.sort_key(earlier, calls.call_id("p", name)) < calls.sort_key(later, calls.call_id("p", name + "x"))


@given(st.datetimes(timezones=st.just(UTC)), st.text(max_size=20))
def test_any_start_a_name_can_claim_gives_a_key_the_database_can_hold(start: datetime, name: str) -> None:
    assert 0 <= calls.sort_key(start, calls.call_id("p", name)) < 2**63
