"""Applying categories to past calls: newest first, in portions, from where it stopped, and again without harm."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from tests.fixtures.house import Office
from tests.fixtures.store import NOW
from tests.insight.test_categories import turn

from aftercall.insight.category_rules import read
from aftercall.insight.sentiment import score_turns
from aftercall.jobs import categorising
from aftercall.jobs.understanding import Understanding
from aftercall.model import Transcript
from aftercall.store import categories, category_runs, insights, transcripts

Add = Callable[..., list[str]]


def put(db: sa.Connection, when: object, name: str = "It", *, is_on: bool = True) -> None:
    category, mistakes = read({"name": name, "enabled": is_on, "when": when})
    assert category, mistakes
    categories.put(db, category, by="owner", now=NOW)


def say(db: sa.Connection, call_id: str, text: str) -> None:
    turns = (turn(text),)
    made = Transcript(engine="t", model="t", language="en", speakers="not separated", turns=turns)
    transcripts.put(db, call_id, made, NOW)
    insights.put(db, call_id, score_turns(turns, language="en", is_low_accuracy=False), NOW)


@pytest.fixture
def ids(engine: sa.Engine, add_calls: Add) -> list[str]:
    """Seven calls; a refund is asked for in the even ones."""
    made = add_calls(7)
    with engine.begin() as db:
        for number, call_id in enumerate(made):
            say(db, call_id, "a refund" if number % 2 == 0 else "nothing")
        put(db, {"words": ["refund"]})
    return made


def ask(engine: sa.Engine, category_id: str | None = None) -> str:
    with engine.begin() as db:
        return category_runs.ask(db, category_id=category_id, by="owner", now=NOW)[0]


def belonging(engine: sa.Engine, category_id: str = "it") -> set[str]:
    with engine.connect() as db:
        rows = db.execute(sa.text("select call_id from call_category where category_id = :id"), {"id": category_id})
        return {row[0] for row in rows}


def test_every_call_is_looked_at_and_the_run_tells_how_many(engine: sa.Engine, ids: list[str]) -> None:
    run_id = ask(engine)
    categorising.work(engine, run_id, lambda: NOW)
    assert belonging(engine) == set(ids[::2])
    with engine.connect() as db:
        run = category_runs.get(db, run_id)
    assert run
    assert (run.state, run.done_count, run.call_count, run.hit_count) == ("done", 7, 7, 4)


def test_it_goes_on_where_it_was_cut_off(engine: sa.Engine, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(categorising, "PORTION", 2)
    run_id = ask(engine)
    looked_at: list[str] = []
    really = categorising.apply_to

    def cut_off(db: sa.Connection, call_id: str, *others: object) -> bool:
        looked_at.append(call_id)
        if len(looked_at) == 4:
            raise KeyboardInterrupt
        return really(db, call_id, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(categorising, "apply_to", cut_off)
    with pytest.raises(KeyboardInterrupt):
        categorising.work(engine, run_id, lambda: NOW)
    assert belonging(engine) == {ids[0]}, "the newest came first; the portion that was cut off left nothing"
    categorising.work(engine, run_id, lambda: NOW)
    assert looked_at[4:] == ids[2:]
    assert belonging(engine) == set(ids[::2])


def test_it_stops_when_it_is_told_to(engine: sa.Engine, ids: list[str]) -> None:
    run_id = ask(engine)
    with engine.begin() as db:
        assert category_runs.end(db, run_id, "cancelled", NOW)
    categorising.work(engine, run_id, lambda: NOW)
    assert belonging(engine) == set()


def test_one_category_leaves_the_others_alone(engine: sa.Engine, ids: list[str]) -> None:
    categorising.work(engine, ask(engine), lambda: NOW)
    with engine.begin() as db:
        put(db, {"words": ["nothing"]}, "Other")
        put(db, {"words": ["something else"]})
    categorising.work(engine, ask(engine, "other"), lambda: NOW)
    assert belonging(engine, "other") == set(ids[1::2])
    assert belonging(engine) == set(ids[::2])
    categorising.work(engine, ask(engine, "it"), lambda: NOW)
    assert belonging(engine) == set()


def test_applying_a_category_that_is_off_takes_it_from_the_calls(engine: sa.Engine, ids: list[str]) -> None:
    categorising.work(engine, ask(engine), lambda: NOW)
    with engine.begin() as db:
        categories.switch(db, "it", is_enabled=False, by="owner", now=NOW)
    categorising.work(engine, ask(engine, "it"), lambda: NOW)
    assert belonging(engine) == set()


def test_asking_again_while_it_runs_begins_anew_without_a_second_run(engine: sa.Engine, ids: list[str]) -> None:
    with engine.begin() as db:
        first, is_new = category_runs.ask(db, category_id=None, by="owner", now=NOW)
        second, is_new_too = category_runs.ask(db, category_id=None, by="owner", now=NOW)
    assert (first, is_new, is_new_too) == (second, True, False)


def test_a_call_gets_its_categories_when_it_is_understood(engine: sa.Engine, ids: list[str]) -> None:
    understanding = Understanding(engine=engine)
    understanding.of_call(ids[0], NOW)
    with engine.begin() as db:
        assert [each.id for each in categories.of_call(db, ids[0])] == ["it"]
        put(db, {"words": ["refund"]}, is_on=False)
    understanding.of_call(ids[0], NOW)
    with engine.connect() as db:
        assert not categories.of_call(db, ids[0])


def test_the_job_runs_in_the_house(office: Office) -> None:
    run_id = office.house.control.categories.apply(None, by="owner")

    def is_done() -> bool:
        with office.house.engine.connect() as db:
            run = category_runs.get(db, run_id)
        return run is not None and run.state == "done"

    office.until(is_done)


def test_a_run_whose_job_was_lost_goes_on_at_the_next_start(engine: sa.Engine) -> None:
    run_id = ask(engine)
    with engine.connect() as db:
        assert category_runs.unfinished(db) == [run_id]
    categorising.work(engine, run_id, lambda: datetime.now(UTC))
    with engine.connect() as db:
        assert category_runs.unfinished(db) == []
