"""The lab's command line, with a Python that has nothing installed."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab.faults import FAULTS
from lab.process import Process
from tests.conftest import ROOT

pytestmark = pytest.mark.pbx

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def lab(asterisks: Callable[[str], object], tmp_path: Path) -> Iterator[Command]:
    asterisks("16")  # it is here

    def run(verb: str, *words: str) -> "subprocess.CompletedProcess[str]":
        # -S: without site-packages.
        command = [sys.executable, "-S", "-m", "lab", verb, "--dir", str(tmp_path / "pbx"), *words]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    yield run
    run("down")


def test_an_instance_outlives_the_command_that_started_it_until_it_is_put_down(lab: Command, tmp_path: Path) -> None:
    up = json.loads(lab("up").stdout)
    assert json.loads(lab("status").stdout) == up
    assert up["version"] in lab("cli", "core", "show", "version").stdout
    assert lab("down").stdout == "down\n"
    assert not Process(pid=up["pid"]).is_running
    assert not (tmp_path / "pbx").exists()
    assert (lab("status").returncode, lab("down").stdout) == (3, "not running\n")


def test_a_growing_recording_grows_until_the_hangup(lab: Command) -> None:
    monitor = Path(json.loads(lab("up").stdout)["monitor"])
    (name,) = lab("call", "--kind", "out", "--tail", "60", "--no-wait").stdout.split()
    recording = monitor / f"{name}.wav"
    time.sleep(1)
    assert recording.read_bytes()[40:44] == bytes(4)
    assert lab("hangup").returncode == 0
    assert int.from_bytes(recording.read_bytes()[40:44], "little") + 44 == recording.stat().st_size


def test_a_fault_stays_until_it_is_mended_by_another_command(lab: Command) -> None:
    whole = json.loads(lab("up").stdout)
    assert (whole["fault"], lab("fault", "ari-disabled").returncode) == ("none", 0)
    broken = json.loads(lab("status").stdout)
    assert (broken["fault"], broken["port"]) == ("ari-disabled", whole["port"])
    lab("fault", "none")
    assert json.loads(lab("status").stdout)["fault"] == "none"


def test_recordings_are_seeded(lab: Command) -> None:
    monitor = Path(json.loads(lab("up").stdout)["monitor"])
    lab("seed", "25", "--days", "5", "--seconds", "2", "--newest", "2026-05-14T12:00:00")
    assert {path.stat().st_size for path in monitor.rglob("*.wav")} == {44 + 2 * 8000 * 2}
    assert {path.name for path in (monitor / "2026/05").iterdir()} == {"09", "10", "11", "12", "13", "14"}


def test_the_faults_are_listed_without_an_instance(lab: Command) -> None:
    assert [line.split()[0] for line in lab("fault").stdout.splitlines()] == list(FAULTS)


def test_a_port_that_is_taken_is_named(lab: Command, tmp_path: Path) -> None:
    port = str(json.loads(lab("up").stdout)["port"])
    second = lab("up", "--dir", str(tmp_path / "second"), "--port", port)
    assert (second.returncode, second.stderr) == (1, f"lab: port {port} is taken\n")
