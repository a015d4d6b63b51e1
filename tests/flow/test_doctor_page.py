"""The connection test in a browser: the fix for one's own FreePBX, its commands to copy, its paragraph in the guide."""

import json

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.fixtures.browser import Complaints
from tests.fixtures.server import Server

from aftercall.testing import Simulator

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PASSWORD = "a long enough password"


def run_test(page: Page, server: Server, pbx: Simulator) -> Locator:
    """Fill in the form and test; gives the line of the check that failed."""
    if server.setup_link and page.url == "about:blank":
        page.goto(server.setup_link)
        page.get_by_label("Your name").fill("Olive Owner")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_role("button", name="Create the account").click()
        page.wait_for_url(f"{server.address}/**")
    page.goto(f"{server.address}/settings/freepbx/new")
    page.get_by_label("Name", exact=True).fill("Office")
    page.get_by_label("Host").fill(pbx.host)
    page.locator("input[name=use_tls]").set_checked(False)
    page.get_by_label("Port").fill(str(pbx.port))
    page.get_by_label("Username").fill(pbx.username)
    page.get_by_label("Password", exact=True).fill(pbx.password)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("[data-checks-lead]")).to_have_class("checks-lead is-bad")
    return page.locator(".checked-fail")


def test_the_fix_of_ones_own_freepbx_is_shown_and_remembered(server: Server, page: Page) -> None:
    with Simulator() as pbx:
        pbx.fail("ari-off")
        failed = run_test(page, server, pbx)
        expect(failed.get_by_text("FreePBX 17:")).to_be_visible()
        expect(failed.get_by_text("FreePBX 15 and 16:")).to_be_hidden()
        page.locator("[data-releases]").get_by_text("15 / 16").click()
        expect(failed.get_by_text("FreePBX 15 and 16:")).to_be_visible()
        expect(failed.get_by_text("FreePBX 17:")).to_be_hidden()
        failed = run_test(page, server, pbx)
        expect(failed.get_by_text("FreePBX 15 and 16:")).to_be_visible()


def test_on_a_phone_no_command_is_wider_than_the_page(server: Server, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    with Simulator() as pbx:
        pbx.fail("list-500")
        expect(run_test(page, server, pbx).locator("[data-fix-for=new] pre")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_only_the_commands_are_copied(server: Server, page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with Simulator() as pbx:
        pbx.fail("ari-off")
        failed = run_test(page, server, pbx)
        failed.locator("[data-fix-for=new] [data-copy]").click()
        expect(failed.locator("[data-fix-for=new] [data-copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert (copied[0], copied[-1]) == ("fwconsole setting ENABLE_ARI 1", 'asterisk -rx "ari show status"')
    assert len(copied) == 4


def test_a_fix_leads_to_its_paragraph_of_the_guide(server: Server, page: Page) -> None:
    with Simulator() as pbx:
        pbx.fail("ari-off")
        failed = run_test(page, server, pbx)
        with page.expect_popup() as opened:
            failed.get_by_role("link", name="More in our guide").click()
    heading = opened.value.locator("#switch-on-the-http-server-and-ari")
    expect(heading).to_be_in_viewport()


def test_the_api_says_the_same_as_the_page(server: Server, page: Page, complaints: Complaints) -> None:
    with Simulator() as pbx:
        pbx.fail("recordings-module-missing")
        run_test(page, server, pbx)
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Save anyway").click()
        page.wait_for_url("**/settings/freepbx?saved=*")
        complaints.expect("422")  # the first Save, which asked whether we are sure
        (stored,) = server.aftercall("pbx", "list")
        answer = page.request.get(f"{server.address}/api/v1/pbxs/{stored['id']}/diagnosis")
    told = [json.loads(line) for line in answer.text().splitlines()]
    (failed,) = [check for check in told if check["status"] == "fail"]
    assert (failed["check"], failed["guide"]) == ("modules", "when-something-is-wrong")
    assert 'asterisk -rx "module load res_ari_recordings.so"' in failed["fixes"][0]["commands"]
