"""This file hands the fixtures to every test and says loudly what this machine could not run."""

import os
from collections import Counter
from pathlib import Path

import pytest

pytest_plugins = [
    "tests.fixtures.browser",
    "tests.fixtures.canned",
    "tests.fixtures.event_loop",
    "tests.fixtures.freepbx",
    "tests.fixtures.house",
    "tests.fixtures.lab",
    "tests.fixtures.language_model",
    "tests.fixtures.mariadb",
    "tests.fixtures.model_source",
    "tests.fixtures.server",
    "tests.fixtures.speech_service",
    "tests.fixtures.store",
    "tests.fixtures.web",
]

#: The checkout.
ROOT = Path(__file__).parents[1]

#: CI sets it: a part that is not there is then a failure.
IS_REQUIRED = os.environ.get("AFTERCALL_REQUIRE") == "all"


def not_here(part: str, why: str) -> None:
    """End the test because a part is missing: a failure where it is required, else a skip that is said loudly."""
    if IS_REQUIRED:
        pytest.fail(f"{part} is required (AFTERCALL_REQUIRE=all) but not here: {why}", pytrace=False)
    pytest.skip(f"NOT RUN, {part} is not here: {why}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    if reasons:
        terminalreporter.section("NOT RUN ON THIS MACHINE", red=True, bold=True)
        for reason, count in sorted(reasons.items()):
            terminalreporter.line(f"{count:4} tests: {reason}", red=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with browser tests come last: once a browser is up, its event loop runs in that worker to the end."""
    with_browser = {item.path for item in items if item.get_closest_marker("browser")}
    items.sort(key=lambda item: item.path in with_browser)
