"""This file is `aftercall categories`: list, export, import, preview and apply them from the command line."""

import time
from collections.abc import Callable
from pathlib import Path

from aftercall.errors import Cancelled, FormInvalid, NotFound, Unexpected
from aftercall.insight import category_files
from aftercall.insight.category_rules import Category
from aftercall.jobs.steps import utc_now
from aftercall.store import categories, category_runs
from aftercall.store.categories import StoredCategory
from aftercall.store.category_preview import Preview
from aftercall.store.category_runs import Run
from aftercall.wiring import House

BY = "command line"
_LOOK_EVERY_S = 0.2


def listed(house: House) -> list[tuple[StoredCategory, int]]:
    """Every category, and how many calls are in it."""
    with house.engine.connect() as db:
        counts = categories.counts(db)
        return [(each, counts.get(each.category.id, 0)) for each in categories.every(db)]


def line(each: StoredCategory, count: int) -> str:
    """One category, for people."""
    state = "on" if each.category.is_enabled else "off"
    return f"{each.category.id:28}{state:5}{count:>8,} calls  {each.category.name}"


def exported(house: House, ids: tuple[str, ...]) -> str:
    """Some categories, or all, as YAML.

    Raises:
        NotFound: one of them is not there.
    """
    with house.engine.connect() as db:
        every = {each.category.id: each.category for each in categories.every(db)}
    for each in ids:
        if each not in every:
            raise NotFound(thing=f"category {each}")
    return category_files.dumps([every[each] for each in ids or every])


def read(file: Path) -> list[Category]:
    """The categories of a YAML file.

    Raises:
        FormInvalid: it cannot be read, or something in it is wrong.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError as exc:
        raise FormInvalid(field="FILE", problem=f"{file} cannot be read: {exc.strerror}.") from exc
    made, mistakes = category_files.loads(text)
    if mistakes:
        raise FormInvalid(
            field=mistakes[0].field,
            problem=mistakes[0].problem + "".join(f" {each.field} {each.problem}" for each in mistakes[1:]),
        )
    return made


def import_(house: House, file: Path) -> int:
    """Store the categories of a YAML file; one with a known id takes its place. Returns how many."""
    made = read(file)
    with house.engine.begin() as db:
        for each in made:
            categories.put(db, each, by=BY, now=utc_now())
    return len(made)


def preview(house: House, file: Path) -> list[tuple[Category, Preview]]:
    """What the categories of a YAML file would hold."""
    found = []
    for each in read(file):
        run = house.control.categories.preview(each)
        run.wait()
        if run.found is None:
            raise Unexpected(kind="preview that failed") if run.has_failed else Cancelled(who="somebody else")
        found.append((each, run.found))
    return found


def preview_in_words(category: Category, found: Preview) -> str:
    """A preview, for people: the count, the difference, and quotes."""
    lines = [f"{category.name}: {found.count:,} of {found.call_count:,} calls"]
    if found.added_count is not None:
        lines[0] += f" (+{found.added_count:,} -{found.removed_count or 0:,} against the saved version)"
    for each in found.samples:
        quotes = ", ".join(f'"{place.words}" at {place.start_s:.1f} s' for place in each.hit.evidence[:2])
        lines.append(f"  {each.call_id}  {quotes}".rstrip())
    return "\n".join(lines)


def apply(house: House, category_id: str | None, *, is_waiting: bool, tell: Callable[[str], None]) -> Run:
    """Apply one category, or all, to past calls; a server on the same data folder does it.

    Raises:
        NotFound: there is no such category.
    """
    run_id = house.control.categories.apply(category_id, by=BY)
    told = -1
    while True:
        with house.engine.connect() as db:
            run = category_runs.get(db, run_id)
        if run is None:
            raise Cancelled(who="somebody who deleted it")
        if not is_waiting or not run.goes_on:
            return run
        if run.done_count != told:
            told = run.done_count
            tell(f"{run.done_count:,} of {run.call_count:,} calls")
        time.sleep(_LOOK_EVERY_S)
