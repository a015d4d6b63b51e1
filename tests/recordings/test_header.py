import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.sounds import SOUNDS, pcm16, silence, tone, wav

from aftercall.recordings import header

JSON_ERROR = b'{"message":"Recording not found"}'
PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not here</body></html>"
NOTE = "Dear all,\r\nthe file was moved, das weiß ich für sicher.\r\n".encode()


@pytest.mark.parametrize(
    "audio_format", ["wav", "WAV", "gsm", "ulaw", "alaw", "sln16", "g722", "mp3", "ogg", "", "strange"]
)
@pytest.mark.parametrize("text", [JSON_ERROR, PAGE, NOTE, b"  \n" + JSON_ERROR], ids=["json", "html", "note", "spaces"])
def test_text_is_never_audio_whatever_it_calls_itself(text: bytes, audio_format: str) -> None:
    assert not header.is_audio(text, f"audio/{audio_format}", audio_format)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (JSON_ERROR, "JSON"),
        (b'[{"name": "a"}]', "JSON"),
        (b"{}\n\n\n ", "JSON"),
        (PAGE, "HTML"),
        (b"<center><h1>502 Bad Gateway</h1></center>", "HTML"),
        (b'<?xml version="1.0"?><error/>', "XML"),
        (NOTE, "text"),
        (b"", "nothing at all"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data"),
        (wav(tone(0.1))[:64], "RIFF/WAVE audio"),
        (b"OggS\0\x02\0\0", "Ogg audio"),
        (b"fLaC\0\0\0\x22", "FLAC audio"),
        (b"ID3\x04\0\0\0\0\0\x23TSSE", "MP3 audio"),
        (b"\xff\xfb\x90\x64\0\0", "MP3 audio"),
        (b"\0\0\0\x1cftypM4A ", "MP4 audio"),
    ],
)
def test_it_says_what_the_bytes_look_like(head: bytes, words: str) -> None:
    assert header.looks_like(head) == words


@pytest.mark.parametrize("audio_format", ["wav", "WAV", "wav49", "mp3", "ogg", "flac", "m4a"])
def test_formats_with_a_mark_must_show_it(audio_format: str) -> None:
    assert not header.is_audio(pcm16(tone(0.1))[:64], f"audio/{audio_format}", audio_format)


@pytest.mark.parametrize("audio_format", ["gsm", "ulaw", "alaw", "sln", "sln16", "g722", "g729"])
def test_formats_without_a_mark_may_be_anything_but_text(audio_format: str) -> None:
    assert header.is_audio(pcm16(tone(0.1))[:64], f"audio/{audio_format}", audio_format)


@pytest.mark.parametrize("idle", [b"\xff" * 64, b"\x7f\xff" * 32, b"\xd5" * 64, b"U" * 64, b"UTU\xd5" * 16, b"\0" * 64])
def test_the_silence_of_a_headerless_format_is_not_text(idle: bytes) -> None:
    assert header.is_audio(idle, "audio/alaw", "alaw")


def test_wave_audio_is_audio_also_under_another_name() -> None:
    assert header.is_audio(wav(tone(0.1))[:64], "audio/gsm", "gsm")


@pytest.mark.parametrize("content_type", ["application/json", "text/html; charset=utf-8", "text/plain"])
def test_a_content_type_of_text_is_believed(content_type: str) -> None:
    assert not header.is_audio(pcm16(tone(0.1))[:64], content_type, "sln")


def test_an_mp3_needs_no_tag() -> None:
    assert header.is_audio(b"\xff\xfb\x90\x64" + bytes(60), "audio/mp3", "mp3")


# ---- is it still being written? ---------------------------------------------------------------------------------


def test_a_finished_recording_is_not_growing() -> None:
    whole = wav(tone(1))
    assert header.is_growing(whole[:64], len(whole), "wav") is False


def test_sizes_of_zero_mean_that_asterisk_is_still_writing() -> None:
    whole = wav(tone(1), riff_size=0, data_size=0)
    assert header.is_growing(whole[:64], len(whole), "wav") is True


def test_the_bare_header_of_a_call_that_has_just_begun_is_growing() -> None:
    assert header.is_growing(wav(silence(0), riff_size=0, data_size=0), 44, "wav") is True


def test_a_finished_file_with_nothing_but_a_header_is_not_growing() -> None:
    assert header.is_growing(wav(silence(0)), 44, "wav") is False


@pytest.mark.parametrize("difference", [-5000, -2, 2, 5000])
def test_sizes_that_do_not_match_mean_that_it_is_still_being_written(difference: int) -> None:
    whole = wav(tone(1))
    assert header.is_growing(whole[:64], len(whole) + difference, "wav") is True


@pytest.mark.parametrize("padding", [0, 1])
def test_a_padding_byte_makes_no_difference(padding: int) -> None:
    whole = wav(tone(1)) + bytes(padding)
    assert header.is_growing(whole[:64], len(whole), "wav") is False


def test_a_finished_gsm_in_riff_is_not_growing() -> None:
    whole = (SOUNDS / "tone.WAV").read_bytes()
    assert header.is_growing(whole[:64], len(whole), "WAV") is False


def test_a_gsm_in_riff_of_sixty_bytes_and_no_sizes_is_growing() -> None:
    whole = bytearray((SOUNDS / "tone.WAV").read_bytes()[:60])
    whole[4:8] = whole[56:60] = bytes(4)
    assert header.is_growing(bytes(whole), 60, "WAV") is True


@pytest.mark.parametrize("audio_format", ["gsm", "ulaw", "sln16", "g722", "mp3"])
def test_headerless_formats_cannot_tell(audio_format: str) -> None:
    assert header.is_growing(pcm16(tone(0.1))[:64], 1600, audio_format) is None


@pytest.mark.parametrize("audio_format", ["wav", "gsm"])
def test_a_file_without_a_byte_is_growing(audio_format: str) -> None:
    assert header.is_growing(b"", 0, audio_format) is True


def test_a_chunk_before_the_samples_is_skipped() -> None:
    whole = wav(tone(1))
    with_list = whole[:36] + b"LIST" + (7).to_bytes(4, "little") + b"INFOabc\0" + whole[36:]
    riff = header.read_riff(with_list)
    assert riff is not None
    assert (riff.data_offset, riff.data_size, riff.declared_duration_s) == (44 + 16, 16000, 1.0)


def test_the_duration_by_the_header_knows_codecs_that_pack_samples_into_blocks() -> None:
    riff = header.read_riff((SOUNDS / "tone.WAV").read_bytes())
    assert riff is not None
    assert riff.declared_duration_s == pytest.approx(1.0, abs=0.021)


@given(st.binary(max_size=200), st.text(max_size=20), st.sampled_from(["wav", "WAV", "gsm", "mp3", "ogg", "?"]))
def test_any_bytes_get_an_answer(head: bytes, content_type: str, audio_format: str) -> None:
    assert isinstance(header.is_audio(head, content_type, audio_format), bool)
    assert header.looks_like(head)
    assert header.is_growing(head, len(head), audio_format) in {True, False, None}


@given(st.binary(max_size=120))
def test_any_damage_behind_the_riff_mark_gets_an_answer(rest: bytes) -> None:
    head = b"RIFF" + rest[:4].ljust(4, b"\0") + b"WAVEfmt " + rest[4:]
    assert header.is_growing(head, len(head), "wav") in {True, False}


@given(st.dictionaries(st.text(max_size=10), st.integers() | st.text(max_size=10), min_size=1))
def test_no_json_object_passes_for_audio(thing: dict[str, object]) -> None:
    import json

    text = json.dumps(thing).encode()
    assert not header.is_audio(text, "audio/wav", "wav")
    assert len(set(text)) < 4 or not header.is_audio(text, "audio/sln", "sln")
