"""This file reads what a transcription service answered, whichever of the usual forms it has; pure.

A service may time each word, or only segments, or nothing; where it does not, its words are spread evenly over what it
does time. Nothing is invented: a segment that the service itself takes for silence is left out.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aftercall.errors import RemoteAnswerMalformed
from aftercall.model import Word
from aftercall.speech.engines.sherpa import says_something
from aftercall.speech.language import NAMES

#: As Whisper itself decides that a segment is silence: it thinks so, and does not trust its words.
SILENCE_ABOVE, TRUST_BELOW = 0.6, -1.0

#: Between words, or after a pause in a language that has no spaces.
_BETWEEN = re.compile(r"\s+|(?<=[。、！？，；：])")
_TAGS = {name.lower(): tag for tag, name in NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was heard in one request; times in seconds of what was sent."""

    text: str
    words: tuple[Word, ...]
    #: What carried times of its own; within that, words were spread by us.
    times: Literal["words", "segments", "none"]
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
    if (
        not isinstance(answer, Mapping)
        or answer.keys().isdisjoint({"text", "segments", "words"})
        or not isinstance(answer.get("text", ""), str)
    ):
        raise RemoteAnswerMalformed(host=host, detail="there is no `text` in it")
    every = _list(answer.get("segments"))
    kept = [each for each in every if not _is_silence(each)]
    text = str(answer.get("text", "")).strip()
    listed = _list(answer.get("words")) or [each for segment in every for each in _list(segment.get("words"))]
    words = _as_written(_timed(listed, every), text or _joined(every))
    tag = _tag(answer.get("language"))
    if words:
        silences = [each for each in every if _is_silence(each)]
        said = [each for each in words if not any(_holds(one, (each.start_s + each.end_s) / 2) for one in silences)]
        return Heard(text=text or _joined(every), words=tuple(_ascending(said)), times="words", language=tag)
    if every and all(_has_times(each) for each in kept):
        spread = [word for segment in kept for word in _spread_segment(segment)]
        return Heard(text=_joined(kept), words=tuple(_ascending(spread)), times="segments", language=tag)
    text = text or _joined(kept)
    spread = list(_spread(text, 0.0, length_s, _from_logprobs(text, answer.get("logprobs"))))
    return Heard(text=text, words=tuple(spread), times="none", language=tag)


def _joined(segments: Sequence[Mapping[str, Any]]) -> str:
    return " ".join(str(each.get("text", "")).strip() for each in segments)


def _list(found: object) -> list[Mapping[str, Any]]:
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _number(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not math.isfinite(found):
        return None
    return float(found)


def _timed(listed: Sequence[Mapping[str, Any]], segments: Sequence[Mapping[str, Any]]) -> list[Word]:
    """The words, if every one of them has a time: else some of what was said would be missing."""
    words = []
    for each in listed:
        text = str(each.get("word", each.get("text", ""))).strip()
        start_s, end_s = _number(each.get("start")), _number(each.get("end"))
        if not text:
            continue
        if start_s is None or end_s is None or end_s < start_s:
            return []
        confidence = _number(each.get("probability"))
        if confidence is None:
            middle_s = (start_s + end_s) / 2
            confidence = next((_trust(one) for one in segments if _holds(one, middle_s)), None)
        words.append(Word(text=text, start_s=start_s, end_s=end_s, confidence=_bounded(confidence)))
    return words


def _as_written(words: Sequence[Word], text: str) -> list[Word]:
    """The words with the capitals and the punctuation of the text: some services leave them out of the words.

    Where the letters of the two differ, or the language has no spaces, the words stay as they are.
    """
    words = [word for word in words if _letters(word.text)]
    letters = [_letters(word.text) for word in words]
    tokens = _parts(text)
    if "".join(letters) != "".join(map(_letters, tokens)) or len(tokens) * 2 < len(words):
        return words
    result: list[Word] = []
    at = token_at = 0
    while at < len(words):
        first, first_token = at, token_at
        have, want = len(letters[at]), len(_letters(tokens[token_at]))
        at, token_at = at + 1, token_at + 1
        while have != want:  # all letters are the same, so both ends meet
            if have < want:
                have, at = have + len(letters[at]), at + 1
            else:
                want, token_at = want + len(_letters(tokens[token_at])), token_at + 1
        while token_at < len(tokens) and not _letters(tokens[token_at]):  # an "&" of which the words do not know
            token_at += 1
        written, told = tokens[first_token:token_at], [word.confidence for word in words[first:at]]
        confidence = min((each for each in told if each is not None), default=None)
        result.extend(
            _spread(" ".join(written), words[first].start_s, words[at - 1].end_s, [confidence] * len(written))
        )
    return result


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _has_times(segment: Mapping[str, Any]) -> bool:
    start_s, end_s = _number(segment.get("start")), _number(segment.get("end"))
    return start_s is not None and end_s is not None and end_s >= start_s


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
    text = str(segment.get("text", ""))
    start_s, end_s = float(segment["start"]), float(segment["end"])
    yield from _spread(text, start_s, end_s, [_trust(segment)] * len(_parts(text)))


def _spread(text: str, start_s: float, end_s: float, confidences: Sequence[float | None]) -> Iterator[Word]:
    """The words of a text, each as long as its letters."""
    words = _parts(text)
    letters = sum(len(word) + 1 for word in words)
    at_s = start_s
    for number, word in enumerate(words):
        until_s = at_s + (end_s - start_s) * (len(word) + 1) / letters
        confidence = confidences[number] if number < len(confidences) else None
        yield Word(text=word, start_s=at_s, end_s=until_s, confidence=_bounded(confidence))
        at_s = until_s


def _parts(text: str) -> list[str]:
    return [part for part in _BETWEEN.split(text) if part and says_something(part)]


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
    if len(words) != len(_parts(text)):  # a lone dash, or a language without spaces
        return []
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
