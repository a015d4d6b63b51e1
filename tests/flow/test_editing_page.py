"""A line is put right in its place on the call's page, in a real browser."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect
from tests.fixtures.browser import Complaints
from tests.fixtures.server import Server, serving

from aftercall.demo.media import recorded
from aftercall.demo.scripts import all_scripts
from aftercall.testing import Simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a long enough password"
NAME = "2026/11/21/q-600-12065550162-20261121-163216-1795278736.1213"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with one analysed call of two speakers."""
    script = next(script for script in all_scripts() if script.key == "late-engineer")
    with Simulator() as pbx, serving(tmp_path_factory.mktemp("editing")) as server:
        pbx.add_recording(NAME, recorded(script)[1])
        environment = {
            **server.environment,
            "AFTERCALL_PBX_PASSWORD": pbx.password,
            "AFTERCALL_USER_PASSWORD": PASSWORD,
        }
        for words in (
            ("user", "add", "olive"),
            ("pbx", "add", "Office", "--host", pbx.host, "--port", str(pbx.port), "--username", pbx.username),
            ("sync", "--wait"),
        ):
            subprocess.run([sys.executable, "-m", "aftercall.cli", *words], env=environment, check=True, timeout=300)
        yield server


@pytest.fixture
def call(office: Server, page: Page) -> Page:
    """The page of the call."""
    page.goto(f"{office.address}/login")
    page.get_by_label("Name").fill("olive")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{office.address}/")
    page.get_by_role("link", name="12065550162").click()
    expect(page.locator(".turn").first).to_be_visible()
    expect(page.locator("[data-island]:not([data-ready])")).to_have_count(0)
    return page


def _open(page: Page, position: int) -> None:
    page.locator(f"#turn-{position}").hover()
    page.locator(f"#edit-{position}").click()
    expect(page.locator(f"#turn-{position} textarea")).to_be_focused()


def test_the_clip_of_the_line_plays_round_and_stays_within_it(call: Page) -> None:
    _open(call, 1)
    clip = call.locator("#turn-1 [data-clip]")
    start_s, end_s = (float(clip.get_attribute(f"data-{name}") or "0") for name in ("start", "end"))
    heard = call.evaluate(
        """async () => {
            const media = document.querySelector("#turn-1 audio");
            const times = [];
            media.currentTime = Number(media.parentElement.dataset.end) - 0.3;
            for (let n = 0; n < 30; n++) {
              times.push(media.currentTime);
              await new Promise((done) => setTimeout(done, 50));
            }
            return times;
        }"""
    )
    assert min(heard) >= start_s - 0.1
    assert max(heard) <= end_s + 0.2
    assert any(after < before for before, after in pairwise(heard)), "it went round"
    call.keyboard.press("Control+Space")
    expect(call.get_by_role("button", name="Play the clip")).to_be_visible()


def test_a_correction_is_saved_in_place_by_key_and_its_new_word_learnt(call: Page, office: Server) -> None:
    _open(call, 0)
    box = call.locator("#turn-0 textarea")
    box.fill(f"{box.input_value()} Quillfeather")
    call.get_by_label("Learn “Quillfeather”").check()
    call.keyboard.press("Control+Enter")
    expect(call.locator("#turn-0 .turn-text")).to_contain_text("Quillfeather")
    expect(call.locator(".line-open")).to_have_count(0)
    call.goto(f"{office.address}/settings/speech")
    expect(call.locator("main")).to_contain_text("Quillfeather")


def test_escape_asks_only_when_there_is_something_to_lose(call: Page) -> None:
    _open(call, 2)
    call.keyboard.press("Escape")
    expect(call.locator(".line-open")).to_have_count(0)
    _open(call, 2)
    call.locator("#turn-2 textarea").fill("something else")
    call.keyboard.press("Escape")
    expect(call.get_by_text("Your change is not saved.")).to_be_visible()
    expect(call.locator("#turn-2 textarea")).to_have_value("something else")
    call.get_by_role("button", name="Discard it").click()
    expect(call.locator(".line-open")).to_have_count(0)


def test_the_key_e_opens_the_focused_line_and_control_s_saves_it(call: Page) -> None:
    call.locator("#edit-4").focus()
    call.keyboard.press("e")
    box = call.locator("#turn-4 textarea")
    expect(box).to_be_focused()
    box.fill(f"{box.input_value()} Yes.")
    call.keyboard.press("Control+s")
    expect(call.locator("#turn-4 .turn-text")).to_contain_text("Yes.")


def test_a_line_that_cannot_be_saved_keeps_the_text_and_says_why(call: Page, complaints: Complaints) -> None:
    _open(call, 3)
    call.locator("#turn-3 textarea").fill("what I typed")
    call.route("**/turns/3", lambda route: route.abort())
    call.keyboard.press("Control+Enter")
    expect(call.get_by_text("Aftercall did not answer, so nothing was saved.")).to_be_visible()
    expect(call.locator("#turn-3 textarea")).to_have_value("what I typed")
    complaints.expect("ERR_FAILED")
    call.unroute("**/turns/3")
    call.keyboard.press("Control+Enter")
    expect(call.locator("#turn-3 .turn-text")).to_contain_text("what I typed")


def test_signed_out_meanwhile_the_text_is_kept(call: Page) -> None:
    _open(call, 5)
    call.locator("#turn-5 textarea").fill("kept text")
    call.context.clear_cookies()
    call.keyboard.press("Control+Enter")
    expect(call.get_by_text("You are signed out, so nothing was saved.")).to_be_visible()
    expect(call.locator("#turn-5 textarea")).to_have_value("kept text")


def test_the_history_opens_in_place_and_gives_the_line_back(call: Page) -> None:
    before = call.locator("#turn-6 .turn-text").inner_text()
    _open(call, 6)
    call.locator("#turn-6 textarea").fill("quite another thing")
    call.keyboard.press("Control+Enter")
    expect(call.locator("#turn-6 .turn-text")).to_contain_text("quite another thing")
    call.locator("#turn-6 a.turn-mark").click()
    call.locator("#turn-6").get_by_role("button", name="Restore what the engine wrote").click()
    expect(call.locator("#turn-6 .turn-text")).to_have_text(before)


def test_swapping_the_speakers_changes_every_line(call: Page) -> None:
    def names() -> list[str]:
        return call.locator(".turn .turn-who").all_inner_texts()

    before = names()
    call.locator("#turn-1 a.turn-who").click()
    call.get_by_role("button", name="Swap agent and customer").click()
    expect(call.locator("#turn-1 .turn-who")).not_to_have_text(before[1])
    after = names()
    assert all(was != now for was, now in zip(before, after, strict=True) if was)
