"""This file builds an Aftercall in a folder of its own, connected to a lab's Asterisk."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from lab.asterisk import Lab

from aftercall import wiring
from aftercall.settings import Settings
from aftercall.store import pbxs
from aftercall.wiring import House


@contextlib.contextmanager
def house(*, workers: int = 1) -> Iterator[House]:
    with (
        tempfile.TemporaryDirectory() as folder,
        wiring.open_house(Settings(data=Path(folder), workers=workers)) as made,
    ):
        yield made


def connect(made: House, lab: Lab) -> str:
    entered = pbxs.PbxSettings(
        name="Lab", host=lab.host, port=lab.port, username=lab.username, password=lab.password, sync_interval_min=1440
    )
    with made.engine.begin() as db:
        return pbxs.add(db, entered, made.vault, datetime.now(UTC))


def until(condition: Callable[[], bool], limit_s: float = 600, every_s: float = 0.02) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not happen in time")
        time.sleep(every_s)
