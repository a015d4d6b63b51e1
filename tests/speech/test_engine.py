import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from aftercall.errors import EngineNotInstalled, EngineUnknown, LanguageUnsupported
from aftercall.speech import engine
from aftercall.speech.engine import BuiltIn, Hints, available, best_available, language, load

ABSENT = {"absent": BuiltIn(target="absent_engine:Engine", package="absent-engine", module="absent_engine")}


@pytest.fixture
def outsider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package beside ours that brings two engines: one that works and one whose library is missing."""
    (tmp_path / "outside_engine.py").write_text("class Quiet:\n    name = 'quiet'\n    languages = ('fr', 'pt-BR')\n")
    (tmp_path / "broken_engine.py").write_text("import a_library_nobody_has\n")
    info = tmp_path / "outside_engine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: outside-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[aftercall.speech_engines]\nquiet = outside_engine:Quiet\nbroken = broken_engine:Broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return "quiet"


def test_auto_is_the_best_engine_installed() -> None:
    assert load().name == load("auto").name == best_available() == available()[0] == "pocketsphinx"


def test_an_engine_is_loaded_by_its_name() -> None:
    assert load("pocketsphinx").name == "pocketsphinx"


def test_another_package_may_bring_an_engine(outsider: str) -> None:
    assert available() == ["pocketsphinx", "broken", outsider]
    assert load(outsider).name == outsider


def test_an_engine_whose_library_is_missing_names_its_package(outsider: str) -> None:
    with pytest.raises(EngineNotInstalled, match="pip install outside-engine"):
        load("broken")


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(EngineUnknown, match="auto, pocketsphinx"):
        load("parrot")


def test_an_engine_of_ours_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUILT_IN", ABSENT)
    with pytest.raises(EngineNotInstalled, match="pip install absent-engine"):
        load("absent")


def test_without_any_engine_auto_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUILT_IN", ABSENT)
    assert best_available() is None
    with pytest.raises(EngineNotInstalled, match="absent-engine"):
        load()


def test_reading_the_labels_loads_nothing_heavy() -> None:
    """Any process may do that, also the web server's."""
    code = (
        "import sys; from aftercall.speech.engine import load; e = load(); e.name, e.model, e.languages;"
        "print('pocketsphinx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_engine_of_ours_exists() -> None:
    for each in engine.BUILT_IN.values():
        assert metadata.version(each.package)
        assert engine.load(next(name for name, value in engine.BUILT_IN.items() if value is each)).languages


@pytest.mark.parametrize(
    ("hint", "expected"), [(None, "fr"), ("fr", "fr"), ("fr-CA", "fr"), ("pt", "pt-BR"), ("pt-br", "pt-BR")]
)
def test_the_language_is_the_one_the_engine_knows(outsider: str, hint: str | None, expected: str) -> None:
    assert language(load(outsider), Hints(language=hint)) == expected


def test_a_language_the_engine_does_not_know_is_refused() -> None:
    with pytest.raises(LanguageUnsupported, match="de"):
        language(load("pocketsphinx"), Hints(language="de"))
