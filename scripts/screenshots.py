"""Draw the pages of the demo in Chromium, two widths, two themes, into screenshots/ (five into docs/images)."""

import argparse
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import trustme
from playwright.sync_api import Browser, Page, sync_playwright
from tests.fixtures.browser import ARGUMENTS, find_chromium

from aftercall.testing import Simulator

ROOT = Path(__file__).parents[1]
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
IMAGES = ROOT / "docs/images"
#: In the output of the demo: somebody may sign in, and everything is analysed.
SIGN_IN, ANALYSED = r"password \S+", r"^Time "
#: These two go into the documentation.
FOR_DOCS = {"calls-desktop-light": "calls.png", "call-desktop-light": "call.png"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "screenshots")
    parser.add_argument("--doctor", action="store_true", help="only the connection test with its faults")
    given = parser.parse_args()
    folder: Path = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    IMAGES.mkdir(parents=True, exist_ok=True)
    program, environment = find_chromium()
    ready = SIGN_IN if given.doctor else ANALYSED
    with tempfile.TemporaryDirectory() as data, _Demo(Path(data), ready) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=environment)
        for size in SIZES:
            for theme in ("light", "dark"):
                if not given.doctor:
                    _draw(browser, demo, folder, size, theme)
                _draw_doctor(browser, demo, folder, size, theme)
        browser.close()
    if not given.doctor:
        for name, target in FOR_DOCS.items():
            shutil.copy(folder / f"{name}.png", IMAGES / target)
    for fault in FAULTS:
        shutil.copy(folder / f"doctor-{fault}-desktop-light.png", IMAGES / f"doctor-{fault}.png")
    print(f"{len(list(folder.glob('*.png')))} screenshots in {folder}")
    return 0


def _pbx_without_ari() -> Simulator:
    pbx = Simulator()
    pbx.fail("ari-off")
    return pbx


def _pbx_with_its_own_certificate() -> Simulator:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("pbx.example.test").configure_cert(context)
    return Simulator(tls=context)


#: What the guide shows of the connection test: three PBXs with one fault each.
FAULTS: dict[str, Callable[[], AbstractContextManager[Simulator]]] = {
    "ari-off": _pbx_without_ari,
    "certificate": _pbx_with_its_own_certificate,
    "empty-list": Simulator,
}


class _Demo:
    """`aftercall demo`, from its start until a line of its output begins or goes on as told."""

    def __init__(self, data: Path, ready: str) -> None:
        self._ready = re.compile(ready)
        command = [sys.executable, "-m", "aftercall.cli", "demo", "--port", "0"]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "AFTERCALL_DATA": str(data), "AFTERCALL_WORKERS": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.password = ""
        self._is_ready = threading.Event()

    def __enter__(self) -> "_Demo":
        threading.Thread(target=self._read, daemon=True).start()
        if not self._is_ready.wait(600):
            raise TimeoutError(f"the demo did not say {self._ready.pattern!r} in ten minutes")
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"here: (\S+)", line):
                self.address = found.group(1)
            if found := re.search(r"password (\S+)", line):
                self.password = found.group(1)
            if self._ready.search(line):
                self._is_ready.set()

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)


def _draw(browser: Browser, demo: _Demo, folder: Path, size: str, theme: str) -> None:
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()

    def shot(name: str) -> None:
        page.wait_for_timeout(800)  # fonts, waveform
        page.screenshot(path=folder / f"{name}-{size}-{theme}.png")

    page.goto(f"{demo.address}/login")
    shot("login")
    _sign_in(page, demo)
    shot("calls")
    page.goto(f"{demo.address}/?q=boiler")
    shot("search")
    page.goto(demo.address)
    page.locator("tr.call", has_text="0:59").locator("a.call-link").first.click()
    page.locator(".turn").first.wait_for()
    shot("call")
    page.goto(f"{demo.address}/sync")
    shot("sync")
    page.goto(f"{demo.address}/settings/freepbx")
    shot("settings")
    context.close()


def _draw_doctor(browser: Browser, demo: _Demo, folder: Path, size: str, theme: str) -> None:
    """The connection test as it meets each fault, cut to the test itself; high enough for all of it."""
    width, _ = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": 3000}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{demo.address}/login")
    _sign_in(page, demo)
    for fault, make in FAULTS.items():
        with make() as pbx:
            page.goto(f"{demo.address}/settings/freepbx/new")
            page.get_by_label("Name", exact=True).fill("Office")
            page.get_by_label("Host").fill(pbx.host)
            page.locator("input[name=use_tls]").set_checked(pbx.use_tls)
            page.get_by_label("Port").fill(str(pbx.port))
            page.get_by_label("Username").fill(pbx.username)
            page.get_by_label("Password", exact=True).fill(pbx.password)
            page.get_by_role("button", name="Test connection").click()
            page.locator("[data-checks-lead]:is(.is-good, .is-fair, .is-bad)").wait_for(timeout=60_000)
        page.wait_for_timeout(300)
        page.locator(".checks").screenshot(path=folder / f"doctor-{fault}-{size}-{theme}.png")
    context.close()


def _sign_in(page: Page, demo: _Demo) -> None:
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password", exact=True).fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo.address}/")


if __name__ == "__main__":
    sys.exit(main())
