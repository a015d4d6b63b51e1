import numpy as np
import pytest
from tests.fixtures.sounds import SOUNDS

from aftercall.audio.activity import find_speech
from aftercall.audio.bleed import without_bleed
from aftercall.audio.decode import decode
from aftercall.model import Samples, Span


def _parties() -> tuple[Samples, Samples, int]:
    audio, _ = decode(SOUNDS / "two-voices.opus")
    return audio.samples[0], audio.samples[1], audio.rate_hz


def _spans(left: Samples, right: Samples, rate_hz: int) -> list[tuple[Span, ...]]:
    found = [find_speech(each, rate_hz).spans for each in (left, right)]
    return without_bleed(found, left, right, rate_hz)


@pytest.mark.parametrize("delay_ms", [20, 60, 150])
@pytest.mark.parametrize("level_db", [-15, -20, -25])
def test_an_echo_of_the_other_party_is_left_out(level_db: int, delay_ms: int) -> None:
    left, right, rate_hz = _parties()
    echo = np.roll(left, delay_ms * rate_hz // 1000) * np.float32(10 ** (level_db / 20))
    found = _spans(left, right + echo, rate_hz)
    alone = _spans(left, right, rate_hz)
    assert [[round(span.start_s) for span in each] for each in found] == [
        [round(span.start_s) for span in each] for each in alone
    ]


def test_without_an_echo_nothing_is_left_out() -> None:
    left, right, rate_hz = _parties()
    found = [find_speech(each, rate_hz).spans for each in (left, right)]
    assert without_bleed(found, left, right, rate_hz) == found


def test_a_soft_answer_while_the_other_talks_is_no_echo() -> None:
    left, right, rate_hz = _parties()
    answer = np.roll(right, -6 * rate_hz) * np.float32(0.1)  # it falls into what the other one says
    assert _spans(left, answer, rate_hz)[1]


def test_the_very_start_has_nothing_before_it() -> None:
    left, _, rate_hz = _parties()
    spans = [(Span(start_s=0.0, end_s=0.5),), (Span(start_s=0.0, end_s=0.5),)]
    assert without_bleed(spans, left, left * np.float32(0.1), rate_hz)[0] == spans[0]
