"""`aftercall models`, as people and scripts use it."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.conftest import not_here
from tests.fixtures.model_source import Behaviour, ModelSource

SILERO_PATH = "/snakers4/silero-vad/raw/v6.2.1/src/silero_vad/data/silero_vad.onnx"
SILERO = "silero-vad"


@pytest.fixture
def silero() -> bytes:
    """A real model of our list, of 2 MB, out of the package that carries it."""
    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        not_here("silero-vad", "the weights extra is not installed")
        raise AssertionError
    return (Path(spec.origin).parent / "data" / "silero_vad.onnx").read_bytes()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "AFTERCALL_DATA": str(tmp_path / "data"), "AFTERCALL_MODELS": str(tmp_path / "models")}


def aftercall(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "aftercall.cli", "models", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_list_is_a_line_for_each_model(environment: dict[str, str]) -> None:
    ended = aftercall(environment, "list", "--json")
    shown = {each["name"]: each for each in map(json.loads, ended.stdout.splitlines())}
    assert shown["parakeet-tdt-0.6b-v3-int8"]["state"] == "available"
    assert shown["parakeet-tdt-0.6b-v3-int8"]["download_bytes"] == 487_170_055
    assert "whisper-tiny" in aftercall(environment, "list").stdout


def test_a_model_is_fetched_from_a_mirror_checked_and_removed(
    environment: dict[str, str], model_source: ModelSource, silero: bytes, tmp_path: Path
) -> None:
    model_source.publish(f"/copies{SILERO_PATH}", silero)
    ended = aftercall(environment, "fetch", SILERO, "--mirror", f"{model_source.address}/copies")
    assert (ended.returncode, ended.stdout) == (0, "silero-vad is ready.\n"), ended.stderr
    assert (tmp_path / "models" / SILERO / "silero_vad.onnx").read_bytes() == silero
    checked = aftercall(environment, "verify", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["files"][0]["outcome"] == "ok"
    assert aftercall(environment, "remove", SILERO).returncode == 0
    assert aftercall(environment, "remove", SILERO).returncode == 1


def test_a_changed_file_fails_the_check(environment: dict[str, str], silero: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "models" / SILERO
    folder.mkdir(parents=True)
    (folder / "silero_vad.onnx").write_bytes(silero[:-1] + b"x")
    checked = aftercall(environment, "verify")
    assert checked.returncode == 1
    assert "NOT GOOD" in checked.stdout
    assert "expected SHA-256 1a153a22" in checked.stdout


def test_a_fetch_that_fails_says_what_why_and_fix_on_stderr(
    environment: dict[str, str], model_source: ModelSource
) -> None:
    ended = aftercall(environment, "fetch", SILERO, "--mirror", model_source.address)
    assert ended.returncode == 1
    assert ended.stdout == ""
    for words in ("is not handed out", "404", "Fix:", "(model-source-refused)"):
        assert words in ended.stderr


def test_an_unknown_model_and_missing_words_are_told_apart(environment: dict[str, str]) -> None:
    assert aftercall(environment, "fetch", "parrot").returncode == 1
    assert aftercall(environment, "fetch").returncode == 2


def test_ctrl_c_keeps_the_part_and_the_next_fetch_goes_on(
    environment: dict[str, str], model_source: ModelSource, silero: bytes, tmp_path: Path
) -> None:
    behaviour = Behaviour(waits_after=1_000_000)
    model_source.publish(SILERO_PATH, silero, behaviour)
    words = [sys.executable, "-m", "aftercall.cli", "models", "fetch", SILERO, "--mirror", model_source.address]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        for line in process.stderr:
            if line.startswith("Fetching: 1.0 MB of 2.3 MB"):
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert "goes on from there" in said
    assert (tmp_path / "models" / f".fetching-{SILERO}" / "0.part").stat().st_size == 1_000_000
    model_source.behaviours[SILERO_PATH] = Behaviour()
    assert aftercall(environment, "fetch", SILERO, "--mirror", model_source.address).returncode == 0
    assert model_source.requests[-1][1]["range"] == "bytes=1000000-"


def test_a_model_is_imported_from_its_file(environment: dict[str, str], silero: bytes, tmp_path: Path) -> None:
    brought = tmp_path / "usb" / "silero_vad.onnx"
    brought.parent.mkdir()
    brought.write_bytes(silero)
    ended = aftercall(environment, "import", str(brought), "--json")
    assert json.loads(ended.stdout)["put"] == SILERO
    assert (tmp_path / "models" / SILERO / "silero_vad.onnx").read_bytes() == silero
