"""This file remembers the names and terms that engines are told to favour."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from aftercall.store.tables import call, vocabulary

#: More would slow every call down and turn ordinary words into names.
MOST_PHRASES = 200
LONGEST_PHRASE = 80
#: Names of parties are taken from so many of the newest calls.
CALLS_LOOKED_AT = 2000

Source = Literal["typed", "learned"]


@dataclass(frozen=True, kw_only=True)
class Phrase:
    phrase: str
    source: Source
    added_by: str
    added_at: datetime


def every(db: sa.Connection) -> list[Phrase]:
    """All of them, by name."""
    return [Phrase(**row) for row in db.execute(sa.select(vocabulary).order_by(vocabulary.c.phrase)).mappings()]


def add(db: sa.Connection, phrase: str, *, source: Source, by: str, now: datetime) -> bool:
    """Add a phrase; False if it is none, or is there already."""
    tidy = normalised(phrase)
    if not tidy:
        return False
    known = db.scalar(sa.select(vocabulary.c.phrase).where(sa.func.lower(vocabulary.c.phrase) == tidy.lower()))
    if known is not None:
        return False
    db.execute(vocabulary.insert().values(phrase=tidy, source=source, added_by=by, added_at=now))
    return True


def remove(db: sa.Connection, phrase: str) -> None:
    db.execute(vocabulary.delete().where(vocabulary.c.phrase == phrase))


def phrases(db: sa.Connection, *, with_names: bool) -> tuple[str, ...]:
    """What an engine is told: first what people entered, then names of colleagues and queues seen in calls."""
    entered = [each.phrase for each in every(db)]
    names = _names(db) if with_names else []
    return tuple(dict.fromkeys([*entered, *names]))[:MOST_PHRASES]


def normalised(phrase: str) -> str:
    """A phrase as it is kept; "" if it holds no word: a number is no name."""
    tidy = " ".join(phrase.split())[:LONGEST_PHRASE].strip()
    return tidy if re.search(r"[^\W\d_]{2}", tidy) else ""


def _names(db: sa.Connection) -> list[str]:
    """Names of our own parties, and of queues that have one, most often seen first."""
    newest = sa.select(call).order_by(call.c.sort_key.desc()).limit(CALLS_LOOKED_AT).subquery()
    outbound = newest.c.direction.in_(["outbound", "internal"])
    inbound = newest.c.direction.in_(["inbound", "internal"])
    seen = sa.union_all(
        sa.select(newest.c.caller_name.label("name")).where(outbound),
        sa.select(newest.c.callee_name.label("name")).where(inbound),
        sa.select(newest.c.queue_or_group.label("name")),
    ).subquery()
    counted = sa.select(seen.c.name).where(seen.c.name.is_not(None)).group_by(seen.c.name)
    found = db.scalars(counted.order_by(sa.func.count().desc(), seen.c.name).limit(MOST_PHRASES))
    return [tidy for name in found if (tidy := normalised(name))]
