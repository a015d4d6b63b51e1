from typing import Literal

import pytest

from aftercall.errors import LanguageUnsupported
from aftercall.model import Samples, Span, Utterance, Word
from aftercall.speech.engine import Hints
from aftercall.speech.language import NAMES, name, of_text, settle

SPOKEN = {
    "en": "hello i would like to change my order please the one from last week",
    "de": "guten tag ich möchte gerne meine bestellung von letzter woche ändern",
    "fr": "bonjour je voudrais changer ma commande de la semaine dernière s'il vous plaît",
    "es": "buenos días quisiera cambiar el pedido que hice la semana pasada muchas gracias",
    "nl": "goedemiddag ik wil graag mijn bestelling van vorige week wijzigen dank u wel",
    "pl": "dzień dobry chciałbym zmienić moje zamówienie z zeszłego tygodnia proszę pani",
    "uk": "добрий день я хотів би змінити своє замовлення з минулого тижня будь ласка",
    "ja": "こんにちは先週の注文を変更したいのですが",
}


class Knowing:
    """An engine that is asked for its labels only."""

    name, model, is_low_accuracy, writes_sentences = "test", "none", False, True
    processes: Literal["one", "many"] = "many"

    def __init__(self, *languages: str) -> None:
        self.languages = languages

    def warm_up(self) -> None:
        raise AssertionError("nobody listens here")

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: object, hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        raise AssertionError("nobody listens here")


def heard(text: str, *, language: str | None = None, span: Span | None = None) -> Utterance:
    within = span or Span(start_s=0, end_s=5)
    words = tuple(Word(text=each, start_s=within.start_s, end_s=within.end_s) for each in text.split())
    return Utterance(
        audio_channel=0, start_s=within.start_s, end_s=within.end_s, words=words, language=language
    )  # fmt: skip


# ---- from the text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", SPOKEN)
def test_a_language_is_known_by_its_words(language: str) -> None:
    guess = of_text(SPOKEN[language], among=SPOKEN)
    assert guess is not None
    assert guess.language == language
    assert 0.9 <= guess.confidence <= 1


def test_without_limits_every_language_is_possible() -> None:
    guess = of_text(SPOKEN["de"])
    assert guess is not None
    assert guess.language == "de"


@pytest.mark.parametrize("text", ["", "guten tag", "yes okay bye", "5550123 5550124 1 2 3 4 5 6 7 8"])
def test_too_few_words_tell_nothing(text: str) -> None:
    assert of_text(text) is None


def test_words_of_every_language_tell_nothing() -> None:
    assert of_text("taxi hotel radio taxi hotel radio taxi hotel") is None


def test_a_text_in_an_impossible_language_is_not_taken_for_another() -> None:
    assert of_text(SPOKEN["ja"], among=["en", "de"]) is None


def test_the_only_possible_language_does_not_win_by_itself() -> None:
    assert of_text(SPOKEN["de"], among=["en"]) is None


def test_regions_do_not_matter() -> None:
    guess = of_text(SPOKEN["en"], among=["en-GB", "pt_BR"])
    assert guess is not None
    assert guess.language == "en"


# ---- of a call ----------------------------------------------------------------------------------------------------


def test_what_was_chosen_is_never_doubted() -> None:
    assert settle([heard(SPOKEN["de"], language="de")], "en", Knowing("de", "en-GB")) == ("en-GB", "chosen")


def test_what_the_engine_does_not_know_cannot_be_chosen() -> None:
    with pytest.raises(LanguageUnsupported):
        settle([], "fr", Knowing("de", "en"))


def test_the_engine_is_believed_by_the_seconds_it_heard() -> None:
    short = [heard("hi", language="en", span=Span(start_s=at, end_s=at + 1)) for at in (0, 1, 2)]
    long = heard("guten tag", language="de", span=Span(start_s=3, end_s=12))
    assert settle([*short, long], None, Knowing("en", "de")) == ("de", "engine")


def test_what_was_heard_as_nothing_does_not_count() -> None:
    silence = heard("", language="cy", span=Span(start_s=0, end_s=30))
    assert settle([silence, heard("hi", language="en")], None, Knowing("cy", "en")) == ("en", "engine")


def test_an_engine_with_one_language_leaves_no_question() -> None:
    assert settle([heard(SPOKEN["de"])], None, Knowing("en-US", "en-GB")) == ("en-US", "assumed")


def test_else_the_text_tells() -> None:
    words = SPOKEN["de"].split()
    parts = [heard(" ".join(words[:5])), heard(" ".join(words[5:]))]
    assert settle(parts, None, Knowing("en", "fr", "de-DE")) == ("de-DE", "text")


def test_a_call_without_enough_words_takes_the_first_language() -> None:
    assert settle([heard("ja bitte")], None, Knowing("en", "de")) == ("en", "assumed")


# ---- names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "English"), ("pt-BR", "Portuguese (BR)"), ("zh_TW", "Chinese (TW)"), ("yue", "Cantonese"),
        ("DE", "German"), ("tlh", "tlh"),
    ],
)  # fmt: skip
def test_a_language_is_called_by_its_name(tag: str, expected: str) -> None:
    assert name(tag) == expected


def test_every_name_is_there_for_people() -> None:
    assert len(NAMES) > 100
    assert all(each[0].isupper() and each.isprintable() for each in NAMES.values())
