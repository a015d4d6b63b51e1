"""`aftercall calls export`, as people and scripts use it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import docx
import pytest
from tests.fixtures.web import Web


@pytest.fixture
def call_id(web: Web) -> str:
    made = web.add_call("in-1")
    web.finish(made, "we sell hoses", "grüß gott")
    return made


def export(web: Web, *words: str, stdout: int = subprocess.PIPE) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "aftercall.cli", "calls", "export", *words],
        env={**os.environ, "AFTERCALL_DATA": str(web.house.settings.data)},
        stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=120,
    )  # fmt: skip


def test_text_goes_to_stdout(web: Web, call_id: str) -> None:
    ended = export(web, call_id)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.decode().endswith("[0:00:00] we sell hoses\n[0:00:10] grüß gott\n")


def test_another_format_is_said(web: Web, call_id: str) -> None:
    assert json.loads(export(web, call_id, "--format", "json").stdout)["call"]["id"] == call_id


def test_a_file_is_written(web: Web, call_id: str, tmp_path: Path) -> None:
    ended = export(web, call_id, "--format", "docx", "-o", str(tmp_path / "call.docx"))
    assert (ended.returncode, ended.stdout) == (0, b"")
    assert docx.Document(str(tmp_path / "call.docx")).paragraphs[-1].text.endswith("grüß gott")


def test_a_word_document_is_kept_from_the_terminal(web: Web, call_id: str) -> None:
    ours, theirs = pty.openpty()
    try:
        ended = export(web, call_id, "--format", "docx", stdout=theirs)
    finally:
        os.close(theirs)
        os.close(ours)
    assert ended.returncode == 2
    assert b"--output" in ended.stderr


def test_a_call_that_is_not_there_is_said_so(web: Web) -> None:
    ended = export(web, "nothing")
    assert ended.returncode == 1
    assert b"nothing" in ended.stderr


def test_a_call_without_a_transcript_is_said_so(web: Web) -> None:
    ended = export(web, web.add_call("new"))
    assert ended.returncode == 1
    assert b"transcript of this call" in ended.stderr
