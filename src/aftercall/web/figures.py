"""This file puts the figures of a call into words: each with the seconds it comes from, or why there is none; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from aftercall.model import CallMetrics, PartyMetrics, Span, Transcript
from aftercall.web.display import clock

#: So many places of a figure are offered to be heard.
MOST_PLACES = 8


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One figure."""

    label: str
    #: "" where it cannot be known.
    value: str
    #: Why there is no value.
    reason: str = ""
    #: Seconds of the recording to hear it at.
    at_s: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Share:
    """The agent's and the customer's part of the talk time, in percent."""

    agent: int
    customer: int


def share(found: CallMetrics) -> Share | None:
    """None where it cannot be known."""
    if found.talk_ratio is None:
        return None
    agent = round(found.talk_ratio * 100)
    return Share(agent=agent, customer=100 - agent)


def of_call(found: CallMetrics, transcript: Transcript) -> list[Shown]:
    """The figures of the whole call."""
    reasons = found.reasons
    begins = [turn.start_s for turn in transcript.turns]
    silence = _length(found.silence_ms)
    if found.silence_ms:
        silence += f", {round((found.silence_share or 0) * 100)}% of the conversation"
    missing = [_shown("Talk share", "", reasons.get("talk_ratio", ""))] if found.talk_ratio is None else []
    return [
        *missing,
        _shown("Silence", silence, reasons.get("silence_ms", ""), found.silences),
        _shown("Longest silence", _length(found.longest_silence_ms), reasons.get("longest_silence_ms", ""),
               _longest(found.silences)),
        _shown("On hold", _length(found.hold_ms), reasons.get("hold_ms", ""), found.holds),
        _shown("Both at once", _length(found.overlap_ms), reasons.get("overlap_ms", ""), found.overlaps),
        _shown("Talk speed", _per_minute(found.talk_speed), reasons.get("talk_speed", "")),
        _shown("Agent answers after", _length(found.patience_ms), reasons.get("patience_ms", "")),
        _shown("Changes of speaker", _rate(found.interactivity, "a minute"), reasons.get("interactivity", "")),
        _places("Questions", _rate(found.questions_per_10_min, "in 10 minutes"),
                reasons.get("questions_per_10_min", ""), found.question_turns, begins),
        _shown("Silent after the answer", _length(found.dead_air_start_ms), reasons.get("dead_air_start_ms", "")),
    ]  # fmt: skip


def of_party(name: str, found: CallMetrics, transcript: Transcript) -> list[Shown]:
    """The figures of one party."""
    party: PartyMetrics = found.parties[name]
    begins = [turn.start_s for turn in transcript.turns]

    def why(figure: str) -> str:
        return found.reasons.get(f"{name}.{figure}", "")

    interruptions = party.interruptions
    raised = party.raised_turns
    return [
        _shown("Talk time", _length(party.talk_time_ms), why("talk_time_ms")),
        _shown("Talk speed", _per_minute(party.talk_speed), why("talk_speed")),
        _shown("Longest story" if name == "customer" else "Longest monologue", _length(party.longest_ms),
               why("longest_ms"), [party.longest] if party.longest else ()),
        _shown("Answers after", _latency(party), why("response_latency_ms")),
        Shown(label="Interrupted the other", value="" if interruptions is None else _times(len(interruptions)),
              reason=why("interruptions"), at_s=tuple(each.start_s for each in (interruptions or ())[:MOST_PLACES])),
        _places("Questions", _rate(party.questions_per_10_min, "in 10 minutes"), why("questions_per_10_min"),
                party.question_turns, begins),
        _shown("Filler words", "" if party.filler_words is None else str(party.filler_words), why("filler_words")),
        _places("Raised voice", "" if raised is None else _times(len(raised)), why("raised_turns"), raised or (),
                begins),
    ]  # fmt: skip


def _shown(label: str, value: str, reason: str, spans: Iterable[Span] = ()) -> Shown:
    return Shown(label=label, value=value, reason=reason, at_s=tuple(each.start_s for each in spans)[:MOST_PLACES])


def _places(label: str, value: str, reason: str, turns: Iterable[int], begins: list[float]) -> Shown:
    # A correction may have joined turns since.
    at_s = tuple(begins[turn] for turn in turns if turn < len(begins))
    return Shown(label=label, value=value, reason=reason, at_s=at_s[:MOST_PLACES])


def _longest(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    return (max(spans, key=lambda each: each.end_s - each.start_s),) if spans else ()


def _length(length_ms: int | None) -> str:
    if length_ms is None:
        return ""
    if length_ms == 0:
        return "none"
    return f"{length_ms / 1000:.1f} s" if length_ms < 59_950 else clock(length_ms / 1000)


def _latency(party: PartyMetrics) -> str:
    if party.response_latency_ms is None or party.response_latency_p90_ms is None:
        return ""
    return f"{party.response_latency_ms / 1000:.1f} s, 9 of 10 within {party.response_latency_p90_ms / 1000:.1f} s"


def _per_minute(speed: int | None) -> str:
    return "" if speed is None else f"{speed} words a minute"


def _rate(rate: float | None, per: str) -> str:
    return "" if rate is None else f"{rate:g} {per}"


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count} times")
