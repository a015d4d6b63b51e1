"""This file measures the preview of a category over 100,000 stored calls, against a bare SQL scan of the same text."""

import itertools
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

from aftercall.insight import category_files
from aftercall.insight.categories import Prepared
from aftercall.insight.category_rules import Category, read
from aftercall.insight.sentiment import score_turns
from aftercall.model import CallState, Role, Turn, Word
from aftercall.store import calls, category_preview, insights, pbxs, transcripts
from aftercall.store.tables import call, transcript
from aftercall.wiring import House
from bench import house as bench_house
from bench.figures import Figure, paired, seconds

CALLS = 100_000
#: Different transcripts among them; each is stored as often as it takes.
TRANSCRIPTS = 4_000
TURNS, WORDS_A_TURN = 24, 12
#: Words of a language, said about as often as real ones: the n-th 1/n times.
VOCABULARY = 6_000
RUNS = 3
#: What is said in one turn of 40 instead of chance words.
TELLING = (
    "I want to cancel my account", "can I cancel the contract please", "I would like a refund", "you charged me twice",
    "I want to make a complaint", "you will hear from my lawyer", "I have been on hold for ages", "this is ridiculous",
)  # fmt: skip
GREETING = "good morning how can I help you"


def measure() -> Iterator[Figure]:
    with bench_house.house() as made:
        _fill(made)
        scan_s = _Scan(made.engine)
        exact = _category({"words": ["cancel my account", "cancel the contract"], "party": "customer"})
        yield _figure("a rule with two phrases", made.engine, exact, scan_s)
        packs = {each.id: each for each in category_files.packs()}
        for name in ("cancellation", "legal-threat", "complaint"):
            yield _figure(f"the ready pack {name}", made.engine, packs[name], scan_s)
        for name in ("no-greeting", "long-hold", "angry-customer"):
            prepared = Prepared(packs[name])
            took_s = seconds(partial(category_preview.preview, made.engine, prepared, None))
            yield Figure(
                what=f"Preview over {CALLS:,} calls: the ready pack {name}, which the index narrows little",
                baseline="none: an absolute figure",
                value=took_s,
                unit="s",
                limit=15,
            )


class _Scan:
    """The baseline: the database looks for one phrase in the text of every call."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def __call__(self) -> float:
        statement = sa.select(sa.func.count()).where(transcript.c.text.like("%cancel my account%"))
        with self._engine.connect() as db:
            return seconds(lambda: db.scalar(statement))


def _figure(what: str, engine: sa.Engine, category: Category, scan_s: _Scan) -> Figure:
    prepared = Prepared(category)
    counts: list[int] = []

    def ours() -> float:
        def look() -> None:
            found = category_preview.preview(engine, prepared, None)
            assert found
            counts.append(found.count)

        return seconds(look)

    mine, theirs, ratio = paired(ours, scan_s, runs=RUNS)
    return Figure(
        what=f"Preview over {CALLS:,} calls: {what}",
        baseline="SQLite: select count(*) ... where text like '%one phrase%'",
        value=ratio,
        unit="x",
        limit=1.5,
        detail=f"ours {mine:.2f} s ({counts[0]:,} calls found; target <= 15 s), scan {theirs:.2f} s",
    )


def _category(when: object) -> Category:
    made, mistakes = read({"name": "Bench", "when": when})
    assert made, mistakes
    return made


# ---- the calls --------------------------------------------------------------------------------------------------


def _fill(made: House) -> None:
    dice = random.Random(11)
    vocabulary = _vocabulary()
    heaviness = list(itertools.accumulate(1 / (rank + 1) for rank in range(len(vocabulary))))
    stored = [
        (
            "\n".join(turn.text for turn in turns),
            json.dumps([transcripts.turn_as_json(turn) for turn in turns]),
            score_turns(turns, language="en", is_low_accuracy=False),
        )
        for turns in (_transcript(dice, vocabulary, heaviness) for _ in range(TRANSCRIPTS))
    ]
    now = datetime.now(UTC).replace(microsecond=0)
    entered = pbxs.PbxSettings(name="Bench", host="192.0.2.1", port=8088, username="u", password="none")
    with made.engine.begin() as db:
        pbx_id = pbxs.add(db, entered, made.vault, now)
    for start in range(0, CALLS, 2000):
        rows, said = [], []
        for number in range(start, start + 2000):
            identity = f"{number:024x}"
            at = now - timedelta(minutes=number)
            key = calls.sort_key(at, identity)
            text, turns, insight = stored[number % TRANSCRIPTS]
            rows.append(_row(identity, key, pbx_id, at, insight.sentiment.label))
            said.append({"sort_key": key, "call_id": identity, "text": text, "turns": turns})
        with made.engine.begin() as db:
            db.execute(call.insert(), rows)
            db.execute(sa.text(_TRANSCRIPT), said)
            for each, number in zip(said, range(start, start + 2000), strict=True):
                insights.put(db, str(each["call_id"]), stored[number % TRANSCRIPTS][2], now)


def _row(identity: str, key: int, pbx_id: str, at: datetime, label: str | None) -> dict[str, Any]:
    return {
        "id": identity, "sort_key": key, "pbx_id": pbx_id, "state": CallState.DONE, "started_at": at,
        "is_start_estimated": False, "direction": "inbound", "caller": "5550100", "duration_s": 200.0,
        "sentiment_label": label, "updated_at": at,
    }  # fmt: skip


_TRANSCRIPT = """
insert into transcript (sort_key, call_id, text, turns, engine, model, language, speakers, is_low_accuracy, made_at)
values (:sort_key, :call_id, :text, :turns, 'bench', 'none', 'en', 'stereo', 0, '2026-01-01 00:00:00')
"""


def _transcript(dice: random.Random, vocabulary: list[str], heaviness: list[float]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    at_s = 1.0
    for number in range(TURNS):
        role: Role = "customer" if number % 2 else "agent"
        words = dice.choices(vocabulary, cum_weights=heaviness, k=dice.randint(2, 2 * WORDS_A_TURN))
        if number == 0 and dice.random() < 0.9:
            words = GREETING.split()
        elif dice.random() < 1 / 40:
            words = [*dice.choice(TELLING).split(), *words]
        turns.append(_turn(role, at_s, words))
        at_s = turns[-1].end_s + dice.choice([0.4, 0.6, 1.0, 5.0])
    return tuple(turns)


def _turn(role: Role, at_s: float, words: list[str]) -> Turn:
    timed = tuple(
        Word(text=word, start_s=round(at_s + n * 0.35, 2), end_s=round(at_s + n * 0.35 + 0.3, 2), confidence=0.93)
        for n, word in enumerate(words)
    )
    return Turn(
        speaker="B" if role == "customer" else "A", role=role, start_s=at_s, end_s=timed[-1].end_s,
        text=" ".join(words), words=timed,
    )  # fmt: skip


def _vocabulary() -> list[str]:
    """Made-up words, the commonest of them real ones."""
    dice = random.Random(3)
    real = [
        "the",
        "I",
        "to",
        "you",
        "and",
        "a",
        "that",
        "it",
        "of",
        "is",
        "in",
        "yeah",
        "for",
        "on",
        "have",
        "was",
        "so",
    ]
    real += ["so", "we", "my", "okay", "do", "not", "me", "this", "with", "but", "can"]
    made = ["".join(dice.choices("etaoinshrdlucm", k=dice.randint(3, 10))) for _ in range(VOCABULARY - len(real))]
    return real + made
