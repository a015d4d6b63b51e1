"""The voiced calls, as the recordings a PBX would have made of them."""

import io
import json
import wave
from importlib.resources import files
from typing import Any

import av
import numpy as np
import pytest

from aftercall.demo.media import call_samples, recorded, wav
from aftercall.demo.scripts import Script, all_scripts

MEDIA = files("aftercall.demo") / "media"
TIMELINE: dict[str, Any] = json.loads((MEDIA / "timeline.json").read_text())
SPOKEN = [script for script in all_scripts() if script.lines]
STEREO = [script for script in SPOKEN if script.sound == "stereo 16 kHz"]
#: What each way of recording decodes to: codec, audio channels, rate.
DECODED = {"stereo 16 kHz": ("pcm_s16le", 2, 16000), "mono 8 kHz": ("pcm_s16le", 1, 8000), "gsm": ("gsm_ms", 1, 8000)}


def by_sound(sound: str) -> Script:
    return next(script for script in all_scripts() if script.sound == sound)


def decoded(content: bytes) -> tuple[tuple[str, int, int], np.ndarray[Any, Any]]:
    """Codec, audio channels and rate; samples of all audio channels in [-1, 1], shape (n_channels, n)."""
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        context = stream.codec_context
        facts = (context.name, context.channels, context.sample_rate)
        samples = [frame.to_ndarray().reshape(-1, context.channels).T for frame in container.decode(stream)]
    return facts, np.concatenate(samples, axis=1) / 32768


def rms_dbfs(samples: np.ndarray[Any, Any]) -> float:
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))


@pytest.mark.parametrize("script", SPOKEN, ids=lambda script: script.key)
def test_a_call_decodes_to_the_sound_and_length_it_was_written_with(script: Script) -> None:
    facts, samples = decoded(recorded(script)[1])
    assert facts == DECODED[script.sound]
    assert samples.shape[1] / facts[2] == pytest.approx(TIMELINE[script.key]["length_s"], abs=0.05)


@pytest.mark.parametrize("script", SPOKEN, ids=lambda script: script.key)
def test_a_call_takes_between_twenty_seconds_and_a_minute(script: Script) -> None:
    assert 20 <= TIMELINE[script.key]["length_s"] <= 60


@pytest.mark.parametrize("script", STEREO, ids=lambda script: script.key)
def test_each_line_is_heard_on_its_speakers_audio_channel_alone(script: Script) -> None:
    _, samples = decoded(recorded(script)[1])
    for line, place in zip(script.lines, TIMELINE[script.key]["lines"], strict=True):
        # Where the next line interrupts, the last second belongs to both.
        spoken = samples[:, int(place["start_s"] * 16000) :][:, : int((place["length_s"] - 1.0) * 16000) or 16000]
        own, other = script.audio_channel(line.part), 1 - script.audio_channel(line.part)
        if line.interrupts:
            spoken = spoken[:, 16000:]
        assert rms_dbfs(spoken[own]) > -32, line.text
        assert rms_dbfs(spoken[other]) < -60, line.text


@pytest.mark.parametrize("script", SPOKEN, ids=lambda script: script.key)
def test_a_line_lasts_as_long_as_its_words_need(script: Script) -> None:
    """A line voiced before its text was changed would be too short or too long."""
    for line, place in zip(script.lines, TIMELINE[script.key]["lines"], strict=True):
        assert 6 <= len(line.text) / place["length_s"] <= 25, line.text


def test_the_angry_customer_speaks_while_the_agent_still_does() -> None:
    script = next(script for script in SPOKEN if script.key == "late-engineer")
    places = TIMELINE[script.key]["lines"]
    at = next(index for index, line in enumerate(script.lines) if line.interrupts)
    overlap_s = places[at - 1]["start_s"] + places[at - 1]["length_s"] - places[at]["start_s"]
    assert overlap_s == pytest.approx(0.9, abs=0.01)


def test_a_mixed_recording_holds_both_parties_in_one_audio_channel() -> None:
    script = by_sound("mono 8 kHz")
    _, samples = decoded(recorded(script)[1])
    for line, place in zip(script.lines, TIMELINE[script.key]["lines"], strict=True):
        spoken = samples[0, int(place["start_s"] * 8000) :][: int(place["length_s"] * 8000)]
        assert rms_dbfs(spoken) > -32, line.text


def test_the_gsm_file_says_what_the_voiced_lines_say() -> None:
    """It is committed as it is, so a change of the lines could leave it behind."""
    script = by_sound("gsm")
    extension, content = recorded(script)
    gsm = decoded(content)[1][0]
    mixed = call_samples(script).sum(axis=0)[::2]
    length = min(len(gsm), len(mixed)) // 800 * 800
    loudness = [np.sqrt((part[:length].reshape(-1, 800) ** 2).mean(axis=1)) for part in (gsm, mixed)]
    assert extension == "WAV"
    assert np.corrcoef(*loudness)[0, 1] > 0.95


def test_the_gsm_file_has_the_header_that_asterisk_writes() -> None:
    content = recorded(by_sound("gsm"))[1]
    assert content[:4] + content[8:16] == b"RIFFWAVEfmt "
    assert content[52:56] == b"data"
    assert int.from_bytes(content[4:8], "little") + 8 == len(content)


def test_a_call_that_nobody_answered_leaves_a_header_without_sound() -> None:
    extension, content = recorded(by_sound("none"))
    assert (extension, len(content)) == ("wav", 44)
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (0, 8000, 1)


def test_samples_of_both_audio_channels_are_interleaved_behind_a_right_header() -> None:
    content = wav(np.array([[1, 2], [-1, -2]], np.int16), 16000)
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 16000, 2)
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [1, -1, 2, -2]


def test_the_media_are_small_and_each_belongs_to_a_call() -> None:
    sizes = {file.name: len(file.read_bytes()) for file in MEDIA.iterdir()}
    expected = {f"{script.key}.opus" for script in SPOKEN} | {f"{by_sound('gsm').key}.WAV"}
    assert set(sizes) == expected | {"README.md", "timeline.json"}
    assert max(sizes.values()) < 200_000
    assert sum(sizes.values()) < 2_500_000
