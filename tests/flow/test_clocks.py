"""Clocks: a PBX whose clock is hours off, and the nights on which the clocks change."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.fixtures.house import Office, noise

from aftercall import wiring
from aftercall.settings import Settings
from aftercall.store import health, pbxs
from aftercall.testing import Simulator


@pytest.fixture(params=[-3, 3], ids=["3 hours behind", "3 hours ahead"])
def astray(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Office, timedelta]]:
    """An office whose PBX has another time than the rest of the world."""
    ahead = timedelta(hours=request.param)
    with Simulator(clock_ahead=ahead) as pbx, wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        entered = pbxs.PbxSettings(
            name="Office", host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password
        )
        with house.engine.begin() as db:
            pbx_id = pbxs.add(db, entered, house.vault, datetime.now(UTC) - timedelta(days=1))
        with wiring.at_work(house, with_schedule=False) as clients:
            yield Office(house, pbx, pbx_id, clients), ahead


def _name(on_its_clock: datetime) -> str:
    return f"external-201-5550123-{on_its_clock:%Y%m%d-%H%M%S}-{int(on_its_clock.timestamp())}.1"


def test_calls_of_a_pbx_whose_clock_is_off_come_home_as_new_ones(astray: tuple[Office, timedelta]) -> None:
    office, ahead = astray
    ended_at = datetime.now(UTC) - timedelta(seconds=20)
    name = _name(ended_at - timedelta(seconds=1) + ahead)
    office.pbx.add_recording(name, noise(1))
    # Held back are old calls only, and this one is new, whatever the PBX's clock says.
    office.house.control.pause_backlog(office.pbx_id, is_paused=True)
    office.sync()
    office.until(lambda: office.states() == {name: "done"})
    with office.house.engine.connect() as db:
        lag = health.lags(db, office.pbx_id, since=ended_at - timedelta(days=1)).listed
        pbx = pbxs.get(db, office.pbx_id)
    assert lag.p50_s == pytest.approx(20, abs=15)
    assert pbx is not None
    assert pbx.clock_skew_s == pytest.approx(ahead.total_seconds(), abs=5)


@pytest.mark.parametrize("day", ["2026-10-25", "2026-03-29"])
def test_on_the_night_the_clocks_change_calls_keep_their_order_and_their_hour(office: Office, day: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begin = datetime.fromisoformat(f"{day}T00:15:00+00:00")
    starts = [begin + timedelta(minutes=30 * index) for index in range(4)]
    for at in starts:
        local = at.astimezone(berlin)
        office.pbx.add_recording(f"external-201-5550123-{local:%Y%m%d-%H%M%S}-{int(at.timestamp())}.1", noise())
    office.sync()
    office.until(lambda: set(office.states().values()) == {"done"})
    rows = list(reversed(office.rows()))
    assert [row.started_at for row in rows] == starts
    offsets = [row.started_at.astimezone(berlin).utcoffset() for row in rows]
    assert [timedelta(minutes=row.utc_offset_min or 0) for row in rows] == offsets
    assert len(set(offsets)) == 2


def test_a_name_without_a_uniqueid_is_placed_in_the_zone_set_for_the_pbx(office: Office) -> None:
    office.pbx.add_recording("external-201-5550123-20260715-120000", noise())
    office.change(zone="America/New_York")
    office.sync()
    row = office.rows()[0]
    assert row.started_at == datetime(2026, 7, 15, 16, tzinfo=UTC)
    assert (row.is_start_estimated, row.utc_offset_min) == (False, -240)
