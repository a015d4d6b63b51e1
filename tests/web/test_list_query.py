"""The call list's address."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.store.calls import CallFilter
from aftercall.web import list_query

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)


def test_an_empty_address_asks_for_everything() -> None:
    query = list_query.read({})
    assert query.wanted(NOW, 60) == CallFilter()
    assert (query.address, query.chips({}), query.is_first_page) == ("/", [], True)


def test_every_filter_arrives_in_the_store() -> None:
    given_ = {
        "q": "boiler", "direction": "inbound", "mood": "none", "state": "no audio", "pbx": "p1", "extension": "201",
        "sync": "s1", "duration": "30-180", "from": "2026-11-01", "to": "2026-11-02",
    }  # fmt: skip
    assert list_query.read(given_).wanted(NOW, None) == CallFilter(
        text="boiler", direction="inbound", mood="none", state="no audio", pbx_id="p1", extension="201", sync_id="s1",
        since=datetime(2026, 11, 1, tzinfo=UTC), until=datetime(2026, 11, 3, tzinfo=UTC),
        min_duration_s=30.0, max_duration_s=180.0,
    )  # fmt: skip


def test_today_is_today_on_the_pbxs_clock() -> None:
    wanted = list_query.read({"when": "today"}).wanted(NOW, 60)
    assert wanted.since == datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    assert wanted.until == datetime(2026, 11, 24, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(("when", "days"), [("today", 1), ("yesterday", 1), ("7d", 7), ("30d", 30)])
def test_a_stretch_of_days_has_that_many_days(when: str, days: int) -> None:
    wanted = list_query.read({"when": when}).wanted(NOW, -210)
    assert wanted.since
    assert wanted.until
    assert wanted.until - wanted.since == timedelta(days=days)


@pytest.mark.parametrize(
    "unknown",
    [{"direction": "sideways"}, {"mood": "grim"}, {"state": "x"}, {"duration": "long"}, {"duration": "-"},
     {"from": "2026-02-30"}, {"when": "tomorrow"}, {"q": "x" * 201}, {"older_than": "-1"}, {"newer_than": "9" * 30}],
)  # fmt: skip
def test_what_is_not_known_is_dropped(unknown: dict[str, str]) -> None:
    query = list_query.read(unknown)
    assert (query.values, query.older_than, query.newer_than) == ((), None, None)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(max_size=60)
            | st.sampled_from(["inbound", "today", "failed", "-30", "2026-11-01", "9999-12-31"])
            for name in (*list_query.NAMES, "older_than", "newer_than")
        },
    ),
    st.none() | st.integers(-720, 840),
)
def test_any_address_can_be_read_and_its_own_address_means_the_same(
    query: dict[str, str], utc_offset_min: int | None
) -> None:
    read = list_query.read(query)
    again = list_query.read(dict(parse_qsl(urlsplit(read.address).query)))
    assert again.values == read.values
    assert again.wanted(NOW, utc_offset_min) == read.wanted(NOW, utc_offset_min)
    assert len(read.chips({})) == len(read.values)


def test_a_chip_leads_to_the_list_without_it() -> None:
    chips = list_query.read({"q": "a b", "mood": "negative"}).chips({})
    assert [(chip.words, chip.without) for chip in chips] == [("“a b”", "/?mood=negative"), ("Negative", "/?q=a+b")]


def test_a_page_keeps_the_filters() -> None:
    query = list_query.read({"mood": "negative", "older_than": "7"})
    assert query.page_address(older_than=5) == "/?mood=negative&older_than=5"
    assert query.address == "/?mood=negative"
    assert not query.is_first_page
