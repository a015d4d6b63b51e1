"""The form of a connection."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.store.pbxs import Pbx
from aftercall.web import pbx_form
from aftercall.web.pbx_form import Entered

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
     ("pinned_certificate", "no certificate")],
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
    assert pbx_form.settings(replace(GOOD, use_tls=False, pinned_certificate="PEM")).pinned_certificate is None


def test_the_form_of_a_stored_pbx_holds_no_password() -> None:
    assert pbx_form.of_stored(STORED).password == ""


TYPED = ("name", "host", "port", "username", "password", "prefix", "sync_interval_min", "pinned_certificate")


@given(st.builds(Entered, **{name: st.text(max_size=30) for name in TYPED}))
def test_any_form_can_be_judged_and_a_good_one_be_used(entered: Entered) -> None:
    if not pbx_form.problems(entered, None):
        pbx_form.settings(entered)
        pbx_form.address(entered, None)
