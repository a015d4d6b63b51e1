"""The form of a connection."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.recordings.filters import Filters
from aftercall.store.pbxs import Pbx
from aftercall.web import pbx_form
from aftercall.web.pbx_form import Entered

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD = Entered(
    name="Office", host="192.0.2.10", port="8089", username="aftercall", password="open sesame", use_tls=True
)
STORED = Pbx(
    id="p", name="Office", host="192.0.2.10", port=8089, username="aftercall", use_tls=True, prefix="",
    pinned_certificate=None, sync_interval_min=10, is_enabled=True, is_demo=False,
    created_at=datetime(2026, 11, 23, tzinfo=UTC), changed_at=datetime(2026, 11, 23, tzinfo=UTC), last_due_at=None,
    blocked_by=None,
)  # fmt: skip


def test_a_good_form_has_no_problems() -> None:
    assert pbx_form.problems(GOOD, None) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 81), ("host", ""), ("host", "http://192.0.2.10"), ("host", "pbx.example.test:8088"),
     ("host", "two words"), ("host", "-x.test"), ("port", "0"), ("port", "65536"), ("port", "8o88"), ("port", "٨"),
     ("username", ""), ("username", "a:b"), ("password", ""), ("prefix", "a b"), ("prefix", "../x?"),
     ("sync_interval_min", "0"), ("sync_interval_min", "1441"), ("sync_interval_min", ""),
     ("pinned_certificate", "no certificate"), ("zone", "Mars/Olympus"), ("zone", "+02:00"), ("period", "ever"),
     ("directions", ()), ("directions", ("inbound", "up")), ("extensions", "201, two hundred"),
     ("extensions", "201/202"), ("extensions", "1," * 201), ("min_duration_s", "-1"), ("min_duration_s", "3601"),
     ("min_duration_s", "1.5"), ("skipped_names", "x" * 201), ("skipped_names", "a\n" * 201),
     ("downloads_at_once", "0"), ("downloads_at_once", "5"), ("downloads_at_once", ""), ("backlog_per_min", "0"),
     ("backlog_per_min", "many")],
)  # fmt: skip
def test_a_problem_is_named_at_its_field(field: str, value: str) -> None:
    assert list(pbx_form.problems(replace(GOOD, **{field: value}), None)) == [field]


@pytest.mark.parametrize(
    "host", ["pbx", "pbx.example.test", "192.0.2.10", "2001:db8::1", "[2001:db8::1]", "xn--bcher-kva.example"]
)
def test_names_and_addresses_are_hosts(host: str) -> None:
    assert pbx_form.problems(replace(GOOD, host=host), None) == {}


@pytest.mark.parametrize("minutes", ["1", "10", "1440"])
def test_the_interval_goes_from_a_minute_to_a_day(minutes: str) -> None:
    assert pbx_form.problems(replace(GOOD, sync_interval_min=minutes), None) == {}


def test_a_stored_password_may_be_left_out() -> None:
    assert pbx_form.problems(replace(GOOD, password=""), STORED) == {}


@pytest.mark.parametrize("change", [{"host": "192.0.2.66"}, {"use_tls": False}])
def test_a_stored_password_is_never_sent_to_another_host_nor_in_clear(change: dict[str, object]) -> None:
    moved = replace(GOOD, password="", **change)  # type: ignore[arg-type]
    assert "password" in pbx_form.problems(moved, STORED, is_test=True)


def test_a_test_needs_no_name_and_no_interval() -> None:
    assert pbx_form.problems(replace(GOOD, name="", sync_interval_min=""), None, is_test=True) == {}


def test_the_address_is_cleaned() -> None:
    entered = replace(GOOD, host=" [2001:db8::1] ", prefix="/asterisk/")
    address = pbx_form.address(entered, None)
    assert (address.host, address.prefix, address.password) == ("2001:db8::1", "asterisk", "open sesame")


def test_without_tls_no_certificate_is_pinned() -> None:
    entered = replace(GOOD, use_tls=False, pinned_certificate="PEM")
    assert pbx_form.settings(entered, NOW).pinned_certificate is None


def test_the_form_of_a_stored_pbx_holds_no_password() -> None:
    assert pbx_form.of_stored(STORED).password == ""


# ---- what to fetch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["", "yesterday", "2026-02-30", "1969-12-31", "2101-01-01", "2026-11-23T10:00"])
def test_a_day_must_be_a_day_where_one_is_asked_for(since: str) -> None:
    assert list(pbx_form.problems(replace(GOOD, period="day", since=since), None)) == ["since"]
    assert pbx_form.problems(replace(GOOD, period="all", since=since), None) == {}


def test_a_new_pbx_fetches_everything_unless_somebody_chose() -> None:
    assert pbx_form.chosen(GOOD, NOW) == Filters()


def test_the_last_month_begins_on_a_day_of_the_pbx() -> None:
    chosen = pbx_form.chosen(replace(GOOD, period="month", zone="America/New_York"), NOW)
    assert chosen.since == datetime(2026, 10, 24, 4, tzinfo=UTC)


def test_what_to_fetch_is_read_as_it_was_typed() -> None:
    entered = replace(
        GOOD, period="day", since="2026-11-01", zone="Europe/Berlin", directions=("outbound", "inbound"),
        extensions=" 201,202;  3* ", min_duration_s=" 15 ", skipped_names=" */internal-* \n\n*-*9\n",
    )  # fmt: skip
    assert pbx_form.problems(entered, None) == {}
    assert pbx_form.chosen(entered, NOW) == Filters(
        since=datetime(2026, 10, 31, 23, tzinfo=UTC), directions=frozenset({"inbound", "outbound"}),
        extensions=("201", "202", "3*"), skipped_names=("*/internal-*", "*-*9"), min_duration_s=15,
    )  # fmt: skip


def test_all_directions_ticked_are_no_filter() -> None:
    assert pbx_form.chosen(replace(GOOD, directions=pbx_form.DIRECTIONS), NOW).directions is None


def test_load_and_events_are_read_too() -> None:
    entered = replace(GOOD, downloads_at_once="4", backlog_per_min="30", hears_events=False, zone=" Asia/Tokyo ")
    made = pbx_form.settings(entered, NOW)
    assert (made.downloads_at_once, made.backlog_per_min, made.hears_events, made.zone) == (4, 30, False, "Asia/Tokyo")
    assert pbx_form.settings(GOOD, NOW).backlog_per_min is None


def test_counting_needs_a_connection_and_filters_but_no_name_and_no_load() -> None:
    bare = replace(GOOD, name="", sync_interval_min="", downloads_at_once="")
    assert pbx_form.problems(bare, None, is_preview=True) == {}
    wrong = replace(bare, host="", extensions="a b!")
    assert set(pbx_form.problems(wrong, None, is_preview=True)) == {"host", "extensions"}


def test_a_test_of_the_connection_asks_nothing_about_filters() -> None:
    assert pbx_form.problems(replace(GOOD, extensions="a!", directions=()), None, is_test=True) == {}


DAYS = st.dates(datetime(1970, 1, 2).date(), datetime(2100, 1, 1).date())


@given(
    DAYS,
    st.sampled_from(["", "Europe/Berlin", "America/New_York", "Asia/Tokyo"]),
    st.none() | st.frozensets(st.sampled_from(pbx_form.DIRECTIONS), min_size=1, max_size=3),
    st.integers(0, 3600),
)
def test_the_form_of_a_stored_pbx_saved_again_changes_nothing(
    day: object, zone: str, directions: frozenset[str] | None, min_duration_s: int
) -> None:
    typed = replace(
        GOOD, period="day", since=str(day), zone=zone, directions=tuple(directions or pbx_form.DIRECTIONS),
        extensions="201, 3*", min_duration_s=str(min_duration_s), skipped_names="a*\nb?", backlog_per_min="7",
    )  # fmt: skip
    assert pbx_form.problems(typed, None) == {}
    made = pbx_form.settings(typed, NOW)
    kept = ("zone", "filters", "downloads_at_once", "backlog_per_min", "hears_events")
    stored = replace(STORED, **{name: getattr(made, name) for name in kept})
    again = pbx_form.settings(pbx_form.of_stored(stored), NOW + timedelta(days=400))
    assert [getattr(again, name) for name in kept] == [getattr(made, name) for name in kept]


TYPED = (
    "name", "host", "port", "username", "password", "prefix", "sync_interval_min", "pinned_certificate", "zone",
    "period", "since", "extensions", "min_duration_s", "skipped_names", "downloads_at_once", "backlog_per_min",
)  # fmt: skip


@given(st.builds(Entered, **{name: st.text(max_size=30) for name in TYPED}))
def test_any_form_can_be_judged_and_a_good_one_be_used(entered: Entered) -> None:
    if not pbx_form.problems(entered, None):
        pbx_form.settings(entered, NOW)
        pbx_form.address(entered, None)
