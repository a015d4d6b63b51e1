"""Accounts and passwords."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.web import NOW, Web

from aftercall.errors import FormInvalid, NotFound, SignInFailed, TooManyAttempts
from aftercall.store import accounts as store
from aftercall.web import accounts

PASSWORD = "a long enough password"


def _sign_in(web: Web, *, name: str = "anna", password: str = PASSWORD, address: str = "192.0.2.1") -> str:
    return accounts.sign_in(web.engine, name=name, password=password, address=address, now=web.now).name


def test_whoever_has_an_account_can_sign_in(web: Web) -> None:
    accounts.create(web.engine, name=" anna ", password=PASSWORD, role="owner")
    assert _sign_in(web) == "anna"


def test_a_wrong_password_and_an_unknown_name_are_refused_alike(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    with pytest.raises(SignInFailed) as wrong:
        _sign_in(web, password="another password")
    with pytest.raises(SignInFailed) as unknown:
        _sign_in(web, name="bert")
    assert str(wrong.value) == str(unknown.value)


def test_a_new_password_ends_the_sessions_of_the_old_one(web: Web) -> None:
    account_id = accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    with web.engine.begin() as db:
        lifetime = timedelta(days=1)
        token = store.open_session(db, account_id, lifetime=lifetime, user_agent="", address="", now=NOW)
    accounts.set_password(web.engine, name="anna", password="quite another one")
    with web.engine.connect() as db:
        assert store.session_of(db, token, NOW) is None
    assert _sign_in(web, password="quite another one") == "anna"


def test_a_password_of_nobody_cannot_be_set(web: Web) -> None:
    with pytest.raises(NotFound):
        accounts.set_password(web.engine, name="nobody", password=PASSWORD)


@pytest.mark.parametrize(
    ("name", "password", "field"),
    [("", PASSWORD, "Name"), ("a\nb", PASSWORD, "Name"), ("x" * 81, PASSWORD, "Name"),
     ("anna", "short", "Password"), ("anna", "x" * 1025, "Password")],
)  # fmt: skip
def test_unusable_names_and_passwords_are_refused_at_their_field(
    web: Web, name: str, password: str, field: str
) -> None:
    with pytest.raises(FormInvalid) as refused:
        accounts.create(web.engine, name=name, password=password, role="owner")
    assert refused.value.facts["field"] == field


def test_a_name_is_taken_only_once(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    with pytest.raises(FormInvalid, match="already"):
        accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")


def test_only_the_first_becomes_the_owner_by_the_setup_link(web: Web) -> None:
    assert accounts.create_owner(web.engine, name="anna", password=PASSWORD, now=NOW) is not None
    assert accounts.create_owner(web.engine, name="bert", password=PASSWORD, now=NOW) is None


# ---- slowing down guesses ---------------------------------------------------------------------------------------


def _fail(web: Web, times: int, *, name: str = "anna", address: str = "192.0.2.1") -> None:
    with web.engine.begin() as db:
        for _ in range(times):
            store.record_failure(db, name=name, address=address, now=web.now)


def test_after_several_failures_even_the_right_password_has_to_wait(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    _fail(web, 8)
    with pytest.raises(TooManyAttempts) as refused:
        _sign_in(web, address="192.0.2.99")
    web.now += timedelta(seconds=refused.value.facts["seconds"])
    assert _sign_in(web, address="192.0.2.99") == "anna"


def test_one_address_that_tries_many_names_has_to_wait_too(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    for index in range(25):
        _fail(web, 1, name=f"name {index}")
    with pytest.raises(TooManyAttempts):
        _sign_in(web)
    assert _sign_in(web, address="192.0.2.99") == "anna"


def test_success_forgets_the_failures(web: Web) -> None:
    accounts.create(web.engine, name="anna", password=PASSWORD, role="owner")
    _fail(web, 4)
    _sign_in(web)
    with web.engine.connect() as db:
        assert store.failures(db, name="anna", address="192.0.2.1", since=NOW - timedelta(days=1))[:2] == (0, 0)


@given(by_name=st.integers(0, 10_000), by_address=st.integers(0, 10_000), passed=st.integers(0, 2000))
def test_a_wait_is_never_longer_than_its_limit_and_always_ends(by_name: int, by_address: int, passed: int) -> None:
    now: datetime = NOW + timedelta(seconds=passed)
    wait = accounts.wait_s(by_name, by_address, NOW, now)
    limit = accounts.LONGEST_WAIT_BY_ADDRESS_S if by_address >= accounts.FREE_BY_ADDRESS else 60
    assert 0 <= wait <= limit
    assert accounts.wait_s(by_name, by_address, NOW, NOW + timedelta(seconds=900)) == 0


@given(by_name=st.integers(0, 50), by_address=st.integers(0, 50))
def test_another_failure_never_shortens_the_wait(by_name: int, by_address: int) -> None:
    assert accounts.wait_s(by_name + 1, by_address, NOW, NOW) >= accounts.wait_s(by_name, by_address, NOW, NOW)
    assert accounts.wait_s(by_name, by_address + 1, NOW, NOW) >= accounts.wait_s(by_name, by_address, NOW, NOW)
