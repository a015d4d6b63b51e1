"""This file puts the demo PBX together: the calls laid out, voiced, and served by the simulator."""

from contextlib import suppress
from datetime import datetime
from pathlib import Path

from aftercall.demo.layout import DemoRecording, lay_out
from aftercall.demo.media import recorded
from aftercall.demo.simulator import Simulator
from aftercall.demo.spool import BLOCK_SIZE, StoredFile

PBX_NAME = "Demo PBX"
USERNAME = "demo"


def demo_pbx(now: datetime, *, first_start: datetime | None = None) -> Simulator:
    """The demo's PBX, ready to start, with every call of `calls.toml`.

    Args:
        now: aware, in the machine's local zone. The live call goes on from here to its own end.
        first_start: when the demo was first started today (see `first_start_today`), so that a second start has the
            same recordings and not the same calls once more under other names.
    """
    return Simulator([_stored(recording, now) for recording in lay_out(first_start or now)], username=USERNAME)


def first_start_today(folder: Path, now: datetime) -> datetime:
    """When the demo with this data folder was first started on this day: now, or what a note there remembers."""
    note = folder / "demo-started-at"
    # A note that is missing or unreadable costs no more than new names for the calls of the last hour.
    with suppress(FileNotFoundError, ValueError):
        started_at = datetime.fromisoformat(note.read_text().strip()).astimezone(now.tzinfo)
        if started_at.date() == now.date():
            return started_at
    folder.mkdir(parents=True, exist_ok=True)
    note.write_text(now.isoformat() + "\n")
    return now


def _stored(recording: DemoRecording, now: datetime) -> StoredFile:
    extension, content = recorded(recording.script)
    file = StoredFile(name=recording.name, format=extension, content=content)
    if recording.script.is_live:
        bytes_per_s = int.from_bytes(content[28:32], "little")
        spoken = int((now - recording.started_at).total_seconds() * bytes_per_s)
        if spoken < len(content):
            file.written = spoken // BLOCK_SIZE * BLOCK_SIZE
            file.grows_bytes_per_s = bytes_per_s
    return file
