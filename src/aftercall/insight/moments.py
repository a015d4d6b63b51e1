"""This file finds the moments of a call that matter: each is a quote with its time, none is a summary; pure."""

# Word lists read best as running text, and a family of phrases on one line.
# ruff: noqa: E501, SIM905

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

from aftercall.insight import due
from aftercall.insight.rules import words_of
from aftercall.model import CallFacts, KeyMoment, MomentKind, OutcomeFact, Owner, Transcript, Turn

METHOD = "textrank + cues 1"
#: Below this many words there is nothing to choose from.
FEWEST_WORDS = 25
KEY_SENTENCES = 2
#: Key sentences keep this many turns away from the reason, or they would say it again.
APART_TURNS = 2
#: A stretch without a full stop is cut at pauses of this length, and at the longest one when it has more words.
PAUSE_S = 0.7
LONGEST_WORDS = 40
REASON_CONTENT_WORDS = 4
#: Thanks in this many of the last turns of the customer are thanks at the end.
LAST_TURNS = 3

_STOP_WORDS = frozenset(
    """
    a about after again all also am an and any are as at be because been before being but by can could did do does doing
    don't down for from get go going got had has have having he hello her here hi him his how i i'd i'll i'm i've if in
    into is it it's its just know let let's like me mean more my no not now of off oh ok okay on one or our out over really
    right she so some sure than thank thanks that that's the their them then there there's these they they're this those
    to too uh um up us very was we we'll we're well were what what's when where which who why will with would yeah yes you
    you'll you're your please bye goodbye morning afternoon evening good day sir madam ma'am alright great fine welcome
    """.split()
)
_REASON = re.compile(
    r"\b(?:call(?:ing)? (?:you )?(?:about|because|regarding|to|for|on behalf|in regard)|(?:i|we) (?:just )?(?:need|want|wanted|wish|'d like|would like)"
    r"|i'd like|problem|issue|trouble|question about|cancel|broken|not working|doesn't work|isn't working|stopped working"
    r"|complain|complaint|refund|my (?:order|bill|invoice|account|appointment|delivery)|i (?:got|received) (?:a|an|your|this))\b"
)
_OPENING = re.compile(
    r"\b(?:how (?:can|may|could) i (?:help|assist)|thank you for calling|thanks for calling|this call)\b"
)
_CALLING = re.compile(r"\bcall(?:ing)? (?:you )?(?:about|because|regarding|to|on behalf|in regard)\b")

_DEEDS = (
    r"call|ring|phone|send|e-?mail|mail|text|message|post|book|schedule|reschedule|arrange|order|look into|find out"
    r"|get (?:back|in touch|that|this|it|someone|somebody|you a|a|an|the)|follow up|let (?:you|him|her|them|us|my) (?:\w+ )?know|make sure"
    r"|speak (?:to|with)|talk to|refund|credit|cancel|update|set (?:it |that |this )?up|come|visit|bring|pay|transfer|fix"
    r"|replace|ship|deliver|forward|raise|open|escalate|confirm|contact|reach out|pop|drop|sign|return|file|submit|process"
    r"|ask (?:the|my|our|a|someone|somebody|him|her|them)|tell (?:the|my|our|him|her|them)|pass|chase|sort|prepare|check|take care|put|be (?:there|with you|in touch|back)|give (?:you|him|her|them|us) a (?:call|ring)"
)
_SOON = r"(?: (?:also|then|just|definitely|certainly|go ahead and|personally|have to|try to|get (?:\w+ )?to|make sure to|have (?:\w+ ){1,3}))?"
#: The speaker will do it, or somebody on the speaker's side.
_PROMISE = re.compile(
    rf"\b(?:(?:i|we)(?:'ll| will|'m going to|'re going to| am going to| are going to| shall| promise to|'m gonna)"
    rf"|(?:ill|well|im going to|were going to|let me|(?:someone|somebody|an engineer|a technician|our (?:\w+ )?\w+|the (?:team|engineer|technician|manager))"
    rf"(?:'ll| will| is going to)))"
    rf"{_SOON} (?P<deed>{_DEEDS})\b"
)
#: What sounds like a promise and is none: done on the spot, or a manner of speaking.
_AT_ONCE = re.compile(
    r"\b(?:let me|i'll|ill|i will|we'll) (?:just )?(?:check|get (?:that|this|it|a|the)|put (?:you|me)|pass you|transfer you|look"
    r"|confirm|bring (?:that|this|it) up|open (?:that|this|your)|pop you|come to that|be (?:honest|there in))\b"
)
_NOT = re.compile(
    r"\b(?:can't|cannot|can not|won't|will not|not going to|never|wouldn't|couldn't|don't|unable to|cant|wont|dont)\b"
)
_UNSURE = re.compile(r"\b(?:if|unless) (?:i|we) (?:can|could|have to|need)\b|\b(?:maybe|perhaps|might)\b")
#: The other party is asked to do it.
_REQUEST = re.compile(
    rf"\b(?:(?:can|could|would|will) you(?: please| possibly| just| kindly)?|please(?: just)?|i need you to|i'd like you to|i want you to"
    rf"|you(?:'ll| will)? (?:need|have) to|you must|make sure you|if you (?:could|can|would)(?: just| please)?)(?: also| then| just)? (?P<deed>{_DEEDS})\b"
)
_NOT_A_DEED = re.compile(
    r"\b(?:hold|repeat|spell|confirm your|give me your|check your|help me|put me through|transfer me)\b"
)
_THANKS = re.compile(r"\b(?:thank you|thanks|thank you so much|cheers|appreciate (?:it|that|your))\b")


@dataclass(frozen=True, kw_only=True)
class Found:
    """The moments of a call, or why there are none."""

    moments: tuple[KeyMoment, ...]
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class _Sentence:
    turn: int
    text: str
    plain: str
    start_s: float
    end_s: float
    speaker: Owner
    content: tuple[str, ...]


def key_moments(transcript: Transcript, facts: CallFacts) -> Found:
    """Why somebody called, what was said, who promised what by when, and the customer's last word.

    Returns:
        In the order of the call.
    """
    if not is_english(transcript.language):
        return Found(moments=(), reason=f"language {transcript.language or 'unknown'} is not covered")
    if sum(len(words_of(turn.text)) for turn in transcript.turns) < FEWEST_WORDS:
        return Found(moments=(), reason=f"too short: fewer than {FEWEST_WORDS} words")
    said = [each for number, turn in enumerate(transcript.turns) for each in _sentences(number, turn)]
    reason = _reason(said, facts)
    tasks = [found for each in said if (found := _task(each, facts)) is not None]
    # One sentence is one moment: a promise is not quoted again as a key sentence.
    taken = {(each.turn, each.start_s) for each in tasks}
    moments = [*tasks]
    if reason is not None and (reason.turn, reason.start_s) not in taken:
        moments.append(_moment("reason", reason))
    apart = [
        each
        for each in said
        if (each.turn, each.start_s) not in taken and (reason is None or abs(each.turn - reason.turn) > APART_TURNS)
    ]
    moments += [_moment("key sentence", each) for each in _text_rank(apart)]
    last = _last_word(said)
    known = {(each.turn, each.start_s) for each in moments}
    if last is not None and (last.turn, last.start_s) not in known:
        moments.append(_moment("last word", last))
    return Found(moments=tuple(sorted(moments, key=lambda each: (each.start_s, each.turn))))


def outcome_facts(transcript: Transcript, facts: CallFacts, moments: Sequence[KeyMoment]) -> tuple[OutcomeFact, ...]:
    """What is certain of how a call ended; nothing here says whether anything was resolved."""
    found = []
    if facts.disposition == "voicemail":
        found.append(OutcomeFact(fact="voicemail"))
    elif facts.disposition in {"missed", "busy", "failed"}:
        found.append(OutcomeFact(fact="not answered"))
    if facts.transfers:
        found.append(OutcomeFact(fact="transferred"))
    promised = next((each for each in moments if each.kind == "promise" and each.owner == "agent"), None)
    if promised is not None:
        found.append(OutcomeFact(fact="follow-up promised", turn=promised.turn, start_s=promised.start_s))
    if is_english(transcript.language):
        by_customer = [(n, turn) for n, turn in enumerate(transcript.turns) if turn.role == "customer"]
        for number, turn in by_customer[-LAST_TURNS:]:
            plain = _plain(turn.text)
            if number >= len(transcript.turns) / 2 and _THANKS.search(plain) and "no thank" not in plain:
                found.append(OutcomeFact(fact="customer thanked at the end", turn=number, start_s=turn.start_s))
                break
    return tuple(found)


def is_english(language: str) -> bool:
    return language.replace("_", "-").partition("-")[0].lower() == "en"


# ---- sentences ------------------------------------------------------------------------------------------------------


def _sentences(number: int, turn: Turn) -> Iterator[_Sentence]:
    """What a turn says, sentence by sentence; where it has no full stops, pause by pause."""
    tokens = turn.text.split()
    if not tokens:
        return
    times = _times(turn, len(tokens))
    first = 0
    for at in range(len(tokens)):
        is_last = at + 1 == len(tokens)
        ends = tokens[at].rstrip("\"')").endswith((".", "?", "!")) and not re.fullmatch(
            r"\w\.|(?:mr|mrs|ms|dr)\.", tokens[at].lower()
        )
        pauses = not is_last and times[at + 1][0] - times[at][1] > PAUSE_S and at - first >= REASON_CONTENT_WORDS
        if is_last or ends or pauses or at - first + 1 >= LONGEST_WORDS:
            text = " ".join(tokens[first : at + 1])
            plain = _plain(text)
            yield _Sentence(
                turn=number,
                text=text,
                plain=plain,
                start_s=times[first][0],
                end_s=times[at][1],
                speaker=turn.role or "unknown",
                content=tuple(word for word in words_of(plain) if word not in _STOP_WORDS and len(word) > 1),
            )
            first = at + 1


def _times(turn: Turn, count: int) -> list[tuple[float, float]]:
    """When each word of the text is said; of a corrected text, about when."""
    if len(turn.words) == count:
        return [(word.start_s, word.end_s) for word in turn.words]
    step = (turn.end_s - turn.start_s) / count
    return [(turn.start_s + n * step, turn.start_s + (n + 1) * step) for n in range(count)]


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"[^\w'?:. -]", " ", text.replace("’", "'").lower())).strip()


# ---- which of them ----------------------------------------------------------------------------------------------


def _reason(said: Sequence[_Sentence], facts: CallFacts) -> _Sentence | None:
    """Why somebody called: the customer's first sentence with a cue, else the first with content.

    On a call from here it is the agent who says why.
    """
    candidates = [each for each in said if not _OPENING.search(each.plain)]
    if facts.direction == "outbound" and (
        told := next((each for each in candidates if _CALLING.search(each.plain)), None)
    ):
        return told
    has_roles = any(each.speaker == "customer" for each in candidates)
    own = [each for each in candidates if each.speaker == "customer" or not has_roles]
    half = own[: max(len(own) // 2, 3)]
    return next(
        (each for each in half if _REASON.search(each.plain) and len(each.content) >= 2),
        next((each for each in own if len(each.content) >= REASON_CONTENT_WORDS), None),
    )


def _text_rank(said: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences most like all the others: PageRank over the likeness of their words."""
    able = [each for each in said if len(each.content) >= REASON_CONTENT_WORDS and not _OPENING.search(each.plain)]
    if not able:
        return []
    likeness = _likeness([each.content for each in able])
    rank = _page_rank(likeness)
    best: list[int] = []
    for at in (int(index) for index in np.argsort(-rank, kind="stable")):
        # Who repeats himself is quoted once.
        if len(best) < KEY_SENTENCES and all(likeness[at, other] < 0.6 for other in best):
            best.append(at)
    return [able[at] for at in sorted(best)]


def _likeness(texts: Sequence[Sequence[str]]) -> npt.NDArray[np.float64]:
    """Cosines of the texts' TF-IDF vectors; nothing is like itself here."""
    known = {word: at for at, word in enumerate(sorted({word for text in texts for word in text}))}
    spread = Counter(word for text in texts for word in set(text))
    vectors = np.zeros((len(texts), len(known)))
    for row, text in enumerate(texts):
        for word, count in Counter(text).items():
            vectors[row, known[word]] = count * (math.log((1 + len(texts)) / (1 + spread[word])) + 1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike: npt.NDArray[np.float64] = vectors @ vectors.T
    np.fill_diagonal(alike, 0)
    return alike


def _page_rank(likeness: npt.NDArray[np.float64], damping: float = 0.85, rounds: int = 50) -> npt.NDArray[np.float64]:
    count = len(likeness)
    out = likeness.sum(axis=1, keepdims=True)
    moves = np.where(out > 0, likeness / np.where(out > 0, out, 1), 1 / count)
    rank = np.full(count, 1 / count)
    for _ in range(rounds):
        rank = (1 - damping) / count + damping * rank @ moves
    return rank


def _last_word(said: Sequence[_Sentence]) -> _Sentence | None:
    """The customer's last sentence with content."""
    return next((each for each in reversed(said) if each.speaker == "customer" and len(each.content) >= 2), None)


# ---- promises and actions -------------------------------------------------------------------------------------------


def _task(each: _Sentence, facts: CallFacts) -> KeyMoment | None:
    request = _REQUEST.search(each.plain)
    if (
        request
        and not _NOT.search(each.plain[: request.start()])
        and not _NOT_A_DEED.search(each.plain[request.start() :])
    ):
        return _with_due("action", each, _other(each.speaker), facts)
    promise = _PROMISE.search(each.plain)
    if promise is None or each.text.endswith("?"):
        return None
    until = each.plain[: promise.end()]
    if _NOT.search(until) or _UNSURE.search(until):
        return None
    at_once = _AT_ONCE.match(each.plain, promise.start())
    found = _with_due("promise", each, each.speaker, facts)
    # "Let me check that" is done while the other waits; "let me check and call you tomorrow" is a promise.
    if (
        at_once
        and found.due_words == ""
        and not re.search(rf"\band (?:i'll |then )?(?:{_DEEDS}) ", each.plain[promise.end() :])
    ):
        return None
    if each.plain[promise.start() :].startswith(("let me", "well ", "ill ")) and at_once is None:
        return found if found.due_words or re.search(r"\bback\b|\byou\b", each.plain[promise.start() :]) else None
    return found


def _other(speaker: Owner) -> Owner:
    return {"agent": "customer", "customer": "agent", "unknown": "unknown"}[speaker]  # type: ignore[return-value]


def _with_due(kind: MomentKind, each: _Sentence, owner: Owner, facts: CallFacts) -> KeyMoment:
    when = due.find(each.text, _said_at(each, facts))
    return _moment(
        kind,
        each,
        owner=owner,
        due=when.at.isoformat() if when and when.at else None,
        due_words=when.words if when else "",
    )


def _said_at(each: _Sentence, facts: CallFacts) -> datetime | None:
    """When it was said, by the PBX's wall clock, to the minute."""
    if facts.started_at is None or facts.utc_offset_min is None:
        return None
    at = facts.started_at.astimezone(timezone(timedelta(minutes=facts.utc_offset_min)))
    return (at + timedelta(seconds=each.start_s)).replace(second=0, microsecond=0)


def _moment(
    kind: MomentKind, each: _Sentence, *, owner: Owner | None = None, due: str | None = None, due_words: str = ""
) -> KeyMoment:
    return KeyMoment(
        kind=kind,
        quote=each.text,
        turn=each.turn,
        start_s=round(each.start_s, 2),
        end_s=round(each.end_s, 2),
        speaker=each.speaker,
        owner=owner,
        due=due,
        due_words=due_words,
    )
