from pathlib import Path

import pymysql
import pytest
from lab.debian import NotHere
from lab.mariadb import Database
from lab.ports import is_free
from tests.conftest import not_here


def test_a_row_that_is_written_can_be_read_by_the_user_who_may_only_read(mariadb: Database) -> None:
    mariadb.add([{"calldate": "2026-11-23 10:00:00", "uniqueid": "1795428000.1", "cnam": "Zoë"}])
    connection = pymysql.connect(
        host=mariadb.host, port=mariadb.port, user="aftercall", password="s3cret!", ssl_disabled=True
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("select uniqueid, cnam from asteriskcdrdb.cdr")
        assert cursor.fetchall() == (("1795428000.1", "Zoë"),)
        with pytest.raises(pymysql.err.OperationalError, match="denied"):
            cursor.execute("delete from asteriskcdrdb.cdr")


def test_it_comes_back_with_its_rows_after_a_power_cut(mariadb: Database) -> None:
    mariadb.add([{"uniqueid": "1795428000.1"}])
    mariadb.kill()
    mariadb.restart()
    assert mariadb.query("select uniqueid from asteriskcdrdb.cdr") == [("1795428000.1",)]


def test_one_that_stops_leaves_no_process_no_folder_and_no_port() -> None:
    try:
        database = Database.start()
    except NotHere as problem:
        not_here("MariaDB", str(problem))
    with database:
        assert database._process is not None
        process, top, port = database._process, database.top, database.port
        assert database.query("select 1") == [(1,)]
    assert not process.is_running
    assert not Path(f"/proc/{process.pid}").exists()
    assert not top.exists()
    assert is_free(port)
