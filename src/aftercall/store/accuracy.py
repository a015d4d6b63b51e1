"""This file measures the engines on this installation's own calls: what they heard against what people corrected."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from aftercall.speech.score import WordErrors, fold, word_diff, word_errors
from aftercall.store.tables import correction, transcript, transcript_version

#: Fewer words than this give a rough figure: one more bad line may change it by a point or more.
SURE_FROM_WORDS = 1000
#: Only the newest corrections are looked at, so that the page stays quick however many there are.
MOST_CORRECTIONS = 20_000
#: Longer stretches are no mistake that a vocabulary could mend.
LONGEST_MISTAKE_WORDS = 3
MOST_MISTAKES = 40


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How well some lines were heard."""

    lines: int
    #: Lines that a person found right as they were.
    confirmed: int
    errors: WordErrors

    @property
    def is_rough(self) -> bool:
        return self.errors.words < SURE_FROM_WORDS


@dataclass(frozen=True, kw_only=True)
class OfEngine:
    """How well one model heard one language."""

    engine: str
    model: str
    #: BCP 47.
    language: str
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class OfMonth:
    """The lines that people read in one month."""

    #: `2026-11`, in UTC.
    month: str
    measured: Measured


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What was heard instead of what was said."""

    #: "" where nothing was heard.
    heard: str
    said: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    #: The engine with most lines first.
    engines: tuple[OfEngine, ...]
    #: The newest first.
    months: tuple[OfMonth, ...]
    #: The most frequent first.
    mistakes: tuple[Mistake, ...]
    #: Older corrections were left out.
    is_cut: bool


@dataclass(frozen=True)
class _Line:
    engine: str
    model: str
    language: str
    heard: str
    said: str
    read_at: datetime

    @property
    def errors(self) -> WordErrors:
        return word_errors(self.said, self.heard)


def report(db: sa.Connection) -> Accuracy:
    """Compare what each engine heard with what people made of it.

    A line counts as it stands after its last correction; one that was restored to what the engine heard is as if nobody
    had read it. What the engine heard are its words, also of a line that it did not understand.
    """
    rows = db.execute(_newest()).mappings().all()
    lines = list(_lines(rows))
    by_engine, by_month = defaultdict(list), defaultdict(list)
    for line in lines:
        by_engine[line.engine, line.model, line.language].append(line)
        by_month[f"{line.read_at:%Y-%m}"].append(line)
    return Accuracy(
        engines=tuple(
            OfEngine(engine=engine, model=model, language=language, measured=_measured(own))
            for (engine, model, language), own in sorted(by_engine.items(), key=lambda item: (-len(item[1]), item[0]))
        ),
        months=tuple(
            OfMonth(month=month, measured=_measured(own)) for month, own in sorted(by_month.items(), reverse=True)
        ),
        mistakes=tuple(_mistakes(lines)),
        is_cut=len(rows) == MOST_CORRECTIONS,
    )


def _newest() -> sa.Select[Any]:
    """The newest corrections with the transcript they were made in."""
    made = sa.union_all(
        *(
            sa.select(each.c.call_id, each.c.version, each.c.engine, each.c.model, each.c.language)
            for each in (transcript, transcript_version)
        )
    ).subquery()
    return (
        sa.select(correction, made.c.engine, made.c.model, made.c.language)
        .join(made, (made.c.call_id == correction.c.call_id) & (made.c.version == correction.c.version))
        .order_by(correction.c.id.desc())
        .limit(MOST_CORRECTIONS)
    )


def _lines(rows: Iterable[sa.RowMapping]) -> Iterator[_Line]:
    def line_of(row: sa.RowMapping) -> tuple[str, int, int]:
        return row["call_id"], row["version"], row["position"]

    for _, group in groupby(sorted(rows, key=lambda row: (line_of(row), row["id"])), key=line_of):
        own = list(group)
        first, last = own[0], own[-1]
        # The beginning of a line's history may be among the corrections that were left out.
        if last["after"]["is_corrected"] and not first["before"]["is_corrected"]:
            yield _Line(
                engine=last["engine"],
                model=last["model"],
                language=last["language"],
                heard=" ".join(word[0] for word in first["before"]["words"]) or first["before"]["text"],
                said=last["after"]["text"],
                read_at=last["made_at"],
            )


def _measured(lines: list[_Line]) -> Measured:
    found = [line.errors for line in lines]
    return Measured(
        lines=len(lines),
        confirmed=sum(each.wrong == 0 for each in found),
        errors=WordErrors(
            substitutions=sum(each.substitutions for each in found),
            deletions=sum(each.deletions for each in found),
            insertions=sum(each.insertions for each in found),
            words=sum(each.words for each in found),
        ),
    )


def _mistakes(lines: Iterable[_Line]) -> Iterator[Mistake]:
    """What was said, as people wrote it most often, and what was heard instead, by how often that happened."""
    found: Counter[tuple[str, str]] = Counter()
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for heard, said in _replaced(line):
            folded = _folded(heard), _folded(said)
            if folded[1] and folded[0] != folded[1]:
                found[folded] += 1
                written[folded[1]][" ".join(_trimmed(word) for word in said.split())] += 1
    for (heard, said), count in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST_MISTAKES]:
        yield Mistake(heard=heard, said=written[said].most_common(1)[0][0], count=count)


def _replaced(line: _Line) -> Iterator[tuple[str, str]]:
    """Short stretches that were heard wrongly or not at all: what was heard, what was said."""
    heard = ""
    for piece in word_diff(line.heard, line.said):
        if piece.kind == "added" and max(len(heard.split()), len(piece.text.split())) <= LONGEST_MISTAKE_WORDS:
            yield heard, piece.text
        heard = piece.text if piece.kind == "removed" else ""


def _folded(text: str) -> str:
    return " ".join(word for word in map(fold, text.split()) if word)


def _trimmed(word: str) -> str:
    """A word without the punctuation around it, its capitals kept."""
    bare = fold(word)
    at = word.replace("\u2019", "'").lower().find(bare)
    return word[at : at + len(bare)]
