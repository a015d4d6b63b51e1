"""`aftercall pbx`: a PBX's settings as options."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aftercall import wiring
from aftercall.commands import pbx as command
from aftercall.errors import FormInvalid, NotFound
from aftercall.recordings.filters import Filters
from aftercall.settings import Settings
from aftercall.testing import Simulator
from aftercall.web.pbx_form import DIRECTIONS, Entered
from aftercall.wiring import House

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
STARTS = [datetime(2026, month, 10 + day, 10, 15, tzinfo=UTC) for month in (10, 11) for day in range(3)]
NAMES = [
    f"{at:%Y/%m/%d}/{kind}-201-5550177-{at:%Y%m%d-%H%M%S}-{at.timestamp():.0f}.7"
    for at, kind in zip(STARTS, ["external", "external", "internal"] * 2, strict=True)
]
CHOSEN: dict[str, Any] = {
    "zone": "Europe/Berlin", "since": "2026-11-01", "directions": ("inbound", "outbound"), "extensions": ("201", "3*"),
    "skipped_names": ("*/internal-*", "*test*"), "min_duration_s": 15, "downloads_at_once": 4, "backlog_per_min": 30,
    "hears_events": False,
}  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with wiring.open_house(Settings(data=tmp_path / "data", workers=1)) as opened:
        yield opened


def _address(simulator: Simulator | None = None) -> dict[str, Any]:
    if simulator is None:
        return {"name": "Office", "host": "192.0.2.10", "port": 8088, "username": "aftercall", "password": "open"}
    return {
        "name": "Office", "host": simulator.host, "port": simulator.port, "username": simulator.username,
        "password": simulator.password,
    }  # fmt: skip


def _add(house: House, simulator: Simulator | None = None, **given: Any) -> None:
    command.add(house, command.with_options(Entered(), _address(simulator) | given), NOW)


def test_every_option_is_stored(house: House) -> None:
    _add(house, **CHOSEN)
    stored = command.named(house, "Office")
    assert stored.filters == Filters(
        since=datetime(2026, 10, 31, 23, tzinfo=UTC), directions=frozenset({"inbound", "outbound"}),
        extensions=("201", "3*"), skipped_names=("*/internal-*", "*test*"), min_duration_s=15,
    )  # fmt: skip
    assert (stored.zone, stored.downloads_at_once, stored.backlog_per_min, stored.hears_events) == (
        "Europe/Berlin", 4, 30, False,
    )  # fmt: skip


def test_without_options_everything_is_wanted(house: House) -> None:
    _add(house)
    stored = command.named(house, "Office")
    assert (stored.filters, stored.hears_events, stored.sync_interval_min) == (Filters(), True, 10)


def test_a_change_leaves_what_it_does_not_name(house: House) -> None:
    _add(house, **CHOSEN)
    before = command.named(house, "Office")
    after = command.change(house, "Office", {"name": "Head office", "downloads_at_once": 1, "directions": ()}, NOW)
    assert (after.name, after.downloads_at_once) == ("Head office", 1)
    assert (after.id, after.filters, after.zone, after.username) == (
        before.id, before.filters, before.zone, before.username,
    )  # fmt: skip


def test_limits_are_lifted_by_name(house: House) -> None:
    _add(house, **CHOSEN)
    lifted = {
        "since": "all", "directions": ("all",), "extensions": ("all",), "skipped_names": ("",), "min_duration_s": 0,
        "backlog_per_min": 0, "zone": "", "hears_events": True,
    }  # fmt: skip
    after = command.change(house, "Office", lifted, NOW)
    assert (after.filters, after.backlog_per_min, after.zone, after.hears_events) == (Filters(), None, None, True)


@pytest.mark.parametrize(
    ("given", "option"),
    [({"zone": "Nowhere"}, "--zone"), ({"since": "soon"}, "--since"), ({"extensions": ("x!",)}, "--extension"),
     ({"host": "http://x"}, "--host"), ({"skipped_names": ("x" * 201,)}, "--skip-name"), ({"name": " "}, "NAME"),
     ({"password": ""}, "The password"), ({"pinned_certificate": "no"}, "--certificate")],
)  # fmt: skip
def test_a_wrong_value_is_named_by_its_option(house: House, given: dict[str, Any], option: str) -> None:
    with pytest.raises(FormInvalid) as caught:
        _add(house, **given)
    assert caught.value.facts["field"] == option
    with pytest.raises(NotFound):
        command.named(house, "Office")


def test_a_name_is_used_once(house: House) -> None:
    _add(house)
    _add(house, name="Branch")
    with pytest.raises(FormInvalid, match="there is a PBX named Office already"):
        _add(house)
    with pytest.raises(FormInvalid, match="there is a PBX named Branch already"):
        command.change(house, "Office", {"name": "Branch"}, NOW)


def test_a_preview_counts_on_the_real_list_and_stores_nothing(house: House, simulator: Simulator) -> None:
    for name in NAMES:
        simulator.add_recording(name, b"RIFF")
    _add(house, simulator, since="2026-11-01")
    as_set = command.preview(house, "Office", {}, NOW)
    assert as_set.as_json() == {"listed": 6, "known": 0, "wanted": 3, "skipped": {"since": 3}}
    narrower = command.preview(house, "Office", {"directions": ("inbound",)}, NOW)
    assert narrower.as_json() == {"listed": 6, "known": 0, "wanted": 2, "skipped": {"since": 3, "directions": 1}}
    assert command.named(house, "Office").filters.directions is None


def test_a_preview_reads_well(house: House, simulator: Simulator) -> None:
    for name in NAMES:
        simulator.add_recording(name, b"RIFF")
    _add(house, simulator, since="2026-11-01", skipped_names=("*internal*",))
    assert command.in_words(command.preview(house, "Office", {}, NOW)) == [
        "2 of 6 would be fetched.", "  3 skipped: too old", "  1 skipped: its name",
    ]  # fmt: skip


def test_a_pbx_is_switched_off_and_on(house: House) -> None:
    _add(house)
    command.set_enabled(house, "Office", is_enabled=False)
    assert not command.named(house, "Office").is_enabled
    command.set_enabled(house, "Office", is_enabled=True)
    assert command.named(house, "Office").is_enabled


def test_all_directions_is_what_the_form_calls_all() -> None:
    assert command.with_options(Entered(), {"directions": ("all", "inbound")}).directions == DIRECTIONS
