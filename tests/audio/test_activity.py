import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.sounds import SOUNDS, babble, hiss, pcm16, silence, tone

from aftercall.audio import silero
from aftercall.audio.activity import LONGEST_SPAN_S, find_speech, levels_dbfs
from aftercall.audio.decode import decode
from aftercall.model import Samples, Span


@pytest.fixture(autouse=True, scope="module")
def by_energy() -> Iterator[None]:
    """Without the network's weights: what these tests make is loud and soft like speech, but no voice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(silero, "speech_probabilities", lambda *_: None)
        yield


def heard_in(samples: Samples, rate_hz: int) -> list[Span]:
    found = find_speech(samples, rate_hz)
    assert found.method == "energy"
    return list(found.spans)


TALK = [(2.0, 4.5), (6.0, 7.0), (9.0, 14.0)]


def call(*, level_dbfs: float = -20, rate_hz: int = 8000) -> Samples:
    """Sixteen seconds with speech at TALK."""
    samples = silence(16, rate_hz=rate_hz)
    for start_s, end_s in TALK:
        speech = babble(end_s - start_s, level_dbfs=level_dbfs, rate_hz=rate_hz)
        samples[round(start_s * rate_hz) : round(end_s * rate_hz)] = speech
    return samples


def edges(spans: list[Span]) -> list[tuple[float, float]]:
    return [(span.start_s, span.end_s) for span in spans]


def u_law(samples: Samples) -> Samples:
    """There and back: the nearest of 256 steps."""
    compressed = np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)
    steps = np.round(compressed * 127) / 127
    return (np.sign(steps) * (256 ** np.abs(steps) - 1) / 255).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(call(), id="clean"),
        pytest.param(call(level_dbfs=-45), id="quiet"),
        pytest.param(call() + hiss(16, level_dbfs=-60), id="idle noise"),
        pytest.param(call() + hiss(16, level_dbfs=-42), id="noisy line"),
        pytest.param(call(level_dbfs=-10) + hiss(16, level_dbfs=-30), id="loud and noisy"),
        pytest.param(call() + np.float32(0.2), id="constant offset"),
        pytest.param(call() + tone(16, pitch_hz=50, peak=0.1), id="mains hum"),
        pytest.param(u_law(call() + hiss(16, level_dbfs=-70)), id="u-law"),
    ],
)
def test_speech_is_found_where_it_is(sound: Samples) -> None:
    found = edges(heard_in(sound, 8000))
    assert len(found) == len(TALK)
    for (start_s, end_s), (true_start_s, true_end_s) in zip(found, TALK, strict=True):
        assert true_start_s - 0.2 <= start_s <= true_start_s + 0.05
        assert true_end_s - 0.1 <= end_s <= true_end_s + 0.2


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000])
def test_the_rate_makes_no_difference(rate_hz: int) -> None:
    found = edges(heard_in(call(rate_hz=rate_hz), rate_hz))
    assert [(round(start), round(end)) for start, end in found] == [(2, 5), (6, 7), (9, 14)]


@pytest.mark.parametrize(
    "sound",
    [
        silence(5),
        silence(5) + np.float32(0.3),
        hiss(5, level_dbfs=-70),
        hiss(30, level_dbfs=-30),
        u_law(hiss(5, level_dbfs=-75)),
        silence(0),
        silence(0.005),
    ],
    ids=["zeros", "offset", "idle noise", "loud even noise", "u-law idle", "nothing", "a few samples"],
)
def test_nothing_is_found_where_nobody_speaks(sound: Samples) -> None:
    assert heard_in(sound, 8000) == []


def test_the_background_may_change_in_mid_call() -> None:
    street = np.concatenate([hiss(30, level_dbfs=-60), hiss(30, level_dbfs=-38)])
    for at in (10, 25, 40, 55):
        street[at * 8000 : (at + 2) * 8000] += babble(2)
    found = edges(heard_in(street, 8000))
    assert [round(start) for start, _ in found if start < 29 or start > 31] == [10, 25, 40, 55]


def test_a_click_is_not_speech() -> None:
    sound = silence(3)
    sound[8000:8400] = babble(0.05)
    assert heard_in(sound, 8000) == []


def test_a_short_pause_does_not_part_a_sentence() -> None:
    sound = np.concatenate([silence(1), babble(1), silence(0.15), babble(1), silence(1)])
    assert len(heard_in(sound, 8000)) == 1


def test_the_other_party_leaking_over_is_not_heard() -> None:
    assert len(heard_in(call() + np.roll(call(level_dbfs=-65), 4 * 8000), 8000)) == 3


def test_a_long_stretch_is_cut_at_its_quietest_moment() -> None:
    speech = babble(50)
    for at in (15, 33):
        speech[at * 8000 : at * 8000 + 1200] *= 0.2
    found = edges(heard_in(np.concatenate([silence(1), speech, silence(1)]), 8000))
    assert all(end - start <= LONGEST_SPAN_S for start, end in found)
    assert [round(start - 1, 1) for start, _ in found[1:]] == [
        pytest.approx(15.05, abs=0.15),
        pytest.approx(33.05, abs=0.15),
    ]
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]]


def test_speech_to_the_very_end_stays_inside_the_recording() -> None:
    samples = babble(3.337)
    last = heard_in(samples, 8000)[-1]
    assert last.end_s <= samples.size / 8000


def test_two_voices_take_turns() -> None:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    left, right = (heard_in(row, audio.rate_hz) for row in audio.samples)
    assert [round(span.start_s) for span in left] == [1, 13]
    assert [round(span.start_s) for span in right] == [7]


def test_a_level_is_that_of_the_voice_band() -> None:
    assert np.median(levels_dbfs(tone(1, pitch_hz=1000, peak=1), 8000)) == pytest.approx(-3, abs=0.5)
    assert np.median(levels_dbfs(tone(1, pitch_hz=50, peak=1), 8000)) < -20


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 12), st.floats(-90, -3)), max_size=4),
    st.sampled_from([8000, 16000]),
)
def test_spans_are_in_order_apart_and_inside(parts: list[tuple[float, float]], rate_hz: int) -> None:
    samples = np.concatenate(
        [np.zeros(0, np.float32), *(babble(s, level_dbfs=db, rate_hz=rate_hz) for s, db in parts if s > 0.01)]
    )
    found = edges(heard_in(samples, rate_hz))
    assert all(
        0 <= start < end <= samples.size / rate_hz + 1e-3 and end - start <= LONGEST_SPAN_S for start, end in found
    )
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(found))


def test_the_sound_is_not_changed() -> None:
    samples = call()
    before = pcm16(samples)
    heard_in(samples, 8000)
    assert pcm16(samples) == before
