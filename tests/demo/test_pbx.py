"""The demo's PBX as a whole."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aftercall.demo.layout import lay_out
from aftercall.demo.media import recorded
from aftercall.demo.pbx import demo_pbx, first_start_today
from aftercall.demo.simulator import Simulator
from aftercall.model import PbxAddress
from aftercall.pbx.diagnose import diagnose

LIST = "/ari/recordings/stored"
NOW = datetime.now(UTC)
Ask = Callable[..., Any]


def test_the_demo_pbx_lists_and_serves_every_call(ask: Ask) -> None:
    live = next(recording for recording in lay_out(NOW) if recording.script.is_live)
    with demo_pbx(NOW) as pbx:
        listed = [entry["name"] for entry in json.loads(ask(pbx, LIST).body)]
        assert sorted(listed) == sorted(recording.name for recording in lay_out(NOW))
        for recording in lay_out(NOW):
            reply = ask(pbx, f"{LIST}/{quote(recording.name, safe='')}/file")
            extension, content = recorded(recording.script)
            assert f"Content-Type: audio/{extension}" in reply.head
            assert (reply.body == content) == (recording.name != live.name), recording.name


async def _diagnosed(pbx: Simulator) -> dict[str, str]:
    address = PbxAddress(host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password)
    return {check.check: check.status async for check in diagnose(address)}


def test_the_demo_pbx_passes_every_check_but_has_no_tls() -> None:
    with demo_pbx(NOW) as pbx:
        found = asyncio.run(_diagnosed(pbx))
    assert {name: status for name, status in found.items() if status != "ok"} == {"tls": "skip"}


def test_the_live_call_is_still_being_recorded_at_the_start() -> None:
    pbx = demo_pbx(NOW)
    live = next(recording for recording in lay_out(NOW) if recording.script.is_live)
    file = pbx.file(live.name)
    assert file is not None
    assert file.written is not None
    bytes_left = len(file.content) - file.written
    assert file.grows_bytes_per_s == 64_000
    assert 10 < bytes_left / file.grows_bytes_per_s < 30


def test_a_second_start_the_same_day_has_the_same_calls_and_nobody_on_the_line() -> None:
    later = NOW + timedelta(hours=1)
    first, second = demo_pbx(NOW), demo_pbx(later, first_start=NOW)
    assert first.names() == second.names()
    files = [second.file(name) for name in second.names()]
    assert all(file is not None and file.written is None for file in files)


def test_the_first_start_of_the_day_is_remembered(tmp_path: Path) -> None:
    morning = datetime(2026, 11, 23, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    assert first_start_today(tmp_path / "data", morning) == morning
    assert first_start_today(tmp_path / "data", morning.replace(hour=23)) == morning
    next_day = morning.replace(day=24)
    assert first_start_today(tmp_path / "data", next_day) == next_day


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "demo-started-at").write_text("yesterday")
    assert first_start_today(tmp_path, NOW) == NOW
    assert first_start_today(tmp_path, NOW + timedelta(microseconds=1)) == NOW
