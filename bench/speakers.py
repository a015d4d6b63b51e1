"""This file measures how well the speakers of a call are told apart, and how often the agent among them is found.

The recordings and the call-centre sentences lie beside the project (see `bench.pipeline.data`), never in it.
"""

import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lab.debian import NotHere

from aftercall.audio.activity import find_speech
from aftercall.audio.channels import listen_to
from aftercall.audio.decode import decode
from aftercall.model import Audio, Samples, Turn, Voices, VoiceSpan
from aftercall.speech import voice_vectors
from aftercall.speech.roles import decide
from aftercall.speech.speakers import separate
from bench.figures import Figure
from bench.pipeline import SHARED, data

#: Left is the agent, right the caller.
STEREO_CALLS = ("40", "49")
#: How long before and after a change of speaker nothing is counted.
COLLAR_S = 0.25
FRAME_S = 0.01
DRAWS = 500
#: How many sentences of each party make a call, and the share of words that the recogniser gets wrong.
SENTENCES = (3, 6, 10)
ERRORS = (0.0, 0.3)

Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Error:
    """Diarisation error and its parts, in shares of all speech."""

    missed: float
    false: float
    #: Said to be the other speaker.
    confused: float

    @property
    def rate(self) -> float:
        return self.missed + self.false + self.confused


def measure() -> Iterable[Figure]:
    folder = data()
    if folder is None:
        raise NotHere(f"there are no recordings; put their folder into {SHARED}")
    weights = voice_vectors.find_weights(None)
    if weights is None:
        raise NotHere("the speaker weights are not installed (the extra `weights`)")
    voice_vectors.load(weights)
    yield from _stereo_calls(folder, weights)
    yield from _mono_call(folder, weights)
    yield from _roles(folder)


def _stereo_calls(folder: Path, weights: Path) -> Iterator[Figure]:
    accepted_alone = []
    for number in STEREO_CALLS:
        audio = _decoded(folder / "calls_noref" / f"aws_lca_auto_repairs_{number}_stereo.wav")
        truth = _truth(folder / "insight" / "calls" / f"auto_repairs_{number}_vad_truth.json")
        mixed = audio.samples.sum(axis=0)
        voices, cpu_s = _separated(mixed, audio.rate_hz, weights)
        yield _error_of_mix(number, voices, truth)
        yield _cost(number, cpu_s / (mixed.size / audio.rate_hz))
        yield _error_of_stereo(number, audio, truth)
        for side in audio.samples:
            alone, _ = _separated(side, audio.rate_hz, weights)
            accepted_alone.append((alone.is_accepted, alone.similarity))
    yield Figure(
        what="One party alone, taken for two speakers",
        baseline="it is one voice",
        value=sum(accepted for accepted, _ in accepted_alone),
        unit=f"of {len(accepted_alone)} channels",
        limit=0,
        detail=f"likeness of the halves {', '.join(f'{similarity or 0:.3f}' for _, similarity in accepted_alone)}",
    )


def _error_of_mix(number: str, voices: Voices, truth: Sequence[VoiceSpan]) -> Figure:
    # Nobody tells us who is A: the better way round counts, as is usual.
    error = min(
        (_error(truth, _renamed(voices.spans, names)) for names in (("agent", "caller"), ("caller", "agent"))),
        key=lambda each: each.rate,
    )
    return Figure(
        what=f"Diarisation error, call {number} mixed to one channel ({COLLAR_S} s collar, overlap counted)",
        baseline="who spoke when, from the separate channels",
        value=100 * error.rate,
        unit="%",
        limit=6,
        detail=f"missed {100 * error.missed:.1f} % (two at once included), false {100 * error.false:.1f} %, confused "
        f"{100 * error.confused:.1f} %; likeness {voices.similarity or 0:.3f}, accepted: {voices.is_accepted}",
    )


def _cost(number: str, cpu_s: float) -> Figure:
    return Figure(
        what=f"Telling two voices apart, call {number}",
        baseline="one second of the call",
        value=1000 * cpu_s,
        unit="ms of CPU",
        limit=40,
    )


def _error_of_stereo(number: str, audio: Audio, truth: Sequence[VoiceSpan]) -> Figure:
    spans = [
        VoiceSpan(start_s=region.start_s, end_s=region.end_s, speaker=speaker)
        for side, speaker in zip(audio.samples, ("agent", "caller"), strict=True)
        for region in find_speech(side, audio.rate_hz).regions
    ]
    error = _error(truth, spans)
    return Figure(
        what=f"Speaker error, call {number} in stereo (seen as {listen_to(audio).layout})",
        baseline="who spoke when",
        value=100 * error.confused,
        unit="%",
        limit=0,
        detail=f"of the speech itself {100 * error.missed:.1f} % missed, {100 * error.false:.1f} % false",
    )


def _mono_call(folder: Path, weights: Path) -> Iterator[Figure]:
    audio = _decoded(folder / "calls_noref" / "aws_pca_auto0_mono.wav")
    voices, _ = _separated(audio.samples[0], audio.rate_hz, weights)
    yield Figure(
        what="A real mono call of two, accepted as two speakers",
        baseline="it is two voices",
        value=float(voices.is_accepted),
        unit="calls",
        limit=1,
        is_floor=True,
        detail=f"likeness {voices.similarity or 0:.3f}; who speaks when is not known",
    )


def _separated(samples: Samples, rate_hz: int, weights: Path) -> tuple[Voices, float]:
    """The voices, and the seconds of CPU that it took, speech activity left out."""
    regions = find_speech(samples, rate_hz).regions
    began = time.process_time()
    voices = separate(samples, rate_hz, regions, weights=weights)
    return voices, time.process_time() - began


def _decoded(path: Path) -> Audio:
    if not path.is_file():
        raise NotHere(f"{path.name} is not there")
    return decode(path)[0]


def _truth(path: Path) -> list[VoiceSpan]:
    return [
        VoiceSpan(start_s=start_s, end_s=end_s, speaker=speaker)
        for start_s, end_s, speaker in json.loads(path.read_text())
    ]


def _renamed(spans: Iterable[VoiceSpan], names: tuple[str, str]) -> list[VoiceSpan]:
    return [
        VoiceSpan(start_s=span.start_s, end_s=span.end_s, speaker=names["AB".index(span.speaker)]) for span in spans
    ]


def _error(truth: Sequence[VoiceSpan], told: Sequence[VoiceSpan]) -> Error:
    """Diarisation error: in every frame as many errors as speakers are missing, too many, or mistaken for another."""
    length = round(max(span.end_s for span in (*truth, *told)) / FRAME_S) + 1
    speaks, said = _frames(truth, length), _frames(told, length)
    counted = np.ones(length, bool)
    for span in truth:
        for edge_s in (span.start_s, span.end_s):
            counted[max(0, round((edge_s - COLLAR_S) / FRAME_S)) : round((edge_s + COLLAR_S) / FRAME_S)] = False
    n_speaks, n_said, n_right = (each.sum(axis=0)[counted] for each in (speaks, said, speaks & said))
    total = n_speaks.sum()
    return Error(
        missed=np.maximum(0, n_speaks - n_said).sum() / total,
        false=np.maximum(0, n_said - n_speaks).sum() / total,
        confused=(np.minimum(n_speaks, n_said) - n_right).sum() / total,
    )


def _frames(spans: Iterable[VoiceSpan], length: int) -> Truths:
    found = np.zeros((2, length), bool)
    for span in spans:
        found[("agent", "caller").index(span.speaker), round(span.start_s / FRAME_S) : round(span.end_s / FRAME_S)] = 1
    return found


# ---- roles ------------------------------------------------------------------------------------------------------


def _roles(folder: Path) -> Iterator[Figure]:
    for name, what in (("callcentre_turns", "known"), ("callcentre_turns_heldout", "held out")):
        path = folder / "insight" / f"{name}.tsv"
        if not path.is_file():
            raise NotHere(f"{path.name} is not there")
        sentences = _sentences(path)
        outcomes = {(errors, n): _decided(sentences, n, errors) for errors in ERRORS for n in SENTENCES}
        yield Figure(
            what=f"Roles from {what} sentences: wrong, of {DRAWS} calls with {SENTENCES[-1]} sentences a party",
            baseline="the direction unknown, only the words count",
            value=100 * outcomes[0.0, SENTENCES[-1]][2],
            unit="%",
            limit=1,
            detail="; ".join(
                f"{n} sentences{f', {errors:.0%} of the words wrong' if errors else ''}: "
                f"right {right:.0%}, undecided {undecided:.0%}, wrong {wrong:.1%}"
                for (errors, n), (right, undecided, wrong) in outcomes.items()
            ),
        )


def _sentences(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"agent": [], "customer": []}
    for line in path.read_text().splitlines():
        party, _, text = line.split("\t")
        found[party].append(text)
    return found


def _decided(sentences: dict[str, list[str]], n: int, errors: float) -> tuple[float, float, float]:
    """Shares of calls, put together from random sentences, in which the roles are right, undecided and wrong."""
    chance = random.Random(n)
    vocabulary = [word for own in sentences.values() for text in own for word in text.split()]
    counts = [0, 0, 0]
    for draw in range(DRAWS):
        speakers = {"agent": "AB"[draw % 2], "customer": "BA"[draw % 2]}
        picked = {party: chance.sample(own, n) for party, own in sentences.items()}
        said = [
            Turn(
                speaker=speakers[party],
                role=None,
                start_s=10.0 * number,
                end_s=10.0 * number + 4,
                text=_misheard(picked[party][number], errors, chance, vocabulary),
            )
            for number in range(n)
            for party in ("agent", "customer")
        ]
        role = decide(said, "unknown").roles[speakers["agent"]]
        counts[("agent", None, "customer").index(role)] += 1
    return counts[0] / DRAWS, counts[1] / DRAWS, counts[2] / DRAWS


def _misheard(text: str, errors: float, chance: random.Random, vocabulary: Sequence[str]) -> str:
    """The text with a share of its words wrong: half of those left out, half replaced."""
    heard = []
    for word in text.split():
        luck = chance.random()
        if luck >= errors / 2:
            heard.append(chance.choice(vocabulary) if luck < errors else word)
    return " ".join(heard)
