"""This file is /api/v1/language-model and the summaries of calls: settings, a test, generate, cancel."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from aftercall.model import LlmMode
from aftercall.store import shapes
from aftercall.store.llm_settings import LlmSettings
from aftercall.web import language_models, rendering
from aftercall.web.api.calls import MISSING
from aftercall.web.api.models import LanguageModelShape, LanguageModelTest, Problem, WholeCall
from aftercall.web.llm_form import EnteredLlm
from aftercall.web.pages.call import find
from aftercall.web.sessions import Administrator, SignedIn

router = APIRouter(tags=["language model"])
OFF: dict[int | str, dict[str, Any]] = {409: {"model": Problem, "description": "No language model is switched on."}}


class NewLanguageModel(BaseModel):
    """All of Settings > Language model; what is left out gets its usual value."""

    url: Annotated[str, Field(max_length=500)] = ""
    model: Annotated[str, Field(max_length=200)] = ""
    key: Annotated[str | None, Field(max_length=500, description='Null keeps the stored one, "" forgets it.')] = None
    mode: LlmMode = LlmSettings().mode
    timeout_s: Annotated[float | None, Field(description="Null for 120 s on the own network, 60 s elsewhere.")] = None
    context_tokens: int = LlmSettings().context_tokens
    call_cap: int = LlmSettings().call_cap
    day_cap: int = LlmSettings().day_cap
    is_enabled: bool = False

    def entered(self) -> EnteredLlm:
        """As the form would have it."""
        return EnteredLlm(
            url=self.url.strip(),
            model=self.model.strip(),
            key=self.key or "",
            forgets_key=self.key == "",
            mode=self.mode,
            timeout_s="" if self.timeout_s is None else f"{self.timeout_s:g}",
            context_tokens=str(self.context_tokens),
            call_cap=str(self.call_cap),
            day_cap=str(self.day_cap),
            is_enabled=self.is_enabled,
        )


@router.get("/language-model", response_model=LanguageModelShape)
def show(request: Request, _account: Administrator) -> dict[str, Any]:
    """The settings as they are stored, and what was used today."""
    parts = rendering.parts_of(request)
    return language_models.told(parts.engine, parts.clock())


@router.put("/language-model", response_model=LanguageModelShape)
def save(request: Request, account: Administrator, new: NewLanguageModel) -> dict[str, Any]:
    """Save them all at once."""
    parts = rendering.parts_of(request)
    language_models.require_valid(new.entered())
    language_models.save(parts.engine, parts.vault, new.entered())
    return show(request, account)


@router.post("/language-model/test", response_model=LanguageModelTest)
async def test(request: Request, _account: Administrator, new: NewLanguageModel) -> dict[str, Any]:
    """Try these values on an invented call, mode by mode; nothing is saved and nothing of a customer is sent."""
    parts = rendering.parts_of(request)
    language_models.require_valid(new.entered(), is_test=True)
    return shapes.language_model_test(await language_models.test(parts.engine, parts.vault, new.entered()))


@router.post("/calls/{call_id}/generate", status_code=202, response_model=WholeCall, responses=MISSING | OFF)
def generate(request: Request, account: SignedIn, call_id: str) -> dict[str, Any]:
    """Have the language model summarise a call; `generated.state` tells how far it is."""
    find(request, account, call_id)
    rendering.parts_of(request).control.generate(call_id, by=account.name)
    return shapes.whole_call(find(request, account, call_id))


@router.delete("/calls/{call_id}/generate", response_model=WholeCall, responses=MISSING)
def cancel(request: Request, account: SignedIn, call_id: str) -> dict[str, Any]:
    """Stop that, if it waits or is at it."""
    find(request, account, call_id)
    rendering.parts_of(request).control.cancel_generate(call_id)
    return shapes.whole_call(find(request, account, call_id))
