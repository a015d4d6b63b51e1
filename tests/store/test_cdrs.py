from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from aftercall.model import CallState, Direction
from aftercall.pbx import names
from aftercall.pbx.cdr_rows import CdrRow
from aftercall.recordings.filters import Filters
from aftercall.store import calls, cdrs, pbxs
from aftercall.store.calls import CallDetail, CallRow, NewCall
from aftercall.store.vault import Vault

BEGAN = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
EPOCH = int(BEGAN.timestamp())
#: Long after everything.
NOW = BEGAN + timedelta(hours=2)
TRUNK = "PJSIP/provider-1"


def stem(number: str = "1", *, kind: str = "external-201-7175550123", after_s: int = 0) -> str:
    at = BEGAN + timedelta(seconds=after_s, hours=1)
    return f"{kind}-{at:%Y%m%d-%H%M%S}-{EPOCH + after_s}.{number}"


def leg(after_s: int = 0, **columns: object) -> CdrRow:
    """A row of an answered call from outside on a PBX an hour ahead of UTC."""
    plain = CdrRow(
        calldate=(BEGAN + timedelta(seconds=after_s, hours=1)).replace(tzinfo=None),
        src="7175550123", cnum="7175550123", cnam="Ada Example", dst="201", dcontext="from-did-direct", channel=TRUNK,
        dstchannel="PJSIP/201-2", lastapp="Dial", duration=65, billsec=60, disposition="ANSWERED", did="7175550100",
        uniqueid=f"{EPOCH}.1", linkedid=f"{EPOCH}.1", sequence=1,
    )  # fmt: skip
    return replace(plain, **columns)  # type: ignore[arg-type]


def other_call(after: timedelta, **columns: object) -> CdrRow:
    """A row of another call."""
    after_s = int(after.total_seconds())
    identity = f"{EPOCH + after_s}.9"
    return leg(after_s, uniqueid=identity, linkedid=identity, **columns)


MISSED = {"disposition": "NO ANSWER", "billsec": 0, "duration": 20}
BACK = {
    "channel": "PJSIP/201-5", "dstchannel": TRUNK, "src": "201", "cnum": "201", "cnam": "", "did": "",
    "dst": "97175550123", "dcontext": "from-internal",
}  # fmt: skip


class Room:
    """One PBX's calls, as the tests change and look at them."""

    def __init__(self, engine: sa.Engine, pbx_id: str) -> None:
        self.engine, self.pbx_id = engine, pbx_id

    def take(self, *rows: CdrRow, now: datetime = NOW) -> list[str]:
        with self.engine.begin() as db:
            return cdrs.take(db, self.pbx_id, rows, now)

    def record(self, *stems: str, folder: str = "2026/11/23/", now: datetime = NOW) -> list[str]:
        """New recordings come into the list."""
        found = [names.parse(f"{folder}{each}") for each in stems]
        ids = [calls.call_id(self.pbx_id, each.name) for each in found]
        with self.engine.begin() as db:
            calls.add_found(
                db,
                [
                    NewCall(pbx_id=self.pbx_id, name=each, listed_format="wav", first_seen_at=now, sync_id=None)
                    for each in found
                ],
            )
            cdrs.join_new(db, self.pbx_id, ids, now)
        return ids

    def mend(self, now: datetime = NOW) -> None:
        with self.engine.begin() as db:
            cdrs.join_left_over(db, self.pbx_id, now)

    def set_state(self, call_id: str, state: CallState) -> None:
        with self.engine.begin() as db:
            calls.set_state(db, call_id, state, NOW)

    def rows(self, **wanted: str) -> Sequence[CallRow]:
        with self.engine.connect() as db:
            return calls.page(db, calls.CallFilter(**wanted)).rows  # type: ignore[arg-type]

    @property
    def only(self) -> CallRow:
        (row,) = self.rows()
        return row

    def detail(self, call_id: str) -> CallDetail:
        with self.engine.connect() as db:
            found = calls.detail(db, call_id)
        assert found is not None
        return found


@pytest.fixture
def room(engine: sa.Engine, pbx_id: str) -> Room:
    return Room(engine, pbx_id)


def test_a_recording_gets_what_the_records_tell_whichever_came_first(engine: sa.Engine, vault: Vault) -> None:
    seen = []
    for name, first in (("A", "record"), ("B", "rows")):
        with engine.begin() as db:
            settings = pbxs.PbxSettings(name=name, host="192.0.2.1", port=1, username="a", password="b")
            room = Room(engine, pbxs.add(db, settings, vault, NOW))
        steps = [lambda room=room: room.record(stem()), lambda room=room: room.take(leg(recordingfile=f"{stem()}.wav"))]
        for step in steps if first == "record" else reversed(steps):
            step()
        (row,) = room.rows(pbx_id=room.pbx_id)
        seen.append((row.state, row.caller_name, row.did, row.extension, row.disposition, row.ring_s, row.talk_s))
    assert seen == [(CallState.FOUND, "Ada Example", "7175550100", "201", "answered", 5, 60)] * 2


def test_an_unanswered_call_is_in_the_list_although_nothing_was_recorded(room: Room) -> None:
    room.take(leg(**MISSED))
    row = room.only
    assert (row.state, row.disposition, row.recording) == (CallState.NO_RECORDING, "missed", None)
    assert (row.caller, row.caller_name, row.started_at) == ("7175550123", "Ada Example", BEGAN)
    assert (row.direction, row.ring_s, row.utc_offset_min) == ("inbound", 20, 60)
    assert [each.id for each in room.rows(disposition="missed")] == [row.id]
    assert room.rows(disposition="answered") == ()


def test_reading_the_same_rows_again_doubles_and_moves_nothing(room: Room) -> None:
    rows = [leg(**MISSED), other_call(timedelta(minutes=5))]
    assert len(room.take(*rows)) == 2
    before = room.rows()
    assert room.take(*rows, now=NOW + timedelta(minutes=1)) == []
    assert room.rows() == before


def test_rows_that_come_later_change_the_call(room: Room) -> None:
    room.take(leg(**MISSED))
    room.take(leg(20, dst="202", dstchannel="PJSIP/202-3", sequence=2))
    row = room.only
    assert (row.disposition, row.extension, row.answered_at) == ("answered", "202", BEGAN + timedelta(seconds=25))


def test_a_row_that_is_changed_on_the_pbx_is_changed_here(room: Room) -> None:
    room.take(leg())
    room.take(leg(cnam="Ada Lovelace"))
    assert room.only.caller_name == "Ada Lovelace"


def test_a_call_without_a_recording_gives_way_to_its_recording(room: Room) -> None:
    room.take(leg(recordingfile=f"{stem()}.wav"))
    assert room.only.state is CallState.NO_RECORDING
    (call_id,) = room.record(stem())
    assert (room.only.id, room.only.state, room.only.disposition) == (call_id, CallState.FOUND, "answered")


def test_a_recording_that_no_row_names_is_found_by_its_uniqueid(room: Room) -> None:
    room.take(leg())
    room.record(stem())
    assert (room.only.caller_name, room.only.state) == ("Ada Example", CallState.FOUND)


@pytest.mark.parametrize("folder", ["", "2026/11/23/", "somewhere/else/"])
def test_a_recording_is_found_by_its_name_in_whatever_folder_it_lies(room: Room, folder: str) -> None:
    odd = "out-of-the-ordinary"
    room.take(leg(recordingfile=f"{odd}.wav"))
    room.record(odd, folder=folder)
    assert (room.only.caller_name, room.only.disposition) == ("Ada Example", "answered")
    room.take(leg(recordingfile=f"{odd}.wav", cnam="Ada Lovelace"))
    assert room.only.caller_name == "Ada Lovelace"


def test_several_recordings_of_one_call_are_one_line_in_the_list(room: Room) -> None:
    first, second = stem(), stem("7", kind="external-202-7175550123", after_s=70)
    ids = room.record(second, first)
    room.take(leg(), leg(65, dst="202", dstchannel="PJSIP/202-3", uniqueid=f"{EPOCH + 70}.7", sequence=2))
    assert room.only.id == ids[1]
    assert room.detail(ids[0]).row.main_id == ids[1]


def test_a_further_recording_that_comes_later_goes_under_the_first(room: Room) -> None:
    (first,) = room.record(stem())
    room.take(leg(), leg(65, uniqueid=f"{EPOCH + 70}.7", sequence=2))
    (second,) = room.record(stem("7", after_s=70))
    assert room.only.id == first
    assert room.detail(second).row.main_id == first


def test_an_empty_recording_gives_its_place_to_one_with_sound(room: Room) -> None:
    first, second = room.record(stem(), stem("7", after_s=70))
    room.take(leg(), leg(65, uniqueid=f"{EPOCH + 70}.7", sequence=2))
    assert room.only.id == first
    room.set_state(first, CallState.NO_AUDIO)
    room.mend()
    assert room.only.id == second
    assert room.only.caller_name == "Ada Example"
    assert room.detail(first).row.main_id == second


def test_what_events_told_to_the_millisecond_is_kept(room: Room) -> None:
    (call_id,) = room.record(stem())
    heard = BEGAN + timedelta(seconds=5.25)
    with room.engine.begin() as db:
        calls.record_facts(db, call_id, NOW, answered_at=heard, ring_s=5.25, context="from-did", disposition="answered")
    room.take(leg())
    assert (room.only.answered_at, room.only.ring_s, room.only.talk_s) == (heard, 5.25, 60)


def test_the_direction_of_the_name_stays_unless_it_told_none(room: Room) -> None:
    room.record(stem(kind="internal-201-202"))
    room.take(leg())
    assert room.only.direction == "internal"
    room.record(stem("9", kind="ondemand-x-y", after_s=300))
    room.take(other_call(timedelta(seconds=300)))
    assert {row.direction for row in room.rows()} == {"internal", "inbound"}


def test_a_call_that_has_just_ended_waits_for_its_recording(room: Room) -> None:
    soon = BEGAN + timedelta(minutes=3)
    room.take(leg(recordingfile=f"{stem()}.wav"), now=soon)
    assert room.rows() == ()
    room.mend(soon + cdrs.GRACE)
    assert room.only.state is CallState.NO_RECORDING


def test_a_missed_call_and_one_that_was_not_to_be_recorded_show_at_once(room: Room) -> None:
    room.take(
        leg(**MISSED, recordingfile=f"{stem()}.wav"), other_call(timedelta(seconds=9)), now=BEGAN + timedelta(minutes=2)
    )
    assert [row.disposition for row in room.rows()] == ["answered", "missed"]


@pytest.mark.parametrize(
    "wanted", [Filters(directions=frozenset[Direction]({"outbound"})), Filters(since=BEGAN + timedelta(days=1))]
)
def test_what_the_filters_leave_out_is_not_shown_without_its_recording(
    room: Room, vault: Vault, wanted: Filters
) -> None:
    with room.engine.begin() as db:
        settings = pbxs.PbxSettings(
            name="Office", host="192.0.2.1", port=1, username="a", password=None, filters=wanted
        )
        pbxs.change(db, room.pbx_id, settings, vault, NOW)
    room.take(leg(**MISSED))
    assert room.rows() == ()


def test_a_missed_caller_who_was_called_back_is_marked(room: Room) -> None:
    room.take(leg(**MISSED))
    assert room.only.called_back_id is None
    room.take(other_call(timedelta(minutes=30), **BACK))
    back, missed = room.rows()
    assert (back.direction, missed.called_back_id) == ("outbound", back.id)


def test_a_caller_who_tries_again_and_gets_through_counts_as_called_back(room: Room) -> None:
    room.take(other_call(timedelta(minutes=3), cnum="+1 717 555 0123"), leg(**MISSED))
    through, missed = room.rows()
    assert missed.called_back_id == through.id


def test_rows_of_the_past_that_come_later_find_the_first_call_back(room: Room) -> None:
    room.take(other_call(timedelta(hours=1), **BACK))
    room.take(other_call(timedelta(minutes=30), **BACK))
    room.take(leg(**MISSED))
    _, first, missed = room.rows()
    assert missed.called_back_id == first.id


def test_a_call_back_that_nobody_answers_is_none(room: Room) -> None:
    room.take(leg(**MISSED), other_call(timedelta(minutes=30), **(BACK | MISSED)))
    assert [row.called_back_id for row in room.rows()] == [None, None]


def test_a_call_back_keeps_its_mark_when_its_recording_comes(room: Room) -> None:
    room.take(leg(**MISSED), other_call(timedelta(minutes=30), **BACK))
    (recorded,) = room.record(stem("9", kind="out-97175550123-201", after_s=1800))
    back, missed = room.rows()
    assert (back.id, missed.called_back_id) == (recorded, recorded)


def test_the_calls_of_another_pbx_have_nothing_to_do_with_it(room: Room, vault: Vault) -> None:
    with room.engine.begin() as db:
        settings = pbxs.PbxSettings(name="Branch", host="192.0.2.1", port=1, username="a", password="b")
        branch = Room(room.engine, pbxs.add(db, settings, vault, NOW))
    branch.record(stem())
    room.take(leg(**MISSED))
    branch.take(other_call(timedelta(minutes=30), **BACK))
    assert [row.called_back_id for row in room.rows(pbx_id=room.pbx_id)] == [None]
    assert {row.caller_name for row in room.rows(pbx_id=branch.pbx_id)} == {None}


def test_removing_a_pbx_with_its_calls_removes_its_records(room: Room) -> None:
    room.take(leg())
    with room.engine.begin() as db:
        pbxs.remove_with_calls(db, room.pbx_id)
        assert cdrs.told_of(db, room.pbx_id, f"{EPOCH}.1") is None


def test_the_legs_of_a_call_can_be_read_again(room: Room) -> None:
    room.take(leg())
    with room.engine.connect() as db:
        told = cdrs.told_of(db, room.pbx_id, f"{EPOCH}.1")
    assert told is not None
    assert [(each.extension, each.outcome, each.talk_s) for each in told.legs] == [("201", "answered", 60)]


def test_a_call_whose_ids_hold_no_epoch_keeps_its_start(room: Room) -> None:
    with room.engine.begin() as db:
        cdrs.take(db, room.pbx_id, [leg(uniqueid="a-1", linkedid="a-1")], NOW, usual_offset_min=60)
        told = cdrs.told_of(db, room.pbx_id, "a-1")
    assert told is not None
    assert told.started_at == room.only.started_at == BEGAN
