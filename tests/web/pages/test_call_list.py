"""The list of calls."""

from datetime import timedelta

import pytest
from tests.fixtures.web import Web

from aftercall.errors import PbxTimeout
from aftercall.model import CallState, Stage
from aftercall.store import calls, stages


def _shown(web: Web, address: str = "/") -> list[str]:
    page = web.owner().get(address).text
    return [part.partition('"')[0] for part in page.split('id="call-')[1:]]


def test_calls_are_listed_newest_first(web: Web) -> None:
    old, new = web.add_call("old", ago=timedelta(hours=2)), web.add_call("new")
    assert _shown(web) == [new, old]


def test_a_row_tells_who_when_how_long_how_it_felt_and_where_it_stands(web: Web) -> None:
    call_id = web.add_call(extension="201", utc_offset_min=60)
    web.finish(call_id, "wonderful", scores=(2.5,))
    page = web.owner().get("/").text
    for part in ("5550123", "5550100", "ext. 201", "13:00", "Today", "Inbound", "0:01", "Positive", "+2.5", "Done"):
        assert part in page


@pytest.mark.parametrize(
    ("address", "names"),
    [
        ("/?direction=outbound", ["out"]),
        ("/?state=done", ["good", "bad"]),
        ("/?mood=negative", ["bad"]),
        ("/?mood=none", ["plain", "out"]),
        ("/?when=yesterday", ["out"]),
        ("/?q=marmalade", ["good"]),
        ("/?q=5550999", ["out"]),
        ("/?duration=-30", ["good", "bad"]),
        ("/?mood=negative&state=failed", []),
    ],
)
def test_filters_narrow_the_list(web: Web, address: str, names: list[str]) -> None:
    ids = {
        "plain": web.add_call("plain"),
        "good": web.add_call("good", ago=timedelta(minutes=1)),
        "bad": web.add_call("bad", ago=timedelta(minutes=2)),
        "out": web.add_call("out", ago=timedelta(days=1), direction="outbound", callee="5550999"),
    }
    web.finish(ids["good"], "we love marmalade", scores=(3.0,))
    web.finish(ids["bad"], "we hate it", scores=(-3.0,))
    assert _shown(web, address) == [ids[name] for name in names]


def test_a_search_shows_where_it_was_said_and_leads_there(web: Web) -> None:
    call_id = web.add_call()
    web.finish(call_id, "hello", "we love marmalade here", is_low_accuracy=True)
    page = web.owner().get("/?q=marmalade").text
    assert "<mark>marmalade</mark>" in page
    assert f"/calls/{call_id}?list=q%3Dmarmalade&amp;t=12.0" in page
    assert "basic engine, low accuracy" in page


def test_pages_follow_one_another_and_lose_nothing(web: Web) -> None:
    ids = [web.add_call(f"c{index:03}", ago=timedelta(minutes=index)) for index in range(120)]
    owner, address, seen = web.owner(), "/", []
    while address:
        page = owner.get(address).text
        seen += [part.partition('"')[0] for part in page.split('id="call-')[1:]]
        address = (
            page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0] if 'rel="next"' in page else ""
        )
        address = address.replace("&amp;", "&")
    assert seen == ids


def test_what_people_say_is_text_and_nothing_else(web: Web) -> None:
    call_id = web.add_call(caller="<b>bold</b>")
    web.finish(call_id, "<script>alert(1)</script> marmalade")
    for address in ("/", "/?q=marmalade", "/?q=<script>", f"/calls/{call_id}"):
        page = web.owner().get(address).text
        assert "<b>bold" not in page
        assert "<script>alert" not in page


def test_htmx_gets_the_list_alone_and_a_clean_address(web: Web) -> None:
    web.add_call()
    answer = web.owner().get("/?q=&when=&mood=none", headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="list"')
    assert answer.headers["hx-push-url"] == "/?mood=none"
    assert answer.headers["vary"] == "HX-Request"


def test_going_back_gets_the_whole_page(web: Web) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in web.owner().get("/", headers=headers).text


# ---- when there is nothing --------------------------------------------------------------------------------------


def test_without_a_pbx_the_way_to_connect_one_is_shown(web: Web) -> None:
    page = web.owner().get("/").text
    assert 'href="/settings/freepbx/new"' in page
    assert "aftercall demo" in page


def test_with_a_pbx_and_no_calls_the_sync_is_shown(web: Web) -> None:
    web.add_pbx()
    page = web.owner().get("/").text
    assert "No calls yet" in page
    assert "Sync FreePBX" in page


def test_while_the_first_sync_runs_the_page_says_so(web: Web) -> None:
    web.house.control.sync(web.add_pbx(), asked_by="user")
    assert "The first calls are on their way" in web.owner().get("/").text


def test_a_filter_that_finds_nothing_offers_to_show_everything(web: Web) -> None:
    web.add_call()
    page = web.owner().get("/?mood=negative").text
    assert "No call matches" in page
    assert "Negative" in page


# ---- what goes wrong, and the demo ------------------------------------------------------------------------------


def test_a_failed_call_says_why(web: Web) -> None:
    call_id = web.add_call()
    error = PbxTimeout(host="192.0.2.10", port=8088, seconds=5.0)
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.FETCH, web.now)
        stages.fail(db, call_id, Stage.FETCH, web.now, error, will_retry=False)
        calls.set_state(db, call_id, CallState.FAILED, web.now)
    page = web.owner().get("/").text
    assert "Failed" in page
    assert "192.0.2.10:8088 did not answer within 5 s." in page


def test_a_call_being_worked_on_names_its_stage(web: Web) -> None:
    call_id = web.add_call()
    with web.engine.begin() as db:
        stages.begin(db, call_id, Stage.TRANSCRIBE, web.now)
        calls.set_state(db, call_id, CallState.ANALYSING, web.now)
    assert "Transcribing" in web.owner().get("/").text


def test_demo_calls_are_marked_and_can_be_removed_with_one_click(web: Web) -> None:
    demo = web.add_pbx("Demo", is_demo=True)
    call_id = web.add_call(pbx_id=demo)
    web.finish(call_id, "hello")
    kept = web.add_call("real")
    owner = web.owner()
    assert "These are demo calls." in owner.get("/").text
    file = web.house.archive.folder / f"2026/11/{call_id}.wav"
    assert file.is_file()

    assert owner.post("/demo/remove").status_code == 303
    page = owner.get("/").text
    assert "These are demo calls." not in page
    assert call_id not in page
    assert kept in page
    assert not file.exists()
