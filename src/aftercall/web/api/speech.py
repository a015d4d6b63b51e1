"""This file is /api/v1/speech-settings: which engine, which language, which rules, and how sure it must be."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.errors import FormInvalid
from aftercall.speech import plugins
from aftercall.speech.choosing import SpeechRule
from aftercall.speech.speakers import SpeakerThresholds
from aftercall.store import shapes, speech_settings
from aftercall.store.speech_settings import SpeechSettings
from aftercall.web import engine_choices, rendering, speech_form
from aftercall.web.api.models import SpeechSettingsShape
from aftercall.web.sessions import Administrator

router = APIRouter(tags=["speech"])


class NewRule(BaseModel):
    """Which calls, and what is used for them; "" leaves a thing open."""

    pbx_id: str = ""
    direction: str = ""
    queue_or_group: Annotated[str, Field(max_length=160)] = ""
    extension: Annotated[str, Field(max_length=160)] = ""
    spoken: Annotated[str, Field(max_length=20, description="BCP 47; what the call was heard to be in before.")] = ""
    engine: Annotated[str, Field(max_length=160)] = ""
    language: Annotated[str, Field(max_length=20)] = ""


class NewThresholds(BaseModel):
    """When two voices count as two."""

    most_alike: float = SpeakerThresholds().most_alike
    surely_apart: float = SpeakerThresholds().surely_apart
    smallest_share: float = SpeakerThresholds().smallest_share
    least_speech_s: float = SpeakerThresholds().least_speech_s


class NewSettings(BaseModel):
    """All of Settings > Speech but the vocabulary; what is left out gets its usual value."""

    engine: Annotated[str, Field(description="`auto`, `ENGINE` or `ENGINE/MODEL`.")] = plugins.AUTO
    language: Annotated[str | None, Field(description="BCP 47; null to find it out.")] = None
    rules: Annotated[list[NewRule], Field(max_length=speech_form.MOST_RULES)] = []
    understood_from: Annotated[float | None, Field(ge=0, le=1)] = SpeechSettings().understood_from
    unsure_below: Annotated[float, Field(ge=0, le=1)] = SpeechSettings().unsure_below
    uses_names: bool = True
    thresholds: NewThresholds = NewThresholds()


@router.get("/speech-settings", response_model=SpeechSettingsShape)
def show(request: Request, _account: Administrator) -> dict[str, Any]:
    """As they are stored."""
    with rendering.parts_of(request).engine.connect() as db:
        return shapes.speech(speech_settings.load(db))


@router.put("/speech-settings", response_model=SpeechSettingsShape)
def save(request: Request, account: Administrator, new: NewSettings) -> dict[str, Any]:
    """Save them all at once; they count for calls that come in from now on."""
    wanted = SpeechSettings(
        engine=new.engine,
        language=new.language,
        rules=tuple(SpeechRule(**each.model_dump()) for each in new.rules),
        understood_from=new.understood_from,
        unsure_below=new.unsure_below,
        thresholds=SpeakerThresholds(**new.thresholds.model_dump()),
        uses_names=new.uses_names,
    )
    form = speech_form.checked(
        speech_form.filled_in(wanted, ()),
        engines=plugins.available(engine_choices.outfit_of(request)),
        languages=engine_choices.languages(request),
    )
    for field, problem in form.problems.items():
        raise FormInvalid(field=field, problem=problem)
    with rendering.parts_of(request).engine.begin() as db:
        speech_settings.save(db, wanted)
    return show(request, account)
