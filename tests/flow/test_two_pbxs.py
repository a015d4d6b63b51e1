"""Several PBXs in one house: each with its own recordings, filters and fate."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from tests.fixtures.house import Office, noise

from aftercall.recordings.filters import Filters
from aftercall.store import pbxs
from aftercall.testing import Simulator

NAME = "2026/11/22/in-5550100-5550100123-20261122-101500-1795342500.7"
INTERNAL = "2026/11/22/internal-202-201-20261122-101600-1795342560.8"


@pytest.fixture
def branch(office: Office) -> Iterator[Office]:
    """A second PBX in the same house."""
    with Simulator() as pbx:
        entered = pbxs.PbxSettings(
            name="Branch", host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password,
            filters=Filters(directions=frozenset({"inbound"})),
        )  # fmt: skip
        with office.house.engine.begin() as db:
            pbx_id = pbxs.add(db, entered, office.house.vault, datetime.now(UTC))
        yield Office(office.house, pbx, pbx_id)


def test_the_same_name_on_two_pbxs_is_two_calls(office: Office, branch: Office) -> None:
    office.pbx.add_recording(NAME, noise(0.5, seed=1))
    branch.pbx.add_recording(NAME, noise(0.8, seed=2))
    assert (office.sync().done_count, branch.sync().done_count) == (1, 1)
    rows = {row.pbx_name: row for row in office.rows()}
    assert {name: row.recording for name, row in rows.items()} == {"Office": NAME, "Branch": NAME}
    assert rows["Office"].id != rows["Branch"].id
    assert (rows["Office"].duration_s, rows["Branch"].duration_s) == (0.5, 0.8)
    assert len(office.files()) == 2


def test_each_pbx_has_its_own_filters(office: Office, branch: Office) -> None:
    for each in (office, branch):
        for name in (NAME, INTERNAL):
            each.pbx.add_recording(name, noise(0.4))
    assert office.sync().sync.new_count == 2
    synced = branch.sync().sync
    assert (synced.found_count, synced.new_count, synced.skipped_count) == (2, 1, 1)


def test_filters_that_are_lifted_bring_what_was_skipped_and_delete_nothing(office: Office) -> None:
    office.pbx.add_recording(NAME, noise(0.4))
    office.pbx.add_recording(INTERNAL, noise(0.4))
    office.change(filters=Filters(directions=frozenset({"inbound"})))
    assert office.sync().sync.skipped_count == 1
    office.change(filters=Filters(directions=frozenset({"internal"})))
    assert office.sync().sync.new_count == 1
    assert set(office.states()) == {NAME, INTERNAL}


@pytest.mark.parametrize(("with_calls", "left"), [(False, {"Office", "Branch"}), (True, {"Office"})])
def test_a_pbx_that_goes_takes_its_calls_only_if_asked(
    office: Office, branch: Office, with_calls: bool, left: set[str]
) -> None:
    office.pbx.add_recording(NAME, noise(0.4))
    branch.pbx.add_recording(NAME, noise(0.4))
    office.sync()
    branch.sync()
    office.house.control.remove_pbx(branch.pbx_id, office.house.archive, with_calls=with_calls)
    assert {row.pbx_name for row in office.rows()} == left
    assert len(office.files()) == len(left)


def test_a_pbx_that_is_disabled_is_not_due_and_the_other_one_is(office: Office, branch: Office) -> None:
    with office.house.engine.begin() as db:
        pbxs.set_enabled(db, branch.pbx_id, is_enabled=False)
        assert [each.id for each in pbxs.due(db, datetime.now(UTC))] == [office.pbx_id]
