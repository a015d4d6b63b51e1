"""Recordings that are not whole yet when the PBX says that the call is over, and those that go on after that."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.fixtures.house import Office, connect, noise

from aftercall import wiring
from aftercall.demo.spool import StoredFile
from aftercall.settings import Settings
from aftercall.store import pbxs
from aftercall.testing import Simulator


@pytest.fixture
def listening(tmp_path: Path, simulator: Simulator) -> Iterator[Office]:
    """An Aftercall that hears the simulated PBX's events; no schedule asks for lists."""
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=False, with_events=True) as clients:
            office = Office(house, simulator, pbx_id, clients)

            def hears() -> bool:
                with house.engine.connect() as db:
                    found = pbxs.get(db, pbx_id)
                return found is not None and found.events_state == "connected"

            office.until(hears)
            yield office


def _name() -> str:
    at = datetime.now(UTC)
    return f"{at:%Y/%m/%d}/in-5550100-5550101-{at:%Y%m%d-%H%M%S}-{int(at.timestamp())}.7"


def _is_done(office: Office, name: str) -> bool:
    return office.states().get(name) == "done"


def test_a_header_that_is_not_final_yet_is_waited_for(listening: Office) -> None:
    """Asterisk may tell of the end a moment before it has put the sizes into the header."""
    name, whole = _name(), noise(1.0)
    call = listening.pbx.call(name, whole)
    call.answer()
    call.file.written = len(whole)
    file = call.file
    call.file = StoredFile(name="elsewhere", format="wav", content=whole)  # its end changes nothing of the recording
    call.hang_up()
    listening.until(lambda: listening.states().get(name) == "in progress")
    file.written = None
    listening.until(lambda: _is_done(listening, name))
    assert listening.detail(name).size_bytes == len(whole)


def test_a_recording_that_goes_on_after_it_came_home_is_fetched_again(listening: Office) -> None:
    """A parked or handed on call is appended to the same file."""
    name = _name()
    call = listening.pbx.call(name, noise(0.5))
    call.answer()
    call.hang_up()
    listening.until(lambda: _is_done(listening, name))
    longer = noise(1.5)
    listening.pbx.remove(name)
    again = listening.pbx.call(name, longer)
    again.answer()
    again.hang_up()
    listening.until(lambda: _is_done(listening, name) and listening.detail(name).size_bytes == len(longer))
    assert len(listening.rows()) == 1
    assert listening.detail(name).row.duration_s == pytest.approx(1.5)
