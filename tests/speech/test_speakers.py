from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr
from tests.fixtures.sounds import hiss

from aftercall.audio.activity import find_speech
from aftercall.demo import media, scripts
from aftercall.model import Samples, Span, Voices
from aftercall.speech import speakers, voice_vectors
from aftercall.speech.speakers import SpeakerThresholds, likeness, separate, two_groups
from aftercall.speech.voice_vectors import Floats

RATE_HZ = 8000
#: Calls of the demo with two parties: in the one each has a synthetic voice of its own, in the other they share the
#: voice and only the setting of its pitch differs.
TWO_VOICES, ALIKE = "new-boiler", "wrong-number"


@pytest.fixture(scope="module")
def weights() -> Path:
    found = voice_vectors.find_weights(None)
    assert found is not None, "the extra `weights` is not installed"
    return found


@cache
def parties(key: str) -> Samples:
    """The two parties of a call of the demo, each in its own audio channel, at 8 kHz."""
    script = next(script for script in scripts.all_scripts() if script.key == key)
    return np.stack([soxr.resample(party, 16_000, RATE_HZ) for party in media.call_samples(script)])


def regions(samples: Samples) -> Sequence[Span]:
    return find_speech(samples, RATE_HZ).regions


def wrong_s(voices: Voices, truth: Samples) -> float:
    """Seconds in which one party speaks alone, and the voices say it is the other one."""
    length = round(truth.shape[1] / RATE_HZ * 100)
    told = np.full(length, -1)
    for span in voices.spans:
        told[round(span.start_s * 100) : round(span.end_s * 100)] = "AB".index(span.speaker)
    speaks = np.zeros((2, length), bool)
    for party in (0, 1):
        for region in regions(truth[party]):
            speaks[party, round(region.start_s * 100) : round(region.end_s * 100)] = True
    party = speaks.argmax(axis=0)
    counts = (speaks[0] ^ speaks[1]) & (told >= 0)
    return float(min(np.count_nonzero(counts & (told != expected)) for expected in (party, 1 - party))) / 100


# ---- two voices -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [TWO_VOICES, ALIKE])
def test_two_voices_in_one_audio_channel_are_told_apart(weights: Path, key: str) -> None:
    call = parties(key)
    mixed = call.sum(axis=0)

    voices = separate(mixed, RATE_HZ, regions(mixed), weights=weights)

    assert voices.is_accepted
    assert voices.reason == ""
    assert voices.method == "resemblyzer 0.1.4, spectral"
    assert {span.speaker for span in voices.spans} == {"A", "B"}
    assert wrong_s(voices, call) < 0.5


def test_speaker_a_is_who_speaks_first(weights: Path) -> None:
    mixed = parties(TWO_VOICES).sum(axis=0)
    turned = mixed[::-1].copy()

    assert separate(mixed, RATE_HZ, regions(mixed), weights=weights).spans[0].speaker == "A"
    assert separate(turned, RATE_HZ, regions(turned), weights=weights).spans[0].speaker == "A"


def test_spans_are_in_order_and_apart_and_cover_the_regions(weights: Path) -> None:
    mixed = parties(TWO_VOICES).sum(axis=0)
    where = regions(mixed)

    voices = separate(mixed, RATE_HZ, where, weights=weights)

    assert all(before.end_s <= after.start_s for before, after in pairwise(voices.spans))
    assert all(span.start_s < span.end_s for span in voices.spans)
    covered_s = sum(span.end_s - span.start_s for span in voices.spans)
    assert covered_s == pytest.approx(sum(region.end_s - region.start_s for region in where), abs=0.05)


def test_the_same_call_at_another_rate_level_and_with_a_long_pause_is_told_apart_as_well(weights: Path) -> None:
    call = np.stack([soxr.resample(party, RATE_HZ, 16_000) for party in parties(TWO_VOICES)])
    mixed = 0.05 * np.concatenate([call.sum(axis=0), np.zeros(16_000 * 120, np.float32)]).astype(np.float32)
    where = find_speech(mixed, 16_000).regions

    voices = separate(mixed, 16_000, where, weights=weights)

    assert voices.is_accepted
    assert wrong_s(voices, parties(TWO_VOICES)) < 0.5


def test_the_same_sound_gives_the_same_answer(weights: Path) -> None:
    mixed = parties(ALIKE).sum(axis=0)

    first, second = (separate(mixed, RATE_HZ, regions(mixed), weights=weights) for _ in range(2))

    assert first == second


def test_a_very_short_region_takes_its_neighbours_speaker(weights: Path) -> None:
    mixed = parties(TWO_VOICES).sum(axis=0)
    where = list(regions(mixed))
    longest = max(where, key=lambda region: region.end_s - region.start_s)
    at = where.index(longest)
    cut_s = longest.end_s - 0.2
    where[at : at + 1] = [Span(start_s=longest.start_s, end_s=cut_s), Span(start_s=cut_s, end_s=longest.end_s)]

    voices = separate(mixed, RATE_HZ, where, weights=weights)

    short = next(span for span in voices.spans if span.start_s == pytest.approx(cut_s))
    before = next(span for span in voices.spans if span.end_s == pytest.approx(cut_s))
    assert short.speaker == before.speaker


# ---- refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("party", [0, 1])
@pytest.mark.parametrize("key", [TWO_VOICES, ALIKE])
def test_one_voice_is_not_cut_in_two(weights: Path, key: str, party: int) -> None:
    alone = parties(key)[party]

    voices = separate(alone, RATE_HZ, regions(alone), weights=weights)

    assert not voices.is_accepted
    assert voices.spans == ()
    assert voices.reason == "one voice only, or two that are too alike"
    assert voices.similarity is not None
    assert voices.similarity > 0.91


def test_without_weights_nobody_is_told_apart_and_it_says_why() -> None:
    mixed = parties(TWO_VOICES).sum(axis=0)

    voices = separate(mixed, RATE_HZ, regions(mixed), weights=None)

    assert not voices.is_accepted
    assert voices.reason == "speaker weights are not installed"
    assert voices.similarity is None


def test_damaged_weights_cost_the_speakers_and_not_the_call(tmp_path: Path) -> None:
    damaged = tmp_path / "pretrained.pt"
    damaged.write_bytes(b"\x80\x02K\x01.")

    voices = separate(hiss(1, level_dbfs=-20), RATE_HZ, [Span(start_s=0, end_s=1)], weights=damaged)

    assert voices.reason == "the speaker weights are damaged"


@pytest.mark.parametrize(
    "where",
    [[], [Span(start_s=0.1, end_s=0.3)], [Span(start_s=0, end_s=1)], [Span(start_s=0, end_s=2)]],
    ids=["none", "a click", "a second", "two seconds"],
)
def test_too_little_speech_is_not_separated(weights: Path, where: list[Span]) -> None:
    voices = separate(hiss(2, level_dbfs=-20), RATE_HZ, where, weights=weights)

    assert not voices.is_accepted
    assert voices.reason == "too little speech"


def test_digital_silence_taken_for_speech_is_not_separated(weights: Path) -> None:
    voices = separate(np.zeros(RATE_HZ * 20, np.float32), RATE_HZ, [Span(start_s=0, end_s=20)], weights=weights)

    assert not voices.is_accepted


# ---- thresholds -------------------------------------------------------------------------------------------------


def test_two_alike_voices_are_accepted_with_low_confidence(weights: Path) -> None:
    mixed = parties(ALIKE).sum(axis=0)
    where = regions(mixed)
    similarity = separate(mixed, RATE_HZ, where, weights=weights).similarity
    assert similarity is not None

    only_just = SpeakerThresholds(surely_apart=similarity - 0.01, most_alike=similarity + 0.01)
    surely = replace(only_just, surely_apart=similarity + 0.005)
    not_quite = SpeakerThresholds(surely_apart=0.1, most_alike=similarity - 0.01)

    assert separate(mixed, RATE_HZ, where, only_just, weights=weights).is_low_confidence
    assert not separate(mixed, RATE_HZ, where, surely, weights=weights).is_low_confidence
    assert not separate(mixed, RATE_HZ, where, not_quite, weights=weights).is_accepted


@pytest.mark.parametrize("thresholds", [SpeakerThresholds(smallest_share=0.5), SpeakerThresholds(least_speech_s=60)])
def test_a_second_voice_that_hardly_speaks_is_not_a_second_speaker(
    weights: Path, thresholds: SpeakerThresholds
) -> None:
    mixed = parties(TWO_VOICES).sum(axis=0)

    assert not separate(mixed, RATE_HZ, regions(mixed), thresholds, weights=weights).is_accepted


# ---- long calls -------------------------------------------------------------------------------------------------


def crowd(n: int, *, spread: float, seed: int = 5) -> tuple[Floats, Floats]:
    """Voice vectors around two centres that take turns, and whose they are."""
    random = np.random.default_rng(seed)
    centres = np.abs(random.standard_normal((2, 256)))
    whose = (np.arange(n) // 37) % 2
    found = np.abs(centres[whose] + spread * random.standard_normal((n, 256)))
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32), whose.astype(np.float32)


def test_three_hours_are_grouped_by_a_sample_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    spectral = speakers._spectral

    def counted(vectors: Floats) -> speakers.Labels:
        compared.append(len(vectors))
        return spectral(vectors)

    monkeypatch.setattr(speakers, "_spectral", counted)
    vectors, whose = crowd(36_000, spread=0.8)

    labels = two_groups(vectors)

    assert compared == [speakers.MOST_COMPARED]
    assert max(np.mean(labels == whose), np.mean(labels != whose)) == 1


def test_a_short_call_is_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    spectral = speakers._spectral

    def counted(vectors: Floats) -> speakers.Labels:
        compared.append(len(vectors))
        return spectral(vectors)

    monkeypatch.setattr(speakers, "_spectral", counted)

    two_groups(crowd(300, spread=0.5)[0])

    assert compared == [300]


def test_vectors_that_are_all_the_same_are_one_voice() -> None:
    vectors = np.tile(crowd(1, spread=0)[0], (50, 1))

    assert likeness(vectors, two_groups(vectors)) == pytest.approx(1)
