"""A call walks in twice: its recordings from the PBX, and what it was from the database beside it."""

from datetime import UTC, datetime, timedelta

import pytest
from lab.mariadb import Database
from tests.fixtures.house import Office, noise
from tests.jobs.test_cdr_reading import row

from aftercall.jobs import cdr_reading
from aftercall.jobs.steps import utc_now
from aftercall.store import calls, cdr_sources, coverage
from aftercall.store.cdr_sources import CdrSettings
from aftercall.store.coverage import Asked, Coverage

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def named(kind: str, after: timedelta, number: int) -> str:
    """A recording's name on a PBX an hour ahead of UTC."""
    at = BEGAN + after
    local = at + timedelta(hours=1)
    return f"{local:%Y/%m/%d}/{kind}-{local:%Y%m%d-%H%M%S}-{int(at.timestamp())}.{number}"


FIRST = named("external-201-7175550123", timedelta(), 1)
SECOND = named("external-202-7175550123", timedelta(seconds=70), 5)
ONE_CALL = {"linkedid": f"{int(BEGAN.timestamp())}.1"}


@pytest.fixture
def records(office: Office, mariadb: Database) -> Database:
    """The database beside the PBX, with an answered and transferred call, a missed one, and one not recorded."""
    settings = CdrSettings(host=mariadb.host, port=mariadb.port, username="aftercall", password="s3cret!")
    with office.house.engine.begin() as db:
        cdr_sources.save(db, office.pbx_id, settings, office.house.vault, utc_now())
    now = datetime.now(UTC).replace(microsecond=0)
    talk = {"disposition": "ANSWERED", "billsec": 60, "duration": 65}
    mariadb.add(
        [
            row(now - BEGAN, 1, **talk, **ONE_CALL, recordingfile=f"{FIRST.rpartition('/')[2]}.wav"),
            row(now - BEGAN - timedelta(seconds=70), 5, **talk, **ONE_CALL, dst="202", dstchannel="PJSIP/202-1",
                dcontext="from-internal-xfer", recordingfile=f"{SECOND.rpartition('/')[2]}.wav"),
            row(timedelta(minutes=20), 7, src="7175550199", cnum="7175550199", cnam="Ben Example"),
            row(timedelta(minutes=10), 8, **talk, src="7175550188", cnum="7175550188", cnam="Cleo Example"),
        ]
    )  # fmt: skip
    return mariadb


def read(office: Office) -> None:
    cdr_reading.read(office.house.engine, office.house.vault, office.pbx_id)


@pytest.mark.parametrize("order", ["recordings first", "records first"])
def test_the_list_shows_who_called_what_was_missed_and_one_line_for_two_recordings(
    office: Office, records: Database, order: str
) -> None:
    office.pbx.add_recording(FIRST, noise(1.5))
    office.pbx.add_recording(SECOND, noise(0.8, seed=2))
    for step in ("sync", "read") if order == "recordings first" else ("read", "sync"):
        office.sync() if step == "sync" else read(office)
    shown = [(each.caller_name, each.state.value, each.disposition, each.recording) for each in office.rows()]
    assert shown == [
        ("Cleo Example", "no recording", "answered", None),
        ("Ben Example", "no recording", "missed", None),
        ("Ada Example", "done", "answered", FIRST),
    ]
    main = office.rows()[-1]
    assert (main.did, main.extension, main.transfers and main.transfers[0]["to"]) == ("7175550100", "201", "202")
    with office.house.engine.connect() as db:
        assert [each.recording for each in calls.further_recordings(db, main.id)] == [SECOND]
        asked = Asked(since=BEGAN - timedelta(days=1), until=utc_now())
        assert [each.coverage for each in coverage.gaps(db, asked)] == [Coverage.NOT_RECORDED]
        assert coverage.report(db, asked, utc_offset_min=0).total.usable == 1


def test_every_sync_lets_the_records_be_read_at_once(office: Office, records: Database) -> None:
    read(office)
    with office.house.engine.connect() as db:
        assert cdr_sources.due(db, utc_now()) == []
    office.sync()
    with office.house.engine.connect() as db:
        assert cdr_sources.due(db, utc_now()) == [office.pbx_id]


def test_without_the_database_the_recordings_come_all_the_same(office: Office, records: Database) -> None:
    office.pbx.add_recording(FIRST, noise(1.5))
    records.kill()
    read(office)
    office.sync()
    assert office.states() == {FIRST: "done"}
    records.restart()
    read(office)
    assert [each.caller_name for each in office.rows()] == ["Cleo Example", "Ben Example", "Ada Example"]
