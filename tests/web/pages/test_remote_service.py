"""Settings > Speech > Remote service: name one, try it, save it, take it away; by page and by API."""

import html
import re

import pytest
from cryptography.fernet import Fernet
from tests.fixtures.speech_service import SpeechService, words_over
from tests.fixtures.web import Web

from aftercall.store import choices, remote_service
from aftercall.store.vault import Vault

ADDRESS = "/settings/speech/remote"


def _text(page: str) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)))


def _entered(service: SpeechService, **changes: str) -> dict[str, str]:
    usual = {
        "url": service.url,
        "model": "whisper-1",
        "key": "open-sesame",
        "timeout_s": "300",
        "upload_limit_mb": "25",
    }
    return usual | changes


def test_it_is_off_at_first(web: Web) -> None:
    browser = web.owner()
    assert browser.get("/api/v1/speech-settings/remote").json() is None
    assert "remote" not in browser.get("/settings/speech").text.partition("Engines at hand")[2].partition("</ul>")[0]


def test_a_saved_service_can_be_chosen_and_its_key_is_sealed_and_never_shown(
    web: Web, speech_service: SpeechService
) -> None:
    browser = web.owner()
    assert browser.post(ADDRESS, data=_entered(speech_service)).status_code == 303
    page = browser.get(ADDRESS).text
    assert speech_service.url in page
    assert "open-sesame" not in page
    assert "A key is stored" in page
    assert '<option value="remote"' in browser.get("/settings/speech").text
    with web.engine.connect() as db:
        assert "open-sesame" not in str(choices.get(db, "remote service"))
        loaded = remote_service.load(db, web.house.vault)
    assert loaded is not None
    assert loaded.key == "open-sesame"
    shown = browser.get("/api/v1/speech-settings/remote").json()
    assert shown["has_key"]
    assert "key" not in shown


def test_an_empty_key_keeps_the_stored_one_for_the_same_host_only(web: Web, speech_service: SpeechService) -> None:
    browser = web.owner()
    browser.post(ADDRESS, data=_entered(speech_service))
    browser.post(ADDRESS, data=_entered(speech_service, key="", model="other"))
    browser.post(f"{ADDRESS}/test", data=_entered(speech_service, key=""))
    assert speech_service.asked[-1].authorization == "Bearer open-sesame"
    elsewhere = speech_service.url.replace("127.0.0.1", "localhost")
    browser.post(f"{ADDRESS}/test", data=_entered(speech_service, key="", url=elsewhere))
    assert speech_service.asked[-1].authorization == ""


def test_a_stored_key_is_not_sent_over_plain_http_to_a_server_that_had_tls(
    web: Web, speech_service: SpeechService
) -> None:
    browser = web.owner()
    browser.post(ADDRESS, data=_entered(speech_service, url=speech_service.url.replace("http:", "https:")))
    browser.post(f"{ADDRESS}/test", data=_entered(speech_service, key=""))
    assert speech_service.asked[-1].authorization == ""


def test_a_key_that_cannot_be_read_harms_no_other_page_and_can_be_entered_again(
    web: Web, speech_service: SpeechService
) -> None:
    browser, other = web.owner(), Vault([Fernet.generate_key()])
    with web.engine.begin() as db:
        remote_service.save(db, other, speech_service.remote())
    assert browser.get("/settings/speech").status_code == 200
    page = browser.get(ADDRESS)
    assert page.status_code == 200
    assert "cannot be decrypted" in page.text
    assert "Settings &gt; Speech &gt; Remote service" in page.text
    browser.post(ADDRESS, data=_entered(speech_service))
    assert "cannot be decrypted" not in browser.get(ADDRESS).text


def test_it_says_where_the_audio_goes_and_what_is_sent(web: Web, speech_service: SpeechService) -> None:
    browser = web.owner()
    assert "Audio leaves this installation for every call" in _text(browser.get(ADDRESS).text)
    browser.post(ADDRESS, data=_entered(speech_service))
    page = _text(browser.get(ADDRESS).text)
    assert f"Audio leaves this installation to 127.0.0.1:{speech_service.port} for every call" in page
    assert "with the names of colleagues and queues" in page


def test_the_test_uses_what_was_entered_and_saves_nothing(web: Web, speech_service: SpeechService) -> None:
    speech_service.says({"text": "Good morning.", "words": words_over(3.0, "Good", "morning.")})
    page = web.owner().post(f"{ADDRESS}/test", data=_entered(speech_service)).text
    assert "heard as “Good morning.”" in _text(page)
    assert "words with times (verbose_json)" in page
    assert "Each word comes with its time" in page
    assert 3.0 < speech_service.asked[0].length_s < 4.0
    with web.engine.connect() as db:
        assert remote_service.load(db, web.house.vault) is None


def test_a_service_without_word_times_is_said_to_be_estimated(web: Web, speech_service: SpeechService) -> None:
    speech_service.says({"text": "Good morning."})
    page = web.owner().post(f"{ADDRESS}/test", data=_entered(speech_service)).text
    assert "no times for words" in page
    assert "estimated" in page


def test_a_failing_test_says_why_and_keeps_what_was_entered(web: Web, speech_service: SpeechService) -> None:
    speech_service.says({"error": {"message": "Incorrect API key"}}, 401)
    page = web.owner().post(f"{ADDRESS}/test", data=_entered(speech_service, model="mine")).text
    assert "Incorrect API key" in page
    assert "Enter a valid key" in page
    assert 'value="mine"' in page


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("url", "192.0.2.7:8000", "as far as /v1"),
        ("url", "ftp://192.0.2.7/v1", "as far as /v1"),
        ("url", "http://[::1/v1", "as far as /v1"),
        ("url", "http://me:secret@192.0.2.7/v1", "its own field"),
        ("url", "http://192.0.2.7/v1?key=secret", "its own field"),
        ("model", "", "name of the model"),
        ("timeout_s", "soon", "from 1 to 3600"),
        ("timeout_s", "nan", "from 1 to 3600"),
        ("upload_limit_mb", "0", "from 0.1 to 1000"),
        ("key", "schlüssel", "plain letters"),
        ("key", "a\tkey", "plain letters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    web: Web, speech_service: SpeechService, field: str, value: str, says: str
) -> None:
    answer = web.owner().post(ADDRESS, data=_entered(speech_service, **{field: value}))
    assert answer.status_code == 422
    assert says in _text(answer.text)


def test_it_can_be_taken_away(web: Web, speech_service: SpeechService) -> None:
    browser = web.owner()
    browser.post(ADDRESS, data=_entered(speech_service))
    assert browser.post(f"{ADDRESS}/remove").status_code == 303
    assert browser.get("/api/v1/speech-settings/remote").json() is None


def test_the_api_saves_tries_and_removes(web: Web, speech_service: SpeechService) -> None:
    browser, new = web.owner(), {"url": speech_service.url, "model": "whisper-1", "key": "k", "is_in_auto": True}
    speech_service.says({"text": "hello", "words": words_over(3.0, "hello")})
    assert browser.post("/api/v1/speech-settings/remote/test", json=new).json()["has_word_times"]
    assert browser.put("/api/v1/speech-settings/remote", json=new).json()["is_in_auto"]
    assert browser.put("/api/v1/speech-settings/remote", json=new | {"url": "x"}).status_code == 422
    assert browser.delete("/api/v1/speech-settings/remote").status_code == 204
    speech_service.says({}, 503)
    refused = browser.post("/api/v1/speech-settings/remote/test", json=new)
    assert refused.status_code == 502
    assert refused.json()["code"] == "remote-unreachable"


def test_it_is_for_administrators(web: Web) -> None:
    assert web.owner("agent").get(ADDRESS).status_code in {403, 404}
