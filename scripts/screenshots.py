"""Draw the pages of the demo in Chromium, at two widths and in two themes, into screenshots/ (two into docs/images)."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from tests.fixtures.browser import ARGUMENTS, find_chromium

ROOT = Path(__file__).parents[1]
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
#: These two go into the documentation.
FOR_DOCS = {"calls-desktop-light": "calls.png", "call-desktop-light": "call.png"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / "screenshots")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    program, environment = find_chromium()
    with tempfile.TemporaryDirectory() as data, _Demo(Path(data)) as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=environment)
        for size in SIZES:
            for theme in ("light", "dark"):
                _draw(browser, demo, folder, size, theme)
        browser.close()
    (ROOT / "docs/images").mkdir(parents=True, exist_ok=True)
    for name, target in FOR_DOCS.items():
        shutil.copy(folder / f"{name}.png", ROOT / "docs/images" / target)
    print(f"{len(list(folder.glob('*.png')))} screenshots in {folder}")
    return 0


class _Demo:
    """`aftercall demo`, from its start until its calls are analysed."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "aftercall.cli", "demo", "--port", "0"]
        self._process = subprocess.Popen(
            command,
            env={**os.environ, "AFTERCALL_DATA": str(data), "AFTERCALL_WORKERS": "2"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.password = ""
        self._is_analysed = threading.Event()

    def __enter__(self) -> "_Demo":
        threading.Thread(target=self._read, daemon=True).start()
        if not self._is_analysed.wait(600):
            raise TimeoutError("the demo's calls were not analysed in ten minutes")
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"here: (\S+)", line):
                self.address = found.group(1)
            if found := re.search(r"password (\S+)", line):
                self.password = found.group(1)
            if line.startswith("Time "):
                self._is_analysed.set()

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
    page.get_by_label("Name").fill("demo")
    page.get_by_label("Password", exact=True).fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo.address}/")
    shot("calls")
    page.goto(f"{demo.address}/?q=boiler")
    shot("search")
    page.goto(demo.address)
    page.locator("tr.call", has_text="0:59").locator("a.call-link").first.click()
    page.locator(".turn").first.wait_for()
    shot("call")
    page.goto(f"{demo.address}/settings/freepbx")
    shot("settings")
    page.goto(f"{demo.address}/settings/freepbx/new")
    page.get_by_label("Name", exact=True).fill("Office")
    page.get_by_label("Host").fill("127.0.0.1")
    page.locator("input[name=use_tls]").set_checked(False)
    page.get_by_label("Port").fill("9")
    page.get_by_label("Username").fill("aftercall")
    page.get_by_label("Password", exact=True).fill("not the right one")
    page.get_by_role("button", name="Test connection").click()
    page.locator(".checked-fail").first.wait_for()
    shot("test-connection")
    context.close()


if __name__ == "__main__":
    sys.exit(main())
