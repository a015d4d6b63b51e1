"""What a start finds from before: calls without a job, syncs that were cut off, a lost job database."""

from datetime import UTC, datetime
from pathlib import Path

from tests.fixtures.house import Office, connect, noise

from aftercall import wiring
from aftercall.pbx import names
from aftercall.settings import Settings
from aftercall.store import calls, syncs
from aftercall.testing import Simulator

NAMES = [f"2026/11/22/in-5550100-555010012{index}-20261122-10150{index}-1795342500.{index}" for index in range(4)]


def _open(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, workers=1)


def test_calls_without_a_job_are_taken_up(tmp_path: Path, simulator: Simulator) -> None:
    """As after a kill between our commit and the enqueue."""
    for name in NAMES:
        simulator.add_recording(name, noise())
    with wiring.open_house(_open(tmp_path)) as house:
        pbx_id = connect(house, simulator)
        now = datetime.now(UTC)
        with house.engine.begin() as db:
            calls.add_found(
                db,
                [
                    calls.NewCall(
                        pbx_id=pbx_id, name=names.parse(name), listed_format="wav", first_seen_at=now, sync_id="gone"
                    )
                    for name in NAMES
                ],
            )
        with wiring.at_work(house, with_schedule=False):
            office = Office(house, simulator, pbx_id)
            office.until(lambda: set(office.states().values()) == {"done"})
            assert len(office.states()) == len(NAMES)


def test_a_lost_job_database_loses_no_call(tmp_path: Path, simulator: Simulator) -> None:
    for name in NAMES:
        simulator.add_recording(name, noise())
    simulator.fail("file-404", recording=NAMES[0])
    with wiring.open_house(_open(tmp_path)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=False):
            Office(house, simulator, pbx_id).sync()
    for file in tmp_path.glob("jobs.db*"):
        file.unlink()
    simulator.mend()
    with wiring.open_house(_open(tmp_path)) as house, wiring.at_work(house, with_schedule=False):
        office = Office(house, simulator, pbx_id)
        office.until(lambda: set(office.states().values()) == {"done"})


def test_a_sync_that_was_asked_for_and_never_queued_is_carried_out(tmp_path: Path, simulator: Simulator) -> None:
    simulator.add_recording(NAMES[0], noise())
    with wiring.open_house(_open(tmp_path)) as house:
        pbx_id = connect(house, simulator)
        with house.engine.begin() as db:
            syncs.ask(db, pbx_id, "user", datetime.now(UTC))
        with wiring.at_work(house, with_schedule=False):
            office = Office(house, simulator, pbx_id)
            office.until(lambda: office.states() == {NAMES[0]: "done"})


def test_the_schedule_syncs_by_itself(tmp_path: Path, simulator: Simulator) -> None:
    simulator.add_recording(NAMES[0], noise())
    with wiring.open_house(_open(tmp_path)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=True):
            office = Office(house, simulator, pbx_id)
            office.until(lambda: office.states() == {NAMES[0]: "done"})
