"""What is remembered of language models: settings with a sealed key, what they wrote, what they used."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from tests.fixtures.store import NOW

from aftercall.errors import LlmBroken
from aftercall.model import Generated, GeneratedClaim
from aftercall.store import choices, generated, llm_settings
from aftercall.store.llm_settings import LlmSettings
from aftercall.store.vault import Vault

MADE = Generated(
    summary=(GeneratedClaim(text="It was cold.", turns=(1,), start_s=4.0),), reason=None, outcome="other",
    resolved=None, actions=(), topics=("heating",), customer_sentiment=-1.0, agent_sentiment=None, evidence=(),
    language="en", model="fake-8b", mode="tools", prompt_version="1",
)  # fmt: skip
CHOSEN = LlmSettings(url="http://127.0.0.1:11434/v1", model="fake-8b", is_enabled=True)


def test_it_is_off_until_somebody_switches_it_on(engine: sa.Engine, vault: Vault) -> None:
    with engine.begin() as db:
        assert llm_settings.endpoint(db, vault) is None
        llm_settings.save(db, replace(CHOSEN, is_enabled=False), vault, key="sesame")
        assert llm_settings.endpoint(db, vault) is None
        llm_settings.save(db, CHOSEN, vault, key=None)
        endpoint = llm_settings.endpoint(db, vault)
    assert endpoint is not None
    assert (endpoint.url, endpoint.key, endpoint.timeout_s) == (CHOSEN.url, "sesame", 120.0)


def test_the_key_is_sealed_and_never_goes_to_another_server(engine: sa.Engine, vault: Vault) -> None:
    with engine.begin() as db:
        llm_settings.save(db, CHOSEN, vault, key="sesame")
        assert "sesame" not in str(choices.get(db, "llm"))
        assert llm_settings.key_for(db, "http://127.0.0.1:11434/other", vault) == "sesame"
        assert llm_settings.key_for(db, "https://elsewhere.example/v1", vault) == ""
        llm_settings.save(db, replace(CHOSEN, url="https://elsewhere.example/v1"), vault, key=None)
        assert not llm_settings.load(db).has_key
        endpoint = llm_settings.endpoint(db, vault)
    assert endpoint is not None
    assert (endpoint.key, endpoint.timeout_s) == ("", 60.0)


def test_only_the_newest_attempt_may_write(engine: sa.Engine, add_calls: Callable[..., list[str]]) -> None:
    (call_id,) = add_calls(1)
    with engine.begin() as db:
        assert generated.ask(db, call_id, by="", now=NOW) == 0
        assert generated.ask(db, call_id, by="owner", now=NOW) is None
        assert generated.begin(db, call_id, 0, NOW)
        assert generated.put(db, call_id, 0, MADE, key="k", tokens=800, now=NOW)
        assert not generated.put(db, call_id, 0, MADE, key="k", tokens=800, now=NOW)
        assert generated.ask(db, call_id, by="owner", now=NOW) == 1
        assert not generated.begin(db, call_id, 0, NOW)
        generated.fail(db, call_id, 1, LlmBroken(host="h", detail="d"), NOW, tokens=5)
        record = generated.of_call(db, call_id)
        assert generated.by_key(db, "k") == MADE
        assert generated.by_key(db, "another") is None
    assert record is not None
    assert (record.state, record.made, record.tokens, record.asked_by) == ("failed", MADE, 805, "owner")
    assert record.error is not None
    assert record.error.code == "llm-broken"


def test_what_is_cancelled_is_not_wanted(engine: sa.Engine, add_calls: Callable[..., list[str]]) -> None:
    (call_id,) = add_calls(1)
    with engine.begin() as db:
        generated.ask(db, call_id, by="", now=NOW)
        generated.begin(db, call_id, 0, NOW)
        assert generated.is_wanted(db, call_id, 0)
        assert generated.cancel(db, call_id, NOW)
        assert not generated.is_wanted(db, call_id, 0)
        assert not generated.cancel(db, call_id, NOW)
        assert generated.unfinished(db) == []


def test_use_is_counted_by_day(engine: sa.Engine) -> None:
    with engine.begin() as db:
        for _ in range(2):
            generated.add_usage(db, NOW, tokens=800, requests=1)
        assert generated.used_on(db, NOW) == generated.Usage(tokens=1600, requests=2)
        assert generated.used_on(db, NOW + timedelta(days=1)) == generated.Usage()


def test_five_failures_in_a_row_make_a_pause_and_a_success_ends_it(engine: sa.Engine) -> None:
    error = LlmBroken(host="h", detail="d")
    with engine.begin() as db:
        for _ in range(4):
            generated.count_failure(db, error, NOW)
        assert generated.breaker(db).paused_until is None
        generated.count_failure(db, error, NOW)
        assert generated.breaker(db).paused_until == NOW + timedelta(minutes=10)
        generated.count_success(db)
        assert generated.breaker(db) == generated.Breaker()
