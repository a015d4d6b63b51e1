"""This file finds the calls that a category would hold, among all there are, without storing anything.

The search index rules most calls out; of the others only what the rules look at is read, portion by portion.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from aftercall.insight import category_shortcut
from aftercall.insight.categories import HeardTurn, Prepared, heard_at
from aftercall.insight.category_rules import Fact, Interruption, Metric, Mood, Not, Rule, Silence, Words
from aftercall.insight.category_shortcut import LATER, Glance, Later
from aftercall.model import CallFacts, CategoryHit, Insight, Word
from aftercall.store import call_facts, category_words, insights
from aftercall.store.tables import call, recording, transcript

#: Calls looked at between two looks at the clock and the cancel button.
PORTION = 2000
#: Calls whose turns are read in one statement.
READ_AT_ONCE = 200
SAMPLES = 10


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A call that a category would hold, with the places that say so."""

    call_id: str
    sort_key: int
    hit: CategoryHit


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a category would hold."""

    #: Calls with a transcript.
    call_count: int
    #: Those the category would hold.
    count: int
    #: By day on the PBX's clock, only days with calls.
    days: tuple[tuple[date, int], ...]
    #: The newest ones.
    samples: tuple[Sample, ...]
    #: How many calls the saved version does not hold and this one does, and the other way round; None without one.
    added_count: int | None = None
    removed_count: int | None = None
    added: tuple[Sample, ...] = ()
    removed: tuple[Sample, ...] = ()


@dataclass
class _Tally:
    """What was found so far."""

    count: int = 0
    added_count: int = 0
    removed_count: int = 0
    days: Counter[date] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    added: list[Sample] = field(default_factory=list)
    removed: list[Sample] = field(default_factory=list)

    def note(self, call_id: str, sort_key: int, hit: CategoryHit | None, before: CategoryHit | None, day: date) -> None:
        if hit:
            self.count += 1
            self.days[day] += 1
            _keep(self.samples, call_id, sort_key, hit)
        if hit and not before:
            self.added_count += 1
            _keep(self.added, call_id, sort_key, hit)
        if before and not hit:
            self.removed_count += 1
            _keep(self.removed, call_id, sort_key, before)


def preview(
    engine: sa.Engine,
    draft: Prepared,
    saved: Prepared | None,
    *,
    utc_offset_min: int = 0,
    progress: Callable[[int, int], bool] = lambda done, whole: True,
) -> Preview | None:
    """Go through every stored call, newest first.

    Args:
        saved: the version to compare with.
        utc_offset_min: the PBX's zone, for the days.
        progress: told how many calls are done and how many there are; answers False to stop.
    Returns:
        None if it was stopped.
    """
    with engine.connect() as db:
        call_count = db.scalar(sa.select(sa.func.count()).select_from(transcript)) or 0
        search = _Search.of(db, [each for each in (draft, saved) if each])
    tally = _Tally()
    shift = timedelta(minutes=utc_offset_min)
    done, whole = 0, search.expected(call_count)
    for portion in _portions(engine, search):
        if not progress(min(done, whole), whole):
            return None
        for look in _decided(engine, portion, search):
            day = (call_facts.day_of(look.sort_key) + shift).date()
            tally.note(look.call_id, look.sort_key, look.hits[0], look.hits[1] if saved else None, day)
        done += len(portion)
    return Preview(
        call_count=call_count,
        count=tally.count,
        days=tuple(sorted(tally.days.items())),
        samples=tuple(tally.samples),
        added_count=tally.added_count if saved else None,
        removed_count=tally.removed_count if saved else None,
        added=tuple(tally.added) if saved else (),
        removed=tuple(tally.removed),
    )


# ---- which calls ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class _Search:
    """What is looked for, and what has to be read for it."""

    prepared: tuple[Prepared, ...]
    #: Calls that may hold the words of each rule; None if the index cannot tell.
    said: dict[Words, frozenset[int] | None]
    #: The only calls that can meet any of the rules, newest first; None for all.
    keys: tuple[int, ...] | None
    needs_facts: bool
    needs_roles: bool
    needs_insight: bool
    needs_figures: bool

    @classmethod
    def of(cls, db: sa.Connection, prepared: Sequence[Prepared]) -> "_Search":
        rules: list[Rule] = [each.category.rule for each in prepared]
        said = {words: category_words.calls_with(db, words) for each in prepared for words in each.patterns}
        each_of = [category_shortcut.narrowed(rule, said.__getitem__) for rule in rules]
        known = [keys for keys in each_of if keys is not None]
        keys = tuple(sorted(set().union(*known), reverse=True)) if len(known) == len(each_of) else None

        def any_has(*kinds: type[Rule]) -> bool:
            return any(category_shortcut.has(rule, kinds) for rule in rules)

        return cls(
            prepared=tuple(prepared),
            said=said,
            keys=keys,
            needs_facts=any_has(Fact),
            needs_roles=any_has(Not) and any_has(Words),
            needs_insight=any_has(Mood, Metric, Interruption),
            needs_figures=any_has(Metric, Interruption, Silence),
        )

    def expected(self, call_count: int) -> int:
        return call_count if self.keys is None else len(self.keys)

    def may_be_said(self, sort_key: int) -> Callable[[Words], bool]:
        def ask(rule: Words) -> bool:
            found = self.said[rule]
            return found is None or sort_key in found

        return ask


@dataclass(frozen=True, kw_only=True)
class _Look:
    """One call on its way to a verdict; one hit for each category looked for."""

    call_id: str
    sort_key: int
    facts: CallFacts
    verdicts: tuple[bool | Later | None, ...]
    hits: tuple[CategoryHit | None, ...] = ()


def _portions(engine: sa.Engine, search: _Search) -> Iterator[list[_Look]]:
    statement = _statement(search)
    if search.keys is not None:
        for start in range(0, len(search.keys), PORTION // 4):
            among = search.keys[start : start + PORTION // 4]
            with engine.connect() as db:
                rows = db.execute(statement.where(transcript.c.sort_key.in_(among))).all()
            yield [_glanced(row, search) for row in rows]
        return
    below = None
    while True:
        limited = statement.limit(PORTION)
        with engine.connect() as db:
            rows = db.execute(limited if below is None else limited.where(transcript.c.sort_key < below)).all()
        if not rows:
            return
        below = rows[-1].sort_key
        yield [_glanced(row, search) for row in rows]


def _statement(search: _Search) -> sa.Select[Any]:
    columns: list[Any] = [transcript.c.call_id, transcript.c.sort_key]
    source: sa.FromClause = transcript
    if search.needs_roles:
        raw = sa.type_coerce(transcript.c.turns, sa.Text)
        for name, mark in (("agent", '"role": "agent"'), ("customer", '"role": "customer"')):
            columns.append((sa.func.instr(raw, mark) > 0).label(name))
        columns.append((sa.func.instr(raw, '"is_understood": false') > 0).label("unclear"))
    if search.needs_facts:
        columns += call_facts.COLUMNS
        source = transcript.join(call, call.c.id == transcript.c.call_id).outerjoin(
            recording, recording.c.call_id == call.c.id
        )
    return sa.select(*columns).select_from(source).order_by(transcript.c.sort_key.desc())


def _glanced(row: Any, search: _Search) -> _Look:
    facts = call_facts.from_row(row) if search.needs_facts else CallFacts()
    glance = Glance(facts=facts, may_be_said=search.may_be_said(row.sort_key))
    if search.needs_roles:
        glance = replace(glance, has_agent=row.agent, has_customer=row.customer, has_unclear=row.unclear)
    verdicts = tuple(category_shortcut.decide(each.category.rule, glance) for each in search.prepared)
    return _Look(call_id=row.call_id, sort_key=row.sort_key, facts=facts, verdicts=verdicts)


# ---- what they say ----------------------------------------------------------------------------------------------


def _decided(engine: sa.Engine, portion: Sequence[_Look], search: _Search) -> Iterator[_Look]:
    """The calls of a portion that belong to one of the categories."""
    # Also those that are met already: their evidence is in the turns.
    open_ = [look for look in portion if any(each is LATER or each is True for each in look.verdicts)]
    for start in range(0, len(open_), READ_AT_ONCE):
        among = open_[start : start + READ_AT_ONCE]
        raw = sa.type_coerce(transcript.c.turns, sa.Text)
        with engine.connect() as db:
            wanted = transcript.c.sort_key.in_([look.sort_key for look in among])
            texts = {row[0]: str(row[1]) for row in db.execute(sa.select(transcript.c.sort_key, raw).where(wanted))}
            understood = (
                {look.call_id: insights.of_call(db, look.call_id) for look in among} if (search.needs_insight) else {}
            )
        for look in among:
            if look.sort_key in texts:
                hits = _judged(look, texts[look.sort_key], understood.get(look.call_id), search)
                if any(hits):
                    yield replace(look, hits=hits)


def _judged(look: _Look, raw: str, insight: Insight | None, search: _Search) -> tuple[CategoryHit | None, ...]:
    heard = heard_at(read_turns(raw), insight, look.facts, with_figures=search.needs_figures)
    return tuple(
        each.hit(heard) if verdict is LATER or verdict is True else None
        for each, verdict in zip(search.prepared, look.verdicts, strict=True)
    )


def _keep(kept: list[Sample], call_id: str, sort_key: int, hit: CategoryHit) -> None:
    if len(kept) < SAMPLES:
        kept.append(Sample(call_id=call_id, sort_key=sort_key, hit=hit))


#: A stored turn up to its words. Inside a stored text a quote stands behind a backslash, so this never begins there.
_TURN = re.compile(
    r'"role": (null|"agent"|"customer"), "start_s": ([\d.e+-]+), "end_s": ([\d.e+-]+), "text": ("(?:[^"\\]|\\.)*"), '
    r'"words": '
)
_ROLES: dict[str, Any] = {"null": None, '"agent"': "agent", '"customer"': "customer"}
_DECODER = json.JSONDecoder()


def read_turns(raw: str) -> list[HeardTurn]:
    """The turns of a stored transcript; the words with their times, most of the row, are read only when asked for."""
    found = []
    matches = list(_TURN.finditer(raw))
    ends = [*(match.start() for match in matches[1:]), len(raw)]
    has_unclear = '"is_understood": false' in raw
    for match, end in zip(matches, ends, strict=bool(matches)):
        is_understood = not has_unclear or '"is_understood": false' not in raw[match.end() : end]
        found.append(
            HeardTurn(
                _ROLES[match[1]],
                float(match[2]),
                float(match[3]),
                json.loads(match[4]),
                is_understood,
                _words_at(raw, match.end()),
            )
        )
    return found


def _words_at(raw: str, at: int) -> Callable[[], list[Word]]:
    def read() -> list[Word]:
        stored, _ = _DECODER.raw_decode(raw, at)
        return [
            Word(text=text, start_s=start_s, end_s=end_s, confidence=confidence)
            for text, start_s, end_s, confidence in stored
        ]

    return read
