"""Calls are transcribed again by a real worker, and replaced when a person says so."""

from datetime import UTC, datetime
from pathlib import Path

from tests.fixtures.house import Office, connect, noise

from aftercall import wiring
from aftercall.model import Transcript
from aftercall.settings import Settings
from aftercall.store import reruns, transcripts
from aftercall.testing import Simulator


def _states(office: Office, rerun_id: str) -> dict[str, int]:
    with office.house.engine.connect() as db:
        return dict(reruns.counts(db, rerun_id))


def _synced(office: Office, count: int) -> list[str]:
    for n in range(count):
        office.pbx.add_recording(f"in-5550100-5550123-20261123-1{n}0000-1763892{n}00.{n}", noise(seed=n))
    office.sync()
    return [row.id for row in office.rows()]


def test_calls_are_transcribed_again_and_replaced_together(office: Office) -> None:
    ids = _synced(office, 2)
    control = office.house.control
    rerun_id = control.transcribe_again(ids, engine="pocketsphinx", language=None, query="/", by="owner")
    office.until(lambda: _states(office, rerun_id).get("ready") == 2)
    control.accept_all(rerun_id)
    office.until(lambda: _states(office, rerun_id).get("replaced") == 2)
    with office.house.engine.connect() as db:
        assert [each.state for each in transcripts.versions(db, ids[0])] == ["present", "old"]


def test_a_wish_whose_job_was_lost_is_taken_up_at_the_next_start(tmp_path: Path, simulator: Simulator) -> None:
    """As after a kill between our commit and the enqueue."""
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=False):
            office = Office(house, simulator, pbx_id)
            (call_id,) = _synced(office, 1)
        with house.engine.begin() as db:
            now = datetime.now(UTC)
            rerun_id = reruns.ask(db, [call_id], engine=None, language=None, query="", by="owner", now=now)
        with wiring.at_work(house, with_schedule=False):
            office.until(lambda: _states(office, rerun_id).get("ready") == 1)


def test_an_engine_that_cannot_do_it_says_so_and_leaves_the_call_as_it_was(office: Office) -> None:
    (call_id,) = _synced(office, 1)
    before: Transcript | None = office.detail(office.rows()[0].recording or "").transcript
    rerun_id = office.house.control.transcribe_again(
        [call_id], engine="parakeet/gone", language=None, query="", by="owner"
    )
    office.until(lambda: _states(office, rerun_id).get("failed") == 1)
    with office.house.engine.connect() as db:
        failed = reruns.of_call(db, rerun_id, call_id)
        assert failed
        assert failed.error
        assert failed.error.fix
        assert transcripts.of_call(db, call_id) == before
