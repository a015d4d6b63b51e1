"""What an owner does on the page of models, in a real browser: fetch, stop, go on, verify, import, remove."""

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.conftest import not_here
from tests.fixtures.model_source import Behaviour, ModelSource, tar_of
from tests.fixtures.server import Server, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "a long enough password"
SILERO_PATH = "/snakers4/silero-vad/raw/v6.2.1/src/silero_vad/data/silero_vad.onnx"
OURS = {"x/encoder.onnx": b"e", "x/decoder.onnx": b"d", "x/joiner.onnx": b"j", "x/tokens.txt": b"a 0\n"}


@pytest.fixture(scope="module")
def silero() -> bytes:
    """A real model of our list, of 2 MB, out of the package that carries it."""
    spec = find_spec("silero_vad")
    if spec is None or spec.origin is None:
        not_here("silero-vad", "the weights extra is not installed")
        raise AssertionError
    return (Path(spec.origin).parent / "data" / "silero_vad.onnx").read_bytes()


@pytest.fixture
def server(tmp_path: Path, model_source: ModelSource) -> Iterator[Server]:
    del model_source  # takes proxies out of the environment
    with serving(tmp_path) as running:
        environment = {**running.environment, "AFTERCALL_USER_PASSWORD": PASSWORD}
        subprocess.run(
            [sys.executable, "-m", "aftercall.cli", "user", "add", "olive"], env=environment, check=True, timeout=120
        )
        yield running


@pytest.fixture
def models_page(server: Server, page: Page) -> Page:
    page.goto(f"{server.address}/login?next=/settings/models")
    page.get_by_label("Name").fill("olive")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{server.address}/settings/models")
    return page


def card(page: Page, title: str) -> Locator:
    return page.locator(".model").filter(has=page.locator(".card-title", has_text=title))


def test_a_model_is_fetched_stopped_gone_on_with_verified_and_removed(
    models_page: Page, model_source: ModelSource, silero: bytes
) -> None:
    page, model = models_page, card(models_page, "Silero VAD")
    model_source.publish(SILERO_PATH, silero, Behaviour(waits_after=1_000_000))
    page.get_by_label("Mirror").fill(model_source.address)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Mirror")).to_have_value(model_source.address)

    page.get_by_role("button", name="Fetch Silero VAD").click()
    expect(model).to_contain_text("1.0 MB of 2.3 MB")
    assert float(model.get_by_role("progressbar").get_attribute("value") or 0) == pytest.approx(0.43, abs=0.01)
    page.get_by_role("button", name="Cancel Silero VAD").click()
    expect(model).to_contain_text("Stopped. What has come is kept")

    model_source.behaviours[SILERO_PATH] = Behaviour()
    page.get_by_role("button", name=re.compile("^(Go on|Fetch) Silero VAD")).click()
    expect(model).to_contain_text("installed")
    assert model_source.requests[-1][1]["range"] == "bytes=1000000-"

    page.get_by_role("button", name="Verify Silero VAD").click()
    expect(model).to_contain_text("the published file, by its checksum")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Remove Silero VAD").click()
    expect(page.get_by_role("button", name="Remove Silero VAD")).to_have_count(0)


def test_an_archive_of_this_computer_is_sent_and_imported(models_page: Page, server: Server, tmp_path: Path) -> None:
    page = models_page
    (tmp_path / "support-line.tar.bz2").write_bytes(tar_of(OURS))
    page.get_by_label("Or send a file from this computer").set_input_files(tmp_path / "support-line.tar.bz2")
    page.get_by_role("button", name="Send and import").click()
    expect(page.locator("#imports")).to_contain_text("It is ready.")
    page.get_by_role("link", name="Show all models").click()
    expect(page.locator("#model-x")).to_contain_text("not in our list, unverified")
    assert (server.data / "models" / "x" / "joiner.onnx").read_bytes() == b"j"


def test_what_is_no_model_is_said_with_what_to_do(models_page: Page, tmp_path: Path) -> None:
    page = models_page
    (tmp_path / "evil.tar").write_bytes(tar_of({**OURS, "../../evil": b"x"}, kind=""))
    page.get_by_label("Path on the server").fill(str(tmp_path / "evil.tar"))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.locator("#imports")).to_contain_text("The archive evil.tar was not unpacked.")
    expect(page.locator("#imports")).to_contain_text("points outside of the archive")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#imports")).not_to_contain_text("evil.tar")


def test_the_machine_is_measured_at_the_press_of_a_button(models_page: Page) -> None:
    page = models_page
    expect(page.locator("#machine")).to_contain_text("not measured")
    page.get_by_role("button", name="Measure its speed").click()
    expect(page.locator("#machine")).to_contain_text(re.compile(r"estimated .+ × real time"))
    expect(page.locator("#machine")).to_contain_text("is an estimate")


def test_the_page_fits_a_phone(models_page: Page) -> None:
    models_page.set_viewport_size({"width": 390, "height": 844})
    assert models_page.evaluate("document.documentElement.scrollWidth") == 390
