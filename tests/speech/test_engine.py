import pytest

from aftercall.errors import LanguageUnsupported
from aftercall.speech.engine import Hints, Outfit, covers, language
from aftercall.speech.plugins import load


class Polyglot:
    languages = ("fr", "pt-BR")


@pytest.mark.parametrize(
    ("hint", "expected"), [(None, "fr"), ("fr", "fr"), ("fr-CA", "fr"), ("pt", "pt-BR"), ("pt-br", "pt-BR")]
)
def test_the_language_is_the_one_the_engine_knows(hint: str | None, expected: str) -> None:
    assert language(Polyglot(), Hints(language=hint)) == expected


def test_a_language_the_engine_does_not_know_is_refused() -> None:
    with pytest.raises(LanguageUnsupported, match="de"):
        language(load("pocketsphinx", Outfit()), Hints(language="de"))


@pytest.mark.parametrize(
    ("tag", "is_covered"), [("fr", True), ("fr-CA", True), ("pt", True), ("PT-br", True), ("de", False)]
)
def test_a_language_is_covered_in_any_of_its_regions(tag: str, is_covered: bool) -> None:
    assert covers(Polyglot(), tag) is is_covered
