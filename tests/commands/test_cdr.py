import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lab.mariadb import Database
from tests.jobs.test_cdr_reading import row

from aftercall import cli


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("AFTERCALL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AFTERCALL_PBX_PASSWORD", "p")
    monkeypatch.setenv("AFTERCALL_CDR_PASSWORD", "s3cret!")

    def run(*words: str, ok: bool = True) -> Result:
        ended = CliRunner().invoke(cli.main, words)
        assert (ended.exit_code == 0) is ok, ended.output
        return ended

    run("pbx", "add", "Office", "--host", "192.0.2.1", "--port", "8088", "--username", "a")
    return run


def lines(ended: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_the_records_of_a_pbx_are_set_up_tested_and_forgotten(run: object, mariadb: Database) -> None:
    assert callable(run)
    mariadb.add([row(timedelta(minutes=1))])
    missing = run("pbx", "cdr", "Office", ok=False)
    assert "aftercall pbx cdr Office --host" in missing.stderr
    tested = run(
        "pbx", "cdr", "Office", "--host", "127.0.0.1", "--port", str(mariadb.port), "--username", "aftercall", "--test"
    )
    assert {each["check"]: each["status"] for each in lines(tested)} == {
        "address": "ok", "tcp": "ok", "database": "ok", "tls": "skip", "sign-in": "ok", "read-only": "ok",
        "table": "ok", "index": "ok", "rows": "ok", "clock": "ok",
    }  # fmt: skip
    (status,) = lines(run("pbx", "cdr", "Office", "--off"))
    assert (status["is_enabled"], status["port"], status["known_calls"]) == (False, mariadb.port, 0)
    assert "s3cret!" not in str(status)
    run("pbx", "cdr", "Office", "--database", "wrong")
    assert run("pbx", "cdr", "Office", "--test", ok=False)
    run("pbx", "cdr", "Office", "--remove")
    run("pbx", "cdr", "Office", ok=False)


def test_a_file_is_brought_in_and_the_report_counts_it(run: object, tmp_path: Path) -> None:
    assert callable(run)
    at = datetime.now(UTC) - timedelta(hours=2)
    file = tmp_path / "cdr.csv"
    file.write_text(
        "calldate,src,dst,channel,dstchannel,lastapp,duration,billsec,disposition,uniqueid,did\n"
        f"{at:%Y-%m-%d %H:%M:%S},7175550123,201,PJSIP/provider-1,PJSIP/201-1,Dial,20,9,ANSWERED,"
        f"{int(at.timestamp())}.1,1\n"
        "short\n"
    )
    brought = run("pbx", "import-cdr", "Office", str(file))
    assert lines(brought) == [{"rows": 1, "bad_lines": 1, "calls": 1}]
    assert "line 3: it has 1 fields" in brought.stderr
    (report,) = lines(run("coverage"))
    assert report["total"]["causes"] == {"not recorded": 1}  # type: ignore[index]
    (gap,) = lines(run("coverage", "Office", "--days", "1", "--calls"))
    assert (gap["extension"], gap["cause"]) == ("201", "not recorded")


def test_a_value_that_cannot_be_used_is_named_by_its_option(run: object) -> None:
    assert callable(run)
    ended = run("pbx", "cdr", "Office", "--host", "http://x", "--username", "a", ok=False)
    assert "--host" in ended.stderr
