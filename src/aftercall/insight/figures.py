"""This file gathers every figure of a call by name, for rules and reports; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Protocol

from aftercall.insight.category_rules import Party
from aftercall.model import CallMetrics, Insight, PartyMetrics

#: Figures that every call with a transcript has, in words.
BASIC = {
    "words": "Words said",
    "turns": "Turns",
    "silence_total_s": "Seconds in which nobody spoke",
    "silence_longest_s": "Longest stretch in which nobody spoke, in seconds",
    "mood_call": "Mood of the call, -5 to +5",
    "mood_customer": "Mood of the customer, -5 to +5",
    "mood_agent": "Mood of the agent, -5 to +5",
}
#: A pause between two turns is a silence from here on.
SILENCE_FROM_S = 3.0


class Timed(Protocol):
    """What is looked at of a turn."""

    @property
    def start_s(self) -> float: ...

    @property
    def end_s(self) -> float: ...

    @property
    def text(self) -> str: ...


def figures(turns: Sequence[Timed], insight: Insight | None) -> dict[str, float | None]:
    """Every figure by name; None for one that cannot be given."""
    found: dict[str, float | None] = {**_silences(turns), "turns": len(turns)}
    found["words"] = sum(len(turn.text.split()) for turn in turns)
    if insight is not None:
        found["mood_call"] = insight.sentiment.score
        found["mood_customer"] = insight.sentiment.parties.get("customer")
        found["mood_agent"] = insight.sentiment.parties.get("agent")
        if insight.metrics is not None:
            found |= _measured(insight.metrics)
    return found


def interrupted(known: Mapping[str, float | None], by: Party) -> tuple[float | None, float | None]:
    """How often a party cut the other off, and for how many ms; None where that cannot be heard."""
    parties = ("agent", "customer") if by == "any" else (by,)
    counts = [known.get(f"interruptions_{party}") for party in parties]
    totals = [known.get(f"interruption_ms_{party}") for party in parties]
    return _sum(counts), _sum(totals)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _silences(turns: Sequence[Timed]) -> dict[str, float | None]:
    """What the transcript tells of silence; nothing without turns."""
    if not turns:
        return {}
    total, longest, longest_at = 0.0, 0.0, 0.0
    end_s = turns[0].end_s
    for turn in turns[1:]:
        gap = turn.start_s - end_s
        if gap >= SILENCE_FROM_S:
            total += gap
            if gap > longest:
                longest, longest_at = gap, end_s
        end_s = max(end_s, turn.end_s)
    return {
        "silence_total_s": round(total, 2),
        "silence_longest_s": round(longest, 2),
        "silence_longest_at_s": longest_at,
    }


def _measured(made: CallMetrics) -> dict[str, float | None]:
    """The numbers of the metrics by name, those of a party as `agent_talk_speed`; silence as it was heard, not read."""
    found = _numbers(made)
    found["silence_total_s"] = _seconds(made.silence_ms)
    found["silence_longest_s"] = _seconds(made.longest_silence_ms)
    if made.silences:
        found["silence_longest_at_s"] = max(made.silences, key=lambda each: each.end_s - each.start_s).start_s
    for party, known in made.parties.items():
        found |= {f"{party}_{name}": value for name, value in _numbers(known).items()}
        cuts = known.interruptions
        found[f"interruptions_{party}"] = None if cuts is None else len(cuts)
        found[f"interruption_ms_{party}"] = (
            None if cuts is None else sum(round((each.end_s - each.start_s) * 1000) for each in cuts)
        )
    return found


def _numbers(made: CallMetrics | PartyMetrics) -> dict[str, float | None]:
    pairs = ((each.name, getattr(made, each.name)) for each in fields(made))
    return {
        name: value
        for name, value in pairs
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _seconds(length_ms: int | None) -> float | None:
    return None if length_ms is None else length_ms / 1000
