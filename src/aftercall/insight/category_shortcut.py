"""This file decides about a call without reading its turns, wherever a rule allows it; pure.

A search index tells which calls may hold the words of a rule. Most calls hold none of them, and are decided here.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum

from aftercall.insight.categories import judge_fact
from aftercall.insight.category_rules import AllOf, AnyOf, Fact, Interruption, Metric, Mood, Not, Rule, Silence, Words
from aftercall.model import CallFacts


class Later(Enum):
    """The turns or the insight have to be read."""

    LATER = "later"


LATER = Later.LATER


@dataclass(frozen=True, kw_only=True)
class Glance:
    """What is known of a call without its turns."""

    facts: CallFacts
    #: Whether the words of a rule may have been said.
    may_be_said: Callable[[Words], bool]
    has_agent: bool = True
    has_customer: bool = True
    #: Whether a turn of it was not understood.
    has_unclear: bool = False


def decide(rule: Rule, glance: Glance) -> bool | Later | None:  # noqa: PLR0911 (one line for each kind)
    """Whether a rule is met, None if that cannot be known, or LATER."""
    match rule:
        case AllOf(rules=rules):
            found = [decide(each, glance) for each in rules]
            if any(each is False for each in found):
                return False
            return LATER if LATER in found else None if None in found else True
        case AnyOf(rules=rules):
            found = [decide(each, glance) for each in rules]
            if LATER in found:
                return LATER
            return True if any(each is True for each in found) else None if None in found else False
        case Not(rule=inner):
            met = decide(inner, glance)
            return not met if isinstance(met, bool) else met
        case Words():
            return _said(rule, glance)
        case Fact():
            return judge_fact(rule, glance.facts).is_met
        case Mood() | Interruption() | Silence() | Metric():
            return LATER


def _said(rule: Words, glance: Glance) -> bool | Later | None:
    if glance.may_be_said(rule):
        return LATER
    if (rule.party == "agent" and not glance.has_agent) or (rule.party == "customer" and not glance.has_customer):
        return None
    return LATER if glance.has_unclear else False


def narrowed(rule: Rule, calls_with: Callable[[Words], Set[int] | None]) -> Set[int] | None:
    """The only calls that can meet a rule; None if any call can.

    Args:
        calls_with: the calls that may hold the words of a rule, None if that cannot be told.
    """
    match rule:
        case Words():
            return calls_with(rule)
        case AllOf(rules=rules):
            known = [found for each in rules if (found := narrowed(each, calls_with)) is not None]
            return set.intersection(*map(set, known)) if known else None
        case AnyOf(rules=rules):
            each_of = [narrowed(each, calls_with) for each in rules]
            known = [found for found in each_of if found is not None]
            return set().union(*known) if len(known) == len(each_of) else None
    return None


def has(rule: Rule, kind: type[Rule] | tuple[type[Rule], ...]) -> bool:
    """Whether a rule holds one of some kinds."""
    if isinstance(rule, kind):
        return True
    match rule:
        case AllOf(rules=rules) | AnyOf(rules=rules):
            return any(has(each, kind) for each in rules)
        case Not(rule=inner):
            return has(inner, kind)
    return False
