"""Unpacking Debian's packages into a folder."""

import subprocess
import sys
from pathlib import Path

import pytest
from lab.debian import NotHere
from tests.conftest import ROOT, not_here

from lab import debian

UNPACK = """
from lab.debian import own_suite, unpack
print(unpack("probe", ["netbase"], suite=own_suite()))
"""


def test_a_machine_without_apt_is_told_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AFTERCALL_LAB_DIR", str(tmp_path))
    with pytest.raises(NotHere, match="it needs apt-get"):
        debian.unpack("probe", ["netbase"], suite="bookworm")


@pytest.mark.pbx
def test_two_that_start_at_once_unpack_once_and_leave_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFTERCALL_LAB_DIR", str(tmp_path))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", UNPACK], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    if any(process.returncode for process in both):
        problem = next(errors.splitlines()[-1] for _, errors in said if errors)
        not_here("Debian's mirror", problem.removeprefix("lab.debian.NotHere: "))
    folders = {Path(out.strip()) for out, _ in said}
    assert len(folders) == 1
    (folder,) = folders
    assert (folder / "etc/services").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, f"{folder.name}.lock"}
    unpacked_at = (folder / ".complete").stat().st_mtime_ns
    assert debian.unpack("probe", ["netbase"], suite=debian.own_suite()) == folder
    assert (folder / ".complete").stat().st_mtime_ns == unpacked_at


@pytest.mark.pbx
def test_a_suite_the_mirror_does_not_have_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AFTERCALL_LAB_DIR", str(tmp_path))
    with pytest.raises(NotHere, match="no-such-suite"):
        debian.unpack("probe", ["netbase"], suite="no-such-suite")
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
