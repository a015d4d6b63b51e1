"""This file puts stretches of speech together for sending, and puts what was heard back where it was said; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aftercall.model import Samples, Span, Word

#: Silence between two stretches: enough that no word runs over.
GAP_S = 0.6


@dataclass(frozen=True, kw_only=True)
class Spliced:
    """Some stretches of one audio channel, one after the other with short pauses."""

    #: Mono, float32 in [-1, 1].
    samples: Samples
    rate_hz: int
    #: Where each stretch was, in order.
    spans: tuple[Span, ...]
    #: Where each begins here.
    starts_s: tuple[float, ...]

    @property
    def length_s(self) -> float:
        return len(self.samples) / self.rate_hz

    def halves(self) -> "list[Spliced]":
        """The same in two, cut at the pause nearest the middle; empty if there is none."""
        if len(self.spans) < 2:
            return []
        middle = min(range(1, len(self.spans)), key=lambda index: abs(self.starts_s[index] - self.length_s / 2))
        first = round((self.starts_s[middle] - GAP_S) * self.rate_hz)
        second = round(self.starts_s[middle] * self.rate_hz)
        return [
            replace(self, samples=self.samples[:first], spans=self.spans[:middle], starts_s=self.starts_s[:middle]),
            replace(
                self,
                samples=self.samples[second:],
                spans=self.spans[middle:],
                starts_s=tuple(start_s - self.starts_s[middle] for start_s in self.starts_s[middle:]),
            ),
        ]

    def apart(self) -> "list[Spliced]":
        """Each stretch by itself."""
        return [
            replace(
                self,
                samples=self.samples[round(start_s * self.rate_hz) : round((after_s - GAP_S) * self.rate_hz)],
                spans=(span,),
                starts_s=(0.0,),
            )
            for span, start_s, after_s in zip(
                self.spans, self.starts_s, (*self.starts_s[1:], self.length_s + GAP_S), strict=True
            )
        ]

    def placed(self, words: Sequence[Word]) -> Iterator[tuple[Span, tuple[Word, ...]]]:
        """Each stretch in which words were heard, with them at the times of the recording, inside the stretch."""
        by_span: dict[int, list[Word]] = {}
        for word in words:
            middle_s = (word.start_s + word.end_s) / 2
            index = max((n for n, start_s in enumerate(self.starts_s) if start_s - GAP_S / 2 <= middle_s), default=0)
            by_span.setdefault(index, []).append(word)
        for index, heard in sorted(by_span.items()):
            span, shift_s = self.spans[index], self.spans[index].start_s - self.starts_s[index]
            placed, free_from_s = [], span.start_s
            for word in heard:
                start_s = min(max(word.start_s + shift_s, free_from_s), span.end_s)
                end_s = min(max(word.end_s + shift_s, start_s), span.end_s)
                placed.append(replace(word, start_s=start_s, end_s=end_s))
                free_from_s = end_s
            yield span, tuple(placed)


def splice(samples: Samples, rate_hz: int, spans: Sequence[Span], *, longest_s: float) -> Iterator[Spliced]:
    """Put stretches together into pieces of at most about `longest_s`, cut at pauses; a longer stretch is cut itself.

    Args:
        samples: the whole audio channel, shape (n_samples,).
        spans: in order, apart.
    """
    group: list[Span] = []
    length_s = 0.0
    for span in _cut(spans, longest_s):
        if group and length_s + GAP_S + span.end_s - span.start_s > longest_s:
            yield _together(samples, rate_hz, group)
            group, length_s = [], 0.0
        length_s += (GAP_S if group else 0.0) + span.end_s - span.start_s
        group.append(span)
    if group:
        yield _together(samples, rate_hz, group)


def _cut(spans: Sequence[Span], longest_s: float) -> Iterator[Span]:
    for span in spans:
        start_s = span.start_s
        while span.end_s - start_s > longest_s:
            yield Span(start_s=start_s, end_s=start_s + longest_s)
            start_s += longest_s
        yield Span(start_s=start_s, end_s=span.end_s)


def _together(samples: Samples, rate_hz: int, spans: Sequence[Span]) -> Spliced:
    gap = np.zeros(int(GAP_S * rate_hz), np.float32)
    parts: list[Samples] = []
    starts_s, at = [], 0
    for span in spans:
        if parts:
            parts.append(gap)
            at += len(gap)
        part = samples[int(span.start_s * rate_hz) : int(span.end_s * rate_hz)]
        starts_s.append(at / rate_hz)
        parts.append(part)
        at += len(part)
    return Spliced(samples=np.concatenate(parts), rate_hz=rate_hz, spans=tuple(spans), starts_s=tuple(starts_s))
