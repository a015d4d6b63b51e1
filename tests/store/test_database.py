from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alembic.command
import alembic.config
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from aftercall.errors import SchemaAhead
from aftercall.store import database
from aftercall.store.tables import metadata


def _ours(differences: list[object]) -> list[object]:
    return [each for each in differences if "transcript_words" not in str(each)]


def test_the_migrations_make_the_schema_the_tables_declare(engine: sa.Engine) -> None:
    with engine.connect() as db:
        assert _ours(compare_metadata(MigrationContext.configure(db), metadata)) == []


def test_every_migration_goes_down_and_up_again(engine: sa.Engine, data: Path) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    with engine.begin() as db:
        config.attributes["connection"] = db
        alembic.command.downgrade(config, "base")
    with engine.connect() as db:
        assert set(sa.inspect(db).get_table_names()) == {"alembic_version"}
    database.migrate(engine, data)
    with engine.connect() as db:
        assert _ours(compare_metadata(MigrationContext.configure(db), metadata)) == []


def test_a_database_of_a_newer_release_is_refused_and_left_alone(engine: sa.Engine, data: Path) -> None:
    with engine.begin() as db:
        db.execute(sa.text("update alembic_version set version_num = '9999'"))
    with pytest.raises(SchemaAhead, match="9999"):
        database.migrate(engine, data)


def test_several_processes_may_start_at_once(data: Path) -> None:
    engines = [database.make_engine(data / "aftercall.db") for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda each: database.migrate(each, data), engines))
    with engines[0].connect() as db:
        assert "call" in sa.inspect(db).get_table_names()
    for each in engines:
        each.dispose()


def test_the_clock_function_that_old_sqlite_lacks_is_there(engine: sa.Engine) -> None:
    """Python >= 3.12 makes the job engine call it; SQLite 3.40 alone answers NULL."""
    with engine.connect() as db:
        assert db.scalar(sa.text("select unixepoch('subsec')")) > 1_700_000_000
