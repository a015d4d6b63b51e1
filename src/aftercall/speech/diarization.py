"""This file tells voices apart with the models of sherpa-onnx that an administrator may put into the models folder.

Files are loaded only if they are the published ones, byte for byte: a model of another shape than it promises ends the
process. How well it does on telephone calls nobody has measured for us, so its answer always counts as an estimate.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from aftercall.model import Samples, Span, VoiceSpan
from aftercall.speech.models import checksum
from aftercall.speech.registry import by_name
from aftercall.speech.voice_vectors import Floats

NAME = "sherpa-diarization"
SEGMENTATION, EMBEDDING = "segmentation.onnx", "embedding.onnx"
RATE_HZ = 16_000
#: The library copies all sound twice; longer calls would need more memory than a worker has.
LONGEST_S = 3600.0
#: So much speech of a speaker is enough to know the voice.
ENOUGH_SPEECH_S = 60.0
#: Voices more alike than this, as cosine, are one: where the library's own grouping would join them.
MOST_ALIKE = 0.5


@dataclass(frozen=True, kw_only=True)
class Parted:
    """Two voices, as the models part them; whether there are two at all is for others to decide."""

    #: In order, apart; `A` speaks first.
    spans: tuple[VoiceSpan, ...]
    #: Cosine of the two voices, 1 where only one was found.
    similarity: float


def find_models(models_folder: Path | None) -> Path | None:
    """The folder of the models, if they are the published ones; None else."""
    known = by_name(NAME)
    if models_folder is None or known is None:
        return None
    folder = models_folder / NAME
    try:
        are_published = all(
            _checksum(folder / file.name, (folder / file.name).stat().st_mtime_ns) == file.sha256
            for file in known.files
        )
    except OSError:
        return None
    return folder if are_published else None


@cache
def _checksum(path: Path, _modified_ns: int) -> str:
    return checksum(path)


def part(samples: Samples, rate_hz: int, regions: Sequence[Span], folder: Path) -> Parted | None:
    """Part the speech of one audio channel between two voices.

    Args:
        samples: shape (n_samples,); not modified.
        regions: where somebody speaks; nothing else is listened to.
        folder: of `find_models`.
    Returns:
        None where the call is too long, the library is missing, or a model cannot be loaded.
    """
    if samples.size > LONGEST_S * rate_hz:
        return None
    try:
        engine, extractor = _load(folder)
    except (ImportError, OSError, RuntimeError):
        return None
    heard = _wide(samples, rate_hz, regions)
    segments = engine.process(heard).sort_by_start_time()
    spans = tuple(_apart([(each.start, each.end, each.speaker) for each in segments], heard.size / RATE_HZ))
    first, second = (_voice(extractor, heard, [span for span in spans if span.speaker == speaker]) for speaker in "AB")
    return Parted(spans=spans, similarity=1.0 if first is None or second is None else _cosine(first, second))


@cache
def _load(folder: Path) -> tuple[Any, Any]:
    """What parts voices and what describes one; kept for the life of the process.

    Raises:
        ImportError, OSError, RuntimeError: the library or a model cannot be loaded.
    """
    import sherpa_onnx

    embedding = sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(folder / EMBEDDING), num_threads=1)
    config = sherpa_onnx.OfflineSpeakerDiarizationConfig(
        segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(
            pyannote=sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(model=str(folder / SEGMENTATION)),
            num_threads=1,
        ),
        embedding=embedding,
        clustering=sherpa_onnx.FastClusteringConfig(num_clusters=2),
    )
    if not config.validate():
        raise RuntimeError("a model is missing")
    return sherpa_onnx.OfflineSpeakerDiarization(config), sherpa_onnx.SpeakerEmbeddingExtractor(embedding)


def _wide(samples: Samples, rate_hz: int, regions: Sequence[Span]) -> Samples:
    """The speech at the models' rate, silence everywhere else."""
    only_speech = np.zeros_like(samples)
    for region in regions:
        where = slice(round(region.start_s * rate_hz), round(region.end_s * rate_hz))
        only_speech[where] = samples[where]
    return np.asarray(soxr.resample(only_speech, rate_hz, RATE_HZ, quality="HQ"), np.float32)


def _apart(segments: Sequence[tuple[float, float, int]], duration_s: float) -> Iterator[VoiceSpan]:
    """Segments that may lie over each other as spans that do not: where two speak at once, who began later has it."""
    names: dict[int, str] = {}
    edges = sorted({edge for start_s, end_s, _ in segments for edge in (start_s, min(end_s, duration_s))})
    pieces: list[tuple[float, float, int]] = []
    for start_s, end_s in pairwise(edges):
        # Segments come by start: the last of those that have begun and not ended began last.
        begun = bisect_right(segments, start_s, key=lambda segment: segment[0])
        speaking = next((each[2] for each in reversed(segments[:begun]) if each[1] > start_s), None)
        if speaking is None:
            continue
        if pieces and pieces[-1][1] == start_s and pieces[-1][2] == speaking:
            pieces[-1] = (pieces[-1][0], end_s, speaking)
        else:
            pieces.append((start_s, end_s, speaking))
    for start_s, end_s, speaking in pieces:
        if speaking not in names:
            names[speaking] = "AB"[len(names)]
        yield VoiceSpan(start_s=round(start_s, 3), end_s=round(end_s, 3), speaker=names[speaking])


def _voice(extractor: Any, heard: Samples, spans: Sequence[VoiceSpan]) -> Floats | None:
    """A vector for one speaker, from the longest of what he says; None if there is nothing of him."""
    left_s, chosen = ENOUGH_SPEECH_S, []
    for span in sorted(spans, key=lambda each: each.start_s - each.end_s):
        if left_s <= 0:
            break
        chosen.append(heard[round(span.start_s * RATE_HZ) : round(span.end_s * RATE_HZ)])
        left_s -= span.end_s - span.start_s
    if not chosen:
        return None
    stream = extractor.create_stream()
    stream.accept_waveform(RATE_HZ, np.concatenate(chosen))
    stream.input_finished()
    return np.asarray(extractor.compute(stream), np.float32) if extractor.is_ready(stream) else None


def _cosine(one: Floats, other: Floats) -> float:
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12))
