"""`aftercall llm` and `calls generate`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fixtures.language_model import FakeModel

from aftercall import cli

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("AFTERCALL_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AFTERCALL_LLM_KEY", "s3same")

    def run(*words: str, code: int = 0) -> Result:
        ended = CliRunner().invoke(cli.main, words)
        assert ended.exit_code == code, ended.output
        return ended

    return run


def test_an_endpoint_is_set_tested_and_switched_off(run: Run, language_model: FakeModel) -> None:
    assert json.loads(run("llm", "show").stdout)["is_enabled"] is False
    ended = run("llm", "set", "--url", language_model.url, "--model", "fake-8b", "--key", "--day-cap", "9000", "--on")
    told = json.loads(ended.stdout)
    assert (told["is_enabled"], told["has_key"], told["day_cap"], told["call_cap"]) == (True, True, 9000, 20000)
    assert "s3same" not in ended.output
    language_model.knows_schemas = False
    assert json.loads(run("llm", "test").stdout)["mode"] == "prompted"
    assert set(language_model.keys) == {"Bearer s3same"}
    assert json.loads(run("llm", "show").stdout)["mode"] == "prompted"
    language_model.knows_schemas, language_model.answers = True, [(401, "no")]
    assert json.loads(run("llm", "test", code=1).stdout)["failures"][0]["error"]["code"] == "llm-sign-in-refused"
    assert "Nothing is sent any more." in run("llm", "off").stdout
    told = json.loads(run("llm", "show").stdout)
    assert (told["is_enabled"], told["url"], told["has_key"]) == (False, language_model.url, True)


def test_what_is_wrong_is_said_by_its_option(run: Run) -> None:
    assert "--url" in run("llm", "set", "--url", "http://api.example.com/v1", code=1).stderr
    assert "--model" in run("llm", "set", "--url", "http://127.0.0.1:1/v1", "--on", code=1).stderr
    assert "--url" in run("llm", "test", code=1).stderr


def test_a_call_that_is_not_there_is_named(run: Run) -> None:
    assert "(not-found)" in run("calls", "generate", "nothing", code=1).stderr
