"""This file remembers who may sign in, their sessions and tokens, and failed attempts."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from aftercall.store.tables import account, api_token, session, sign_in_failure


@dataclass(frozen=True, kw_only=True)
class Account:
    id: str
    name: str
    role: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Session:
    token_hash: str
    account_id: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    user_agent: str
    address: str


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    token_hash: str
    account_id: str
    name: str
    created_at: datetime
    last_used_at: datetime | None


def hash_token(token: str) -> str:
    """Tokens are random, so a plain hash is enough; the clear text is never stored."""
    return hashlib.sha256(token.encode()).hexdigest()


# ---- accounts ---------------------------------------------------------------------------------------------------


def count(db: sa.Connection) -> int:
    return db.scalar(sa.select(sa.func.count()).select_from(account)) or 0


def add(db: sa.Connection, *, name: str, password_hash: str, role: str, now: datetime) -> str:
    """Returns the new account's id; the name must be free (IntegrityError otherwise)."""
    account_id = secrets.token_hex(8)
    db.execute(
        account.insert().values(id=account_id, name=name, password_hash=password_hash, role=role, created_at=now)
    )
    return account_id


def add_first(db: sa.Connection, *, name: str, password_hash: str, role: str, now: datetime) -> str | None:
    """Add the very first account; None when there is one already."""
    values = {
        "id": secrets.token_hex(8), "name": name, "password_hash": password_hash, "role": role, "created_at": now,
    }  # fmt: skip
    # One statement looks and inserts: of two that come at once only one finds the table empty.
    row = sa.select(*(sa.bindparam(key, value, type_=account.c[key].type) for key, value in values.items()))
    added = db.execute(
        account.insert().from_select(
            [account.c[key] for key in values], row.where(~sa.exists(sa.select(sa.literal(1)).select_from(account)))
        )
    ).rowcount
    return str(values["id"]) if added else None


_ACCOUNT = (account.c.id, account.c.name, account.c.role, account.c.created_at)


def all_accounts(db: sa.Connection) -> list[Account]:
    return [Account(**row) for row in db.execute(sa.select(*_ACCOUNT).order_by(account.c.name)).mappings()]


def by_name(db: sa.Connection, name: str) -> Account | None:
    row = db.execute(sa.select(*_ACCOUNT).where(account.c.name == name)).mappings().first()
    return Account(**row) if row else None


def password_hash(db: sa.Connection, account_id: str) -> str:
    return str(db.scalar(sa.select(account.c.password_hash).where(account.c.id == account_id)))


def set_password(db: sa.Connection, account_id: str, new_hash: str) -> None:
    """Change the password and end every session that was opened with the old one."""
    db.execute(account.update().where(account.c.id == account_id).values(password_hash=new_hash))
    db.execute(session.delete().where(session.c.account_id == account_id))


def refresh_hash(db: sa.Connection, account_id: str, new_hash: str) -> None:
    """The same password under newer hashing parameters; sessions stay."""
    db.execute(account.update().where(account.c.id == account_id).values(password_hash=new_hash))


def remove(db: sa.Connection, account_id: str) -> None:
    db.execute(account.delete().where(account.c.id == account_id))


# ---- sessions ---------------------------------------------------------------------------------------------------


def open_session(
    db: sa.Connection, account_id: str, *, lifetime: timedelta, user_agent: str, address: str, now: datetime
) -> str:
    """Returns the token for the cookie."""
    token = secrets.token_urlsafe(32)
    db.execute(session.delete().where(session.c.expires_at < now))
    db.execute(
        session.insert().values(
            token_hash=hash_token(token), account_id=account_id, created_at=now, last_seen_at=now,
            expires_at=now + lifetime, user_agent=user_agent[:200], address=address[:60],
        )
    )  # fmt: skip
    return token


def session_of(db: sa.Connection, token: str, now: datetime) -> tuple[Account, Session] | None:
    row = db.execute(sa.select(session).where(session.c.token_hash == hash_token(token))).mappings().first()
    if row is None or row["expires_at"] < now:
        return None
    found = db.execute(sa.select(*_ACCOUNT).where(account.c.id == row["account_id"])).mappings().one()
    return Account(**found), Session(**row)


def touch_session(db: sa.Connection, token_hash: str, now: datetime) -> None:
    db.execute(session.update().where(session.c.token_hash == token_hash).values(last_seen_at=now))


def sessions_of(db: sa.Connection, account_id: str) -> list[Session]:
    rows = db.execute(
        sa.select(session).where(session.c.account_id == account_id).order_by(session.c.last_seen_at.desc())
    )
    return [Session(**row) for row in rows.mappings()]


def end_session(db: sa.Connection, account_id: str, token_hash: str) -> None:
    db.execute(session.delete().where(session.c.token_hash == token_hash, session.c.account_id == account_id))


# ---- API tokens -------------------------------------------------------------------------------------------------


def make_api_token(db: sa.Connection, account_id: str, name: str, now: datetime) -> str:
    """Returns the token, to be shown once."""
    token = f"ca_{secrets.token_urlsafe(32)}"
    db.execute(
        api_token.insert().values(token_hash=hash_token(token), account_id=account_id, name=name, created_at=now)
    )
    return token


def account_of_api_token(db: sa.Connection, token: str, now: datetime) -> Account | None:
    hashed = hash_token(token)
    row = db.execute(sa.select(api_token).where(api_token.c.token_hash == hashed)).mappings().first()
    if row is None:
        return None
    if row["last_used_at"] is None or now - row["last_used_at"] > timedelta(minutes=1):
        db.execute(api_token.update().where(api_token.c.token_hash == hashed).values(last_used_at=now))
    found = db.execute(sa.select(*_ACCOUNT).where(account.c.id == row["account_id"])).mappings().one()
    return Account(**found)


def api_tokens_of(db: sa.Connection, account_id: str) -> list[ApiToken]:
    rows = db.execute(sa.select(api_token).where(api_token.c.account_id == account_id).order_by(api_token.c.name))
    return [ApiToken(**row) for row in rows.mappings()]


def remove_api_token(db: sa.Connection, account_id: str, token_hash: str) -> None:
    db.execute(api_token.delete().where(api_token.c.token_hash == token_hash, api_token.c.account_id == account_id))


# ---- failed sign-ins --------------------------------------------------------------------------------------------


def record_failure(db: sa.Connection, *, name: str, address: str, now: datetime) -> None:
    db.execute(sign_in_failure.delete().where(sign_in_failure.c.failed_at < now - timedelta(days=1)))
    db.execute(sign_in_failure.insert().values(name=name[:80], address=address[:60], failed_at=now))


def failures(db: sa.Connection, *, name: str, address: str, since: datetime) -> tuple[int, int, datetime | None]:
    """How often this name and this address failed since then, and when last."""
    recent = sa.select(sign_in_failure).where(sign_in_failure.c.failed_at >= since).subquery()
    by = sa.select(
        sa.func.count().filter(recent.c.name == name[:80]),
        sa.func.count().filter(recent.c.address == address[:60]),
        sa.func.max(recent.c.failed_at).filter(sa.or_(recent.c.name == name[:80], recent.c.address == address[:60])),
    )
    row = db.execute(by).one()
    return int(row[0]), int(row[1]), row[2]


def forget_failures(db: sa.Connection, *, name: str) -> None:
    db.execute(sign_in_failure.delete().where(sign_in_failure.c.name == name[:80]))
