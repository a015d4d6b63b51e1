"""This file holds what the engines in sherpa-onnx share: loading, cutting, batching, and words out of tokens.

Two habits of that library shape it. A file that is missing or damaged raises an exception, but a model of another shape
than it promises *ends the process*, with status 255. And batches are padded to their longest stretch, so stretches of
about the same length belong together.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from aftercall.errors import EngineNotInstalled, ModelDamaged, ModelMissing
from aftercall.model import Samples, Span, Word
from aftercall.speech import models
from aftercall.speech.engine import Outfit

#: The rate the models were trained at.
RATE_HZ = 16000
#: Padding included, a batch holds no more sound than this; memory grows with it.
BATCH_S = 100.0
#: Shorter stretches are filled up with silence: of less than a few frames the models cannot make anything.
SHORTEST_S = 0.4
#: Nobody hears anything below; without this, models hear words in the rounding noise of digital silence.
SILENT_PEAK = 10 ** (-65 / 20)
#: Every word is given at least this much room.
WORD_S = 0.02
#: A token that comes without a duration ends with the next one, or after this.
TOKEN_S = 0.5
#: A quiet place to cut is looked for in the last part of a stretch that is too long.
CUT_IN_LAST = 0.3
QUIET_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What a recogniser wrote for one stretch of sound; times are seconds from the start of that stretch."""

    text: str
    #: In order; one that begins a word begins with a space.
    tokens: tuple[str, ...] = ()
    starts_s: tuple[float, ...] = ()
    #: As many as tokens, or none.
    durations_s: tuple[float, ...] = ()
    #: As many as tokens, or none.
    log_probs: tuple[float, ...] = ()
    #: As the model calls it, "" if it does not say.
    language: str = ""


# ---- models and recognisers -------------------------------------------------------------------------------------


def chosen(
    engine: str, outfit: Outfit, model: str, at_hand: Sequence[models.Installed], *, usual: str
) -> models.Installed:
    """The model of that name, or the first at hand for "".

    Args:
        usual: what is missing when none is named and none is there.
    Raises:
        ModelMissing: it is not there.
    """
    for each in at_hand:
        if model in ("", each.name):
            return each
    raise ModelMissing(model=model or usual, engine=engine, folder=str(outfit.models or "(none)"))


def listed_languages(model: models.Installed) -> tuple[str, ...]:
    """The languages our list of models names, English first, as the one without a hint; empty if it names none."""
    return tuple(sorted(model.languages, key=lambda tag: tag != "en"))


def file_in(folder: Path, part: str) -> Path:
    """The file of a model that holds one part of it; of two the smaller, 8-bit one.

    Published models name them `encoder.int8.onnx` or `small-encoder.int8.onnx`, `tokens.txt` or `small-tokens.txt`.

    Raises:
        ModelDamaged: there is none.
    """
    ending = "txt" if part == "tokens" else "onnx"
    found = [
        path
        for path in sorted(folder.glob(f"*{part}*.{ending}"))
        if path.name.removesuffix(f".{ending}").removesuffix(".int8").endswith(part)
    ]
    if not found:
        raise ModelDamaged(model=folder.name, detail=f"it has no {part} file (*{part}*.{ending})")
    return next((path for path in found if ".int8." in path.name), found[0])


#: The recogniser this process holds, by its key. Never more than one: two would not fit beside each other.
_held: dict[object, Any] = {}


def recogniser(engine: str, folder: Path, parts: Sequence[str], threads: int, make: Callable[..., Any]) -> Any:
    """The recogniser for a model, loaded at the first call; another model in this process is dropped for it.

    Args:
        parts: what it is made of, see `file_in`.
        make: gets `sherpa_onnx.OfflineRecognizer` and the path of each part by its name, and makes one.
    Raises:
        EngineNotInstalled: sherpa-onnx is missing, or a library it needs is.
        ModelDamaged: a part is missing or cannot be read. Weights of the wrong shape end the process instead.
    """
    files = {part: file_in(folder, part) for part in parts}
    key = (engine, threads, *((str(path), path.stat().st_mtime_ns) for path in files.values()))
    if key in _held:
        return _held[key]
    _held.clear()
    try:
        import sherpa_onnx
    except (ImportError, OSError) as exc:
        raise EngineNotInstalled(engine=engine, package="sherpa-onnx", available="pocketsphinx") from exc
    try:
        made = make(sherpa_onnx.OfflineRecognizer, **{part: str(path) for part, path in files.items()})
    except RuntimeError as exc:
        raise ModelDamaged(model=folder.name, detail=_in_short(exc)) from exc
    _held[key] = made
    return made


def _in_short(error: RuntimeError) -> str:
    return (str(error).strip().partition("\n")[0] or "no reason given")[:200].rstrip(".")


# ---- sound to tokens --------------------------------------------------------------------------------------------


def hear(
    recognise: Any, samples: Samples, rate_hz: int, spans: Sequence[Span], *, longest_s: float, model: str
) -> list[list[tuple[Span, Heard]]]:
    """Recognise stretches of one audio channel, many at once.

    Args:
        recognise: a recogniser of sherpa-onnx.
        longest_s: a longer span is cut at its quietest places.
    Returns:
        For each span what was heard in it, piece by piece; silence never reaches the recogniser and gives no piece.
    Raises:
        ModelDamaged: the model fails on sound.
    """
    pieces = [(number, piece) for number, span in enumerate(spans) for piece in cut(samples, rate_hz, span, longest_s)]
    pieces = [each for each in pieces if not is_silent(cut_out(samples, rate_hz, each[1]))]
    heard: list[Heard | None] = [None] * len(pieces)
    for batch in batches([piece.end_s - piece.start_s for _, piece in pieces]):
        streams = []
        for index in batch:
            stream = recognise.create_stream()
            stream.accept_waveform(RATE_HZ, ready(cut_out(samples, rate_hz, pieces[index][1]), rate_hz))
            streams.append(stream)
        try:
            recognise.decode_streams(streams)
        except RuntimeError as exc:
            raise ModelDamaged(model=model, detail=_in_short(exc)) from exc
        for index, stream in zip(batch, streams, strict=True):
            heard[index] = _read(stream.result)
    results: list[list[tuple[Span, Heard]]] = [[] for _ in spans]
    for (number, piece), said in zip(pieces, heard, strict=True):
        if said is not None and said.text.strip():
            results[number].append((piece, said))
    return results


def try_out(recognise: Any, *, model: str) -> None:
    """Let it listen to a second of faint noise, so that a model that cannot run fails here and not in a call."""
    noise = np.random.default_rng(1).standard_normal(RATE_HZ).astype(np.float32) * np.float32(0.003)
    hear(recognise, noise, RATE_HZ, [Span(start_s=0.0, end_s=1.0)], longest_s=2.0, model=model)


def _read(result: Any) -> Heard:
    try:
        tokens = tuple(result.tokens)
    except UnicodeDecodeError:  # one letter, such as an accented one, in two tokens of Whisper: the text is whole
        return Heard(text=result.text, language=result.lang)
    starts_s = tuple(result.timestamps)
    if len(starts_s) != len(tokens):
        return Heard(text=result.text, language=result.lang)
    durations_s, log_probs = tuple(result.durations), tuple(result.ys_log_probs)
    return Heard(
        text=result.text,
        tokens=tokens,
        starts_s=starts_s,
        durations_s=durations_s if len(durations_s) == len(tokens) else (),
        log_probs=log_probs if len(log_probs) == len(tokens) else (),
        language=result.lang,
    )


def batches(durations_s: Sequence[float], *, total_s: float = BATCH_S) -> Iterator[list[int]]:
    """Group stretches of about the same length: indexes, the longest first, padded to no more than `total_s` each."""
    batch: list[int] = []
    for index in sorted(range(len(durations_s)), key=lambda number: -durations_s[number]):
        if batch and (len(batch) + 1) * max(SHORTEST_S, durations_s[batch[0]]) > total_s:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def cut(samples: Samples, rate_hz: int, span: Span, longest_s: float) -> list[Span]:
    """The span in pieces no longer than `longest_s`, cut where it is quietest."""
    pieces = []
    start_s = span.start_s
    while span.end_s - start_s > longest_s:
        latest_s = start_s + longest_s
        earliest_s = latest_s - CUT_IN_LAST * longest_s
        at_s = _quietest(samples, rate_hz, Span(start_s=earliest_s, end_s=latest_s))
        pieces.append(Span(start_s=start_s, end_s=at_s))
        start_s = at_s
    return [*pieces, Span(start_s=start_s, end_s=span.end_s)]


def _quietest(samples: Samples, rate_hz: int, span: Span) -> float:
    sound = cut_out(samples, rate_hz, span)
    length = max(1, round(QUIET_S * rate_hz))
    if sound.size < length:
        return span.end_s
    power = np.mean(np.square(sound[: sound.size // length * length].reshape(-1, length)), axis=1)
    return span.start_s + (int(np.argmin(power)) + 0.5) * length / rate_hz


def cut_out(samples: Samples, rate_hz: int, span: Span) -> Samples:
    """The sound of a span."""
    return samples[max(0, round(span.start_s * rate_hz)) : max(0, round(span.end_s * rate_hz))]


def is_silent(sound: Samples) -> bool:
    """True where nobody could hear anything; a constant offset makes no sound."""
    return sound.size == 0 or float(np.max(np.abs(sound - np.mean(sound)))) < SILENT_PEAK


def ready(sound: Samples, rate_hz: int) -> Samples:
    """The sound at the models' rate, and long enough for them."""
    wide = sound if rate_hz == RATE_HZ else soxr.resample(sound, rate_hz, RATE_HZ, quality="HQ")
    missing = round(SHORTEST_S * RATE_HZ) - wide.size
    return np.pad(wide, (0, missing)) if missing > 0 else wide


# ---- tokens to words --------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class _Draft:
    """A word as it grows, token by token."""

    text: str
    start_s: float
    end_s: float
    log_probs: list[float]


def words(heard: Heard, span: Span) -> list[Word]:
    """Words out of tokens: a token that begins with a space begins a word.

    A word starts with its first token and ends with its last one that is no punctuation; its confidence is the
    geometric mean of its tokens' probabilities. Where the model gives no times, they are estimated, see `spread`.

    Args:
        span: the stretch that was heard.
    Returns:
        In order, apart, inside the span.
    """
    drafts = [draft for draft in _drafts(heard, span.end_s - span.start_s) if says_something(draft.text)]
    if not drafts:
        return spread(heard.text.split(), span)
    times = _apart([(draft.start_s, draft.end_s) for draft in drafts], span.end_s - span.start_s)
    if times is None:
        return spread([draft.text for draft in drafts], span)
    return [
        Word(
            text=draft.text,
            start_s=round(span.start_s + start_s, 3),
            end_s=min(span.end_s, round(span.start_s + end_s, 3)),
            confidence=round(min(1.0, math.exp(sum(draft.log_probs) / len(draft.log_probs))), 3)
            if draft.log_probs
            else None,
        )
        for draft, (start_s, end_s) in zip(drafts, times, strict=True)
    ]


def spread(texts: Sequence[str], span: Span) -> list[Word]:
    """Words without times, spread over the span by their lengths: an estimate, marked by having no confidence."""
    texts = [text for text in texts if says_something(text)]
    if not texts:
        return []
    ends = np.cumsum([len(text) + 1 for text in texts])
    bounds = [span.start_s + (span.end_s - span.start_s) * float(end) / float(ends[-1]) for end in (0, *ends)]
    return [
        Word(text=text, start_s=round(bounds[number], 3), end_s=min(span.end_s, round(bounds[number + 1], 3)))
        for number, text in enumerate(texts)
    ]


def says_something(text: str) -> bool:
    """False for a lone dash or a note of music."""
    return any(letter.isalnum() or letter in "&%@#+€$£" for letter in text)


def _drafts(heard: Heard, length_s: float) -> Iterator[_Draft]:
    draft: _Draft | None = None
    for number, token in enumerate(heard.tokens):
        piece = token.replace("\u2581", " ")
        start_s, end_s = heard.starts_s[number], _end(heard, number, length_s)
        if draft is None or piece.startswith(" "):
            if draft is not None and draft.text:
                yield draft
            draft = _Draft(text="", start_s=start_s, end_s=end_s, log_probs=[])
        if not draft.text.strip():
            draft.start_s = start_s
        draft.text += piece.strip()
        if says_something(piece):
            draft.end_s = max(draft.end_s, end_s)
        if heard.log_probs:
            draft.log_probs.append(heard.log_probs[number])
    if draft is not None and draft.text:
        yield draft


def _end(heard: Heard, number: int, length_s: float) -> float:
    start_s = heard.starts_s[number]
    if heard.durations_s:
        return start_s + heard.durations_s[number]
    follows_s = heard.starts_s[number + 1] if number + 1 < len(heard.starts_s) else length_s
    return min(follows_s, start_s + TOKEN_S)


def _apart(times: Sequence[tuple[float, float]], length_s: float) -> list[tuple[float, float]] | None:
    """The same times, ascending, apart and between 0 and `length_s`; None if there is no room for so many words."""
    if len(times) * WORD_S > length_s:
        return None
    forward: list[tuple[float, float]] = []
    earliest_s = 0.0
    for number, (start_s, end_s) in enumerate(times):
        from_s = max(earliest_s, start_s)
        follows_s = times[number + 1][0] if number + 1 < len(times) else length_s
        earliest_s = max(from_s + WORD_S, min(end_s, follows_s))
        forward.append((from_s, earliest_s))
    result: list[tuple[float, float]] = []
    latest_s = length_s
    for start_s, end_s in reversed(forward):
        to_s = min(end_s, latest_s)
        latest_s = min(start_s, to_s - WORD_S)
        result.append((latest_s, to_s))
    return result[::-1]
