"""This file makes accounts and checks passwords: argon2, at most two at a time, slower after every failure."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from aftercall.errors import FormInvalid, NotFound, SignInFailed, TooManyAttempts
from aftercall.store import accounts as store
from aftercall.store.accounts import Account

#: Long enough that guessing is hopeless at the pace sign-in allows; no rules about digits and signs, which only
#: make people write passwords down.
SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 1024
LONGEST_NAME = 80

#: How long a failure is remembered against a name and an address.
WINDOW = timedelta(minutes=15)
#: Failures of one name, and from one address, that cost nothing.
FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
#: A name's wait stays short: otherwise anybody could lock its owner out by failing in their name.
LONGEST_WAIT_BY_NAME_S, LONGEST_WAIT_BY_ADDRESS_S = 60, 900

_hasher = PasswordHasher()
# Each hash takes 64 MiB while it runs.
_room = threading.BoundedSemaphore(2)
_PATIENCE_S = 10.0


@contextlib.contextmanager
def _hashing() -> Iterator[PasswordHasher]:
    if not _room.acquire(timeout=_PATIENCE_S):
        raise TooManyAttempts(seconds=5)
    try:
        yield _hasher
    finally:
        _room.release()


def _hash(password: str) -> str:
    with _hashing() as hasher:
        return hasher.hash(password)


def _fits(password_hash: str, password: str) -> bool:
    try:
        with _hashing() as hasher:
            return hasher.verify(password_hash, password)
    except (Argon2Error, InvalidHashError):
        return False


# ---- making accounts --------------------------------------------------------------------------------------------


def check_name(name: str) -> str:
    """The name as it is stored. Raises FormInvalid when it cannot be used."""
    name = name.strip()
    if not name:
        raise FormInvalid(field="Name", problem="is missing.")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise FormInvalid(field="Name", problem=f"must be up to {LONGEST_NAME} visible characters.")
    return name


def check_password(password: str) -> str:
    """The password itself. Raises FormInvalid when it is too short or too long."""
    if len(password) < SHORTEST_PASSWORD:
        raise FormInvalid(field="Password", problem=f"must be at least {SHORTEST_PASSWORD} characters long.")
    if len(password) > LONGEST_PASSWORD:
        raise FormInvalid(field="Password", problem=f"must be at most {LONGEST_PASSWORD} characters long.")
    return password


def create(engine: sa.Engine, *, name: str, password: str, role: str, now: datetime | None = None) -> str:
    """Make an account and return its id.

    Raises:
        FormInvalid: the name is taken, or name or password cannot be used.
    """
    name = check_name(name)
    password_hash = _hash(check_password(password))
    try:
        with engine.begin() as db:
            return store.add(db, name=name, password_hash=password_hash, role=role, now=now or datetime.now(UTC))
    except sa.exc.IntegrityError as exc:
        raise FormInvalid(field="Name", problem=f"there is an account named {name} already.") from exc


def create_owner(engine: sa.Engine, *, name: str, password: str, now: datetime) -> str | None:
    """Make the first account; None when there is one already (of two at once, only one becomes the owner)."""
    name = check_name(name)
    password_hash = _hash(check_password(password))
    with engine.begin() as db:
        return store.add_first(db, name=name, password_hash=password_hash, role="owner", now=now)


def set_password(engine: sa.Engine, *, name: str, password: str) -> None:
    """Set a new password; every session of the account ends.

    Raises:
        NotFound: there is no such account.
        FormInvalid: the password cannot be used.
    """
    new_hash = _hash(check_password(password))
    with engine.begin() as db:
        account = store.by_name(db, name)
        if account is None:
            raise NotFound(thing=f"account {name}")
        store.set_password(db, account.id, new_hash)


# ---- signing in -------------------------------------------------------------------------------------------------


def wait_s(by_name: int, by_address: int, last: datetime | None, now: datetime) -> int:
    """Seconds until the next attempt is allowed: it doubles with every failure beyond the free ones."""
    if last is None:
        return 0
    penalty_s = max(
        _penalty_s(by_name - FREE_BY_NAME, LONGEST_WAIT_BY_NAME_S),
        _penalty_s(by_address - FREE_BY_ADDRESS, LONGEST_WAIT_BY_ADDRESS_S),
    )
    left = last + timedelta(seconds=penalty_s) - now
    return max(0, -int(-left.total_seconds() // 1))


def _penalty_s(beyond: int, longest_s: int) -> int:
    return 0 if beyond < 0 else min(2 ** min(beyond, 20), longest_s)


def sign_in(engine: sa.Engine, *, name: str, password: str, address: str, now: datetime) -> Account:
    """The account of this name and password.

    Raises:
        SignInFailed: there is none.
        TooManyAttempts: this name or this address has to wait.
    """
    name, password = name.strip(), password[: LONGEST_PASSWORD + 1]
    with engine.begin() as db:
        seconds = wait_s(*store.failures(db, name=name, address=address, since=now - WINDOW), now)
        if seconds:
            raise TooManyAttempts(seconds=seconds)
        # Counted before the slow part, so that a hundred attempts at once do not all find a clean slate.
        store.record_failure(db, name=name, address=address, now=now)
        account = store.by_name(db, name)
        known_hash = store.password_hash(db, account.id) if account else None
    # An unknown name costs the same time, or the answer's delay would tell which names exist.
    is_right = _fits(known_hash or _hash_of_nobody(), password)
    if account is None or known_hash is None or not is_right:
        raise SignInFailed()
    new_hash = _hash(password) if _hasher.check_needs_rehash(known_hash) else None
    with engine.begin() as db:
        store.forget_failures(db, name=name)
        if new_hash:
            store.refresh_hash(db, account.id, new_hash)
    return account


_nobody: list[str] = []


def _hash_of_nobody() -> str:
    """A hash that no password fits, made once."""
    if not _nobody:
        _nobody.append(_hash("a password that nobody has"))
    return _nobody[0]
