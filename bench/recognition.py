"""This file measures how much the embedded engine gets wrong, on speech whose text is known.

The speech lies beside the project (see `bench.pipeline.data`), never in it. Everything is heard as a telephone carries
it, at 8 kHz through mu-law; what was recorded with more is heard a second time as it is. Beside it the same decoder
hears the same stretches as it comes.
"""

import json
import multiprocessing
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import soxr
from lab.debian import NotHere
from rapidfuzz.distance import Levenshtein

from aftercall.audio.decode import decode
from aftercall.audio.loudness import levelled
from aftercall.model import Audio, Samples, Span, Utterance, Word
from aftercall.speech.engine import Hints, Outfit
from aftercall.speech.engines.pocketsphinx import Pocketsphinx
from aftercall.speech.recognise import plan
from aftercall.speech.score import folded, word_errors
from aftercall.speech.turns import turns
from aftercall.store.speech_settings import SpeechSettings
from bench.figures import Figure
from bench.pipeline import SHARED, data

T = TypeVar("T")
Band = Literal["8 kHz", "wide"]
Group = tuple[str, Band]

TELEPHONE_HZ, WIDE_HZ = 8000, 16000
#: More errors than that, in points, are still met: a word or two of the smaller sets.
SLACK = 1.0

#: Which set a file of the manifest belongs to.
SETS = {
    "ivr-prompt-8k": "prompts",
    "dictation-16k": "dictation",
    "read-16k": "reading",
    "read-8k": "reading",
    "speech-44k": "reading",
    "agent-channel-8k": "call channel",
}

#: The best that was ever measured on speech of the same kind, though not on just these files, in % of the words.
BEST: dict[Group, float] = {
    ("prompts", "8 kHz"): 50.5,
    ("dictation", "8 kHz"): 28.7,
    ("reading", "8 kHz"): 29.6,
    ("call channel", "8 kHz"): 90.2,
    ("dictation", "wide"): 8.2,
    ("reading", "wide"): 25.4,
}

CONFIDENCE_BANDS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.01)
THRESHOLDS = (0.3, 0.33, 0.4, 0.45, 0.5)
#: What the usual threshold may hide of the right words, in %; of a call that nobody could follow it must hide the rest.
MAY_HIDE: dict[str, float] = {"prompts": 15, "dictation": 5, "reading": 5}
MUST_HIDE: dict[str, float] = {"call channel": 90}

_NAMES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Item:
    """One recording to listen to."""

    path: Path
    group: Group
    text: str


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One recording as it was heard."""

    item: Item
    bare: str
    utterances: tuple[Utterance, ...]
    speech_s: float
    bare_cpu_s: float
    cpu_s: float

    @property
    def text(self) -> str:
        return " ".join(word.text for each in self.utterances for word in each.words)


def measure() -> Iterator[Figure]:
    heard = _hear_all(_items())
    kinds = [[each for each in heard if each.item.group == group] for group in sorted({it.item.group for it in heard})]
    yield from map(_word_errors, kinds)
    yield _cost(heard)
    yield _calibration(heard)
    yield from map(_not_understood, kinds)


# ---- listening --------------------------------------------------------------------------------------------------


def _items() -> list[Item]:
    folder = data()
    manifest = folder / "dev" / "manifest.json" if folder else None
    if manifest is None or not manifest.is_file():
        raise NotHere(f"there is no speech with known text; put its folder into {SHARED}")
    items = []
    for entry in json.loads(manifest.read_text()):
        path, name, text = manifest.parent / entry["file"], SETS[entry["kind"]], entry["text"]
        items.append(Item(path=path, group=(name, "8 kHz"), text=text))
        if entry["rate"] > TELEPHONE_HZ:
            items.append(Item(path=path, group=(name, "wide"), text=text))
    return items


def _hear_all(items: Sequence[Item]) -> list[Heard]:
    longest_first = sorted(items, key=lambda item: -item.path.stat().st_size)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_hear, longest_first))


def _hear(item: Item) -> Heard:
    audio = _as_heard(item)
    samples, rate_hz = audio.samples[0], audio.rate_hz
    spans = [span for portion in plan(audio).portions for span in portion.spans]
    engine = Pocketsphinx(Outfit())
    engine.warm_up()
    _bare_decoder()
    bare, bare_cpu_s = _timed(lambda: " ".join(_bare(samples, rate_hz, span) for span in spans))
    utterances, cpu_s = _timed(lambda: engine.transcribe(samples, rate_hz, spans, Hints()))
    return Heard(
        item=item,
        bare=bare,
        utterances=tuple(utterances),
        speech_s=sum(span.end_s - span.start_s for span in spans),
        bare_cpu_s=bare_cpu_s,
        cpu_s=cpu_s,
    )


def _as_heard(item: Item) -> Audio:
    audio, _ = decode(item.path)
    mono: Samples = audio.samples.mean(axis=0, keepdims=True)[0]
    rate_hz = TELEPHONE_HZ if item.group[1] == "8 kHz" else WIDE_HZ
    if audio.rate_hz == rate_hz:
        return Audio(samples=mono[np.newaxis], rate_hz=rate_hz)
    sound = soxr.resample(mono, audio.rate_hz, rate_hz, quality="HQ")
    return Audio(samples=(_mu_law(sound) if rate_hz == TELEPHONE_HZ else sound)[np.newaxis], rate_hz=rate_hz)


def _mu_law(samples: Samples) -> Samples:
    """There and back, with the 255 steps of G.711."""
    folded_up = np.sign(samples) * np.log1p(255 * np.minimum(1, np.abs(samples))) / np.log(256)
    steps = np.round(folded_up * 127) / 127
    decoded: Samples = (np.sign(steps) * (256 ** np.abs(steps) - 1) / 255).astype(np.float32)
    return decoded


def _bare(samples: Samples, rate_hz: int, span: Span) -> str:
    cut = samples[round(span.start_s * rate_hz) : round(span.end_s * rate_hz)]
    level = levelled(soxr.resample(cut, rate_hz, WIDE_HZ, quality="HQ"), WIDE_HZ)
    decoder = _bare_decoder()
    decoder.reinit_feat()
    decoder.start_utt()
    decoder.process_raw((np.pad(level, 1600) * 32767).astype("<i2").tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    words = (segment.word for segment in decoder.seg() or ())
    return " ".join(re.sub(r"\(\d+\)$", "", word) for word in words if not word.startswith(("<", "[", "++")))


@cache
def _bare_decoder() -> Any:
    import pocketsphinx

    models = {"hmm": "en-us/en-us", "lm": "en-us/en-us.lm.bin", "dict": "en-us/cmudict-en-us.dict"}
    paths = {name: pocketsphinx.get_model_path(path) for name, path in models.items()}
    return pocketsphinx.Decoder(
        pocketsphinx.Config(**paths, samprate=WIDE_HZ, loglevel="FATAL", maxhmmpf=6000, maxwpf=20)
    )


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.process_time()
    return work(), time.process_time() - began


# ---- the figures ------------------------------------------------------------------------------------------------


def _word_errors(heard: Sequence[Heard]) -> Figure:
    name, band = group = heard[0].item.group
    bare, ours, words = _rate(heard, lambda each: each.bare), _rate(heard, lambda each: each.text), _words(heard)
    return Figure(
        what=f"Words wrong (WER): {name}, {band}, {words} words",
        baseline=f"the best ever measured on such speech: {BEST[group]} %",
        value=ours,
        unit="%",
        limit=BEST[group] + SLACK,
        detail=f"the same decoder as it comes: {bare:.1f} %; {_speed(heard):.1f} x real time on one core",
    )


def _rate(heard: Iterable[Heard], text: Callable[[Heard], str]) -> float:
    errors = [word_errors(_spelt(each.item.text), text(each)) for each in heard]
    return 100 * sum(each.wrong for each in errors) / sum(each.words for each in errors)


def _words(heard: Iterable[Heard]) -> int:
    return sum(len(folded(_spelt(each.item.text))) for each in heard)


def _spelt(text: str) -> str:
    """Figures as they are read out, joined words apart, and pieces that are no words left out."""
    apart = re.sub(r"[^\w']+", " ", text.replace("\u2019", "'"))
    return re.sub(r"\d+", lambda found: f" {_read_out(found[0])} ", apart)


def _read_out(number: str) -> str:
    if int(number) < len(_NAMES):
        return _NAMES[int(number)]
    return " ".join(_NAMES[int(digit)] for digit in number)


def _speed(heard: Sequence[Heard]) -> float:
    return sum(each.speech_s for each in heard) / sum(each.cpu_s for each in heard)


def _cost(heard: Sequence[Heard]) -> Figure:
    ours, bare = sum(each.cpu_s for each in heard), sum(each.bare_cpu_s for each in heard)
    return Figure(
        what="CPU of the embedded engine on the same stretches of speech",
        baseline="the same decoder as it comes",
        value=ours / bare,
        unit="x",
        limit=1.15,
        detail=f"{sum(each.speech_s for each in heard):.0f} s of speech, {_speed(heard):.1f} x real time on one core",
    )


def _calibration(heard: Sequence[Heard]) -> Figure:
    """How far from the truth the confidences are: the gap to the share of right words, over bands of confidence."""
    words = [pair for each in heard for pair in _judged(each)]
    rows, gap = [], 0.0
    for low, high in pairwise(CONFIDENCE_BANDS):
        band = [(word.confidence or 0.0, right) for word, right in words if low <= (word.confidence or 0.0) < high]
        if band:
            sure, right = (float(np.mean(column)) for column in zip(*band, strict=True))
            gap += abs(sure - right) * len(band) / len(words)
            rows.append(f"{low:.2f}-{min(high, 1):.2f}: {100 * right:.0f} % right of {len(band)}")
    return Figure(
        what="Confidence against the share of right words: mean gap",
        baseline="none: 0 is honest",
        value=gap,
        unit="",
        limit=0.05,
        detail="; ".join(rows),
    )


def _judged(heard: Heard) -> list[tuple[Word, bool]]:
    """Each word that was heard, and whether it was said."""
    words = [word for each in heard.utterances for word in each.words]
    said = folded(_spelt(heard.item.text))
    right: set[int] = set()
    for each in Levenshtein.opcodes(said, [word.text for word in words]):
        if each.tag == "equal":
            right.update(range(each.dest_start, each.dest_end))
    return [(word, index in right) for index, word in enumerate(words)]


def _not_understood(heard: Sequence[Heard]) -> Figure:
    """What the usual threshold hides of one kind of speech, and what others would."""
    name, band = heard[0].item.group
    usual = SpeechSettings().understood_from
    assert usual is not None
    right, wrong = _hidden(heard, usual)
    others = ((limit, *_hidden(heard, limit)) for limit in THRESHOLDS)
    is_floor = name in MUST_HIDE
    return Figure(
        what=f'{"Wrong" if is_floor else "Right"} words that say "not understood": {name}, {band}',
        baseline=f"the usual threshold of {usual}",
        value=wrong if is_floor else right,
        unit="%",
        limit=MUST_HIDE[name] if is_floor else MAY_HIDE[name],
        is_floor=is_floor,
        detail="of right and wrong words: "
        + "; ".join(f"{limit}: {of_right:.0f} % and {of_wrong:.0f} %" for limit, of_right, of_wrong in others),
    )


def _hidden(heard: Iterable[Heard], limit: float) -> tuple[float, float]:
    """Shares of the right and of the wrong words that stand in turns which were not understood, in %."""
    hidden: dict[bool, list[bool]] = {True: [], False: []}
    for each in heard:
        is_right = {id(word): right for word, right in _judged(each)}
        for turn in turns(each.utterances, channels_are_parties=False, understood_from=limit):
            for word in turn.words:
                hidden[is_right[id(word)]].append(not turn.is_understood)
    of_right, of_wrong = (100 * sum(hidden[right]) / max(1, len(hidden[right])) for right in (True, False))
    return of_right, of_wrong
