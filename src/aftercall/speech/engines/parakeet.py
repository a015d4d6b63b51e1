"""This file is the engine for most calls: NVIDIA's Parakeet-TDT, run by sherpa-onnx.

Version 3 knows 25 European languages and finds out by itself which one is spoken; version 2 knows English only. Both
write capitals and punctuation, and give each piece of a word a time and a probability.

The vocabulary works on the finished words (speech/favour.py). sherpa-onnx 2.0.1 can also favour phrases while it
decodes, but for this model only through `modified_beam_search`, which on Parakeet loses or invents whole sentences
(k2-fsa/sherpa-onnx issue 3267), and with a vocabulary file that the published models do not carry.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from aftercall.model import Samples, Span, Utterance
from aftercall.speech import favour, models
from aftercall.speech.engine import Hints, Outfit, language
from aftercall.speech.engines import sherpa

#: By their share among the languages of telephone systems this is made for; English first, as the one without a hint.
LANGUAGES_V3 = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "cs", "sk", "bg", "hr", "da", "et", "fi", "el", "hu",
    "lv", "lt", "mt", "ro", "sl", "sv",
)  # fmt: skip
LANGUAGES_V2 = ("en",)
#: What is meant when no model is named and none is there.
USUAL = "parakeet-tdt-0.6b-v3-int8"
#: Attention takes memory with the square of a stretch's length.
LONGEST_S = 30.0

_VERSION = re.compile(r"(?<![a-z0-9])v(\d+)(?![a-z0-9])")


class Parakeet:
    """25 European languages, or English alone; the best for its price in time."""

    name = "parakeet"
    is_low_accuracy = False
    processes: Literal["one", "many"] = "one"
    writes_sentences = True

    def __init__(self, outfit: Outfit, model: str = "") -> None:
        self._installed = sherpa.chosen(self.name, outfit, model, _at_hand(outfit), usual=USUAL)
        self._threads = outfit.threads

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """Each Parakeet in the models folder, the newest version first."""
        return tuple(f"{Parakeet.name}/{each.name}" for each in _at_hand(outfit))

    @property
    def model(self) -> str:
        return self._installed.name

    @property
    def languages(self) -> tuple[str, ...]:
        usual = LANGUAGES_V2 if _version(self.model) == 2 else LANGUAGES_V3
        return sherpa.listed_languages(self._installed) or usual

    def warm_up(self) -> None:
        """As SpeechEngine says; a model of the wrong shape ends the process here."""
        sherpa.try_out(self._recogniser(), model=self.model)

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """As SpeechEngine says; the language of the hints is only checked, the model hears it for itself."""
        language(self, hints)
        heard = sherpa.hear(self._recogniser(), samples, rate_hz, spans, longest_s=LONGEST_S, model=self.model)
        utterances = []
        for span, pieces in zip(spans, heard, strict=True):
            words = [word for piece, said in pieces for word in sherpa.words(said, piece)]
            if words:
                utterances.append(
                    Utterance(
                        audio_channel=audio_channel,
                        start_s=span.start_s,
                        end_s=span.end_s,
                        words=tuple(favour.favoured(words, hints.phrases)),
                    )
                )
        return utterances

    def _recogniser(self) -> Any:
        return sherpa.recogniser(
            self.name,
            self._installed.path,
            ("encoder", "decoder", "joiner", "tokens"),
            self._threads,
            lambda kind, **files: kind.from_transducer(
                **files, num_threads=self._threads, model_type="nemo_transducer"
            ),
        )


def _at_hand(outfit: Outfit) -> list[models.Installed]:
    """Newest version first."""
    found = [each for each in models.installed(outfit.models) if each.engine == Parakeet.name]
    return sorted(found, key=lambda each: (-_version(each.name), each.name))


def _version(model: str) -> int:
    """The number after the last `v` that stands alone in a model's name; the usual one is 3."""
    found = _VERSION.findall(model.lower())
    return int(found[-1]) if found else 3
