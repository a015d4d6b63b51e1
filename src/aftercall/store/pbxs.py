"""This file remembers the PBXs we are connected to."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from aftercall.errors import AppError
from aftercall.model import PbxAddress
from aftercall.recordings import filters as filters_room
from aftercall.recordings.filters import Filters
from aftercall.store.stages import Failure
from aftercall.store.tables import pbx, recording
from aftercall.store.vault import Vault

DEFAULT_INTERVAL_MIN = 10
DEFAULT_DOWNLOADS, MOST_DOWNLOADS = 2, 4
#: A list costs the PBX memory and a walk over every folder: it may spend a hundredth of its time on them.
LIST_SHARE = 100
LONGEST_STRETCH = timedelta(hours=6)
#: After a list that failed the next one comes sooner than usual, then later and later, up to the interval.
SOONEST_AFTER_FAILURE = timedelta(seconds=30)

EventsState = Literal["connecting", "connected", "lost"]


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
    #: IANA name, None to take the zone from the recordings' names.
    zone: str | None = None
    filters: Filters = field(default_factory=Filters)
    #: 1 to `MOST_DOWNLOADS`.
    downloads_at_once: int = DEFAULT_DOWNLOADS
    #: Downloads of old recordings a minute at most, None for no limit.
    backlog_per_min: int | None = None
    #: Listen to the PBX's events, so that calls appear as they end.
    hears_events: bool = True


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
    zone: str | None = None
    filters: Filters = field(default_factory=Filters)
    downloads_at_once: int = DEFAULT_DOWNLOADS
    backlog_per_min: int | None = None
    is_backlog_paused: bool = False
    hears_events: bool = True
    #: None while nobody listens.
    events_state: EventsState | None = None
    events_changed_at: datetime | None = None
    events_error: Failure | None = None
    #: Lists that failed since the last one that came.
    failed_lists: int = 0
    #: How long the PBX took for its last list.
    last_list_s: float | None = None
    #: How far its clock was ahead of ours at the last list.
    clock_skew_s: float | None = None

    @property
    def interval(self) -> timedelta:
        """Between two lists: as set, longer for a PBX that takes long to make one."""
        asked = timedelta(minutes=self.sync_interval_min)
        return max(asked, min(timedelta(seconds=LIST_SHARE * (self.last_list_s or 0)), LONGEST_STRETCH))

    @property
    def next_due_at(self) -> datetime:
        """When the schedule asks for the next sync."""
        if self.last_due_at is None:
            return self.created_at
        if self.failed_lists:
            doubled: int = 2 ** min(self.failed_lists - 1, 16)
            return self.last_due_at + min(SOONEST_AFTER_FAILURE * doubled, self.interval)
        return self.last_due_at + self.interval


_COLUMNS = [column for column in pbx.c if column.name not in {"password_sealed", "removed_at"}]


def _pbx(row: sa.RowMapping) -> Pbx:
    values = dict(row)
    since = values.pop("fetch_since")
    values["filters"] = filters_room.from_json(values["filters"], since)
    values["events_error"] = Failure(**values["events_error"]) if values["events_error"] else None
    return Pbx(**values)


def all_pbxs(db: sa.Connection) -> list[Pbx]:
    """Every PBX that was not removed, by name."""
    rows = db.execute(sa.select(*_COLUMNS).where(pbx.c.removed_at.is_(None)).order_by(pbx.c.name))
    return [_pbx(row) for row in rows.mappings()]


def get(db: sa.Connection, pbx_id: str) -> Pbx | None:
    row = db.execute(sa.select(*_COLUMNS).where(pbx.c.id == pbx_id, pbx.c.removed_at.is_(None))).mappings().first()
    return _pbx(row) if row else None


def by_name(db: sa.Connection, name: str) -> Pbx | None:
    row = db.execute(sa.select(*_COLUMNS).where(pbx.c.name == name, pbx.c.removed_at.is_(None))).mappings().first()
    return _pbx(row) if row else None


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
    values = _values(settings, vault) | {"changed_at": now, "blocked_by": None, "failed_lists": 0}
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
        "zone": settings.zone,
        "fetch_since": settings.filters.since,
        "filters": filters_room.as_json(settings.filters),
        "downloads_at_once": settings.downloads_at_once,
        "backlog_per_min": settings.backlog_per_min,
        "hears_events": settings.hears_events,
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


def record_list(db: sa.Connection, pbx_id: str, *, took_s: float | None, clock_skew_s: float | None = None) -> None:
    """A list came (after so many seconds), or failed (None)."""
    values: dict[str, Any] = {"failed_lists": pbx.c.failed_lists + 1}
    if took_s is not None:
        values = {"failed_lists": 0, "last_list_s": took_s, "clock_skew_s": clock_skew_s}
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(**values))


def record_events(
    db: sa.Connection, pbx_id: str, state: EventsState | None, now: datetime, error: AppError | None = None
) -> None:
    """How the line that brings the PBX's events is."""
    db.execute(
        pbx.update()
        .where(pbx.c.id == pbx_id)
        .values(events_state=state, events_changed_at=now, events_error=Failure.of(error).as_json() if error else None)
    )


def holds_backlog(db: sa.Connection, pbx_id: str) -> bool:
    """Whether old recordings of this PBX are held back."""
    return bool(db.scalar(sa.select(pbx.c.is_backlog_paused).where(pbx.c.id == pbx_id)))


def pause_backlog(db: sa.Connection, pbx_id: str, *, is_paused: bool) -> None:
    """Hold back old recordings, or let them come; new calls are not concerned."""
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(is_backlog_paused=is_paused))


def set_enabled(db: sa.Connection, pbx_id: str, *, is_enabled: bool) -> None:
    """Switch the schedule and the events of a PBX on or off; its calls stay."""
    db.execute(pbx.update().where(pbx.c.id == pbx_id).values(is_enabled=is_enabled))
