"""This file tests the reading of recording names: a table of shapes, then properties over the whole grammar."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aftercall.pbx.names import NO_NUMBER, as_json, is_extension_like, parse, placed

# Every row was recorded when the PBX's clock showed 2024-03-05 14:30:00; the epoch 1709649000 is that moment in UTC.
# Columns: name, kind, direction, caller, callee, extension, queue or group, uniqueid, offset in minutes.
AT = "20240305-143000"
UTC_ID = "1709649000.41"
SHAPES = [
    # routes
    (f"in-5550100-15550111-{AT}-{UTC_ID}", "in", "inbound", "15550111", "5550100", None, None, UTC_ID, 0),
    (f"in-+15550100-+15550111-{AT}-{UTC_ID}", "in", "inbound", "+15550111", "+15550100", None, None, UTC_ID, 0),
    (f"in-s-anonymous-{AT}-{UTC_ID}", "in", "inbound", None, None, None, None, UTC_ID, 0),
    (f"in-5550100--{AT}-{UTC_ID}", "in", "inbound", None, "5550100", None, None, UTC_ID, 0),
    (f"in-5550100-Front Desk-{AT}-{UTC_ID}", "in", "inbound", "Front Desk", "5550100", None, None, UTC_ID, 0),
    (f"in-15550100-1-555-0111-{AT}-{UTC_ID}", "in", "inbound", "1-555-0111", "15550100", None, None, UTC_ID, 0),
    (f"in-1-555-0100-15550111-{AT}-{UTC_ID}", "in", "inbound", "15550111", "1-555-0100", None, None, UTC_ID, 0),
    (f"out-915550111-201-{AT}-{UTC_ID}", "out", "outbound", "201", "915550111", "201", None, UTC_ID, 0),
    (f"out-*67#5550111-201-{AT}-{UTC_ID}", "out", "outbound", "201", "*67#5550111", "201", None, UTC_ID, 0),
    (f"out-1-555-0111-007-{AT}-{UTC_ID}", "out", "outbound", "007", "1-555-0111", "007", None, UTC_ID, 0),
    (f"out-15550111-15550122-{AT}-{UTC_ID}", "out", "outbound", "15550122", "15550111", None, None, UTC_ID, 0),
    (f"out-15550111-Unknown-{AT}-{UTC_ID}", "out", "outbound", None, "15550111", None, None, UTC_ID, 0),
    # extensions
    (f"external-201-15550111-{AT}-{UTC_ID}", "external", "inbound", "15550111", "201", "201", None, UTC_ID, 0),
    (f"external-201-202-{AT}-{UTC_ID}", "external", "internal", "202", "201", "201", None, UTC_ID, 0),
    (f"external-201-external-{AT}-{UTC_ID}", "external", "inbound", None, "201", "201", None, UTC_ID, 0),
    (f"external-201-1-555-0111-{AT}-{UTC_ID}", "external", "inbound", "1-555-0111", "201", "201", None, UTC_ID, 0),
    (f"internal-201-202-{AT}-{UTC_ID}", "internal", "internal", "202", "201", "201", None, UTC_ID, 0),
    (f"exten-201-202-{AT}-{UTC_ID}", "exten", "internal", "202", "201", "201", None, UTC_ID, 0),
    (f"exten-201-5550111-{AT}-{UTC_ID}", "exten", "inbound", "5550111", "201", "201", None, UTC_ID, 0),
    (f"parked-201-15550111-{AT}-{UTC_ID}", "parked", "inbound", "15550111", "201", "201", None, UTC_ID, 0),
    (f"parked-201-202-{AT}-{UTC_ID}", "parked", "internal", "202", "201", "201", None, UTC_ID, 0),
    # queues and groups
    (f"q-500-+15550111-{AT}-{UTC_ID}", "q", "inbound", "+15550111", "500", None, "500", UTC_ID, 0),
    (f"q-500-202-{AT}-{UTC_ID}", "q", "internal", "202", "500", None, "500", UTC_ID, 0),
    (f"rg-600-15550111-{AT}-{UTC_ID}", "rg", "inbound", "15550111", "600", None, "600", UTC_ID, 0),
    (f"rg-600-unknown-{AT}-{UTC_ID}", "rg", "inbound", None, "600", None, "600", UTC_ID, 0),
    # destinations, feature codes
    (f"generic-15550100-15550111-{AT}-{UTC_ID}", "generic", "inbound", "15550111", "15550100", None, None, UTC_ID, 0),
    (f"generic--202-{AT}-{UTC_ID}", "generic", "internal", "202", None, "202", None, UTC_ID, 0),
    (f"force-15550100-202-{AT}-{UTC_ID}", "force", "unknown", "202", "15550100", None, None, UTC_ID, 0),
    (f"ondemand-15550111-201-{AT}-{UTC_ID}", "ondemand", "unknown", "201", "15550111", "201", None, UTC_ID, 0),
    (f"ondemand-201-15550111-{AT}-{UTC_ID}", "ondemand", "unknown", "15550111", "201", "201", None, UTC_ID, 0),
    (f"ondemand-Unknown-201-{AT}-170964900041", "ondemand", "unknown", "201", None, "201", None, "170964900041", 0),
    # conferences and pages
    (f"8000-8000-always-{AT}-{UTC_ID}", "conference", "conference", None, "8000", None, "8000", UTC_ID, 0),
    (f"8000-8000-force-{AT}-{UTC_ID}-1709649003", "conference", "conference", None, "8000", None, "8000", UTC_ID, 0),
    (f"8000-8000-yes-{AT}-pbx-1709649000", "conference", "conference", None, "8000", None, "8000", "pbx-1709649000", 0),
    (f"conf-8000-8000-{AT}-{UTC_ID}-1709649003", "conference", "conference", None, "8000", None, "8000", UTC_ID, 0),
    (f"page-700-201-{AT}-{UTC_ID}", "page", "internal", "201", "700", "201", "700", UTC_ID, 0),
    (f"700-201-{AT}-{UTC_ID}", "page", "internal", "201", "700", "201", "700", UTC_ID, 0),
    # before FreePBX 2.10
    (f"IN-{AT}-{UTC_ID}", "in", "inbound", None, None, None, None, UTC_ID, 0),
    (f"OUT201-{AT}-{UTC_ID}", "out", "outbound", "201", None, "201", None, UTC_ID, 0),
    (f"q500-{AT}-{UTC_ID}", "q", "inbound", None, "500", None, "500", UTC_ID, 0),
    (f"g600-{AT}-{UTC_ID}", "rg", "inbound", None, "600", None, "600", UTC_ID, 0),
    # uniqueids
    (f"out-15550111-201-{AT}-1709649000", "out", "outbound", "201", "15550111", "201", None, "1709649000", 0),
    (f"out-15550111-201-{AT}", "out", "outbound", "201", "15550111", "201", None, None, None),
    (f"out-15550111-201-{AT}.wav", "out", "outbound", "201", "15550111", "201", None, None, None),
    (
        f"out-15550111-201-{AT}-my-pbx.east-2-{UTC_ID}.wav",
        "out", "outbound", "201", "15550111", "201", None, f"my-pbx.east-2-{UTC_ID}", 0,
    ),
    (
        f"ondemand-15550111-201-{AT}-12{UTC_ID.replace('.', '')}",
        "ondemand", "unknown", "201", "15550111", "201", None, "12170964900041", 0,
    ),
    # zones: Nepal in a quarter hour, and one clock that fits no zone
    (f"in-5550100-15550111-{AT}-1709628288.7", "in", "inbound", "15550111", "5550100", None, None, "1709628288.7", 345),
    (f"in-5550100-unknown-{AT}-1709648500.7", "in", "inbound", None, "5550100", None, None, "1709648500.7", None),
    # a number that looks like a wall clock stands before the real one
    (f"out-20230101-101010-201-{AT}-{UTC_ID}", "out", "outbound", "201", "20230101-101010", "201", None, UTC_ID, 0),
    # what nobody expects in a number
    (f"in-5550100-Zoë ☎-{AT}-{UTC_ID}", "in", "inbound", "Zoë ☎", "5550100", None, None, UTC_ID, 0),
    (f"in-5550100-15\n50111-{AT}-{UTC_ID}", "in", "inbound", "15\n50111", "5550100", None, None, UTC_ID, 0),
    (f"../../in-5550100-15550111-{AT}-{UTC_ID}", "in", "inbound", "15550111", "5550100", None, None, UTC_ID, 0),
    (f"in-5550100-{'9' * 300}-{AT}-{UTC_ID}", "in", "inbound", "9" * 300, "5550100", None, None, UTC_ID, 0),
]  # fmt: skip


@pytest.mark.parametrize("row", SHAPES, ids=[row[0][:60].encode("unicode_escape").decode() for row in SHAPES])
def test_every_shape_of_the_grammar_is_understood(row: tuple[str | int | None, ...]) -> None:
    name, kind, direction, caller, callee, extension, queue_or_group, uniqueid, offset = row
    parsed = parse(str(name))
    assert parsed.kind == kind
    assert as_json(parsed) == {
        "name": name,
        "direction": direction,
        "caller": caller,
        "callee": callee,
        "extension": extension,
        "queue_or_group": queue_or_group,
        "started_at_local": "2024-03-05 14:30:00",
        "uniqueid": uniqueid,
        "utc_offset_min": offset,
    }


FORMATS = [
    "wav", "WAV", "wav16", "wav49", "gsm", "ulaw", "ul", "mu", "pcm", "alaw", "al", "alw", "sln", "sln12", "sln16",
    "sln48", "sln192", "raw", "g722", "g723", "g723sf", "g726-16", "g726-40", "g729", "g719", "siren7", "siren14",
    "ilbc", "vox", "ogg", "opus", "spx", "mp3", "amr", "h264", "WaV", "MP3", "wav.mp3",
]  # fmt: skip


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_file_format_is_not_part_of_the_uniqueid(file_format: str) -> None:
    assert parse(f"2024/03/05/in-5550100-15550111-{AT}-{UTC_ID}.{file_format}").uniqueid == UTC_ID


def test_the_start_comes_from_the_uniqueid_not_from_the_wall_clock() -> None:
    parsed = parse(f"q-500-15550111-{AT}-1709641791.3")
    assert parsed.started_at == datetime(2024, 3, 5, 12, 29, 51, tzinfo=UTC)
    assert parsed.started_at_local == datetime(2024, 3, 5, 14, 30)
    assert parsed.utc_offset_min == 120


def test_automixmon_names_tell_the_parties_and_the_instant() -> None:
    parsed = parse("auto-1709649000-201-+15550111.wav")
    assert (parsed.kind, parsed.direction, parsed.caller, parsed.callee) == ("auto", "unknown", "201", "+15550111")
    assert parsed.started_at == datetime(2024, 3, 5, 14, 30, tzinfo=UTC)
    assert parsed.started_at_local is None
    assert parsed.uniqueid is None


def test_an_unknown_type_keeps_its_times_and_claims_no_parties() -> None:
    parsed = parse(f"callback-201-15550111-{AT}-{UTC_ID}")
    assert (parsed.kind, parsed.direction, parsed.caller, parsed.callee) == ("unknown", "unknown", None, None)
    assert (parsed.uniqueid, parsed.utc_offset_min) == (UTC_ID, 0)


@pytest.mark.parametrize(
    "name",
    ["", "/", ".", "-", "monitor", "in", "in-5550100-15550111", "in-5550100-15550111-20241305-143000",
     f"{AT}", "../../etc/passwd", "in-5550100-15550111-20240305-250000-1709649000.41", "msg0001.WAV",
     "auto-soon-201-202", "\n", "-" * 400],
)  # fmt: skip
def test_a_name_outside_the_grammar_tells_nothing_but_itself(name: str) -> None:
    told = as_json(parse(name))
    assert parse(name).kind == "unknown"
    assert told.pop("name") == name
    assert told.pop("direction") == "unknown"
    assert set(told.values()) == {None}


def test_two_outside_numbers_without_a_type_are_not_taken_for_a_page() -> None:
    assert parse(f"15550111-15550122-{AT}-{UTC_ID}").kind == "unknown"


@pytest.mark.parametrize(
    ("seconds", "offset"), [(-6, None), (-5, 0), (-1, 0), (0, 0), (28, 0), (420, 0), (421, None), (449, None)]
)
def test_the_wall_clock_may_run_from_5_seconds_before_to_7_minutes_after_the_channel(
    seconds: int, offset: int | None
) -> None:
    assert parse(f"rg-600-15550111-{AT}-{1709649000 - seconds}.8").utc_offset_min == offset


@pytest.mark.parametrize("quarters", range(-12 * 4, 14 * 4 + 1))
def test_every_zone_of_the_world_is_recovered(quarters: int) -> None:
    local = datetime(2024, 3, 5, 14, 30, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    assert parse(f"out-15550111-201-{local:%Y%m%d-%H%M%S}-{UTC_ID}").utc_offset_min == 15 * quarters


@pytest.mark.parametrize("quarters", [-12 * 4 - 1, 14 * 4 + 1])
def test_a_zone_outside_the_world_is_refused(quarters: int) -> None:
    local = datetime(2024, 3, 5, 14, 30, tzinfo=UTC) + timedelta(minutes=15 * quarters)
    assert parse(f"out-15550111-201-{local:%Y%m%d-%H%M%S}-{UTC_ID}").utc_offset_min is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [("20", True), ("002", True), ("100100", True), ("2", False), ("1001001", False), ("+201", False), ("*97", False),
     ("20a", False), ("٢٠١", False), ("201\n", False), (None, False), ("", False)],
)  # fmt: skip
def test_two_to_six_plain_digits_are_an_extension(number: str | None, expected: bool) -> None:
    assert is_extension_like(number) is expected


# ---- properties -----------------------------------------------------------------------------------------------------

#: Anything a file name can hold; hyphens are added where the grammar can still be read.
ODD = st.text(st.characters(exclude_characters="-/", exclude_categories=("Cs",)), min_size=1, max_size=40)
SHORT = st.from_regex(r"[0-9]{2,6}", fullmatch=True)
OUTSIDE = st.one_of(st.from_regex(r"\+?[0-9]{7,15}", fullmatch=True), ODD)
HYPHENED = st.lists(OUTSIDE, min_size=1, max_size=4).map("-".join)
INSTANTS = st.datetimes(datetime(2005, 1, 1), datetime(2050, 1, 1), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=0)
)
SYSTEM_NAMES = st.sampled_from(["", "pbx1-", "my-pbx-", "host.example-", "1-2-"])
FORMAT = st.sampled_from(["", *(f".{name}" for name in FORMATS)])
FOLDERS = st.sampled_from(["", "2024/03/05/", "../", "/var/spool/", "a-20200101-101010-1/"])
KINDS_TO_US = ["external", "internal", "exten", "parked", "q", "rg"]


@given(
    kind=st.sampled_from(KINDS_TO_US), called=SHORT, caller=HYPHENED, instant=INSTANTS,
    quarters=st.integers(-48, 56), late_s=st.integers(-5, 420), system=SYSTEM_NAMES, counter=st.integers(0, 10**7),
    ending=FORMAT, folder=FOLDERS,
)  # fmt: skip
def test_a_call_to_one_of_ours_survives_the_round_trip(
    *, kind: str, called: str, caller: str, instant: datetime, quarters: int, late_s: int, system: str, counter: int,
    ending: str, folder: str,
) -> None:  # fmt: skip
    assume(caller.lower() not in NO_NUMBER)
    local = instant + timedelta(minutes=15 * quarters, seconds=late_s)
    uniqueid = f"{system}{int(instant.timestamp())}.{counter}"
    name = f"{folder}{kind}-{called}-{caller}-{local:%Y%m%d-%H%M%S}-{uniqueid}{ending}"
    parsed = parse(name)
    assert (parsed.name, parsed.kind, parsed.callee, parsed.caller) == (name, kind, called, caller)
    assert (parsed.started_at, parsed.uniqueid) == (instant, uniqueid)
    assert (parsed.started_at_local, parsed.utc_offset_min) == (local.replace(tzinfo=None), 15 * quarters)


@given(called=HYPHENED, caller=SHORT, instant=INSTANTS)
def test_an_outbound_call_survives_the_round_trip(called: str, caller: str, instant: datetime) -> None:
    assume(called.lower() not in NO_NUMBER)
    parsed = parse(f"out-{called}-{caller}-{instant:%Y%m%d-%H%M%S}-{int(instant.timestamp())}.1")
    assert (parsed.callee, parsed.caller, parsed.extension, parsed.started_at) == (called, caller, caller, instant)


@given(st.text())
def test_any_text_is_read_without_an_error_and_kept(name: str) -> None:
    assert parse(name).name == name
    assert as_json(parse(name))["name"] == name


PIECES = [
    "in", "out", "q500", "OUT", "-", ".", "/", "20240305", "143000", "1709649000", "s", "always", "8000", "conf",
    "auto", "wav", "\n", "99999999", "999999", "ü",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_heap_of_the_grammars_own_pieces_is_read_without_an_error(name: str) -> None:
    assert parse(name).name == name


@pytest.mark.parametrize(
    ("month", "offset_min"),
    [("01", 60), ("07", 120)],
)
def test_a_name_without_a_uniqueid_is_read_in_the_zone_of_the_pbx(month: str, offset_min: int) -> None:
    read = placed(parse(f"in-5550100-5550123-2026{month}15-120000"), "Europe/Berlin")
    assert read.utc_offset_min == offset_min
    assert read.started_at is not None
    assert read.started_at.hour == 12 - offset_min // 60


def test_a_name_that_tells_its_own_time_is_left_as_it_is() -> None:
    read = parse("out-7175550100-200-20251123-175133-1763938293.6")
    assert placed(read, "Europe/Berlin") == read
    assert placed(read, None) == read
