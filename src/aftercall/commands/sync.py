"""This file is `aftercall sync`: bring new recordings home, watch, and tell how it went."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from aftercall import wiring
from aftercall.errors import DataFolderInUse, NotFound
from aftercall.jobs import cdr_reading
from aftercall.jobs.steps import utc_now
from aftercall.model import CallState
from aftercall.store import cdr_sources, condition, pbxs, recordings, syncs
from aftercall.store.condition import Condition
from aftercall.store.syncs import Progress
from aftercall.wiring import House

#: How often to look at the progress.
LOOK_EVERY_S = 0.2

#: These move only by themselves, later: nobody waits for them.
RESTING = {CallState.WAITING, CallState.IN_PROGRESS}


@dataclass(frozen=True, kw_only=True)
class Watching:
    """How far the syncs are, as told to whoever waits."""

    progress: tuple[Progress, ...]
    #: Calls on their way, those of earlier syncs included.
    moving_count: int

    @property
    def line(self) -> str:
        done = sum(each.done_count for each in self.progress)
        failed = sum(each.failed_count for each in self.progress)
        return f"{done} done, {failed} failed, {self.moving_count} on their way"


def chosen_pbxs(house: House, name: str | None) -> list[str]:
    """The ids of the PBX of that name, or of all.

    Raises:
        NotFound: there is none.
    """
    with house.engine.connect() as db:
        if name is None:
            found = pbxs.all_pbxs(db)
        else:
            one = pbxs.by_name(db, name)
            found = [one] if one else []
    if not found:
        raise NotFound(thing=f"PBX named {name}" if name else "connected PBX yet (aftercall pbx add)")
    return [each.id for each in found]


def conditions(house: House, name: str | None) -> list[Condition]:
    """How the PBX of that name, or each, is doing now."""
    wanted, now = chosen_pbxs(house, name), utc_now()
    with house.engine.connect() as db:
        return [each for each in condition.of_all(db, now) if each.pbx.id in wanted]


def run(house: House, name: str | None, *, tell: Callable[[Watching], None]) -> tuple[Progress, ...]:
    """Sync and wait: in this process, or through the server that already works in this data folder."""
    pbx_ids = chosen_pbxs(house, name)
    try:
        with wiring.at_work(house, with_schedule=False):
            found = watch(house, _ask(house, pbx_ids), tell=tell, is_alone=True)
            for pbx_id in pbx_ids:
                _read_records(house, pbx_id)
            return found
    except DataFolderInUse:
        return watch(house, _ask(house, pbx_ids), tell=tell, is_alone=False)


def _read_records(house: House, pbx_id: str) -> None:
    """Read a PBX's call detail records as far as there are any; what goes wrong stands with their settings."""
    while True:
        with house.engine.connect() as db:
            if pbx_id not in cdr_sources.due(db, utc_now()):
                return
        cdr_reading.read(house.engine, house.vault, pbx_id)


def _ask(house: House, pbx_ids: list[str]) -> list[str]:
    return [house.control.sync(pbx_id, asked_by="user") for pbx_id in pbx_ids]


def watch(
    house: House, sync_ids: list[str], *, tell: Callable[[Watching], None], is_alone: bool
) -> tuple[Progress, ...]:
    """Wait until these syncs are over.

    Args:
        is_alone: no other process works, so what earlier syncs left over is waited for as well.
    """
    told = ""
    while True:
        with house.engine.connect() as db:
            found = tuple(each for sync_id in sync_ids if (each := syncs.progress(db, sync_id)))
            moving_count = sum(1 for each in recordings.unfinished(db) if each.state not in RESTING)
        watching = Watching(progress=found, moving_count=moving_count)
        if watching.line != told:
            tell(watching)
            told = watching.line
        if all(each.is_over for each in found) and not (is_alone and moving_count):
            return found
        time.sleep(LOOK_EVERY_S)


def to_stderr(watching: Watching) -> None:
    """The progress as one line that changes in place on a terminal, and as lines elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{watching.line}")
    else:
        sys.stderr.write(f"{watching.line}\n")
    sys.stderr.flush()
