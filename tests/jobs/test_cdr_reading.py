"""Reading the real database again and again, as the server does."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from lab.mariadb import Database
from tests.pbx.test_cdr import row as plain_row

from aftercall.errors import AppError
from aftercall.jobs import cdr_reading
from aftercall.jobs.cdr_reading import CdrReading
from aftercall.jobs.steps import utc_now
from aftercall.pbx.cdr import CdrPatience
from aftercall.recordings.filters import Filters
from aftercall.store import calls, cdr_sources, pbxs
from aftercall.store.calls import CallRow
from aftercall.store.cdr_sources import CdrSettings, CdrSource
from aftercall.store.vault import Vault

QUICK = CdrPatience(connect_s=2, answer_s=2, question_s=2)


def row(ago: timedelta, number: int = 1, **more: object) -> dict[str, object]:
    """A missed call that began so long ago."""
    at = (datetime.now(UTC) - ago).replace(microsecond=0)
    told = {
        "src": "7175550123", "cnum": "7175550123", "cnam": "Ada Example", "dst": "201", "channel": "PJSIP/provider-1",
        "dstchannel": "PJSIP/201-1", "lastapp": "Dial", "disposition": "NO ANSWER", "did": "7175550100",
        "dcontext": "from-did-direct",
    }  # fmt: skip
    return plain_row(at, number, **(told | more))  # type: ignore[arg-type]


class Reader:
    """One PBX whose records are read from the database."""

    def __init__(self, engine: sa.Engine, vault: Vault, pbx_id: str, mariadb: Database) -> None:
        self.engine, self.vault, self.pbx_id, self.mariadb = engine, vault, pbx_id, mariadb
        self.save()

    def save(self, **changes: object) -> None:
        settings = CdrSettings(host=self.mariadb.host, port=self.mariadb.port, username="aftercall", password="s3cret!")
        with self.engine.begin() as db:
            settings = replace(settings, **changes)  # type: ignore[arg-type]
            cdr_sources.save(db, self.pbx_id, settings, self.vault, utc_now())

    def read(self) -> CdrSource:
        cdr_reading.read(self.engine, self.vault, self.pbx_id, patience=QUICK)
        return self.source

    @property
    def source(self) -> CdrSource:
        with self.engine.connect() as db:
            found = cdr_sources.get(db, self.pbx_id)
        assert found is not None
        return found

    @property
    def rows(self) -> Sequence[CallRow]:
        with self.engine.connect() as db:
            return calls.page(db, calls.CallFilter()).rows


@pytest.fixture
def reader(engine: sa.Engine, vault: Vault, pbx_id: str, mariadb: Database) -> Reader:
    return Reader(engine, vault, pbx_id, mariadb)


def test_the_first_look_brings_everything_there_is(reader: Reader) -> None:
    reader.mariadb.add(row(timedelta(days=days, minutes=5), days) for days in (0, 1, 40, 400))
    source = reader.read()
    assert len(reader.rows) == 4
    assert (source.is_backfilled, source.error, source.offset_min) == (True, None, 60)
    assert reader.rows[0].caller_name == "Ada Example"


def test_a_second_look_brings_only_what_is_new_and_doubles_nothing(reader: Reader) -> None:
    reader.mariadb.add([row(timedelta(minutes=30))])
    reader.read()
    before = reader.rows
    reader.mariadb.add([row(timedelta(minutes=1), 2)])
    source = reader.read()
    assert len(reader.rows) == 2
    assert reader.rows[1] == before[0]
    assert source.read_to is not None
    assert source.next_read_at is not None
    assert source.next_read_at > utc_now()


def test_a_row_that_is_written_minutes_late_is_found_by_the_next_look(reader: Reader) -> None:
    reader.read()
    reader.mariadb.add([row(timedelta(minutes=8))])
    reader.read()
    assert len(reader.rows) == 1


def test_a_call_of_hours_is_found_when_it_ends(reader: Reader) -> None:
    reader.mariadb.add([row(timedelta(minutes=30))])
    reader.read()
    reader.mariadb.add([row(timedelta(hours=3), 2, duration=3 * 3600 - 5)])
    reader.read()
    assert len(reader.rows) == 2


def test_nothing_is_read_from_before_the_day_from_which_calls_are_wanted(reader: Reader) -> None:
    reader.mariadb.add(row(timedelta(days=days, minutes=5), days) for days in (0, 10, 40))
    _want_since(reader, utc_now() - timedelta(days=20))
    assert reader.read().is_backfilled
    assert len(reader.rows) == 2
    _want_since(reader, None)
    reader.read()
    assert len(reader.rows) == 3


def _want_since(reader: Reader, since: datetime | None) -> None:
    with reader.engine.begin() as db:
        settings = pbxs.PbxSettings(
            name="Office", host="192.0.2.1", port=1, username="a", password=None, filters=Filters(since=since)
        )
        pbxs.change(db, reader.pbx_id, settings, reader.vault, utc_now())


def test_a_look_that_is_cut_off_goes_on_where_it_was(reader: Reader) -> None:
    reader.mariadb.add(row(timedelta(days=days, minutes=5), days) for days in range(20))
    looks = iter([True] * 8)
    cdr_reading.read(reader.engine, reader.vault, reader.pbx_id, is_wanted=lambda: next(looks, False))
    assert 0 < len(reader.rows) < 20
    assert not reader.source.is_backfilled
    assert reader.read().is_backfilled
    assert len(reader.rows) == 20


def test_a_refused_sign_in_stops_the_reading_until_the_settings_change(reader: Reader) -> None:
    reader.mariadb.add([row(timedelta(minutes=5))])
    reader.mariadb.user("aftercall", "changed")
    source = reader.read()
    assert source.blocked_by == "cdr-sign-in-refused"
    assert source.error is not None
    assert "ALTER USER" in source.error.fix
    assert _due(reader) == []
    reader.save(password="changed")
    assert _due(reader) == [reader.pbx_id]
    assert reader.read().error is None
    assert len(reader.rows) == 1


def _due(reader: Reader, after: timedelta = timedelta(days=1)) -> list[str]:
    with reader.engine.connect() as db:
        return cdr_sources.due(db, utc_now() + after)


def test_a_database_that_is_away_is_asked_again_later_and_less_and_less_often(reader: Reader) -> None:
    reader.mariadb.add([row(timedelta(minutes=5))])
    reader.mariadb.kill()
    first, second = reader.read(), reader.read()
    assert (first.failures, second.failures, second.blocked_by) == (1, 2, None)
    assert _wait(second) > _wait(first)
    reader.mariadb.restart()
    assert reader.read().failures == 0
    assert len(reader.rows) == 1


def _wait(source: CdrSource) -> timedelta:
    assert source.next_read_at is not None
    assert source.read_at is not None
    return source.next_read_at - source.read_at


def test_a_restart_of_the_database_in_the_middle_of_a_look_loses_and_doubles_nothing(reader: Reader) -> None:
    reader.mariadb.add(row(timedelta(days=days, minutes=5), days) for days in range(10))
    questions = iter(range(1000))

    def restart_once() -> bool:
        if next(questions) == 6:
            reader.mariadb.restart()
        return True

    cdr_reading.read(reader.engine, reader.vault, reader.pbx_id, is_wanted=restart_once)
    assert reader.source.error is not None
    assert reader.source.error.code == "cdr-dropped"
    assert 0 < len(reader.rows) < 10
    assert reader.read().error is None
    assert len(reader.rows) == 10


def test_settings_that_change_during_a_look_are_not_judged_by_it(reader: Reader) -> None:
    reader.mariadb.user("aftercall", "changed")
    before = reader.source
    reader.save(password="changed")
    with reader.engine.begin() as db:
        cdr_sources.record_failure(db, before, AppError(), utc_now())
    assert reader.source.error is None


def test_another_table_is_read_from_its_beginning(reader: Reader) -> None:
    reader.read()
    reader.save(database="other")
    assert (reader.source.read_to, reader.source.is_backfilled) == (None, False)


def test_a_switched_off_source_and_one_of_a_switched_off_pbx_are_not_due(reader: Reader) -> None:
    assert _due(reader) == [reader.pbx_id]
    reader.save(is_enabled=False)
    assert _due(reader) == []
    reader.save()
    with reader.engine.begin() as db:
        pbxs.set_enabled(db, reader.pbx_id, is_enabled=False)
    assert _due(reader) == []


# ---- the thread ---------------------------------------------------------------------------------------------------


def until(condition: Callable[[], object], within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)


def test_the_server_reads_by_itself_and_at_once_when_asked(reader: Reader) -> None:
    reading = CdrReading(reader.engine, reader.vault, patience=QUICK)
    reader.mariadb.add([row(timedelta(minutes=5))])
    reading.start()
    try:
        until(lambda: len(reader.rows) == 1)
        until(lambda: reader.source.read_at)
        reader.mariadb.add([row(timedelta(minutes=1), 2)])
        with reader.engine.begin() as db:
            cdr_sources.ask(db, reader.pbx_id)
        until(lambda: len(reader.rows) == 2)
    finally:
        reading.close()


def test_a_database_that_hangs_holds_up_nobody_else(reader: Reader, engine: sa.Engine, vault: Vault) -> None:
    with engine.begin() as db:
        settings = pbxs.PbxSettings(name="Hanging", host="192.0.2.1", port=1, username="a", password="b")
        other = Reader.__new__(Reader)
        other.engine, other.vault, other.mariadb = engine, vault, reader.mariadb
        other.pbx_id = pbxs.add(db, settings, vault, utc_now())
    import socket

    reader.mariadb.add([row(timedelta(minutes=5))])
    with socket.create_server(("127.0.0.1", 0)) as silent:
        other.save(port=silent.getsockname()[1])
        reading = CdrReading(engine, vault, patience=CdrPatience(connect_s=2, answer_s=60))
        reading.start()
        try:
            silent.settimeout(30)
            with silent.accept()[0] as held:
                until(lambda: len(reader.rows) == 1)
                assert other.source.error is None
                with suppress(OSError):
                    held.shutdown(socket.SHUT_RDWR)
            until(lambda: other.source.error)
        finally:
            reading.close()
