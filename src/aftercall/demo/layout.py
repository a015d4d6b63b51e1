"""This file dates the demo's calls and names them as FreePBX would; it decides and touches nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aftercall.demo.scripts import Script, all_scripts

#: How much of the live call is over when the demo starts.
LIVE_SINCE_S = 30
#: FreePBX stamps the name when the recording begins; a queue or a ring group lets the caller wait for that.
_WAIT_S = {"q": 8, "rg": 12}


@dataclass(frozen=True, kw_only=True)
class DemoRecording:
    """One recording on the demo PBX."""

    #: As ARI lists it: below the recording folder, without extension.
    name: str
    script: Script
    #: When the call's first channel came up, in the zone of the PBX; the epoch in the uniqueid says the same.
    started_at: datetime


def lay_out(now: datetime) -> list[DemoRecording]:
    """Place the calls on the days before `now`, the last ones minutes before it, oldest first.

    Args:
        now: aware, in the PBX's local zone. The same `now` gives the same names, and calls of earlier days keep
            theirs all day long.
    """
    by_start = sorted((_started_at(script, now), script.key, script) for script in all_scripts())
    return [_recording(script, started_at, place) for place, (started_at, _, script) in enumerate(by_start)]


def _recording(script: Script, started_at: datetime, place: int) -> DemoRecording:
    stamped_at = started_at + timedelta(seconds=_WAIT_S.get(script.kind, 0))
    # Asterisk counts channels in the uniqueid's second part; a call takes two or more.
    uniqueid = f"{int(started_at.timestamp())}.{1204 + 3 * place}"
    stem = f"{script.kind}-{script.called}-{script.from_}-{stamped_at:%Y%m%d-%H%M%S}-{uniqueid}"
    return DemoRecording(name=f"{stamped_at:%Y/%m/%d}/{stem}", script=script, started_at=started_at)


def _started_at(script: Script, now: datetime) -> datetime:
    now = now.replace(microsecond=0)
    if script.is_live:
        return now - timedelta(seconds=LIVE_SINCE_S)
    if script.minutes_ago is not None:
        return now - timedelta(minutes=script.minutes_ago)
    assert script.days_ago is not None
    assert script.at is not None
    return datetime.combine(now.date() - timedelta(days=script.days_ago), script.at, now.tzinfo)
