"""This file reads what a transcription service answered, whichever of the usual forms it has; pure.

A service may time each word, or only segments, or nothing; where it does not, its words are spread evenly over what it
does time. Nothing is invented: a segment that the service itself takes for silence is left out.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aftercall.errors import RemoteAnswerMalformed
from aftercall.model import Word
from aftercall.speech.language import NAMES

#: As Whisper itself decides that a segment is silence: it thinks so, and does not trust its words.
SILENCE_ABOVE, TRUST_BELOW = 0.6, -1.0

_TAGS = {name.lower(): tag for tag, name in NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was heard in one request; times in seconds of what was sent."""

    text: str
    words: tuple[Word, ...]
    #: Words carry times of their own, not ones spread by us.
    has_word_times: bool
    #: BCP 47, where the service told.
    language: str | None


def read(answer: Any, *, length_s: float, host: str) -> Heard:
    """Read an answer.

    Args:
        answer: the decoded JSON.
        length_s: of what was sent.
        host: for the error.
    Raises:
        RemoteAnswerMalformed: it has neither text nor words.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("text", ""), str):
        raise RemoteAnswerMalformed(host=host, detail="there is no `text` in it")
    every = _list(answer.get("segments"))
    segments = [each for each in every if not _is_silence(each)]
    silences = [each for each in every if _is_silence(each)]
    timed = [word for each in _list(answer.get("words")) for word in _word(each, segments)]
    timed = [word for word in timed if not any(_holds(each, (word.start_s + word.end_s) / 2) for each in silences)]
    if not timed:
        timed = [
            word for segment in segments for each in _list(segment.get("words")) for word in _word(each, [segment])
        ]
    has_word_times = bool(timed)
    text = str(answer.get("text", "")).strip() or " ".join(str(each.get("text", "")).strip() for each in segments)
    if not timed and "segments" in answer:
        timed = [word for segment in segments for word in _spread_segment(segment)]
    elif not timed:
        timed = list(_spread(text, 0.0, length_s, _from_logprobs(text, answer.get("logprobs"))))
    if "text" not in answer and "segments" not in answer and "words" not in answer:
        raise RemoteAnswerMalformed(host=host, detail="there is no `text` in it")
    return Heard(
        text=text, words=tuple(_ascending(timed)), has_word_times=has_word_times, language=_tag(answer.get("language"))
    )


def _list(found: object) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _number(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        return None
    return float(found)


def _word(each: Mapping[str, Any], segments: Sequence[Mapping[str, Any]]) -> Iterator[Word]:
    text = str(each.get("word", each.get("text", ""))).strip()
    start_s, end_s = _number(each.get("start")), _number(each.get("end"))
    if not text or start_s is None or end_s is None or end_s < start_s:
        return
    confidence = _number(each.get("probability"))
    if confidence is None:
        middle_s = (start_s + end_s) / 2
        confidence = next((_trust(one) for one in segments if _holds(one, middle_s)), None)
    yield Word(text=text, start_s=start_s, end_s=end_s, confidence=_bounded(confidence))


def _holds(segment: Mapping[str, Any], at_s: float) -> bool:
    start_s, end_s = _number(segment.get("start")), _number(segment.get("end"))
    return start_s is not None and end_s is not None and start_s <= at_s <= end_s


def _trust(segment: Mapping[str, Any]) -> float | None:
    """How sure a service is of a segment's words, where it tells: the mean of its tokens' probabilities."""
    logprob = _number(segment.get("avg_logprob"))
    return None if logprob is None else math.exp(min(0.0, logprob))


def _is_silence(segment: Mapping[str, Any]) -> bool:
    silent, logprob = _number(segment.get("no_speech_prob")), _number(segment.get("avg_logprob"))
    return silent is not None and silent > SILENCE_ABOVE and (logprob is None or logprob < TRUST_BELOW)


def _spread_segment(segment: Mapping[str, Any]) -> Iterator[Word]:
    start_s, end_s = _number(segment.get("start")), _number(segment.get("end"))
    if start_s is None or end_s is None or end_s < start_s:
        return
    text = str(segment.get("text", ""))
    yield from _spread(text, start_s, end_s, [_trust(segment)] * len(text.split()))


def _spread(text: str, start_s: float, end_s: float, confidences: Sequence[float | None]) -> Iterator[Word]:
    """The words of a text, each as long as its letters."""
    words = text.split()
    letters = sum(len(word) + 1 for word in words)
    at_s = start_s
    for number, word in enumerate(words):
        until_s = at_s + (end_s - start_s) * (len(word) + 1) / letters
        confidence = confidences[number] if number < len(confidences) else None
        yield Word(text=word, start_s=at_s, end_s=until_s, confidence=_bounded(confidence))
        at_s = until_s


def _from_logprobs(text: str, given: object) -> list[float | None]:
    """A confidence for each word of a text, of its tokens; none unless the tokens are exactly the text."""
    tokens = [(str(each.get("token", "")), _number(each.get("logprob"))) for each in _list(given)]
    if not tokens or "".join(token for token, _ in tokens).split() != text.split():
        return []
    words: list[list[float]] = []
    is_between = True
    for token, logprob in tokens:
        for position, letter in enumerate(token):
            if letter.isspace():
                is_between = True
                continue
            if is_between:
                words.append([])
                is_between = False
            if logprob is not None and (position == 0 or token[:position].isspace()):
                words[-1].append(logprob)
    return [math.exp(min(0.0, sum(each) / len(each))) if each else None for each in words]


def _bounded(confidence: float | None) -> float | None:
    return None if confidence is None else round(min(1.0, max(0.0, confidence)), 4)


def _ascending(words: Sequence[Word]) -> list[Word]:
    return sorted(words, key=lambda each: (each.start_s, each.end_s))


def _tag(told: object) -> str | None:
    """BCP 47; some services write `english`."""
    if not isinstance(told, str) or not told:
        return None
    short = told.strip().lower()
    return short if short in NAMES else _TAGS.get(short)
