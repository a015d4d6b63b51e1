"""This file finds out which language a transcript is in, and calls languages by their names."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from aftercall.model import Utterance
from aftercall.speech.engine import Hints, SpeechEngine, language

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

LanguageFrom = Literal["chosen", "engine", "text", "assumed"]

#: Fewer words than these do not tell a language.
FEWEST_WORDS = 8
#: Nor does a guess less sure than this.
SURE_FROM = 0.9
#: What is possible at all holds at least this much of the likelihood, else the text is in another language.
LEAST_SHARE = 0.001

#: A word; in a script without spaces between words, a letter.
_WORD = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]|[^\W\d_]+")


@dataclass(frozen=True, kw_only=True)
class Guess:
    """The language a text is probably in."""

    #: ISO 639.
    language: str
    #: 0 to 1, among the languages that were possible.
    confidence: float


def of_text(text: str, *, among: Collection[str] | None = None) -> Guess | None:
    """The language of a text.

    The first call in a process takes half a second and 75 MB; better not in the web server's.

    Args:
        among: BCP 47 tags of the languages that are possible; None for all.
    Returns:
        None for fewer than FEWEST_WORDS words, or a guess that is less sure than SURE_FROM.
    """
    if len(_WORD.findall(text)) < FEWEST_WORDS:
        return None
    ranked = dict(_identifier().rank(text))
    possible = {_short(tag) for tag in among} & ranked.keys() if among else ranked.keys()
    # One language alone would always win against itself.
    total = sum(ranked[tag] for tag in possible) if len(possible) > 1 else 1.0
    best = max(possible, key=lambda tag: ranked[tag], default=None)
    if best is None or total < LEAST_SHARE or ranked[best] / total < SURE_FROM:
        return None
    return Guess(language=best, confidence=round(ranked[best] / total, 3))


def settle(utterances: Sequence[Utterance], hinted: str | None, engine: SpeechEngine) -> tuple[str, LanguageFrom]:
    """Which language a call was in, and how that is known.

    Args:
        utterances: what the engine heard.
        hinted: BCP 47 of the language it was told to listen for; None if it was not told.
        engine: asked for its labels only.
    Returns:
        The hinted language; else the one the engine found in most of the speech; else the only one it knows; else the
        one its text is in; else the one it takes without a hint. As a tag of the engine's own where it has one.
    Raises:
        LanguageUnsupported: the engine does not know the hinted language.
    """
    if hinted is not None:
        return language(engine, Hints(language=hinted)), "chosen"
    if found := _most_spoken(utterances):
        return _as_the_engine_says(found, engine), "engine"
    if len({_short(tag) for tag in engine.languages}) > 1:
        words = " ".join(word.text for each in utterances for word in each.words)
        if guess := of_text(words, among=engine.languages):
            return _as_the_engine_says(guess.language, engine), "text"
    return engine.languages[0], "assumed"


def name(tag: str) -> str:
    """A language's English name: `Portuguese`, `Portuguese (BR)`; the tag itself where it has none here."""
    short, _, region = tag.replace("_", "-").partition("-")
    known = NAMES.get(short.lower())
    if known is None:
        return tag
    return f"{known} ({region})" if region else known


def _most_spoken(utterances: Iterable[Utterance]) -> str | None:
    seconds: dict[str, float] = {}
    for each in utterances:
        if each.language and each.words:
            seconds[each.language] = seconds.get(each.language, 0.0) + each.end_s - each.start_s
    return max(seconds, key=lambda tag: seconds[tag], default=None)


def _as_the_engine_says(tag: str, engine: SpeechEngine) -> str:
    return next((known for known in engine.languages if _short(known) == _short(tag)), tag)


def _short(tag: str) -> str:
    short = tag.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(short, short)


#: Codes that engines write differently.
_SAME = {"jw": "jv", "iw": "he", "in": "id", "nb": "no", "fil": "tl"}


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


#: What engines write and what can be found in a text.
NAMES = {
    "af": "Afrikaans", "am": "Amharic", "an": "Aragonese", "ar": "Arabic", "as": "Assamese", "az": "Azerbaijani",
    "ba": "Bashkir", "be": "Belarusian", "bg": "Bulgarian", "bn": "Bengali", "bo": "Tibetan", "br": "Breton",
    "bs": "Bosnian", "ca": "Catalan", "cs": "Czech", "cy": "Welsh", "da": "Danish", "de": "German", "dz": "Dzongkha",
    "el": "Greek", "en": "English", "eo": "Esperanto", "es": "Spanish", "et": "Estonian", "eu": "Basque",
    "fa": "Persian", "fi": "Finnish", "fil": "Filipino", "fo": "Faroese", "fr": "French", "fy": "Western Frisian",
    "ga": "Irish", "gd": "Scottish Gaelic", "gl": "Galician", "gn": "Guarani", "gu": "Gujarati", "ha": "Hausa",
    "haw": "Hawaiian", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "ht": "Haitian Creole", "hu": "Hungarian",
    "hy": "Armenian", "id": "Indonesian", "ig": "Igbo", "is": "Icelandic", "it": "Italian", "iw": "Hebrew",
    "ja": "Japanese", "jv": "Javanese", "jw": "Javanese", "ka": "Georgian", "kk": "Kazakh", "km": "Khmer",
    "kn": "Kannada", "ko": "Korean", "ku": "Kurdish", "ky": "Kyrgyz", "la": "Latin", "lb": "Luxembourgish",
    "lg": "Ganda", "ln": "Lingala", "lo": "Lao", "lt": "Lithuanian", "lv": "Latvian", "mg": "Malagasy", "mi": "Maori",
    "mk": "Macedonian", "ml": "Malayalam", "mn": "Mongolian", "mr": "Marathi", "ms": "Malay", "mt": "Maltese",
    "my": "Burmese", "nb": "Norwegian Bokmål", "ne": "Nepali", "nl": "Dutch", "nn": "Norwegian Nynorsk",
    "no": "Norwegian", "oc": "Occitan", "om": "Oromo", "or": "Odia", "pa": "Punjabi", "pl": "Polish", "ps": "Pashto",
    "pt": "Portuguese", "qu": "Quechua", "ro": "Romanian", "ru": "Russian", "rw": "Kinyarwanda", "sa": "Sanskrit",
    "sd": "Sindhi", "se": "Northern Sami", "si": "Sinhala", "sk": "Slovak", "sl": "Slovenian", "sn": "Shona",
    "so": "Somali", "sq": "Albanian", "sr": "Serbian", "st": "Southern Sotho", "su": "Sundanese", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "tg": "Tajik", "th": "Thai", "tk": "Turkmen", "tl": "Tagalog",
    "tr": "Turkish", "tt": "Tatar", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu", "uz": "Uzbek", "vi": "Vietnamese",
    "wo": "Wolof", "xh": "Xhosa", "yi": "Yiddish", "yo": "Yoruba", "yue": "Cantonese", "zh": "Chinese", "zu": "Zulu",
}  # fmt: skip
