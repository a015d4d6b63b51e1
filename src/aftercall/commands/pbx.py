"""This file is `aftercall pbx add`, `change`, `enable`, `pause`, `preview`: the form of a PBX, given as options."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from aftercall import wiring
from aftercall.errors import FormInvalid, NotFound
from aftercall.jobs.clients import Preview
from aftercall.store import pbxs
from aftercall.store.pbxs import Pbx
from aftercall.web import pbx_form
from aftercall.web.display import RULE_WORDS
from aftercall.web.pbx_form import Entered
from aftercall.wiring import House

#: Field of the form to the option that sets it.
OPTIONS = {
    "name": "NAME", "host": "--host", "port": "--port", "username": "--username", "password": "The password",
    "prefix": "--prefix", "pinned_certificate": "--certificate", "sync_interval_min": "--interval", "zone": "--zone",
    "period": "--since", "since": "--since", "directions": "--direction", "extensions": "--extension",
    "min_duration_s": "--min-duration", "skipped_names": "--skip-name", "downloads_at_once": "--downloads",
    "backlog_per_min": "--backlog-per-min",
}  # fmt: skip
#: Said instead of a value to lift a limit.
ALL = "all"


def with_options(base: Entered, given: Mapping[str, Any]) -> Entered:
    """The form with the options that were given; None leaves a field as it is."""
    said = {name: value for name, value in given.items() if value is not None and value != ()}
    changed: dict[str, Any] = {
        name: str(said[name]) if name in {"port", "sync_interval_min", "min_duration_s", "downloads_at_once"}
        else said[name]
        for name in said.keys() & _AS_GIVEN
    }  # fmt: skip
    if "since" in said:
        is_open = said["since"] == ALL
        changed |= {"period": "all" if is_open else "day", "since": "" if is_open else said["since"]}
    if "directions" in said:
        changed["directions"] = pbx_form.DIRECTIONS if ALL in said["directions"] else tuple(said["directions"])
    if "extensions" in said:
        changed["extensions"] = ", ".join(each for each in said["extensions"] if each != ALL)
    if "skipped_names" in said:
        changed["skipped_names"] = "\n".join(said["skipped_names"])
    if "backlog_per_min" in said:
        changed["backlog_per_min"] = str(said["backlog_per_min"] or "")
    return replace(base, **changed)


_AS_GIVEN = {
    "name", "host", "port", "username", "password", "use_tls", "prefix", "pinned_certificate", "sync_interval_min",
    "zone", "min_duration_s", "downloads_at_once", "hears_events",
}  # fmt: skip


def add(house: House, entered: Entered, now: datetime) -> str:
    """Connect a PBX; returns its id.

    Raises:
        FormInvalid: a value cannot be used, or the name is taken.
    """
    _require_sound(house, entered, None)
    with house.engine.begin() as db:
        return pbxs.add(db, pbx_form.settings(entered, now), house.vault, now)


def change(house: House, name: str, given: Mapping[str, Any], now: datetime) -> Pbx:
    """Change what was given of a PBX and leave the rest; returns it as it is now.

    Raises:
        NotFound: there is no PBX of that name.
        FormInvalid: a value cannot be used, or the new name is taken.
    """
    stored = named(house, name)
    entered = with_options(pbx_form.of_stored(stored), given)
    _require_sound(house, entered, stored)
    with house.engine.begin() as db:
        settings = pbx_form.settings(entered, now, is_demo=stored.is_demo)
        pbxs.change(db, stored.id, settings, house.vault, now)
    return named(house, entered.name.strip())


def _require_sound(house: House, entered: Entered, stored: Pbx | None) -> None:
    for field, problem in pbx_form.problems(entered, stored).items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    with house.engine.connect() as db:
        other = pbxs.by_name(db, entered.name.strip())
    if other and (stored is None or other.id != stored.id):
        raise FormInvalid(field="NAME", problem=f"there is a PBX named {other.name} already.")


def named(house: House, name: str) -> Pbx:
    """The PBX of that name.

    Raises:
        NotFound: there is none.
    """
    with house.engine.connect() as db:
        found = pbxs.by_name(db, name)
    if found is None:
        raise NotFound(thing=f"PBX named {name}")
    return found


def set_enabled(house: House, name: str, *, is_enabled: bool) -> None:
    """Switch a PBX on or off; its calls stay."""
    found = named(house, name)
    with house.engine.begin() as db:
        pbxs.set_enabled(db, found.id, is_enabled=is_enabled)


def preview(house: House, name: str, given: Mapping[str, Any], now: datetime) -> Preview:
    """Count what a sync would fetch, with the stored settings or with those given; nothing is stored.

    Raises:
        PbxError: the PBX did not give its list.
    """
    stored = named(house, name)
    entered = with_options(pbx_form.of_stored(stored), given)
    for field, problem in pbx_form.problems(entered, stored, is_preview=True).items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    with house.engine.connect() as db:
        address = pbxs.address(db, stored.id, house.vault)
    assert address is not None
    with wiring.lines_to_pbxs(house) as clients:
        return clients.preview(address, stored.id, pbx_form.chosen(entered, now))


def in_words(counted: Preview) -> list[str]:
    """A preview as lines to read."""
    lines = [f"{counted.wanted_count:,} of {counted.listed_count:,} would be fetched."]
    if counted.known_count:
        lines.append(f"  {counted.known_count:,} here already")
    lines += [f"  {count:,} skipped: {RULE_WORDS[rule]}" for rule, count in counted.skipped_by.items()]
    return lines
