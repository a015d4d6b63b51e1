"""This file remembers the categories, and which calls belong to them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from aftercall.insight import category_files
from aftercall.insight.categories import Prepared
from aftercall.insight.category_rules import Category, plain, read
from aftercall.model import CategoryHit, Evidence
from aftercall.store import choices
from aftercall.store.tables import call, call_category, category

#: Ids of the ready packs that were put there once: a pack that was deleted does not come back by itself.
OFFERED = "category_packs_offered"


@dataclass(frozen=True, kw_only=True)
class StoredCategory:
    """A category, and who changed it last."""

    category: Category
    version: int
    changed_by: str
    changed_at: datetime

    @property
    def is_as_packed(self) -> bool:
        """Whether it says what its ready pack says."""
        pack = pack_of(self.category)
        return pack is not None and replace(pack, is_enabled=self.category.is_enabled) == self.category


@dataclass(frozen=True, kw_only=True)
class ShownCategory:
    """A category as the list and a call's page show it."""

    id: str
    name: str
    colour: str
    evidence: tuple[Evidence, ...] = ()


# ---- the categories ---------------------------------------------------------------------------------------------


def every(db: sa.Connection) -> list[StoredCategory]:
    """All of them, by name."""
    rows = db.execute(sa.select(category).order_by(sa.func.lower(category.c.name), category.c.id))
    return [_stored(row) for row in rows]


def get(db: sa.Connection, identity: str) -> StoredCategory | None:
    row = db.execute(sa.select(category).where(category.c.id == identity)).first()
    return _stored(row) if row else None


def names(db: sa.Connection) -> dict[str, str]:
    """Names by id, in order of the names."""
    rows = db.execute(sa.select(category.c.id, category.c.name).order_by(sa.func.lower(category.c.name)))
    return {row.id: row.name for row in rows}


def put(db: sa.Connection, made: Category, *, by: str, now: datetime) -> None:
    """Store a category in place of the one with its id; calls keep their categories until they are applied anew."""
    before = get(db, made.id)
    rules = plain(made)["when"]
    values = {
        "name": made.name,
        "colour": made.colour,
        "about": made.about,
        "rules": rules,
        "is_enabled": made.is_enabled,
        "pack": made.pack,
        "changed_by": by,
        "changed_at": now,
    }
    if before is None:
        db.execute(category.insert().values(id=made.id, version=1, **values))
        return
    version = before.version + (made.rule != before.category.rule)
    db.execute(category.update().where(category.c.id == made.id).values(version=version, **values))


def switch(db: sa.Connection, identity: str, *, is_enabled: bool, by: str, now: datetime) -> bool:
    """Switch a category on or off; calls keep what they have. False if there is none."""
    done = db.execute(
        category.update().where(category.c.id == identity).values(is_enabled=is_enabled, changed_by=by, changed_at=now)
    )
    return done.rowcount == 1


def remove(db: sa.Connection, identity: str) -> bool:
    """Delete a category, from the calls too; False if there is none."""
    return db.execute(category.delete().where(category.c.id == identity)).rowcount == 1


def offer_packs(db: sa.Connection, now: datetime) -> None:
    """Put every ready pack there that was never there; what people changed or deleted stays so."""
    offered = set(choices.get(db, OFFERED, []))
    new = [each for each in category_files.packs() if each.id not in offered]
    if not new:
        return
    known = names(db)
    for each in new:
        if each.id not in known:
            put(db, each, by="Aftercall", now=now)
    choices.put(db, OFFERED, sorted(offered | {each.id for each in new}))


def pack_of(made: Category) -> Category | None:
    """The ready pack a category came from, as it came."""
    return next((each for each in category_files.packs() if each.pack == made.pack), None)


def prepared(db: sa.Connection) -> list[Prepared]:
    """Every category that is switched on, its phrases compiled."""
    return [prepare(each.category) for each in every(db) if each.category.is_enabled]


def prepare(made: Category) -> Prepared:
    """A category with its phrases compiled; the newest ones are kept."""
    return _prepared(json.dumps(plain(made)))


@lru_cache(maxsize=200)
def _prepared(text: str) -> Prepared:
    made, _ = read(json.loads(text))
    if made is None:
        raise ValueError("a category that was valid is not any more")
    return Prepared(made)


def _stored(row: Any) -> StoredCategory:
    made, mistakes = read(
        {
            "id": row.id,
            "name": row.name,
            "colour": row.colour,
            "about": row.about,
            "enabled": row.is_enabled,
            "pack": row.pack,
            "when": row.rules,
        }
    )
    if made is None:
        raise ValueError(f"the stored category {row.id} cannot be read: {mistakes}")
    return StoredCategory(category=made, version=row.version, changed_by=row.changed_by, changed_at=row.changed_at)


# ---- the calls in them ------------------------------------------------------------------------------------------


def put_hits(
    db: sa.Connection, call_id: str, hits: Sequence[CategoryHit], *, among: Sequence[str] | None = None
) -> bool:
    """Store which categories a call belongs to, in place of what was known.

    Args:
        among: the categories that were looked at; None for all.
    Returns:
        Whether anything is different now.
    """
    of_call_ = call_category.c.call_id == call_id
    looked_at = of_call_ if among is None else sa.and_(of_call_, call_category.c.category_id.in_(among))
    before = {
        row.category_id: row.evidence
        for row in db.execute(sa.select(call_category.c.category_id, call_category.c.evidence).where(looked_at))
    }
    after = {hit.category_id: [asdict(each) for each in hit.evidence] for hit in hits}
    if before == after:
        return False
    db.execute(call_category.delete().where(looked_at))
    sort_key = db.scalar(sa.select(call.c.sort_key).where(call.c.id == call_id))
    if after and sort_key is not None:
        db.execute(
            call_category.insert(),
            [
                {"call_id": call_id, "category_id": identity, "sort_key": sort_key, "evidence": evidence}
                for identity, evidence in after.items()
            ],
        )
    return True


def of_call(db: sa.Connection, call_id: str) -> tuple[ShownCategory, ...]:
    """The categories of a call with their evidence, by name."""
    return of_calls(db, [call_id], with_evidence=True).get(call_id, ())


def of_calls(
    db: sa.Connection, call_ids: Sequence[str], *, with_evidence: bool = False
) -> dict[str, tuple[ShownCategory, ...]]:
    """The categories of each of these calls, by name."""
    evidence = [call_category.c.evidence] if with_evidence else []
    rows = db.execute(
        sa.select(call_category.c.call_id, category.c.id, category.c.name, category.c.colour, *evidence)
        .join(category, category.c.id == call_category.c.category_id)
        .where(call_category.c.call_id.in_(call_ids))
        .order_by(sa.func.lower(category.c.name))
    )
    found: dict[str, tuple[ShownCategory, ...]] = {}
    for row in rows:
        shown = ShownCategory(
            id=row.id,
            name=row.name,
            colour=row.colour,
            evidence=tuple(Evidence(**each) for each in row.evidence) if with_evidence else (),
        )
        found[row.call_id] = (*found.get(row.call_id, ()), shown)
    return found


def counts(db: sa.Connection, *, since: datetime | None = None) -> dict[str, int]:
    """How many calls each category holds, from a time on."""
    where = [call_category.c.sort_key >= int(since.timestamp() * 1000) << 20] if since else []
    rows = db.execute(
        sa.select(call_category.c.category_id, sa.func.count()).where(*where).group_by(call_category.c.category_id)
    )
    return {row[0]: row[1] for row in rows}


def condition(identity: str) -> sa.ColumnElement[bool]:
    """The WHERE part for calls of one category."""
    return call.c.sort_key.in_(sa.select(call_category.c.sort_key).where(call_category.c.category_id == identity))
