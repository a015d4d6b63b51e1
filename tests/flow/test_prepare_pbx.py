"""From a few questions to a saved connection: the page, the script around a real Asterisk, the connection test."""

from collections.abc import Callable
from pathlib import Path

import pytest
from lab.asterisk import Lab
from playwright.sync_api import Page, expect
from tests.fixtures.freepbx import FreePbx
from tests.fixtures.server import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.pbx, pytest.mark.timeout(600)]


def _sign_up(server: Server, page: Page) -> None:
    assert server.setup_link is not None
    page.goto(server.setup_link)
    page.get_by_label("Name").fill("owner")
    for field in page.locator("input[type=password]").all():
        field.fill("a long enough password")
    page.locator("main form button").last.click()
    page.wait_for_url(f"{server.address}/")


def test_a_new_freepbx_is_connected_without_anybody_typing_a_password(
    tmp_path: Path, page: Page, bare: Lab, freepbx_around: Callable[[Lab], FreePbx]
) -> None:
    bare.seed(1, seconds=1)
    freepbx = freepbx_around(bare)
    data = tmp_path / "data"
    data.mkdir()
    with serving(data) as server:
        _sign_up(server, page)
        page.get_by_role("link", name="Prepare the PBX first").click()
        page.get_by_label("Host of the PBX").fill("127.0.0.1")
        page.get_by_label("Address of this server").fill("203.0.113.10")
        page.locator("summary", has_text="ARI user").click()
        page.get_by_label("ARI user").fill("visitor")  # the lab has an aftercall of its own
        page.get_by_label("By a link").check()
        page.get_by_role("button", name="Show me the steps").click()

        page.locator("[data-copy]").first.click()
        expect(page.locator("[data-copy]").first).not_to_have_text("Copy")
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        ended = freepbx.run(download.value.path().read_text())
        assert ended.returncode == 0, ended.stdout + ended.stderr

        page.get_by_role("button", name="Use these in the connection form").click()
        page.get_by_label("Port").fill(str(bare.tls_port))  # the lab cannot have 8089
        page.get_by_role("button", name="Test connection").click()
        page.get_by_role("button", name="Trust this certificate").click()
        expect(page.locator("[data-checks-lead]")).to_contain_text("Everything a sync needs works.")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_url(f"{server.address}/settings/freepbx?saved=*")
        (stored,) = server.aftercall("pbx", "list")
        assert (stored["host"], stored["has_pinned_certificate"]) == ("127.0.0.1", True)


@pytest.mark.parametrize("path", ["/settings/freepbx/setup", "/settings/freepbx/guide"])
def test_on_a_phone_nothing_is_wider_than_the_page(tmp_path: Path, page: Page, path: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    page.set_viewport_size({"width": 390, "height": 844})
    with serving(data) as server:
        _sign_up(server, page)
        page.goto(f"{server.address}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
