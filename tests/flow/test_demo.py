"""The demo, as a stranger sees it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def _demo(data: Path, *words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "aftercall.cli", "demo", *words],
        env={**os.environ, "AFTERCALL_DATA": str(data), "AFTERCALL_WORKERS": "2"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(600)
def test_the_demo_syncs_analyses_prints_its_calls_and_exits(tmp_path: Path) -> None:
    with _demo(tmp_path, "--once", "--json") as demo:
        out, err = demo.communicate(timeout=500)
    assert demo.returncode == 0, err
    calls = [json.loads(line) for line in out.splitlines()]
    states = [call["state"] for call in calls]
    assert len(calls) >= 12
    assert set(states) <= {"done", "no audio", "in progress"}
    assert states.count("no audio") == 1
    assert all(call["is_demo"] for call in calls)
    done = [call for call in calls if call["state"] == "done"]
    assert {call["sentiment"]["label"] for call in done} >= {"positive", "negative"}
    assert {call["direction"] for call in calls} >= {"inbound", "outbound", "internal"}
    assert any((call["caller"] or "").startswith("+") for call in calls)
    assert not any((call["recording"]).isascii() for call in calls if call["caller"] == "Zoë")
    # What the angry caller said was understood.
    found = subprocess.run(
        [sys.executable, "-m", "aftercall.cli", "calls", "--search", "angry"],
        env={**os.environ, "AFTERCALL_DATA": str(tmp_path)}, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    hits = [json.loads(line) for line in found.stdout.splitlines()]
    assert hits
    assert "angry" in hits[0]["snippet"]["text"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_the_demo_cleanly(tmp_path: Path, sign: signal.Signals) -> None:
    with _demo(tmp_path, "--port", "0") as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert "http://127.0.0.1:" in demo.stdout.readline()
        demo.stderr.readline()
        demo.send_signal(sign)
        _, err = demo.communicate(timeout=60)
    assert (demo.returncode, "Traceback" in err) == (0, False)
