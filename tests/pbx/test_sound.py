"""This file tests what is said of the audio channels of a downloaded recording."""

import numpy as np
import numpy.typing as npt
import pytest

from aftercall.pbx.sound import Sound, judge

RATE = 8000
VOICE = (np.sin(np.arange(4000) / 7) * 9000).astype("<i2")
OTHER = (np.sin(np.arange(4000) / 11) * 9000).astype("<i2")
NOTHING = np.zeros(4000, dtype="<i2")


def wav(*columns: npt.NDArray[np.generic], coding: int = 1, bits: int = 16, before: bytes = b"") -> bytes:
    data = np.stack(columns, axis=1).tobytes()
    frame = len(columns) * bits // 8
    head = b"".join(
        number.to_bytes(size, "little")
        for number, size in [(coding, 2), (len(columns), 2), (RATE, 4), (RATE * frame, 4), (frame, 2), (bits, 2)]
    )
    body = b"WAVE" + before + b"fmt " + len(head).to_bytes(4, "little") + head
    body += b"data" + len(data).to_bytes(4, "little") + data
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_one_audio_channel_is_mono() -> None:
    assert judge(wav(VOICE)) == Sound(kind="mono", audio_channels=1, rate_hz=RATE)


def test_two_voices_in_two_audio_channels_are_stereo() -> None:
    assert judge(wav(VOICE, OTHER)).kind == "stereo"


def test_one_party_that_never_speaks_is_stereo_all_the_same() -> None:
    assert judge(wav(VOICE, NOTHING)).kind == "stereo"


def test_the_same_sound_twice_is_found_out() -> None:
    assert judge(wav(VOICE, VOICE)) == Sound(kind="same", audio_channels=2, rate_hz=RATE)


def test_the_same_sound_twice_is_found_out_beneath_rounding() -> None:
    assert judge(wav(VOICE, VOICE + np.arange(4000, dtype="<i2") % 2)).kind == "same"


def test_a_quiet_second_voice_beside_a_copy_is_stereo() -> None:
    assert judge(wav(VOICE, VOICE + OTHER // 50)).kind == "stereo"


def test_silence_is_not_judged() -> None:
    assert judge(wav(NOTHING, NOTHING)).kind == "silent"


@pytest.mark.parametrize(("bits", "kind"), [(8, "u1"), (32, "<i4")])
def test_other_sample_sizes_are_read(bits: int, kind: str) -> None:
    scale = 2 ** (bits - 1)
    voice = (VOICE / 32768 * scale + (128 if bits == 8 else 0)).astype(kind)
    other = (OTHER / 32768 * scale + (128 if bits == 8 else 0)).astype(kind)
    assert judge(wav(voice, voice, bits=bits)).kind == "same"
    assert judge(wav(voice, other, bits=bits)).kind == "stereo"


def test_other_chunks_before_the_sound_are_passed_over() -> None:
    assert judge(wav(VOICE, VOICE, before=b"LIST\x05\x00\x00\x00notes\x00")).kind == "same"


def test_a_compressed_wav_of_two_audio_channels_could_not_be_told() -> None:
    assert judge(wav(VOICE, OTHER, coding=0x31)) == Sound(kind="unknown", audio_channels=2, rate_hz=RATE)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 something", wav(VOICE)[:30], b"RIFF\x00\x00\x00\x00WAVEjunk"])
def test_anything_else_could_not_be_told(content: bytes) -> None:
    assert judge(content).kind == "unknown"


def test_a_recording_cut_short_is_judged_by_what_is_there() -> None:
    assert judge(wav(VOICE, VOICE)[:-1001]).kind == "same"
