"""Settings > Categories, the editor with its preview, and categories on the call page and in the list."""

from datetime import timedelta

import pytest
from tests.fixtures.web import Web

from aftercall.jobs import categorising
from aftercall.store import categories, category_runs

REFUND = "id: refund\nname: Refund\ncolour: teal\nwhen:\n  words: [refund]\n"


def stored(web: Web, text: str = REFUND) -> None:
    assert web.owner().post("/settings/categories/import", data={"yaml": text}).status_code == 303


def apply(web: Web) -> None:
    """Apply all categories, as the job does."""
    assert web.owner().post("/settings/categories/apply").status_code == 303
    with web.engine.connect() as db:
        run = category_runs.newest(db)
    assert run
    categorising.work(web.engine, run.id, lambda: web.now)


def test_the_ready_categories_are_there(web: Web) -> None:
    shown = web.owner().get("/settings/categories").text
    assert all(name in shown for name in ("Booking", "Legal threat", "No greeting"))


def test_a_category_is_switched_off_and_on(web: Web) -> None:
    for is_on, is_enabled in (("no", False), ("yes", True)):
        assert web.owner().post("/settings/categories/booking/switch", data={"is_on": is_on}).status_code == 303
        with web.engine.connect() as db:
            found = categories.get(db, "booking")
        assert found
        assert found.category.is_enabled is is_enabled


def test_a_call_shows_its_categories_with_the_words_that_caused_them(web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "hello there", "I want a Refund please")
    stored(web)
    apply(web)
    page = web.owner().get(f"/calls/{call_id}").text
    assert "“Refund”" in page
    assert 'data-seek="13.00"' in page
    assert 'href="#turn-1"' in page


def test_the_list_shows_chips_and_filters_by_category(web: Web) -> None:
    with_it, without = web.add_call("a"), web.add_call("b", ago=timedelta(minutes=1))
    web.finish(with_it, "a refund")
    web.finish(without, "nothing of the kind")
    stored(web)
    apply(web)
    everything = web.owner().get("/").text
    assert '<span class="cat cat-teal">Refund</span>' in everything
    assert f"call-{without}" in everything
    filtered = web.owner().get("/?category=refund").text
    assert f"call-{with_it}" in filtered
    assert f"call-{without}" not in filtered
    assert "Remove the filter Refund" in filtered
    assert "Remove the filter Removed category" in web.owner().get("/?category=gone").text


def test_the_count_is_of_the_last_thirty_days_and_links_to_them(web: Web) -> None:
    for name, days in (("new", 1), ("old", 40)):
        web.finish(web.add_call(name, ago=timedelta(days=days)), "a refund")
    stored(web)
    apply(web)
    assert '<a href="/?category=refund&amp;when=30d">1</a>' in web.owner().get("/settings/categories").text


def test_the_export_comes_back_as_it_went(web: Web) -> None:
    stored(web)
    exported = web.owner().get("/settings/categories/export")
    assert "categories.yaml" in exported.headers["content-disposition"]
    with web.engine.connect() as db:
        before = [each.category for each in categories.every(db)]
    stored(web, exported.text)
    with web.engine.connect() as db:
        assert [each.category for each in categories.every(db)] == before


def test_an_uploaded_file_is_imported(web: Web) -> None:
    answer = web.owner().post("/settings/categories/import", files={"file": ("x.yaml", REFUND, "application/yaml")})
    assert answer.headers["location"] == "/settings/categories?imported=1"


def test_an_import_with_a_mistake_changes_nothing_and_names_the_place(web: Web) -> None:
    text = "- {name: Good, when: {words: [a]}}\n- {name: Bad, when: {words: []}}"
    answer = web.owner().post("/settings/categories/import", data={"yaml": text})
    assert answer.status_code == 422
    assert "categories[1].when.words" in answer.text
    assert "{name: Good" in answer.text, "what was written is still there"
    with web.engine.connect() as db:
        assert "good" not in categories.names(db)


# ---- the editor -------------------------------------------------------------------------------------------------


def test_the_editor_opens_with_what_is_stored(web: Web) -> None:
    stored(web)
    page = web.owner().get("/settings/categories/refund").text
    assert "name: Refund" in page
    assert web.owner().get("/settings/categories/no-such").status_code == 404


def test_saving_makes_a_category_and_offers_to_apply_it(web: Web) -> None:
    answer = web.owner().post("/settings/categories/editor", data={"yaml": REFUND, "do": "save"})
    assert answer.headers["location"] == "/settings/categories?saved=refund"
    assert "Apply it to past calls" in web.owner().get(answer.headers["location"]).text


def test_a_mistake_is_shown_with_its_place_and_nothing_is_lost(web: Web) -> None:
    text = REFUND.replace("[refund]", "[refund]\n  match: nearly")
    answer = web.owner().post("/settings/categories/editor", data={"yaml": text, "do": "save"})
    assert answer.status_code == 422
    assert "<code>when.match</code> must be one of exact, stem, fuzzy." in answer.text
    assert "match: nearly" in answer.text


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"kind": "words", "words": "money back\ngive * back", "match": "fuzzy", "party": "customer",
          "window": "first_s", "window-size": "30"},
         "- words:\n    - money back\n    - give * back\n    match: fuzzy\n    party: customer\n    window:\n"
         "      first_s: 30.0"),
        ({"kind": "mood", "mood": "negative", "party": "customer", "turns": "2"}, "- mood:\n    - negative\n"),
        ({"kind": "silence", "value": "45", "negate": "on"}, "- not:\n      silence:\n        longest_s: 45"),
        ({"kind": "interruption", "party": "agent", "value": "3"}, "- interruption: agent\n    count: 3"),
        ({"kind": "metric", "name": "words", "op": ">", "value": "100"},
         "- metric: words\n    op: '>'\n    value: 100"),
        ({"kind": "fact", "name": "extension", "op": "is", "value": "301"}, "- fact: extension\n    op: is\n"),
    ],
    ids=lambda given: given["kind"] if isinstance(given, dict) else "",
)  # fmt: skip
def test_the_form_adds_a_condition(web: Web, fields: dict[str, str], rule: str) -> None:
    sent = {"yaml": REFUND, "do": "add", "add-group": "all", **{f"add-{name}": value for name, value in fields.items()}}
    answer = web.owner().post("/settings/categories/editor", data=sent)
    assert answer.status_code == 200
    shown = answer.text.split("<textarea")[1].split("</textarea>")[0].replace("&#39;", "'").replace("&gt;", ">")
    assert "  all:\n  - words:\n    - refund\n" in shown
    assert rule.replace("30.0", "30") in shown.replace("30.0", "30")
    again = web.owner().post("/settings/categories/editor", data={**sent, "yaml": shown.partition(">")[2]})
    assert again.status_code == 200


def test_a_condition_that_lacks_something_is_refused_at_its_field(web: Web) -> None:
    sent = {"yaml": REFUND, "do": "add", "add-kind": "metric", "add-name": "words", "add-op": ">", "add-value": "many"}
    answer = web.owner().post("/settings/categories/editor", data=sent)
    assert answer.status_code == 422
    assert "<code>when.value</code> must be a number" in answer.text


def test_the_preview_shows_count_chart_quotes_and_difference_and_saves_nothing(web: Web) -> None:
    web.finish(web.add_call("a"), "a refund")
    web.finish(web.add_call("b", ago=timedelta(days=3)), "my money back")
    web.finish(web.add_call("c", ago=timedelta(days=3)), "nothing")
    stored(web)
    text = REFUND.replace("[refund]", "[money back]")
    client = web.owner()
    page = client.post("/settings/categories/editor", data={"yaml": text, "do": "preview"}).text
    address = page.split('hx-get="')[1].split('"')[0] if "Looking through" in page else ""
    while "Looking through" in page:
        page = client.get(address).text
    assert "<strong>1 call</strong> of 3 would be in it (33.3 %)" in page
    assert "<strong>+1</strong>, <strong>−1</strong>" in page
    assert "Only in the saved version" in page
    assert "“money back”" in page
    assert "<rect" in page
    with web.engine.connect() as db:
        found = categories.get(db, "refund")
    assert found
    assert found.version == 1


def test_a_preview_that_is_not_there_any_more_is_not_found(web: Web) -> None:
    assert web.owner().get("/settings/categories/previews/none").status_code == 404


def test_an_edited_pack_can_be_restored(web: Web) -> None:
    client = web.owner()
    text = "id: payment\nname: Money\npack: payment\nwhen: {words: [money]}"
    client.post("/settings/categories/editor", data={"yaml": text, "do": "save"})
    assert "Restore the ready pack" in client.get("/settings/categories/payment").text
    client.post("/settings/categories/payment/restore")
    with web.engine.connect() as db:
        found = categories.get(db, "payment")
    assert found
    assert found.is_as_packed


def test_a_deleted_pack_is_offered_again(web: Web) -> None:
    client = web.owner()
    assert client.post("/settings/categories/payment/delete").status_code == 303
    assert '/settings/categories/new?pack=payment"' in client.get("/settings/categories").text
    assert "id: payment" in client.get("/settings/categories/new?pack=payment").text


def test_applying_shows_its_progress_and_can_be_stopped(web: Web) -> None:
    web.finish(web.add_call(), "a refund")
    client = web.owner()
    client.post("/settings/categories/apply", data={"category": "payment"})
    page = client.get("/settings/categories").text
    assert "Payment: waiting to be applied to 1 call." in page
    with web.engine.connect() as db:
        run = category_runs.newest(db)
    assert run
    assert client.post(f"/settings/categories/runs/{run.id}/stop").status_code == 303
    assert "stopped after 0 calls" in client.get(f"/settings/categories/runs/{run.id}").text
    assert client.post(f"/settings/categories/runs/{run.id}/stop").status_code == 404
