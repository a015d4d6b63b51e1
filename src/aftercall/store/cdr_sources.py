"""This file remembers where each PBX's call detail records are read, how far, and how that goes."""

from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from aftercall.errors import AppError, Retry
from aftercall.model import CdrAddress
from aftercall.store.stages import Failure
from aftercall.store.tables import cdr, cdr_source, pbx
from aftercall.store.vault import Vault

DEFAULT_PORT, DEFAULT_DATABASE = 3306, "asteriskcdrdb"
#: Between two looks while all is well; after a failure the wait doubles up to the longest.
INTERVAL, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class CdrSettings:
    """What an administrator enters."""

    host: str
    port: int = DEFAULT_PORT
    database: str = DEFAULT_DATABASE
    username: str
    #: None keeps the stored password.
    password: str | None = field(repr=False)
    use_tls: bool = False
    #: PEM of the server's own certificate, None to trust the system's authorities.
    certificate: str | None = None
    is_enabled: bool = True


@dataclass(frozen=True, kw_only=True)
class CdrSource:
    """Where a PBX's call detail records are read, without the password, and how that goes."""

    pbx_id: str
    host: str
    port: int
    database: str
    username: str
    use_tls: bool
    certificate: str | None
    is_enabled: bool
    changed_at: datetime
    #: Every leg that ended before is here, down to `backfilled_to`; None before the first reading.
    read_to: datetime | None
    backfilled_to: datetime | None
    #: There is nothing older to read.
    is_backfilled: bool
    #: How far the table's clock was ahead of UTC.
    offset_min: int | None
    read_at: datetime | None
    next_read_at: datetime | None
    #: Looks that failed since the last that did not.
    failures: int
    error: Failure | None
    #: Code of the error that stopped the reading until the settings change.
    blocked_by: str | None


_COLUMNS = [column for column in cdr_source.c if column.name != "password_sealed"]


def _source(row: sa.RowMapping) -> CdrSource:
    return CdrSource(**{**row, "error": Failure(**row["error"]) if row["error"] else None})


def get(db: sa.Connection, pbx_id: str) -> CdrSource | None:
    row = db.execute(sa.select(*_COLUMNS).where(cdr_source.c.pbx_id == pbx_id)).mappings().first()
    return _source(row) if row else None


def due(db: sa.Connection, now: datetime) -> list[str]:
    """The PBXs whose records are to be read now; those switched off or stopped are not."""
    statement = (
        sa.select(cdr_source.c.pbx_id)
        .select_from(cdr_source.join(pbx))
        .where(
            cdr_source.c.is_enabled,
            cdr_source.c.blocked_by.is_(None),
            pbx.c.is_enabled,
            pbx.c.removed_at.is_(None),
            sa.or_(cdr_source.c.next_read_at.is_(None), cdr_source.c.next_read_at <= now),
        )
    )
    return list(db.scalars(statement))


def address(db: sa.Connection, pbx_id: str, vault: Vault) -> CdrAddress | None:
    """Everything the reader needs, the password included.

    Raises:
        SecretUnreadable: the key file does not fit the stored password.
    """
    row = db.execute(sa.select(cdr_source).where(cdr_source.c.pbx_id == pbx_id)).mappings().first()
    if row is None:
        return None
    return CdrAddress(
        host=row["host"],
        port=row["port"],
        database=row["database"],
        username=row["username"],
        password=vault.open(row["password_sealed"]),
        use_tls=row["use_tls"],
        certificate=row["certificate"],
    )


def save(db: sa.Connection, pbx_id: str, settings: CdrSettings, vault: Vault, now: datetime) -> None:
    """Store or replace where the records are read; what stopped the reading before is forgotten."""
    values: dict[str, Any] = asdict(settings) | {
        "changed_at": now, "error": sa.null(), "blocked_by": None, "next_read_at": None, "failures": 0,
    }  # fmt: skip
    password = values.pop("password")
    if password is not None:
        values["password_sealed"] = vault.seal(password)
    before = get(db, pbx_id)
    if before is None:
        values.setdefault("password_sealed", vault.seal(""))
        db.execute(cdr_source.insert().values(pbx_id=pbx_id, **values))
        return
    if (before.host, before.port, before.database) != (settings.host, settings.port, settings.database):
        # Another table, perhaps: how far the old one was read says nothing of it.
        values |= {"read_to": None, "backfilled_to": None, "is_backfilled": False, "offset_min": None}
    db.execute(cdr_source.update().where(cdr_source.c.pbx_id == pbx_id).values(**values))


def remove(db: sa.Connection, pbx_id: str) -> None:
    """Read no more; what was read stays."""
    db.execute(cdr_source.delete().where(cdr_source.c.pbx_id == pbx_id))


def ask(db: sa.Connection, pbx_id: str) -> None:
    """Let the next look come at once, unless there is none to come."""
    db.execute(cdr_source.update().where(cdr_source.c.pbx_id == pbx_id).values(next_read_at=None))


def record_read(
    db: sa.Connection,
    source: CdrSource,
    *,
    read_to: datetime,
    backfilled_to: datetime,
    offset_min: int | None,
) -> None:
    """So far it was read, without trouble; of settings that have changed meanwhile this proves nothing."""
    db.execute(
        _as_it_was(source).values(read_to=read_to, backfilled_to=backfilled_to, offset_min=offset_min, error=sa.null())
    )


def record_look(db: sa.Connection, source: CdrSource, now: datetime, *, is_backfilled: bool) -> None:
    """A look is over; the next comes an interval later, or at once while there is more to read of the past."""
    next_read_at = now + INTERVAL if is_backfilled else now
    db.execute(
        _as_it_was(source).values(read_at=now, next_read_at=next_read_at, is_backfilled=is_backfilled, failures=0)
    )


def record_failure(db: sa.Connection, source: CdrSource, error: AppError, now: datetime) -> None:
    """It could not be read; an error only other settings mend stops it until then."""
    wait = min(INTERVAL * 2 ** min(source.failures, 10), LONGEST_WAIT)
    db.execute(
        _as_it_was(source).values(
            read_at=now,
            next_read_at=now + wait,
            failures=cdr_source.c.failures + 1,
            error=Failure.of(error).as_json(),
            blocked_by=error.code if error.retry is Retry.SETTINGS else None,
        )
    )


def _as_it_was(source: CdrSource) -> sa.Update:
    return cdr_source.update().where(
        cdr_source.c.pbx_id == source.pbx_id, cdr_source.c.changed_at == source.changed_at
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is known of a PBX's calls by its records."""

    count: int
    oldest_at: datetime | None
    newest_at: datetime | None


def kept(db: sa.Connection, pbx_id: str) -> Kept:
    columns = (sa.func.count(), sa.func.min(cdr.c.started_at), sa.func.max(cdr.c.started_at))
    count, oldest_at, newest_at = db.execute(sa.select(*columns).where(cdr.c.pbx_id == pbx_id)).one()
    return Kept(count=count, oldest_at=oldest_at, newest_at=newest_at)
