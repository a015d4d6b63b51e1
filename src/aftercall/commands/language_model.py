"""This file is `aftercall llm`: which language model is asked, and whether it answers."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aftercall.errors import FormInvalid
from aftercall.insight.llm import Tested
from aftercall.jobs.steps import utc_now
from aftercall.store import llm_settings
from aftercall.web import language_models, llm_form
from aftercall.web.llm_form import EnteredLlm
from aftercall.wiring import House

#: Field of the form to the option that sets it.
OPTIONS = {
    "url": "--url", "model": "--model", "mode": "--mode", "timeout_s": "--timeout", "context_tokens": "--context",
    "call_cap": "--call-cap", "day_cap": "--day-cap",
}  # fmt: skip


def stored(house: House) -> EnteredLlm:
    """The form for what is stored."""
    with house.engine.connect() as db:
        return llm_form.of_stored(llm_settings.load(db))


def save(house: House, given: Mapping[str, Any], *, key: str | None) -> None:
    """Store what is given and leave the rest as it is.

    Args:
        key: None keeps the stored one, "" forgets it.
    Raises:
        FormInvalid: a value cannot be used.
    """
    said: dict[str, Any] = {
        name: value if isinstance(value, bool) else str(value) for name, value in given.items() if value is not None
    }
    entered = replace(stored(house), **said, key=key or "", forgets_key=key == "")
    for field, problem in llm_form.problems(entered).items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    language_models.save(house.engine, house.vault, entered)


def test(house: House) -> Tested:
    """Try the stored endpoint, and keep the first mode that works.

    Raises:
        FormInvalid: there is no endpoint yet.
    """
    entered = stored(house)
    for field, problem in llm_form.problems(entered, is_test=True).items():
        raise FormInvalid(field=OPTIONS[field], problem=problem)
    tested = asyncio.run(language_models.test(house.engine, house.vault, entered))
    if tested.mode:
        save(house, {"mode": tested.mode}, key=None)
    return tested


def told(house: House) -> dict[str, object]:
    """The settings, what was used today, and how the model does."""
    return language_models.told(house.engine, utc_now())
