"""This file remembers the PBXs we are connected to."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aftercall.model import PbxAddress
from aftercall.store.tables import pbx, recording
from aftercall.store.vault import Vault

DEFAULT_INTERVAL_MIN = 10


@dataclass(frozen=True, kw_only=True)
class PbxSettings:
    """What an administrator enters for one PBX."""

    name: str
    host: str
    port: int
    username: str
    #: None keeps the stored password.
    password: str | None
    use_tls: bool = False
    prefix: str = ""
    pinned_certificate: str | None = None
    #: Minutes, 1 to 1440.
    sync_interval_min: int = DEFAULT_INTERVAL_MIN
    is_enabled: bool = True
    is_demo: bool = False


@dataclass(frozen=True, kw_only=True)
class Pbx:
    """One PBX as stored, without its password."""

    id: str
    name: str
    host: str
    port: int
    username: str
    use_tls: bool
    prefix: str
    pinned_certificate: str | None
    sync_interval_min: int
    is_enabled: bool
    is_demo: bool
    created_at: datetime
    changed_at: datetime
    last_due_at: datetime | None
    blocked_by: str | None

    @property
    def next_due_at(self) -> datetime:
        """When the schedule asks for the next sync."""
        if self.last_due_at is None:
            return self.created_at
        return self.last_due_at + timedelta(minutes=self.sync_interval_min)


_COLUMNS = [column for column in pbx.c if column.name not in {"password_sealed", "removed_at"}]


def all_pbxs(db: sa.Connection) -> list[Pbx]:
    """Every PBX that was not removed, by name."""
    rows = db.execute(sa.select(*_COLUMNS).where(pbx.c.removed_at.is_(None)).order_by(pbx.c.name))
    return [Pbx(**row) for row in rows.mappings()]


def get(db: sa.Connection, pbx_id: str) -> Pbx | None:
    row = db.execute(sa.select(*_COLUMNS).where(pbx.c.id == pbx_id, pbx.c.removed_at.is_(None))).mappings().first()
    return Pbx(**row) if row else None


def by_name(db: sa.Connection, name: str) -> Pbx | None:
    row = db.execute(sa.select(*_COLUMNS).where(pbx.c.name == name, pbx.c.removed_at.is_(None))).mappings().first()
    return Pbx(**row) if row else None


def address(db: sa.Connection, pbx_id: str, vault: Vault) -> PbxAddress | None:
    """Everything the ARI client needs, the password included.

    Raises:
        SecretUnreadable: the key file does not fit the stored password.
    """
    row = db.execute(sa.select(pbx).where(pbx.c.id == pbx_id)).mappings().first()
    if row is None:
        return None
    return PbxAddress(
        host=row["host"],
        port=row["port"],
        username=row["username"],
        password=vault.open(row["password_sealed"]),
        use_tls=row["use_tls"],
        prefix=row["prefix"],
        pinned_certificate=row["pinned_certificate"],
    )


def add(db: sa.Connection, settings: PbxSettings, vault: Vault, now: datetime) -> str:
    """Store a new PBX and return its id; a removed one of the same name and host comes back with its calls."""
    values = _values(settings, vault) | {"changed_at": now, "removed_at": None, "blocked_by": None, "last_due_at": None}
    old = db.execute(
        sa.select(pbx.c.id, pbx.c.host).where(pbx.c.name == settings.name, pbx.c.removed_at.is_not(None))
    ).first()
    if old and old.host == settings.host:
        db.execute(pbx.update().where(pbx.c.id == old.id).values(**values))
        return str(old.id)
    if old:  # the same name for another box: the old one keeps its calls under a name of its own
        db.execute(pbx.update().where(pbx.c.id == old.id).values(name=f"{settings.name} ({old.id[:6]})"))
    pbx_id = secrets.token_hex(8)
    db.execute(pbx.insert().values(id=pbx_id, created_at=now, **values))
    return pbx_id


def change(db: sa.Connection, pbx_id: str, settings: PbxSettings, vault: Vault, now: datetime) -> None:
    """Replace the settings; a schedule stopped by the old ones starts again."""
    values = _values(settings, vault) | {"changed_at": now, "blocked_by": None}
    if settings.password is None:
        del values["password_sealed"]
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(**values))


def _values(settings: PbxSettings, vault: Vault) -> dict[str, Any]:
    return {
        "name": settings.name,
        "host": settings.host,
        "port": settings.port,
        "username": settings.username,
        "password_sealed": vault.seal(settings.password or ""),
        "use_tls": settings.use_tls,
        "prefix": settings.prefix,
        "pinned_certificate": settings.pinned_certificate,
        "sync_interval_min": settings.sync_interval_min,
        "is_enabled": settings.is_enabled,
        "is_demo": settings.is_demo,
    }


def remove(db: sa.Connection, pbx_id: str, now: datetime) -> None:
    """Forget the connection; its calls stay."""
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(removed_at=now, is_enabled=False))


def remove_with_calls(db: sa.Connection, pbx_id: str) -> list[str]:
    """Forget the PBX and every call of it; returns the archive keys whose files the caller must delete."""
    keys = db.scalars(
        sa.select(recording.c.archive_key).where(recording.c.pbx_id == pbx_id, recording.c.archive_key.is_not(None))
    ).all()
    db.execute(pbx.delete().where(pbx.c.id == pbx_id))
    return [str(key) for key in keys]


def due(db: sa.Connection, now: datetime) -> list[Pbx]:
    """The PBXs whose schedule asks for a sync now."""
    return [
        each for each in all_pbxs(db) if each.is_enabled and each.blocked_by is None and each.next_due_at <= now
    ]  # fmt: skip


def mark_due(db: sa.Connection, pbx_id: str, now: datetime) -> None:
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(last_due_at=now))


def block(db: sa.Connection, pbx_id: str, code: str) -> None:
    """Stop the schedule of this PBX until its settings change (so that nothing gets us banned there)."""
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(blocked_by=code))


def unblock(db: sa.Connection, pbx_id: str) -> None:
    db.execute(pbx.update().where(pbx.c.id == pbx_id, pbx.c.blocked_by.is_not(None)).values(blocked_by=None))
