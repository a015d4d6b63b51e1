"""Kill -9 in the middle of a sync, again and again: afterwards each recording is one finished call."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from aftercall.testing import Simulator, wav

RECORDINGS = 200
KILLS = 20

pytestmark = pytest.mark.slow


def _aftercall(*words: str) -> list[str]:
    return [sys.executable, "-m", "aftercall.cli", *words]


def _environment(data: Path, pbx: Simulator) -> dict[str, str]:
    return {
        **os.environ,
        "AFTERCALL_DATA": str(data),
        "AFTERCALL_PBX_PASSWORD": pbx.password,
        "AFTERCALL_WORKERS": "2",
    }


def _calls(data: Path, environment: dict[str, str]) -> list[dict[str, object]]:
    shown = subprocess.run(
        _aftercall("calls"), env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    return [json.loads(line) for line in shown.stdout.splitlines()]


def _noise(index: int) -> bytes:
    rng = np.random.default_rng(index)
    return wav(rng.normal(0, 800, (1, 2400)).astype(np.int16), rate_hz=8000)


@pytest.mark.timeout(900)
def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    names = [
        f"2026/11/22/in-5550100-55501{index:05}-20261122-1{index // 60}{index % 60:02}00-17953{index:05}.{index}"
        for index in range(RECORDINGS)
    ]
    rng = random.Random(20261123)
    with Simulator() as pbx:
        for index, name in enumerate(names):
            pbx.add_recording(name, _noise(index))
        environment = _environment(tmp_path, pbx)
        subprocess.run(
            _aftercall("pbx", "add", "Office", "--host", pbx.host, "--port", str(pbx.port), "--username", pbx.username),
            env=environment, check=True, timeout=120,
        )  # fmt: skip
        cut_off = 0
        for _ in range(KILLS):
            running = subprocess.Popen(
                _aftercall("sync", "--wait"),
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            time.sleep(rng.uniform(1.0, 5.0))
            if running.poll() is None:
                cut_off += 1
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        subprocess.run(_aftercall("sync", "--wait"), env=environment, check=True, timeout=600)
        found = _calls(tmp_path, environment)
        assert cut_off >= KILLS // 2, "the kills came too late to prove anything"
        assert sorted(str(each["recording"]) for each in found) == sorted(names)
        assert {each["state"] for each in found} == {"done"}
        files = [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()]
        assert len(files) == RECORDINGS
        assert set(pbx.methods) == {"GET"}
