"""This file offers the speech engines at hand in a form, each with what it is good for, and reads what was chosen."""

from dataclasses import dataclass

from starlette.requests import Request

from aftercall.errors import FormInvalid
from aftercall.speech import plugins
from aftercall.speech.engine import Outfit, covers
from aftercall.store import remote_service
from aftercall.web import rendering


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """One engine, or one model of it, to choose."""

    #: As `speech.plugins` has it.
    value: str
    engine: str
    model: str
    languages: tuple[str, ...]
    is_low_accuracy: bool


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was chosen; None for what the settings say."""

    engine: str | None
    language: str | None


def outfit_of(request: Request) -> Outfit:
    """What the engines of this installation have; enough to choose one, no page transcribes."""
    parts = rendering.parts_of(request)
    with parts.engine.connect() as db:
        remote = remote_service.described(db)
    return Outfit(models=parts.settings.models_folder, remote=remote)


def listed(request: Request) -> list[EngineChoice]:
    """The engines at hand, best first."""
    outfit = outfit_of(request)
    found = []
    for choice in plugins.available(outfit):
        engine = plugins.load(choice, outfit)
        found.append(
            EngineChoice(
                value=choice,
                engine=engine.name,
                model=engine.model,
                languages=engine.languages,
                is_low_accuracy=engine.is_low_accuracy,
            )
        )
    return found


def languages(request: Request) -> list[str]:
    """Every language that one of the engines at hand knows."""
    return sorted({tag for each in listed(request) for tag in each.languages})


def read(request: Request, engine: str, language: str) -> Wish:
    """Read a form's choice; "" and `auto` leave it to the settings.

    Raises:
        FormInvalid: there is no such engine, or it does not know the language.
    """
    chosen = None if engine in {"", plugins.AUTO} else engine
    if chosen and chosen not in plugins.available(outfit_of(request)):
        raise FormInvalid(field="Engine", problem=f"{chosen} is not at hand. Open the page again and choose another.")
    if chosen and language and not covers(plugins.load(chosen, outfit_of(request)), language):
        raise FormInvalid(field="Language", problem=f"{chosen} does not know {language}. Choose another engine.")
    return Wish(engine=chosen, language=language or None)
