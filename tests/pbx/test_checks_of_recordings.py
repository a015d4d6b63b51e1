"""This file tests what is said of the list, of a recording's sound, of times, folders and cost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from aftercall.demo.simulator import Simulator
from aftercall.model import Check, PbxAddress
from aftercall.pbx import checks_of_recordings as room
from aftercall.pbx.ari import Patience
from aftercall.pbx.diagnose import diagnose
from aftercall.pbx.listing import Listing
from aftercall.pbx.visit import Visit

pytestmark = pytest.mark.anyio

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
VOICE = (np.sin(np.arange(4000) / 7) * 9000).astype("<i2")
OTHER = (np.sin(np.arange(4000) / 11) * 9000).astype("<i2")


def wav(*columns: np.ndarray) -> bytes:
    data = np.stack(columns, axis=1).tobytes()
    count = len(columns)
    return (
        b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt \x10\x00\x00\x00\x01\x00"
        + count.to_bytes(2, "little") + b"\x40\x1f\x00\x00" + (16000 * count).to_bytes(4, "little")
        + (2 * count).to_bytes(2, "little") + b"\x10\x00data" + len(data).to_bytes(4, "little") + data
    )  # fmt: skip


def named(moment: datetime, zone: ZoneInfo | timedelta = timedelta(), *, stamp: bool = True) -> str:
    """A recording's name as a PBX in this zone gives it."""
    local = moment.astimezone(zone) if isinstance(zone, ZoneInfo) else moment + zone
    tail = f"-{int(moment.timestamp())}.7" if stamp else ""
    return f"{local:%Y/%m/%d}/external-200-5550100-{local:%Y%m%d-%H%M%S}{tail}"


@pytest.fixture
def pbx() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


async def look(pbx: Simulator, name: str, *, zone: str | None = None) -> Check:
    address = PbxAddress(host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password)
    checks = {check.check: check async for check in diagnose(address, zone=zone)}
    return checks[name]


def visit_of(**facts: object) -> Visit:
    address = PbxAddress(host="192.0.2.10", port=8088, username="aftercall", password="x")
    return Visit(address=address, patience=Patience(), **facts)  # type: ignore[arg-type]


def listing(count: int) -> Listing:
    recordings = {f"call-{number}": "wav" for number in range(count)}
    return Listing(body=bytes(90 * count), count=count, recordings=recordings, before={}, is_whole=True)


# ---- the sound --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "status", "words"), [
    ((VOICE,), "ok", "Mono at 8,000 Hz"),
    ((VOICE, OTHER), "ok", "Stereo at 8,000 Hz"),
    ((VOICE, VOICE), "warn", "all of them hold the same sound"),
    ((VOICE * 0, VOICE * 0), "ok", "no sound in them"),
], ids=["mono", "stereo", "same", "silent"])  # fmt: skip
async def test_the_audio_channels_are_told(
    pbx: Simulator, columns: tuple[np.ndarray, ...], status: str, words: str
) -> None:
    pbx.add_recording(named(NOON), wav(*columns))
    check = await look(pbx, "audio")
    assert check.status == status
    assert words in check.what


async def test_a_compressed_recording_is_not_guessed_at(pbx: Simulator) -> None:
    pbx.add_recording(named(NOON), b"\xff\xfb\x90\x00" * 100, "mp3")
    check = await look(pbx, "audio")
    assert (check.status, "mp3 could not be told" in check.what) == ("ok", True)


async def test_a_header_that_says_another_length_is_mentioned(pbx: Simulator) -> None:
    pbx.add_recording(named(NOON), wav(VOICE) + bytes(320))
    check = await look(pbx, "download")
    assert (check.status, "its header says 8,044" in check.what) == ("ok", True)


# ---- the time zone ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("offset", "words"), [
    (timedelta(), "UTC+0"), (timedelta(hours=-5), "UTC-5"), (timedelta(hours=5, minutes=45), "UTC+5:45"),
])  # fmt: skip
async def test_the_zone_is_taken_from_the_names(pbx: Simulator, offset: timedelta, words: str) -> None:
    for hour in range(3):
        pbx.add_recording(named(NOON + timedelta(hours=hour), offset), wav(VOICE))
    check = await look(pbx, "time zone")
    assert (check.status, check.what) == ("ok", f"The newest 3 names say {words}.")


async def test_names_from_both_sides_of_a_clock_change_agree(pbx: Simulator) -> None:
    for moment in (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC)):
        pbx.add_recording(named(moment, BERLIN), wav(VOICE))
    check = await look(pbx, "time zone")
    assert check.status == "ok"
    assert check.what == "The newest names say UTC+1, and UTC+2 before the clock changed."


async def test_names_that_do_not_agree_are_a_warning(pbx: Simulator) -> None:
    for hour, offset in enumerate([0, -5, 0]):
        pbx.add_recording(named(NOON + timedelta(hours=hour), timedelta(hours=offset)), wav(VOICE))
    check = await look(pbx, "time zone")
    assert (check.status, check.code) == ("warn", "pbx-zone-unclear")
    assert "UTC-5, UTC+0" in check.what


@pytest.mark.parametrize(("zone", "status", "code"), [
    ("Europe/Berlin", "ok", ""), ("America/New_York", "warn", "pbx-zone-differs"),
    ("Mars/Base", "warn", "pbx-zone-differs"),
])  # fmt: skip
async def test_the_zone_that_was_set_is_compared(pbx: Simulator, zone: str, status: str, code: str) -> None:
    for moment in (datetime(2026, 10, 24, 12, tzinfo=UTC), datetime(2026, 10, 26, 12, tzinfo=UTC)):
        pbx.add_recording(named(moment, BERLIN), wav(VOICE))
    check = await look(pbx, "time zone", zone=zone)
    assert (check.status, check.code) == (status, code)


async def test_a_wrong_zone_is_shown_with_a_day_on_which_it_was_wrong(pbx: Simulator) -> None:
    pbx.add_recording(named(NOON, BERLIN), wav(VOICE))
    check = await look(pbx, "time zone", zone="America/New_York")
    assert check.why == "America/New_York, as set here, was UTC-5 on 2026-11-20; a name says UTC+1."


@pytest.mark.parametrize(("zone", "status"), [(None, "warn"), ("Europe/Berlin", "ok")])
async def test_names_without_a_time_stamp_need_a_zone(pbx: Simulator, zone: str | None, status: str) -> None:
    pbx.add_recording(named(NOON, stamp=False), wav(VOICE))
    assert (await look(pbx, "time zone", zone=zone)).status == status


async def test_names_without_any_time_are_not_judged(pbx: Simulator) -> None:
    pbx.add_recording("my own recording", wav(VOICE))
    assert (await look(pbx, "time zone")).status == "skip"


# ---- folders ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept_in", ["", "/var/spool/asterisk/monitor/", "/var/spool/asterisk/monitor/team"])
async def test_folders_in_their_usual_place_need_no_words(kept_in: str) -> None:
    with Simulator(variables={"ASTSPOOLDIR": "/var/spool/asterisk", "MIXMON_DIR": kept_in}) as pbx:
        check = await look(pbx, "folders")
    assert (check.status, check.why) == ("ok", "")


@pytest.mark.parametrize(("age", "status"), [(timedelta(hours=1), "ok"), (timedelta(days=30), "warn")])
async def test_recordings_kept_elsewhere_are_a_warning_only_when_no_new_ones_show(age: timedelta, status: str) -> None:
    with Simulator(variables={"ASTSPOOLDIR": "/var/spool/asterisk", "MIXMON_DIR": "/mnt/calls/"}) as pbx:
        pbx.add_recording(named(datetime.now(UTC) - age), wav(VOICE))
        check = await look(pbx, "folders")
    assert check.status == status
    assert "has to lead to /mnt/calls" in check.why


async def test_a_folder_that_only_begins_alike_is_elsewhere() -> None:
    with Simulator(variables={"ASTSPOOLDIR": "/s", "MIXMON_DIR": "/s/monitor2"}) as pbx:
        assert "has to lead to /s/monitor2" in (await look(pbx, "folders")).why


# ---- cost -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "status"), [(100_000, "ok"), (100_001, "warn")])
async def test_a_list_of_more_than_100000_is_a_warning(count: int, status: str) -> None:
    check = await room.sync_cost(visit_of(listing=listing(count), list_s=1.25))
    assert check.status == status
    assert f"{count:,} recordings, 9.0 MB. Estimated: 180.0 MB" in check.what


async def test_the_cost_of_a_small_list_is_told(pbx: Simulator) -> None:
    pbx.add_recording(named(NOON), wav(VOICE))
    check = await look(pbx, "sync cost")
    assert check.status == "ok"
    assert "for 1 recording, 0 kB. Estimated: 2 kB" in check.what


def test_the_newest_recordings_are_those_with_the_latest_wall_clock() -> None:
    names = [f"2026/11/{day:02}/q-600-5550100-202611{day:02}-0900{day:02}-17954289{day:02}.1" for day in range(1, 21)]
    assert room.newest(["zzz", *names], 2) == [names[-1], names[-2]]
