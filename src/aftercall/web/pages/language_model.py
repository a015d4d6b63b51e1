"""This file is Settings > Language model: where calls are sent for a summary, how much that may cost, and a test."""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.insight.llm import MODES
from aftercall.store import generated, llm_settings
from aftercall.web import language_models, llm_form, rendering
from aftercall.web.llm_form import EnteredLlm
from aftercall.web.sessions import administrator

router = APIRouter(prefix="/settings/language-model", dependencies=[Depends(administrator)])


@router.get("")
def show(request: Request) -> Response:
    """The form as it is stored."""
    with rendering.parts_of(request).engine.connect() as db:
        stored = llm_settings.load(db)
    return _page(request, llm_form.of_stored(stored))


@router.post("")
async def save(request: Request) -> Response:
    """Save everything at once, or say what is wrong and lose nothing."""
    entered = await _entered(request)
    if problems := llm_form.problems(entered):
        return _page(request, entered, problems=problems)
    parts = rendering.parts_of(request)
    language_models.save(parts.engine, parts.vault, entered)
    return RedirectResponse("/settings/language-model?saved=yes", status_code=303)


@router.post("/test")
async def test(request: Request) -> Response:
    """Try the values as they stand in the form, saved or not; a piece of the page."""
    entered = await _entered(request)
    parts = rendering.parts_of(request)
    problems = llm_form.problems(entered, is_test=True)
    tested = None if problems else await language_models.test(parts.engine, parts.vault, entered)
    return rendering.page(
        request,
        "settings/language_model_tested.html",
        status=422 if problems else 200,
        problems=problems,
        tested=tested,
        entered=entered,
        modes=MODES,
    )


async def _entered(request: Request) -> EnteredLlm:
    return llm_form.read({name: str(value) for name, value in (await request.form()).items()})


def _page(request: Request, entered: EnteredLlm, *, problems: dict[str, str] | None = None) -> Response:
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        stored = llm_settings.load(db)
        used = generated.used_on(db, parts.clock())
        rest = generated.breaker(db)
    is_paused = rest.paused_until is not None and rest.paused_until > parts.clock()
    return rendering.page(
        request,
        "settings/language_model.html",
        status=422 if problems else 200,
        entered=entered,
        problems=problems or {},
        stored=stored,
        used=used,
        rest=rest if is_paused else None,
        modes=MODES,
        saved="saved" in request.query_params,
    )
