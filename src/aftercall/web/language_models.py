"""This file does for pages, the API and the command line what they do alike with a language model: save, test, tell."""

from datetime import datetime

import sqlalchemy as sa

from aftercall.errors import FormInvalid
from aftercall.insight import llm
from aftercall.insight.llm import Tested
from aftercall.store import generated, llm_settings, shapes
from aftercall.store.vault import Vault
from aftercall.web import llm_form
from aftercall.web.llm_form import EnteredLlm


def require_valid(entered: EnteredLlm, *, is_test: bool = False) -> None:
    """Raises FormInvalid for the first thing that is wrong."""
    for field, problem in llm_form.problems(entered, is_test=is_test).items():
        raise FormInvalid(field=field, problem=problem)


def save(engine: sa.Engine, vault: Vault, entered: EnteredLlm) -> None:
    """Store a form without problems."""
    with engine.begin() as db:
        llm_settings.save(db, llm_form.settings_of(entered), vault, key=entered.new_key)


async def test(engine: sa.Engine, vault: Vault, entered: EnteredLlm) -> Tested:
    """Try an endpoint as it stands in a form without problems, saved or not; a success ends the pause of the stored."""
    wanted = llm_form.settings_of(entered)
    with engine.connect() as db:
        key = entered.new_key if entered.new_key is not None else llm_settings.key_for(db, wanted.url, vault)
        stored = llm_settings.load(db)
    tested = await llm.test(wanted.endpoint(key))
    if tested.mode and (stored.url, stored.model) == (wanted.url, wanted.model):
        with engine.begin() as db:
            generated.count_success(db)
    return tested


def told(engine: sa.Engine, now: datetime) -> dict[str, object]:
    """The settings, what was used today, and how the model does."""
    with engine.connect() as db:
        return shapes.language_model(llm_settings.load(db), generated.used_on(db, now), generated.breaker(db))
