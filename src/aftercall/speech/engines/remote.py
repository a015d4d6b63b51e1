"""This file is the engine that is another machine: any service that answers OpenAI's `/v1/audio/transcriptions`.

Only stretches in which somebody speaks are sent, put together with short pauses, as 16 kHz mono FLAC, or as Opus where
that would be too large. What services fill in differs, so everything but the text is optional: words with times are
taken as they are, else a segment's words, else all words of a request are spread evenly over what was sent.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import soxr

from aftercall.audio.decode import decode
from aftercall.errors import (
    EngineNotInstalled,
    RemoteAnswerMalformed,
    RemoteRefused,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
)
from aftercall.model import Samples, Span, Utterance
from aftercall.speech.engine import Hints, Outfit, RemoteService, language
from aftercall.speech.engines.remote_answer import Heard, read
from aftercall.speech.engines.spliced import Spliced, splice
from aftercall.speech.engines.whisper import LANGUAGES

if TYPE_CHECKING:
    import httpx2

RATE_HZ = 16_000
#: Three seconds of a demo call, voiced by us.
SAMPLE = Path(__file__).with_name("sample.flac")
#: Longer requests come close to time-outs, and word times drift.
LONGEST_S = 600.0
ATTEMPTS = 3
#: Waits before the second and the third attempt, unless the service asks for another; never longer than the last.
WAITS_S = (1.0, 5.0)
LONGEST_WAIT_S = 60.0
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
        self, outfit: Outfit, model: str = "", *, sleep: Callable[[float], None] = time.sleep, attempts: int = ATTEMPTS
    ) -> None:
        del model  # there is one service, with one model
        if outfit.remote is None:
            raise EngineNotInstalled(
                engine=self.name, package="service address (Settings > Speech > Remote service)", available="others"
            )
        self._service = outfit.remote
        self._dialect = dialect_of(outfit.remote.model)
        self._sleep = sleep
        self._attempts = attempts

    @staticmethod
    def choices(outfit: Outfit) -> tuple[str, ...]:
        """Itself, once a service is set."""
        return (Remote.name,) if outfit.remote else ()

    @property
    def model(self) -> str:
        return f"{self._service.model} at {urlsplit(self._service.url).netloc}"

    def warm_up(self) -> None:
        """Nothing to load here."""

    def transcribe(
        self, samples: Samples, rate_hz: int, spans: Sequence[Span], hints: Hints, *, audio_channel: int = 0
    ) -> list[Utterance]:
        """As SpeechEngine says, but the sound goes to another machine.

        Raises:
            RemoteUnreachable: it does not answer, or says that it is overloaded.
            RemoteRefused: it does not let us in.
            RemoteTooLarge: even a single stretch is too large for it.
            RemoteRejected, RemoteAnswerMalformed: it answers, but not as such a service should.
        """
        if hints.language:
            language(self, hints)
        found = []
        for piece in splice(_wide(samples, rate_hz), RATE_HZ, spans, longest_s=LONGEST_S):
            for sent, heard in self._ask_for(piece, hints):
                for span, words in sent.placed(heard.words):
                    found.append(
                        Utterance(
                            audio_channel=audio_channel,
                            start_s=span.start_s,
                            end_s=span.end_s,
                            words=words,
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
            has_word_times=heard.has_word_times,
            has_confidence=any(word.confidence is not None for word in heard.words),
            dialect=self._dialect,
            took_s=time.monotonic() - began,
        )

    # ---- one piece of sound -----------------------------------------------------------------------------------------

    def _ask_for(self, piece: Spliced, hints: Hints) -> list[tuple[Spliced, Heard]]:
        """Have a piece recognised; where it is too large, its halves."""
        name, kind, sound = self._packed(piece)
        if len(sound) > self._service.upload_limit_mb * 1_000_000:
            halves = piece.halves()
            if not halves:
                raise RemoteTooLarge(host=self._host, size_mb=f"{len(sound) / 1e6:.1f}")
            return [each for half in halves for each in self._ask_for(half, hints)]
        try:
            return [(piece, self._ask(name, kind, sound, piece.length_s, hints))]
        except RemoteTooLarge:
            if not (halves := piece.halves()):
                raise
            return [each for half in halves for each in self._ask_for(half, hints)]

    def _packed(self, piece: Spliced) -> tuple[str, str, bytes]:
        from aftercall.audio.encode import flac, opus

        sound = flac(piece.samples, RATE_HZ)
        if len(sound) <= self._service.upload_limit_mb * 1_000_000:
            return "speech.flac", "audio/flac", sound
        return "speech.ogg", "audio/ogg", opus(piece.samples, RATE_HZ)

    def _ask(self, name: str, kind: str, sound: bytes, length_s: float, hints: Hints) -> Heard:
        while True:
            answer = self._post(name, kind, sound, hints)
            if answer.status_code == 400 and self._dialect not in {"plain", "speakers"} and _is_about_form(answer.text):
                self._dialect = "plain"
                continue
            return read(self._body(answer, sent_bytes=len(sound)), length_s=length_s, host=self._host)

    def _post(self, name: str, kind: str, sound: bytes, hints: Hints) -> "httpx2.Response":
        """Ask as often as makes sense.

        Raises:
            RemoteUnreachable: it never answered, or was overloaded each time.
        """
        import httpx2

        said = ""
        for attempt in range(self._attempts):
            wait_s = WAITS_S[min(attempt, len(WAITS_S) - 1)]
            try:
                answer = httpx2.post(
                    f"{self._service.url.rstrip('/')}/audio/transcriptions",
                    headers={"Authorization": f"Bearer {self._service.key}"} if self._service.key else {},
                    data=_fields(self._service.model, self._dialect, hints),
                    files={"file": (name, sound, kind)},
                    timeout=httpx2.Timeout(self._service.timeout_s, connect=10.0),
                    trust_env=False,
                )
            except httpx2.TimeoutException:
                said = f"no answer within {self._service.timeout_s:g} s"
            except (httpx2.TransportError, httpx2.InvalidURL) as exc:
                said = str(exc) or type(exc).__name__
            else:
                if answer.status_code != 429 and answer.status_code < 500:
                    return answer
                said = f"{answer.status_code} {_message(answer)}"
                wait_s = _retry_after_s(answer.headers) or wait_s
            if attempt + 1 < self._attempts:
                self._sleep(min(wait_s, LONGEST_WAIT_S))
        raise RemoteUnreachable(host=self._host, detail=said)

    def _body(self, answer: "httpx2.Response", *, sent_bytes: int) -> Any:
        """What it answered, if it did what was asked.

        Raises:
            RemoteRefused, RemoteTooLarge, RemoteRejected, RemoteAnswerMalformed: it did not.
        """
        if answer.status_code in {401, 403}:
            raise RemoteRefused(host=self._host, answer=f"{answer.status_code} {_message(answer)}")
        if answer.status_code == 413:
            raise RemoteTooLarge(host=self._host, size_mb=f"{sent_bytes / 1e6:.1f}")
        if answer.status_code >= 300:
            raise RemoteRejected(host=self._host, answer=f"{answer.status_code} {_message(answer)}")
        try:
            return answer.json()
        except ValueError as exc:
            raise RemoteAnswerMalformed(host=self._host, detail="the answer is not JSON") from exc

    @property
    def _host(self) -> str:
        return urlsplit(self._service.url).netloc or self._service.url


def try_service(service: RemoteService) -> Trial:
    """Have our own short sample transcribed by a service; it is asked once, without further attempts.

    Raises:
        EngineError: what does not fit.
    """
    audio, _ = decode(SAMPLE)
    return Remote(Outfit(remote=service), attempts=1).try_out(audio.samples[0], audio.rate_hz)


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
        fields["language"] = hints.language.partition("-")[0].lower()
    if hints.phrases and dialect != "speakers":
        fields["prompt"] = ", ".join(hints.phrases)[:MOST_PROMPT]
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


def _is_about_form(text: str) -> bool:
    """Whether a refusal is about how the answer was wanted, and not about the sound."""
    return any(name in text for name in ("response_format", "timestamp_granularities", "include", "verbose_json"))


def _message(answer: "httpx2.Response") -> str:
    """What the service says itself, short."""
    try:
        said = answer.json()
        error = said.get("error", said.get("detail", said)) if isinstance(said, Mapping) else said
        text = error.get("message", "") if isinstance(error, Mapping) else error
    except ValueError:
        text = answer.text
    return " ".join(str(text).split())[:200]


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
