"""This file takes out of a language model's answer what the transcript does not bear, and counts it; pure.

A sentence stays only if it names a turn that exists and holds no number and no name that nobody said. A turn that is
addressed to the model proves nothing: it is the way a caller would try to write the summary.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aftercall.insight.llm_prompt import Line
from aftercall.insight.llm_schema import Answer, Claim
from aftercall.model import GeneratedAction, GeneratedClaim, GeneratedEvidence, GeneratedOutcome

SUMMARY_CHARS, SENTENCE_CHARS, ACTION_CHARS, DUE_CHARS, TOPIC_CHARS = 1_200, 400, 300, 80, 60
MOST_ACTIONS, MOST_TOPICS = 20, 8
#: When more than this share of what was claimed had to go, the rest is marked as unverified.
DOUBTFUL_SHARE = 0.34

#: Languages that write nouns with capitals: a capital does not tell a name there.
_CAPITAL_NOUNS = frozenset({"de", "lb"})
#: Written with a capital, and no name of anybody.
_NO_NAMES = frozenset({
    "agent", "agents", "customer", "customers", "caller", "callers", "speaker", "i", "ok", "okay", "a", "b",
    "english", "call",
})  # fmt: skip
_INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instruction|instructions|rules|prompt|above|previous|prior)\b"
    r"|\b(?:system|developer) (?:prompt|message|instructions?)\b"
    r"|\b(?:outcome|sentiment|summary|resolved|category) (?:is|should be|must be|equals|to)\b"
    r"|\b(?:you are|act as|pretend to be) (?:now )?(?:an? )?(?:ai|assistant|language model|llm)\b"
    r"|\b(?:dear|hey|hello|attention) (?:ai|assistant|language model|llm|summari[sz]er)\b"
    r"|</?transcript",
    re.IGNORECASE,
)
#: Words that sentences begin with.
_BEGINNINGS = frozenset({
    "the", "an", "this", "that", "these", "those", "he", "she", "it", "they", "we", "you", "his", "her", "its",
    "their", "our", "both", "all", "each", "no", "not", "there", "here", "one", "two", "after", "before",
    "when", "while", "if", "since", "because", "as", "although", "though", "until", "once", "then", "later",
    "next", "also", "however", "but", "and", "or", "so", "in", "on", "at", "to", "for", "from", "with",
    "without", "during", "about", "of", "by", "despite", "due", "today", "tomorrow", "yesterday", "now", "who",
    "what", "why", "how", "another", "other", "others", "some", "someone", "somebody", "nothing", "everything",
    "neither", "either",
})  # fmt: skip
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")

_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19, "oh": 0,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_ORDINALS = {
    "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11,
    "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17,
    "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000}
#: Words rather than figures, in most sentences.
_NO_FIGURES = frozenset({"one", "oh"})


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What stands of an answer."""

    summary: tuple[GeneratedClaim, ...]
    reason: GeneratedClaim | None
    outcome: GeneratedOutcome | None
    resolved: bool | None
    actions: tuple[GeneratedAction, ...]
    topics: tuple[str, ...]
    customer_sentiment: float | None
    agent_sentiment: float | None
    evidence: tuple[GeneratedEvidence, ...]
    dropped_claims: int
    is_unverified: bool
    suspicious_turns: tuple[int, ...]


def is_instruction(text: str) -> bool:
    """Whether words look as if they were meant for the model instead of the other party."""
    return _INSTRUCTION.search(text) is not None


def check(answer: Answer, said: Sequence[Line], *, language: str) -> Checked:
    """The answer without what the lines do not bear.

    Args:
        said: every line of the call, also where it was sent in parts.
        language: BCP 47, of the transcript.
    """
    suspicious = tuple(line.position for line in said if is_instruction(line.text))
    # In the order of the call; a turn that instructs is no evidence of anything.
    known = {line.position: line for line in said if line.position not in suspicious}
    trial = _Trial(said=[line.text for line in known.values()], language=language.partition("-")[0])

    claims = [_claim(each, known, trial) for each in answer.summary]
    summary = _within(tuple(each for each in claims if each), SUMMARY_CHARS)
    reason = _claim(answer.reason, known, trial) if answer.reason and answer.reason.text.strip() else None
    evidence = tuple(
        GeneratedEvidence(field=each.field[:40], turn=each.turn, quote=_plain(each.quote)[:SENTENCE_CHARS])
        for each in answer.evidence
        if each.turn in known and _squeezed(each.quote) and _squeezed(each.quote) in _squeezed(known[each.turn].text)
    )
    actions = tuple(
        GeneratedAction(
            owner=each.owner,
            text=_plain(each.text)[:ACTION_CHARS],
            due=_plain(each.due)[:DUE_CHARS] or None if each.due else None,
            turn=each.turn,
            start_s=known[each.turn].start_s,
        )
        for each in answer.actions
        if each.turn in known and each.text.strip() and trial.bears(f"{each.text} {each.due or ''}")
    )
    topics = tuple(_plain(each)[:TOPIC_CHARS] for each in answer.topics if each.strip() and trial.has_numbers(each))
    has_outcome = any(each.field == "outcome" for each in evidence)
    claimed = (
        len(answer.summary) + len(answer.actions) + len(answer.topics) + len(answer.evidence)
        + (answer.reason is not None) + 1
    )  # fmt: skip
    stands = len(summary) + len(actions) + len(topics) + len(evidence) + (reason is not None) + has_outcome
    # An empty reason claims nothing.
    stands += answer.reason is not None and not answer.reason.text.strip()
    dropped = claimed - stands
    return Checked(
        summary=summary,
        reason=reason,
        outcome=answer.outcome if has_outcome else None,
        resolved=answer.resolved if has_outcome else None,
        actions=actions[:MOST_ACTIONS],
        topics=tuple(dict.fromkeys(topics))[:MOST_TOPICS],
        customer_sentiment=_bounded(answer.customer_sentiment),
        agent_sentiment=_bounded(answer.agent_sentiment),
        evidence=evidence,
        dropped_claims=dropped,
        is_unverified=bool(suspicious)
        or dropped > DOUBTFUL_SHARE * claimed
        or any(trial.is_doubtful(each.text) for each in summary),
        suspicious_turns=suspicious,
    )


def numbers(text: str) -> set[str]:
    """Every number of a text as figures, spoken ones too: `twenty five` is 25, `two oh one` is 2, 0, 1 and 201."""
    found = {each.replace(",", "") for each in _NUMBER.findall(text)}
    found |= {part for each in found for part in re.split(r"[.:/-]", each)}
    for run in _spoken_runs(text):
        found |= set(run)
        found.add("".join(run))
    return found


def names(text: str) -> Iterator[str]:
    """The words that a text writes with a capital inside its sentences."""
    for sentence in _SENTENCE_END.split(text):
        for word in _WORD.findall(sentence)[1:]:
            if word[0].isupper() and _bare(word) not in _NO_NAMES:
                yield word


def possible_names(text: str) -> Iterator[str]:
    """First words of sentences that may be names: their capital tells nothing, but few sentences begin with them."""
    for sentence in _SENTENCE_END.split(text):
        for word in _WORD.findall(sentence)[:1]:
            if _bare(word) not in _BEGINNINGS | _NO_NAMES and not word.endswith(("ly", "ing", "ed")):
                yield word


class _Trial:
    """What was said, prepared for looking claims up in it."""

    def __init__(self, *, said: Sequence[str], language: str) -> None:
        text = " ".join(said)
        self._numbers = numbers(text)
        self._words = {_bare(word) for word in _WORD.findall(text)}
        self._squeezed = _squeezed(text)
        self._is_english = language == "en"
        self._knows_names = language not in _CAPITAL_NOUNS

    def bears(self, claim: str) -> bool:
        """Whether every number and every name of a claim was said."""
        return self.has_numbers(claim) and (not self._knows_names or all(self._was_said(each) for each in names(claim)))

    def is_doubtful(self, claim: str) -> bool:
        """Whether a sentence begins with what may be a name that nobody said."""
        return self._is_english and not all(map(self._was_said, possible_names(claim)))

    def has_numbers(self, claim: str) -> bool:
        written = _NUMBER.findall(claim)
        spoken = [number for run in _spoken_runs(claim, without=_NO_FIGURES) for number in run]
        return all(map(self._is_number_said, [*written, *spoken]))

    def _is_number_said(self, number: str) -> bool:
        bare = re.sub(r"[.,:/-]", "", number)
        parts = re.split(r"[.,:/-]", number)
        return bare in self._numbers or number in self._numbers or all(part in self._numbers for part in parts)

    def _was_said(self, name: str) -> bool:
        bare = _bare(name)
        # Recognition writes `free p b x` for a name it does not know; short names would be found in any word.
        return bare in self._words or (len(bare) >= 5 and bare in self._squeezed)


def _claim(claim: Claim, known: Mapping[int, Line], trial: _Trial) -> GeneratedClaim | None:
    turns = tuple(sorted({turn for turn in claim.turns if turn in known}))
    text = _plain(claim.text)
    if not turns or not text or not trial.bears(text):
        return None
    return GeneratedClaim(text=text[:SENTENCE_CHARS], turns=turns, start_s=known[turns[0]].start_s)


def _within(claims: tuple[GeneratedClaim, ...], chars: int) -> tuple[GeneratedClaim, ...]:
    """As many of the first claims as there is room for."""
    kept = []
    for each in claims:
        chars -= len(each.text)
        if chars < 0:
            break
        kept.append(each)
    return tuple(kept)


def _spoken_runs(text: str, *, without: frozenset[str] = frozenset()) -> Iterator[list[str]]:
    """Number words that follow each other, as figures; `a hundred and fifty` is one figure, `ten thirty` are two."""
    run: list[str] = []
    value, is_open, last = 0, False, ""
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", text)]

    def close() -> None:
        nonlocal value, is_open
        if is_open:
            run.append(str(value))
        value, is_open = 0, False

    for word in [*words, ""]:
        if word in _SCALES and is_open:
            value *= _SCALES[word]
        elif word in without and not is_open:
            last = word
            continue
        elif word in _SMALL or word in _ORDINALS or word in _TENS:
            amount = _SMALL.get(word, _ORDINALS.get(word, _TENS.get(word, 0)))
            joins = is_open and (
                last in _SCALES or last == "and" or (last in _TENS and 0 < amount < 10)
            )  # fmt: skip
            if not joins:
                close()
            value, is_open = value + amount, True
        elif word == "and" and is_open and last in _SCALES:
            pass
        else:
            close()
            if run:
                yield run
                run = []
        last = word


def _plain(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(" " if unicodedata.category(char)[0] == "C" else char for char in text).split())


def _bare(word: str) -> str:
    """Lower case, without accents and a possessive."""
    folded = unicodedata.normalize("NFKD", word.casefold())
    return re.sub(r"['’]s?$", "", "".join(char for char in folded if not unicodedata.combining(char)))


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", _bare(text))


def _bounded(score: float | None) -> float | None:
    return None if score is None else max(-5.0, min(5.0, round(score, 1)))
