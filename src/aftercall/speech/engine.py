"""This file says what a speech engine owes us."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from aftercall.errors import LanguageUnsupported
from aftercall.model import Samples, Span, Utterance


@dataclass(frozen=True, kw_only=True)
class RemoteService:
    """Another machine that recognises speech: any that answers OpenAI's `/v1/audio/transcriptions`."""

    #: As far as `/v1`, such as `http://192.0.2.7:8000/v1`.
    url: str
    model: str
    key: str = field(default="", repr=False)
    #: For one request, from the first byte sent to the last received.
    timeout_s: float = 300.0
    #: The largest upload it takes.
    upload_limit_mb: float = 25.0
    #: `auto` may mean this engine; only the owner says so.
    is_in_auto: bool = False


@dataclass(frozen=True, kw_only=True)
class Outfit:
    """What engines may need beside their name; goes to the worker processes with the work."""

    #: The models folder; None where there is none.
    models: Path | None = None
    #: How many threads an engine may use that works in one process.
    threads: int = 1
    remote: RemoteService | None = None


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
    - *Local files only.* Nothing is downloaded, ever; nothing leaves this machine, but by the engine named `remote`.
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

    @property
    def processes(self) -> Literal["one", "many"]:
        """`one`: weights too big to hold twice, it uses threads of its own. `many`: the more processes, the faster."""
        ...

    @property
    def writes_sentences(self) -> bool:
        """True if its words carry capitals and punctuation; else they are added for reading."""
        ...

    def warm_up(self) -> None:
        """Load the weights and try them on a moment of faint noise, so that a bad model shows here and not in a call.

        Raises:
            EngineNotInstalled, ModelMissing, ModelDamaged: as `transcribe`. Some damage ends the process instead.
        """
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
            EngineNotInstalled: its package is missing.
            ModelMissing: its weights are.
            ModelDamaged: its weights cannot be loaded.
        """
        ...


def covers(engine: SpeechEngine, tag: str) -> bool:
    """Whether an engine knows a language: of `en-GB` and `en` one is enough."""
    short = tag.lower().partition("-")[0]
    return any(known.lower().partition("-")[0] == short for known in engine.languages)


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
