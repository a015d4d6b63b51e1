"""Settings > Language model, and what a call's page shows of it."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.fixtures.language_model import FakeModel
from tests.fixtures.web import Web

from aftercall.errors import LlmBroken, LlmPaused
from aftercall.jobs import generating
from aftercall.model import Generated, GeneratedAction, GeneratedClaim
from aftercall.store import generated, llm_settings, transcripts
from aftercall.store.llm_settings import LlmSettings

ENTERED = {
    "url": "http://127.0.0.1:11434/v1", "model": "fake-8b", "mode": "native", "timeout_s": "", "context_tokens": "8192",
    "call_cap": "20000", "day_cap": "500000", "key": "",
}  # fmt: skip
MADE = Generated(
    summary=(GeneratedClaim(text="The boiler is <script>alert(1)</script> cold.", turns=(0,), start_s=0.0),),
    reason=GeneratedClaim(text="Cold boiler", turns=(1,), start_s=10.0), outcome="follow_up", resolved=False,
    actions=(GeneratedAction(owner="agent", text="[Click](https://evil.example)", due=None, turn=1, start_s=10.0),),
    topics=("heating",), customer_sentiment=-2.0, agent_sentiment=None, evidence=(), language="en", model="fake-8b",
    mode="native", prompt_version="1", dropped_claims=2,
)  # fmt: skip


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _stored(web: Web) -> LlmSettings:
    with web.engine.connect() as db:
        return llm_settings.load(db)


def _switch_on(web: Web, url: str = "http://127.0.0.1:1/v1") -> None:
    with web.engine.begin() as db:
        chosen = LlmSettings(url=url, model="fake-8b", is_enabled=True)
        llm_settings.save(db, chosen, web.house.vault, key="sesame")


# ---- settings -----------------------------------------------------------------------------------------------------


def test_it_is_off_and_says_what_would_be_sent(web: Web) -> None:
    page = web.owner().get("/settings/language-model")
    text = _text(page.text)
    assert "Off: nothing is sent." in text
    assert "The transcript of each new call over 20 seconds" in text
    assert "Numbers of six digits or more and e-mail addresses are taken out before." in text
    assert 'name="is_enabled" checked' not in page.text
    assert web.visitor().get("/settings/language-model").status_code == 303


def test_what_is_entered_is_kept_and_the_key_is_never_shown(web: Web) -> None:
    browser = web.owner()
    answer = browser.post("/settings/language-model", data=ENTERED | {"key": "s3same", "is_enabled": "on"})
    assert answer.status_code == 303
    assert _stored(web) == LlmSettings(url=ENTERED["url"], model="fake-8b", is_enabled=True, has_key=True)
    page = browser.get("/settings/language-model").text
    assert "s3same" not in page
    assert "Calls are sent to http://127.0.0.1:11434/v1." in page
    browser.post("/settings/language-model", data=ENTERED)
    assert _stored(web).has_key
    assert not _stored(web).is_enabled
    browser.post("/settings/language-model", data=ENTERED | {"forgets_key": "on"})
    assert not _stored(web).has_key


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "ollama", "Enter an address"),
        ("url", "ftp://ollama/v1", "Enter an address"),
        ("url", "http://user:pw@ollama/v1", "a key has its own field"),
        ("url", "http://api.example.com/v1", "Use https://"),
        ("model", "", "as the server lists it"),
        ("context_tokens", "100", "from 4,096 to 1,000,000"),
        ("call_cap", "many", "Enter a whole number"),
        ("day_cap", "", "Enter a whole number"),
        ("timeout_s", "2", "Enter 5 to 900 seconds"),
        ("mode", "magic", "Choose one"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(web: Web, field: str, value: str, says: str) -> None:
    answer = web.owner().post("/settings/language-model", data=ENTERED | {"is_enabled": "on", field: value})
    assert answer.status_code == 422
    assert says in _text(answer.text)
    assert _stored(web) == LlmSettings()


def test_the_test_works_with_values_that_are_not_saved(web: Web, language_model: FakeModel) -> None:
    language_model.knows_schemas = False
    entered = ENTERED | {"url": language_model.url, "key": "typed"}
    answer = web.owner().post("/settings/language-model/test", data=entered)
    assert "It works in the mode “prompted”" in _text(answer.text)
    assert '<option value="prompted" selected>' in answer.text
    assert 'hx-swap-oob="true"' in answer.text
    assert set(language_model.keys) == {"Bearer typed"}
    assert _stored(web) == LlmSettings()


def test_the_test_says_what_is_wrong_and_how_to_mend_it(web: Web, language_model: FakeModel) -> None:
    language_model.answers = [(401, "no")]
    text = _text(web.owner().post("/settings/language-model/test", data=ENTERED | {"url": language_model.url}).text)
    assert "The key was refused by 127.0.0.1" in text
    assert "Enter a valid key" in text
    answer = web.owner().post("/settings/language-model/test", data=ENTERED | {"model": ""})
    assert answer.status_code == 422


def test_the_stored_key_is_not_tried_at_another_server(web: Web, language_model: FakeModel) -> None:
    _switch_on(web)
    web.owner().post("/settings/language-model/test", data=ENTERED | {"url": language_model.url})
    assert set(language_model.keys) == {"Bearer none"}
    _switch_on(web, language_model.url)
    language_model.keys.clear()
    web.owner().post("/settings/language-model/test", data=ENTERED | {"url": language_model.url})
    assert set(language_model.keys) == {"Bearer sesame"}


def test_a_test_that_works_ends_the_pause(web: Web, language_model: FakeModel) -> None:
    _switch_on(web, language_model.url)
    with web.engine.begin() as db:
        for _ in range(5):
            generated.count_failure(db, LlmBroken(host="h", detail="d"), web.now)
        generated.add_usage(db, web.now, tokens=12345, requests=3)
    text = _text(web.owner().get("/settings/language-model").text)
    assert "Paused until 12:10 UTC." in text
    assert "12,345 tokens in 3 requests" in text
    web.owner().post("/settings/language-model/test", data=ENTERED | {"url": language_model.url})
    assert "Paused" not in web.owner().get("/settings/language-model").text


# ---- a call -------------------------------------------------------------------------------------------------------


@pytest.fixture
def done(web: Web) -> str:
    call_id = web.add_call()
    web.finish(call_id, "good morning", "my boiler is cold")
    return call_id


def _keep(web: Web, call_id: str, **changed: Any) -> None:
    made = replace(MADE, **changed)
    with web.engine.begin() as db:
        attempt = generated.ask(db, call_id, by="owner", now=web.now)
        transcript = transcripts.of_call(db, call_id)
        assert transcript is not None
        assert attempt is not None
        key = generating.llm_prompt.cache_key(made.model, generating.said(transcript))
        generated.put(db, call_id, attempt, made, key=key, tokens=800, now=web.now)


def test_nothing_is_shown_while_it_is_off(web: Web, done: str) -> None:
    assert "Generated summary" not in web.owner().get(f"/calls/{done}").text
    assert web.owner().post(f"/calls/{done}/generate").status_code == 409


def test_the_summary_is_labelled_and_each_sentence_leads_to_its_second(web: Web, done: str) -> None:
    _switch_on(web)
    _keep(web, done)
    page = web.owner().get(f"/calls/{done}").text
    text = _text(page)
    assert "Generated by fake-8b." in text
    assert "Outcome follow up, not settled" in text
    assert "2 claims were left out because the transcript does not bear them." in text
    assert re.search(r'Cold boiler <button type="button" class="turn-time" data-seek="10.00"', page)
    assert f'action="/calls/{done}/generate"' not in page


def test_what_the_model_wrote_is_never_markup(web: Web, done: str) -> None:
    _keep(web, done)
    page = web.owner().get(f"/calls/{done}").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert 'href="https://evil.example' not in page


def test_a_changed_transcript_makes_it_outdated(web: Web, done: str) -> None:
    _switch_on(web)
    _keep(web, done)
    with web.engine.begin() as db:
        transcript = transcripts.of_call(db, done)
        assert transcript is not None
        turns = (replace(transcript.turns[0], text="good evening"), *transcript.turns[1:])
        transcripts.change(db, done, replace(transcript, turns=turns))
    page = web.owner().get(f"/calls/{done}").text
    assert "outdated" in page
    assert "Generate again" in page


def test_a_caller_who_speaks_to_the_model_is_pointed_at(web: Web, done: str) -> None:
    _keep(web, done, suspicious_turns=(1,), is_unverified=True)
    page = web.owner().get(f"/calls/{done}").text
    assert "Somebody in this call speaks to the model" in page
    assert 'href="#turn-1"' in page


def test_generate_waits_its_turn_and_can_be_cancelled(web: Web, done: str) -> None:
    _switch_on(web)
    browser = web.owner()
    assert "Generate</button>" in browser.get(f"/calls/{done}").text
    assert browser.post(f"/calls/{done}/generate").status_code == 303
    assert "Waits for the model." in browser.get(f"/calls/{done}").text
    assert "generate:" + done + ":0" in web.house.jobs.waiting_ids()
    assert browser.post(f"/calls/{done}/generate/cancel").status_code == 303
    page = browser.get(f"/calls/{done}").text
    assert "Cancelled." in page
    assert "Generate</button>" in page
    assert browser.post("/calls/nothing/generate").status_code == 404


def test_why_there_is_no_summary_is_said_with_the_fix(web: Web, done: str) -> None:
    error = LlmPaused(until="12:10", failures=5, last="The server is down.")
    with web.engine.begin() as db:
        attempt = generated.ask(db, done, by="", now=web.now + timedelta(seconds=1))
        assert attempt is not None
        generated.fail(db, done, attempt, error, web.now)
    text = _text(web.owner().get(f"/calls/{done}").text)
    assert "Summary unavailable: Summaries are paused until 12:10 UTC." in text
    assert error.fix in text


# ---- the API ------------------------------------------------------------------------------------------------------


def _program(web: Web) -> Any:
    client = web.visitor()
    client.headers["Authorization"] = f"Bearer {web.token()}"
    return client


def test_the_api_keeps_the_settings_and_never_gives_the_key(web: Web) -> None:
    program = _program(web)
    new = {"url": "http://ollama:11434/v1/", "model": "fake-8b", "key": "s3same", "is_enabled": True, "day_cap": 9000}
    answer = program.put("/api/v1/language-model", json=new)
    assert answer.status_code == 200
    assert (answer.json()["url"], answer.json()["has_key"]) == ("http://ollama:11434/v1", True)
    assert "s3same" not in answer.text
    assert program.get("/api/v1/language-model").json() == answer.json()
    refused = program.put("/api/v1/language-model", json=new | {"call_cap": 1})
    assert (refused.status_code, refused.json()["code"]) == (422, "form-invalid")


def test_the_api_tests_an_endpoint(web: Web, language_model: FakeModel) -> None:
    wanted = {"url": language_model.url, "model": "fake-8b"}
    answer = _program(web).post("/api/v1/language-model/test", json=wanted).json()
    assert (answer["mode"], answer["failures"]) == ("native", [])
    language_model.answers = [(401, "no")]
    answer = _program(web).post("/api/v1/language-model/test", json=wanted).json()
    assert (answer["mode"], answer["failures"][0]["error"]["code"]) == (None, "llm-sign-in-refused")


def test_the_api_generates_cancels_and_shows_what_was_written(web: Web, done: str) -> None:
    program = _program(web)
    assert program.get(f"/api/v1/calls/{done}").json()["generated"] is None
    assert program.post(f"/api/v1/calls/{done}/generate").json()["code"] == "llm-off"
    _switch_on(web)
    answer = program.post(f"/api/v1/calls/{done}/generate")
    assert (answer.status_code, answer.json()["generated"]["state"]) == (202, "queued")
    assert program.delete(f"/api/v1/calls/{done}/generate").json()["generated"]["state"] == "cancelled"
    _keep(web, done)
    shown = program.get(f"/api/v1/calls/{done}").json()["generated"]
    assert (shown["state"], shown["written"]["outcome"], shown["written"]["model"]) == ("done", "follow_up", "fake-8b")
    assert shown["written"]["summary"][0]["turns"] == [0]
    assert shown["written"]["dropped_claims"] == 2
