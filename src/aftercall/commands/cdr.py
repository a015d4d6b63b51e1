"""This file is `aftercall pbx cdr`, `pbx import-cdr` and `coverage`: call detail records from the command line."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from aftercall.commands.pbx import named
from aftercall.errors import FormInvalid, NotFound
from aftercall.jobs import cdr_import
from aftercall.jobs.cdr_import import Imported
from aftercall.jobs.steps import utc_now
from aftercall.model import Check
from aftercall.pbx.cdr_checks import diagnose_cdr
from aftercall.store import calls, cdr_sources, coverage, shapes
from aftercall.store.cdr_sources import CdrSource
from aftercall.store.coverage import Asked
from aftercall.web import cdr_form
from aftercall.web.cdr_form import EnteredCdr
from aftercall.wiring import House

#: Field of the form to the option that sets it.
OPTIONS = {
    "host": "--host", "port": "--port", "database": "--database", "username": "--username", "password": "The password",
    "pinned_certificate": "--certificate",
}  # fmt: skip


def _stored(house: House, name: str) -> tuple[str, CdrSource | None]:
    pbx_id = named(house, name).id
    with house.engine.connect() as db:
        return pbx_id, cdr_sources.get(db, pbx_id)


def is_new(house: House, name: str) -> bool:
    """Whether nothing was said yet of where the records of this PBX are."""
    return _stored(house, name)[1] is None


def save(house: House, name: str, given: Mapping[str, Any], password: str) -> None:
    """Store what is given and leave the rest as it is.

    Args:
        password: "" keeps the stored one.
    Raises:
        NotFound: there is no PBX of that name.
        FormInvalid: a value cannot be used.
    """
    pbx_id, stored = _stored(house, name)
    said = {key: value for key, value in given.items() if value is not None}
    if "port" in said:
        said["port"] = str(said["port"])
    entered = replace(cdr_form.of_stored(stored) if stored else EnteredCdr(), **said, password=password)
    for field, problem in cdr_form.problems(entered, stored).items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    with house.engine.begin() as db:
        cdr_sources.save(db, pbx_id, cdr_form.settings(entered), house.vault, utc_now())


def remove(house: House, name: str) -> None:
    """Forget where the records are read; what they have told stays."""
    pbx_id, _ = _stored(house, name)
    with house.engine.begin() as db:
        cdr_sources.remove(db, pbx_id)


def status(house: House, name: str) -> dict[str, Any]:
    """How the reading goes.

    Raises:
        NotFound: the records of this PBX are not read.
    """
    pbx_id, stored = _stored(house, name)
    if stored is None:
        raise NotFound(thing=f"call detail records set up for {name} (aftercall pbx cdr {name} --host ...)")
    with house.engine.connect() as db:
        return shapes.cdr_source(stored, cdr_sources.kept(db, pbx_id))


def test(house: House, name: str) -> list[Check]:
    """Test the connection as it is stored."""
    pbx = named(house, name)
    with house.engine.connect() as db:
        address = cdr_sources.address(db, pbx.id, house.vault)
    if address is None:
        raise NotFound(thing=f"call detail records set up for {name} (aftercall pbx cdr {name} --host ...)")

    async def collect() -> list[Check]:
        return [check async for check in diagnose_cdr(address, zone=pbx.zone)]

    return asyncio.run(collect())


def import_file(house: House, name: str, lines: Iterable[str]) -> Imported:
    """Take in a CSV file."""
    return cdr_import.import_file(house.engine, named(house, name).id, lines)


def coverage_lines(house: House, name: str | None, days: int, *, with_calls: bool) -> Iterator[dict[str, Any]]:
    """The report as one shape, or the calls behind it."""
    now = utc_now()
    asked = Asked(since=now - timedelta(days=days), until=now, pbx_id=named(house, name).id if name else "")
    with house.engine.connect() as db:
        if with_calls:
            yield from (shapes.gap(each) for each in coverage.gaps(db, asked))
            return
        yield shapes.coverage_report(coverage.report(db, asked, utc_offset_min=calls.newest_utc_offset_min(db)))
