"""Strange calls as tables: one row a line, as a FreePBX leaves them, the numbers invented.

Times are seconds after 10:00:00 on the PBX's clock, which is an hour ahead of UTC.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.pbx.cdr_calls import CdrCall, build, group
from aftercall.pbx.cdr_rows import CdrRow, read_row

BORN = 1795424400
START = datetime.fromtimestamp(BORN, UTC)
OUTSIDE = "7175550123"
TRUNK = "PJSIP/provider-0000002a"


def rows(table: str, **every: str) -> list[CdrRow]:
    """A table as rows: at, dst, dcontext, channel, dstchannel, lastapp, lastdata, duration, billsec, disposition,
    sequence, number of the channel, and whatever else as name=value; `-` is empty.
    """
    found = []
    for line in table.strip().splitlines():
        at, dst, context, channel, dstchannel, app, data, duration, billsec, disposition, seq, unique, *more = (
            "" if word == "-" else word.replace("NO_ANSWER", "NO ANSWER") for word in line.split()
        )
        values = {
            "calldate": (START + timedelta(hours=1, seconds=int(at))).replace(tzinfo=None),
            "dst": dst, "dcontext": context, "channel": channel, "dstchannel": dstchannel, "lastapp": app,
            "lastdata": data, "duration": duration, "billsec": billsec, "disposition": disposition, "sequence": seq,
            "uniqueid": f"{BORN if unique == '1' else BORN + int(at)}.{unique}",
            "linkedid": f"{BORN}.1", "src": OUTSIDE, "cnum": OUTSIDE, "cnam": "Ada Example",
            "clid": f'"Ada Example" <{OUTSIDE}>',
        } | every | dict(word.split("=", 1) for word in more)  # fmt: skip
        row = read_row(values)
        assert row is not None
        found.append(row)
    return found


def call(table: str, **every: str) -> CdrCall:
    return build(rows(table, **every))


INBOUND = f"0 201 from-did-direct {TRUNK} PJSIP/201-0000002b Dial PJSIP/201 65 60 ANSWERED 1 1 did=7175550100"


def test_an_answered_call_from_outside() -> None:
    made = call(INBOUND, recordingfile="external-201-7175550123-20261123-110000-1795424400.1.wav")
    assert (made.direction, made.disposition) == ("inbound", "answered")
    assert (made.caller, made.caller_name) == (OUTSIDE, "Ada Example")
    assert (made.did, made.extension, made.callee) == ("7175550100", "201", "201")
    assert made.started_at == START
    assert made.answered_at == START + timedelta(seconds=5)
    assert made.hung_up_at == START + timedelta(seconds=65)
    assert (made.ring_s, made.talk_s) == (5, 60)
    assert made.stems == ("external-201-7175550123-20261123-110000-1795424400.1",)
    assert made.table_offset_min == 60


def test_an_outbound_call_belongs_to_the_extension_that_made_it() -> None:
    made = call(
        f"0 7175550123 from-internal PJSIP/200-00000001 {TRUNK} Dial - 40 30 ANSWERED 1 1",
        src="200", cnum="200", cnam="Reception", clid='"Reception" <200>',
    )  # fmt: skip
    assert (made.direction, made.disposition, made.extension) == ("outbound", "answered", "200")
    assert (made.caller, made.caller_name, made.callee) == ("200", "Reception", "7175550123")
    assert made.outside_number == "7175550123"


def test_an_internal_call() -> None:
    made = call(
        "0 201 from-internal PJSIP/200-00000001 PJSIP/201-00000002 Dial - 20 15 ANSWERED 1 1 dst_cnam=Workshop",
        src="200", cnum="200", cnam="Reception",
    )  # fmt: skip
    assert (made.direction, made.disposition) == ("internal", "answered")
    assert (made.caller, made.callee, made.callee_name, made.extension) == ("200", "201", "Workshop", "201")
    assert made.outside_number is None


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [("BUSY", "busy"), ("NO_ANSWER", "missed"), ("FAILED", "failed"), ("CONGESTION", "failed")],
)
def test_an_outbound_call_that_nobody_took_says_why(disposition: str, expected: str) -> None:
    made = call(f"0 7175550123 from-internal PJSIP/200-1 {TRUNK} Dial - 8 0 {disposition} 1 1", cnum="200", src="200")
    assert (made.direction, made.disposition, made.answered_at, made.talk_s) == ("outbound", expected, None, 0)
    assert made.ring_s == 8


def test_all_circuits_busy_is_a_failed_call_although_a_machine_said_so() -> None:
    machine = "0 7175550123 from-internal PJSIP/200-1 - Playback all-circuits 6 6 ANSWERED 1 1"
    made = call(machine, cnum="200", src="200")
    assert (made.direction, made.disposition) == ("outbound", "failed")


def test_a_blind_transfer_is_one_call_with_the_agent_who_talked_longest() -> None:
    made = call(
        f"""
        0  201 from-did-direct    {TRUNK} PJSIP/201-2b Dial - 30  25 ANSWERED 1 1 did=7175550100
        30 202 from-internal-xfer {TRUNK} PJSIP/202-2c Dial - 130 120 ANSWERED 3 1 did=7175550100
        """
    )
    assert (made.disposition, made.extension) == ("answered", "202")
    assert [(each.kind, each.to, each.at - START) for each in made.transfers] == [
        ("blind", "202", timedelta(seconds=30))
    ]
    assert made.answered_at == START + timedelta(seconds=5)
    assert (made.talk_s, len(made.legs)) == (155, 2)


def test_an_attended_transfer_is_told_by_the_agent_who_dialled_on() -> None:
    made = call(
        f"""
        0  201 from-did-direct {TRUNK}      PJSIP/201-2b Dial - 90  85 ANSWERED 1 1 did=7175550100
        40 202 from-internal   PJSIP/201-2d PJSIP/202-2e Dial - 30  25 ANSWERED 2 3
        90 202 from-internal   {TRUNK}      PJSIP/202-2e Dial - 60  60 ANSWERED 4 1
        """
    )
    assert [(each.kind, each.to) for each in made.transfers] == [("attended", "202")]
    assert (made.direction, made.disposition, made.extension) == ("inbound", "answered", "201")
    assert made.hung_up_at == START + timedelta(seconds=150)


def queue(answered_by: int | None) -> str:
    """A queue that rings ten phones; FreePBX rings them as local channels, and each phone has a row of its own."""
    lines = []
    for agent in range(201, 211):
        is_hit = agent == answered_by
        said = "110 90 ANSWERED" if is_hit else "20 0 NO_ANSWER"
        own = "105 90 ANSWERED" if is_hit else "15 0 NO_ANSWER"
        lines += [
            f"0 600 ext-queues {TRUNK} Local/{agent}@from-queue-{agent};1 Queue 600,t {said} {agent} 1 did=7175550100",
            f"5 {agent} ext-local Local/{agent}@from-queue-{agent};2 PJSIP/{agent}-9 Dial - {own} {agent + 20} {agent}",
        ]
    return "\n".join(lines)


def test_a_queue_with_ten_ringing_agents_is_one_call_of_the_agent_who_answered() -> None:
    made = call(queue(answered_by=207))
    assert (made.disposition, made.extension, made.queue_or_group) == ("answered", "207", "600")
    assert made.answered_at == START + timedelta(seconds=20)
    assert (made.ring_s, made.talk_s, len(made.legs)) == (20, 90, 20)
    assert made.transfers == ()


def test_a_caller_who_leaves_the_queue_is_one_missed_call_of_nobody() -> None:
    abandoned = f"0 600 ext-queues {TRUNK} - Queue 600,t 20 20 ANSWERED 300 1 did=7175550100"
    made = call(f"{queue(answered_by=None)}\n{abandoned}")
    assert (made.direction, made.disposition, made.extension) == ("inbound", "missed", None)
    assert (made.queue_or_group, made.answered_at, made.ring_s) == ("600", None, 20)


def test_a_ring_group_is_named_by_its_number() -> None:
    made = call(
        f"""
        0 700 ext-group {TRUNK} PJSIP/201-2b Dial - 12 0 NO_ANSWER 1 1 did=7175550100
        0 700 ext-group {TRUNK} PJSIP/202-2c Dial - 62 50 ANSWERED  2 1 did=7175550100
        0 700 ext-group {TRUNK} PJSIP/203-2d Dial - 12 0 NO_ANSWER 3 1 did=7175550100
        """
    )
    assert (made.disposition, made.queue_or_group, made.extension) == ("answered", "700", "202")


def test_a_call_that_ends_in_the_mailbox_was_not_answered() -> None:
    made = call(
        f"""
        0  201    from-did-direct {TRUNK} PJSIP/201-2b Dial      -         20 0  NO_ANSWER 1 1 did=7175550100
        20 vmu201 ext-local       {TRUNK} -            VoiceMail 201,u     35 35 ANSWERED  2 1 did=7175550100
        """
    )
    assert (made.disposition, made.answered_at, made.extension) == ("voicemail", None, "201")


def test_a_queue_member_whose_mailbox_answers_has_not_answered() -> None:
    made = call(
        f"""
        0 600    ext-queues {TRUNK} Local/201@from-queue-1;1 Queue 600  40 30 ANSWERED 1 1 did=7175550100
        9 vmu201 ext-local  Local/201@from-queue-1;2 -                 VoiceMail 201  31 30 ANSWERED 2 2
        """
    )
    assert made.disposition == "voicemail"


def test_a_caller_who_hangs_up_in_the_menu_is_missed_although_asterisk_says_answered() -> None:
    made = call(f"0 s ivr-1 {TRUNK} - BackGround menu 14 14 ANSWERED 1 1 did=7175550100")
    assert (made.direction, made.disposition, made.answered_at, made.callee) == (
        "inbound", "missed", None, "7175550100",
    )  # fmt: skip


def test_a_parked_call_that_another_phone_picks_up_stays_one_answered_call() -> None:
    made = call(
        f"""
        0  201 from-did-direct {TRUNK}      PJSIP/201-2b Dial       -  20 15 ANSWERED 1 1 did=7175550100
        20 70  park-dial       {TRUNK}      -            Park       70 40 40 ANSWERED 2 1 did=7175550100
        55 71  from-internal   PJSIP/202-2d {TRUNK}      ParkedCall 71 65 60 ANSWERED 3 3
        """
    )
    assert (made.direction, made.disposition, made.extension) == ("inbound", "answered", "201")
    assert made.transfers == ()
    assert made.hung_up_at == START + timedelta(seconds=120)


def test_a_busy_phone_with_nobody_else_to_ask_is_busy() -> None:
    made = call(f"0 201 from-did-direct {TRUNK} PJSIP/201-2b Dial - 2 0 BUSY 1 1 did=7175550100")
    assert (made.direction, made.disposition) == ("inbound", "busy")


def test_a_group_of_which_one_was_busy_and_one_did_not_answer_is_missed() -> None:
    made = call(
        f"""
        0 700 ext-group {TRUNK} PJSIP/201-2b Dial - 12 0 BUSY      1 1 did=7175550100
        0 700 ext-group {TRUNK} PJSIP/202-2c Dial - 12 0 NO_ANSWER 2 1 did=7175550100
        """
    )
    assert (made.disposition, made.extension) == ("missed", None)


def test_a_mobile_that_follow_me_reached_is_a_person() -> None:
    made = call(f"0 201 from-did-direct {TRUNK} PJSIP/provider-0000002d Dial - 40 30 ANSWERED 1 1 did=7175550100")
    assert (made.direction, made.disposition, made.extension) == ("inbound", "answered", None)


def test_a_caller_in_a_conference_talks_with_people() -> None:
    made = call(f"0 800 from-did {TRUNK} - ConfBridge 800 300 300 ANSWERED 1 1 did=7175550100")
    assert made.disposition == "answered"


def test_listening_to_ones_own_mailbox_is_no_missed_call() -> None:
    made = call("0 *97 from-internal PJSIP/201-1 - VoiceMailMain 201 30 30 ANSWERED 1 1", cnum="201", src="201")
    assert (made.direction, made.disposition) == ("internal", "voicemail")


def test_a_number_in_place_of_the_name_is_no_name() -> None:
    assert call(INBOUND, cnam=OUTSIDE, clid=f'"{OUTSIDE}" <{OUTSIDE}>').caller_name is None
    assert call(INBOUND, cnam="+1 717-555-0123", clid="").caller_name is None
    assert call(INBOUND, cnam="", clid=f'"Ada Example" <{OUTSIDE}>').caller_name == "Ada Example"


def test_a_withheld_number_is_no_number() -> None:
    made = call(INBOUND, cnum="", src="", cnam="Anonymous", clid='"Anonymous" <anonymous>')
    assert (made.caller, made.caller_name, made.outside_number) == (None, None, None)


def test_without_cnum_the_number_is_in_src_and_without_that_in_clid() -> None:
    assert call(INBOUND, cnum="").caller == OUTSIDE
    assert call(INBOUND, cnum="", src="").caller == OUTSIDE


def test_a_whole_path_in_recordingfile_is_taken_apart() -> None:
    path = "/var/spool/asterisk/monitor/2026/11/23/q-600-7175550123-20261123-110000-1795424400.1.wav"
    assert call(INBOUND, recordingfile=path).stems == ("q-600-7175550123-20261123-110000-1795424400.1",)


def test_the_dot_of_the_uniqueid_is_no_file_format() -> None:
    assert call(INBOUND, recordingfile="in-1-2-20261123-110000-1795424400.1").stems == (
        "in-1-2-20261123-110000-1795424400.1",
    )


def test_several_recordings_of_one_call_are_named_in_their_order() -> None:
    first, second = INBOUND.split(" ", 1), f"65 202 from-internal-xfer {TRUNK} PJSIP/202-9 Dial - 9 8 ANSWERED 2 1"
    made = call(f"{' '.join(first)} recordingfile=a.wav\n{second} recordingfile=b.WAV\n{second} recordingfile=a.wav")
    assert made.stems == ("a", "b")


def test_a_table_kept_in_utc_gives_the_same_instants() -> None:
    local = rows(INBOUND)
    in_utc = [replace(row, calldate=row.calldate - timedelta(hours=1)) for row in local]
    assert build(in_utc).table_offset_min == 0
    assert build(in_utc).answered_at == build(local).answered_at


def test_without_an_epoch_the_usual_zone_of_the_table_places_the_call() -> None:
    made = build(rows(INBOUND, uniqueid="asterisk-77", linkedid="asterisk-77"), usual_offset_min=60)
    assert (made.started_at, made.table_offset_min) == (START, 60)


def test_a_system_name_before_the_epoch_is_read_past() -> None:
    made = build(rows(INBOUND, uniqueid=f"pbx-1-{BORN}.7", linkedid=f"pbx-1-{BORN}.7"))
    assert (made.started_at, made.table_offset_min) == (START, 60)


def test_rows_that_share_no_linkedid_are_calls_of_their_own() -> None:
    table = rows(INBOUND) + rows(INBOUND, linkedid="", uniqueid=f"{BORN + 9}.4")
    assert sorted(group(table)) == [f"{BORN}.1", f"{BORN + 9}.4"]


def test_the_order_of_the_rows_does_not_matter() -> None:
    table = rows(queue(answered_by=207))
    assert build(table) == build(list(reversed(table)))


@pytest.mark.parametrize("calldate", ["0000-00-00 00:00:00", "", "yesterday", None])
def test_a_row_without_a_time_is_no_row(calldate: str | None) -> None:
    assert read_row({"calldate": calldate, "uniqueid": "1.1"}) is None


def test_a_row_keeps_its_key_when_it_is_read_again_with_more_in_it() -> None:
    one, again = rows(INBOUND)[0], rows(INBOUND, cnam="Ada Lovelace Example")[0]
    assert one.key == again.key != rows(INBOUND, uniqueid="1795424401.9")[0].key


@pytest.mark.parametrize("columns", [{"lastapp": "VoiceMail", "dst": "200"}, {"dst": "vmu200", "lastapp": "Dial"}])
def test_a_mailbox_is_no_person_however_its_row_looks(columns: dict[str, str]) -> None:
    rang = rows(f"0 201 from-did-direct {TRUNK} PJSIP/201-2b Dial - 20 0 NO_ANSWER 1 1 did=7175550100")
    spoken = replace(rang[0], dstchannel="", disposition="ANSWERED", billsec=20, sequence=2)
    spoken = replace(spoken, **columns)  # type: ignore[arg-type]
    made = build([*rang, spoken])
    assert (made.disposition, made.talk_s) == ("voicemail", 0)


@pytest.mark.parametrize("app", ["Playback", "BackGround", "WaitExten"])
def test_no_menu_is_a_person(app: str) -> None:
    assert call(f"0 s ivr-1 {TRUNK} - {app} - 25 25 ANSWERED 1 1 did=7175550100").disposition == "missed"


_texts = st.text(max_size=20)


@given(
    st.lists(
        st.builds(
            CdrRow,
            calldate=st.datetimes(datetime(1990, 1, 2), datetime(2199, 1, 1)),
            clid=_texts, src=_texts, dst=_texts, dcontext=_texts, channel=_texts, dstchannel=_texts, lastapp=_texts,
            lastdata=_texts, duration=st.integers(0, 10**6), billsec=st.integers(0, 10**6), disposition=_texts,
            uniqueid=_texts, did=_texts, recordingfile=_texts, cnum=_texts, cnam=_texts,
        ),
        min_size=1,
        max_size=6,
    )
)  # fmt: skip
def test_whatever_stands_in_the_rows_they_make_one_call(table: list[CdrRow]) -> None:
    made = build(table)
    assert len(made.legs) == len(table)
    assert made.ring_s >= 0
    assert made.talk_s >= 0
    assert build(list(reversed(table))).disposition == made.disposition
