"""Processes of the lab: ended by their id, and with the process that started them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.ports import Block
from lab.process import Process
from tests.conftest import ROOT

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_a_killed_process_runs_no_more(tmp_path: Path) -> None:
    process = Process.start(SLEEP, folder=tmp_path, output=tmp_path / "out", is_tied=True)
    assert process.is_running
    process.kill()
    assert not process.is_running
    process.kill()  # a second time does no harm


def test_a_process_known_by_its_id_only_can_be_killed(tmp_path: Path) -> None:
    process = Process.start(SLEEP, folder=tmp_path, output=tmp_path / "out", is_tied=True)
    Process(pid=process.pid).kill()
    assert not process.is_running


START = """
import sys, time
from pathlib import Path
from lab.process import Process
folder = Path(sys.argv[1])
process = Process.start(
    [sys.executable, "-c", "import time; time.sleep(600)"],
    folder=folder, output=folder / "out", is_tied=sys.argv[2] == "tied",
)
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("tie", ["tied", "loose"])
def test_only_a_tied_process_ends_when_the_one_that_started_it_is_killed(tmp_path: Path, tie: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path), tie], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        process = Process(pid=int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    assert until(lambda: not process.is_running, 20 if tie == "tied" else 1) is (tie == "tied")
    process.kill()


START_ASTERISK = """
import json, sys, time
from lab.asterisk import Lab
lab = Lab.start(sys.argv[1])
print(json.dumps([lab.pid, lab.port]), flush=True)
time.sleep(600)
"""


@pytest.mark.pbx
def test_an_asterisk_keeps_its_ports_and_ends_with_the_test_process(asterisks: Callable[[str], object]) -> None:
    asterisks("16")  # it is here
    with subprocess.Popen(
        [sys.executable, "-c", START_ASTERISK, "16"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as starter:
        assert starter.stdout is not None
        pid, port = json.loads(starter.stdout.readline())
        assert not Block(first=port).hold()
        os.kill(starter.pid, signal.SIGKILL)
    assert until(lambda: not Process(pid=pid).is_running)
