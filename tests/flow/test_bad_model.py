"""A speech model that kills its process: the call says so, is kept, and goes on with another model."""

import shutil
from pathlib import Path

import numpy as np
from tests.fixtures.house import Office, connect
from tests.fixtures.sounds import SOUNDS
from tests.fixtures.tiny_models import write_parakeet, write_wrong_shape

from aftercall import wiring
from aftercall.audio.decode import decode
from aftercall.settings import Settings
from aftercall.testing import Simulator, wav

NAME = "2026/11/23/in-5550100-5550101-20261123-101500-1795428900.1"


def test_a_bad_model_loses_no_call(tmp_path: Path, simulator: Simulator) -> None:
    models = tmp_path / "models"
    write_wrong_shape(models / "parakeet-wrong")
    audio, _ = decode(SOUNDS / "two-voices.opus")
    simulator.add_recording(NAME, wav((audio.samples * 32000).astype(np.int16), rate_hz=audio.rate_hz))
    with wiring.open_house(Settings(data=tmp_path / "data", models=models, workers=1)) as house:
        pbx_id = connect(house, simulator)
        with wiring.at_work(house, with_schedule=False) as clients:
            office = Office(house, simulator, pbx_id, clients)
            office.sync()
            assert office.states() == {NAME: "failed"}
            assert office.error(NAME) == "model-damaged"
            shutil.rmtree(models / "parakeet-wrong")
            write_parakeet(models / "parakeet-tiny")
            house.control.retry(office.rows()[0].id)
            office.until(lambda: office.states() == {NAME: "done"})
            transcript = office.detail(NAME).transcript
    assert transcript
    assert (transcript.engine, transcript.model) == ("parakeet", "parakeet-tiny")
