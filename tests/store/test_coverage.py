from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.store.test_cdrs import BEGAN, NOW, Room, leg, other_call, stem

from aftercall.model import CallState, Direction
from aftercall.recordings.filters import Filters
from aftercall.store import coverage, pbxs
from aftercall.store.coverage import NOBODY, Asked, Coverage, Report
from aftercall.store.vault import Vault

WEEK = Asked(since=BEGAN - timedelta(days=3), until=BEGAN + timedelta(days=4))


@pytest.fixture
def room(engine: sa.Engine, pbx_id: str) -> Room:
    return Room(engine, pbx_id)


def report(room: Room, asked: Asked = WEEK, *, utc_offset_min: int = 60) -> Report:
    with room.engine.connect() as db:
        return coverage.report(db, asked, utc_offset_min=utc_offset_min)


def gap(room: Room) -> Coverage:
    with room.engine.connect() as db:
        (found,) = coverage.gaps(db, WEEK)
    return found.coverage


def test_a_call_that_was_analysed_is_covered_and_one_on_its_way_is_neither(room: Room) -> None:
    room.record(stem())
    room.take(leg())
    assert (report(room).total.usable, report(room).total.on_its_way, report(room).total.share) == (0, 1, None)
    room.set_state(room.only.id, CallState.DONE)
    assert (report(room).total.usable, report(room).total.missing, report(room).total.share) == (1, 0, 1.0)


def test_an_unanswered_call_is_not_asked_for_its_recording(room: Room) -> None:
    room.take(leg(disposition="NO ANSWER", billsec=0))
    assert report(room).total.answered == 0


def test_no_name_of_a_recording_means_that_nobody_asked_for_one(room: Room) -> None:
    room.take(leg())
    assert gap(room) is Coverage.NOT_RECORDED


def test_a_name_without_a_file_means_that_the_pbx_lost_it(room: Room) -> None:
    room.take(leg(recordingfile=f"{stem()}.wav"))
    assert gap(room) is Coverage.NOT_ON_PBX


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        (CallState.FAILED, Coverage.FAILED),
        (CallState.NO_AUDIO, Coverage.NO_AUDIO),
        (CallState.SKIPPED, Coverage.FILTERED),
    ],
)
def test_what_went_wrong_here_is_told_apart(room: Room, state: CallState, cause: Coverage) -> None:
    (call_id,) = room.record(stem())
    room.take(leg())
    room.set_state(call_id, state)
    assert gap(room) is cause


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        (Filters(directions=frozenset[Direction]({"outbound"})), Coverage.FILTERED),
        (Filters(extensions=("300",)), Coverage.FILTERED),
        (Filters(since=BEGAN + timedelta(hours=1)), Coverage.TOO_OLD),
    ],
)
def test_what_the_filters_leave_out_is_said_so(room: Room, vault: Vault, wanted: Filters, cause: Coverage) -> None:
    with room.engine.begin() as db:
        settings = pbxs.PbxSettings(
            name="Office", host="192.0.2.1", port=1, username="a", password=None, filters=wanted
        )
        pbxs.change(db, room.pbx_id, settings, vault, NOW)
    room.take(leg(recordingfile=f"{stem()}.wav"))
    assert gap(room) is cause


def test_one_usable_recording_of_several_is_enough(room: Room) -> None:
    first, second = room.record(stem(), stem("7", after_s=70))
    room.take(leg(), leg(65, uniqueid=f"{stem('7', after_s=70).rpartition('-')[2]}", sequence=2))
    room.set_state(first, CallState.NO_AUDIO)
    room.set_state(second, CallState.DONE)
    room.mend()
    assert (report(room).total.usable, report(room).total.missing) == (1, 0)


def test_the_figures_are_by_extension_queue_and_day_the_worst_first(room: Room) -> None:
    queue = {"lastapp": "Queue", "lastdata": "600,t", "dst": "600", "dstchannel": "Local/202@from-queue-1;1"}
    room.take(
        leg(),
        other_call(timedelta(minutes=1), **queue),
        other_call(timedelta(minutes=2), **queue),
        other_call(timedelta(hours=13, minutes=30), dstchannel="PJSIP/provider-9"),
    )
    found = report(room)
    assert [(each.name, each.missing) for each in found.by_extension] == [("202", 2), ("201", 1), (NOBODY, 1)]
    assert [(each.name, each.missing) for each in found.by_queue] == [("600", 2)]
    # 23:30 UTC is the next day on a PBX an hour ahead.
    assert [(each.name, each.answered) for each in found.by_day] == [("2026-11-23", 3), ("2026-11-24", 1)]


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"extension": "201"}, 1),
        ({"extension": NOBODY}, 1),
        ({"queue": "600"}, 0),
        ({"cause": Coverage.NOT_RECORDED}, 2),
        ({"cause": Coverage.NOT_ON_PBX}, 0),
        ({"until": BEGAN}, 0),
        ({"since": BEGAN + timedelta(seconds=1)}, 1),
    ],
)
def test_each_figure_opens_its_calls(room: Room, asked: dict[str, object], count: int) -> None:
    room.take(leg(), other_call(timedelta(minutes=5), dstchannel="PJSIP/provider-9"))
    wanted = Asked(**({"since": WEEK.since, "until": WEEK.until} | asked))  # type: ignore[arg-type]
    with room.engine.connect() as db:
        assert len(list(coverage.gaps(db, wanted))) == count
