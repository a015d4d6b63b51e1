"""How lightly the real database is read: by its index alone, whatever its size, and what is said when it cannot be."""

import select
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from lab.mariadb import Database
from tests.pbx.test_cdr import NOW, QUICK, address, ids, row

from aftercall import errors
from aftercall.pbx.cdr import CdrPatience, CdrReader

MANY = 20_000


def fill(mariadb: Database) -> None:
    """Many rows, one every ten seconds up to NOW, written by the database itself."""
    end = int(NOW.timestamp())
    mariadb.sql(
        "insert into asteriskcdrdb.cdr (calldate, duration, sequence, uniqueid, linkedid, lastapp) select "
        f"date_add('1970-01-01', interval {end} - seq * 10 + 3600 second), 5, seq, "
        f"concat({end} - seq * 10, '.', seq), concat({end} - seq * 10, '.', seq), 'Dial' "
        f"from asteriskcdrdb.seq_1_to_{MANY}"
    )


def rows_looked_at(reader: CdrReader) -> int:
    """How many rows this session has read so far: in an index's order, or one after the other through a table."""
    found = reader._rows("show session status like %s", ("Handler_read%",))
    return sum(
        int(each["Value"]) for each in found if each["Variable_name"] in {"Handler_read_next", "Handler_read_rnd_next"}
    )


def without_index_on_calldate(mariadb: Database) -> None:
    mariadb.sql("alter table asteriskcdrdb.cdr drop index calldate")


@contextmanager
def locked(mariadb: Database) -> Iterator[None]:
    """Somebody holds the table, as an ALTER TABLE or a dump does."""
    holder = mariadb._as_root()
    try:
        with holder.cursor() as cursor:
            cursor.execute("lock tables asteriskcdrdb.cdr write")
        yield
    finally:
        holder.close()


def wait_until_somebody_waits_for_the_table(mariadb: Database) -> None:
    end = time.monotonic() + 20
    while not mariadb.query("select id from information_schema.processlist where state like 'Waiting for table%'"):
        assert time.monotonic() < end, "nobody asks for the table"
        time.sleep(0.02)


def test_twenty_thousand_rows_come_over_each_once(mariadb: Database) -> None:
    fill(mariadb)
    with CdrReader(address(mariadb)) as reader:
        found = reader.began(NOW - timedelta(days=3), NOW, offset_min=60)
    assert len({each.key for each in found}) == len(found) == MANY


@pytest.mark.parametrize("column", ["calldate", "uniqueid"])
def test_a_look_at_ten_minutes_reads_only_the_rows_of_its_stretch(mariadb: Database, column: str) -> None:
    fill(mariadb)
    if column != "calldate":
        without_index_on_calldate(mariadb)
    with CdrReader(address(mariadb)) as reader:
        assert reader.layout().column == column
        before = rows_looked_at(reader)
        reader.clock()
        found = reader.ended(NOW - timedelta(minutes=10), NOW, offset_min=60)
        looked_at = rows_looked_at(reader) - before
    assert len(found) == 60
    # Half a day back, since a row carries the time at which its leg began; the table holds two and a third.
    assert looked_at < 12 * 360 + 1000


def test_without_an_index_on_calldate_the_oldest_row_is_still_known(mariadb: Database) -> None:
    without_index_on_calldate(mariadb)
    mariadb.sql("set session sql_mode = ''", "insert into asteriskcdrdb.cdr (uniqueid) values (''), ('1.1')")
    mariadb.add([row(NOW - timedelta(days=400), 1), row(NOW, 2)])
    with CdrReader(address(mariadb)) as reader:
        clock = reader.clock()
    assert (clock.oldest_at, clock.newest_at) == (NOW - timedelta(days=400), NOW)


@pytest.mark.parametrize(("before", "after"), [("pbx-", ""), ("", "pbx-"), ("a-", "b-")])
def test_ids_whose_system_name_changed_do_not_stand_in_for_the_index(
    mariadb: Database, before: str, after: str
) -> None:
    """They sort by name first, so that rows would be missed."""
    without_index_on_calldate(mariadb)
    then = NOW - timedelta(days=20)
    mariadb.add([
        row(then, 1, uniqueid=f"{before}{int(then.timestamp())}.1"),
        row(NOW, 2, uniqueid=f"{after}{int(NOW.timestamp())}.2"),
    ])  # fmt: skip
    with CdrReader(address(mariadb)) as reader, pytest.raises(errors.CdrIndexMissing, match="ADD INDEX calldate"):
        reader.layout()


def test_with_an_index_on_calldate_system_names_may_change(mariadb: Database) -> None:
    mariadb.add([row(NOW - timedelta(minutes=1), 1, uniqueid=f"pbx-{int(NOW.timestamp()) - 60}.1"), row(NOW, 2)])
    with CdrReader(address(mariadb)) as reader:
        reader.clock()
        assert len(ids(reader, NOW - timedelta(hours=1), NOW + timedelta(hours=1))) == 2


# ---- troubles -----------------------------------------------------------------------------------------------------


def test_a_table_that_somebody_holds_is_a_passing_fault(mariadb: Database) -> None:
    patience = CdrPatience(connect_s=5, answer_s=20, question_s=2)
    with CdrReader(address(mariadb), patience=patience) as reader:
        reader.layout()
        with locked(mariadb), pytest.raises(errors.CdrBusy) as caught:
            reader.began(NOW, NOW + timedelta(days=1), offset_min=60)
        assert caught.value.retry is errors.Retry.SOON
        assert reader.began(NOW, NOW + timedelta(days=1), offset_min=60) == []


def test_a_database_without_a_free_connection_is_a_passing_fault(mariadb: Database) -> None:
    most = 10
    with ExitStack() as taken:
        taken.callback(mariadb.restart)
        mariadb.sql(f"set global max_connections = {most}")
        for _ in range(most):
            taken.enter_context(CdrReader(address(mariadb)))
        with pytest.raises(errors.CdrBusy, match="Too many connections") as caught:
            CdrReader(address(mariadb), patience=QUICK).open()
    assert caught.value.retry is errors.Retry.SOON


@pytest.mark.parametrize("how", ["killed", "hung up on"])
def test_a_question_that_is_cut_off_is_a_passing_fault_and_the_next_reader_has_its_answer(
    mariadb: Database, how: str
) -> None:
    mariadb.add([row(NOW)])
    with CdrReader(address(mariadb)) as reader, ThreadPoolExecutor(1) as pool:
        reader.layout()
        with locked(mariadb):
            asked = pool.submit(reader.began, NOW, NOW + timedelta(days=1), offset_min=60)
            wait_until_somebody_waits_for_the_table(mariadb)
            if how == "killed":
                mariadb.kill()
            else:
                mariadb.sql("kill user 'aftercall'@'%'")
            with pytest.raises(errors.CdrDropped) as caught:
                asked.result(20)
    assert caught.value.retry is errors.Retry.SOON
    if how == "killed":
        mariadb.restart()
    with CdrReader(address(mariadb)) as reader:
        assert len(ids(reader, NOW, NOW + timedelta(days=1))) == 1


def test_an_answer_that_breaks_off_in_its_middle_is_a_passing_fault(mariadb: Database) -> None:
    """Half an answer is none: the rows that came are not taken for all there are."""
    fill(mariadb)
    with Cut(mariadb.port, after_bytes=400_000) as cut:
        where = replace(address(mariadb), port=cut.port)
        with CdrReader(where, patience=QUICK) as reader, pytest.raises(errors.CdrDropped):
            reader.began(NOW - timedelta(days=3), NOW, offset_min=60)
    with CdrReader(address(mariadb)) as reader:
        assert len(reader.began(NOW - timedelta(days=3), NOW, offset_min=60)) == MANY


def test_a_password_that_changed_is_refused_until_the_new_one_is_entered(mariadb: Database) -> None:
    mariadb.user("aftercall", "an0ther!")
    with pytest.raises(errors.CdrSignInRefused) as caught:
        CdrReader(address(mariadb)).open()
    assert caught.value.retry is errors.Retry.SETTINGS
    with CdrReader(address(mariadb, password="an0ther!")) as reader:
        assert reader.clock().now.tzinfo is UTC


class Cut:
    """A way to the database that breaks once so much of an answer has passed."""

    def __init__(self, target: int, *, after_bytes: int) -> None:
        self._target, self._left = target, after_bytes
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Cut":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._thread.join(20)
        self._server.close()

    def _serve(self) -> None:
        near, _ = self._server.accept()
        with near, socket.create_connection(("127.0.0.1", self._target)) as far:
            while self._left > 0:
                for line in select.select([near, far], [], [], 10)[0]:
                    more = line.recv(16_384)
                    if not more:
                        return
                    (far if line is near else near).sendall(more)
                    self._left -= len(more) if line is far else 0
