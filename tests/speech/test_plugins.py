import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from aftercall.errors import EngineNotInstalled, EngineUnknown, LanguageUnsupported
from aftercall.speech import plugins
from aftercall.speech.engine import Outfit
from aftercall.speech.plugins import BuiltIn, available, best_available, load, resolve

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
    assert load("auto", Outfit()).name == best_available(Outfit()) == available(Outfit())[0] == "pocketsphinx"
    assert resolve("auto", Outfit()) == "pocketsphinx"


def test_auto_means_an_engine_that_knows_the_language(outsider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve("auto", Outfit(), language="pt") == outsider
    with pytest.raises(LanguageUnsupported, match="ja"):
        resolve("auto", Outfit(), language="ja")


def test_an_engine_is_loaded_by_its_name() -> None:
    assert load("pocketsphinx", Outfit()).name == "pocketsphinx"


def test_another_package_may_bring_an_engine(outsider: str) -> None:
    assert available(Outfit()) == ["pocketsphinx", "broken", outsider]
    assert load(outsider, Outfit()).name == outsider


def test_an_engine_whose_library_is_missing_names_its_package(outsider: str) -> None:
    with pytest.raises(EngineNotInstalled, match="pip install outside-engine"):
        load("broken", Outfit())


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(EngineUnknown, match="auto, pocketsphinx"):
        load("parrot", Outfit())


def test_an_engine_of_ours_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "BUILT_IN", ABSENT)
    with pytest.raises(EngineNotInstalled, match="pip install absent-engine"):
        load("absent", Outfit())


def test_without_any_engine_auto_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "BUILT_IN", ABSENT)
    assert best_available(Outfit()) is None
    with pytest.raises(EngineNotInstalled, match="absent-engine"):
        load("auto", Outfit())


def test_reading_the_labels_loads_nothing_heavy() -> None:
    """Any process may do that, also the web server's."""
    code = (
        "import sys; from aftercall.speech.engine import Outfit; from aftercall.speech.plugins import load;"
        "e = load('auto', Outfit()); e.name, e.model, e.languages;"
        "print('pocketsphinx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_engine_of_ours_exists() -> None:
    for name, each in plugins.BUILT_IN.items():
        assert each.load().name == name
        assert metadata.version(each.package)
