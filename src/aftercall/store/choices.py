"""This file remembers small decisions of the installation, as JSON by name."""

from typing import Any

import sqlalchemy as sa

from aftercall.store.tables import choice


def get(db: sa.Connection, name: str, default: Any = None) -> Any:
    value = db.scalar(sa.select(choice.c.value).where(choice.c.name == name))
    return default if value is None else value


def put(db: sa.Connection, name: str, value: Any) -> None:
    db.execute(choice.delete().where(choice.c.name == name))
    db.execute(choice.insert().values(name=name, value=value))


def remove(db: sa.Connection, name: str) -> None:
    db.execute(choice.delete().where(choice.c.name == name))
