"""This file says what a speech engine owes us, and knows which ones are installed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Protocol, cast

from aftercall.errors import EngineNotInstalled, EngineUnknown, LanguageUnsupported
from aftercall.model import Samples, Span, Utterance

#: Packages beside ours offer engines here: `name = "module:class"`, called without arguments.
ENTRY_POINTS = "aftercall.speech_engines"
#: The name that means "the best one that is installed".
AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What is known before listening."""

    #: BCP 47; None for the engine's first language.
    language: str | None = None
    #: Names and terms to favour; an engine that cannot use them leaves them alone.
    phrases: tuple[str, ...] = ()


class SpeechEngine(Protocol):
    """One way of turning sound into timed words.

    Every implementation owes:

    - *Cheap to make.* The constructor loads no weights and imports nothing heavy, so that any process may read the
      labels below. The first `transcribe` loads the weights and keeps them for the life of the process.
    - *A process of its own.* Engines may hold the interpreter's lock for seconds (pocketsphinx does) or end the process
      on a damaged model (sherpa-onnx does). `transcribe` is therefore called in worker processes only, never in the
      web server's, and by one thread at a time.
    - *Local files only.* Nothing is downloaded, ever.
    - *No guesses.* Where nothing is understood there is no word. Nothing is invented to fill a span.
    """

    @property
    def name(self) -> str:
        """Its name in the settings, and the one stored with each transcript."""
        ...

    @property
    def model(self) -> str:
        """Name and version of the weights."""
        ...

    @property
    def is_low_accuracy(self) -> bool:
        """True if it is known to misunderstand most telephone speech; its text is shown with that label."""
        ...

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 tags of the languages it knows, the one it takes without a hint first."""
        ...

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """Recognise the speech in some stretches of one audio channel.

        Args:
            samples: the whole audio channel, float32 in [-1, 1], shape (n_samples,); not modified.
            rate_hz: any rate; the engine resamples for itself.
            spans: the stretches to listen to, in order; sound outside them is not recognised.
            hints: what is known before.
            audio_channel: the number to write into the utterances.
        Returns:
            One utterance for each span in which something was understood, in the spans' order, with the span's times.
            Its words ascend, do not overlap, lie inside the span, and their times are seconds from the start of
            `samples`. Confidences are 0 to 1 as the engine sees them, or None.
        Raises:
            LanguageUnsupported: the hinted language is not one of `languages`.
            EngineNotInstalled: its package or weights are missing.
        """
        ...


def language(engine: SpeechEngine, hints: Hints) -> str:
    """The language an engine will write for these hints: of `en-GB` and `en` the one it knows.

    Raises:
        LanguageUnsupported: it knows neither.
    """
    if hints.language is None:
        return engine.languages[0]
    wanted = hints.language.lower()
    for known in engine.languages:
        if known.lower() == wanted:
            return known
    for known in engine.languages:
        if known.lower().partition("-")[0] == wanted.partition("-")[0]:
            return known
    raise LanguageUnsupported(engine=engine.name, language=hints.language, known=", ".join(engine.languages))


# ---- which ones there are ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """An engine of ours: imported when it is chosen, there if its package is."""

    target: str
    package: str
    #: What to import, where its name differs from the package's.
    module: str

    @property
    def is_installed(self) -> bool:
        return find_spec(self.module) is not None


#: Best first.
BUILT_IN: dict[str, BuiltIn] = {
    "pocketsphinx": BuiltIn(
        target="aftercall.speech.engines.pocketsphinx:Pocketsphinx", package="pocketsphinx", module="pocketsphinx"
    ),
}


def available() -> list[str]:
    """Names of the installed engines: ours, best first, then those of other packages by name."""
    ours = [name for name, each in BUILT_IN.items() if each.is_installed]
    return [*ours, *sorted(_others().keys() - BUILT_IN.keys())]


def best_available() -> str | None:
    """The engine that `auto` means; None if none is installed."""
    return next(iter(available()), None)


def load(name: str = AUTO) -> SpeechEngine:
    """Make an engine by its name, or the best one for `auto`; its weights wait for the first `transcribe`.

    Raises:
        EngineNotInstalled: its package is missing.
        EngineUnknown: nobody offers that name.
    """
    if name == AUTO:
        best = best_available()
        if best is None:
            first = next(iter(BUILT_IN.values()))
            raise EngineNotInstalled(engine=AUTO, package=first.package, available="none")
        name = best
    if built_in := BUILT_IN.get(name):
        if not built_in.is_installed:
            raise EngineNotInstalled(engine=name, package=built_in.package, available=_listed())
        module, _, kind = built_in.target.partition(":")
        return cast(Callable[[], SpeechEngine], getattr(import_module(module), kind))()
    other = _others().get(name)
    if other is None:
        raise EngineUnknown(engine=name, available=", ".join([AUTO, *available()]))
    try:
        return cast(Callable[[], SpeechEngine], other.load())()
    except ImportError as exc:
        package = other.dist.name if other.dist else name
        raise EngineNotInstalled(engine=name, package=package, available=_listed()) from exc


def _others() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=ENTRY_POINTS)}


def _listed() -> str:
    return ", ".join(available()) or "none"
