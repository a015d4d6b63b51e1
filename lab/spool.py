"""This file lays out the spool: what `recording` is, and what lies among the recordings that should not."""

import os
import shutil
from pathlib import Path

from lab import recordings
from lab.faults import Configuration


def lay_out(spool: Path, monitor: Path, wanted: Configuration) -> None:
    _lay_out_link(spool, monitor, wanted.recording)
    _strew(monitor, wanted.litter)


def _lay_out_link(spool: Path, monitor: Path, kind: str) -> None:
    link = spool / "recording"
    if link.is_symlink():
        link.unlink()
    elif link.is_dir():
        shutil.rmtree(link)
    match kind:
        case "link":
            link.symlink_to(monitor)
        case "elsewhere":
            (spool / "elsewhere").mkdir(exist_ok=True)
            link.symlink_to(spool / "elsewhere")
        case "dangling":
            link.symlink_to(spool / "gone")
        case "folder":
            link.mkdir()


def _strew(monitor: Path, litter: str) -> None:
    # Bytes throughout: one of the names is not UTF-8.
    folder = os.fsencode(monitor / "litter")
    shutil.rmtree(folder, ignore_errors=True)
    if litter:
        os.mkdir(folder)
    match litter:
        case "dangling link":
            os.symlink(b"gone.wav", folder + b"/old.wav")
        case "loop":
            os.symlink(b".", folder + b"/monitor")
        case "bad name":
            with open(folder + b"/caf\xe9.wav", "wb") as file:
                file.write(recordings.silence(0.1))
