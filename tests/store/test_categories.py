"""Categories in the store: versions, packs, which calls are in them; the preview finds what the rules find."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.fixtures.store import NOW
from tests.insight.test_categories import turn

from aftercall.insight import category_files
from aftercall.insight.categories import Prepared, evaluate
from aftercall.insight.category_rules import Category, read
from aftercall.insight.sentiment import score_turns
from aftercall.model import CategoryHit, Evidence, Transcript
from aftercall.store import call_facts, calls, categories, category_preview, insights, transcripts
from aftercall.store.calls import CallFilter

Add = Callable[..., list[str]]


def made(when: object, **said: object) -> Category:
    category, mistakes = read({"name": "It", "when": when, **said})
    assert category, mistakes
    return category


def test_a_change_of_the_rules_counts_a_version_and_other_changes_do_not(engine: sa.Engine) -> None:
    with engine.begin() as db:
        categories.put(db, made({"words": ["a"]}), by="owner", now=NOW)
        categories.put(db, made({"words": ["a"]}, colour="red"), by="owner", now=NOW)
        categories.put(db, made({"words": ["b"]}, colour="red"), by="second", now=NOW)
        stored = categories.get(db, "it")
    assert stored
    assert (stored.version, stored.changed_by, stored.category.colour) == (2, "second", "red")


def test_packs_come_once_and_what_was_deleted_stays_deleted(engine: sa.Engine) -> None:
    with engine.begin() as db:
        categories.offer_packs(db, NOW)
        assert len(categories.every(db)) == 11
        categories.remove(db, "payment")
        categories.offer_packs(db, NOW)
        assert "payment" not in categories.names(db)
        assert all(each.is_as_packed for each in categories.every(db))


def test_an_edited_pack_knows_it_and_can_be_restored(engine: sa.Engine) -> None:
    with engine.begin() as db:
        categories.offer_packs(db, NOW)
        categories.put(db, made({"words": ["a"]}, id="payment", pack="payment"), by="owner", now=NOW)
        stored = categories.get(db, "payment")
        assert stored
        assert not stored.is_as_packed
        pack = categories.pack_of(stored.category)
        assert pack
        categories.put(db, pack, by="owner", now=NOW)
        assert categories.every(db)[6].is_as_packed


def test_a_category_that_is_switched_off_is_not_looked_for(engine: sa.Engine) -> None:
    with engine.begin() as db:
        categories.put(db, made({"words": ["a"]}), by="owner", now=NOW)
        assert [each.category.id for each in categories.prepared(db)] == ["it"]
        assert categories.switch(db, "it", is_enabled=False, by="owner", now=NOW)
        assert categories.prepared(db) == []
        assert not categories.switch(db, "no-such", is_enabled=False, by="owner", now=NOW)


def test_calls_in_a_category_are_found_counted_and_shown(engine: sa.Engine, add_calls: Add) -> None:
    first, second, _ = add_calls(3)
    hit = CategoryHit(category_id="it", name="It", evidence=(Evidence(turn=1, start_s=2.5, words="a"),))
    with engine.begin() as db:
        categories.put(db, made({"words": ["a"]}), by="owner", now=NOW)
        assert categories.put_hits(db, first, [hit])
        assert not categories.put_hits(db, first, [hit]), "the same again changes nothing"
        categories.put_hits(db, second, [hit])
        found = calls.page(db, CallFilter(category="it")).rows
        assert [row.id for row in found] == [first, second]
        assert categories.counts(db) == {"it": 2}
        assert categories.counts(db, since=NOW - timedelta(seconds=30)) == {"it": 1}
        assert categories.of_call(db, first)[0].evidence == hit.evidence
        categories.put_hits(db, first, [], among=["other"])
        assert categories.of_call(db, first)
        categories.put_hits(db, first, [], among=["it"])
        assert not categories.of_call(db, first)
        categories.remove(db, "it")
        assert not categories.of_call(db, second)


# ---- the preview ------------------------------------------------------------------------------------------------

SENTENCES = [
    "thank you for calling how can I help", "I want to cancel my account", "I canceled it, don't you know",
    "please cansel the order", "twenty five dollars", "I paid 25 dollars", "you will hear from my lawyer",
    "this is terrible and I am very angry about this horrible useless awful service", "yeah what",
    "the caf\u00e9 is closed", "it won't work", "it wont work", "an \u201codd\u201d \"quote\": \\ and more", "hello",
]  # fmt: skip
RULES: list[object] = [
    {"words": ["cancel"]},
    {"words": ["cancel"], "match": "stem"},
    {"words": ["cancel"], "match": "fuzzy", "party": "customer"},
    {"words": ["wont work"]},
    {"words": ["don't"]},
    {"words": ["25 dollars"]},
    {"words": ["25"]},
    {"words": ["cafe"], "window": {"first_s": 30}},
    {"not": {"words": ["hello"], "party": "agent"}},
    {"not": {"words": ["cancel"]}},
    {"not": {"words": ["cancel"], "party": "not agent", "match": "stem"}},
    {"mood": ["negative"]},
    {"all": [{"words": ["lawyer"]}, {"not": {"words": ["hello"]}}]},
    {"any": [{"words": ["lawyer"]}, {"fact": "caller", "op": "is", "value": "5550100003"}]},
    {"silence": {"longest_s": 20}},
    {"metric": "words", "op": ">", "value": 30},
    {"all": [{"fact": "direction", "op": "is", "value": "inbound"}, {"words": ["odd quote and more"]}]},
]


@pytest.fixture
def spoken(engine: sa.Engine, add_calls: Add) -> list[str]:
    """Calls in which these sentences are said in some order, by somebody."""
    dice = random.Random(7)
    ids = add_calls(60)
    with engine.begin() as db:
        for number, call_id in enumerate(ids):
            has_roles = number % 3 > 0
            turns = tuple(
                turn(
                    "" if (is_unclear := dice.random() < 0.05) else dice.choice(SENTENCES),
                    dice.choice(["agent", "customer"]) if has_roles else None,
                    at * 12.0 + (25 if at > 2 else 0),
                    is_understood=not is_unclear,
                )
                for at in range(dice.randint(1, 5))
            )
            transcripts.put(
                db, call_id, Transcript(engine="t", model="t", language="en", speakers="stereo", turns=turns), NOW
            )
            insights.put(db, call_id, score_turns(turns, language="en", is_low_accuracy=False), NOW)
    return ids


def really_in(engine: sa.Engine, ids: list[str], category: Category) -> list[CategoryHit | None]:
    """What the rules say of each call, read whole."""
    found = []
    with engine.connect() as db:
        for call_id in ids:
            transcript, insight = transcripts.of_call(db, call_id), insights.of_call(db, call_id)
            assert transcript
            assert insight
            hits = evaluate([Prepared(category)], transcript, insight, call_facts.of_call(db, call_id))
            found.append(hits[0] if hits else None)
    return found


@pytest.mark.parametrize("when", RULES, ids=str)
def test_the_preview_finds_what_the_rules_find(engine: sa.Engine, spoken: list[str], when: object) -> None:
    category = made(when)
    really = really_in(engine, spoken, category)
    found = category_preview.preview(engine, Prepared(category), None)
    assert found
    assert found.count == sum(each is not None for each in really) > 0
    assert found.count < len(spoken)
    assert found.call_count == len(spoken)
    expected = [(call_id, hit) for call_id, hit in zip(spoken, really, strict=True) if hit][:10]
    assert [(each.call_id, each.hit) for each in found.samples] == expected
    assert sum(count for _, count in found.days) == found.count


@pytest.mark.parametrize("pack", category_files.packs(), ids=lambda each: each.id)
def test_the_preview_of_a_pack_counts_as_the_rules_do(engine: sa.Engine, spoken: list[str], pack: Category) -> None:
    found = category_preview.preview(engine, Prepared(pack), None)
    assert found
    assert found.count == sum(each is not None for each in really_in(engine, spoken, pack))


def test_the_difference_to_the_saved_version(engine: sa.Engine, spoken: list[str]) -> None:
    draft, saved = made({"words": ["cancel", "lawyer"]}), made({"words": ["cancel", "hello"]})
    now, before = (really_in(engine, spoken, each) for each in (draft, saved))
    found = category_preview.preview(engine, Prepared(draft), Prepared(saved))
    assert found
    added = [one for one, new, old in zip(spoken, now, before, strict=True) if new and not old]
    removed = [one for one, new, old in zip(spoken, now, before, strict=True) if old and not new]
    assert (found.added_count, found.removed_count) == (len(added), len(removed))
    assert [each.call_id for each in found.added] == added[:10] != []
    assert [each.call_id for each in found.removed] == removed[:10] != []


def test_a_preview_stops_when_it_is_told_to(engine: sa.Engine, spoken: list[str]) -> None:
    asked: list[tuple[int, int]] = []

    def stop(done: int, whole: int) -> bool:
        asked.append((done, whole))
        return False

    assert category_preview.preview(engine, Prepared(made({"not": {"words": ["cancel"]}})), None, progress=stop) is None
    assert asked == [(0, len(spoken))]
