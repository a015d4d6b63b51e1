"""The browser of the tests: whatever it complains about fails the test, unless the test expects it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from tests.conftest import ROOT
from tests.fixtures.browser import Complaints

pytestmark = pytest.mark.browser

Show = Callable[..., None]


@pytest.fixture
def show(page: Page) -> Iterator[Show]:
    """Opens a page with this body, sent with this Content-Security-Policy."""
    sent: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_page = self.path == "/"
            self.send_response(200 if is_page else 404)
            self.send_header("Content-Type", "text/html")
            if sent["policy"]:
                self.send_header("Content-Security-Policy", sent["policy"])
            self.end_headers()
            # An icon in the page itself, so that nobody asks for one.
            self.wfile.write(
                f'<!doctype html><link rel="icon" href="data:,">{sent["body"]}'.encode() if is_page else b""
            )

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def open_page(body: str, *, policy: str = "") -> None:
            sent.update(body=body, policy=policy)
            page.goto(f"http://127.0.0.1:{server.server_port}/")

        yield open_page
        server.shutdown()


def test_a_clean_page_passes(page: Page, show: Show, complaints: Complaints) -> None:
    show("<h1>Calls</h1><script>console.log('fine')</script>")
    assert page.get_by_role("heading").inner_text() == "Calls"
    assert complaints == []


@pytest.mark.parametrize(
    ("body", "policy", "complaint"),
    [
        ("<script>console.error('a console error')</script>", "", "a console error"),
        ("<script>throw new Error('an uncaught error')</script>", "", "an uncaught error"),
        ("<script>Promise.reject(new Error('an unhandled rejection'))</script>", "", "an unhandled rejection"),
        ("<img src='/gone.png'>", "", "404"),
        ("<script>document.title = 1</script>", "script-src 'self'", "Content Security Policy"),
        ("<p style='color: red'>", "style-src 'self'", "Content Security Policy"),
    ],
    ids=["console", "error", "rejection", "missing file", "inline script", "inline style"],
)
def test_what_goes_wrong_on_a_page_is_a_complaint(
    *, page: Page, show: Show, complaints: Complaints, body: str, policy: str, complaint: str
) -> None:
    show(body, policy=policy)
    page.wait_for_timeout(300)
    complaints.expect(complaint)


def test_a_request_to_another_site_is_a_complaint(page: Page, show: Show, complaints: Complaints) -> None:
    # .test is a name nobody has; the failure that follows is expected as well.
    show("<script>fetch('http://elsewhere.example.test/x.js').catch(() => { document.title = 'done' })</script>")
    while page.title() != "done":
        page.wait_for_timeout(50)
    complaints.expect("off-site request: http://elsewhere.example.test/x.js")
    complaints.expect("net::")


def test_an_expected_complaint_that_does_not_come_is_an_error(complaints: Complaints) -> None:
    complaints.append("something else")
    with pytest.raises(AssertionError, match="nobody complained about 'boom'"):
        complaints.expect("boom")


def test_a_complaint_that_nobody_expects_fails_the_test(tmp_path: Path, browser: Browser) -> None:
    inner = tmp_path / "test_inner.py"
    inner.write_text(
        "def test_inner(page):\n"
        "    page.goto(\"data:text/html,<title>x</title><script>console.error('boom')</script>\")\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT),
         "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "tests.fixtures.browser", str(inner)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "AssertionError: assert ['boom'] == []" in ended.stdout
