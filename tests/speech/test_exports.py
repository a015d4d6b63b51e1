import json
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from itertools import pairwise
from typing import Any

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.subtitle_files import read_srt, read_vtt

from aftercall.model import Transcript, Turn, Voices, Word
from aftercall.speech.exports import (
    FORMATS,
    LOW_ACCURACY,
    NOT_UNDERSTOOD,
    CallFacts,
    as_docx,
    as_json,
    as_srt,
    as_text,
    as_vtt,
    clock,
    file_name,
    is_right_to_left,
    notes,
)

CALL = CallFacts(
    id="c0ffee", pbx="Office", recording="2026/11/23/in-5550100-5550123",
    started_at=datetime(2026, 11, 23, 8, 5, tzinfo=UTC), utc_offset_min=60, direction="inbound",
    caller="5550123", callee="5550100", caller_name="Erika", duration_s=3665.2,
)  # fmt: skip


def turn(start_s: float, text: str, *, speaker: str = "A", **fields: Any) -> Turn:
    words = tuple(
        Word(text=each, start_s=start_s + at * 0.3, end_s=start_s + (at + 1) * 0.3, confidence=0.9)
        for at, each in enumerate(text.split())
    )
    role = {"A": "agent", "B": "customer"}.get(speaker)
    return Turn(
        **{
            "speaker": speaker, "role": role, "start_s": start_s, "end_s": start_s + 0.3 * len(words), "text": text,
            "words": words, **fields,
        }
    )  # fmt: skip


def transcript(*turns: Turn, **fields: Any) -> Transcript:
    return Transcript(
        **{
            "engine": "parakeet", "model": "tdt 0.6b v3", "language": "en", "speakers": "stereo", "turns": turns,
            **fields,
        }
    )  # fmt: skip


TALK = transcript(turn(1, "Garden shop, hello."), turn(3, "I need a new hose.", speaker="B"))
GUESSED = replace(turn(6, "bloom hose"), is_understood=False, text="")


def lines(made: Transcript, call: CallFacts = CALL) -> list[str]:
    return as_text(made, call).decode().splitlines()


# ---- text ---------------------------------------------------------------------------------------------------------


def test_text_tells_of_the_call_and_then_who_said_what() -> None:
    assert lines(TALK) == [
        "Inbound call of 23 November 2026, 09:05 (UTC+01:00)",
        "Caller: Erika (5550123)",
        "Callee: 5550100",
        "Duration: 1:01:05",
        "PBX: Office",
        "Recording: 2026/11/23/in-5550100-5550123",
        "Language: English",
        "Transcribed by: parakeet (tdt 0.6b v3)",
        "",
        "[0:00:01] Agent: Garden shop, hello.",
        "[0:00:03] Customer: I need a new hose.",
    ]


def test_speakers_are_called_by_their_given_names() -> None:
    assert lines(TALK, replace(CALL, names={"A": "Anna"}))[-2:] == [
        "[0:00:01] Anna: Garden shop, hello.",
        "[0:00:03] Customer: I need a new hose.",
    ]


def test_speakers_without_a_role_are_called_by_their_letters() -> None:
    assert lines(transcript(turn(1, "Hello.", role=None)))[-1] == "[0:00:01] Speaker A: Hello."


def test_nobody_is_named_where_speakers_could_not_be_told_apart() -> None:
    found = lines(transcript(turn(1, "Hello.", speaker="unknown"), speakers="not separated"))
    assert found[-1] == "[0:00:01] Hello."
    assert "Speakers not separated: both are in one audio channel." in found


def test_what_was_not_understood_is_marked() -> None:
    found = as_text(transcript(GUESSED), CALL).decode()
    assert f"[0:00:06] Agent: {NOT_UNDERSTOOD}" in found
    assert "bloom" not in found


def test_low_accuracy_is_said() -> None:
    assert LOW_ACCURACY in lines(replace(TALK, is_low_accuracy=True))
    assert LOW_ACCURACY not in lines(TALK)


def test_an_estimate_of_the_speakers_is_said() -> None:
    voices = Voices(
        spans=(), similarity=0.9, is_accepted=True, is_low_confidence=True, reason="", method="test"
    )  # fmt: skip
    assert notes(replace(TALK, voices=voices)) == ["Speakers estimated from their voices, low confidence."]


def test_a_transcript_without_words_says_so() -> None:
    assert lines(transcript())[-2:] == ["No speech was recognised in this call.", ""]


def test_a_turn_stays_on_its_line_whatever_was_typed_into_it() -> None:
    assert lines(transcript(turn(1, "one\n[0:00:09] Agent:\ttwo")))[-1] == ("[0:00:01] Agent: one [0:00:09] Agent: two")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "0:00:00"), (59.99, "0:00:59"), (3600, "1:00:00"), (36061, "10:01:01")]
)
def test_a_clock_counts_whole_seconds(seconds: float, expected: str) -> None:
    assert clock(seconds) == expected


# ---- subtitles ----------------------------------------------------------------------------------------------------


def test_subrip_has_times_and_speakers() -> None:
    assert as_srt(TALK, CALL).decode() == (
        "1\n00:00:01,000 --> 00:00:02,000\nAgent: Garden shop, hello.\n\n"
        "2\n00:00:03,000 --> 00:00:04,500\nCustomer: I need a new hose.\n"
    )


def test_webvtt_has_voices() -> None:
    made = as_vtt(TALK, CALL).decode()
    assert made.startswith("WEBVTT\n\nNOTE\nInbound call of 23 November 2026, 09:05 (UTC+01:00)\n")
    assert made.endswith(
        "\n\n00:00:01.000 --> 00:00:02.000\n<v Agent>Garden shop, hello.</v>"
        "\n\n00:00:03.000 --> 00:00:04.500\n<v Customer>I need a new hose.</v>\n"
    )


def test_subtitles_say_how_little_they_are_worth() -> None:
    made = replace(TALK, is_low_accuracy=True)
    assert " ".join(read_srt(as_srt(made, CALL))[0].lines) == LOW_ACCURACY
    assert LOW_ACCURACY in read_vtt(as_vtt(made, CALL))[0][0]


def test_subtitles_mark_what_was_not_understood() -> None:
    assert [cue.lines for cue in read_srt(as_srt(transcript(GUESSED), CALL))] == [[f"Agent: {NOT_UNDERSTOOD}"]]


def test_marks_and_arrows_are_text_in_webvtt() -> None:
    text = "a < b && c --> d <b>e</b>"
    call = replace(CALL, names={"A": "R&D <one>"}, recording="in-->out")
    _, (cue,) = read_vtt(as_vtt(transcript(turn(1, text)), call))
    assert (cue.speaker, cue.lines) == ("R&D <one>", [text])


def test_marks_and_arrows_do_no_harm_in_subrip() -> None:
    (cue,) = read_srt(as_srt(transcript(turn(1, "a --> b <i>c</i>")), CALL))
    assert cue.lines == ["Agent: a --› b ‹i›c‹/i›"]


def test_a_long_name_leaves_room_for_the_text() -> None:
    call = replace(CALL, names={"A": "Professor Doctor Erika Mustermann of the Garden Shop"})
    (cue, _) = read_srt(as_srt(TALK, call))
    assert cue.lines == ["Professor Doctor Erika…: Garden shop,", "hello."]


@pytest.mark.parametrize("made", [transcript(), transcript(is_low_accuracy=True)])
def test_nothing_said_makes_no_subtitles(made: Transcript) -> None:
    assert as_srt(made, CALL) == b""
    notes_, found = read_vtt(as_vtt(made, CALL))
    assert "No speech was recognised in this call." in notes_[0]
    assert found == []


def test_a_call_of_three_hours_is_written_in_every_format() -> None:
    said = "I would like to know when the hose that I ordered last week will be delivered to my house."
    made = transcript(*(turn(at * 7.2, said, speaker="AB"[at % 2]) for at in range(1500)))
    shown = read_srt(as_srt(made, CALL))
    assert shown[-1].start_ms > 10_790_000
    assert all(before.end_ms <= after.start_ms for before, after in pairwise(shown))
    assert " ".join(line for cue in shown for line in cue.lines).count("hose") == 1500
    assert len(read_vtt(as_vtt(made, CALL))[1]) == len(shown)
    assert lines(made)[-1].startswith("[2:59:52] Customer: I would")
    assert len(json.loads(as_json(made, CALL))["turns"]) == 1500
    assert sum(said in each.text for each in docx.Document(BytesIO(as_docx(made, CALL))).paragraphs) == 1500


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.floats(0, 4), st.text(max_size=60), st.sampled_from(["A", "B", "unknown"])), max_size=5),
    st.text(max_size=40),
)
def test_whatever_is_typed_every_file_can_be_read(parts: list[tuple[float, str, str]], name: str) -> None:
    turns, at_s = [], 0.0
    for step_s, text, speaker in parts:
        at_s += step_s
        turns.append(turn(at_s, text, speaker=speaker))
    made = transcript(*turns, is_low_accuracy=True)
    call = replace(CALL, names={"A": name}, caller_name=name, recording=name)
    read_srt(as_srt(made, call))
    read_vtt(as_vtt(made, call))
    docx.Document(BytesIO(as_docx(made, call)))
    assert [each["text"] for each in json.loads(as_json(made, call))["turns"]] == [each.text for each in turns]
    assert len(file_name(call, "docx").encode()) <= 255


# ---- JSON ---------------------------------------------------------------------------------------------------------


def test_json_has_everything() -> None:
    made = json.loads(as_json(transcript(TALK.turns[0], GUESSED), replace(CALL, names={"A": "Anna"})))
    assert made["call"]["started_at"] == "2026-11-23T08:05:00Z"
    assert (made["call"]["id"], made["engine"], made["model"], made["language"], made["is_low_accuracy"]) == (
        "c0ffee", "parakeet", "tdt 0.6b v3", "en", False,
    )  # fmt: skip
    said, guessed = made["turns"]
    assert {key: said[key] for key in ("speaker", "role", "name", "start_s", "text", "is_understood")} == {
        "speaker": "A", "role": "agent", "name": "Anna", "start_s": 1, "text": "Garden shop, hello.",
        "is_understood": True,
    }  # fmt: skip
    assert said["words"][0] == {"text": "Garden", "start_s": 1, "end_s": 1.3, "confidence": 0.9}
    assert (guessed["text"], guessed["is_understood"], guessed["words"][0]["text"]) == ("", False, "bloom")


# ---- Word ---------------------------------------------------------------------------------------------------------


def test_a_word_document_has_the_facts_and_a_paragraph_for_each_turn() -> None:
    made = replace(transcript(*TALK.turns, GUESSED), is_low_accuracy=True)
    paper = docx.Document(BytesIO(as_docx(made, CALL)))
    texts = [each.text for each in paper.paragraphs if each.text]
    assert texts == [
        "Inbound call of 23 November 2026, 09:05 (UTC+01:00)",
        LOW_ACCURACY,
        "0:00:01  Agent: Garden shop, hello.",
        "0:00:03  Customer: I need a new hose.",
        f"0:00:06  Agent: {NOT_UNDERSTOOD}",
    ]
    cells = {row.cells[0].text: row.cells[1].text for row in paper.tables[0].rows}
    assert (cells["Caller"], cells["Transcribed by"]) == ("Erika (5550123)", "parakeet (tdt 0.6b v3)")
    assert (paper.core_properties.author, paper.core_properties.title) == ("Aftercall", texts[0])


def test_a_word_document_writes_hebrew_and_arabic_from_the_right() -> None:
    paper = docx.Document(BytesIO(as_docx(transcript(turn(1, "שלום לך"), turn(2, "hello")), CALL)))
    hebrew, english = paper.paragraphs[-2:]
    assert hebrew.text.endswith("שלום לך")
    assert "w:bidi" in hebrew._p.xml
    assert hebrew.runs[-1].font.rtl
    assert "w:bidi" not in english._p.xml


def test_an_empty_transcript_makes_a_word_document_that_says_so() -> None:
    paper = docx.Document(BytesIO(as_docx(transcript(), CALL)))
    assert paper.paragraphs[-1].text == "No speech was recognised in this call."


@pytest.mark.parametrize(
    ("text", "expected"), [("שלום", True), ("123 مرحبا", True), ("hello שלום", False), ("", False), ("42", False)]
)
def test_a_line_runs_the_way_of_its_first_letter(text: str, expected: bool) -> None:
    assert is_right_to_left(text) is expected


@pytest.mark.parametrize("text", ["Grüße aus Köln", "日本語です", "مرحبا بك", "👋 hi"])
@pytest.mark.parametrize("suffix", ["txt", "srt", "vtt"])
def test_every_script_is_kept(suffix: str, text: str) -> None:
    assert text in FORMATS[suffix].write(transcript(turn(1, text)), CALL).decode()


# ---- file names ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "2026-11-23 09.05 inbound Erika.txt"),
        ({"direction": "outbound"}, "2026-11-23 09.05 outbound 5550100.txt"),
        ({"caller_name": None, "caller": None}, "2026-11-23 09.05 inbound.txt"),
        ({"caller_name": "../../etc/passwd"}, "2026-11-23 09.05 inbound .. .. etc passwd.txt"),
        ({"caller_name": 'a\r\nb"c\\d\x00:*?<>|…'}, "2026-11-23 09.05 inbound a b c d ….txt"),
        ({"caller_name": "Łukasz אבי"}, "2026-11-23 09.05 inbound Łukasz אבי.txt"),
        ({"caller_name": "日" * 100}, "2026-11-23 09.05 inbound " + "日" * 31 + ".txt"),
        ({"caller_name": "a\u202etxt.exe"}, "2026-11-23 09.05 inbound a txt.exe.txt"),
        ({"utc_offset_min": None, "caller_name": "x" * 300}, "2026-11-23 08.05 inbound " + "x" * 95 + ".txt"),
    ],
)
def test_a_file_name_is_safe_and_sorts_by_time(fields: dict[str, Any], expected: str) -> None:
    assert file_name(replace(CALL, **fields), "txt") == expected
