"""The main job, as a person does it: a real Asterisk, the real server, a real browser."""

import wave
from contextlib import closing
from datetime import UTC, datetime

import pytest
from lab.asterisk import Lab
from playwright.sync_api import Page, expect
from tests.fixtures.server import Server

from aftercall.pbx import names

pytestmark = [pytest.mark.pbx, pytest.mark.browser, pytest.mark.timeout(600)]

#: Recognising a minute of speech on a busy machine takes its time.
PATIENCE_MS = 240_000
PASSWORD = "a long enough password"


def become_owner(page: Page, server: Server) -> None:
    assert server.setup_link
    page.goto(server.setup_link)
    page.get_by_label("Your name").fill("Olive Owner")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url(f"{server.address}/**")


def enter_connection(page: Page, server: Server, pbx: Lab, *, use_tls: bool = False) -> None:
    """Fill the form of Settings > FreePBX."""
    page.goto(f"{server.address}/settings/freepbx/new")
    page.get_by_label("Name", exact=True).fill("Lab")
    page.get_by_label("Host").fill(pbx.host)
    page.locator("input[name=use_tls]").set_checked(use_tls)
    page.get_by_label("Port").fill(str(pbx.tls_port if use_tls else pbx.port))
    page.get_by_label("Username").fill(pbx.username)
    page.get_by_label("Password", exact=True).fill(pbx.password)


def seconds_of(pbx: Lab, name: str) -> float:
    with closing(wave.open(str(pbx.monitor / f"{name}.wav"))) as file:
        return file.getnframes() / file.getframerate()


def test_connect_test_sync_and_see_the_calls(pbx: Lab, server: Server, page: Page) -> None:
    (incoming,) = pbx.call(kind="external", frm="5550101234", to="200", a="demo-abouttotry", b="demo-thanks")
    (outgoing,) = pbx.call(kind="out", frm="201", to="5550100777", a="demo-thanks", b="demo-abouttotry")
    become_owner(page, server)

    enter_connection(page, server, pbx)
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".checked-ok", has_text="download")).to_be_visible()
    expect(page.locator(".checked-fail")).to_have_count(0)
    with page.expect_navigation():
        page.get_by_role("button", name="Save", exact=True).click()

    page.goto(server.address)
    page.get_by_role("button", name="Sync FreePBX").click()
    for name, caller, direction in ((incoming, "5550101234", "Inbound"), (outgoing, "201", "Outbound")):
        row = page.locator("tr.call", has=page.get_by_role("link", name=caller, exact=True))
        expect(row).to_contain_text(direction, timeout=PATIENCE_MS)
        expect(row).to_contain_text("Done", timeout=PATIENCE_MS)
        (stored,) = [each for each in server.aftercall("calls") if each["recording"] == name]
        parsed = names.parse(name)
        assert (stored["caller"], stored["callee"], stored["extension"]) == (
            parsed.caller,
            parsed.callee,
            parsed.extension,
        )
        assert stored["direction"] == direction.lower()
        assert parsed.started_at is not None
        started_at = datetime.fromisoformat(str(stored["started_at"]))
        assert started_at == parsed.started_at
        assert abs((datetime.now(UTC) - started_at).total_seconds()) < 600
        assert stored["duration_s"] == pytest.approx(seconds_of(pbx, name), abs=0.1)
        # Too few words of a telephone prompt may be understood for a mood; then it says so instead of guessing.
        (whole,) = server.aftercall("calls", "show", str(stored["id"]))
        felt = whole["sentiment"]
        assert felt["score"] is not None or "fewer than 20 words" in felt["reason"]
        assert (stored["sentiment"] is None) == (felt["label"] is None)

    page.get_by_role("link", name="5550101234", exact=True).click()
    expect(page.locator("main")).to_contain_text("basic engine, low accuracy")
    expect(page.locator("main")).to_contain_text("speakers are not separated")
    assert page.locator(".turn .w").count() > 10
    expect(page.get_by_role("heading", name="Mood")).to_be_visible()

    # A call made while the server runs comes by itself, with its caller's name and without a reload of the page.
    page.goto(server.address)
    (later,) = pbx.call(
        kind="in", frm="5550104444", to="5550100", caller_name="Grace Example", a="hello-world", b="demo-thanks"
    )
    row = page.locator("tr.call", has=page.get_by_role("link", name="Grace Example", exact=True))
    expect(row).to_contain_text("5550104444", timeout=PATIENCE_MS)
    expect(row).to_contain_text("Done", timeout=PATIENCE_MS)
    assert later in {each["recording"] for each in server.aftercall("calls")}


def test_a_self_signed_certificate_is_offered_and_trusted(pbx: Lab, server: Server, page: Page) -> None:
    become_owner(page, server)
    enter_connection(page, server, pbx, use_tls=True)
    page.get_by_role("button", name="Test connection").click()
    page.get_by_role("button", name="Trust this certificate").click()
    if not page.locator(".checked-ok", has_text="sign-in").is_visible():
        page.get_by_role("button", name="Test connection").click()
    expect(page.locator(".checked-ok", has_text="sign-in")).to_be_visible()
    expect(page.locator(".checked-fail")).to_have_count(0)


def test_a_fault_of_the_pbx_is_named_with_its_fix_in_the_form(pbx: Lab, server: Server, page: Page) -> None:
    pbx.fault("no-symlink")
    become_owner(page, server)
    enter_connection(page, server, pbx)
    page.get_by_role("button", name="Test connection").click()
    failed = page.locator(".checked-fail")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("recording list")
    expect(failed).to_contain_text("ln -sfn")
