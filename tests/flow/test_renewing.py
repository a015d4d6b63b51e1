"""Analysing again as a real job, and what a restart does with calls whose words changed."""

from pathlib import Path

import sqlalchemy as sa
from tests.fixtures.house import Office, connect, noise

from aftercall import wiring
from aftercall.settings import Settings
from aftercall.store import renewals
from aftercall.store.tables import insight
from aftercall.testing import Simulator
from aftercall.wiring import House

NAMES = [f"2026/11/22/in-5550100-555010012{index}-20261122-10150{index}-1795342500.{index}" for index in range(3)]


def _spoil(house: House) -> None:
    """As if an older release had understood the calls."""
    with house.engine.begin() as db:
        for row in db.execute(sa.select(insight)).mappings().all():
            body = row["body"] | {"versions": {"mood": "older"}}
            db.execute(insight.update().where(insight.c.call_id == row["call_id"]).values(body=body))


def _methods(house: House) -> set[str]:
    with house.engine.connect() as db:
        return {body["versions"]["mood"] for body in db.scalars(sa.select(insight.c.body))}


def test_a_job_understands_every_call_anew(office: Office) -> None:
    for name in NAMES:
        office.pbx.add_recording(name, noise())
    office.sync()
    _spoil(office.house)
    assert _methods(office.house) == {"older"}
    wish = office.house.control.renew([row.id for row in office.rows()], query="", by="owner")

    def finished() -> bool:
        with office.house.engine.connect() as db:
            found = renewals.get(db, wish)
        return found is not None and found.finished_at is not None

    office.until(finished)
    assert "older" not in _methods(office.house)


def test_after_a_kill_what_was_half_done_is_finished(tmp_path: Path, simulator: Simulator) -> None:
    for name in NAMES:
        simulator.add_recording(name, noise())
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=False):
            Office(house, simulator, pbx_id).sync()
        _spoil(house)
        with house.engine.begin() as db:
            db.execute(insight.update().values(is_stale=True))
        with wiring.at_work(house, with_schedule=False):
            Office(house, simulator, pbx_id).until(lambda: "older" not in _methods(house))
