"""This file decides which categories a call belongs to, and shows where in the call each rule was met; pure.

What is not known never decides: a rule about the agent is neither met nor unmet where nobody can tell who spoke, and
its opposite is not met either.
"""

import bisect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from aftercall.insight import phrase_patterns, spoken
from aftercall.insight.category_rules import (
    AllOf,
    AnyOf,
    Category,
    Fact,
    Interruption,
    Metric,
    Mood,
    Not,
    Op,
    Rule,
    Silence,
    Speaker,
    Window,
    Words,
)
from aftercall.insight.facts import fact_value
from aftercall.insight.figures import figures, interrupted
from aftercall.insight.sentiment import label_of_party
from aftercall.model import CallFacts, CategoryHit, Evidence, Insight, Role, Transcript, Turn, Word

#: Places shown of one rule; the rest would say the same.
MOST_EVIDENCE = 5


class HeardTurn:
    """A turn as the rules look at it; the common form of its text is made once, and only if a rule asks."""

    def __init__(  # noqa: PLR0917 (made by the hundred thousand)
        self,
        role: Role | None,
        start_s: float,
        end_s: float,
        text: str,
        is_understood: bool,
        words: Callable[[], Sequence[Word]],
    ) -> None:
        self.role = role
        self.start_s = start_s
        self.end_s = end_s
        self.text = text
        self.is_understood = is_understood
        self._words = words

    @classmethod
    def of(cls, turn: Turn) -> "HeardTurn":
        return cls(turn.role, turn.start_s, turn.end_s, turn.text, turn.is_understood, lambda: turn.words)

    @cached_property
    def normalised(self) -> str:
        return spoken.normalised(self.text)

    @cached_property
    def _plain(self) -> str:
        return self.text.lower().replace("'", "").replace("\u2019", "").replace("\u02bc", "")

    def may_hold(self, anchors: Sequence[str]) -> bool:
        """Whether one of these letters in a row is in the text: a quick look before the common form is made."""
        return not self.text.isascii() or any(anchor in self._plain for anchor in anchors)

    @cached_property
    def words(self) -> Sequence[Word]:
        return self._words()


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One call as the rules look at it."""

    turns: Sequence[HeardTurn]
    facts: CallFacts
    #: None where nothing was understood of the call yet.
    insight: Insight | None = None
    #: By name; None for a figure that cannot be given.
    figures: Mapping[str, float | None] = field(default_factory=dict)

    @cached_property
    def roles(self) -> frozenset[Role | None]:
        return frozenset(turn.role for turn in self.turns)

    @cached_property
    def start_s(self) -> float:
        return min((turn.start_s for turn in self.turns), default=0.0)

    @cached_property
    def end_s(self) -> float:
        return max((turn.end_s for turn in self.turns), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a rule is met; None if that cannot be known."""

    is_met: bool | None
    evidence: tuple[Evidence, ...] = ()


UNMET, UNKNOWN = Verdict(is_met=False), Verdict(is_met=None)


class Prepared:
    """A category whose phrases were compiled, for many calls."""

    def __init__(self, category: Category) -> None:
        self.category = category
        self.patterns: dict[Words, re.Pattern[str]] = {
            rule: phrase_patterns.compiled(rule.phrases, rule.match) for rule in words_of(category.rule)
        }

    def hit(self, heard: Heard) -> CategoryHit | None:
        """The category with its evidence, None if the call does not belong to it."""
        verdict = _judge(self.category.rule, heard, self.patterns)
        if not verdict.is_met:
            return None
        return CategoryHit(category_id=self.category.id, name=self.category.name, evidence=_in_order(verdict.evidence))


def evaluate(
    prepared: Sequence[Prepared], transcript: Transcript, insight: Insight, facts: CallFacts
) -> tuple[CategoryHit, ...]:
    """The categories a call belongs to, in their order."""
    heard = heard_of(transcript.turns, insight, facts)
    return tuple(hit for each in prepared if (hit := each.hit(heard)))


def heard_of(turns: Sequence[Turn], insight: Insight | None, facts: CallFacts) -> Heard:
    """A call as the rules look at it."""
    return heard_at(tuple(HeardTurn.of(turn) for turn in turns), insight, facts)


def heard_at(
    turns: Sequence[HeardTurn], insight: Insight | None, facts: CallFacts, *, with_figures: bool = True
) -> Heard:
    """The same from turns that were read already."""
    known = figures(turns, insight) if with_figures else {}
    return Heard(turns=turns, insight=insight, facts=facts, figures=known)


def words_of(rule: Rule) -> list[Words]:
    """Every words rule in a rule."""
    match rule:
        case Words():
            return [rule]
        case AllOf(rules=rules) | AnyOf(rules=rules):
            return [each for inner in rules for each in words_of(inner)]
        case Not(rule=inner):
            return words_of(inner)
    return []


# ---- each kind --------------------------------------------------------------------------------------------------


def _judge(rule: Rule, heard: Heard, patterns: Mapping[Words, re.Pattern[str]]) -> Verdict:  # noqa: PLR0911 (kinds)
    match rule:
        case AllOf(rules=rules):
            return _all([_judge(each, heard, patterns) for each in rules])
        case AnyOf(rules=rules):
            return _any([_judge(each, heard, patterns) for each in rules])
        case Not(rule=inner):
            met = _judge(inner, heard, patterns).is_met
            return Verdict(is_met=None if met is None else not met)
        case Words():
            return _said(rule, heard, patterns[rule])
        case Mood():
            return _felt(rule, heard)
        case Interruption():
            return _interrupted(rule, heard)
        case Silence():
            return _silent(rule, heard)
        case Metric():
            return compared(rule.name, heard.figures.get(rule.name), rule.op, rule.value)
        case Fact():
            return judge_fact(rule, heard.facts)


def _all(verdicts: Sequence[Verdict]) -> Verdict:
    if any(each.is_met is False for each in verdicts):
        return UNMET
    if any(each.is_met is None for each in verdicts):
        return UNKNOWN
    return Verdict(is_met=True, evidence=tuple(found for each in verdicts for found in each.evidence))


def _any(verdicts: Sequence[Verdict]) -> Verdict:
    met = [each for each in verdicts if each.is_met]
    if met:
        return Verdict(is_met=True, evidence=tuple(found for each in met for found in each.evidence))
    return UNKNOWN if any(each.is_met is None for each in verdicts) else UNMET


def _said(rule: Words, heard: Heard, pattern: re.Pattern[str]) -> Verdict:
    if not heard.turns or (rule.party in {"agent", "customer"} and rule.party not in heard.roles):
        return UNKNOWN
    low, high = _limits(rule.window, heard)
    found: list[Evidence] = []
    is_unclear = False
    anchors = phrase_patterns.anchors(rule.phrases, rule.match)
    for position, turn in enumerate(heard.turns):
        if turn.end_s < low or turn.start_s > high or not _is_by(rule.party, turn.role):
            continue
        is_unclear = is_unclear or not turn.is_understood
        if anchors and not turn.may_hold(anchors):
            continue
        for match in pattern.finditer(turn.normalised):
            start_s, words = _place(turn, match)
            if low <= start_s <= high:
                found.append(Evidence(turn=position, start_s=start_s, words=words))
        if len(found) >= MOST_EVIDENCE:
            break
    if found:
        return Verdict(is_met=True, evidence=tuple(found[:MOST_EVIDENCE]))
    # What was not understood may have been just that.
    return UNKNOWN if is_unclear else UNMET


def _felt(rule: Mood, heard: Heard) -> Verdict:
    if heard.insight is None:
        return UNKNOWN
    if rule.turns is None:
        label = label_of_party(heard.insight.sentiment, rule.party)
        if label is None:
            return UNKNOWN
        if label not in rule.labels:
            return UNMET
        whose = "the call" if rule.party == "any" else f"the {rule.party}"
        return Verdict(
            is_met=True, evidence=(Evidence(turn=None, start_s=heard.start_s, words=f"{whose} sounded {label}"),)
        )
    moods = heard.insight.turns
    low, high = _limits(rule.window, heard)
    among = [
        (position, turn)
        for position, turn in enumerate(heard.turns)
        if low <= turn.start_s <= high and _is_by(rule.party, turn.role) and position < len(moods)
    ]
    if not among or all(moods[position].label is None for position, _ in among):
        return UNKNOWN
    found = [
        Evidence(turn=position, start_s=turn.start_s, words=" ".join(moods[position].evidence) or _short(turn.text))
        for position, turn in among
        if moods[position].label in rule.labels
    ]
    return Verdict(is_met=True, evidence=tuple(found[:MOST_EVIDENCE])) if len(found) >= rule.turns else UNMET


def _interrupted(rule: Interruption, heard: Heard) -> Verdict:
    count, total_ms = interrupted(heard.figures, rule.by)
    if rule.count is not None:
        return compared(f"interruptions by {rule.by}", count, ">=", rule.count)
    return compared(f"ms of interruptions by {rule.by}", total_ms, ">=", rule.total_ms or 0)


def _silent(rule: Silence, heard: Heard) -> Verdict:
    if rule.total_s is not None:
        return compared("seconds of silence", heard.figures.get("silence_total_s"), ">=", rule.total_s)
    verdict = compared("seconds of silence", heard.figures.get("silence_longest_s"), ">=", rule.longest_s or 0)
    if not verdict.is_met:
        return verdict
    at_s = heard.figures.get("silence_longest_at_s") or 0.0
    return Verdict(is_met=True, evidence=tuple(_moved(each, at_s) for each in verdict.evidence))


def compared(name: str, value: float | None, op: Op, limit: float) -> Verdict:
    """How a figure compares; unknown if there is none."""
    if value is None:
        return UNKNOWN
    met = {
        "is": value == limit,
        "is not": value != limit,
        "<": value < limit,
        "<=": value <= limit,
        ">": value > limit,
        ">=": value >= limit,
    }[op]
    words = f"{name.replace('_', ' ')}: {value:g}"
    return Verdict(is_met=met, evidence=(Evidence(turn=None, start_s=0.0, words=words),) if met else ())


def judge_fact(rule: Fact, facts: CallFacts) -> Verdict:
    """How something the PBX tells compares; unknown if it does not tell."""
    value = fact_value(facts, rule.field)
    if value is None:
        return UNKNOWN
    if not isinstance(value, str):
        return compared(rule.field, value, rule.op, float(str(rule.value)))
    wanted = [each.lower() for each in (rule.value if isinstance(rule.value, tuple) else (str(rule.value),))]
    said = value.lower()
    met = {
        "is": said in wanted,
        "one of": said in wanted,
        "is not": said not in wanted,
        "contains": any(each in said for each in wanted),
        "starts with": said.startswith(tuple(wanted)),
    }[rule.op]
    shown = Evidence(turn=None, start_s=0.0, words=f"{rule.field.replace('_', ' ')}: {value}")
    return Verdict(is_met=met, evidence=(shown,) if met else ())


# ---- where in the call ------------------------------------------------------------------------------------------


def _is_by(party: Speaker, role: Role | None) -> bool:
    return party in {"any", role} or (party == "not agent" and role != "agent")


def _limits(window: Window, heard: Heard) -> tuple[float, float]:
    """The window in seconds of the recording."""
    length = heard.end_s - heard.start_s
    low, high = float("-inf"), float("inf")
    if window.first_s is not None:
        high = window.first_s
    if window.last_s is not None:
        low = heard.end_s - window.last_s
    if window.from_s is not None:
        low = window.from_s
    if window.to_s is not None:
        high = window.to_s
    if window.first_percent is not None:
        high = heard.start_s + length * window.first_percent / 100
    if window.last_percent is not None:
        low = heard.end_s - length * window.last_percent / 100
    return low, high


def _place(turn: HeardTurn, match: re.Match[str]) -> tuple[float, str]:
    """The second at which a phrase was said, and how it was written there."""
    first = turn.normalised.count(" ", 0, match.start())
    tokens = match.group().split(" ")
    if not turn.words:
        share = match.start() / max(1, len(turn.normalised))
        return turn.start_s + share * (turn.end_s - turn.start_s), match.group()
    # A spoken number may be more tokens than words: the nearest word that begins like the phrase is the one.
    made = [spoken.tokens(word.text) for word in turn.words]
    ends = [0]
    for each in made:
        ends.append(ends[-1] + len(each))
    guess = min(bisect.bisect_right(ends, first) - 1, len(made) - 1)
    begins = [at for at, each in enumerate(made) if each and each[0] == tokens[0]]
    at = min(begins, key=lambda each: abs(each - guess)) if begins else guess
    last = bisect.bisect_left(ends, ends[at] + len(tokens))
    words = turn.words[at : max(at + 1, last)]
    return words[0].start_s, " ".join(word.text for word in words)


def _in_order(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(sorted(dict.fromkeys(evidence), key=lambda each: (each.turn is None, each.start_s)))


def _moved(evidence: Evidence, at_s: float) -> Evidence:
    return Evidence(turn=evidence.turn, start_s=at_s, words=evidence.words)


def _short(text: str) -> str:
    words = text.split()
    return " ".join(words[:12]) + (" …" if len(words) > 12 else "")
