"""When the demo's calls were made and how their recordings are called."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from aftercall.demo.layout import DemoRecording, lay_out
from aftercall.demo.scripts import all_scripts
from aftercall.pbx import names

NOON = datetime(2026, 11, 23, 12, 30, 15, 678, tzinfo=ZoneInfo("America/New_York"))


def named(recordings: list[DemoRecording]) -> dict[str, str]:
    return {recording.script.key: recording.name for recording in recordings}


def test_every_call_is_laid_out_once() -> None:
    assert sorted(named(lay_out(NOON))) == sorted(script.key for script in all_scripts())


def test_a_name_is_what_freepbx_would_write() -> None:
    assert named(lay_out(NOON))["new-boiler"] == (
        "2026/11/17/in-12065550100-12065550143-20261117-094117-1794926477.1204"
    )


def test_a_queue_stamps_the_name_seconds_after_the_call_came_in() -> None:
    assert "-20261118-163216-1795037528." in named(lay_out(NOON))["late-engineer"]


def test_the_calls_come_oldest_first_and_none_is_in_the_future() -> None:
    starts = [recording.started_at for recording in lay_out(NOON)]
    assert starts == sorted(starts)
    assert starts[-1] < NOON


def test_the_latest_calls_are_minutes_old() -> None:
    ages = sorted(NOON - recording.started_at for recording in lay_out(NOON))
    assert ages[0] < timedelta(minutes=1)
    assert ages[1] < timedelta(minutes=30)


def test_the_calls_spread_over_a_week() -> None:
    assert len({recording.started_at.date() for recording in lay_out(NOON)}) == 7


def test_uniqueids_differ_and_count_up_with_time() -> None:
    counters = [int(recording.name.rpartition(".")[2]) for recording in lay_out(NOON)]
    assert counters == sorted(set(counters))


def test_calls_of_earlier_days_keep_their_names_all_day() -> None:
    morning, evening = named(lay_out(NOON.replace(hour=7))), named(lay_out(NOON.replace(hour=22)))
    same = {key for key in morning if morning[key] == evening[key]}
    assert same == {script.key for script in all_scripts() if script.days_ago is not None}


def test_the_same_moment_gives_the_same_names() -> None:
    assert named(lay_out(NOON)) == named(lay_out(NOON.replace(microsecond=0)))


def test_just_after_midnight_the_latest_calls_lie_in_yesterdays_folder() -> None:
    assert named(lay_out(NOON.replace(hour=0, minute=5)))["cold-bedroom"].startswith("2026/11/22/")


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kathmandu", "UTC", "Pacific/Auckland"])
def test_the_product_reads_start_and_zone_out_of_every_name(zone: str) -> None:
    for recording in lay_out(NOON.astimezone(ZoneInfo(zone))):
        parsed = names.parse(recording.name)
        offset = recording.started_at.utcoffset()
        assert offset is not None
        assert (parsed.started_at, parsed.utc_offset_min) == (
            recording.started_at.astimezone(UTC),
            offset.total_seconds() / 60,
        ), recording.name


def test_the_product_reads_the_direction_out_of_every_name() -> None:
    expected = {"in": "inbound", "external": "inbound", "q": "inbound", "rg": "inbound", "out": "outbound"}
    for recording in lay_out(NOON):
        assert names.parse(recording.name).direction == expected.get(recording.script.kind, "internal"), recording.name


def test_the_product_reads_plus_and_letters_of_a_caller() -> None:
    by_key = named(lay_out(NOON))
    assert names.parse(by_key["where-are-my-radiators"]).caller == "+12065550155"
    assert names.parse(by_key["cold-bedroom"]).caller == "Zoë"
