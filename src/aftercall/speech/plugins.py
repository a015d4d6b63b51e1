"""This file knows which speech engines are at hand, and makes them by their names.

A *choice* names an engine, or an engine and one of its models: `pocketsphinx`, `parakeet`, `whisper/whisper-small`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Protocol, cast

from aftercall.errors import EngineNotInstalled, EngineUnknown, LanguageUnsupported
from aftercall.speech.engine import Outfit, SpeechEngine, covers

#: Packages beside ours offer engines here: `name = "module:class"`, called without arguments.
ENTRY_POINTS = "aftercall.speech_engines"
#: The choice that means "the best one at hand".
AUTO = "auto"
#: The engine that is another machine.
REMOTE = "remote"


class EngineClass(Protocol):
    """What each engine class of ours offers beside the engine itself."""

    name: str

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """What can be chosen with this outfit, best first: `engine` or `engine/model`; empty if a part is missing.

        Cheap: it looks whether files are there, and loads nothing.
        """
        ...

    def __call__(self, outfit: Outfit, model: str = "") -> SpeechEngine:
        """Make the engine; `model` is what follows the stroke in a choice, "" for the best one.

        Raises:
            ModelMissing: there is no such model in the models folder.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """An engine of ours: imported when it is looked at, there if its package is."""

    target: str
    package: str
    #: What to import, where its name differs from the package's.
    module: str

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None

    def load(self) -> EngineClass:
        module, _, kind = self.target.partition(":")
        return cast(EngineClass, getattr(import_module(module), kind))


#: Best first.
BUILT_IN: dict[str, BuiltIn] = {
    REMOTE: BuiltIn(target="aftercall.speech.engines.remote:Remote", package="httpx2", module="httpx2"),
    "parakeet": BuiltIn(
        target="aftercall.speech.engines.parakeet:Parakeet", package="sherpa-onnx", module="sherpa_onnx"
    ),
    "whisper": BuiltIn(target="aftercall.speech.engines.whisper:Whisper", package="sherpa-onnx", module="sherpa_onnx"),
    "pocketsphinx": BuiltIn(
        target="aftercall.speech.engines.pocketsphinx:Pocketsphinx", package="pocketsphinx", module="pocketsphinx"
    ),
}


def available(outfit: Outfit) -> list[str]:
    """Every choice there is: ours, best first, then the engines of other packages by name."""
    ours = [choice for each in BUILT_IN.values() if each.is_installed for choice in each.load().choices(outfit)]
    return [*ours, *sorted(_others().keys() - BUILT_IN.keys())]


def best_available(outfit: Outfit, language: str | None = None) -> str | None:
    """What `auto` means: the best choice that knows the language; None if there is none.

    The remote engine is never meant unless the owner has said so.
    """
    for choice in available(outfit):
        if choice.partition("/")[0] == REMOTE and not (outfit.remote and outfit.remote.is_in_auto):
            continue
        if language is None or _covers(choice, outfit, language):
            return choice
    return None


def resolve(choice: str, outfit: Outfit, *, language: str | None = None) -> str:
    """The choice itself, or what `auto` means.

    Args:
        language: BCP 47; `auto` means an engine that knows it.

    Raises:
        EngineNotInstalled: no engine is at hand.
        LanguageUnsupported: engines are, but none of them knows the language.
    """
    if choice != AUTO:
        return choice
    if best := best_available(outfit, language):
        return best
    if language is not None and available(outfit):
        raise LanguageUnsupported(engine=AUTO, language=language, known=_known_languages(outfit))
    raise EngineNotInstalled(engine=AUTO, package=list(BUILT_IN.values())[-1].package, available="none")


def load(choice: str, outfit: Outfit) -> SpeechEngine:
    """Make an engine by a choice, or the best one for `auto`; its weights wait for the first `transcribe`.

    Raises:
        EngineNotInstalled: its package is missing.
        EngineUnknown: nobody offers that name.
        ModelMissing: the chosen model is not there.
    """
    name, _, model = resolve(choice, outfit).partition("/")
    if built_in := BUILT_IN.get(name):
        if not built_in.is_installed:
            raise EngineNotInstalled(engine=name, package=built_in.package, available=_listed(outfit))
        return built_in.load()(outfit, model)
    other = _others().get(name)
    if other is None:
        raise EngineUnknown(engine=name, available=", ".join([AUTO, *available(outfit)]))
    try:
        return cast(Callable[[], SpeechEngine], other.load())()
    except ImportError as exc:
        package = other.dist.name if other.dist else name
        raise EngineNotInstalled(engine=name, package=package, available=_listed(outfit)) from exc


def _covers(choice: str, outfit: Outfit, language: str) -> bool:
    try:
        return covers(load(choice, outfit), language)
    except EngineNotInstalled:  # another package's, and broken
        return False


def _known_languages(outfit: Outfit) -> str:
    known = {
        tag
        for choice in available(outfit)
        if choice.partition("/")[0] in BUILT_IN
        for tag in load(choice, outfit).languages
    }
    return ", ".join(sorted(known))


def _others() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=ENTRY_POINTS)}


def _listed(outfit: Outfit) -> str:
    return ", ".join(available(outfit)) or "none"
