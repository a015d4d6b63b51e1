from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aftercall.store.cdr_sources import CdrSource
from aftercall.web import cdr_form
from aftercall.web.cdr_form import EnteredCdr

RIGHT = EnteredCdr(host="192.0.2.10", username="aftercall", password="open sesame")
STORED = CdrSource(
    pbx_id="1", host="192.0.2.10", port=3306, database="asteriskcdrdb", username="aftercall", use_tls=True,
    certificate=None, is_enabled=True, changed_at=datetime(2026, 11, 23, tzinfo=UTC), read_to=None,
    backfilled_to=None, is_backfilled=False, offset_min=None, read_at=None, next_read_at=None, failures=0, error=None,
    blocked_by=None,
)  # fmt: skip


def test_a_right_form_has_no_problems() -> None:
    assert cdr_form.problems(RIGHT, None) == {}
    address = cdr_form.address(RIGHT, None)
    assert (address.host, address.port, address.database) == ("192.0.2.10", 3306, "asteriskcdrdb")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", "http://192.0.2.10"),
        ("port", "mysql"),
        ("port", "70000"),
        ("database", ""),
        ("database", "cdr; drop table"),
        ("username", " "),
        ("username", "x" * 81),
        ("password", ""),
        ("password", "x" * 201),
        ("pinned_certificate", "no certificate"),
    ],
)
def test_every_problem_is_named_at_its_field(field: str, value: str) -> None:
    assert list(cdr_form.problems(replace(RIGHT, **{field: value}), None)) == [field]  # type: ignore[arg-type]


def test_the_stored_password_goes_only_to_where_it_was_saved_for() -> None:
    unchanged = replace(cdr_form.of_stored(STORED), password="")
    assert cdr_form.problems(unchanged, STORED) == {}
    assert list(cdr_form.problems(replace(unchanged, host="192.0.2.11"), STORED)) == ["password"]
    assert list(cdr_form.problems(replace(unchanged, use_tls=False), STORED)) == ["password"]


def test_a_certificate_counts_only_with_tls() -> None:
    assert cdr_form.address(replace(RIGHT, pinned_certificate="x"), None).certificate is None


def test_the_password_is_in_no_text() -> None:
    assert "open sesame" not in f"{RIGHT!r}{cdr_form.settings(RIGHT)!r}{cdr_form.address(RIGHT, None)!r}"
