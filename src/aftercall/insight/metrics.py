"""This file counts and measures a conversation; what cannot be known is None, with its reason; pure.

Times come from what was found to be speech, not from the recogniser's words, which may drift by half a second.
"""

# Word lists read best as running text, and a family of phrases on one line.
# ruff: noqa: E501, SIM905

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from aftercall.insight.phrases import QUESTION_START
from aftercall.insight.rules import words_of
from aftercall.model import CallFacts, CallMetrics, Interruption, PartyMetrics, Span, Transcript, Turn, Word

METHOD = "metrics 1"
SHORTEST_GAP_S = 0.3
SHORTEST_SPEECH_S = 0.15
LONGEST_PAUSE_S = 3.0
SHORTEST_HOLD_S = 10.0
#: A hold begins no later than this after somebody announced it.
HOLD_AFTER_S = 15.0
FEWEST_SPEED_WORDS = 30
FEWEST_TURN_WORDS = 5
LONGEST_ANSWER_S = 10.0
RAISED_DB = 6.0
#: A median of fewer turns says little of how loud somebody usually is.
FEWEST_LOUD_TURNS = 3

INTERRUPTING_S = 1.0
INTERRUPTING_WORDS = 3
INTERRUPTED_AFTER_S = 1.0
STOPS_WITHIN_S = 2.0
SHORTEST_OVERLAP_S = 0.3
#: In a longer pause one's own turn has ended.
TURN_PAUSE_S = 1.5
#: The recogniser's times may be wrong by this much.
DRIFT_S = 0.3

NOT_SEPARATED = "the speakers are not separated"
NEEDS_STEREO = "needs stereo: in one audio channel it cannot be heard who speaks over whom"
NO_ROLES = "it is not known who of the two is the agent"
NO_TIMES = "the transcript has no times"
NO_SPEECH = "nobody was heard to speak"

_HOLD = re.compile(
    r"\b(?:hold on|hold the line|(?:put|place|putting|placing) you on (?:a )?(?:brief |quick |short )?hold|on hold|bear with me"
    r"|one moment|just a (?:moment|second|minute|sec)|please hold|hang on|can you hold|transfer you|put you through)\b"
)
_FILLER = re.compile(r"\b(?:u+m+|u+h+|e+r+m?|h+m+|you know|i mean|sort of|kind of)\b")
_BACK_CHANNEL = frozenset(
    "yeah yep yup yes ok okay mhm mm hmm hm mm-hmm mmhmm uh-huh uh huh right sure alright oh ah aha i see got it all".split()
)
#: Names in `reasons` of all that is told of a party.
_OF_PARTY = (
    "talk_time_ms", "talk_speed", "longest_ms", "response_latency_ms", "response_latency_p90_ms", "interruptions",
    "questions_per_10_min", "filler_words", "loudness", "raised_turns",
)  # fmt: skip
_Parties = Mapping[str, Sequence[Span]]


@dataclass(frozen=True, kw_only=True)
class _Segment(Span):
    """Speech of one party, with how much it says."""

    party: str
    words: tuple[str, ...] = ()

    @property
    def is_back_channel(self) -> bool:
        if self.words:
            return len(self.words) <= 2 and all(word in _BACK_CHANNEL for word in self.words)
        return self.end_s - self.start_s < INTERRUPTING_S


def measure(transcript: Transcript, facts: CallFacts) -> CallMetrics:
    """The figures of a call and of each party."""
    reasons: dict[str, str] = {}
    everyone, parties = _speech(transcript)
    turns = {name: [(n, t) for n, t in enumerate(transcript.turns) if _name(t) == name] for name in parties}
    every_turn = list(enumerate(transcript.turns))
    if not transcript.has_times or not everyone:
        return _nothing(NO_SPEECH if transcript.has_times else NO_TIMES)
    conversation_s = everyone[-1].end_s - everyone[0].start_s
    silences = _silences(everyone)
    is_english = transcript.language.replace("_", "-").partition("-")[0].lower() == "en"
    asked = _questions(every_turn) if is_english else ()
    holds = _holds(transcript, everyone) if is_english else ()
    speed = _talk_speed(every_turn, everyone)
    silence_ms = sum(_ms(each) for each in silences)
    made = CallMetrics(
        conversation_ms=round(conversation_s * 1000),
        talk_time_ms=_total_ms(everyone),
        silences=silences,
        silence_ms=silence_ms,
        silence_share=round(silence_ms / 1000 / conversation_s, 3) if conversation_s else None,
        longest_silence_ms=max(map(_ms, silences), default=0),
        holds=holds,
        hold_ms=sum(_ms(each) for each in holds) if is_english else None,
        talk_speed=speed,
        questions_per_10_min=_rate(len(asked), conversation_s) if is_english else None,
        question_turns=asked,
        dead_air_start_ms=_dead_air(everyone, facts.answered_after_s),
        is_estimated=transcript.speakers == "separated",
    )
    if speed is None:
        reasons["talk_speed"] = _few_words("the call")
    if not is_english:
        reasons |= dict.fromkeys(("hold_ms", "questions_per_10_min"), _language(transcript))
    if facts.answered_after_s is None:
        reasons["dead_air_start_ms"] = "it is not known when the call was answered"
    elif made.dead_air_start_ms is None:
        reasons["dead_air_start_ms"] = "nobody speaks after the answer"
    if not parties:
        names = ("talk_ratio", "overlap_ms", "patience_ms", "interactivity")
        reasons |= dict.fromkeys(names, NOT_SEPARATED)
        reasons |= {f"{party}.{name}": NOT_SEPARATED for party in ("agent", "customer") for name in _OF_PARTY}
        return replace(made, parties={"agent": PartyMetrics(), "customer": PartyMetrics()}, reasons=reasons)

    segments = _segments(parties, turns)
    floor = [each for each in segments if not each.is_back_channel]
    latencies = _latencies(floor)
    is_stereo = transcript.speakers == "stereo"
    own: dict[str, PartyMetrics] = {}
    for name, spans in parties.items():
        figures, why = _of_party(
            name, spans, turns[name], segments, latencies.get(name, []), transcript, conversation_s
        )
        own[name] = figures
        reasons |= {f"{name}.{figure}": text for figure, text in why.items()}
    overlaps = _overlaps(parties) if is_stereo else ()
    if not is_stereo:
        reasons["overlap_ms"] = NEEDS_STEREO
    ratio = _talk_ratio(parties)
    if ratio is None:
        reasons["talk_ratio"] = NO_ROLES
    if "agent" not in own:
        reasons["patience_ms"] = NO_ROLES
    elif own["agent"].response_latency_ms is None:
        reasons["patience_ms"] = reasons["agent.response_latency_ms"]
    changes = sum(before.party != after.party for before, after in pairwise(floor))
    return replace(
        made,
        talk_ratio=ratio,
        overlap_ms=sum(_ms(each) for each in overlaps) if is_stereo else None,
        overlaps=overlaps,
        patience_ms=own["agent"].response_latency_ms if "agent" in own else None,
        interactivity=round(changes / conversation_s * 60, 1) if conversation_s else None,
        parties=own,
        reasons=reasons,
    )


def _nothing(reason: str) -> CallMetrics:
    names = (
        "conversation_ms", "talk_time_ms", "talk_ratio", "overlap_ms", "silence_ms", "silence_share",
        "longest_silence_ms", "hold_ms", "talk_speed", "questions_per_10_min", "patience_ms", "interactivity",
        "dead_air_start_ms",
    )  # fmt: skip
    of_party = {f"{party}.{name}": reason for party in ("agent", "customer") for name in _OF_PARTY}
    return CallMetrics(
        parties={"agent": PartyMetrics(), "customer": PartyMetrics()},
        reasons=dict.fromkeys(names, reason) | of_party,
    )


def _language(transcript: Transcript) -> str:
    return f"language {transcript.language or 'unknown'} is not covered"


def _few_words(whose: str) -> str:
    return f"fewer than {FEWEST_SPEED_WORDS} words of {whose} in turns of {FEWEST_TURN_WORDS} words or more"


def _name(turn: Turn) -> str:
    return turn.role or turn.speaker


# ---- who speaks when ------------------------------------------------------------------------------------------------


def _speech(transcript: Transcript) -> tuple[list[Span], dict[str, list[Span]]]:
    """The merged speech of everybody and of each party; no parties where the speakers are not told apart."""
    names = {turn.speaker: _name(turn) for turn in transcript.turns}
    own: dict[str, list[Span]] = {}
    if transcript.speakers == "stereo" and transcript.speech:
        for each in transcript.speech:
            speaker = "AB"[each.audio_channel]
            own.setdefault(names.get(speaker, speaker), []).append(Span(start_s=each.start_s, end_s=each.end_s))
    elif transcript.speakers == "separated" and transcript.voices is not None and transcript.voices.is_accepted:
        for voice in transcript.voices.spans:
            span = Span(start_s=voice.start_s, end_s=voice.end_s)
            own.setdefault(names.get(voice.speaker, voice.speaker), []).append(span)
    else:
        for turn in transcript.turns:
            own.setdefault(_name(turn), []).extend(_spoken(turn))
    if transcript.speakers not in {"stereo", "separated"}:
        heard = [Span(start_s=each.start_s, end_s=each.end_s) for each in transcript.speech]
        return merged(heard or [span for spans in own.values() for span in spans]), {}
    parties = {name: merged(spans) for name, spans in sorted(own.items()) if name != "unknown"}
    return merged(span for spans in own.values() for span in spans), parties


def _spoken(turn: Turn) -> list[Span]:
    return [Span(start_s=word.start_s, end_s=word.end_s) for word in turn.words] or [
        Span(start_s=turn.start_s, end_s=turn.end_s)
    ]


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same speech in order and apart; gaps too short to notice are closed, clicks are left out."""
    made: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start_s, each.end_s)):
        if made and span.start_s - made[-1].end_s < SHORTEST_GAP_S:
            made[-1] = Span(start_s=made[-1].start_s, end_s=max(made[-1].end_s, span.end_s))
        else:
            made.append(span)
    return [each for each in made if each.end_s - each.start_s >= SHORTEST_SPEECH_S]


def _segments(parties: _Parties, turns: Mapping[str, Sequence[tuple[int, Turn]]]) -> list[_Segment]:
    made = []
    for name, spans in parties.items():
        words = sorted((word for _, turn in turns[name] for word in turn.words), key=lambda each: each.start_s)
        middles = [(word.start_s + word.end_s) / 2 for word in words]
        made += [
            _Segment(start_s=span.start_s, end_s=span.end_s, party=name, words=_within(span, words, middles))
            for span in spans
        ]
    return sorted(made, key=lambda each: (each.start_s, each.end_s))


def _within(span: Span, words: Sequence[Word], middles: Sequence[float]) -> tuple[str, ...]:
    first, last = (bisect_left(middles, at) for at in (span.start_s - DRIFT_S, span.end_s + DRIFT_S))
    return tuple(word.text.lower().strip(".,!?") for word in words[first:last])


def _ms(span: Span) -> int:
    return round((span.end_s - span.start_s) * 1000)


def _total_ms(spans: Iterable[Span]) -> int:
    return sum(_ms(each) for each in spans)


# ---- of the call ----------------------------------------------------------------------------------------------------


def _silences(everyone: Sequence[Span]) -> tuple[Span, ...]:
    return tuple(
        Span(start_s=before.end_s, end_s=after.start_s)
        for before, after in pairwise(everyone)
        if after.start_s - before.end_s > LONGEST_PAUSE_S
    )


def _holds(transcript: Transcript, everyone: Sequence[Span]) -> tuple[Span, ...]:
    """Long silence or music that somebody announced."""
    quiet = [each for each in _silences(everyone) if each.end_s - each.start_s >= SHORTEST_HOLD_S]
    quiet += [
        Span(start_s=each.start_s, end_s=each.end_s)
        for each in transcript.non_speech
        if each.kind == "music" and each.end_s - each.start_s >= SHORTEST_HOLD_S
    ]
    announced = [turn.end_s for turn in transcript.turns if _HOLD.search(turn.text.lower())]
    held = [each for each in quiet if any(0 <= each.start_s - at + DRIFT_S <= HOLD_AFTER_S for at in announced)]
    return tuple(merged(held))


def _overlaps(parties: _Parties) -> tuple[Span, ...]:
    if len(parties) != 2:
        return ()
    one, other = parties.values()
    return tuple(
        Span(start_s=max(a.start_s, b.start_s), end_s=min(a.end_s, b.end_s))
        for a in one
        for b in other
        if min(a.end_s, b.end_s) > max(a.start_s, b.start_s)
    )


def _talk_ratio(parties: _Parties) -> float | None:
    if not {"agent", "customer"} & set(parties):
        return None
    agent, customer = (_total_ms(parties.get(name, ())) for name in ("agent", "customer"))
    return round(agent / (agent + customer), 3)


def _dead_air(everyone: Sequence[Span], answered_after_s: float | None) -> int | None:
    if answered_after_s is None:
        return None
    first = next((each for each in everyone if each.end_s > answered_after_s), None)
    return max(0, round((first.start_s - answered_after_s) * 1000)) if first else None


def _rate(count: int, conversation_s: float) -> float | None:
    return round(count / conversation_s * 600, 1) if conversation_s else None


def _questions(turns: Sequence[tuple[int, Turn]]) -> tuple[int, ...]:
    return tuple(n for n, turn in turns if "?" in turn.text or re.match(QUESTION_START, turn.text, re.IGNORECASE))


def _talk_speed(turns: Sequence[tuple[int, Turn]], spans: Sequence[Span]) -> int | None:
    """Words a minute of speech, in turns long enough to tell."""
    words, spoken_s = 0, 0.0
    for _, turn in turns:
        said = sum(_spoken_words(word) for word in words_of(turn.text))
        if said < FEWEST_TURN_WORDS:
            continue
        words += said
        inside = (min(s.end_s, turn.end_s) - max(s.start_s, turn.start_s) for s in spans)
        spoken_s += sum(each for each in inside if each > 0)
    return round(60 * words / spoken_s) if words >= FEWEST_SPEED_WORDS and spoken_s else None


def _spoken_words(word: str) -> int:
    """As how many words a written one is spoken: "4111" is four."""
    if not word.isdigit() or len(word) == 1:
        return 1
    if len(word) == 2:
        return 1 if int(word) <= 20 or word[1] == "0" else 2
    return len(word)


# ---- of a party -----------------------------------------------------------------------------------------------------


def _of_party(  # noqa: PLR0917
    name: str,
    spans: Sequence[Span],
    turns: Sequence[tuple[int, Turn]],
    segments: Sequence[_Segment],
    latencies: Sequence[float],
    transcript: Transcript,
    conversation_s: float,
) -> tuple[PartyMetrics, dict[str, str]]:
    """A party's figures, and why some are missing."""
    why: dict[str, str] = {}
    is_english = transcript.language.replace("_", "-").partition("-")[0].lower() == "en"
    speed = _talk_speed(turns, spans)
    if speed is None:
        why["talk_speed"] = _few_words(f"the {name}" if name in {"agent", "customer"} else f"speaker {name}")
    if not latencies:
        why |= dict.fromkeys(("response_latency_ms", "response_latency_p90_ms"), "this party never answers the other")
    interruptions = None
    if transcript.speakers != "stereo":
        why["interruptions"] = NEEDS_STEREO
    elif not any(turn.words for _, turn in turns):
        why["interruptions"] = "the words have no times"
    else:
        interruptions = _interruptions(name, segments)
    if not is_english:
        why |= dict.fromkeys(("questions_per_10_min", "filler_words"), _language(transcript))
    asked = _questions(turns) if is_english else ()
    longest = _longest(name, segments)
    loud = [(n, turn.loudness) for n, turn in turns if turn.loudness is not None]
    usual = median(level for _, level in loud) if loud else None
    raised = None
    if usual is None:
        why |= dict.fromkeys(("loudness", "raised_turns"), "the loudness was not measured")
    elif len(loud) < FEWEST_LOUD_TURNS:
        why["raised_turns"] = f"fewer than {FEWEST_LOUD_TURNS} turns to compare"
    else:
        raised = tuple(n for n, level in loud if level >= usual + RAISED_DB)
    figures = PartyMetrics(
        talk_time_ms=_total_ms(spans),
        talk_speed=speed,
        longest=longest,
        longest_ms=_ms(longest) if longest else 0,
        response_latency_ms=round(median(latencies) * 1000) if latencies else None,
        response_latency_p90_ms=round(_percentile(latencies, 0.9) * 1000) if latencies else None,
        interruptions=interruptions,
        questions_per_10_min=_rate(len(asked), conversation_s) if is_english else None,
        question_turns=asked,
        filler_words=sum(len(_FILLER.findall(turn.text.lower())) for _, turn in turns) if is_english else None,
        loudness=round(usual, 1) if usual is not None else None,
        raised_turns=raised,
    )
    return figures, why


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def _longest(name: str, segments: Sequence[_Segment]) -> Span | None:
    """The longest run of a party in which the other says nothing but a back-channel."""
    best: Span | None = None
    run: Span | None = None
    for each in segments:
        if each.party != name:
            run = run if each.is_back_channel else None
            continue
        if run is not None and each.start_s - run.end_s <= LONGEST_PAUSE_S:
            run = Span(start_s=run.start_s, end_s=max(run.end_s, each.end_s))
        else:
            run = Span(start_s=each.start_s, end_s=each.end_s)
        if best is None or run.end_s - run.start_s > best.end_s - best.start_s:
            best = run
    return best


def _latencies(floor: Sequence[_Segment]) -> dict[str, list[float]]:
    """For each party how long it let pass before it answered; who answers early answers at once."""
    found: dict[str, list[float]] = {}
    for before, after in pairwise(floor):
        waited_s = after.start_s - before.end_s
        if before.party != after.party and waited_s <= LONGEST_ANSWER_S:
            found.setdefault(after.party, []).append(max(waited_s, 0.0))
    return found


def _interruptions(name: str, segments: Sequence[_Segment]) -> tuple[Interruption, ...]:
    """The times a party began while the other was in the middle of a turn, and made it stop."""
    found = []
    others = [each for each in segments if each.party != name]
    for own in segments:
        if (
            own.party != name
            or own.end_s - own.start_s < INTERRUPTING_S
            or len(own.words) < INTERRUPTING_WORDS
            or all(word in _BACK_CHANNEL for word in own.words)
        ):
            continue
        for at, other in enumerate(others):
            if other.start_s >= own.start_s:
                break
            overlap_s = min(other.end_s, own.end_s) - own.start_s
            if (
                overlap_s >= SHORTEST_OVERLAP_S
                and other.end_s - own.start_s <= STOPS_WITHIN_S
                and own.start_s - _began(others, at) >= INTERRUPTED_AFTER_S
            ):
                found.append(Interruption(start_s=own.start_s, end_s=other.end_s))
    return tuple(found)


def _began(segments: Sequence[_Segment], at: int) -> float:
    """When the turn began that a segment belongs to."""
    while at > 0 and segments[at].start_s - segments[at - 1].end_s <= TURN_PAUSE_S:
        at -= 1
    return segments[at].start_s
