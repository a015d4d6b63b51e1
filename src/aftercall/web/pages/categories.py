"""This file is Settings > Categories: the list, the editor with its preview, and applying to past calls."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.errors import NotFound
from aftercall.insight import category_files
from aftercall.insight.category_rules import COLOURS, NUMBER_FACTS, NUMBER_OPS, TEXT_FACTS, TEXT_OPS, Mistake
from aftercall.insight.figures import BASIC
from aftercall.jobs.category_control import PreviewRun
from aftercall.store import calls, categories, category_runs
from aftercall.web import category_chart, category_form, list_query, rendering
from aftercall.web.category_form import EditorForm
from aftercall.web.pages.exports import attachment
from aftercall.web.sessions import Administrator, administrator

router = APIRouter(prefix="/settings/categories", dependencies=[Depends(administrator)])
LIST = "/settings/categories"


@router.get("")
def show(request: Request) -> Response:
    """Every category, with how many calls it holds."""
    return _list(request)


@router.get("/export")
def export(request: Request) -> Response:
    """All categories as one YAML file."""
    with rendering.parts_of(request).engine.connect() as db:
        text = category_files.dumps([each.category for each in categories.every(db)])
    headers = {"Content-Disposition": attachment("categories.yaml")}
    return Response(text, media_type="application/yaml", headers=headers)


@router.post("/import")
async def import_(request: Request, account: Administrator) -> Response:
    """Bring categories in from YAML; one with a known id takes its place. All or nothing."""
    async with request.form() as form:
        text, file = str(form.get("yaml", "")), form.get("file")
        if isinstance(file, UploadFile) and file.size:
            text = (await file.read(category_files.LARGEST_TEXT + 1)).decode("utf-8", "replace")
    made, mistakes = category_files.loads(text)
    if mistakes:
        return _list(request, mistakes=mistakes, text=text, status=422)
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        for each in made:
            categories.put(db, each, by=account.name, now=parts.clock())
    return RedirectResponse(f"{LIST}?imported={len(made)}", status_code=303)


# ---- the editor -------------------------------------------------------------------------------------------------


@router.get("/new")
def new(request: Request, pack: str = "") -> Response:
    """The editor with a ready pack, or with something to begin with."""
    found = next((each for each in category_files.packs() if each.id == pack), None)
    text = category_files.dumps_one(found) if found else category_form.STARTER
    return _editor(request, category_form.checked(text))


@router.get("/{category_id}")
def edit(request: Request, category_id: str) -> Response:
    """The editor with a stored category."""
    with rendering.parts_of(request).engine.connect() as db:
        stored = categories.get(db, category_id)
    if stored is None:
        raise NotFound(thing="such category")
    return _editor(request, category_form.checked(category_files.dumps_one(stored.category)))


@router.post("/editor")
async def use_editor(request: Request, account: Administrator) -> Response:
    """Add a condition, preview, or save; nothing that was written is lost."""
    sent = {name: str(value) for name, value in (await request.form()).items()}
    text = sent.get("yaml", "")
    parts = rendering.parts_of(request)
    if sent.get("do") == "add":
        form = category_form.with_condition(text, sent)
        return _editor(request, form, status=422 if form.mistakes or form.added_mistakes else 200)
    form = category_form.checked(text)
    if form.category is None:
        return _editor(request, form, status=422)
    if sent.get("do") == "preview":
        return _editor(request, form, preview=parts.control.categories.preview(form.category))
    with parts.engine.begin() as db:
        categories.put(db, form.category, by=account.name, now=parts.clock())
    return RedirectResponse(f"{LIST}?saved={form.category.id}", status_code=303)


@router.get("/previews/{preview_id}")
def show_preview(request: Request, preview_id: str) -> Response:
    """How far a preview is, or what it found."""
    return rendering.page(request, "categories/preview.html", **_preview(request, preview_id))


@router.post("/previews/{preview_id}/stop")
def stop_preview(request: Request, preview_id: str) -> Response:
    """Look no further."""
    found = rendering.parts_of(request).control.categories.preview_of(preview_id)
    found.stop()
    found.wait(5)
    return rendering.page(request, "categories/preview.html", **_preview(request, preview_id))


# ---- one category, and the past ---------------------------------------------------------------------------------


@router.post("/{category_id}/switch")
def switch(
    request: Request, account: Administrator, category_id: str, is_on: Annotated[str, Form(max_length=3)]
) -> Response:
    """Switch a category on or off for calls that come in from now on."""
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        if not categories.switch(db, category_id, is_enabled=is_on == "yes", by=account.name, now=parts.clock()):
            raise NotFound(thing="such category")
    return RedirectResponse(LIST, status_code=303)


@router.post("/{category_id}/restore")
def restore(request: Request, account: Administrator, category_id: str) -> Response:
    """Make a category again what its ready pack says."""
    parts = rendering.parts_of(request)
    with parts.engine.begin() as db:
        stored = categories.get(db, category_id)
        pack = categories.pack_of(stored.category) if stored else None
        if pack is None:
            raise NotFound(thing="ready pack for this category")
        categories.put(db, pack, by=account.name, now=parts.clock())
    return RedirectResponse(f"{LIST}?saved={category_id}", status_code=303)


@router.post("/{category_id}/delete")
def delete(request: Request, category_id: str) -> Response:
    """Delete a category, from the calls too."""
    with rendering.parts_of(request).engine.begin() as db:
        if not categories.remove(db, category_id):
            raise NotFound(thing="such category")
    return RedirectResponse(LIST, status_code=303)


@router.post("/apply")
def apply(request: Request, account: Administrator, category: Annotated[str, Form(max_length=60)] = "") -> Response:
    """Apply one category, or all of them, to every call there is."""
    rendering.parts_of(request).control.categories.apply(category or None, by=account.name)
    return RedirectResponse(f"{LIST}#applying", status_code=303)


@router.get("/runs/{run_id}")
def show_run(request: Request, run_id: str) -> Response:
    """How far the applying is, as a piece of the page."""
    with rendering.parts_of(request).engine.connect() as db:
        run = category_runs.get(db, run_id)
        known = categories.names(db)
    if run is None:
        raise NotFound(thing="such run")
    return rendering.page(request, "categories/run.html", run=run, category_names=known)


@router.post("/runs/{run_id}/stop")
def stop_run(request: Request, run_id: str) -> Response:
    """Apply no further; what is done stays."""
    rendering.parts_of(request).control.categories.stop(run_id)
    return RedirectResponse(f"{LIST}#applying", status_code=303)


def _list(request: Request, *, mistakes: list[Mistake] | None = None, text: str = "", status: int = 200) -> Response:
    parts = rendering.parts_of(request)
    # The same days as the list shows behind the count.
    wanted = list_query.read({"when": "30d"})
    with parts.engine.connect() as db:
        every = categories.every(db)
        since = wanted.wanted(parts.clock(), calls.newest_utc_offset_min(db)).since
        counts = categories.counts(db, since=since)
        run = category_runs.newest(db)
    known = {each.category.id for each in every}
    return rendering.page(
        request,
        "categories/all.html",
        status=status,
        every=every,
        counts=counts,
        run=run,
        category_names={each.category.id: each.category.name for each in every},
        missing_packs=[each for each in category_files.packs() if each.id not in known],
        mistakes=mistakes or [],
        text=text,
        saved=_saved(request, known),
        imported=request.query_params.get("imported", ""),
    )


def _saved(request: Request, known: set[str]) -> str:
    """The id of the category that was just saved, "" if none was."""
    saved = request.query_params.get("saved", "")
    return saved if saved in known else ""


def _editor(request: Request, form: EditorForm, *, preview: PreviewRun | None = None, status: int = 200) -> Response:
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        stored = categories.get(db, form.category.id) if form.category else None
    shown = _preview(request, preview.id) if preview else {"preview": None}
    return rendering.page(
        request,
        "categories/editor.html",
        status=status,
        form=form,
        stored=stored,
        kinds=category_form.KINDS,
        windows=category_form.WINDOWS,
        colours=COLOURS,
        facts=(*TEXT_FACTS, *NUMBER_FACTS),
        ops=tuple(dict.fromkeys((*NUMBER_OPS, *TEXT_OPS))),
        figures=BASIC,
        **shown,
    )


def _preview(request: Request, preview_id: str) -> dict[str, Any]:
    """What the piece of the page that shows a preview needs."""
    parts = rendering.parts_of(request)
    run = parts.control.categories.preview_of(preview_id)
    # A quick one is shown at once.
    run.wait(0.3)
    found = run.found
    samples = [*found.samples, *found.added, *found.removed] if found else []
    with parts.engine.connect() as db:
        rows = {row.id: row for row in calls.rows_by_id(db, [each.call_id for each in samples])} if samples else {}
    return {
        "preview": run,
        "found": found,
        "rows": rows,
        "chart": category_chart.chart(found.days) if found else None,
    }
