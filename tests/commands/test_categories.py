"""`aftercall categories`, as people and scripts use it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fixtures.web import Web

from aftercall import cli

REFUND = "name: Refund\nwhen: {words: [refund]}\n"


@pytest.fixture
def run(web: Web, monkeypatch: pytest.MonkeyPatch) -> object:
    """The command on the data folder of the pages' tests."""
    monkeypatch.setenv("AFTERCALL_DATA", str(web.house.settings.data))
    return lambda *words: CliRunner().invoke(cli.main, ["categories", *map(str, words)])


def test_import_list_and_export(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "refund.yaml"
    file.write_text(REFUND)
    assert run("import", file).output == "1 imported\n"
    listed = {each["id"]: each for each in map(json.loads, run("list", "--json").output.splitlines())}
    assert listed["refund"]["when"] == {"words": ["refund"]}
    assert len(listed) == 12
    assert "legal-threat" in run("list").output
    exported: Result = run("export", "refund")
    assert "name: Refund" in exported.output
    assert "Booking" not in exported.output
    run("export", "-o", tmp_path / "all.yaml")
    assert run("import", tmp_path / "all.yaml").output == "12 imported\n"


def test_a_mistake_is_named_and_nothing_is_stored(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "wrong.yaml"
    file.write_text("name: Refund\nwhen: {words: []}\n")
    ended = run("import", file)
    assert ended.exit_code == 1
    assert "when.words: must be a list" in ended.output
    assert run("import", tmp_path / "missing.yaml").exit_code == 1
    assert run("export", "refund").exit_code == 1


def test_preview_counts_and_quotes(run, web: Web, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    call_id = web.add_call()
    web.finish(call_id, "a refund")
    file = tmp_path / "refund.yaml"
    file.write_text(REFUND)
    assert run("preview", file).output == f'Refund: 1 of 1 calls\n  {call_id}  "refund" at 1.0 s\n'
    assert json.loads(run("preview", file, "--json").output)["count"] == 1


def test_apply_asks_and_does_not_wait(run) -> None:  # type: ignore[no-untyped-def]
    assert run("apply", "payment").output == "queued: 0 of 0 calls, 0 in a category\n"
    assert json.loads(run("apply", "--json").output)["category"] is None
    assert run("apply", "no-such").exit_code == 1
