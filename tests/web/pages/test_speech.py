"""Settings > Speech."""

import html
import re

from tests.fixtures.web import Web

from aftercall.store import speech_settings, vocabulary
from aftercall.store.speech_settings import SpeechSettings

ENTERED = {
    "engine": "pocketsphinx", "language": "en", "understood_percent": "25", "unsure_percent": "60",
    "vocabulary": "Kowalczyk\nFuerth Sued\n", "most_alike": "0.9", "surely_apart": "0.85", "smallest_share": "0.1",
    "least_speech_s": "4",
}  # fmt: skip


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _stored(web: Web) -> SpeechSettings:
    with web.engine.connect() as db:
        return speech_settings.load(db)


def test_it_says_what_automatic_means_here(web: Web) -> None:
    page = _text(web.owner().get("/settings/speech").text)
    assert "Automatic: pocketsphinx" in page
    assert "low accuracy" in page


def test_what_is_entered_is_kept(web: Web) -> None:
    browser = web.owner()
    assert browser.post("/settings/speech", data=ENTERED).status_code == 303
    stored = _stored(web)
    assert (stored.engine, stored.language, stored.understood_from) == ("pocketsphinx", "en", 0.25)
    assert (stored.thresholds.most_alike, stored.uses_names) == (0.9, False)
    with web.engine.connect() as db:
        assert [each.phrase for each in vocabulary.every(db)] == ["Fuerth Sued", "Kowalczyk"]
    page = browser.get("/settings/speech").text
    assert "Kowalczyk" in page
    assert 'value="25"' in page


def test_a_rule_is_added_reordered_and_removed(web: Web) -> None:
    browser = web.owner()
    rules = {
        "rule-0-order": "2", "rule-0-direction": "inbound", "rule-0-engine": "pocketsphinx",
        "rule-1-order": "1", "rule-1-extension": "201", "rule-1-language": "en",
    }  # fmt: skip
    browser.post("/settings/speech", data=ENTERED | rules)
    assert [rule.extension for rule in _stored(web).rules] == ["201", ""]
    browser.post("/settings/speech", data=ENTERED | rules | {"rule-1-remove": "on"})
    assert [rule.direction for rule in _stored(web).rules] == ["inbound"]


def test_what_is_wrong_is_said_at_its_field_and_nothing_is_lost(web: Web) -> None:
    before = _stored(web)
    answer = web.owner().post("/settings/speech", data=ENTERED | {"understood_percent": "much", "engine": "parrot"})
    assert answer.status_code == 422
    page = _text(answer.text)
    assert "2 fields need your attention" in page
    assert "parrot is not at hand" in page
    assert "Fuerth Sued" in page
    assert _stored(web) == before


def test_a_learned_word_can_be_forgotten(web: Web) -> None:
    with web.engine.begin() as db:
        vocabulary.add(db, "Zeppelin", source="learned", by="owner", now=web.now)
    browser = web.owner()
    assert "Zeppelin" in browser.get("/settings/speech").text
    browser.post("/settings/speech", data=ENTERED | {"forget-Zeppelin": "on"})
    with web.engine.connect() as db:
        assert "Zeppelin" not in [each.phrase for each in vocabulary.every(db)]


def test_the_settings_of_one_who_may_not_change_them_stay_closed(web: Web) -> None:
    assert web.owner("agent").get("/settings/speech").status_code == 403
