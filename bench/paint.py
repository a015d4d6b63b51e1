"""This file measures the call list with 10,000 calls against the same page with 50, in a real browser."""

import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.fixtures.browser import ARGUMENTS, find_chromium

from aftercall import wiring
from aftercall.commands import serve
from aftercall.model import CallState, RecordingName
from aftercall.settings import Settings
from aftercall.store import calls, pbxs, syncs
from aftercall.web import accounts
from bench.figures import Figure

FEW, MANY = 50, 10_000
RUNS = 9
PASSWORD = "a bench password"


def measure() -> Iterator[Figure]:
    program, environment = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS, env=environment)
        with _serving(FEW) as few, _serving(MANY) as many:
            pages = {}
            for address in (few, many):
                page = browser.new_context().new_page()
                page.goto(f"{address}/login")
                page.get_by_label("Name").fill("owner")
                page.get_by_label("Password", exact=True).fill(PASSWORD)
                page.get_by_role("button", name="Sign in").click()
                page.wait_for_url(f"{address}/")
                pages[address] = page
            pairs = [(_paint_ms(pages[few], few), _paint_ms(pages[many], many)) for _ in range(RUNS)]
        browser.close()
    ratio = statistics.median(large / small for small, large in pairs)
    small, large = (statistics.median(each) for each in zip(*pairs, strict=True))
    yield Figure(
        what=f"First paint of the call list with {MANY:,} calls",
        baseline=f"the same page with {FEW} calls",
        value=ratio,
        unit="x",
        limit=1.5,
        detail=f"{large:.0f} ms against {small:.0f} ms (first contentful paint in Chromium, warm cache)",
    )


def _paint_ms(page: Page, address: str) -> float:
    page.goto(f"{address}/")
    page.locator("main").wait_for()
    while True:
        found = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0] ?? null")
        if found is not None:
            return float(found)
        page.wait_for_timeout(20)


@contextmanager
def _serving(count: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder), port=0)
        with wiring.open_house(settings) as house, serve.listening(settings) as door:
            _fill(house, count)
            accounts.create(house.engine, name="owner", password=PASSWORD, role="owner")
            server = serve.make_server(house, None, None)
            server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
            started = threading.Event()
            server.on_started = started.set
            thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
            thread.start()
            started.wait(30)
            yield serve.address_of(settings, door)
            server.should_exit = True
            thread.join(20)


def _fill(house: wiring.House, count: int) -> None:
    now = datetime.now(UTC)
    entered = pbxs.PbxSettings(name="Office", host="192.0.2.10", port=8088, username="a", password="b")
    with house.engine.begin() as db:
        pbx_id = pbxs.add(db, entered, house.vault, now)
        sync_id, _ = syncs.ask(db, pbx_id, "user", now)
        found = [
            calls.NewCall(
                pbx_id=pbx_id,
                name=RecordingName(
                    name=f"r{index}",
                    kind="in",
                    direction="inbound",
                    caller=f"555{index:07}",
                    callee="5550100",
                    started_at=now - timedelta(minutes=7 * index),
                ),
                listed_format="wav",
                first_seen_at=now,
                sync_id=sync_id,
            )
            for index in range(count)
        ]
        calls.add_found(db, found)
        syncs.finish(db, sync_id, found_count=count, new_count=count, now=now)
        for row in calls.page(db, calls.CallFilter(), size=count).rows:
            calls.set_state(
                db, row.id, CallState.DONE, now, duration_s=61.0, sentiment_score=1.2, sentiment_label="positive"
            )


if __name__ == "__main__":
    sys.exit("run: make bench")
