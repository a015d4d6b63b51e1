import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aftercall.model import Span, Utterance, Word
from aftercall.speech.portions import Portion, merge, share_out

spans = st.lists(st.floats(0.2, 20), max_size=30).map(
    lambda lengths: tuple(Span(start_s=25.0 * at, end_s=25.0 * at + length) for at, length in enumerate(lengths))
)
call = st.lists(spans, min_size=1, max_size=2).map(
    lambda each: [Portion(audio_channel=channel, spans=spans) for channel, spans in enumerate(each)]
)


def of(share: list[Portion]) -> list[tuple[int, Span]]:
    return [(portion.audio_channel, span) for portion in share for span in portion.spans]


@given(call, st.integers(1, 8))
def test_every_span_is_heard_once(portions: list[Portion], workers: int) -> None:
    shared = [each for share in share_out(portions, workers) for each in of(share)]
    assert sorted(shared, key=str) == sorted(of(portions), key=str)


@given(call, st.integers(1, 8))
def test_nobody_gets_much_more_than_another(portions: list[Portion], workers: int) -> None:
    shares = share_out(portions, workers)
    assert len(shares) <= workers
    assert all(of(share) for share in shares)
    loads = [sum(portion.speech_s for portion in share) for share in shares]
    longest = max((span.end_s - span.start_s for _, span in of(portions)), default=0)
    assert not loads or max(loads) - min(loads) <= longest + 1e-6


@given(call, st.integers(1, 8))
def test_each_share_is_in_order(portions: list[Portion], workers: int) -> None:
    for share in share_out(portions, workers):
        assert [portion.audio_channel for portion in share] == sorted({p.audio_channel for p in share})
        for portion in share:
            assert all(first.end_s <= second.start_s for first, second in pairwise(portion.spans))


def test_nothing_to_hear_is_no_work() -> None:
    assert share_out([Portion(audio_channel=0, spans=())], 4) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_there_is_always_one_worker(workers: int) -> None:
    portion = Portion(audio_channel=0, spans=(Span(start_s=0, end_s=1),))
    assert share_out([portion], workers) == [[portion]]


def test_what_was_heard_apart_comes_together_in_order() -> None:
    heard = [
        Utterance(audio_channel=channel, start_s=at, end_s=at + 1, words=(Word(text="x", start_s=at, end_s=at + 1),))
        for channel, at in [(0, 5.0), (1, 2.0), (0, 1.0), (1, 5.0)]
    ]
    assert [(each.start_s, each.audio_channel) for each in merge([heard[:2], heard[2:]])] == [
        (1, 0),
        (2, 1),
        (5, 0),
        (5, 1),
    ]


def test_a_portion_can_travel_to_another_process() -> None:
    portion = Portion(audio_channel=1, spans=(Span(start_s=0, end_s=1),))
    assert pickle.loads(pickle.dumps(portion)) == portion
