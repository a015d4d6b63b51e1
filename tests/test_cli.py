"""The command line, as scripts use it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.fixtures.house import noise
from tests.fixtures.speech_service import SpeechService, words_over

from aftercall.cli import main
from aftercall.pbx import guide
from aftercall.speech.engines.remote import SAMPLE
from aftercall.testing import Simulator

NAME = "2026/11/22/in-5550100-5550100123-20261122-101500-1795342500.7"


class Shell:
    """Runs aftercall in a data folder of its own."""

    def __init__(self, data: Path, password: str) -> None:
        self.environment = {
            **os.environ, "AFTERCALL_DATA": str(data), "AFTERCALL_PBX_PASSWORD": password,
            "AFTERCALL_USER_PASSWORD": "a long enough password",
        }  # fmt: skip

    def __call__(self, *words: str, given: str | None = None) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "aftercall.cli", *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=120, input=given,
        )  # fmt: skip

    def lines(self, *words: str, given: str | None = None) -> list[dict[str, object]]:
        ended = self(*words, given=given)
        assert ended.returncode == 0, ended.stderr
        return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.fixture
def shell(tmp_path: Path, simulator: Simulator) -> Shell:
    return Shell(tmp_path / "data", simulator.password)


def _add(shell: Shell, simulator: Simulator) -> None:
    added = shell(
        "pbx", "add", "Office",
        "--host", simulator.host, "--port", str(simulator.port), "--username", simulator.username,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr


def test_sync_waits_until_everything_is_analysed(shell: Shell, simulator: Simulator) -> None:
    simulator.add_recording(NAME, noise(1.0))
    _add(shell, simulator)
    (sync,) = shell.lines("sync", "Office", "--wait", "--json")
    assert (sync["found"], sync["new"], sync["done"], sync["failed"]) == (1, 1, 1, 0)
    (call,) = shell.lines("calls")
    assert call["recording"] == NAME
    assert (call["pbx"], call["state"], call["direction"], call["caller"], call["callee"], call["extension"]) == (
        "Office", "done", "inbound", "5550100123", "5550100", None,
    )  # fmt: skip
    assert (call["started_at"], call["duration_s"], call["engine"]) == ("2026-11-22T10:15:00Z", 1.0, "pocketsphinx")
    (whole,) = shell.lines("calls", "show", str(call["id"]))
    assert {"turns", "stages", "sentiment", "speakers", "model"} <= whole.keys()


def test_a_sync_may_be_asked_for_before_anything_ever_ran(shell: Shell, simulator: Simulator) -> None:
    simulator.add_recording(NAME, noise(0.5))
    _add(shell, simulator)
    asked = shell("sync")
    assert (asked.returncode, "queued" in asked.stdout) == (0, True), asked.stderr
    shell("sync", "--wait")
    (call,) = shell.lines("calls")
    assert call["state"] == "done"


def test_a_failed_sync_says_why_and_how_to_fix_it(shell: Shell, simulator: Simulator) -> None:
    _add(shell, simulator)
    simulator.fail("list-500")
    ended = shell("sync", "--wait")
    assert ended.returncode == 1
    assert "Allocation failed" in ended.stderr
    assert "Fix: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_doctor_prints_a_line_for_each_check_and_fails_with_the_first_fault(shell: Shell, simulator: Simulator) -> None:
    simulator.add_recording(NAME, noise(1.0))
    _add(shell, simulator)
    lines = shell.lines("doctor")
    assert {line["status"] for line in lines} <= {"ok", "skip", "warn"}
    assert {"disk", "speech", "tcp", "sign-in", "recording list", "download"} <= {line["check"] for line in lines}
    assert all({"check", "status", "what", "why", "fix", "fixes", "guide"} <= line.keys() for line in lines)
    simulator.fail("refuse-sign-in")
    ended = shell("doctor", "Office")
    assert ended.returncode == 1
    failed = [json.loads(line) for line in ended.stdout.splitlines() if '"fail"' in line]
    assert [line["check"] for line in failed] == ["sign-in"]
    assert failed[0]["guide"] == "create-a-read-only-user"
    assert failed[0]["fixes"][0]["commands"] == ['asterisk -rx "ari show users"']


def test_recording_name_tells_what_a_name_says(shell: Shell) -> None:
    (told,) = shell.lines("recording-name", "2025/11/23/out-5550100777-200-20251123-175133-1763938293.6")
    assert told == {
        "name": "2025/11/23/out-5550100777-200-20251123-175133-1763938293.6",
        "direction": "outbound", "caller": "200", "callee": "5550100777", "extension": "200", "queue_or_group": None,
        "started_at_local": "2025-11-23 17:51:33", "uniqueid": "1763938293.6", "utc_offset_min": -300,
    }  # fmt: skip


def test_analyse_works_on_a_file_without_a_pbx(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "call.wav"
    file.write_bytes(noise(1.0))
    (line,) = shell.lines("analyse", str(file))
    assert (line["file"], line["duration_s"], line["engine"]) == (str(file), 1.0, "pocketsphinx")
    assert {"turns", "sentiment", "speakers", "language", "model", "timings", "metrics", "moments"} <= line.keys()


def test_analyse_says_what_is_wrong_with_a_file_and_goes_on(shell: Shell, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.wav", tmp_path / "bad.wav"
    good.write_bytes(noise(0.5))
    bad.write_text("no sound at all, only text\n" * 10)
    ended = shell("analyse", str(bad), str(tmp_path / "gone.wav"), str(good))
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 1
    assert [line.get("error", {}).get("code") for line in lines] == ["audio-unreadable", "form-invalid", None]


def test_analyse_takes_transcripts_too(shell: Shell) -> None:
    turns = [
        {"role": "agent", "text": "Thank you for calling, how can I help?"},
        {"role": "customer", "text": "I am very angry, this is the third time the heating is broken and nobody came."},
        {"role": "customer", "text": "This is terrible service and I want my money back."},
    ]
    (line,) = shell.lines("analyse", "--transcript", "-", given=json.dumps({"direction": "inbound", "turns": turns}))
    assert line["sentiment"]["label"] == "negative"
    assert [turn["sentiment"]["label"] for turn in line["turns"]] == ["neutral", "negative", "negative"]


def test_a_transcript_that_is_no_json_is_said_by_its_line(shell: Shell) -> None:
    ended = shell("analyse", "--transcript", "-", given="not json\n")
    assert ended.returncode == 1
    assert "Line 1" in json.loads(ended.stdout)["error"]["what"]


def test_analyse_without_anything_is_wrong_usage(shell: Shell) -> None:
    assert shell("analyse").returncode == 2


def test_accounts_come_and_go(shell: Shell) -> None:
    assert shell("user", "add", "Olive").returncode == 0
    assert [line["name"] for line in shell.lines("user", "list")] == ["Olive"]
    assert shell("user", "token", "Olive").stdout.startswith("ca_")
    taken = shell("user", "add", "Olive")
    assert (taken.returncode, "already" in taken.stderr) == (1, True)
    assert shell("user", "remove", "Olive").returncode == 0
    assert shell.lines("user", "list") == []


def test_a_pbx_is_listed_without_its_password_and_removed_with_its_calls_kept(
    shell: Shell, simulator: Simulator
) -> None:
    simulator.add_recording(NAME, noise(0.5))
    _add(shell, simulator)
    shell("sync", "--wait")
    (shown,) = shell.lines("pbx", "list")
    assert (shown["name"], shown["sync_interval_min"]) == ("Office", 10)
    assert simulator.password not in json.dumps(shown)
    assert shell("pbx", "remove", "Office").returncode == 0
    assert shell.lines("pbx", "list") == []
    assert len(shell.lines("calls")) == 1


def test_a_pbx_fetches_what_its_options_say_and_tells_how_it_is_doing(shell: Shell, simulator: Simulator) -> None:
    simulator.add_recording(NAME, noise(0.5))
    simulator.add_recording(NAME.replace("/in-", "/out-"), noise(0.5))
    _add(shell, simulator)
    assert shell("pbx", "change", "Office", "--direction", "inbound", "--zone", "Europe/Berlin").returncode == 0
    (counted,) = shell.lines("pbx", "preview", "Office", "--json")
    assert counted == {"listed": 2, "known": 0, "wanted": 1, "skipped": {"directions": 1}}
    shell("sync", "--wait")
    (doing,) = shell.lines("sync", "--status")
    assert (doing["pbx"], doing["state"], doing["moving"], doing["failed"]) == ("Office", "waiting", 0, 0)
    assert (doing["last_sync"]["found"], doing["last_sync"]["skipped"], doing["last_sync"]["done"]) == (2, 1, 1)
    (listed,) = shell.lines("pbx", "list")
    assert (listed["directions"], listed["zone"], listed["since"]) == (["inbound"], "Europe/Berlin", None)


def test_a_pbx_is_disabled_and_its_old_recordings_are_paused(shell: Shell, simulator: Simulator) -> None:
    _add(shell, simulator)
    assert shell("pbx", "disable", "Office").returncode == 0
    assert shell("pbx", "pause", "Office").returncode == 0
    (listed,) = shell.lines("pbx", "list")
    assert (listed["is_enabled"], listed["is_backlog_paused"]) == (False, True)
    missing = shell("pbx", "enable", "Branch")
    assert (missing.returncode, "Branch" in missing.stderr) == (1, True)


def test_a_wrong_option_of_a_pbx_is_named(shell: Shell, simulator: Simulator) -> None:
    _add(shell, simulator)
    ended = shell("pbx", "change", "Office", "--zone", "Nowhere")
    assert (ended.returncode, "--zone" in ended.stderr) == (1, True)
    assert shell("pbx", "change", "Office", "--direction", "up").returncode == 2
    assert shell("sync", "--wait", "--status").returncode == 2


def test_a_bad_setting_stops_the_start_and_names_itself(shell: Shell) -> None:
    shell.environment["AFTERCALL_PORT"] = "eighty"
    ended = shell("calls")
    assert ended.returncode == 1
    assert "AFTERCALL_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_neither_numbers_nor_passwords_reach_the_log(shell: Shell, simulator: Simulator) -> None:
    simulator.add_recording(NAME, noise(0.5))
    simulator.fail("short-body", times=1)
    _add(shell, simulator)
    shell.environment["AFTERCALL_LOG_LEVEL"] = "DEBUG"
    ended = shell("sync", "--wait")
    for private in ("5550100123", simulator.password, NAME):
        assert private not in ended.stderr


# ---- pbx setup --------------------------------------------------------------------------------------------------

SETUP = ("pbx", "setup", "--host", "pbx.example.test", "--server", "203.0.113.10")


def test_the_script_of_a_pbx_is_a_file_and_its_password_stands_beside_it(shell: Shell, tmp_path: Path) -> None:
    (line,) = shell.lines(*SETUP, "-o", str(tmp_path / "setup.sh"), "--json")
    assert (line["host"], line["port"], line["tls"], line["username"]) == ("pbx.example.test", 8089, True, "aftercall")
    script = tmp_path / "setup.sh"
    assert script.stat().st_mode & 0o777 == 0o700
    password = str(line["password"])
    assert len(password) >= 32
    assert password not in script.read_text()
    crypt = next(row for row in script.read_text().splitlines() if row.startswith("PASSWORD_HASH=")).partition("=")[2]
    assert guide.same_secret(password, crypt.strip("'")).password == password


def test_the_script_alone_goes_to_stdout(shell: Shell) -> None:
    ended = shell(*SETUP, "-o", "-")
    assert ended.stdout.startswith("#!/bin/bash\n")
    assert ended.stdout.endswith("fi\n")
    password = ended.stderr.split()[-1]
    assert len(password) >= 32
    assert password not in ended.stdout


def test_a_script_that_is_there_already_is_not_overwritten(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "setup.sh").write_text("mine")
    ended = shell(*SETUP, "-o", str(tmp_path / "setup.sh"))
    assert (ended.returncode, "is there already" in ended.stderr) == (1, True)
    assert (tmp_path / "setup.sh").read_text() == "mine"


def test_a_pbx_can_be_connected_with_the_password_that_nobody_types(shell: Shell, tmp_path: Path) -> None:
    (line,) = shell.lines(*SETUP, "-o", str(tmp_path / "setup.sh"), "--connect", "Office", "--json")
    assert "password" not in line
    (stored,) = shell.lines("pbx", "list")
    assert (stored["id"], stored["name"], stored["port"], stored["is_enabled"]) == (line["id"], "Office", 8089, False)
    again = shell(*SETUP, "-o", str(tmp_path / "more.sh"), "--connect", "Office")
    assert (again.returncode, "there is a PBX named Office already" in again.stderr) == (1, True)
    assert not (tmp_path / "more.sh").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--server", "203.0.113.10"), 2, "Missing option '--host'"),
        (("--host", "$(id)", "--server", "203.0.113.10"), 1, "neither a host name nor an IP address"),
        (("--host", "pbx", "--server", "203.0.113.10", "-o", "-", "--json"), 2, "cannot share stdout"),
    ],
)
def test_an_answer_that_is_missing_or_wrong_makes_no_script(
    shell: Shell, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = shell("pbx", "setup", "-o", str(tmp_path / "setup.sh"), *words, given="")
    assert (ended.returncode, said in ended.stderr) == (code, True)
    assert not (tmp_path / "setup.sh").exists()


def test_on_a_terminal_the_missing_answers_are_asked_for(shell: Shell, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    asked = subprocess.Popen(
        [sys.executable, "-m", "aftercall.cli", "pbx", "setup", "-o", str(tmp_path / "setup.sh"), "--json"],
        env=shell.environment, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"16\ntunnel\npbx.example.test\nlistener\n")
    stdout, stderr = asked.communicate(timeout=120)
    os.close(ours)
    assert asked.returncode == 0, stderr
    line = json.loads(stdout)
    assert (line["host"], line["port"], line["username"]) == ("127.0.0.1", 18088, "listener")
    assert "Address of this server" not in stderr


def test_the_events_are_told_and_their_name_can_be_changed(shell: Shell, simulator: Simulator) -> None:
    _add(shell, simulator)
    before = json.loads(shell("pbx", "events").stdout)
    assert (before["pbx"], before["state"], before["error"]) == ("Office", "not heard", None)
    after = json.loads(shell("pbx", "events", "--new-name").stdout)
    assert after["application"] != before["application"]
    assert after["application"].startswith("aftercall-")


def test_a_remote_speech_service_is_tried_saved_shown_without_its_key_and_removed(
    shell: Shell, speech_service: SpeechService
) -> None:
    speech_service.says({"text": "hello"})
    shell.environment["AFTERCALL_REMOTE_KEY"] = "open-sesame"
    named = ["--url", speech_service.url, "--model", "whisper-1"]
    (trial,) = shell.lines("speech-service", "test", *named)
    assert trial["text"] == "hello"
    assert speech_service.asked[0].authorization == "Bearer open-sesame"
    shell.lines("speech-service", "set", *named, "--in-auto")
    (shown,) = shell.lines("speech-service", "show")
    assert shown["is_in_auto"]
    assert "open-sesame" not in str(shown)
    shell.environment["AFTERCALL_REMOTE_KEY"] = ""
    (changed,) = shell.lines("speech-service", "set", "--timeout", "30", "--not-in-auto")
    assert (changed["url"], changed["timeout_s"], changed["is_in_auto"], changed["has_key"]) == (
        speech_service.url, 30.0, False, True,
    )  # fmt: skip
    shell.lines("speech-service", "test")
    assert speech_service.asked[-1].authorization == "Bearer open-sesame"
    refused = shell("speech-service", "set", "--url", "192.0.2.7:8000")
    assert refused.returncode != 0
    assert "as far as /v1" in refused.stderr
    assert shell("speech-service", "remove").returncode == 0
    assert shell.lines("speech-service", "show") == [None]


def test_a_file_is_analysed_by_a_remote_service(shell: Shell, speech_service: SpeechService, tmp_path: Path) -> None:
    speech_service.says({"text": "Good morning.", "words": words_over(3.0, "Good", "morning.")})
    (line,) = shell.lines("analyse", "--engine", "remote", "--remote-url", speech_service.url, str(SAMPLE))
    assert line["engine"] == "remote"
    assert line["model"].startswith("whisper-1 at 127.0.0.1")
    assert line["turns"][0]["text"] == "Good morning."


def test_analyse_by_a_remote_service_without_one_says_how_to_name_it(shell: Shell) -> None:
    ended = shell("analyse", "--engine", "remote", str(SAMPLE))
    assert ended.returncode != 0
    assert "--remote-url" in ended.stderr


def test_analyse_masks_a_card_unless_it_is_asked_not_to() -> None:
    line = '{"turns": [{"speaker": "B", "text": "my card is 4111 1111 1111 1111"}]}\n'
    masked = CliRunner().invoke(main, ["analyse", "--transcript", "-"], input=line)
    shown = CliRunner().invoke(main, ["analyse", "--transcript", "-", "--show-redacted"], input=line)
    assert "1111" not in masked.output
    assert [each["kind"] for each in json.loads(masked.output)["redactions"]] == ["card"]
    assert json.loads(shown.output)["turns"][0]["text"] == "my card is 4111 1111 1111 1111"
