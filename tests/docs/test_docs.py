import re
import runpy
from dataclasses import fields
from pathlib import Path

import click
import pytest

from aftercall import cli
from aftercall.pbx import guide
from aftercall.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_page_of_errors_is_what_the_errors_say() -> None:
    written = runpy.run_path(str(ROOT / "scripts" / "write_error_docs.py"))["text"]()
    assert (ROOT / "docs" / "errors.md").read_text() == written, "run make docs"


def test_the_guide_to_freepbx_is_the_one_the_product_shows() -> None:
    assert (ROOT / "docs" / "freepbx.md").read_text() == guide.markdown(), "run make docs"


@pytest.mark.parametrize("picture", re.findall(r"!\[[^]]*\]\(([^)]+)\)", guide.markdown()))
def test_every_picture_of_the_guide_is_there(picture: str) -> None:
    assert (ROOT / "docs" / picture).is_file()


@pytest.mark.parametrize("field", [field.name for field in fields(Settings)])
def test_every_setting_has_a_heading(field: str) -> None:
    assert f"## AFTERCALL_{field.upper()}\n" in (ROOT / "docs" / "settings.md").read_text()


def _commands(group: click.Command, trail: str = "") -> list[str]:
    if not isinstance(group, click.Group):
        return [trail.strip()]
    return [path for name, each in group.commands.items() for path in _commands(each, f"{trail} {name}")]


@pytest.mark.parametrize("command", _commands(cli.main))
def test_every_command_is_documented(command: str) -> None:
    assert f"aftercall {command}" in (ROOT / "docs" / "commands.md").read_text()


@pytest.mark.parametrize("command", _commands(cli.main))
def test_every_command_explains_itself(command: str) -> None:
    from click.testing import CliRunner

    shown = CliRunner().invoke(cli.main, [*command.split(), "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 3


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_every_page_of_the_docs_is_reachable_from_the_readme(page: str) -> None:
    texts = [path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
    assert any(f"{page})" in text or f"docs/{page})" in text for text in texts), f"nobody links to {page}"
