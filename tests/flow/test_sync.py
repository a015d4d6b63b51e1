"""Recordings walk in from a simulated PBX, whole, broken and hostile; nothing is stored that is not a recording."""

import time
from datetime import UTC, datetime

import pytest
from tests.fixtures.house import Office, noise

from aftercall import wiring
from aftercall.errors import DataFolderInUse
from aftercall.jobs.schedule import Schedule
from aftercall.store import pbxs

GOOD = "2026/11/22/in-5550100-5550100123-20261122-101500-1795342500.7"
BAD = "2026/11/22/in-5550100-5550100124-20261122-101600-1795342560.9"


def test_a_recording_becomes_a_call_with_what_its_name_and_sound_tell(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise(1.5))
    progress = office.sync()
    assert (progress.sync.found_count, progress.sync.new_count, progress.done_count) == (1, 1, 1)
    detail = office.detail(GOOD)
    row = detail.row
    assert (row.state, row.direction, row.caller, row.callee) == ("done", "inbound", "5550100123", "5550100")
    assert row.started_at == datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
    assert row.duration_s == pytest.approx(1.5)
    assert [stage.state for stage in detail.stages] == ["done"] * 5
    assert detail.peaks is not None
    assert office.house.archive.path(detail.archive_key or "").read_bytes() == noise(1.5)


def test_a_second_sync_finds_nothing_new_and_fetches_nothing(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.sync()
    before = office.pbx.count(ending="/file")
    progress = office.sync()
    assert (progress.sync.found_count, progress.sync.new_count) == (1, 0)
    assert office.pbx.count(ending="/file") == before


@pytest.mark.parametrize("fault", ["empty-list", "list-500", "malformed-json", "list-of-something-else", "busy-503"])
def test_an_empty_or_failing_list_deletes_nothing(office: Office, fault: str) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.sync()
    office.pbx.fail(fault)
    office.sync()
    assert office.states() == {GOOD: "done"}
    assert len(office.files()) == 1


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("list-500", "pbx-list-broken"),
        ("malformed-json", "pbx-reply-malformed"),
        ("list-of-something-else", "pbx-reply-malformed"),
        ("busy-503", "pbx-busy"),
        ("ari-off", "pbx-ari-off"),
        ("refuse-sign-in", "pbx-sign-in-refused"),
        ("recordings-module-missing", "pbx-recordings-module-missing"),
        ("closed-silently", "pbx-closed-silently"),
    ],
)
def test_each_fault_of_the_list_fails_the_sync_by_its_own_name(office: Office, fault: str, code: str) -> None:
    office.pbx.fail(fault)
    progress = office.sync()
    assert progress.sync.state == "failed"
    assert progress.sync.error is not None
    assert progress.sync.error.code == code
    assert len(progress.sync.error.fix) > 20


@pytest.mark.parametrize(
    ("fault", "code", "state"),
    [
        ("file-404", "recording-missing", "waiting"),
        ("file-403", "recording-unreadable", "waiting"),
        ("json-as-audio", "recording-missing", "waiting"),
        ("html-as-audio", "recording-not-audio", "waiting"),
        ("short-body", "recording-incomplete", "waiting"),
        ("drop-mid-body", "recording-incomplete", "waiting"),
        ("huge", "recording-too-large", "failed"),
    ],
)
def test_each_fault_of_a_download_has_its_name_and_stores_nothing(
    office: Office, fault: str, code: str, state: str
) -> None:
    office.pbx.add_recording(BAD, noise())
    office.pbx.fail(fault, recording=BAD)
    office.sync()
    assert (office.error(BAD), office.states()[BAD]) == (code, state)
    assert office.files() == []
    assert office.detail(BAD).archive_key is None


def test_a_passing_fault_heals_by_itself(office: Office) -> None:
    office.pbx.add_recording(BAD, noise())
    office.pbx.fail("short-body", recording=BAD, times=1)
    office.sync()
    office.until(lambda: office.states()[BAD] == "done")


def test_one_bad_recording_does_not_hold_up_the_others(office: Office) -> None:
    office.pbx.add_recording(BAD, noise())
    office.pbx.add_recording(GOOD, noise())
    office.pbx.fail("json-as-audio", recording=BAD)
    office.sync()
    assert office.states() == {GOOD: "done", BAD: "waiting"}


def test_surplus_bytes_of_a_growing_file_are_left_out(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.pbx.fail("extra-bytes", recording=GOOD)
    office.sync()
    assert office.files()[0].read_bytes() == noise()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"this is a text file and no sound at all\n" * 3, "recording-not-audio"),
        (b'{"message":"Recording not found"}', "recording-missing"),
        (b'{"calls": [1, 2, 3]}', "recording-not-audio"),
        (b"<html><body>Error</body></html>", "recording-not-audio"),
    ],
    ids=["text", "ARI's own error", "json", "html"],
)
def test_text_named_wav_is_not_stored_as_audio(office: Office, content: bytes, code: str) -> None:
    office.pbx.add_recording(BAD, content)
    office.sync()
    assert office.error(BAD) == code
    assert office.files() == []


def test_a_header_without_sound_is_a_call_with_no_audio(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise(0))
    office.sync()
    assert office.states() == {GOOD: "no audio"}
    assert office.detail(GOOD).transcript is None


def test_a_truncated_recording_of_an_old_call_is_taken_as_it_is_and_says_so(office: Office) -> None:
    old = GOOD.replace("20261122", "20261023").replace("1795342500", "1792750500")
    whole = noise(3)
    office.pbx.add_recording(old, whole[: len(whole) // 2])
    office.sync()
    audio = office.detail(old).audio
    assert audio is not None
    assert audio.is_truncated
    assert (audio.duration_s, audio.declared_duration_s) == pytest.approx((1.5, 3.0), abs=0.01)


def test_a_call_in_progress_waits_and_comes_back_when_it_is_over(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from aftercall.recordings import plan

    monkeypatch.setattr(plan, "LOOK_AGAIN", timedelta(seconds=1))
    now = int(time.time())
    name = f"2026/11/22/in-5550100-5550100123-{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{now}.7"
    office.pbx.add_recording(name, noise(2.0), written=1044)
    office.sync()
    assert office.states() == {name: "in progress"}
    assert office.files() == []
    office.pbx.finish(name)
    office.until(lambda: office.states()[name] == "done")
    assert office.detail(name).row.duration_s == pytest.approx(2.0)


ODD_NAMES = [
    "../../etc/passwd",
    "2026/11/22/in-100%-+15550100-20261122-101500-1795342500.7",
    "2026/11/22/line\nbreak-20261122-101500-1795342501.7",
    "2026/11/22/Grüße-🎧-20261122-101500-1795342502.7",
    "2026/11/22/" + "x" * 300,
    "2026/11/22/a b?c=d&e#f-20261122-101500-1795342503.7",
    "no folder and no date",
]


def test_odd_names_come_home_and_nothing_leaves_its_folder(office: Office) -> None:
    for name in ODD_NAMES:
        office.pbx.add_recording(name, noise())
    office.sync()
    assert office.states() == dict.fromkeys(ODD_NAMES, "done")
    assert len(office.files()) == len(ODD_NAMES)
    data = office.house.settings.data
    assert {path.name for path in data.iterdir()} <= {
        "aftercall.db", "aftercall.db-wal", "aftercall.db-shm", "jobs.db", "jobs.db-wal", "jobs.db-shm",
        "recordings", "secret.key", "aftercall.lock", "migrate.lock",
    }  # fmt: skip


def test_a_refused_sign_in_stops_the_schedule_until_the_settings_change(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.pbx.fail("refuse-sign-in")
    office.sync()
    asked = len(office.pbx.requests)
    schedule = Schedule(office.house.engine, office.house.control, office.house.jobs)
    assert schedule.look() == []
    assert len(office.pbx.requests) == asked
    office.pbx.mend()
    with office.house.engine.begin() as db:
        found = pbxs.get(db, office.pbx_id)
        assert found is not None
        same = pbxs.PbxSettings(
            name=found.name, host=found.host, port=found.port, username=found.username, password=None
        )
        pbxs.change(db, office.pbx_id, same, office.house.vault, datetime.now(UTC))
        pbxs.mark_due(db, office.pbx_id, datetime(2020, 1, 1, tzinfo=UTC))
    assert schedule.look() == [office.pbx_id]
    office.until(lambda: office.states() == {GOOD: "done"})


def _many(office: Office, count: int) -> list[str]:
    made = [
        f"2026/11/22/in-5550100-55501001{index:02}-20261122-1015{index % 60:02}-17953425{index:02}.{index}"
        for index in range(count)
    ]
    for name in made:
        office.pbx.add_recording(name, noise())
    return made


def test_a_sign_in_refused_in_the_middle_asks_a_few_times_and_not_for_every_recording(office: Office) -> None:
    for name in _many(office, 90):
        office.pbx.fail("refuse-sign-in", recording=name)
    office.sync()
    assert office.pbx.count(ending="/file") < 60
    assert set(office.states().values()) == {"waiting"}
    office.pbx.mend()
    office.sync()
    office.until(lambda: set(office.states().values()) == {"done"}, 120)


def test_an_empty_list_says_where_to_look(office: Office) -> None:
    progress = office.sync()
    assert progress.sync.state == "listed"
    assert progress.sync.error is not None
    assert progress.sync.error.code == "pbx-list-empty"
    assert "/var/spool/asterisk/monitor" in progress.sync.error.fix


def test_no_number_and_no_word_of_a_call_reaches_the_job_database(office: Office) -> None:
    """Its rows are written to logs and kept for a month."""
    office.pbx.add_recording(GOOD, noise())
    office.sync()
    written = b"".join(path.read_bytes() for path in office.house.settings.data.glob("jobs.db*"))
    assert office.detail(GOOD).row.id.encode() in written
    assert b"5550100123" not in written


def test_only_get_goes_to_the_pbx(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.pbx.add_recording(BAD, noise())
    office.pbx.fail("file-404", recording=BAD)
    office.sync()
    assert set(office.pbx.methods) == {"GET"}


def test_retry_fetches_again_what_failed(office: Office) -> None:
    office.pbx.add_recording(BAD, noise())
    office.pbx.fail("huge", recording=BAD)
    office.sync()
    assert office.states()[BAD] == "failed"
    office.pbx.mend()
    office.house.control.retry(office.detail(BAD).row.id)
    office.until(lambda: office.states()[BAD] == "done")


def test_a_stopped_sync_keeps_what_is_home_and_the_next_one_brings_the_rest(office: Office) -> None:
    office.pbx.slow_s = 0.2
    for name in _many(office, 60):
        office.pbx.fail("slow", recording=name)
    sync_id = office.house.control.sync(office.pbx_id, asked_by="user")
    office.until(lambda: len(office.files()) >= 2)
    office.house.control.stop_sync(sync_id)
    office.until(lambda: "found" not in office.states().values())
    assert "waiting" in office.states().values()
    office.pbx.mend()
    office.sync()
    office.until(lambda: set(office.states().values()) == {"done"}, 120)
    assert len(office.files()) == 60


def test_removing_the_pbx_with_its_calls_removes_the_files(office: Office) -> None:
    office.pbx.add_recording(GOOD, noise())
    office.sync()
    office.house.control.remove_pbx(office.pbx_id, office.house.archive, with_calls=True)
    assert office.rows() == []
    assert office.files() == []


def test_a_second_worker_on_the_same_folder_is_refused(office: Office) -> None:
    with wiring.open_house(office.house.settings) as other, pytest.raises(DataFolderInUse):  # noqa: SIM117
        with wiring.at_work(other, with_schedule=False):
            pass
