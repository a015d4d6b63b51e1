"""This file tells the two voices in one audio channel apart, and says so where it cannot.

Each stretch of 1.2 s gets a voice vector; the vectors fall into two groups; the groups are accepted as two speakers
only if they are far enough apart. Pauses say nothing about who speaks, so without weights nothing is guessed.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from aftercall.errors import ModelDamaged
from aftercall.model import Samples, Span, Voices, VoiceSpan
from aftercall.speech import diarization as other_models
from aftercall.speech import voice_vectors
from aftercall.speech.voice_vectors import Floats

Labels = npt.NDArray[np.int64]

METHOD = f"{voice_vectors.NAME} {voice_vectors.VERSION}, spectral"

#: A shorter region is one window; a region shorter than the third takes its neighbour's speaker.
WINDOW_S = 1.2
HOP_S = 0.3
SHORTEST_S = 0.35
#: With so few there is nothing to group.
FEWEST_WINDOWS = 4
#: Every window is compared with every other, so of a long call a sample stands for the rest: a sample of so many.
MOST_COMPARED = 1000
#: Of its likenesses a window keeps the highest few, the others count next to nothing.
KEPT_SHARE = 0.15
OTHERS_COUNT = 0.01
SEEDS = 8
ROUNDS = 3
#: Who speaks is said every so often.
FRAME_S = 0.02
#: So much of each neighbour in the same region is mixed into a window's vector: a region is mostly one voice.
NEIGHBOURS_COUNT = 0.5
#: Sound around a stretch that is resampled with it, so that its ends are right.
_MARGIN_S = 0.02


@dataclass(frozen=True, kw_only=True)
class SpeakerThresholds:
    """When two groups of voice vectors are two speakers.

    Measured on 29 recordings: two speakers were 0.71 to 0.90 alike, one speaker cut in two 0.92 to 0.95. On 32 more,
    put together from other voices, 0.62 to 0.90 and 0.93 to 0.96.
    """

    #: Cosine of the two groups' centres; more alike than this is one voice.
    most_alike: float = 0.91
    #: More alike than this is accepted, but only just.
    surely_apart: float = 0.88
    #: Each speaks at least this share of all speech, and so long.
    smallest_share: float = 0.05
    least_speech_s: float = 3.0


DEFAULT = SpeakerThresholds()


@dataclass(frozen=True, kw_only=True)
class _Window:
    """A stretch of one region."""

    region: int
    start_s: float
    end_s: float


def separate(
    samples: Samples,
    rate_hz: int,
    regions: Sequence[Span],
    thresholds: SpeakerThresholds = DEFAULT,
    *,
    weights: Path | None,
    diarization: Path | None = None,
) -> Voices:
    """Find out who of two speakers speaks when.

    Args:
        samples: one audio channel, shape (n_samples,); not modified.
        regions: where somebody speaks, in order and apart. What is no person (ringing, music, a beep) is cut out
            before: it would be taken for a voice.
        weights: the file of `voice_vectors.find_weights`, None if there is none.
        diarization: the folder of `diarization.find_models`; who has put it there wants it used. Where it cannot be,
            `weights` do the work.
    Returns:
        Speakers `A`, who speaks first, and `B`; a third voice counts as the one it resembles. Otherwise no spans, and
        the reason why there are none. The same sound gives the same answer.
    """
    if diarization is not None and (parted := other_models.part(samples, rate_hz, regions, diarization)):
        theirs = replace(thresholds, most_alike=other_models.MOST_ALIKE, surely_apart=-1.0)
        return _judged(parted.spans, parted.similarity, theirs, method=other_models.NAME)
    if weights is None:
        return _refused("speaker weights are not installed", method="")
    try:
        network = voice_vectors.load(weights)
    except ModelDamaged:
        return _refused("the speaker weights are damaged", method="")
    windows = list(_windows(regions))
    if len(windows) < FEWEST_WINDOWS:
        return _refused("too little speech")
    gain = _gain(samples, rate_hz, regions)
    vectors = voice_vectors.vectors(_sounds(samples, rate_hz, windows, gain), network)
    labels = two_groups(_with_neighbours(vectors, windows))
    spans = tuple(_spans(regions, windows, labels))
    return _judged(spans, likeness(vectors, labels), thresholds, method=METHOD)


def _judged(spans: tuple[VoiceSpan, ...], similarity: float, thresholds: SpeakerThresholds, *, method: str) -> Voices:
    speech_s = {"A": 0.0, "B": 0.0}
    for span in spans:
        speech_s[span.speaker] += span.end_s - span.start_s
    least_s = max(thresholds.least_speech_s, thresholds.smallest_share * sum(speech_s.values()))
    if similarity > thresholds.most_alike or min(speech_s.values()) < least_s:
        return _refused("one voice only, or two that are too alike", similarity=similarity, method=method)
    return Voices(
        spans=spans,
        similarity=similarity,
        is_accepted=True,
        is_low_confidence=similarity > thresholds.surely_apart,
        reason="",
        method=method,
    )


def _refused(reason: str, *, similarity: float | None = None, method: str = METHOD) -> Voices:
    return Voices(
        spans=(), similarity=similarity, is_accepted=False, is_low_confidence=False, reason=reason, method=method
    )


# ---- sound to windows -------------------------------------------------------------------------------------------


def _windows(regions: Sequence[Span]) -> Iterator[_Window]:
    """Overlapping windows inside each region; what is left at its end, less than a hop, goes with the last one."""
    for number, region in enumerate(regions):
        length_s = region.end_s - region.start_s
        if length_s < SHORTEST_S:
            continue
        if length_s <= WINDOW_S:
            yield _Window(region=number, start_s=region.start_s, end_s=region.end_s)
            continue
        for step in range(1 + int((length_s - WINDOW_S) / HOP_S + 1e-6)):
            start_s = region.start_s + step * HOP_S
            yield _Window(region=number, start_s=start_s, end_s=start_s + WINDOW_S)


def _gain(samples: Samples, rate_hz: int, regions: Sequence[Span]) -> float:
    """What brings the speech to the level the network knows; pauses do not count, however long."""
    power, count = 0.0, 0
    for region in regions:
        sound = samples[round(region.start_s * rate_hz) : round(region.end_s * rate_hz)]
        power += float(np.dot(sound, sound))
        count += sound.size
    return float(voice_vectors.LEVEL / np.sqrt(power / count)) if power > 0 else 1.0


def _sounds(samples: Samples, rate_hz: int, windows: Sequence[_Window], gain: float) -> Iterator[Samples]:
    """The sound of each window as the network wants it."""
    margin = round(_MARGIN_S * rate_hz)
    for window in windows:
        start = round(window.start_s * rate_hz)
        first = max(0, start - margin)
        piece = samples[first : round(window.end_s * rate_hz) + margin]
        wide = soxr.resample(piece, rate_hz, voice_vectors.RATE_HZ, quality="HQ")
        at = round((start - first) * voice_vectors.RATE_HZ / rate_hz)
        length = round((window.end_s - window.start_s) * voice_vectors.RATE_HZ)
        yield voice_vectors.tiled(wide[at : at + length] * np.float32(gain))


# ---- two groups -------------------------------------------------------------------------------------------------


def two_groups(vectors: Floats) -> Labels:
    """Part voice vectors into two groups, 0 and 1; one of them is empty where all vectors are the same."""
    chosen = np.unique(np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_COMPARED)).round().astype(np.int64))
    sample = vectors[chosen]
    labels = _nearest(vectors, _centres(sample, _spectral(sample)))
    for _ in range(ROUNDS):
        labels = _nearest(vectors, _centres(vectors, labels))
    return labels


def likeness(vectors: Floats, labels: Labels) -> float:
    """Cosine of the centres of two groups: 1 where one of them is empty."""
    first, second = _centres(vectors, labels)
    return float(first @ second)


def _with_neighbours(vectors: Floats, windows: Sequence[_Window]) -> Floats:
    mixed = vectors.copy()
    of_region = np.array([window.region for window in windows])
    joined = np.flatnonzero(of_region[1:] == of_region[:-1])
    mixed[joined] += np.float32(NEIGHBOURS_COUNT) * vectors[joined + 1]
    mixed[joined + 1] += np.float32(NEIGHBOURS_COUNT) * vectors[joined]
    mixed /= np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-12)
    return mixed


def _spectral(vectors: Floats) -> Labels:
    """Two groups with few and weak likenesses between them: a normalised cut of the graph of likenesses."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, 1.0)
    kept = max(1, round(KEPT_SHARE * len(alike)))
    smallest_kept = np.partition(alike, -kept, axis=1)[:, -kept, np.newaxis]
    alike = np.where(alike >= smallest_kept, alike, alike * np.float32(OTHERS_COUNT))
    alike = np.maximum(alike, alike.T)
    scale = 1 / np.sqrt(alike.sum(axis=1))
    _, directions = np.linalg.eigh(alike * scale[:, np.newaxis] * scale)
    points = directions[:, -2:]
    return _two_means(points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12))


def _two_means(points: Floats) -> Labels:
    """The best of a few runs, each from two points of its own."""
    runs = [_two_means_from(points, np.random.default_rng(seed).choice(len(points), 2, False)) for seed in range(SEEDS)]
    return min(runs, key=lambda run: run[1])[0]


def _two_means_from(points: Floats, seeds: Labels) -> tuple[Labels, float]:
    """Labels, and how far the points are from their group's centre all in all."""
    centres, labels = points[seeds], np.full(len(points), -1)
    while True:
        distances = np.square(points[:, np.newaxis] - centres).sum(axis=2)
        before, labels = labels, distances.argmin(axis=1)
        if np.array_equal(before, labels) or labels.min() == labels.max():
            return labels, float(distances.min(axis=1).sum())
        centres = np.stack([points[labels == group].mean(axis=0) for group in (0, 1)])


def _centres(vectors: Floats, labels: Labels) -> Floats:
    """The mean direction of each group; of an empty one, of all."""
    found = []
    for group in (0, 1):
        own = vectors[labels == group]
        mean = (own if len(own) else vectors).mean(axis=0)
        found.append(mean / max(float(np.linalg.norm(mean)), 1e-12))
    return np.stack(found)


def _nearest(vectors: Floats, centres: Floats) -> Labels:
    nearest: Labels = (vectors @ centres.T).argmax(axis=1)
    return nearest


# ---- windows to spans -------------------------------------------------------------------------------------------


def _spans(regions: Sequence[Span], windows: Sequence[_Window], labels: Labels) -> Iterator[VoiceSpan]:
    """Who speaks when: each frame of a region goes to the group of the windows over it, those centred on it first."""
    middles_s = [(window.start_s + window.end_s) / 2 for window in windows]
    of_region: dict[int, list[int]] = {}
    for index, window in enumerate(windows):
        of_region.setdefault(window.region, []).append(index)
    first_to_speak: int | None = None
    for number, region in enumerate(regions):
        n_frames = max(1, round((region.end_s - region.start_s) / FRAME_S))
        if number in of_region:
            frames = _votes(region, [windows[at] for at in of_region[number]], labels[of_region[number]], n_frames)
        else:
            frames = np.full(n_frames, labels[_nearest_to(middles_s, (region.start_s + region.end_s) / 2)])
        if first_to_speak is None:
            first_to_speak = int(frames[0])
        edges = [0, *(np.flatnonzero(np.diff(frames)) + 1), n_frames]
        for first, last in pairwise(edges):
            yield VoiceSpan(
                start_s=round(region.start_s + int(first) * FRAME_S, 3),
                end_s=region.end_s if last == n_frames else round(region.start_s + int(last) * FRAME_S, 3),
                speaker="A" if frames[first] == first_to_speak else "B",
            )


def _votes(region: Span, windows: Sequence[_Window], labels: Labels, n_frames: int) -> Labels:
    times_s = region.start_s + (np.arange(n_frames) + 0.5) * FRAME_S
    votes = np.zeros((2, n_frames))
    for window, label in zip(windows, labels, strict=True):
        first, last = np.searchsorted(times_s, (window.start_s, window.end_s))
        middle_s, half_s = (window.start_s + window.end_s) / 2, (window.end_s - window.start_s) / 2
        votes[label, first:last] += 1 - np.abs(times_s[first:last] - middle_s) / half_s
    frames: Labels = votes.argmax(axis=0)
    silent = votes.sum(axis=0) == 0
    if silent.any():  # less than a hop at the end of the region
        frames[silent] = labels[-1]
    return frames


def _nearest_to(middles_s: Sequence[float], at_s: float) -> int:
    right = bisect_right(middles_s, at_s)
    return min((at for at in (right - 1, right) if 0 <= at < len(middles_s)), key=lambda at: abs(middles_s[at] - at_s))
