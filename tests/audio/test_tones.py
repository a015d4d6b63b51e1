"""What is no speech: it is named, nothing of it reaches an engine, and no speech is taken for it."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest
from tests.fixtures import telephone
from tests.fixtures.sounds import SOUNDS, hiss, silence, tone

from aftercall.audio import silero
from aftercall.audio.activity import find_speech
from aftercall.audio.decode import decode
from aftercall.audio.tones import non_speech
from aftercall.model import Samples, Span

Maker = Callable[[int], Samples]

NAMED: dict[str, tuple[Maker, str]] = {
    "ringing, American": (telephone.ringing_us, "ringback"),
    "ringing, British": (telephone.ringing_uk, "ringback"),
    "ringing, European": (telephone.ringing_eu, "ringback"),
    "busy, American": (telephone.busy_us, "busy"),
    "busy, European": (telephone.busy_eu, "busy"),
    "congestion": (telephone.congestion, "busy"),
    "keys": (lambda rate_hz: telephone.keys("1234567890*#", rate_hz), "dtmf"),
    "short keys": (lambda rate_hz: telephone.keys("159", rate_hz, on_s=0.05), "dtmf"),
    "beep": (telephone.beep, "beep"),
    "fax": (telephone.fax, "beep"),
    "slow chords": (lambda rate_hz: telephone.pads(24, rate_hz), "music"),
    "plucked strings": (lambda rate_hz: telephone.plucked(24, rate_hz), "music"),
    "a band": (lambda rate_hz: telephone.band(24, rate_hz), "music"),
}


def _on_a_line(sound: Samples, rate_hz: int) -> Samples:
    """With half a second before and after it, and a little noise."""
    edge = silence(0.5, rate_hz=rate_hz)
    whole = np.concatenate([edge, sound, edge])
    return whole + hiss(whole.size / rate_hz, level_dbfs=-62, rate_hz=rate_hz)[: whole.size]


def _coloured(power: float) -> Maker:
    """Noise whose power falls with the frequency to that power: 0 white, 1 pink, 2 brown."""

    def make(rate_hz: int) -> Samples:
        size = 12 * rate_hz
        spectrum = np.fft.rfft(np.random.default_rng(7).normal(0, 1, size))
        spectrum[1:] /= np.arange(1, spectrum.size) ** (power / 2)
        noise = np.fft.irfft(spectrum, size)
        return (0.1 * noise / np.abs(noise).max()).astype(np.float32)

    return make


NOISES: dict[str, Maker] = {
    "silence": lambda rate_hz: silence(12, rate_hz=rate_hz),
    "white noise": _coloured(0),
    "pink noise": _coloured(1),
    "brown noise": _coloured(2),
    "hum": lambda rate_hz: tone(12, pitch_hz=50, rate_hz=rate_hz),
}


@pytest.fixture(params=["silero", "energy"])
def found_by(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both ways of finding speech: with the network's weights and without."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "energy":
            patch.setattr(silero, "speech_probabilities", lambda *_: None)
        yield request.param


def _spans(samples: Samples, rate_hz: int) -> list[tuple[float, float]]:
    without = [Span(start_s=each.start_s, end_s=each.end_s) for each in non_speech(samples, rate_hz)]
    return [(span.start_s, span.end_s) for span in find_speech(samples, rate_hz, without=without).spans]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("name", NAMED)
def test_it_is_named(name: str, rate_hz: int) -> None:
    make, kind = NAMED[name]
    found = {each.kind for each in non_speech(_on_a_line(make(rate_hz), rate_hz), rate_hz)}
    assert found - {"silence"} == {kind}


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("name", [*NAMED, *NOISES])
def test_nothing_of_it_reaches_an_engine(name: str, rate_hz: int, found_by: str) -> None:
    """So it gives no words, whatever the engine would imagine in it."""
    make = NAMED[name][0] if name in NAMED else NOISES[name]
    assert _spans(_on_a_line(make(rate_hz), rate_hz), rate_hz) == []


@pytest.mark.parametrize("codec", ["u-law", "gsm"])
@pytest.mark.parametrize("name", ["ringing, American", "busy, European", "keys", "slow chords", "a band"])
def test_codecs_change_nothing(name: str, codec: str) -> None:
    make, kind = NAMED[name]
    heard = through(codec, _on_a_line(make(8000), 8000))
    assert kind in {each.kind for each in non_speech(heard, 8000)}


def through(codec: str, samples: Samples) -> Samples:
    """There and back."""
    if codec == "u-law":
        compressed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
        steps = np.round(compressed * 127) / 127
        return (np.sign(steps) * (256 ** np.abs(steps) - 1) / 255).astype(np.float32)
    # What GSM does to tones, roughly: a noise floor 20 dB below what is loud.
    rng = np.random.default_rng(3)
    envelope = np.sqrt(np.convolve(samples**2, np.full(160, 1 / 160), mode="same"))
    return (samples + 0.03 * envelope * rng.normal(0, 1, samples.size)).astype(np.float32)


def _voices() -> tuple[Samples, int]:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    return audio.samples.sum(axis=0), audio.rate_hz


def test_people_who_talk_are_nothing_else() -> None:
    samples, rate_hz = _voices()
    assert [each for each in non_speech(np.tile(samples, 3), rate_hz) if each.kind != "silence"] == []


@pytest.mark.parametrize("name", ["ringing, American", "busy, European", "keys", "beep", "a band"])
def test_what_is_said_before_and_after_is_kept(name: str, found_by: str) -> None:
    voices, rate_hz = _voices()
    sound = _on_a_line(NAMED[name][0](rate_hz), rate_hz)
    alone = _spans(voices, rate_hz)
    shift_s = (voices.size + sound.size) / rate_hz
    found = _spans(np.concatenate([voices, sound, voices]), rate_hz)
    wanted = alone + [(start_s + shift_s, end_s + shift_s) for start_s, end_s in alone]
    for start_s, end_s in wanted:
        kept = sum(max(0.0, min(end_s, last) - max(start_s, first)) for first, last in found)
        assert kept >= 0.95 * (end_s - start_s), (name, found_by, start_s)


def test_speech_over_a_faint_hum_of_music_is_kept() -> None:
    voices, rate_hz = _voices()
    behind = 0.1 * telephone.pads(voices.size / rate_hz, rate_hz)[: voices.size]
    kept = sum(end_s - start_s for start_s, end_s in _spans(voices + behind, rate_hz))
    alone = sum(end_s - start_s for start_s, end_s in _spans(voices, rate_hz))
    assert kept >= 0.9 * alone


def test_a_long_silence_is_said_and_a_short_one_is_not() -> None:
    sound = np.concatenate([tone(1, peak=0.3), silence(5), tone(1, peak=0.3), silence(2), tone(1, peak=0.3)])
    (found,) = [each for each in non_speech(sound, 8000) if each.kind == "silence"]
    assert (found.start_s, found.end_s) == (pytest.approx(1.0, abs=0.1), pytest.approx(6.0, abs=0.1))


def test_stretches_are_in_order_apart_and_inside() -> None:
    parts = [make(8000) for make, _ in NAMED.values()]
    sound = np.concatenate([part for each in parts for part in (each, silence(4))])
    found = non_speech(sound, 8000, audio_channel=1)
    assert all(first.end_s <= second.start_s for first, second in pairwise(found))
    assert found[-1].end_s <= sound.size / 8000
    assert {each.audio_channel for each in found} == {1}


def test_which_key_was_pressed_is_nowhere_to_be_found() -> None:
    one, nine = (
        [(each.kind, each.audio_channel) for each in non_speech(telephone.keys(key), 8000)] for key in ("1", "9")
    )
    assert one == nine


@pytest.mark.parametrize("samples", [np.zeros(0, np.float32), np.zeros(10, np.float32)], ids=["none", "ten"])
def test_hardly_a_sample_is_nothing(samples: Samples) -> None:
    assert non_speech(samples, 8000) == []
