"""This file is the engine for the languages that Parakeet does not know: OpenAI's Whisper, run by sherpa-onnx.

Whisper finds out by itself which language is spoken, or is told. Two things about it need care:

- *Times.* The usual published models give text without times: the times of words are then estimated from their
  lengths within the span. Models that were exported with their attention give times of their own. None gives
  probabilities, so the words carry no confidence.
- *Inventions.* On noise, music or a bad line Whisper repeats itself, writes the credits of films, or annotations such
  as "(music)". These are left out: nothing is better than something nobody said.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from aftercall.model import Samples, Span, Utterance, Word
from aftercall.speech import favour, models
from aftercall.speech.engine import Hints, Outfit, language
from aftercall.speech.engines import sherpa

#: BCP 47; asking a model for a language that it does not know ends the process.
LANGUAGES = (
    "en", "de", "es", "fr", "it", "pt", "nl", "pl", "ru", "uk", "zh", "ja", "ko", "tr", "ar", "he", "hi", "id",
    "vi", "th", "sv", "da", "no", "nb", "nn", "fi", "cs", "sk", "hu", "ro", "bg", "el", "hr", "sr", "sl", "et",
    "lv", "lt", "mk", "bs", "sq", "mt", "be", "ca", "gl", "eu", "cy", "is", "br", "oc", "lb", "yi", "la", "fa",
    "ur", "bn", "ta", "te", "mr", "ml", "kn", "gu", "pa", "ne", "si", "sd", "as", "sa", "my", "km", "lo", "ms",
    "tl", "fil", "jv", "su", "mn", "kk", "uz", "az", "ka", "hy", "tg", "tk", "tt", "ba", "ps", "bo", "am", "so",
    "sw", "yo", "ha", "ln", "sn", "mg", "mi", "haw", "af", "fo", "ht",
)  # fmt: skip
#: Where Whisper's own code differs.
CODES = {"nb": "no", "fil": "tl", "jv": "jw"}
#: Written without spaces between words.
UNSPACED = frozenset({"zh", "ja", "th", "my", "km", "lo", "bo"})
#: What is meant when no model is named and none is there.
USUAL = "whisper-small"
#: The model hears 30 s at once; what is over is lost, and it wants a little silence at the end.
LONGEST_S = 28.0
#: Best first; a name that holds none of them comes last.
SIZES = ("turbo", "large", "medium", "small", "base", "tiny")

#: How often in a row nobody says the same: one word, and several.
MOST_REPEATS_OF_A_WORD = 5
MOST_REPEATS = 3
#: Repeated stretches of more words than this are not looked for.
LONGEST_REPEAT = 12

#: Where a language without spaces pauses.
_PAUSE = re.compile(r"(?<=[。、！？，；：])|\s+")
_ANNOTATION = re.compile(r"\[[^\]]*\]|\([^)]*\)|♪[^♪]*♪?|\*[^*]*\*|【[^】]*】|（[^）]*）")
#: Written under the films it was taught with, and by it under noise.
_CREDITS = re.compile(
    r"amara\.org|subtitles by|subtitled by|captions? by|thank(s| you) for watching|untertitel (im auftrag|von|der)"
    r"|sous-titr|sottotitoli|subt[ií]tulos (por|realizados)|legendas? (pela|por)|napisy (stworzone|wykonał)"
    r"|ondertitel(ing|d)|субтитры (с|д|под)|редактор субтитров|продолжение следует|ご視聴ありがとう|字幕(由|志愿者|by)",
    re.IGNORECASE,
)
#: Credits are short; a longer utterance that speaks of subtitles is a call about subtitles.
LONGEST_CREDITS = 12


class Whisper:
    """About a hundred languages; slower than Parakeet, and its times are usually estimates."""

    name = "whisper"
    is_low_accuracy = False
    processes: Literal["one", "many"] = "one"
    writes_sentences = True

    def __init__(self, outfit: Outfit, model: str = "") -> None:
        self._installed = sherpa.chosen(self.name, outfit, model, _at_hand(outfit), usual=USUAL)
        self._threads = outfit.threads

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """Each Whisper in the models folder, the largest first."""
        return tuple(f"{Whisper.name}/{each.name}" for each in _at_hand(outfit))

    @property
    def model(self) -> str:
        return self._installed.name

    @property
    def languages(self) -> tuple[str, ...]:
        """Those of the multilingual models, or English alone."""
        usual = ("en",) if _is_english_only(self._installed.path) else LANGUAGES
        return sherpa.listed_languages(self._installed) or usual

    def warm_up(self) -> None:
        """As SpeechEngine says; a model of the wrong shape ends the process here."""
        sherpa.try_out(self._recogniser(None), model=self.model)

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """As SpeechEngine says; without a language in the hints it is found in each span."""
        is_told = hints.language is not None or self.languages == ("en",)
        told = language(self, hints) if is_told else None
        heard = sherpa.hear(self._recogniser(told), samples, rate_hz, spans, longest_s=LONGEST_S, model=self.model)
        utterances = []
        for span, pieces in zip(spans, heard, strict=True):
            words = [word for piece, said in pieces for word in _words(said, piece)]
            if words and not _is_credits(words):
                utterances.append(
                    Utterance(
                        audio_channel=audio_channel,
                        start_s=span.start_s,
                        end_s=span.end_s,
                        words=tuple(favour.favoured(words, hints.phrases)),
                        language=told or _language_heard(pieces),
                    )
                )
        return utterances

    def _recogniser(self, told: str | None) -> Any:
        """The loaded model, told which language to write, or to find out."""
        recognise = sherpa.recogniser(
            self.name,
            self._installed.path,
            ("encoder", "decoder", "tokens"),
            self._threads,
            lambda kind, **files: kind.from_whisper(
                **files, language="", num_threads=self._threads, enable_token_timestamps=True
            ),
        )
        # One load serves all languages.
        recognise.config.model_config.whisper.language = "" if told is None else CODES.get(told, told)
        recognise.recognizer.set_config(recognise.config)
        return recognise


def _at_hand(outfit: Outfit) -> list[models.Installed]:
    """Largest first."""
    found = [each for each in models.installed(outfit.models) if each.engine == Whisper.name]
    return sorted(found, key=lambda each: (_size(each.name), each.name))


def _size(model: str) -> int:
    return next((rank for rank, size in enumerate(SIZES) if size in model.lower()), len(SIZES))


def _is_english_only(folder: Path) -> bool:
    """By the name: of the folder, or of its files (`small.en-encoder.int8.onnx`)."""
    name = folder.name.lower()
    return "distil" in name or bool(re.search(r"[.-]en\b", name)) or any(folder.glob("*.en-encoder*.onnx"))


def _language_heard(pieces: Sequence[tuple[Span, sherpa.Heard]]) -> str | None:
    """BCP 47; that of the longest piece."""
    _, longest = max(pieces, key=lambda each: each[0].end_s - each[0].start_s)
    return {"jw": "jv"}.get(longest.language, longest.language) or None


# ---- what nobody said -------------------------------------------------------------------------------------------


def _words(heard: sherpa.Heard, piece: Span) -> list[Word]:
    """The words of one piece without annotations and loops."""
    text = _ANNOTATION.sub(" ", heard.text)
    if heard.language in UNSPACED:
        return without_loops(sherpa.spread([part for part in _PAUSE.split(text) if part], piece))
    if text != heard.text:  # the tokens hold the annotations too
        return without_loops(sherpa.spread(text.split(), piece))
    return without_loops(sherpa.words(heard, piece))


def without_inventions(words: Sequence[Word]) -> list[Word]:
    """The words of one stretch without annotations and loops; none at all if they are the credits of a film."""
    text = " ".join(word.text for word in words)
    noted = [found.span() for found in _ANNOTATION.finditer(text)]
    said, at = [], 0
    for word in words:
        if not any(start < at + len(word.text) and at < end for start, end in noted):
            said.append(word)
        at += len(word.text) + 1
    kept = without_loops(said)
    return [] if _is_credits(kept) else kept


def without_loops(words: Sequence[Word]) -> list[Word]:
    """The words without what is only said again and again; none at all if that was most of it.

    "No, no, no" stays: one word may come five times in a row, more words three times.
    """
    texts = [re.sub(r"\W", "", word.text).casefold() for word in words]
    kept: list[Word] = []
    repeated = at = 0
    while at < len(words):
        length, times = _loop(texts, at)
        kept.extend(words[at : at + length])
        if times > 1:
            repeated += length * times
        at += length * times
    return [] if repeated * 2 > len(words) else kept


def _loop(texts: Sequence[str], at: int) -> tuple[int, int]:
    """How many words from here come how many times in a row; (1, 1) if not oftener than people repeat themselves."""
    for length in range(1, LONGEST_REPEAT + 1):
        times = 1
        while texts[at + times * length : at + (times + 1) * length] == texts[at : at + length]:
            times += 1
        if times > (MOST_REPEATS_OF_A_WORD if length == 1 else MOST_REPEATS):
            return length, times
    return 1, 1


def _is_credits(words: Sequence[Word]) -> bool:
    return len(words) <= LONGEST_CREDITS and bool(_CREDITS.search(" ".join(word.text for word in words)))
