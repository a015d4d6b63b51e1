"""This file is Settings > Speech: which engine, which language, which names, and how sure it must be."""

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from aftercall.speech import plugins
from aftercall.store import pbxs, speech_settings, vocabulary
from aftercall.web import engine_choices, rendering, speech_form
from aftercall.web.display import DIRECTION_WORDS
from aftercall.web.sessions import Administrator, administrator
from aftercall.web.speech_form import SpeechForm

router = APIRouter(prefix="/settings/speech", dependencies=[Depends(administrator)])


@router.get("")
def show(request: Request) -> Response:
    """The form as it is stored."""
    with rendering.parts_of(request).engine.connect() as db:
        stored = speech_settings.load(db)
        typed = [each.phrase for each in vocabulary.every(db) if each.source == "typed"]
    return _page(request, speech_form.filled_in(stored, typed))


@router.post("")
async def save(request: Request, account: Administrator) -> Response:
    """Save everything at once, or say what is wrong and lose nothing."""
    sent = {name: str(value) for name, value in (await request.form()).items()}
    form = speech_form.read(
        sent,
        engines=plugins.available(engine_choices.outfit_of(request)),
        languages=engine_choices.languages(request),
    )
    if form.problems:
        return _page(request, form, status=422)
    parts = rendering.parts_of(request)
    now = parts.clock()
    with parts.engine.begin() as db:
        speech_settings.save(db, speech_form.settings_of(form))
        wanted = {vocabulary.normalised(each) for each in form.phrases}
        for known in vocabulary.every(db):
            is_dropped = known.source == "typed" and known.phrase not in wanted
            if is_dropped or f"forget-{known.phrase}" in sent:
                vocabulary.remove(db, known.phrase)
        for phrase in form.phrases:
            vocabulary.add(db, phrase, source="typed", by=account.name, now=now)
    return RedirectResponse("/settings/speech?saved=yes", status_code=303)


def _page(request: Request, form: SpeechForm, *, status: int = 200) -> Response:
    parts = rendering.parts_of(request)
    outfit = engine_choices.outfit_of(request)
    with parts.engine.connect() as db:
        names = {each.id: each.name for each in pbxs.all_pbxs(db)}
        learned = [each for each in vocabulary.every(db) if each.source == "learned"]
        seen = vocabulary.phrases(db, with_names=True)
    return rendering.page(
        request,
        "settings/speech.html",
        status=status,
        form=form,
        choices=engine_choices.listed(request),
        languages=engine_choices.languages(request),
        best=plugins.best_available(outfit),
        pbx_names=names,
        directions=DIRECTION_WORDS,
        learned=learned,
        names_seen=[each for each in seen if each not in form.phrases],
        blank_rules=speech_form.BLANK_RULES,
        saved="saved" in request.query_params,
    )
