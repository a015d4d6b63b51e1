"""Settings > Speech, by the API."""

from tests.fixtures.web import Web

from aftercall.store import speech_settings

WANTED = {
    "engine": "pocketsphinx",
    "language": "en",
    "rules": [{"direction": "inbound", "engine": "pocketsphinx"}],
    "understood_from": 0.25,
    "unsure_below": 0.6,
    "uses_names": False,
    "thresholds": {"most_alike": 0.9, "surely_apart": 0.85, "smallest_share": 0.1, "least_speech_s": 4},
}


def test_what_is_put_is_kept_and_shown(web: Web) -> None:
    client = web.owner()
    saved = client.put("/api/v1/speech-settings", json=WANTED)
    assert saved.status_code == 200
    shown = client.get("/api/v1/speech-settings").json()
    assert shown == saved.json()
    assert shown["rules"][0]["direction"] == "inbound"
    with web.engine.connect() as db:
        stored = speech_settings.load(db)
    assert (stored.engine, stored.understood_from, stored.thresholds.most_alike) == ("pocketsphinx", 0.25, 0.9)


def test_an_engine_that_is_not_at_hand_is_refused_and_nothing_is_changed(web: Web) -> None:
    client = web.owner()
    before = client.get("/api/v1/speech-settings").json()
    for wrong in ({"engine": "parrot"}, {"rules": [{"engine": "parrot"}]}, {"language": "xx"}):
        answer = client.put("/api/v1/speech-settings", json=WANTED | wrong)
        assert answer.status_code == 422
        assert "parrot" in answer.text or "language" in answer.text
    assert client.put("/api/v1/speech-settings", json=WANTED | {"unsure_below": 7}).status_code == 422
    assert client.get("/api/v1/speech-settings").json() == before
