"""This file tells how one PBX is doing, all in one: its state, its newest sync, pace, lags, failures and silence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import sqlalchemy as sa

from aftercall.model import CallState
from aftercall.store import health, pbxs, syncs
from aftercall.store.health import Cause, Lags
from aftercall.store.pbxs import Pbx
from aftercall.store.stages import Failure
from aftercall.store.syncs import Progress

#: How far back the lags are looked at.
LAG_WINDOW = timedelta(days=7)

#: In one word what a PBX is about: `off` is disabled, `blocked` waits for other settings, `failing` tries again by
#: itself, `listening` hears its calls end, `waiting` waits for the next list.
PbxState = Literal["off", "blocked", "queued", "listing", "working", "failing", "listening", "waiting"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How a PBX is doing."""

    pbx: Pbx
    #: Its newest sync and how far the calls of that are; None before the first.
    progress: Progress | None
    #: Calls that are not over yet, by where they stand.
    under_way: dict[CallState, int]
    #: In the last `health.PACE_WINDOW`.
    fetched_count: int
    done_count: int
    lags: Lags
    #: Why calls failed for good, the most frequent first.
    causes: tuple[Cause, ...]
    #: When the last call was, if an unusual time has passed since.
    silent_since: datetime | None

    @property
    def state(self) -> PbxState:
        """What it is about, the most telling first."""
        run = self.progress.sync.state if self.progress else None
        if run in {"queued", "listing"}:
            return "queued" if run == "queued" else "listing"
        if not self.pbx.is_enabled and not self.moving_count:
            return "off"
        if self.pbx.blocked_by:
            return "blocked"
        if self.moving_count:
            return "working"
        if self.pbx.failed_lists:
            return "failing"
        return "listening" if self.pbx.events_state == "connected" else "waiting"

    @property
    def trouble(self) -> Failure | None:
        """What the newest sync ended with, or what looked wrong although it worked."""
        return self.progress.sync.error if self.progress else None

    @property
    def moving_count(self) -> int:
        """Calls on their way."""
        return health.moving(self.under_way)

    @property
    def waiting_count(self) -> int:
        """Calls that wait for another attempt, or are held back."""
        return self.under_way.get(CallState.WAITING, 0)

    @property
    def live_count(self) -> int:
        """Calls that are still being recorded."""
        return self.under_way.get(CallState.IN_PROGRESS, 0)

    @property
    def failed_count(self) -> int:
        return sum(each.count for each in self.causes)

    @property
    def time_left(self) -> timedelta | None:
        """How long what is on its way takes at the present pace; None while that is not known."""
        return health.time_left(self.moving_count, self.done_count, health.PACE_WINDOW)


def of_pbx(db: sa.Connection, pbx: Pbx, now: datetime) -> Condition:
    """How this PBX is doing now; costs the same however many calls there are."""
    last, recently = syncs.last(db, pbx.id), now - health.PACE_WINDOW
    return Condition(
        pbx=pbx,
        progress=syncs.progress(db, last.id) if last else None,
        under_way=health.under_way(db, pbx.id),
        fetched_count=health.fetched_since(db, pbx.id, recently),
        done_count=health.done_since(db, pbx.id, recently),
        lags=health.lags(db, pbx.id, since=now - LAG_WINDOW),
        causes=tuple(health.causes(db, pbx.id)),
        silent_since=silent_since(db, pbx, now),
    )


def of_all(db: sa.Connection, now: datetime) -> list[Condition]:
    """How every PBX is doing, by name."""
    return [of_pbx(db, each, now) for each in pbxs.all_pbxs(db)]


def silent_since(db: sa.Connection, pbx: Pbx, now: datetime) -> datetime | None:
    """When the last call was, if an unusual time has passed since; of a PBX that is off nobody expects any."""
    if not pbx.is_enabled or pbx.is_demo or pbx.blocked_by:
        return None
    # Calls are dated by the PBX's own clock, which may be hours off.
    skew = timedelta(seconds=pbx.clock_skew_s or 0)
    last = health.unusual_silence(db, pbx.id, now + skew, pbx.zone)
    return last - skew if last else None
