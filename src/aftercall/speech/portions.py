"""This file shares the listening to one call between several processes, and puts their answers together again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aftercall.model import Span, Utterance


@dataclass(frozen=True, kw_only=True)
class Portion:
    """Stretches of one audio channel to listen to."""

    audio_channel: int
    #: In order.
    spans: tuple[Span, ...]

    @property
    def speech_s(self) -> float:
        return sum(span.end_s - span.start_s for span in self.spans)


def share_out(portions: Iterable[Portion], workers: int) -> list[list[Portion]]:
    """Cut the work into lists of about equal length, one for each worker.

    Returns:
        At most `workers` lists, none empty, together holding each span once; in each list the audio channels and the
        spans of each are in order. No list is longer than the shortest one and one span more.
    """
    spans = [(portion.audio_channel, span) for portion in portions for span in portion.spans]
    # The longest first, each to whoever has least to do.
    spans.sort(key=lambda each: (each[1].start_s - each[1].end_s, each[0], each[1].start_s))
    loads = [0.0] * max(1, workers)
    shares: list[list[tuple[int, Span]]] = [[] for _ in loads]
    for channel, span in spans:
        lightest = loads.index(min(loads))
        loads[lightest] += span.end_s - span.start_s
        shares[lightest].append((channel, span))
    return [_portions(share) for share in shares if share]


def merge(heard: Iterable[Sequence[Utterance]]) -> list[Utterance]:
    """All utterances by start, whichever worker heard them."""
    every = [utterance for each in heard for utterance in each]
    return sorted(every, key=lambda each: (each.start_s, each.audio_channel))


def _portions(share: Iterable[tuple[int, Span]]) -> list[Portion]:
    by_channel: dict[int, list[Span]] = {}
    for channel, span in sorted(share, key=lambda each: (each[0], each[1].start_s)):
        by_channel.setdefault(channel, []).append(span)
    return [Portion(audio_channel=channel, spans=tuple(spans)) for channel, spans in by_channel.items()]
