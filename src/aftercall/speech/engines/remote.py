"""This file is the engine that is another machine: any service that answers OpenAI's `/v1/audio/transcriptions`.

Only stretches in which somebody speaks are sent, as 16 kHz mono FLAC, or as Opus where that would be too large. What
services fill in differs, so everything but the text is optional: words with times are taken as they are, else each
segment's words are spread over it. For a service that gives no times at all every stretch is a request of its own,
because only so is it known who said what when; its words are spread over the stretch.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import soxr

from aftercall.audio.decode import decode
from aftercall.errors import RemoteNotSet, RemoteTooLarge
from aftercall.model import Samples, Span, Utterance
from aftercall.speech import favour
from aftercall.speech.engine import Hints, Outfit, RemoteService, language
from aftercall.speech.engines import remote_wire as wire
from aftercall.speech.engines.remote_answer import Heard, read
from aftercall.speech.engines.remote_wire import Packed
from aftercall.speech.engines.spliced import Spliced, splice
from aftercall.speech.engines.whisper import CODES, LANGUAGES, without_inventions

RATE_HZ = 16_000
#: Three seconds of a demo call, voiced by us.
SAMPLE = Path(__file__).with_name("sample.flac")
#: Longer requests come close to time-outs, and word times drift.
LONGEST_S = 600.0
#: Nobody looks at a page for longer.
LONGEST_TRIAL_S = 60.0
MOST_PROMPT = 800

#: How a service wants to be asked; found out from the model's name and from what it refuses.
Dialect = Literal["words", "logprobs", "speakers", "plain"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a service answered to a short sample."""

    text: str
    has_word_times: bool
    has_confidence: bool
    dialect: Dialect
    took_s: float


class Remote:
    """Whisper and its like on another machine; never meant by `auto` unless the owner has said so."""

    name = "remote"
    is_low_accuracy = False
    languages = LANGUAGES
    processes: Literal["one", "many"] = "one"
    writes_sentences = True

    def __init__(
        self,
        outfit: Outfit,
        model: str = "",
        *,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = wire.ATTEMPTS,
    ) -> None:
        del model  # there is one service, with one model
        if outfit.remote is None:
            raise RemoteNotSet
        self._service = outfit.remote
        self._dialect = dialect_of(outfit.remote.model)
        #: Known to give no times: several stretches in one request could not be told apart.
        self._is_untimed = self._dialect == "logprobs"
        self._sleep = sleep
        self._attempts = attempts

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """Itself, once a service is set."""
        return (Remote.name,) if outfit.remote else ()

    @property
    def model(self) -> str:
        return f"{self._service.model} at {wire.host_of(self._service)}"

    def warm_up(self) -> None:
        """Nothing to load here."""

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """As SpeechEngine says, but the sound goes to another machine.

        Raises:
            RemoteUnreachable: it does not answer, or says that it is overloaded.
            RemoteUntrusted: its certificate is not trusted.
            RemoteRefused: it does not let us in.
            RemoteTooLarge: even a single stretch is too large for it.
            RemoteRejected, RemoteAnswerMalformed: it answers, but not as such a service should.
        """
        if hints.language:
            language(self, hints)
        found = []
        for piece in splice(_wide(samples, rate_hz), RATE_HZ, spans, longest_s=LONGEST_S):
            for sent, heard in self._ask_for(piece, hints):
                for span, placed in sent.placed(heard.words):
                    words = favour.favoured(without_inventions(placed), hints.phrases)
                    if words:
                        found.append(
                            Utterance(
                                audio_channel=audio_channel,
                                start_s=span.start_s,
                                end_s=span.end_s,
                                words=tuple(words),
                                language=heard.language,
                            )
                        )
        return found

    def try_out(self, sample: Samples, rate_hz: int) -> Trial:
        """Have a short sample recognised, to see that everything fits.

        Raises:
            EngineError: as `transcribe`.
        """
        began = time.monotonic()
        whole = Span(start_s=0.0, end_s=len(sample) / rate_hz)
        (piece,) = splice(_wide(sample, rate_hz), RATE_HZ, [whole], longest_s=LONGEST_S)
        ((_, heard),) = self._ask_for(piece, Hints())
        return Trial(
            text=heard.text,
            has_word_times=heard.times == "words",
            has_confidence=any(word.confidence is not None for word in heard.words),
            dialect=self._dialect,
            took_s=time.monotonic() - began,
        )

    # ---- one piece of sound -----------------------------------------------------------------------------------------

    def _ask_for(self, piece: Spliced, hints: Hints) -> list[tuple[Spliced, Heard]]:
        """Have a piece recognised; where it is too large, its halves, and of a service without times each stretch."""
        if self._is_untimed and len(piece.spans) > 1:
            return self._ask_for_each(piece.apart(), hints)
        sound = self._packed(piece)
        if len(sound.content) > self._limit_bytes:
            halves = piece.halves()
            if not halves:
                raise RemoteTooLarge(host=wire.host_of(self._service), size_mb=f"{len(sound.content) / 1e6:.1f}")
            return self._ask_for_each(halves, hints)
        try:
            heard = self._ask(sound, piece.length_s, hints)
        except RemoteTooLarge:
            if not (halves := piece.halves()):
                raise
            return self._ask_for_each(halves, hints)
        if heard.times == "none" and heard.words and len(piece.spans) > 1:
            self._is_untimed = True
            return self._ask_for_each(piece.apart(), hints)
        return [(piece, heard)]

    def _ask_for_each(self, pieces: Sequence[Spliced], hints: Hints) -> list[tuple[Spliced, Heard]]:
        return [each for piece in pieces for each in self._ask_for(piece, hints)]

    def _packed(self, piece: Spliced) -> Packed:
        from aftercall.audio.encode import flac, opus

        sound = flac(piece.samples, RATE_HZ)
        if len(sound) <= self._limit_bytes:
            return Packed(name="speech.flac", content_type="audio/flac", content=sound)
        return Packed(name="speech.ogg", content_type="audio/ogg", content=opus(piece.samples, RATE_HZ))

    def _ask(self, sound: Packed, length_s: float, hints: Hints) -> Heard:
        while True:
            fields = _fields(self._service.model, self._dialect, hints)
            reply = wire.ask(self._service, fields, sound, attempts=self._attempts, sleep=self._sleep)
            if reply.is_about_form and self._dialect in {"words", "logprobs"}:
                self._dialect = "plain"
                continue
            answer = wire.decoded(reply, self._service, sent_bytes=len(sound.content))
            return read(answer, length_s=length_s, host=wire.host_of(self._service))

    @property
    def _limit_bytes(self) -> float:
        return self._service.upload_limit_mb * 1_000_000


def try_service(service: RemoteService) -> Trial:
    """Have our own short sample transcribed by a service; it is asked once, and given a minute at most.

    Raises:
        EngineError: what does not fit.
    """
    audio, _ = decode(SAMPLE)
    hurried = replace(service, timeout_s=min(service.timeout_s, LONGEST_TRIAL_S))
    return Remote(Outfit(remote=hurried), attempts=1).try_out(audio.samples[0], audio.rate_hz)


def dialect_of(model: str) -> Dialect:
    """How a model wants to be asked, by its name."""
    if "diarize" in model:
        return "speakers"
    return "logprobs" if model.startswith("gpt-") else "words"


def _wide(samples: Samples, rate_hz: int) -> Samples:
    wide: Samples = samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ, quality="HQ")
    return wide


def _fields(model: str, dialect: Dialect, hints: Hints) -> dict[str, Any]:
    fields: dict[str, Any] = {"model": model, "temperature": "0"}
    if hints.language:
        short = hints.language.partition("-")[0].lower()
        fields["language"] = CODES.get(short, short)
    if dialect != "speakers" and (prompt := _prompt(hints.phrases)):
        fields["prompt"] = prompt
    match dialect:
        case "words":
            fields |= {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]}
        case "logprobs":
            fields |= {"response_format": "json", "include[]": ["logprobs"]}
        case "speakers":
            fields |= {"response_format": "diarized_json", "chunking_strategy": "auto"}
        case "plain":
            fields |= {"response_format": "json"}
    return fields


def _prompt(phrases: Sequence[str]) -> str:
    """As many whole phrases as services read."""
    prompt = ""
    for phrase in phrases:
        longer = f"{prompt}, {phrase}" if prompt else phrase
        if len(longer) > MOST_PROMPT:
            break
        prompt = longer
    return prompt
