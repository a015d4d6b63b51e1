"""This file opens the database and brings its schema up to date."""

import contextlib
import fcntl
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import alembic.command
import alembic.config
import alembic.script
import alembic.util
import sqlalchemy as sa
from alembic.migration import MigrationContext

from aftercall.errors import SchemaAhead, StoreBusy, StoreFull

MIGRATIONS = Path(__file__).parent / "migrations"


def make_engine(path: Path, *, is_durable: bool = False) -> sa.Engine:
    """Open a SQLite file the way this house needs it.

    Args:
        path: made when missing; its folder must exist.
        is_durable: survive a power cut without losing the last commits (for the job database).
    Returns:
        An engine whose transactions take the write lock at their first write (no read-to-write deadlock).
    """
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=20, max_overflow=0, pool_timeout=60)

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={'FULL' if is_durable else 'NORMAL'}",
            "busy_timeout=30000",
            "foreign_keys=ON",
            "cache_size=-16384",
            "mmap_size=268435456",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # Python >= 3.12 makes DBOS call unixepoch('subsec'), which SQLite < 3.42 (Debian 12) answers with NULL.
        if connection.execute("select unixepoch('subsec')").fetchone()[0] is None:
            connection.create_function("unixepoch", -1, _unixepoch)

    return engine


def _unixepoch(*modifiers: str) -> float | int:
    return round(time.time(), 3) if "subsec" in modifiers else int(time.time())


def migrate(engine: sa.Engine, data: Path) -> None:
    """Bring the schema up to date; safe when several processes start at once.

    Raises:
        SchemaAhead: a newer release has written this database.
    """
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    newest = alembic.script.ScriptDirectory.from_config(config).get_current_head()
    known = {script.revision for script in alembic.script.ScriptDirectory.from_config(config).walk_revisions()}
    with (data / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as db:
            current = MigrationContext.configure(db).get_current_revision()
        if current == newest:
            return
        if current is not None and current not in known:
            raise SchemaAhead(folder=str(data), found=current)
        with engine.begin() as db:
            config.attributes["connection"] = db
            alembic.command.upgrade(config, "head")


@contextlib.contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn the database library's failures into ours; the one place that does."""
    try:
        yield
    except sa.exc.OperationalError as exc:
        if "locked" in str(exc.orig) or "busy" in str(exc.orig):
            raise StoreBusy() from exc
        if "full" in str(exc.orig):
            raise StoreFull(folder=str(folder)) from exc
        raise
