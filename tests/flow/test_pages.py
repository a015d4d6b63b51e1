"""What a supervisor does on the pages, in a real browser, with two analysed calls of the demo."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect
from tests.fixtures.browser import Complaints
from tests.fixtures.house import noise
from tests.fixtures.server import Server, serving

from aftercall.demo.media import recorded
from aftercall.demo.scripts import all_scripts
from aftercall.store import database
from aftercall.store.tables import pbx as pbx_table
from aftercall.testing import Simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a long enough password"
ANGRY = "2026/11/21/q-600-12065550162-20261121-163216-1795278736.1213"
MONO = "2026/11/20/external-201-12065550199-20261120-101500-1795169700.12"
BROKEN = "2026/11/19/in-5550100-12065550177-20261119-101500-1795083300.12"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has synced: a stereo call, a call without speech, and one that could not be fetched."""
    angry = next(script for script in all_scripts() if script.key == "late-engineer")
    with Simulator() as pbx, serving(tmp_path_factory.mktemp("office")) as server:
        pbx.add_recording(ANGRY, recorded(angry)[1])
        pbx.add_recording(MONO, noise(3.0))
        pbx.add_recording(BROKEN, noise(1.0))
        pbx.fail("huge", recording=BROKEN)
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
        pbx.mend()
        yield server


@pytest.fixture
def signed_in(office: Server, page: Page) -> Page:
    page.goto(f"{office.address}/login")
    page.get_by_label("Name").fill("olive")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{office.address}/")
    return page


def _open_angry(page: Page, office: Server) -> None:
    page.goto(office.address)
    page.get_by_role("link", name="12065550162").click()
    expect(page.locator(".turn").first).to_be_visible()
    expect(page.locator("[data-island]:not([data-ready])")).to_have_count(0)


def test_a_click_on_a_word_plays_it_and_lights_it(office: Server, signed_in: Page) -> None:
    page = signed_in
    _open_angry(page, office)
    word = page.locator(".turn").nth(2).locator(".w").nth(3)
    start_s = float(word.get_attribute("data-s") or "0")
    word.click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".w-now")).to_have_count(1)
    lit_s = float(page.locator(".w-now").first.get_attribute("data-s") or "0")
    assert start_s - 0.1 <= lit_s <= start_s + 15
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_the_recording_is_fetched_by_ranges_and_never_whole_at_once(office: Server, signed_in: Page) -> None:
    page = signed_in
    answers: list[Response] = []
    page.on("response", lambda response: answers.append(response) if response.url.endswith("/audio") else None)
    _open_angry(page, office)
    page.locator(".turn").last.locator(".w").first.click()
    expect(page.locator(".w-now")).to_have_count(1)
    assert answers
    assert {answer.status for answer in answers} == {206}


def test_search_marks_the_words_and_leads_to_their_second(office: Server, signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("searchbox").fill("angry")
    hit = page.locator("mark", has_text=re.compile("angry", re.IGNORECASE))
    expect(hit.first).to_be_visible()
    expect(page.locator("tr.call")).to_have_count(1)
    assert "q=angry" in page.url
    hit.first.click()
    page.wait_for_url(re.compile(r"[?&]t="))
    assert float(re.search(r"[?&]t=([\d.]+)", page.url).group(1)) > 0  # type: ignore[union-attr]


def test_filters_live_in_the_address_and_back_restores_them(office: Server, signed_in: Page) -> None:
    page = signed_in
    page.get_by_label("Mood").select_option("negative")
    expect(page.locator("tr.call")).to_have_count(1)
    assert "mood=negative" in page.url
    page.get_by_role("link", name="12065550162").click()
    expect(page.locator(".turn").first).to_be_visible()
    page.go_back()
    expect(page.locator("tr.call")).to_have_count(1)
    expect(page.get_by_label("Mood")).to_have_value("negative")


def test_the_list_is_walked_by_keyboard(office: Server, signed_in: Page) -> None:
    page = signed_in
    expect(page.locator("tr.call")).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/calls/"))
    expect(page.locator("main")).to_contain_text("12065550162")


def test_a_call_that_failed_says_why_and_retry_brings_it_home(office: Server, signed_in: Page) -> None:
    page = signed_in
    page.get_by_role("link", name="12065550177").click()
    expect(page.locator("main")).to_contain_text("AFTERCALL_MAX_RECORDING_MB")
    page.get_by_role("button", name=re.compile("Retry|Try again")).first.click()
    expect(page.locator("main")).to_contain_text("Nobody was heard to speak", timeout=120_000)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/", "/?q=angry", "/settings/freepbx", "/settings/freepbx/new", "/account/sessions", "/call"]
)
def test_every_page_fits_a_phone(office: Server, signed_in: Page, path: str, theme: str) -> None:
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    if path == "/call":
        _open_angry(page, office)
    else:
        page.goto(office.address + path)
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_theme_follows_the_system(office: Server, signed_in: Page) -> None:
    page = signed_in
    colours = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        colours.append(page.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert colours[0] != colours[1]


def test_nobody_sees_a_call_without_signing_in(office: Server, context: BrowserContext, complaints: Complaints) -> None:
    page = context.new_page()
    page.goto(f"{office.address}/calls/{office.aftercall('calls')[0]['id']}")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_signing_out_ends_the_session(office: Server, signed_in: Page) -> None:
    page = signed_in
    page.locator("summary", has_text="olive").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{office.address}/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_demo_data_goes_with_one_click(tmp_path: Path, page: Page) -> None:
    with Simulator() as pbx, serving(tmp_path) as server:
        pbx.add_recording(MONO, noise(0.5))
        environment = {
            **os.environ,
            **server.environment,
            "AFTERCALL_PBX_PASSWORD": pbx.password,
            "AFTERCALL_USER_PASSWORD": PASSWORD,
        }
        for words in (
            ("user", "add", "olive"),
            ("pbx", "add", "Demo PBX", "--host", pbx.host, "--port", str(pbx.port), "--username", pbx.username),
        ):
            subprocess.run([sys.executable, "-m", "aftercall.cli", *words], env=environment, check=True, timeout=120)
        engine = database.make_engine(tmp_path / "aftercall.db")
        with engine.begin() as db:
            db.execute(pbx_table.update().values(is_demo=True, changed_at=datetime.now().astimezone()))
        engine.dispose()
        subprocess.run(
            [sys.executable, "-m", "aftercall.cli", "sync", "--wait"], env=environment, check=True, timeout=120
        )
        page.goto(f"{server.address}/login")
        page.get_by_label("Name").fill("olive")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("tr.call")).to_have_count(1)
        page.get_by_role("button", name="Remove demo data").click()
        expect(page.locator("tr.call")).to_have_count(0)
        assert server.aftercall("calls") == []
        assert [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()] == []
        page.goto("about:blank")


def test_a_server_that_stops_lets_open_pages_end_without_an_error(
    tmp_path: Path, page: Page, complaints: Complaints
) -> None:
    with serving(tmp_path) as server:
        environment = {**server.environment, "AFTERCALL_USER_PASSWORD": PASSWORD}
        subprocess.run(
            [sys.executable, "-m", "aftercall.cli", "user", "add", "olive"], env=environment, check=True, timeout=60
        )
        page.goto(f"{server.address}/login")
        page.get_by_label("Name").fill("olive")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{server.address}/")
        page.wait_for_timeout(1500)  # the stream is open
    page.goto("about:blank")
    complaints[:] = [each for each in complaints if "ERR_CONNECTION_REFUSED" not in each]  # it tried to come back
    log = (tmp_path / "server.log").read_text()
    assert "Traceback" not in log
    assert "timeout graceful shutdown exceeded" not in log
