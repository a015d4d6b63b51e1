from pathlib import Path

import numpy as np
import pytest
import soxr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.sounds import SOUNDS, encoded, hiss, pcm16, silence, tone, wav

from aftercall.audio.decode import HEADERLESS, KNOWN, decode
from aftercall.errors import AudioEmpty, AudioError, AudioTooLong, AudioUnreadable, CodecUnsupported
from aftercall.model import Audio, Samples

#: What FFmpeg can write, and how.
WRITTEN = {
    "pcm.wav": {"codec": "pcm_s16le", "container": "wav"},
    "eight-bit.wav": {"codec": "pcm_u8", "container": "wav"},
    "wide.wav": {"codec": "pcm_s24le", "container": "wav"},
    "float.wav": {"codec": "pcm_f32le", "container": "wav"},
    "ulaw.wav": {"codec": "pcm_mulaw", "container": "wav"},
    "alaw.wav": {"codec": "pcm_alaw", "container": "wav"},
    "ima.wav": {"codec": "adpcm_ima_wav", "container": "wav"},
    "ms.wav": {"codec": "adpcm_ms", "container": "wav"},
    "call.ulaw": {"codec": "pcm_mulaw", "container": "mulaw"},
    "call.alaw": {"codec": "pcm_alaw", "container": "alaw"},
    "call.g722": {"codec": "adpcm_g722", "container": "g722", "rate_hz": 16000},
    "call.flac": {"codec": "flac", "container": "flac"},
    "call.au": {"codec": "pcm_mulaw", "container": "au"},
    "call.mp3": {"codec": "libmp3lame", "container": "mp3"},
    "call.ogg": {"codec": "libopus", "container": "ogg", "rate_hz": 48000},
    "call.opus": {"codec": "libopus", "container": "ogg", "rate_hz": 48000},
    "call.m4a": {"codec": "aac", "container": "mp4", "rate_hz": 16000},
}


def pitch_hz(audio: Audio, audio_channel: int = 0) -> float:
    samples = audio.samples[audio_channel]
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(np.argmax(spectrum) * audio.rate_hz / samples.size)


def put(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# ---- every format -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITTEN)
def test_the_tone_comes_out_as_it_went_in(name: str, tmp_path: Path) -> None:
    how = dict(WRITTEN[name])
    rate_hz = int(how.get("rate_hz", 8000))
    path = encoded(tmp_path / name, tone(2, rate_hz=rate_hz), **how)
    audio, facts = decode(path)
    assert pitch_hz(audio) == pytest.approx(440, abs=2)
    # Lossy codecs fill up their last block and may add a little in front.
    assert facts.duration_s == pytest.approx(2, abs=0.12)
    assert audio.samples.shape[1] == pytest.approx(facts.duration_s * audio.rate_hz, abs=20)
    assert 0.4 < np.percentile(np.abs(audio.samples), 99) < 0.6


@pytest.mark.parametrize("name", ["tone.gsm", "tone.WAV"])
def test_gsm_is_decoded_raw_and_in_riff(name: str) -> None:
    audio, facts = decode(SOUNDS / name)
    assert pitch_hz(audio) == pytest.approx(440, abs=4)
    assert facts.duration_s == pytest.approx(1, abs=0.021)
    assert (facts.format, facts.codec) in {("gsm", "gsm"), ("wav", "gsm_ms")}


@pytest.mark.parametrize(
    ("extension", "rate_hz"),
    [("sln", 8000), ("sln8", 8000), ("raw", 8000), ("slin", 8000), ("sln12", 12000), ("sln16", 16000), ("sln24", 24000),
     ("sln32", 32000), ("sln44", 44100), ("sln48", 48000), ("sln96", 96000), ("sln192", 192000)],
)  # fmt: skip
def test_signed_linear_has_the_rate_its_name_says(extension: str, rate_hz: int, tmp_path: Path) -> None:
    path = put(tmp_path, f"call.{extension}", pcm16(tone(1, rate_hz=rate_hz)))
    audio, facts = decode(path)
    assert (facts.rate_hz, facts.duration_s, facts.audio_channels) == (rate_hz, 1.0, 1)
    assert pitch_hz(audio) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("extension", ["ulaw", "ul", "mu", "ulw", "pcm", "ULAW"])
def test_every_name_of_u_law_is_known(extension: str, tmp_path: Path) -> None:
    path = encoded(tmp_path / "x", tone(1), codec="pcm_mulaw", container="mulaw")
    assert decode(path, name_hint=f"2026/11/23/call.{extension}")[1].codec == "pcm_mulaw"


def test_pcm_is_exact(tmp_path: Path) -> None:
    samples = hiss(0.5, level_dbfs=-20)
    audio, facts = decode(put(tmp_path, "call.wav", wav(samples)))
    assert facts.duration_s == 0.5
    assert np.max(np.abs(audio.samples[0] - samples)) < 1e-4


def test_stereo_keeps_its_sides(tmp_path: Path) -> None:
    both = np.stack([tone(1, pitch_hz=300), tone(1, pitch_hz=700)])
    audio, facts = decode(put(tmp_path, "call.wav", wav(both)))
    assert facts.audio_channels == 2
    assert (pitch_hz(audio, 0), pitch_hz(audio, 1)) == (pytest.approx(300, abs=2), pytest.approx(700, abs=2))


def test_more_than_two_audio_channels_are_mixed_into_one(tmp_path: Path) -> None:
    audio, facts = decode(put(tmp_path, "call.wav", wav(np.stack([tone(1), silence(1), silence(1)]))))
    assert (facts.audio_channels, audio.samples.shape) == (3, (1, 8000))
    assert np.max(audio.samples) == pytest.approx(0.5 / 3, abs=0.01)


def test_wide_sound_is_brought_down_without_losing_time(tmp_path: Path) -> None:
    path = encoded(
        tmp_path / "call.flac", tone(3.3, rate_hz=44100, pitch_hz=1000), codec="flac", container="flac", rate_hz=44100
    )
    audio, facts = decode(path)
    assert (audio.rate_hz, facts.rate_hz) == (16000, 44100)
    assert facts.duration_s == pytest.approx(3.3, abs=1e-4)
    assert audio.samples.shape == (1, pytest.approx(3.3 * 16000, abs=2))
    assert pitch_hz(audio) == pytest.approx(1000, abs=1)


def test_bringing_down_piece_by_piece_is_as_good_as_at_once(tmp_path: Path) -> None:
    samples = hiss(2, level_dbfs=-20, rate_hz=48000)
    path = encoded(tmp_path / "call.wav", samples, codec="pcm_f32le", container="wav", rate_hz=48000)
    at_once = soxr.resample(samples, 48000, 16000)
    assert np.max(np.abs(decode(path)[0].samples[0] - at_once)) < 1e-3


def test_samples_stay_within_one(tmp_path: Path) -> None:
    samples = np.array([3.0, -3.0, np.nan, np.inf, 0.25] * 400, np.float32)
    path = encoded(tmp_path / "call.wav", samples, codec="pcm_f32le", container="wav")
    decoded = decode(path)[0].samples
    assert np.all(np.isfinite(decoded))
    assert np.max(np.abs(decoded)) <= 1


def test_two_mp3_files_joined_into_one_are_both_heard(tmp_path: Path) -> None:
    first = encoded(tmp_path / "1.mp3", tone(1), codec="libmp3lame", container="mp3")
    second = encoded(tmp_path / "2.mp3", tone(1, rate_hz=16000), codec="libmp3lame", container="mp3", rate_hz=16000)
    audio, facts = decode(put(tmp_path, "call.mp3", first.read_bytes() + second.read_bytes()))
    assert facts.duration_s == pytest.approx(2, abs=0.3)
    assert pitch_hz(audio) == pytest.approx(440, abs=4)


# ---- which format -----------------------------------------------------------------------------------------------


def test_the_content_type_names_the_format_of_a_recording_without_extension(tmp_path: Path) -> None:
    path = put(tmp_path, "0001.bin", pcm16(tone(1, rate_hz=16000)))
    facts = decode(path, name_hint="2026/11/23/out-201-1763900000.17", content_type="audio/sln16")[1]
    assert (facts.format, facts.rate_hz) == ("sln16", 16000)


def test_the_content_type_counts_more_than_the_name(tmp_path: Path) -> None:
    path = encoded(tmp_path / "x", tone(1), codec="pcm_alaw", container="alaw")
    assert decode(path, name_hint="call.ulaw", content_type="audio/alaw")[1].codec == "pcm_alaw"


@pytest.mark.parametrize("content_type", ["application/octet-stream", "audio/unheard-of", ""])
def test_a_content_type_that_says_nothing_leaves_it_to_the_name(content_type: str, tmp_path: Path) -> None:
    path = put(tmp_path, "x", pcm16(tone(1)))
    assert decode(path, name_hint="call.sln", content_type=content_type)[1].format == "sln"


@pytest.mark.parametrize("hint", ["gsm", "sln", "mp3", "g729", "nonsense"])
def test_an_unmistakable_mark_wins_over_the_name(hint: str, tmp_path: Path) -> None:
    path = put(tmp_path, "x", wav(tone(1)))
    assert decode(path, name_hint=f"call.{hint}", content_type=f"audio/{hint}")[1].format == "wav"


@pytest.mark.parametrize("extension", sorted(HEADERLESS))
def test_headerless_bytes_are_never_guessed(extension: str, tmp_path: Path) -> None:
    """They begin like an MPEG frame here; by their extension they are something else."""
    path = put(tmp_path, f"call.{extension}", b"\xff\xfb\x90\x64" * 2000)
    assert decode(path)[1].format == KNOWN[extension].name


@pytest.mark.parametrize("extension", ["g729", "g723", "siren14", "doc", ""])
def test_a_format_nobody_can_decode_is_named(extension: str, tmp_path: Path) -> None:
    with pytest.raises(CodecUnsupported, match=extension or "without a name"):
        decode(put(tmp_path, f"call.{extension}" if extension else "call", bytes(range(256))))


def test_a_wave_file_with_a_codec_nobody_can_decode_is_named(tmp_path: Path) -> None:
    content = bytearray(wav(tone(1)))
    content[20:22] = b"\x34\x12"
    with pytest.raises((CodecUnsupported, AudioUnreadable)):
        decode(put(tmp_path, "call.wav", bytes(content)))


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.wav", wav(tone(1)))
    playlist = put(tmp_path, "call.mp3", f"#EXTM3U\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n".encode())
    with pytest.raises(AudioUnreadable, match="text"):
        decode(playlist)


def test_a_name_that_looks_like_an_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, "concat:x.wav", wav(tone(1)))
    assert decode(Path("concat:x.wav"))[1].duration_s == 1


# ---- empty, cut off, unreadable, too long -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [b"", wav(silence(0)), wav(silence(0), riff_size=0, data_size=0), wav(silence(0)) + b"\0"],
    ids=["nothing", "44 bytes", "44 bytes without sizes", "44 bytes and padding"],
)
def test_a_recording_without_sound_is_empty(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(AudioEmpty):
        decode(put(tmp_path, "call.wav", content))


def test_sixty_bytes_of_gsm_in_riff_are_empty(tmp_path: Path) -> None:
    with pytest.raises(AudioEmpty):
        decode(put(tmp_path, "call.WAV", (SOUNDS / "tone.WAV").read_bytes()[:60]))


@pytest.mark.parametrize(("name", "size_bytes"), [("call.sln", 1), ("call.sln16", 1), ("call.gsm", 32)])
def test_less_than_one_block_of_samples_is_empty(name: str, size_bytes: int, tmp_path: Path) -> None:
    with pytest.raises(AudioEmpty):
        decode(put(tmp_path, name, b"\xd1" * size_bytes))


def test_a_flac_without_samples_is_empty(tmp_path: Path) -> None:
    whole = encoded(tmp_path / "x.flac", tone(1), codec="flac", container="flac").read_bytes()
    with pytest.raises(AudioEmpty):
        decode(put(tmp_path, "call.flac", whole[: whole.index(b"\xff\xf8")]))


def test_a_file_that_ends_before_its_header_says_is_truncated(tmp_path: Path) -> None:
    whole = wav(tone(60))
    _, facts = decode(put(tmp_path, "call.wav", whole[: 44 + 4000]))
    assert facts.is_truncated
    assert (facts.duration_s, facts.declared_duration_s) == (0.25, 60.0)


def test_a_truncated_gsm_in_riff_says_so_too(tmp_path: Path) -> None:
    whole = (SOUNDS / "tone.WAV").read_bytes()
    _, facts = decode(put(tmp_path, "call.WAV", whole[: 60 + 65 * 10]))
    assert facts.is_truncated
    assert facts.duration_s == pytest.approx(0.4)
    assert facts.declared_duration_s == pytest.approx(1, abs=0.021)


def test_a_whole_file_is_not_truncated(tmp_path: Path) -> None:
    _, facts = decode(put(tmp_path, "call.wav", wav(tone(1))))
    assert (facts.is_truncated, facts.declared_duration_s) == (False, None)


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_header_without_sizes_is_taken_to_the_end_of_the_file(size: int, tmp_path: Path) -> None:
    """Asterisk was killed in mid call, or a program wrote into a pipe."""
    _, facts = decode(put(tmp_path, "call.wav", wav(tone(3), riff_size=size, data_size=size)))
    assert (facts.duration_s, facts.is_truncated) == (3.0, False)


def test_gsm_in_riff_without_sizes_is_taken_to_the_end_of_the_file(tmp_path: Path) -> None:
    content = bytearray((SOUNDS / "tone.WAV").read_bytes())
    content[4:8] = content[56:60] = bytes(4)
    _, facts = decode(put(tmp_path, "call.WAV", bytes(content)))
    assert facts.duration_s == pytest.approx(1, abs=0.021)
    assert not facts.is_truncated


@pytest.mark.parametrize("name", ["call.wav", "call.mp3", "call.gsm", "call.sln", "call.flac"])
@pytest.mark.parametrize(
    "content",
    [b'{"message":"Recording not found"}', b"<html><body>Please sign in</body></html>", b"This is a text file.\n" * 9],
    ids=["json", "html", "text"],
)
def test_text_is_unreadable_and_says_what_it_is(name: str, content: bytes, tmp_path: Path) -> None:
    with pytest.raises(AudioUnreadable, match=r"this looks like (JSON|HTML|text)"):
        decode(put(tmp_path, name, content))


@pytest.mark.parametrize("mark", [b"RIFF\x10\0\0\0WAVE", b"OggS\0\x02", b"fLaC\0\0\0\x22", b"ID3\x04\0\0\0\0\0\x23"])
def test_rubbish_behind_a_good_mark_is_unreadable(mark: bytes, tmp_path: Path) -> None:
    rubbish = np.random.default_rng(3).bytes(5000)
    with pytest.raises(AudioUnreadable):
        decode(put(tmp_path, "call.wav", mark + rubbish))


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(AudioUnreadable, match="No such file"):
        decode(tmp_path / "gone.wav")


def test_a_damaged_part_does_not_cost_the_rest(tmp_path: Path) -> None:
    path = encoded(tmp_path / "call.mp3", tone(30), codec="libmp3lame", container="mp3")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 300] = np.random.default_rng(4).bytes(300)
    path.write_bytes(content)
    assert decode(path)[1].duration_s == pytest.approx(30, abs=3)


def test_more_sound_than_memory_allows_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "call.wav", wav(np.stack([tone(2), tone(2)])))
    assert decode(path, max_samples=32000)[1].duration_s == 2
    with pytest.raises(AudioTooLong):
        decode(path, max_samples=31000)


def test_what_counts_is_what_is_kept(tmp_path: Path) -> None:
    """At 48 kHz two thirds are not kept, so three times as many samples may come in."""
    path = put(tmp_path, "call.sln48", pcm16(tone(1, rate_hz=48000)))
    assert decode(path, max_samples=16000)[1].duration_s == 1
    with pytest.raises(AudioTooLong):
        decode(path, max_samples=15000)


def test_a_day_of_sound_is_too_long(tmp_path: Path) -> None:
    path = tmp_path / "call.ulaw"
    with path.open("wb") as file:
        file.truncate(8000 * 60)
    with pytest.raises(AudioTooLong, match=r"more than 0\.01 hours"):
        decode(path, max_samples=8000 * 36)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.sampled_from(["wav", "gsm", "ulaw", "sln", "g722", "mp3", "ogg", "flac", "m4a", "au", "g729", ""]),
    st.sampled_from([b"", b"RIFF\0\0\0\0WAVEfmt ", b"OggS\0\2", b"fLaC", b"ID3\4\0\0\0\0\0\0", b"\0\0\0\x1cftypM4A "]),
    st.binary(max_size=400),
)
def test_any_bytes_are_sound_or_an_error_of_ours(tmp_path: Path, extension: str, mark: bytes, rest: bytes) -> None:
    path = put(tmp_path, f"call.{extension}", mark + rest)
    try:
        audio, facts = decode(path)
    except AudioError:
        return
    assert audio.samples.dtype == np.float32
    assert audio.samples.shape[1] > 0
    assert facts.duration_s > 0


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, 59), st.binary(min_size=1, max_size=4), st.sampled_from(["pcm", "gsm"]))
def test_any_damage_to_a_header_is_survived(tmp_path: Path, at: int, damage: bytes, kind: str) -> None:
    content = bytearray(wav(tone(0.2)) if kind == "pcm" else (SOUNDS / "tone.WAV").read_bytes())
    content[at : at + len(damage)] = damage
    try:
        audio, _ = decode(put(tmp_path, "call.wav", bytes(content)))
    except AudioError:
        return
    assert np.all(np.abs(audio.samples) <= 1)


def test_the_error_for_an_unknown_format_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(CodecUnsupported) as error:
        decode(put(tmp_path, "call.g729", bytes(200)))
    assert all(name in error.value.why for name in ("wav", "gsm", "ulaw", "alaw", "sln", "g722", "mp3", "opus", "m4a"))


def same(a: Samples, b: Samples) -> bool:
    return a.shape == b.shape and bool(np.all(a == b))


def test_the_file_is_only_read(tmp_path: Path) -> None:
    path = put(tmp_path, "call.wav", wav(tone(1)))
    before = path.read_bytes()
    first, again = decode(path)[0], decode(path)[0]
    assert same(first.samples, again.samples)
    assert path.read_bytes() == before
