"""The real database: what is read of it, how, and what every trouble with it is called."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lab.mariadb import Database

from aftercall import errors
from aftercall.model import CdrAddress
from aftercall.pbx.cdr import CdrPatience, CdrReader

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUICK = CdrPatience(connect_s=2, answer_s=2, question_s=2)


def address(mariadb: Database, **changes: object) -> CdrAddress:
    plain = CdrAddress(
        host=mariadb.host, port=mariadb.port, database="asteriskcdrdb", username="aftercall", password="s3cret!"
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def row(at: datetime, number: int = 1, *, duration: int = 10, **more: object) -> dict[str, object]:
    """A row as Asterisk writes it on a PBX an hour ahead of UTC."""
    return {
        "calldate": f"{at + timedelta(hours=1):%Y-%m-%d %H:%M:%S}", "duration": duration, "sequence": number,
        "uniqueid": f"{int(at.timestamp())}.{number}", "linkedid": f"{int(at.timestamp())}.{number}",
    } | more  # fmt: skip


def ids(reader: CdrReader, since: datetime, until: datetime) -> list[str]:
    return [each.uniqueid for each in reader.began(since, until, offset_min=60)]


def test_a_row_comes_over_as_it_was_written(mariadb: Database) -> None:
    mariadb.add([row(NOW, cnam="Zoë Example", did="7175550100", recordingfile="in-1.wav", billsec=7, lastapp="Dial")])
    with CdrReader(address(mariadb)) as reader:
        (found,) = reader.began(NOW, NOW + timedelta(seconds=1), offset_min=60)
    assert (found.cnam, found.did, found.stem, found.billsec) == ("Zoë Example", "7175550100", "in-1", 7)
    assert found.calldate == datetime(2026, 11, 23, 13, 0)


def test_a_stretch_of_time_holds_its_beginning_and_not_its_end(mariadb: Database) -> None:
    mariadb.add(row(NOW + timedelta(minutes=minute), minute) for minute in range(3))
    with CdrReader(address(mariadb)) as reader:
        assert ids(reader, NOW, NOW + timedelta(minutes=2)) == [
            f"{int(NOW.timestamp())}.0", f"{int(NOW.timestamp()) + 60}.1",
        ]  # fmt: skip


def test_a_long_call_is_found_by_its_end(mariadb: Database) -> None:
    mariadb.add([row(NOW - timedelta(hours=3), 1, duration=3 * 3600 - 30), row(NOW - timedelta(hours=3), 2)])
    with CdrReader(address(mariadb)) as reader:
        found = list(reader.ended(NOW - timedelta(minutes=1), NOW, offset_min=60))
    assert [each.sequence for each in found] == [1]


@pytest.mark.parametrize("column", ["calldate", "uniqueid", "linkedid"])
def test_every_question_goes_by_an_index_and_never_through_the_table(mariadb: Database, column: str) -> None:
    for name in {"calldate", "uniqueid"} - {column}:
        mariadb.sql(f"alter table asteriskcdrdb.cdr drop index {name}")
    if column == "linkedid":
        mariadb.sql("alter table asteriskcdrdb.cdr add index linkedid_of_ours (linkedid)")
    mariadb.add(row(NOW - timedelta(hours=number), number) for number in range(50))
    with CdrReader(address(mariadb)) as reader:
        assert reader.layout().column == column
        reader.clock()
        (plan,) = reader.explain(NOW - timedelta(hours=48), NOW)
        assert plan["type"] == "range"
        assert plan["key"] == reader.layout().index
        assert len(ids(reader, NOW - timedelta(hours=9, minutes=1), NOW)) == 9
        assert len(list(reader.ended(NOW - timedelta(hours=2), NOW, offset_min=60))) == 2


def test_ids_with_a_system_name_are_found_by_their_index(mariadb: Database) -> None:
    mariadb.sql("alter table asteriskcdrdb.cdr drop index calldate")
    stamp = int(NOW.timestamp())
    mariadb.add(
        [row(NOW, uniqueid=f"pbx-{stamp}.1"), row(NOW - timedelta(days=9), uniqueid=f"pbx-{stamp - 9 * 86400}.1")]
    )
    with CdrReader(address(mariadb)) as reader:
        reader.clock()
        assert ids(reader, NOW - timedelta(hours=1), NOW + timedelta(hours=1)) == [f"pbx-{stamp}.1"]


def test_the_newest_rows_tell_the_zone_of_the_table(mariadb: Database) -> None:
    mariadb.add([row(NOW - timedelta(days=400), 1), row(NOW, 2), row(NOW - timedelta(minutes=1), 3)])
    with CdrReader(address(mariadb)) as reader:
        clock = reader.clock()
    assert (clock.offset_min, clock.newest_at, clock.oldest_at) == (60, NOW, NOW - timedelta(days=400))
    assert abs(clock.now - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_empty_table_tells_no_newest_row(mariadb: Database) -> None:
    with CdrReader(address(mariadb)) as reader:
        clock = reader.clock()
        assert (clock.newest_at, clock.oldest_at) == (None, None)
        assert ids(reader, NOW, NOW + timedelta(days=1)) == []


def test_zero_dates_are_read_past(mariadb: Database) -> None:
    mariadb.sql("set session sql_mode = ''", "insert into asteriskcdrdb.cdr (uniqueid) values ('1.1')")
    mariadb.add([row(NOW)])
    with CdrReader(address(mariadb)) as reader:
        assert reader.clock().oldest_at == NOW


def test_nothing_can_be_written_even_by_a_user_who_may(mariadb: Database) -> None:
    mariadb.user("aftercall", "s3cret!", may="all privileges", on="*.*")
    with CdrReader(address(mariadb)) as reader:
        assert "ALL PRIVILEGES" in reader.may_write()
        with pytest.raises(errors.CdrReplyMalformed, match="READ ONLY"):
            reader._rows("delete from cdr")


def test_a_trusted_certificate_encrypts_the_way(mariadb: Database) -> None:
    mariadb.user("aftercall", "s3cret!", requires="ssl")
    mariadb.add([row(NOW)])
    with CdrReader(address(mariadb, use_tls=True, certificate=mariadb.certificate_pem)) as reader:
        assert len(ids(reader, NOW, NOW + timedelta(minutes=1))) == 1
        (said,) = reader._rows("show session status like 'Ssl_cipher'")
        assert said["Value"]


# ---- troubles -----------------------------------------------------------------------------------------------------


def wrong_password(_mariadb: Database) -> dict[str, object]:
    return {"password": "guess"}


def unknown_user(_mariadb: Database) -> dict[str, object]:
    return {"username": "nobody"}


def other_host(mariadb: Database) -> dict[str, object]:
    mariadb.sql("drop user 'aftercall'@'%'")
    mariadb.user("aftercall", "s3cret!", host="192.0.2.20")
    mariadb.turn_away()
    return {}


def must_use_tls(mariadb: Database) -> dict[str, object]:
    mariadb.user("aftercall", "s3cret!", requires="ssl")
    return {}


def no_such_database(mariadb: Database) -> dict[str, object]:
    mariadb.user("aftercall", "s3cret!", on="*.*")
    return {"database": "asteriskcdr"}


def no_right_to_the_database(mariadb: Database) -> dict[str, object]:
    return {"database": "mysql"}


def no_right_to_the_table(mariadb: Database) -> dict[str, object]:
    mariadb.sql("create table asteriskcdrdb.other (id int)")
    mariadb.user("aftercall", "s3cret!", on="asteriskcdrdb.other")
    return {}


def no_table(mariadb: Database) -> dict[str, object]:
    mariadb.sql("drop table asteriskcdrdb.cdr")
    mariadb.user("aftercall", "s3cret!", on="asteriskcdrdb.*")
    return {}


def another_table(mariadb: Database) -> dict[str, object]:
    mariadb.sql("alter table asteriskcdrdb.cdr drop column uniqueid, drop column lastapp")
    return {}


def no_index(mariadb: Database) -> dict[str, object]:
    mariadb.sql("alter table asteriskcdrdb.cdr drop index calldate, drop index uniqueid")
    return {}


def two_system_names(mariadb: Database) -> dict[str, object]:
    """Without an index on calldate; the ids then sort by name before they sort by time."""
    mariadb.sql("alter table asteriskcdrdb.cdr drop index calldate")
    mariadb.add([row(NOW), row(NOW, 2, uniqueid=f"pbx-{int(NOW.timestamp())}.2")])
    return {}


def untrusted(_mariadb: Database) -> dict[str, object]:
    return {"use_tls": True}


def another_certificate(_mariadb: Database) -> dict[str, object]:
    import trustme

    other = trustme.CA().issue_cert("db.example.test").cert_chain_pems[0].bytes().decode()
    return {"use_tls": True, "certificate": other}


def without_tls(mariadb: Database) -> dict[str, object]:
    mariadb.restart(has_tls=False)
    return {"use_tls": True}


def stopped(mariadb: Database) -> dict[str, object]:
    mariadb.kill()
    return {}


TROUBLES = [
    (wrong_password, "cdr-sign-in-refused", "sign-in"),
    (unknown_user, "cdr-sign-in-refused", "sign-in"),
    (other_host, "cdr-host-refused", "database"),
    (must_use_tls, "cdr-sign-in-refused", "sign-in"),
    (no_such_database, "cdr-database-missing", "sign-in"),
    (no_right_to_the_database, "cdr-forbidden", "sign-in"),
    (no_right_to_the_table, "cdr-forbidden", "table"),
    (no_table, "cdr-table-missing", "table"),
    (another_table, "cdr-columns-missing", "table"),
    (no_index, "cdr-index-missing", "index"),
    (two_system_names, "cdr-index-missing", "index"),
    (untrusted, "cdr-certificate-refused", "tls"),
    (another_certificate, "cdr-certificate-refused", "tls"),
    (without_tls, "cdr-tls-off", "tls"),
    (stopped, "cdr-connection-refused", "tcp"),
]


@pytest.mark.parametrize(("trouble", "code", "_check"), TROUBLES)
def test_every_trouble_has_its_own_name(mariadb: Database, trouble: object, code: str, _check: str) -> None:
    changes = trouble(mariadb)  # type: ignore[operator]
    with pytest.raises(errors.PbxError) as caught, CdrReader(address(mariadb, **changes), patience=QUICK) as reader:
        reader.layout()
    assert caught.value.code == code
    assert (caught.value.retry is errors.Retry.SETTINGS) == (code != "cdr-connection-refused")


def test_a_database_that_restarts_between_two_questions_is_a_passing_fault(mariadb: Database) -> None:
    mariadb.add([row(NOW)])
    with CdrReader(address(mariadb), patience=QUICK) as reader:
        assert len(ids(reader, NOW, NOW + timedelta(days=1))) == 1
        mariadb.restart()
        with pytest.raises(errors.CdrDropped) as caught:
            ids(reader, NOW, NOW + timedelta(days=1))
    assert caught.value.retry is errors.Retry.SOON


def test_a_database_that_hangs_in_mid_answer_is_given_up(mariadb: Database) -> None:
    with pytest.raises(errors.CdrDropped), CdrReader(address(mariadb), patience=QUICK) as reader, mariadb.frozen():
        reader.layout()


def test_a_database_that_hangs_is_given_up(mariadb: Database) -> None:
    with mariadb.frozen(), pytest.raises(errors.CdrDropped), CdrReader(address(mariadb), patience=QUICK):
        pass


@contextmanager
def speaking(first: bytes, then: bytes = b"") -> Iterator[int]:
    """A server on a free port that says something first and something else when it is spoken to."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as line:
                line.settimeout(10)
                line.sendall(first)
                if then and line.recv(100):
                    line.sendall(then)

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        thread.join(15)


@pytest.mark.parametrize(
    ("first", "then"), [(b"SSH-2.0-OpenSSH_9.2\r\n", b""), (b"", b""), (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n")]
)
def test_another_service_on_the_port_is_told_apart(first: bytes, then: bytes) -> None:
    from aftercall.pbx import cdr_greeting

    with speaking(first, then) as port:
        where = CdrAddress(host="127.0.0.1", port=port, database="a", username="b", password="c")
        with cdr_greeting.dial(where, wait_s=2) as line, pytest.raises(errors.CdrNotADatabase):
            cdr_greeting.read_greeting(line, where, wait_s=1)


def test_a_name_nobody_knows_and_an_address_of_secrets_are_not_dialled() -> None:
    plain = CdrAddress(host="169.254.169.254", port=3306, database="a", username="b", password="c")
    with pytest.raises(errors.PbxAddressRefused):
        CdrReader(plain).open()
    with pytest.raises(errors.PbxNameUnknown):
        CdrReader(replace(plain, host="db.invalid")).open()
