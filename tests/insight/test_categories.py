"""The rules of categories: what they find, where, and what they do not claim to know."""

from datetime import UTC, datetime

import pytest

from aftercall.insight.categories import Prepared, evaluate
from aftercall.insight.category_rules import read
from aftercall.insight.sentiment import score_turns
from aftercall.model import CallFacts, CallSentiment, CategoryHit, Insight, Role, Transcript, Turn, Word


def turn(text: str, role: Role | None = None, at_s: float = 0.0, *, is_understood: bool = True) -> Turn:
    """A word a second."""
    words = tuple(Word(text=word, start_s=at_s + n, end_s=at_s + n + 0.5) for n, word in enumerate(text.split()))
    return Turn(
        speaker={"agent": "A", "customer": "B"}.get(role or "", "unknown"), role=role, start_s=at_s,
        end_s=at_s + max(1, len(words)), text=text, words=words, is_understood=is_understood,
    )  # fmt: skip


def hit(
    when: object, *turns: Turn, facts: CallFacts | None = None, insight: Insight | None = None
) -> CategoryHit | None:
    category, mistakes = read({"name": "It", "when": when})
    assert category, mistakes
    transcript = Transcript(engine="t", model="t", language="en", speakers="stereo", turns=turns)
    understood = insight or score_turns(turns, language="en", is_low_accuracy=False)
    found = evaluate([Prepared(category)], transcript, understood, facts or CallFacts())
    return found[0] if found else None


@pytest.mark.parametrize(
    ("phrase", "match", "said", "is_met"),
    [
        ("cancel my account", "exact", "I want to Cancel my, um, account!", True),
        ("cancel my account", "exact", "I want to cancel our account", False),
        ("cancel", "exact", "I cancelled it", False),
        ("cancel", "stem", "I cancelled it", True),
        ("cancel", "stem", "the cancellation fee", True),
        ("apply", "stem", "she applied for it", True),
        ("charge", "stem", "you charged me", True),
        ("car", "stem", "a carpet", False),
        ("cancel", "fuzzy", "I want to cansel it", True),
        ("cancel", "fuzzy", "I want to cancl it", True),
        ("cancel", "fuzzy", "I want to canecl it", True),
        ("cancel", "fuzzy", "I want to cencil it", False),
        ("sick", "fuzzy", "a sock", False),
        ("won't work", "exact", "it wont work", True),
        ("wont work", "exact", "it won\u2019t work", True),
        ("cancel * account", "exact", "cancel my whole damn account", True),
        ("cancel * account", "exact", "cancel my order and then close the account", False),
        ("25 dollars", "exact", "twenty five dollars", True),
        ("twenty five dollars", "exact", "that is 25 dollars", True),
        ("5 dollars", "exact", "twenty five dollars", False),
        ("nine one one", "exact", "call 911", True),
        ("1200", "exact", "one thousand two hundred", True),
        ("205", "exact", "two hundred and five", True),
        ("cafe", "exact", "at the caf\u00e9", True),
    ],
)
def test_words(phrase: str, match: str, said: str, is_met: bool) -> None:
    assert (hit({"words": [phrase], "match": match}, turn(said)) is not None) is is_met


def test_evidence_names_the_turn_the_second_and_the_words_as_written() -> None:
    found = hit(
        {"words": ["cancel my account"]},
        turn("good morning", "agent"),
        turn("yes, I'll um cancel my Account.", "customer", 10.0),
    )
    assert found
    assert [(each.turn, each.start_s, each.words) for each in found.evidence] == [(1, 13.0, "cancel my Account.")]


def test_a_number_before_the_words_does_not_shift_the_second() -> None:
    found = hit({"words": ["cancel it"]}, turn("for twenty five years and 1200 days please cancel it"))
    assert found
    assert found.evidence[0].start_s == 8.0


def test_who_said_it_matters() -> None:
    when = {"words": ["refund"], "party": "customer"}
    assert hit(when, turn("a refund", "customer"))
    assert not hit(when, turn("a refund", "agent"), turn("what", "customer"))


def test_not_the_agent_is_the_customer_or_anybody_where_nobody_can_tell() -> None:
    when = {"words": ["refund"], "party": "not agent"}
    assert hit(when, turn("a refund", "customer"))
    assert hit(when, turn("a refund"))
    assert not hit(when, turn("a refund", "agent"))
    assert hit({"not": when}, turn("a refund", "agent"))


def test_where_nobody_can_tell_who_spoke_a_rule_about_a_party_is_neither_met_nor_unmet() -> None:
    when = {"words": ["hello"], "party": "agent"}
    assert not hit(when, turn("hello"))
    assert not hit({"not": when}, turn("goodbye"))
    assert hit({"not": when}, turn("goodbye", "agent"))


def test_a_turn_that_was_not_understood_may_hold_the_words() -> None:
    assert not hit({"not": {"words": ["hello"]}}, turn("", is_understood=False), turn("goodbye"))


@pytest.mark.parametrize(
    ("window", "is_met"),
    [
        ({"first_s": 30}, False),
        ({"first_s": 60}, True),
        ({"last_s": 60}, True),
        ({"last_s": 40}, False),
        ({"from_s": 40, "to_s": 60}, True),
        ({"from_s": 51, "to_s": 60}, False),
        ({"first_percent": 50}, True),
        ({"first_percent": 40}, False),
        ({"last_percent": 60}, True),
        ({"last_percent": 40}, False),
    ],
)
def test_windows(window: dict[str, float], is_met: bool) -> None:
    turns = (turn("hello"), turn("refund", at_s=50.0), turn("bye", at_s=99.0))
    assert (hit({"words": ["refund"], "window": window}, *turns) is not None) is is_met


def test_the_window_looks_at_the_second_of_the_words_not_of_the_turn() -> None:
    assert not hit({"words": ["refund"], "window": {"first_s": 3}}, turn("a b c d refund"))


ANGRY = "this is terrible and awful and I am very angry about your horrible useless service " * 2


def test_mood_over_the_call_and_in_turns() -> None:
    turns = (turn("how may I help", "agent"), turn(ANGRY, "customer", 10.0))
    assert hit({"mood": ["negative"]}, *turns)
    assert not hit({"mood": ["positive"]}, *turns)
    assert hit({"mood": ["negative"], "turns": 1, "window": {"last_percent": 90}}, *turns)
    assert not hit({"mood": ["negative"], "turns": 2}, *turns)
    assert not hit({"not": {"mood": ["positive"], "party": "agent"}}, *turns), "the agent's mood is not known"


def test_silence_between_turns() -> None:
    turns = (turn("hold on", at_s=0.0), turn("I am back", at_s=40.0))
    found = hit({"silence": {"longest_s": 30}}, *turns)
    assert found
    assert (found.evidence[0].start_s, found.evidence[0].words) == (2.0, "seconds of silence: 38")
    assert not hit({"silence": {"longest_s": 39}}, *turns)
    assert hit({"silence": {"total_s": 38}}, *turns)


def test_metrics_and_what_is_not_known_of_them() -> None:
    assert hit({"metric": "words", "op": "<=", "value": 2}, turn("hello there"))
    assert not hit({"metric": "words", "op": "<", "value": 2}, turn("hello there"))
    for when in ({"metric": "no_such", "op": "<", "value": 1}, {"interruption": "agent", "count": 1}):
        assert not hit(when, turn("hello"))
        assert not hit({"not": when}, turn("hello"))


FACTS = CallFacts(
    direction="inbound", duration_s=61.0, extension="301", started_at=datetime(2026, 11, 27, 23, 30, tzinfo=UTC),
    utc_offset_min=60, did=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "op", "value", "is_met"),
    [
        ("direction", "is", "inbound", True),
        ("direction", "is not", "inbound", False),
        ("extension", "starts with", "3", True),
        ("extension", "one of", [301, 302], True),
        ("extension", "is", 301, True),
        ("duration_s", ">", 60, True),
        ("duration_s", "<=", 60, False),
        ("weekday", "is", "saturday", True),
        ("hour", "<", 1, True),
        ("did", "is", "5550100", False),
        ("did", "is not", "5550100", False),
    ],
)
def test_facts(fact: str, op: str, value: object, is_met: bool) -> None:
    assert (hit({"fact": fact, "op": op, "value": value}, turn("hi"), facts=FACTS) is not None) is is_met


def test_groups_may_be_nested() -> None:
    when = {
        "all": [
            {"any": [{"words": ["cancel"]}, {"words": ["stop"]}]},
            {"not": {"any": [{"words": ["appointment"]}, {"words": ["meeting"]}]}},
        ]
    }
    assert hit(when, turn("please stop it"))
    assert not hit(when, turn("please stop it"), turn("the meeting"))
    assert not hit(when, turn("hello"))


def test_unknown_stays_unknown_in_groups() -> None:
    unknown = {"metric": "no_such", "value": 1}
    said = {"words": ["hello"]}
    assert not hit({"all": [said, unknown]}, turn("hello"))
    assert hit({"any": [said, unknown]}, turn("hello"))
    assert not hit({"not": {"any": [{"words": ["bye"]}, unknown]}}, turn("hello"))
    assert hit({"not": {"all": [{"words": ["bye"]}, unknown]}}, turn("hello"))


def test_without_a_mood_nothing_is_claimed_about_it() -> None:
    nothing = Insight(turns=(), sentiment=CallSentiment(score=None, label=None, trend=None, quarters=()))
    assert not hit({"mood": ["negative"]}, turn("hello", "customer"), insight=nothing)
    assert not hit({"not": {"mood": ["negative"]}}, turn("hello", "customer"), insight=nothing)
