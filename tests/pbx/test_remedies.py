"""This file tests that whatever can be wrong with a PBX has its remedy, and that the commands do what they say."""

import shlex
import subprocess
from pathlib import Path

import pytest

from aftercall.errors import CdrError, PbxError, RecordingError, every_error
from aftercall.pbx.remedies import ANY, GUIDE, NEW, OLD, REMEDIES, Finding, filled_in, find

#: Errors of recordings that no check of a connection meets: they are about our own disk, or about waiting.
OURS = {"archive-full", "archive-broken", "recording-still-growing"}
CODES = sorted(
    {
        error.code
        for root in (PbxError, RecordingError)
        for error in every_error(root)
        if not issubclass(error, CdrError)
    }
    - OURS
    | {*map(str, Finding)}
)
FACTS = {
    "host": "pbx.example.test", "port": "8089", "username": "aftercall", "server": "203.0.113.10/32",
    "link": "/srv/my spool/recording", "kept_in": "/srv/my spool/monitor",
    "advice": "Leave the HTTP prefix empty",
}  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_everything_a_check_can_say_has_its_remedy(code: str) -> None:
    assert find(code) is not None


def test_no_remedy_is_for_something_that_does_not_exist() -> None:
    assert {key.partition("@")[0].partition("+")[0] for key in REMEDIES} == set(CODES)


@pytest.mark.parametrize("key", REMEDIES)
def test_each_remedy_is_for_any_freepbx_or_for_both_kinds(key: str) -> None:
    places = [fix.where for fix in REMEDIES[key].fixes]
    assert places in ([ANY], [OLD, NEW])
    assert REMEDIES[key].guide in GUIDE


@pytest.mark.parametrize("key", REMEDIES)
def test_each_command_is_a_line_that_a_shell_understands(key: str) -> None:
    for fix in filled_in(REMEDIES[key], FACTS):
        assert fix.text.endswith((".", "]:8089"))
        for command in fix.commands:
            assert "\n" not in command
            checked = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
            assert checked.stderr == ""


def test_where_the_two_kinds_differ_their_texts_or_commands_do() -> None:
    for remedy in REMEDIES.values():
        if len(remedy.fixes) == 2:
            old, new = remedy.fixes
            assert (old.text, old.commands) != (new.text, new.commands)


def test_the_guide_has_each_paragraph() -> None:
    page = (Path(__file__).parents[2] / "docs/freepbx.md").read_text()
    anchors = {line[3:].strip().lower().replace(" ", "-") for line in page.splitlines() if line.startswith("## ")}
    assert set(GUIDE) <= anchors


def test_what_a_pbx_says_of_itself_cannot_become_a_command() -> None:
    remedy = find("pbx-list-empty")
    assert remedy is not None
    evil = "/tmp/x; reboot"
    (fix,) = filled_in(remedy, FACTS | {"kept_in": evil})
    link = next(command for command in fix.commands if command.startswith("ln "))
    assert shlex.split(link) == ["ln", "-sfnT", evil, "/srv/my spool/recording"]


def test_a_refused_port_means_something_else_with_tls() -> None:
    plain, secured = find("pbx-connection-refused"), find("pbx-connection-refused", is_tls=True)
    assert plain is not None
    assert secured is not None
    assert (plain.guide, secured.guide) == ("switch-on-the-http-server-and-ari", "turn-on-tls")


def test_a_time_out_is_a_firewall_at_the_port_and_a_slow_asterisk_behind_it() -> None:
    at_the_port, behind = find("pbx-timeout", check="tcp"), find("pbx-timeout", check="http")
    assert at_the_port is not None
    assert behind is not None
    (first, _) = filled_in(at_the_port, FACTS)[0].commands
    assert first == "fwconsole firewall add other 203.0.113.10/32"
    assert behind.guide == "when-something-is-wrong"


def test_an_error_of_our_own_has_none() -> None:
    assert find("data-folder-in-use") is None


# ---- the commands, run ------------------------------------------------------------------------------------------


def run(commands: tuple[str, ...]) -> str:
    ended = subprocess.run(["bash", "-c", "\n".join(commands)], capture_output=True, check=False)
    return (ended.stdout + ended.stderr).decode(errors="backslashreplace")


def facts_of(spool: Path) -> dict[str, str]:
    return FACTS | {"link": str(spool / "recording"), "kept_in": str(spool / "monitor")}


def test_the_commands_for_an_empty_list_make_the_link_and_keep_what_was_there(tmp_path: Path) -> None:
    spool = tmp_path / "a spool"
    (spool / "monitor").mkdir(parents=True)
    (spool / "monitor/call.wav").touch()
    (spool / "recording").mkdir()
    (spool / "recording/mine.wav").touch()
    remedy = find("pbx-list-empty")
    assert remedy is not None
    for _ in range(2):
        run(filled_in(remedy, facts_of(spool))[0].commands)
        assert (spool / "recording/call.wav").exists()
    (aside,) = spool.glob("recording.old-*")
    assert (aside / "mine.wav").exists()
    assert not (spool / "monitor/monitor").exists()


def test_the_link_is_never_made_inside_a_folder_that_could_not_be_moved_away(tmp_path: Path) -> None:
    (tmp_path / "monitor").mkdir()
    (tmp_path / "recording").mkdir()
    remedy = find("pbx-list-empty")
    assert remedy is not None
    move, *others = filled_in(remedy, facts_of(tmp_path))[0].commands
    assert move.startswith("[ -L")
    run(tuple(others))
    assert list((tmp_path / "recording").iterdir()) == []


@pytest.mark.parametrize("litter", ["dangling", "loop", "bad name"])
def test_the_commands_for_a_broken_list_find_the_bad_entry(tmp_path: Path, litter: str) -> None:
    folder = tmp_path / "monitor/2026"
    folder.mkdir(parents=True)
    (tmp_path / "recording").symlink_to(tmp_path / "monitor")
    (folder / "good.wav").touch()
    match litter:
        case "dangling":
            (folder / "bad").symlink_to(tmp_path / "nowhere")
        case "loop":
            (folder / "bad").symlink_to(folder)
        case "bad name":
            Path(f"{folder}/bad\udce9.wav").touch()
    remedy = find("pbx-list-broken")
    assert remedy is not None
    of_17 = filled_in(remedy, facts_of(tmp_path))[1]
    said = run(of_17.commands[1:])
    assert "bad" in said
    assert "good" not in said


@pytest.mark.parametrize("before", ["nothing", "dangling"])
def test_the_commands_for_a_broken_list_make_a_link_that_is_missing_or_dangling(tmp_path: Path, before: str) -> None:
    (tmp_path / "monitor").mkdir()
    (tmp_path / "monitor/call.wav").touch()
    if before == "dangling":
        (tmp_path / "recording").symlink_to(tmp_path / "nowhere")
    remedy = find("pbx-list-broken")
    assert remedy is not None
    for _ in range(2):
        assert run(filled_in(remedy, facts_of(tmp_path))[0].commands[:2]) == ""
        assert (tmp_path / "recording/call.wav").exists()
    assert {path.name for path in (tmp_path / "monitor").iterdir()} == {"call.wav"}


def test_the_commands_for_a_broken_list_are_silent_about_a_whole_one(tmp_path: Path) -> None:
    (tmp_path / "monitor/2026").mkdir(parents=True)
    (tmp_path / "monitor/2026/é good.wav").touch()
    remedy = find("pbx-list-broken")
    assert remedy is not None
    assert run(filled_in(remedy, facts_of(tmp_path))[1].commands[1:]) == ""
