"""What a run says on a machine that has neither Asterisk nor Chromium, and cannot get them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

WANTED = ["tests/lab/test_faults.py::test_the_tls_port_shows_the_certificate", "tests/lab/test_browser.py"]


def run(tmp_path: Path, *options: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AFTERCALL_", "PYTEST_"))}
    # No program is found; the Python that runs is named by its path.
    nothing = {"PATH": str(tmp_path), "AFTERCALL_LAB_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *WANTED],
        cwd=ROOT, env={**inherited, **nothing, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_it_says_loudly_what_was_not_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "-n", "1")
    assert ended.returncode == 0, ended.stdout
    _, heading, said = ended.stdout.partition("NOT RUN ON THIS MACHINE")
    assert heading
    for part in ("Asterisk 16", "Asterisk 22", "Chromium"):
        assert f"{part} is not here: it needs apt-get (a Debian machine)" in said


def test_where_all_parts_are_required_a_missing_one_fails_the_run(tmp_path: Path) -> None:
    ended = run(tmp_path, "-p", "no:xdist", AFTERCALL_REQUIRE="all")
    assert ended.returncode == 1
    for part in ("Asterisk 16", "Asterisk 22", "Chromium"):
        assert f"{part} is required (AFTERCALL_REQUIRE=all) but not here: it needs apt-get" in ended.stdout
    assert "skipped" not in ended.stdout
