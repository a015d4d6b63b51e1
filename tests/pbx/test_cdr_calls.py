"""Calls told from call detail records: the strange ones, as tables of rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.pbx.cdr_calls import CdrCall, CdrRow, calls, recording_stem

#: 15:00:00 on a PBX at UTC-5.
BEGAN = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
EPOCH = int(BEGAN.timestamp())
LOCAL = datetime(2026, 11, 23, 15, 0)


def row(after_s: int = 0, **columns: Any) -> CdrRow:
    usual: dict[str, Any] = {
        "calldate": LOCAL + timedelta(seconds=after_s),
        "src": "5550101",
        "cnum": "5550101",
        "cnam": "Ada Example",
        "dst": "200",
        "dcontext": "from-did-direct",
        "channel": "PJSIP/trunk-00000001",
        "lastapp": "Dial",
        "disposition": "ANSWERED",
        "uniqueid": f"{EPOCH}.1",
        "linkedid": f"{EPOCH}.1",
        "sequence": after_s,
        "did": "5550100",
    }
    return CdrRow(**usual | columns)


def one(*rows: CdrRow) -> CdrCall:
    (call,) = calls(rows)
    return call


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_an_answered_call_from_outside() -> None:
    call = one(
        row(dstchannel="PJSIP/200-00000002", duration=65, billsec=60,
            recordingfile=f"external-200-5550101-20261123-150000-{EPOCH}.1.wav")
    )  # fmt: skip
    assert (call.direction, call.disposition, call.extension) == ("inbound", "answered", "200")
    assert (call.caller, call.caller_name, call.did) == ("5550101", "Ada Example", "5550100")
    assert (call.started_at, call.answered_at, call.hung_up_at) == (BEGAN, at(5), at(65))
    assert (call.ring_s, call.talk_s, call.utc_offset_min) == (5, 60, -300)
    assert call.stems == (f"external-200-5550101-20261123-150000-{EPOCH}.1",)


def test_a_call_that_rings_out_is_missed() -> None:
    call = one(row(dstchannel="PJSIP/200-00000002", duration=20, disposition="NO ANSWER"))
    assert (call.disposition, call.answered_at, call.ring_s, call.talk_s) == ("missed", None, 20, 0)
    assert call.extension == "200"


def test_an_outbound_call_belongs_to_the_extension_that_made_it() -> None:
    call = one(
        row(src="201", cnum="201", cnam="Ben", dst="5550199", did="", dcontext="from-internal",
            channel="PJSIP/201-00000003", dstchannel="PJSIP/trunk-00000004", duration=33, billsec=30)
    )  # fmt: skip
    assert (call.direction, call.caller, call.callee, call.extension) == ("outbound", "201", "5550199", "201")


def test_an_internal_call() -> None:
    call = one(
        row(src="201", cnum="201", dst="202", did="", dcontext="from-internal", channel="PJSIP/201-1",
            dstchannel="PJSIP/202-2", duration=10, billsec=8)
    )  # fmt: skip
    assert (call.direction, call.extension) == ("internal", "202")


def test_a_queue_in_which_ten_phones_ring_and_one_answers() -> None:
    ringing = [
        row(2, dstchannel=f"Local/{200 + agent}@from-queue-0000000{agent};1", lastapp="Queue", lastdata="600,t,,,300",
            dst="600", dcontext="ext-queues", duration=9, disposition="NO ANSWER", sequence=agent)
        for agent in range(1, 10)
    ]  # fmt: skip
    answered = row(
        2, dstchannel="Local/210@from-queue-0000000a;1", lastapp="Queue", lastdata="600,t,,,300", dst="600",
        dcontext="ext-queues", duration=98, billsec=90, sequence=10,
    )  # fmt: skip
    call = one(*ringing, answered)
    assert (call.disposition, call.queue_or_group, call.extension) == ("answered", "600", "210")
    assert (call.answered_at, call.talk_s) == (at(10), 90)
    assert len(call.legs) == 10
    assert sum(leg.disposition == "answered" for leg in call.legs) == 1


def test_a_caller_who_leaves_a_queue_is_missed_although_the_queue_answered() -> None:
    call = one(row(lastapp="Queue", lastdata="600,t", dst="600", dcontext="ext-queues", duration=45, billsec=45))
    assert (call.disposition, call.queue_or_group, call.extension, call.talk_s) == ("missed", "600", None, 0)


def test_a_ring_group_of_which_one_answers() -> None:
    legs = [
        row(0, dstchannel=f"PJSIP/{extension}-1", dst="601", dcontext="ext-group", duration=12, sequence=extension,
            disposition="NO ANSWER")
        for extension in (201, 202)
    ]  # fmt: skip
    taken = row(0, dstchannel="PJSIP/203-1", dst="601", dcontext="ext-group", duration=50, billsec=38, sequence=203)
    call = one(*legs, taken)
    assert (call.disposition, call.queue_or_group, call.extension) == ("answered", "601", "203")


@pytest.mark.parametrize("columns", [{"lastapp": "VoiceMail", "dst": "200"}, {"dst": "vmu200", "lastapp": "Dial"}])
def test_a_mailbox_is_no_person(columns: dict[str, str]) -> None:
    rang = row(dstchannel="PJSIP/200-2", duration=15, disposition="NO ANSWER")
    spoken = row(15, duration=20, billsec=20, **columns)
    call = one(rang, spoken)
    assert (call.disposition, call.answered_at, call.talk_s) == ("voicemail", None, 0)


@pytest.mark.parametrize("app", ["Playback", "BackGround", "WaitExten"])
def test_a_menu_that_answers_and_a_caller_who_hangs_up_in_it_is_a_missed_call(app: str) -> None:
    call = one(row(dst="s", dcontext="ivr-1", lastapp=app, duration=25, billsec=25))
    assert (call.disposition, call.answered_at) == ("missed", None)


def test_a_blind_transfer_is_one_call_with_two_talks() -> None:
    first = row(0, dstchannel="PJSIP/200-2", duration=40, billsec=35)
    second = row(
        40, dst="203", dcontext="from-internal-xfer", dstchannel="PJSIP/203-3", duration=65, billsec=60, did=""
    )
    call = one(first, second)
    assert (call.answered_at, call.hung_up_at) == (at(5), at(105))
    assert (call.extension, call.transferred_to) == ("203", ("203",))


def test_an_attended_transfer_has_the_consultation_among_its_legs() -> None:
    first = row(0, dstchannel="PJSIP/200-2", duration=40, billsec=35)
    consulted = row(30, src="200", cnum="200", channel="PJSIP/200-5", uniqueid=f"{EPOCH + 30}.5", dst="204", did="",
                    dcontext="from-internal", dstchannel="PJSIP/204-6", duration=20, billsec=15)  # fmt: skip
    call = one(first, consulted)
    assert (call.direction, call.transferred_to) == ("inbound", ("204",))
    assert call.uniqueids == (f"{EPOCH}.1", f"{EPOCH + 30}.5")


def test_a_parked_call_that_is_picked_up_goes_on_as_the_same_call() -> None:
    first = row(0, dstchannel="PJSIP/200-2", duration=30, billsec=25)
    parked = row(30, dst="71", dcontext="parkedcalls", lastapp="Park", duration=60, billsec=60)
    taken = row(90, dst="71", dcontext="from-internal", dstchannel="PJSIP/202-9", lastapp="ParkedCall", duration=40,
                billsec=40)  # fmt: skip
    call = one(first, parked, taken)
    assert (call.disposition, call.hung_up_at, call.transferred_to) == ("answered", at(130), ("202",))


@pytest.mark.parametrize(("said", "told"), [("BUSY", "busy"), ("FAILED", "failed"), ("CONGESTION", "failed")])
def test_a_line_that_is_busy_or_fails(said: str, told: str) -> None:
    call = one(row(dstchannel="PJSIP/200-2", duration=3, disposition=said))
    assert call.disposition == told


def test_several_recordings_of_one_call_are_named_in_order_and_once() -> None:
    call = one(
        row(0, dstchannel="PJSIP/200-2", billsec=9, duration=9, recordingfile="q-600-5550101-20261123-150000-1.1.wav"),
        row(0, sequence=2, recordingfile="q-600-5550101-20261123-150000-1.1.wav"),
        row(
            9,
            dstchannel="PJSIP/201-2",
            billsec=9,
            duration=9,
            recordingfile="external-201-5550101-20261123-150009-1.7.WAV",
        ),
    )
    assert call.stems == ("q-600-5550101-20261123-150000-1.1", "external-201-5550101-20261123-150009-1.7")


@pytest.mark.parametrize(
    ("named", "stem"),
    [
        ("out-5550199-201-20261123-150000-1795464000.4.wav", "out-5550199-201-20261123-150000-1795464000.4"),
        (
            "/var/spool/asterisk/monitor/2026/11/23/q-1-2-20261123-150000-1795464000.4.WAV",
            "q-1-2-20261123-150000-1795464000.4",
        ),
        ("out-5550199-201-20261123-150000-1795464000.4", "out-5550199-201-20261123-150000-1795464000.4"),
        ("", ""),
    ],
)
def test_the_stem_of_a_recording_is_its_name_without_folder_and_format(named: str, stem: str) -> None:
    assert recording_stem(named) == stem


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"cnam": "Ada Example"}, "Ada Example"),
        ({"cnam": "5550101"}, None),
        ({"cnam": "", "clid": '"Ben Example" <5550101>'}, "Ben Example"),
        ({"cnam": "", "clid": '"" <5550101>'}, None),
        ({"cnam": "unknown"}, None),
        ({"cnam": "+1 (555) 0101"}, None),
    ],
)
def test_a_number_is_no_name(columns: dict[str, str], name: str | None) -> None:
    assert one(row(dstchannel="PJSIP/200-1", duration=1, **columns)).caller_name == name


def test_a_table_in_utc_tells_the_same_time() -> None:
    utc = row(dstchannel="PJSIP/200-2", duration=65, billsec=60, calldate=BEGAN.replace(tzinfo=None))
    assert (one(utc).started_at, one(utc).utc_offset_min) == (BEGAN, 0)


def test_without_a_linkedid_each_leg_is_a_call_of_its_own() -> None:
    found = calls([row(linkedid=""), row(5, linkedid="", uniqueid=f"{EPOCH + 5}.2")])
    assert [call.linkedid for call in found] == [f"{EPOCH}.1", f"{EPOCH + 5}.2"]


def test_the_same_rows_in_any_order_and_twice_are_the_same_calls() -> None:
    rows = [
        row(0, dstchannel="PJSIP/200-2", duration=40, billsec=35),
        row(40, dst="203", dstchannel="PJSIP/203-3", duration=65, billsec=60),
        row(100, linkedid="9.9", uniqueid="9.9"),
    ]
    assert calls(reversed(rows)) == calls([*rows, *rows]) == calls(rows)


_texts = st.text(max_size=20)


@given(
    st.lists(
        st.builds(
            CdrRow,
            calldate=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
            clid=_texts, src=_texts, dst=_texts, dcontext=_texts, channel=_texts, dstchannel=_texts, lastapp=_texts,
            lastdata=_texts, duration=st.integers(0, 10**6), billsec=st.integers(0, 10**6), disposition=_texts,
            uniqueid=_texts, linkedid=st.sampled_from(["a", "b"]), did=_texts, recordingfile=_texts, cnum=_texts,
            cnam=_texts,
        ),
        max_size=6,
    )
)  # fmt: skip
def test_whatever_stands_in_the_rows_each_linkedid_is_one_call(rows: list[CdrRow]) -> None:
    found = calls(rows)
    assert {call.linkedid for call in found} == {row.linkedid for row in rows}
    assert all(call.started_at <= call.hung_up_at for call in found)
