"""This file is /api/v1/categories: read, write, preview and apply the rules that say what calls are about."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from starlette.requests import Request

from aftercall.errors import Cancelled, FormInvalid, NotFound, Unexpected
from aftercall.insight.category_rules import Category as Rules
from aftercall.insight.category_rules import Mistake, read
from aftercall.store import categories, category_runs, shapes
from aftercall.web import rendering
from aftercall.web.api.models import Category, CategoryPreview, CategoryRun, Problem
from aftercall.web.sessions import Administrator

router = APIRouter(tags=["categories"])
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such category."}}

Given = Annotated[
    dict[str, Any],
    Body(
        description="`name`, `colour`, `about`, `enabled` and `when`, as docs/categories.md tells.",
        examples=[{"name": "Refund", "when": {"words": ["refund", "money back"], "party": "customer"}}],
    ),
]


@router.get("/categories", response_model=list[Category])
def list_categories(request: Request, _account: Administrator) -> list[dict[str, Any]]:
    """All categories, by name."""
    with rendering.parts_of(request).engine.connect() as db:
        counts = categories.counts(db)
        return [shapes.category(each, counts.get(each.category.id, 0)) for each in categories.every(db)]


@router.put("/categories/{category_id}", response_model=Category)
def put_category(request: Request, account: Administrator, category_id: str, given: Given) -> dict[str, Any]:
    """Make a category, or change the one with this id; calls follow when it is applied."""
    made = _read({**given, "id": category_id})
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        categories.put(db, made, by=account.name, now=parts.clock())
        stored = categories.get(db, category_id)
        count = categories.counts(db).get(category_id, 0)
    if stored is None:
        raise NotFound(thing="such category")
    return shapes.category(stored, count)


@router.delete("/categories/{category_id}", status_code=204, responses=MISSING)
def delete_category(request: Request, _account: Administrator, category_id: str) -> None:
    """Delete a category, from the calls too."""
    with rendering.parts_of(request).engine.begin() as db:
        if not categories.remove(db, category_id):
            raise NotFound(thing="such category")


@router.post("/categories/preview", response_model=CategoryPreview)
def preview_category(request: Request, _account: Administrator, given: Given) -> dict[str, Any]:
    """What a category would hold among all calls there are; nothing is stored. Answers when it is done."""
    run = rendering.parts_of(request).control.categories.preview(_read(given))
    run.wait()
    if run.found is None:
        raise (
            Unexpected(kind="preview that failed")
            if run.has_failed
            else Cancelled(who="another preview of this category, which began later")
        )
    return shapes.category_preview(run.found)


@router.post("/categories/apply", status_code=202, response_model=CategoryRun, responses=MISSING)
def apply_categories(
    request: Request,
    account: Administrator,
    category: Annotated[str | None, Body(embed=True, description="Its id; null for all.", max_length=60)] = None,
) -> dict[str, Any]:
    """Apply one category, or all, to every call there is, as a job."""
    run_id = rendering.parts_of(request).control.categories.apply(category, by=account.name)
    return show_run(request, account, run_id)


@router.get("/categories/runs/{run_id}", response_model=CategoryRun, responses=MISSING)
def show_run(request: Request, _account: Administrator, run_id: str) -> dict[str, Any]:
    """How far applying is."""
    with rendering.parts_of(request).engine.connect() as db:
        run = category_runs.get(db, run_id)
    if run is None:
        raise NotFound(thing="such run")
    return shapes.category_run(run)


@router.delete("/categories/runs/{run_id}", status_code=204, responses=MISSING)
def stop_run(request: Request, _account: Administrator, run_id: str) -> None:
    """Apply no further; what is done stays."""
    rendering.parts_of(request).control.categories.stop(run_id)


def _read(given: dict[str, Any]) -> Rules:
    known = {name: value for name, value in given.items() if name not in _TOLD}
    made, mistakes = read({name: value for name, value in known.items() if value is not None})
    if made is None:
        raise refused(mistakes)
    return made


#: What the list tells of a category beyond what may be said: taken back without a word.
_TOLD = frozenset({"version", "is_as_packed", "changed_by", "changed_at", "call_count"})


def refused(mistakes: list[Mistake]) -> FormInvalid:
    """The first mistake as an error, the others behind it."""
    rest = "".join(f" {each.field} {each.problem}" for each in mistakes[1:])
    return FormInvalid(field=mistakes[0].field, problem=mistakes[0].problem + rest)
