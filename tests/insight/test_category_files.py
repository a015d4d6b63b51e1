"""Categories as data: mistakes are named where they are, and YAML goes out as it came in."""

import pytest
from tests.insight.test_categories import turn

from aftercall.insight.categories import Prepared, heard_of
from aftercall.insight.category_files import dumps, loads, packs
from aftercall.insight.category_rules import Category, read
from aftercall.insight.sentiment import score_turns
from aftercall.model import CallFacts


@pytest.mark.parametrize(
    ("when", "field", "words"),
    [
        (None, "when", "must be a rule"),
        ({}, "when", "must hold exactly one of"),
        ({"words": ["a"], "mood": ["negative"]}, "when", "it holds words and mood"),
        ({"any": []}, "when.any", "at least one rule"),
        ({"any": [{"words": ["ok"]}, {"words": []}]}, "when.any[1].words", "at least one text"),
        ({"words": ["?!"]}, "when.words[0]", "no word that could be said"),
        ({"words": ["a"], "match": "regex"}, "when.match", "exact, stem, fuzzy"),
        ({"words": ["a"], "party": "boss"}, "when.party", "any, customer, agent, not agent"),
        ({"words": ["a"], "where": 1}, "when.where", "is not known here"),
        ({"words": ["a"], "window": {"first_s": 1, "last_s": 1}}, "when.window", "one limit only"),
        ({"words": ["a"], "window": {"from_s": 9, "to_s": 1}}, "when.window.to_s", "later than"),
        ({"words": ["a"], "window": {"first_percent": 120}}, "when.window.first_percent", "0 to 100"),
        ({"mood": ["cross"]}, "when.mood", "positive, neutral"),
        ({"mood": ["negative"], "window": {"last_s": 9}}, "when.turns", "is needed with a window"),
        ({"interruption": "agent"}, "when", "either `count`"),
        ({"silence": 30}, "when.silence", "either `longest_s`"),
        ({"metric": "words", "op": ">="}, "when.value", "is missing"),
        ({"metric": "words", "value": True}, "when.value", "must be a number"),
        ({"fact": "mood", "value": 1}, "when.fact", "must be one of direction"),
        ({"fact": "duration_s", "op": "contains", "value": 1}, "when.op", "must be one of is"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {"not": {"words": ["a"]}}}}}}}}, None, "more than 6 deep"),
    ],
)
def test_a_mistake_is_named_where_it_is(when: object, field: str | None, words: str) -> None:
    made, mistakes = read({"name": "It", "when": when})
    assert made is None
    assert any((field is None or each.field == field) and words in each.problem for each in mistakes), mistakes


def test_all_mistakes_are_named_at_once() -> None:
    _, mistakes = read({"name": "", "colour": "plaid", "enabled": "yes", "when": {"words": []}})
    assert [each.field for each in mistakes] == ["name", "colour", "enabled", "when.words"]


def test_too_many_rules_are_refused() -> None:
    _, mistakes = read({"name": "It", "when": {"any": [{"words": ["a"]}] * 200}})
    assert any("a category may have 100" in each.problem for each in mistakes)


@pytest.mark.parametrize("pack", packs(), ids=lambda each: each.id)
def test_yaml_goes_out_as_it_came_in(pack: Category) -> None:
    assert loads(dumps([pack])) == ([pack], [])


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("a: [", "line 1", "is not YAML"),
        ("", "category", "must be a mapping"),
        ("[]", "file", "holds no category"),
        ("- &a {name: It, when: {words: [a]}}\n- *a", "line 2", "aliases"),
        ("- {name: It, when: {words: [a]}}\n- {name: it, when: {words: [b]}}", "categories[1].id", "there twice"),
        ("- {name: It, when: {words: [a]}}\n- {name: Two}", "categories[1].when", "must be a rule"),
    ],
)
def test_a_file_with_a_mistake_gives_nothing(text: str, field: str, words: str) -> None:
    made, mistakes = loads(text)
    assert made == []
    assert [each.field for each in mistakes] == [field]
    assert words in mistakes[0].problem


#: What is said in a call, and the only ready packs it belongs to.
SPOKEN = {
    "hi I would like to book an appointment for Tuesday": {"booking"},
    "can you move my apointment to next week": {"booking"},
    "I want to make a formal complaint about the fitter": {"complaint"},
    "no one called me back and I am really disapointed": {"complaint"},
    "I'd like to cancel my contract with you": {"cancellation"},
    "I need to cancel my appointment on Friday": set(),
    "can I pay my bill over the phone": {"payment"},
    "how much would it cost to have a new boiler, can I get a quote": {"sales-lead"},
    "my internet stopped working this morning": {"tech-support"},
    "sorry I think I have the wrong number": {"wrong-number"},
    "this is absolutely ridiculous I am fed up with it": {"angry-customer"},
    "I have been on hold for half an hour": {"long-hold"},
    "you will hear from my lawyer": {"legal-threat"},
    "I am calling about the weather": set(),
}


@pytest.mark.parametrize(("said", "expected"), SPOKEN.items())
def test_the_ready_packs_find_what_they_are_for(said: str, expected: set[str]) -> None:
    turns = (turn("good morning how can I help", "agent"), turn(said, "customer", 8.0))
    heard = heard_of(turns, score_turns(turns, language="en", is_low_accuracy=False), CallFacts(direction="inbound"))
    assert {pack.id for pack in packs() if Prepared(pack).hit(heard)} == expected


def test_an_agent_who_does_not_greet_is_found() -> None:
    pack = next(each for each in packs() if each.id == "no-greeting")
    facts = CallFacts(direction="inbound", duration_s=60.0)
    for first, is_met in (("good morning", False), ("yeah what", True)):
        turns = (turn(first, "agent"), turn("I need help", "customer", 5.0))
        assert (Prepared(pack).hit(heard_of(turns, None, facts)) is not None) is is_met


def test_there_are_the_eleven_packs() -> None:
    assert {each.id for each in packs()} == {
        "booking", "complaint", "cancellation", "payment", "sales-lead", "tech-support", "wrong-number",
        "angry-customer", "no-greeting", "long-hold", "legal-threat",
    }  # fmt: skip
