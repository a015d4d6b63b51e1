"""Summaries as real jobs: after each call by itself, and again after a kill."""

from pathlib import Path

import pytest
from tests.fixtures.house import Office, connect, noise
from tests.fixtures.language_model import FakeModel

from aftercall import wiring
from aftercall.jobs import generating
from aftercall.model import Transcript, Turn
from aftercall.settings import Settings
from aftercall.store import calls, generated, llm_settings, transcripts
from aftercall.store.llm_settings import LlmSettings
from aftercall.testing import Simulator
from aftercall.wiring import House

NAME = "2026/11/22/in-5550100-5550100120-20261122-101500-1795342500.0"
SPOKEN = Transcript(
    engine="test", model="none", language="en", speakers="not separated",
    turns=tuple(
        Turn(speaker="unknown", role=None, start_s=n * 5.0, end_s=n * 5.0 + 4, text=text)
        for n, text in enumerate(["hello", "my boiler has been cold since tuesday", "I will send an engineer at ten"])
    ),
)  # fmt: skip


def _switch_on(house: House, model: FakeModel) -> None:
    with house.engine.begin() as db:
        chosen = LlmSettings(url=model.url, model="fake-8b", is_enabled=True)
        llm_settings.save(db, chosen, house.vault, key="")


def _state(house: House, call_id: str) -> str:
    with house.engine.connect() as db:
        found = generated.of_call(db, call_id)
    return found.state if found else ""


def test_a_finished_call_is_offered_by_itself_and_stays_done(office: Office, language_model: FakeModel) -> None:
    _switch_on(office.house, language_model)
    office.pbx.add_recording(NAME, noise())
    office.sync()
    call_id = calls.call_id(office.pbx_id, NAME)
    office.until(lambda: _state(office.house, call_id) == "skipped")
    assert office.states()[NAME] == "done"
    assert language_model.requests == []


def test_switched_off_no_call_is_offered(office: Office) -> None:
    office.pbx.add_recording(NAME, noise())
    office.sync()
    assert _state(office.house, calls.call_id(office.pbx_id, NAME)) == ""


def test_what_is_asked_for_is_written_by_a_job(
    office: Office, language_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "SHORTEST_S", 0.0)
    office.pbx.add_recording(NAME, noise())
    office.sync()
    call_id = calls.call_id(office.pbx_id, NAME)
    with office.house.engine.begin() as db:
        transcripts.put(db, call_id, SPOKEN, generating.datetime.now(generating.UTC))
    _switch_on(office.house, language_model)
    office.house.control.generate(call_id, by="owner")
    office.until(lambda: _state(office.house, call_id) == "done")
    assert len(language_model.requests) == 1


def test_after_a_kill_it_goes_on(
    tmp_path: Path, simulator: Simulator, language_model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generating, "SHORTEST_S", 0.0)
    simulator.add_recording(NAME, noise())
    with wiring.open_house(Settings(data=tmp_path, workers=1)) as house:
        pbx_id = connect(house, simulator)
        call_id = calls.call_id(pbx_id, NAME)
        with wiring.at_work(house, with_schedule=False):
            Office(house, simulator, pbx_id).sync()
        with house.engine.begin() as db:
            now = generating.datetime.now(generating.UTC)
            transcripts.put(db, call_id, SPOKEN, now)
            # Wanted, and the process killed before its job was on the queue.
            generated.ask(db, call_id, by="owner", now=now)
        _switch_on(house, language_model)
        with wiring.at_work(house, with_schedule=False):
            Office(house, simulator, pbx_id).until(lambda: _state(house, call_id) == "done")
