"""What an administrator does with a PBX's backlog, in a real browser: preview, connect, watch, retry."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.fixtures.browser import Complaints
from tests.fixtures.house import noise
from tests.fixtures.server import Server, serving

from aftercall.testing import Simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a long enough password"
INBOUND = [f"2026/11/22/in-5550100-55501{n:02}-20261122-1015{n:02}-17953425{n:02}.7" for n in range(3)]
INTERNAL = "2026/11/22/internal-202-201-20261122-101600-1795342560.8"
OLD = "2021/03/04/in-5550100-5550199-20210304-101500-1614852900.9"
BROKEN = "2026/11/19/in-5550100-5550177-20261119-101500-1795083300.12"


@pytest.fixture(scope="module")
def pbx() -> Iterator[Simulator]:
    with Simulator() as running:
        for name in (*INBOUND, INTERNAL, OLD, BROKEN):
            running.add_recording(name, noise(0.4))
        running.fail("huge", recording=BROKEN)
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("office")) as running:
        environment = {**running.environment, "AFTERCALL_USER_PASSWORD": PASSWORD}
        subprocess.run(
            [sys.executable, "-m", "aftercall.cli", "user", "add", "olive"], env=environment, check=True, timeout=120
        )
        yield running


@pytest.fixture
def signed_in(server: Server, page: Page) -> Page:
    page.goto(f"{server.address}/login")
    page.get_by_label("Name").fill("olive")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.address}/")
    return page


def _fill_in(page: Page, server: Server, pbx: Simulator) -> None:
    page.goto(f"{server.address}/settings/freepbx/new")
    page.get_by_label("Name", exact=True).fill("Office")
    page.get_by_label("Host").fill(pbx.host)
    page.locator("input[name=use_tls]").set_checked(False)
    page.get_by_label("Port").fill(str(pbx.port))
    page.get_by_label("Username").fill(pbx.username)
    page.get_by_label("Password", exact=True).fill(pbx.password)


def test_the_preview_counts_as_the_form_stands_and_says_what_each_rule_skips(
    server: Server, pbx: Simulator, signed_in: Page
) -> None:
    page, result = signed_in, signed_in.locator("#preview")
    _fill_in(page, server, pbx)
    page.get_by_label("Everything the PBX has").check()
    page.get_by_role("button", name="Preview").click()
    expect(result).to_contain_text("6 of 6 would be fetched.")
    page.get_by_label("First day").fill("2026-11-01")
    expect(page.get_by_label("A day on")).to_be_checked()
    page.get_by_text("Only some of them").click()
    page.get_by_label("Internal").uncheck()
    page.get_by_label("Names to skip").fill("*5550177*")
    page.get_by_role("button", name="Preview").click()
    expect(result).to_contain_text("3 of 6 would be fetched.")
    for words in ("1 skipped: too old", "1 skipped: another direction", "1 skipped: its name"):
        expect(result).to_contain_text(words)
    assert server.aftercall("pbx", "list") == []


def test_a_preview_of_a_pbx_that_does_not_answer_says_why(
    server: Server, pbx: Simulator, signed_in: Page, complaints: Complaints
) -> None:
    page = signed_in
    _fill_in(page, server, pbx)
    page.get_by_label("Password", exact=True).fill("another one")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("What to do")
    expect(page.locator("#preview")).to_contain_text("pbx-sign-in-refused")
    complaints.expect("502")


def test_a_wrong_filter_opens_its_part_of_the_form_and_keeps_what_was_typed(
    server: Server, pbx: Simulator, signed_in: Page, complaints: Complaints
) -> None:
    page = signed_in
    _fill_in(page, server, pbx)
    page.get_by_text("Only some of them").click()
    page.get_by_label("Only these extensions").fill("two hundred")
    for direction in ("Inbound", "Outbound", "Internal", "Conference"):
        page.get_by_label(direction).uncheck()
    page.get_by_text("Only some of them").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#extensions-note")).to_contain_text("two is no extension")
    expect(page.locator("#directions-note")).to_contain_text("Tick at least one direction.")
    expect(page.get_by_label("Only these extensions")).to_be_visible()
    expect(page.get_by_label("Password", exact=True)).to_have_value(pbx.password)
    complaints.expect("422")


def test_filters_do_not_ask_for_another_test_of_the_connection(server: Server, pbx: Simulator, signed_in: Page) -> None:
    page = signed_in
    _fill_in(page, server, pbx)
    page.get_by_role("button", name="Test connection").click()
    tested = page.locator("input[name=tested]")
    expect(tested).to_have_value(re.compile("ok|failed"), timeout=60_000)
    page.get_by_label("Everything the PBX has").check()
    page.get_by_label("Time zone of the PBX").fill("Europe/Berlin")
    expect(tested).to_have_value(re.compile("ok|failed"))
    page.get_by_label("Username").fill("somebody")
    expect(tested).to_have_value("")


def test_a_pbx_is_connected_watched_and_its_failures_tried_again(
    server: Server, pbx: Simulator, signed_in: Page, complaints: Complaints
) -> None:
    page = signed_in
    page.goto(f"{server.address}/sync")
    expect(page.get_by_role("heading", name="No PBX is connected yet")).to_be_visible()
    _fill_in(page, server, pbx)
    page.get_by_label("First day").fill("2026-11-01")
    page.get_by_label("Listen to events").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save anyway").click()
    complaints.expect("422")
    page.get_by_role("link", name="Watch the sync").click()
    # The page follows by itself: the schedule asks, the list comes, one call fails for good.
    expect(page.get_by_text("Why 1 call failed")).to_be_visible(timeout=120_000)
    card = page.locator(".doing")
    expect(card.locator(".tally")).to_have_text(re.compile(r"Found\s*6\s*New\s*5\s*Skipped\s*1\s*Failed\s*1"))
    expect(card).to_contain_text("AFTERCALL_MAX_RECORDING_MB")
    (status,) = server.aftercall("sync", "--status")
    assert (status["pbx"], status["failed"], status["last_sync"]["skipped"]) == ("Office", 1, 1)  # type: ignore[index]
    pbx.mend()
    page.get_by_role("button", name=re.compile("Retry it")).click()
    expect(page.get_by_text("Why 1 call failed")).to_have_count(0)
    page.get_by_role("button", name=re.compile("Sync now")).click()
    expect(card.locator(".runs")).to_contain_text("a person")
    expect(page.get_by_text("Waiting for the next list")).to_be_visible(timeout=120_000)
    assert {call["state"] for call in server.aftercall("calls")} == {"done"}


@pytest.fixture
def pbx_id(server: Server, pbx: Simulator) -> str:
    """The PBX that the pages show, connected if no test before has done it."""
    if not server.aftercall("pbx", "list"):
        environment = {**server.environment, "AFTERCALL_PBX_PASSWORD": pbx.password}
        words = ("pbx", "add", "Office", "--host", pbx.host, "--port", str(pbx.port), "--username", pbx.username)
        subprocess.run([sys.executable, "-m", "aftercall.cli", *words], env=environment, check=True, timeout=120)
    return str(server.aftercall("pbx", "list")[0]["id"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/sync", "/sync/{}/history", "/settings/freepbx", "/settings/freepbx/{}"])
def test_every_page_fits_a_phone(server: Server, signed_in: Page, pbx_id: str, path: str, theme: str) -> None:
    page = signed_in
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    page.goto(server.address + path.format(pbx_id))
    page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
