"""Which recordings an administrator wants."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aftercall.model import Direction, ListedRecording, RecordingName
from aftercall.recordings import filters
from aftercall.recordings.filters import Filters, sort_out, why_skipped

SINCE = datetime(2026, 10, 24, tzinfo=UTC)
TO_201 = RecordingName(
    name="2026/11/22/external-201-5550177-20261122-101500-1795342500.7", kind="external", direction="inbound",
    caller="5550177", callee="201", extension="201", started_at=datetime(2026, 11, 22, 10, 15, tzinfo=UTC),
)  # fmt: skip

DIRECTIONS = st.sampled_from(get_args(Direction))
PATTERN = st.text("0123456789*?", min_size=1, max_size=4)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
FILTERS = st.builds(
    Filters,
    since=st.none() | MOMENTS,
    directions=st.none() | st.frozensets(DIRECTIONS, min_size=1),
    extensions=st.lists(PATTERN, max_size=3).map(tuple),
    skipped_names=st.lists(st.text("abc/*?-1", min_size=1, max_size=6), max_size=3).map(tuple),
)
NUMBERS = st.none() | st.text("0123456789", min_size=2, max_size=7)
NAMES = st.builds(
    RecordingName,
    name=st.text("abc/-1", min_size=1, max_size=12),
    kind=st.just("in"),
    direction=DIRECTIONS,
    caller=NUMBERS,
    callee=NUMBERS,
    extension=NUMBERS,
    started_at=st.none() | MOMENTS,
)
LISTED = st.lists(
    st.builds(
        "2026/{}-{}-{}-202611{:02}-101500-1795342500.{}".format,
        st.sampled_from(["in", "out", "internal", "external", "conf", "odd"]),
        st.integers(200, 205),
        st.integers(5550100, 5550199),
        st.integers(1, 28),
        st.integers(0, 9),
    )
    | st.text("abc-1/", min_size=1, max_size=8),
    unique=True,
    max_size=30,
)


@given(NAMES, FILTERS)
def test_what_a_name_does_not_tell_is_never_held_against_it(name: RecordingName, chosen: Filters) -> None:
    assert why_skipped(replace(name, started_at=None), chosen) != "since"
    assert why_skipped(replace(name, direction="unknown"), chosen) != "directions"
    assert why_skipped(replace(name, extension=None), chosen) != "extensions"


@given(NAMES)
def test_an_open_filter_skips_nothing(name: RecordingName) -> None:
    assert Filters().is_open
    assert why_skipped(name, Filters()) == ""


@given(LISTED, FILTERS)
def test_every_new_recording_lands_in_exactly_one_heap(names: list[str], chosen: Filters) -> None:
    new = [ListedRecording(name=name, format="wav") for name in names]
    found = sort_out(new, chosen)
    wanted = {listed.name for listed, _ in found.wanted}
    assert len(found.wanted) + found.skipped_count == len(new)
    assert found.skipped_count == sum(found.skipped_by.values())
    skipped_one_by_one = {
        name for name in names if not sort_out([ListedRecording(name=name, format="wav")], chosen).wanted
    }
    assert wanted == set(names) - skipped_one_by_one


@given(LISTED, MOMENTS)
@example(["2026/in-200-5550100-20261101-101500-1795342500.0"], datetime(2026, 11, 3, tzinfo=UTC))
def test_the_quick_look_at_the_date_skips_nothing_that_the_whole_name_would_keep(
    names: list[str], since: datetime
) -> None:
    new = [ListedRecording(name=name, format="wav") for name in names]
    skipped = set(names) - {listed.name for listed, _ in sort_out(new, Filters(since=since)).wanted}
    for name in skipped:
        read = filters.names.parse(name)
        # The wall clock of a zone is at most 14 hours from UTC.
        told = read.started_at or (read.started_at_local and read.started_at_local.replace(tzinfo=UTC))
        assert told is not None
        assert told < since + timedelta(hours=14)


@pytest.mark.parametrize(
    ("chosen", "rule"),
    [
        (Filters(since=SINCE), ""),
        (Filters(since=datetime(2026, 11, 22, 10, 16, tzinfo=UTC)), "since"),
        (Filters(directions=frozenset({"inbound"})), ""),
        (Filters(directions=frozenset({"outbound", "internal"})), "directions"),
        (Filters(extensions=("201",)), ""),
        (Filters(extensions=("2*",)), ""),
        (Filters(extensions=("20", "3*")), "extensions"),
        (Filters(skipped_names=("external-*",)), ""),
        (Filters(skipped_names=("*/external-*",)), "names"),
        (Filters(skipped_names=("*-1795342500.?",)), "names"),
        (Filters(since=datetime(2027, 1, 1, tzinfo=UTC), skipped_names=("*",)), "since"),
    ],
)
def test_each_rule_decides_alone_and_the_first_that_fits_counts(chosen: Filters, rule: str) -> None:
    assert why_skipped(TO_201, chosen) == rule


def test_an_internal_call_is_wanted_for_either_of_its_ends() -> None:
    between = replace(TO_201, direction="internal", caller="202", callee="201", extension="202")
    assert why_skipped(between, Filters(extensions=("201",))) == ""
    assert why_skipped(between, Filters(extensions=("203",))) == "extensions"


def test_a_shortest_length_skips_nothing_from_a_list_which_tells_no_length() -> None:
    assert why_skipped(TO_201, Filters(min_duration_s=30)) == ""
    assert Filters(min_duration_s=30).is_open
    assert Filters(min_duration_s=30).is_narrow


@given(FILTERS)
def test_filters_survive_being_stored(chosen: Filters) -> None:
    assert filters.from_json(filters.as_json(chosen), chosen.since) == chosen


@given(st.dates(date(1970, 1, 2), date(2100, 1, 1)), st.sampled_from([None, "Europe/Berlin", "Asia/Tokyo", "UTC"]))
def test_a_day_comes_back_as_the_same_day(day: date, zone: str | None) -> None:
    assert filters.day_of(filters.start_of(day, zone), zone) == day


def test_where_nobody_has_said_the_zone_no_zones_morning_is_lost() -> None:
    day = date(2026, 10, 24)
    zones = ("Pacific/Kiritimati", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Honolulu")
    assert all(filters.start_of(day, None) <= filters.start_of(day, zone) for zone in zones)
