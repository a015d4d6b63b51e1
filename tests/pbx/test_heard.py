"""Calls told from events: the traces of a real Asterisk, and everything that only looks like one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.pbx import heard
from aftercall.pbx.heard import HeardCall, Replaced, Tracker

SPOOL = "/var/spool/asterisk"
MONITOR = f"{SPOOL}/monitor"
BORN = datetime(2026, 11, 23, 12, 47, 45, 731000, tzinfo=UTC)
NAME = "2026/11/23/external-200-5550101-20261123-124745-1795438065.1"


def at(seconds: float) -> str:
    return (BORN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def channel(
    identity: str = "1795438065.1",
    *,
    caller: tuple[str, str] = ("Ada Example", "5550101"),
    connected: tuple[str, str] = ("", ""),
    context: str = "from-trunk",
    exten: str = "5550100",
) -> dict[str, Any]:
    return {
        "id": identity,
        "name": f"PJSIP/trunk-{identity}",
        "state": "Ring",
        "caller": {"name": caller[0], "number": caller[1]},
        "connected": {"name": connected[0], "number": connected[1]},
        "dialplan": {"context": context, "exten": exten, "priority": 1},
        "creationtime": at(0),
        "language": "en",
    }


class Line:
    """Tells a tracker what happens on a PBX."""

    def __init__(self, *folders: str) -> None:
        self.tracker = Tracker(folders or [MONITOR])

    def tell(self, kind: str, seconds: float = 0, **facts: Any) -> tuple[HeardCall, ...]:
        event = {"type": kind, "timestamp": at(seconds), "asterisk_id": "02:00", "application": "x", **facts}
        return self.tracker.feed(json.dumps(event))

    def record(self, path: str = f"{MONITOR}/{NAME}.wav", **of: Any) -> tuple[HeardCall, ...]:
        return self.tell("ChannelVarset", variable="MIXMONITOR_FILENAME", value=path, channel=channel(**of))

    def destroy(
        self, seconds: float, cause: int = 16, words: str = "Normal Clearing", **of: Any
    ) -> tuple[HeardCall, ...]:
        return self.tell("ChannelDestroyed", seconds, cause=cause, cause_txt=words, channel=channel(**of))


@pytest.fixture
def line() -> Line:
    return Line()


def test_an_answered_call_is_told_at_its_start_its_answer_and_its_end(line: Line) -> None:
    assert line.tell("ChannelCreated", channel=channel()) == ()
    (begun,) = line.record()
    assert (begun.recording, begun.format, begun.uniqueid) == (NAME, "wav", "1795438065.1")
    assert (begun.started_at, begun.answered_at, begun.ended_at) == (BORN, None, None)
    assert line.tracker.live == {NAME: begun}
    assert line.tell("Dial", 0.01, caller=channel(), peer=channel("1795438065.2"), dialstatus="") == ()
    (answered,) = line.tell("Dial", 0.5, caller=channel(), peer=channel("1795438065.2"), dialstatus="ANSWER")
    assert answered.answered_at == BORN + timedelta(seconds=0.5)
    (over,) = line.destroy(6.5, connected=("Support", "200"))
    assert (over.ended_at, over.hangup_cause, over.hangup_text) == (
        BORN + timedelta(seconds=6.5),
        16,
        "Normal Clearing",
    )
    assert (over.caller_name, over.caller_number) == ("Ada Example", "5550101")
    assert (over.connected_name, over.connected_number) == ("Support", "200")
    assert (over.context, over.did, over.ring_s) == ("from-trunk", "5550100", 0.5)
    assert line.tracker.live == {}


def test_a_call_nobody_answers_rings_until_its_end(line: Line) -> None:
    line.tell("ChannelCreated", channel=channel())
    line.record()
    (over,) = line.destroy(20, cause=19, words="No Answer")
    assert (over.answered_at, over.ring_s, over.hangup_cause) == (None, 20, 19)


def test_a_channel_without_a_recording_is_nobodys_business(line: Line) -> None:
    line.tell("ChannelCreated", channel=channel())
    assert line.destroy(3) == ()


def test_a_listener_who_comes_in_the_middle_still_hears_the_end(line: Line) -> None:
    line.record()
    (over,) = line.destroy(9)
    # Somebody may have answered before we came: neither the answer nor how long it rang is known.
    assert (over.is_heard_from_start, over.answered_at, over.ring_s) == (False, None, None)


def test_the_same_news_twice_are_told_once(line: Line) -> None:
    line.record()
    assert line.record() == ()


def test_a_recording_that_another_channel_goes_on_with_is_not_over(line: Line) -> None:
    line.record()
    line.record(identity="1795438065.7", caller=("Ben", "204"))
    assert line.destroy(5) == ()
    (over,) = line.destroy(60, identity="1795438065.7", caller=("Ben", "204"))
    assert (over.recording, over.ended_at) == (NAME, BORN + timedelta(seconds=60))


def test_a_recording_stays_the_call_of_the_channel_it_began_on(line: Line) -> None:
    line.tell("ChannelCreated", channel=channel())
    line.record()
    line.tell("Dial", 4, caller=channel(), peer=channel("1795438065.2"), dialstatus="ANSWER")
    line.destroy(5)
    # The caller was parked; who picked up goes on with the same file.
    (again,) = line.record(identity="1795438065.9", caller=("Ben", "204"), context="from-internal")
    assert line.tracker.live == {NAME: again}
    (over,) = line.destroy(60, identity="1795438065.9", caller=("Ben", "204"))
    assert (over.uniqueid, over.caller_name, over.context) == ("1795438065.1", "Ada Example", "from-trunk")
    assert (over.started_at, over.ring_s, over.ended_at) == (BORN, 4, BORN + timedelta(seconds=60))


def test_when_the_pbx_rings_the_callers_own_phone_first_only_the_other_side_answers(line: Line) -> None:
    line.tell("ChannelCreated", channel=channel())
    line.tell("Dial", 1, peer=channel(), dialstatus="ANSWER")
    (begun,) = line.record()
    assert begun.answered_at == BORN + timedelta(seconds=1)
    (answered,) = line.tell("Dial", 9, caller=channel(), peer=channel("1795438065.2"), dialstatus="ANSWER")
    assert answered.answered_at == BORN + timedelta(seconds=9)
    assert line.tell("Dial", 20, caller=channel(), peer=channel("1795438065.3"), dialstatus="ANSWER") == ()


def test_two_recordings_of_one_channel_both_end_with_it(line: Line) -> None:
    line.record()
    line.record(f"{MONITOR}/2026/11/23/ondemand-200-5550101-20261123-124800-1795438065.1.wav")
    assert len(line.destroy(5)) == 2


@pytest.mark.parametrize(
    ("variable", "did"), [("FROM_DID", "5550177"), ("__FROM_DID", "5550177"), ("OTHER", "5550100")]
)
def test_the_did_that_freepbx_sets_counts_more_than_the_number_dialled(line: Line, variable: str, did: str) -> None:
    line.tell("ChannelCreated", channel=channel())
    line.tell("ChannelVarset", variable=variable, value="5550177", channel=channel())
    (begun,) = line.record()
    assert begun.did == did


@pytest.mark.parametrize(("context", "exten"), [("from-internal", "5550199"), ("from-trunk", "s")])
def test_what_an_extension_dials_is_no_did(line: Line, context: str, exten: str) -> None:
    (begun,) = line.record(context=context, exten=exten)
    assert begun.did is None


def test_a_blind_transfer_is_seen(line: Line) -> None:
    line.record()
    (moved,) = line.tell(
        "BridgeBlindTransfer", 9, result="Success", exten="203", context="from-internal",
        channel=channel("1795438065.2"), transferee=channel(),
    )  # fmt: skip
    assert [(each.kind, each.to) for each in moved.transfers] == [("blind", "203")]
    assert line.destroy(30)[0].transfers == moved.transfers


def test_an_attended_transfer_is_seen(line: Line) -> None:
    line.record()
    (moved,) = line.tell(
        "BridgeAttendedTransfer", 9, result="Success", destination_type="bridge",
        transferer_first_leg=channel("1795438065.2"), transferer_second_leg=channel("1795438065.3"),
        transferee=channel(), transfer_target=channel("1795438065.4", caller=("Ben", "204")),
    )  # fmt: skip
    assert [(each.kind, each.to) for each in moved.transfers] == [("attended", "204")]


def test_a_transfer_that_failed_is_none(line: Line) -> None:
    line.record()
    assert line.tell("BridgeBlindTransfer", 9, result="Invalid", exten="203", channel=channel()) == ()


@pytest.mark.parametrize(
    "path",
    [
        "/tmp/somewhere/else.wav",
        f"{MONITOR}x/{NAME}.wav",
        f"{MONITOR}/../etc/passwd.wav",
        f"{MONITOR}/no-extension",
        f"{MONITOR}/",
        "",
        "relative.wav",
    ],
)
def test_a_file_that_the_list_does_not_reach_is_left_alone(line: Line, path: str) -> None:
    assert line.record(path) == ()
    assert line.tracker.live == {}


def test_an_own_recording_folder_counts_too() -> None:
    line = Line("/data/calls/", MONITOR)
    (begun,) = line.record("/data/calls/2026/11/23/a-b.c.WAV")
    assert (begun.recording, begun.format) == ("2026/11/23/a-b.c", "WAV")


def test_being_replaced_is_said(line: Line) -> None:
    with pytest.raises(Replaced):
        line.tell("ApplicationReplaced")


def test_channels_whose_end_was_missed_do_not_pile_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "MOST_CHANNELS", 10)
    for number in range(50):
        line.record(f"{MONITOR}/call-{number}.wav", identity=f"{number}.1")
    assert list(line.tracker.live) == [f"call-{number}" for number in range(40, 50)]


def test_a_channel_is_forgotten_after_a_day(line: Line) -> None:
    line.record()
    later = channel("9.9") | {"creationtime": at(25 * 3600)}
    line.tell("ChannelCreated", channel=later)
    assert line.tracker.live == {}


def test_recordings_that_are_over_do_not_pile_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heard, "MOST_CHANNELS", 10)
    for number in range(50):
        line.record(f"{MONITOR}/call-{number}.wav", identity=f"{number}.1")
        line.destroy(number, identity=f"{number}.1")
    assert len(line.tracker._recordings) == 10


def test_a_long_path_and_one_with_spaces_at_its_ends_stay_as_they_are(line: Line) -> None:
    name = f"{'x' * 200}/{'y' * 200}/ call of two\nlines "
    (begun,) = line.record(f"{MONITOR}/{name}.wav")
    assert begun.recording == name


def test_with_pretty_events_nothing_is_missed() -> None:
    tracker = Tracker([MONITOR])
    event = {"type": "ChannelVarset", "variable": "MIXMONITOR_FILENAME", "value": f"{MONITOR}/{NAME}.wav"}
    begun = tracker.feed(json.dumps(event | {"timestamp": at(0), "channel": channel()}, indent=2))
    over = tracker.feed(
        json.dumps({"type": "ChannelDestroyed", "timestamp": at(5), "channel": channel()}, indent=2)
    )  # fmt: skip
    assert [each.ended_at for each in [*begun, *over]] == [None, BORN + timedelta(seconds=5)]


def test_an_event_that_only_mentions_what_we_listen_for_is_not_even_read(line: Line) -> None:
    dull = channel() | {"dialplan": {"context": "from-trunk", "exten": "1", "app_name": "Dial", "app_data": "x"}}
    text = json.dumps({"type": "ChannelDialplan", "timestamp": at(0), "channel": dull, "dialplan_app": "Dial"})
    # Broken on purpose: whoever reads it counts it.
    line.tracker.feed(text[:-1])
    assert line.tracker.rubbish_count == 0


# ---- rubbish ----------------------------------------------------------------------------------------------------

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=12,
)
_types = st.sampled_from(
    ["ChannelCreated", "ChannelDestroyed", "ChannelVarset", "Dial", "BridgeBlindTransfer", "BridgeAttendedTransfer"]
)


@given(st.one_of(st.text(), st.binary()))
def test_no_text_makes_a_call(text: str | bytes) -> None:
    assert Tracker([MONITOR]).feed(text) == ()


@given(_types, st.dictionaries(st.sampled_from(["channel", "caller", "peer", "timestamp", "variable", "value"]), _json))
def test_events_of_another_shape_make_no_call(kind: str, facts: dict[str, Any]) -> None:
    tracker = Tracker([MONITOR])
    text = json.dumps({"type": kind, "note": "MIXMONITOR_FILENAME", **facts})
    assert tracker.feed(text) == ()
    assert tracker.live == {}


def test_an_event_that_is_not_utf_8_makes_no_call(line: Line) -> None:
    event = json.dumps(
        {"type": "ChannelVarset", "variable": "MIXMONITOR_FILENAME", "value": f"{MONITOR}/call-X.wav",
         "timestamp": at(0), "channel": channel()}
    ).encode()  # fmt: skip
    for broken in (event.replace(b"call-X", b"call-\xff"), event.replace(b"call-X", b"call-\\ud800"), event[:-1]):
        assert line.tracker.feed(broken) == ()
    assert (line.tracker.rubbish_count, line.tracker.live) == (3, {})
    assert len(line.tracker.feed(event)) == 1


def test_a_time_no_clock_shows_makes_no_call(line: Line) -> None:
    for when in ("0001-01-01T00:00:00.000+2359", "2026-11-23T12:47:45.731", "yesterday", ""):
        said = channel() | {"creationtime": when}
        path = f"{MONITOR}/{NAME}.wav"
        assert line.tell("ChannelVarset", variable="MIXMONITOR_FILENAME", value=path, channel=said) == ()
    assert line.tracker.rubbish_count == 4


def test_a_deeply_nested_event_is_rubbish(line: Line) -> None:
    assert line.tracker.feed('{"type":"Dial","x":' + "[" * 100_000) == ()
    assert line.tracker.rubbish_count == 1


def test_texts_no_database_can_hold_are_cleaned(line: Line) -> None:
    (begun,) = line.record(caller=("Ada\0\ud800Example" + "x" * 1000, "5550101"))
    assert begun.caller_name is not None
    assert begun.caller_name.startswith("Ada?Example")
    assert len(begun.caller_name) == 300
