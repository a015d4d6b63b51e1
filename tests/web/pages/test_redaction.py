"""Settings > Redaction, and what it does to a transcript that is stored after it; by page and API."""

from tests.fixtures.web import Web

SAID = "my card is 4111 1111 1111 1111 and my phone is 415 555 0134"


def _text(web: Web, name: str) -> str:
    call_id = web.add_call(name)
    web.finish(call_id, SAID)
    return " ".join(turn["text"] for turn in web.owner().get(f"/api/v1/calls/{call_id}").json()["turns"])


def test_cards_are_hidden_and_phone_numbers_kept_at_first(web: Web) -> None:
    shown = _text(web, "call")
    assert "[card number]" in shown
    assert "1111" not in shown
    assert "0134" in shown


def test_a_changed_policy_counts_for_the_next_transcript(web: Web) -> None:
    browser = web.owner()
    assert browser.post("/settings/redaction", data={"card": "on", "phone": "on"}).status_code == 303
    assert "0134" not in _text(web, "call")
    page = browser.get("/settings/redaction").text
    assert page.count("checked") == 2
    assert "The words are not kept" in page


def test_the_api_changes_only_what_it_names(web: Web) -> None:
    browser = web.owner()
    before = browser.get("/api/v1/redaction-settings").json()
    after = browser.put("/api/v1/redaction-settings", json={"email": "mask"}).json()
    assert after == before | {"email": "mask"}
    assert browser.put("/api/v1/redaction-settings", json={"shoe size": "mask"}).status_code == 422


def test_it_is_for_administrators(web: Web) -> None:
    assert web.owner("agent").get("/settings/redaction").status_code in {403, 404}
