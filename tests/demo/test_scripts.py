"""The demo's calls as they are written."""

import re

import pytest

from aftercall.demo.scripts import Line, Script, all_scripts, parse_dialogue

SPOKEN = [script for script in all_scripts() if script.lines]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def by_key(key: str) -> Script:
    return next(script for script in all_scripts() if script.key == key)


def test_there_are_at_least_fourteen_spoken_calls() -> None:
    assert len(SPOKEN) >= 14


def test_no_two_calls_have_the_same_key() -> None:
    assert len({script.key for script in all_scripts()}) == len(all_scripts())


def test_every_kind_of_recording_name_is_shown() -> None:
    assert {script.kind for script in all_scripts()} == {"in", "out", "external", "internal", "q", "rg"}


def test_every_way_of_recording_is_shown() -> None:
    assert {script.sound for script in all_scripts()} == {"stereo 16 kHz", "mono 8 kHz", "gsm", "none"}


@pytest.mark.parametrize("script", SPOKEN, ids=lambda script: script.key)
def test_every_speaker_has_a_voice(script: Script) -> None:
    assert {line.part for line in script.lines} == set(script.voices)


@pytest.mark.parametrize("script", SPOKEN, ids=lambda script: script.key)
def test_the_parties_of_a_call_do_not_share_a_voice(script: Script) -> None:
    assert len(set(script.voices.values())) == len(script.voices)


def test_outside_numbers_are_of_the_kind_kept_for_fiction() -> None:
    outside = [number for script in all_scripts() for number in (script.called, script.from_) if len(number) > 7]
    assert outside
    assert all(re.fullmatch(r"\+?120655501\d\d", number) for number in outside)


def test_the_spoken_card_number_would_pass_a_card_check() -> None:
    spoken = next(line.text for line in by_key("missed-payment").lines if "number is" in line.text)
    digits = [DIGITS.index(word) for word in re.findall(r"[a-z]+", spoken) if word in DIGITS]
    doubled = [digit if place % 2 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
    assert len(digits) == 16
    assert sum(doubled) % 10 == 0


def test_one_number_carries_a_plus_and_one_caller_a_letter_beyond_ascii() -> None:
    callers = "".join(script.from_ for script in all_scripts())
    assert "+" in callers
    assert not callers.isascii()


def test_one_agent_promises_to_call_back() -> None:
    said = " ".join(line.text for line in by_key("call-back-tomorrow").lines if line.part == "agent")
    assert "I will call you back tomorrow morning" in said


def test_an_inbound_caller_is_on_the_first_audio_channel() -> None:
    assert by_key("new-boiler").audio_channel("customer") == 0
    assert by_key("new-boiler").audio_channel("agent") == 1


def test_an_agent_who_dials_is_on_the_first_audio_channel() -> None:
    assert by_key("missed-payment").audio_channel("agent") == 0
    assert by_key("missed-payment").audio_channel("customer") == 1


def test_a_colleague_who_takes_over_a_call_stays_on_the_firms_side() -> None:
    assert by_key("to-billing").audio_channel("colleague") == by_key("to-billing").audio_channel("agent")


def test_colleagues_on_an_internal_call_are_on_two_audio_channels() -> None:
    assert by_key("pump-in-the-van").audio_channel("colleague") != by_key("pump-in-the-van").audio_channel("agent")


def test_a_pause_waits_before_the_next_line() -> None:
    lines = parse_dialogue("agent: One.\npause 2\npause 1.5\ncustomer: Two.")
    assert lines == (Line(part="agent", text="One."), Line(part="customer", text="Two.", wait_s=3.5))


def test_an_interruption_is_marked() -> None:
    assert parse_dialogue("customer interrupts: Stop!") == (Line(part="customer", text="Stop!", interrupts=True),)


def test_a_line_without_a_speaker_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a line nor a pause"):
        parse_dialogue("agent: One.\nTwo.")
