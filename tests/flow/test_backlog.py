"""A PBX with a long past: what is left out, what is held back, and how new calls come home before old ones."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.fixtures.house import Office, noise

from aftercall.jobs import gate
from aftercall.jobs.clients import PbxClients
from aftercall.model import PbxAddress
from aftercall.recordings.filters import Filters
from aftercall.store import pbxs


def _name(started_at: datetime, *, kind: str = "external", called: str = "201", caller: str = "5550123") -> str:
    epoch = int(started_at.timestamp())
    return f"{started_at:%Y/%m/%d}/{kind}-{called}-{caller}-{started_at:%Y%m%d-%H%M%S}-{epoch}.1"


NOW = datetime.now(UTC).replace(microsecond=0)
OLD = [_name(NOW - timedelta(days=days, minutes=days)) for days in (3, 10, 40)]
NEW = _name(NOW - timedelta(minutes=5))


@pytest.fixture
def with_a_past(office: Office) -> Office:
    for name in [*OLD, NEW]:
        office.pbx.add_recording(name, noise())
    return office


def test_calls_before_the_chosen_date_are_counted_and_left_out(with_a_past: Office) -> None:
    with_a_past.change(filters=Filters(since=NOW - timedelta(days=7)))
    progress = with_a_past.sync()
    assert set(with_a_past.states()) == {OLD[0], NEW}
    assert (progress.sync.found_count, progress.sync.new_count, progress.sync.skipped_count) == (4, 2, 2)
    assert with_a_past.pbx.count(ending="/file") == 2


def test_a_wider_filter_brings_what_was_left_out_and_a_narrower_one_takes_nothing_away(with_a_past: Office) -> None:
    with_a_past.change(filters=Filters(since=NOW - timedelta(days=7)))
    with_a_past.sync()
    with_a_past.change(filters=Filters(since=NOW - timedelta(days=30)))
    with_a_past.sync()
    assert set(with_a_past.states()) == {*OLD[:2], NEW}
    with_a_past.change(filters=Filters(directions=frozenset({"outbound"})))
    with_a_past.sync()
    assert set(with_a_past.states()) == {*OLD[:2], NEW}


def test_the_counts_are_the_same_when_only_what_differs_is_read(with_a_past: Office) -> None:
    with_a_past.change(filters=Filters(since=NOW - timedelta(days=7)))
    with_a_past.sync()
    with_a_past.pbx.add_recording(_name(NOW, called="202"), noise())
    with_a_past.pbx.add_recording(_name(NOW - timedelta(days=50)), noise())
    second = with_a_past.sync().sync
    assert (second.found_count, second.new_count, second.skipped_count) == (6, 1, 3)
    with_a_past.pbx.remove(OLD[2])
    third = with_a_past.sync().sync
    assert (third.found_count, third.new_count, third.skipped_count) == (5, 0, 2)
    assert len(with_a_past.rows()) == 3


@pytest.mark.parametrize(
    ("filters", "left"),
    [
        (Filters(directions=frozenset({"outbound"})), {"out"}),
        (Filters(extensions=("20?",)), {"external", "out"}),
        (Filters(skipped_names=("*/out-*", "*-777-*")), {"external"}),
    ],
)
def test_each_filter_leaves_out_what_it_names(office: Office, filters: Filters, left: set[str]) -> None:
    office.pbx.add_recording(_name(NOW, kind="external", called="201"), noise())
    office.pbx.add_recording(_name(NOW, kind="out", called="5550199", caller="205"), noise())
    office.pbx.add_recording(_name(NOW, kind="external", called="777"), noise())
    office.change(filters=filters)
    office.sync()
    assert {name.rpartition("/")[2].partition("-")[0] for name in office.states()} == left


def test_a_recording_shorter_than_wanted_is_set_aside_with_its_reason(office: Office) -> None:
    office.pbx.add_recording(NEW, noise(0.5))
    office.change(filters=Filters(min_duration_s=2))
    progress = office.sync()
    assert progress.done_count == 1
    assert office.rows() == []
    detail = office.detail(NEW)
    assert (detail.row.state, office.error(NEW)) == ("skipped", "audio-too-short")
    assert detail.transcript is None
    office.change()
    office.house.control.retry(detail.row.id)
    office.until(lambda: office.states() == {NEW: "done"})


def test_old_recordings_are_held_back_while_new_calls_come(with_a_past: Office) -> None:
    with_a_past.house.control.pause_backlog(with_a_past.pbx_id, is_paused=True)
    with_a_past.sync()
    with_a_past.until(lambda: with_a_past.states()[NEW] == "done")
    assert {with_a_past.states()[name] for name in OLD} <= {"found", "waiting"}
    assert with_a_past.pbx.count(ending="/file") == 1
    with_a_past.house.control.pause_backlog(with_a_past.pbx_id, is_paused=False)
    with_a_past.until(lambda: set(with_a_past.states().values()) == {"done"})


def test_holding_back_stops_what_is_on_its_way_and_loses_nothing(with_a_past: Office) -> None:
    with_a_past.change(backlog_per_min=1)
    with_a_past.house.control.sync(with_a_past.pbx_id, asked_by="user")
    with_a_past.until(lambda: with_a_past.states().get(NEW) == "done")
    with_a_past.house.control.pause_backlog(with_a_past.pbx_id, is_paused=True)
    fetched = with_a_past.pbx.count(ending="/file")
    assert fetched < 4
    with_a_past.change()
    with_a_past.house.control.pause_backlog(with_a_past.pbx_id, is_paused=False)
    with_a_past.until(lambda: set(with_a_past.states().values()) == {"done"}, seconds=90)


def test_a_pbx_that_ails_is_left_alone_for_a_while(with_a_past: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "SHORTEST_REST_S", 2.0)
    with_a_past.change(downloads_at_once=1)
    for name in OLD:
        with_a_past.pbx.fail("busy-503", recording=name)
    with_a_past.sync()
    with_a_past.until(lambda: all(with_a_past.states()[name] == "waiting" for name in OLD))
    # One is refused; the others are not even asked for.
    assert with_a_past.pbx.count(ending="/file") <= 2
    with_a_past.pbx.mend()
    with_a_past.until(lambda: set(with_a_past.states().values()) == {"done"}, seconds=90)


def test_a_preview_counts_what_would_come_and_stores_nothing(with_a_past: Office, clients: PbxClients) -> None:
    pbx = with_a_past.pbx
    address = PbxAddress(host=pbx.host, port=pbx.port, username=pbx.username, password=pbx.password)
    wanted = Filters(since=NOW - timedelta(days=20), skipped_names=(f"*{NEW[-12:]}",))
    preview = clients.preview(address, None, wanted)
    assert (preview.listed_count, preview.known_count, preview.wanted_count) == (4, 0, 2)
    assert preview.skipped_by == {"since": 1, "names": 1}
    assert with_a_past.rows() == []


def test_a_list_that_failed_is_asked_for_sooner_than_the_interval_and_then_ever_later(office: Office) -> None:
    office.pbx.fail("busy-503")
    dues = []
    for _ in range(3):
        office.sync()
        with office.house.engine.connect() as db:
            pbx = pbxs.get(db, office.pbx_id)
        assert pbx is not None
        assert pbx.last_due_at is not None
        dues.append(pbx.next_due_at - pbx.last_due_at)
    assert dues == [timedelta(seconds=30), timedelta(seconds=60), timedelta(seconds=120)]
    office.pbx.mend()
    office.sync()
    with office.house.engine.connect() as db:
        pbx = pbxs.get(db, office.pbx_id)
    assert pbx is not None
    assert pbx.last_due_at is not None
    assert pbx.next_due_at - pbx.last_due_at == timedelta(minutes=10)


def test_a_pbx_that_takes_long_for_its_list_is_asked_less_often(office: Office) -> None:
    with office.house.engine.begin() as db:
        pbxs.record_list(db, office.pbx_id, took_s=30)
        pbx = pbxs.get(db, office.pbx_id)
    assert pbx is not None
    assert pbx.interval == timedelta(minutes=50)
