"""This file is the embedded engine: pocketsphinx with the English model inside its wheel.

It is there so that a fresh installation without internet shows a working product. Of slow, clear reading it gets one
word in five wrong, by telephone one in three, of real conversations most: its text always carries the label "low
accuracy". Telephone speech gets its missing bands filled in first (`speech.narrow_band`).

Recognition holds the global interpreter lock from the start of a span to its end, often for seconds: run it in worker
processes only, never in the web server's. Each process has one decoder of its own (150 to 230 MB), made when it is
first needed.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Literal

import numpy as np
import soxr

from aftercall.audio.loudness import levelled
from aftercall.errors import EngineNotInstalled
from aftercall.model import Samples, Span, Utterance, Word
from aftercall.speech.cepstra import cepstra, mel_bands
from aftercall.speech.engine import Hints, Outfit, language
from aftercall.speech.narrow_band import filled, is_narrow
from aftercall.speech.posteriors import confidences

if TYPE_CHECKING:
    from pocketsphinx import Decoder

#: The model knows wide-band speech at this rate only; telephone speech is brought up to it.
RATE_HZ = 16000
#: Silence around each span: words at its very edges are lost without it.
PAD_S = 0.1
FRAME_S = 0.01
#: Narrower than the default: as many errors, a quarter faster (measured on telephone prompts).
LIMITS = {"maxhmmpf": 6000, "maxwpf": 20}

#: `read(2)` is the second pronunciation of `read`.
_PRONUNCIATION = re.compile(r"\(\d+\)$")


class Pocketsphinx:
    """English, low accuracy, always there."""

    name = "pocketsphinx"
    is_low_accuracy = True
    languages = ("en",)
    processes: Literal["one", "many"] = "many"
    writes_sentences = False

    def __init__(self, outfit: Outfit, model: str = "") -> None:
        """It has one model, and needs nothing."""

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """Always there."""
        return ("pocketsphinx",)

    def warm_up(self) -> None:
        """Load the model inside the wheel."""
        _decoder()

    @property
    def model(self) -> str:
        return f"en-us {version('pocketsphinx')}"

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """As SpeechEngine says; phrases to favour are left alone, this engine cannot use them."""
        language(self, hints)
        utterances = []
        for span in spans:
            words = tuple(_words(_cut_out(samples, rate_hz, span), rate_hz, span))
            if words:
                utterances.append(
                    Utterance(audio_channel=audio_channel, start_s=span.start_s, end_s=span.end_s, words=words)
                )
        return utterances


def _cut_out(samples: Samples, rate_hz: int, span: Span) -> Samples:
    return samples[max(0, round(span.start_s * rate_hz)) : round(span.end_s * rate_hz)]


def _words(sound: Samples, rate_hz: int, span: Span) -> Iterator[Word]:
    """Recognise one span; what the decoder places before, after or between words stays out."""
    if sound.size == 0:
        return
    wide = sound if rate_hz == RATE_HZ else soxr.resample(sound, rate_hz, RATE_HZ, quality="HQ")
    level = levelled(wide, RATE_HZ)
    if not level.any():  # in perfect silence the decoder hears "yeah", and is sure of it
        return
    padded = np.pad(level, round(PAD_S * RATE_HZ))
    telephone = is_narrow(sound, rate_hz)
    decoder = _decoder()
    # Forget the background noise of the span before, else the words would depend on what this process heard earlier.
    decoder.reinit_feat()
    decoder.start_utt()
    # The whole span at once, so that its loudness and timbre are evened out over all of it.
    if telephone:
        decoder.process_cep(cepstra(filled(mel_bands(padded))).tobytes(), no_search=False, full_utt=True)
    else:
        decoder.process_raw((padded * 32767).astype("<i2").tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    # Without any hypothesis there are no segments either: None.
    found = [each for each in decoder.seg() or () if not each.word.startswith(("<", "[", "++"))]
    sure = confidences(
        [min(1.0, max(0.0, each.prob)) for each in found],
        [(each.end_frame + 1 - each.start_frame) * FRAME_S for each in found],
    )
    earliest_s = span.start_s
    for segment, confidence in zip(found, sure, strict=True):
        start_s = max(earliest_s, span.start_s - PAD_S + segment.start_frame * FRAME_S)
        end_s = min(span.end_s, span.start_s - PAD_S + (segment.end_frame + 1) * FRAME_S)
        if end_s - start_s < FRAME_S / 2:
            continue
        earliest_s = end_s
        yield Word(
            text=_PRONUNCIATION.sub("", segment.word).lower(),
            start_s=round(start_s, 3),
            end_s=round(end_s, 3),
            confidence=round(confidence, 3),
        )


@cache
def _decoder() -> "Decoder":
    """The one decoder of this process; loading takes about a second.

    Raises:
        EngineNotInstalled: the package is missing or a library it needs is.
    """
    try:
        import pocketsphinx
    except (ImportError, OSError) as exc:
        raise EngineNotInstalled(engine="pocketsphinx", package="pocketsphinx", available="none") from exc
    return pocketsphinx.Decoder(
        pocketsphinx.Config(
            hmm=pocketsphinx.get_model_path("en-us/en-us"),
            lm=pocketsphinx.get_model_path("en-us/en-us.lm.bin"),
            dict=pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"),
            samprate=RATE_HZ,
            loglevel="FATAL",
            **LIMITS,
        )
    )
