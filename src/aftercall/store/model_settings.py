"""This file remembers what the page of models is told: the mirror, and how fast this machine was measured to be."""

from datetime import UTC, datetime

import sqlalchemy as sa

from aftercall.speech.machine import Probe
from aftercall.store import choices

_MIRROR = "models_mirror"
_PROBE = "models_probe"


def mirror(db: sa.Connection) -> str | None:
    """The address models are fetched from in place of their publishers'; None for those."""
    stored: str | None = choices.get(db, _MIRROR)
    return stored


def set_mirror(db: sa.Connection, url: str | None) -> None:
    if url:
        choices.put(db, _MIRROR, url)
    else:
        choices.remove(db, _MIRROR)


def probe(db: sa.Connection) -> tuple[Probe, datetime] | None:
    """How fast this machine was, and when; None if it was never measured."""
    said = choices.get(db, _PROBE)
    return (Probe(**said["probe"]), datetime.fromtimestamp(said["at"], UTC)) if said else None


def set_probe(db: sa.Connection, measured: Probe, at: datetime) -> None:
    choices.put(db, _PROBE, {"probe": measured.as_json(), "at": at.timestamp()})
