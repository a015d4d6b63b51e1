"""The setup script, run for real: against a stand-in for FreePBX, and around a real Asterisk."""

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from lab.asterisk import Lab
from tests.conftest import not_here
from tests.fixtures.freepbx import FreePbx

from aftercall.model import Check, PbxAddress
from aftercall.pbx import guide
from aftercall.pbx.diagnose import diagnose
from aftercall.pbx.guide import Answers, Secret

SECRET = guide.new_secret()


def answers(**given: object) -> Answers:
    usual = {"host": "pbx.example.test", "server": "203.0.113.10", "username": "visitor", "folder": "link"}
    return Answers(**(usual | given))  # type: ignore[arg-type]


def script(secret: Secret = SECRET, **given: object) -> str:
    return guide.script(answers(**given), secret.crypt)


@pytest.fixture(scope="session")
def own_mounts() -> tuple[str, ...]:
    """A command that gives a script mounts of its own, so that it may bind folders without touching this machine."""
    within = ("unshare", "--user", "--map-root-user", "--mount")
    if not shutil.which("unshare") or subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        not_here("a mount namespace", "the read-only bind mount of the setup script is UNTESTED here")
    return within


# ---- what it does -----------------------------------------------------------------------------------------------


def test_it_switches_on_what_is_needed_and_says_each_thing(freepbx: FreePbx) -> None:
    ended = freepbx.run(script())
    assert ended.returncode == 0, ended.stderr
    assert freepbx.log == [
        "setting HTTPENABLED 1", "setting ENABLE_ARI 1", "setting HTTPTLSENABLE 1",
        "setting ARI_ALLOWED_ORIGINS localhost:8088", "reload",
    ]  # fmt: skip
    for words in ("HTTPENABLED: 1 instead of 0", "a link to", "ari_additional_custom.conf", "Test connection"):
        assert words in ended.stdout


def test_the_user_is_one_marked_block_below_what_was_there(freepbx: FreePbx) -> None:
    freepbx.run(script())
    text = (freepbx.etc / "ari_additional_custom.conf").read_text()
    assert text.startswith("; made by hand\n; BEGIN Aftercall: the user visitor")
    assert f"[visitor]\ntype=user\nread_only=yes\npassword_format=crypt\npassword={SECRET.crypt}\n; END" in text


def test_a_new_file_for_the_user_is_not_for_everybody(freepbx: FreePbx) -> None:
    (freepbx.etc / "ari_additional_custom.conf").unlink()
    freepbx.run(script())
    assert (freepbx.etc / "ari_additional_custom.conf").stat().st_mode & 0o777 == 0o640


def test_the_password_is_nowhere(freepbx: FreePbx) -> None:
    ended = freepbx.run(script())
    files = [path for path in freepbx.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    texts = [ended.stdout, ended.stderr, *(path.read_text(errors="replace") for path in files)]
    assert len(texts) > 10
    assert all(SECRET.password not in text for text in texts)


def test_a_second_run_changes_nothing_and_says_so(freepbx: FreePbx) -> None:
    freepbx.run(script())
    freepbx.know(log=[])
    before = freepbx.everything()
    ended = freepbx.run(script())
    assert ended.returncode == 0, ended.stderr
    assert "Nothing was changed: everything was right already." in ended.stdout
    assert freepbx.everything() == before
    assert freepbx.log == []


def test_a_dry_run_changes_nothing_and_lists_what_would_be(freepbx: FreePbx) -> None:
    before = freepbx.everything()
    ended = freepbx.run(script(), "--dry-run")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("? would:") == 7
    assert freepbx.everything() == before
    assert not (freepbx.folder / "state").exists()


@pytest.mark.parametrize("folder", ["link", "mount"])
def test_undo_restores_every_byte(freepbx: FreePbx, folder: str) -> None:
    freepbx.program("mount", "#!/bin/sh\nexit 32\n")
    (freepbx.recording / "mine.wav").write_bytes(b"kept")
    before = freepbx.everything()
    assert freepbx.run(script(folder=folder)).returncode == 0
    assert freepbx.everything() != before
    ended = freepbx.run(script(folder=folder), "--undo")
    assert ended.returncode == 0, ended.stderr
    assert freepbx.everything() == before


def test_undo_goes_back_to_the_first_values_after_several_runs(freepbx: FreePbx) -> None:
    before = freepbx.everything()
    freepbx.run(script())
    freepbx.fwconsole("setting", "ENABLE_ARI", "0")
    freepbx.run(script(guide.new_secret()))
    assert freepbx.settings["ENABLE_ARI"] is True
    freepbx.run(script(), "--undo")
    assert freepbx.everything() == before


def test_undo_twice_finds_nothing_left(freepbx: FreePbx) -> None:
    freepbx.run(script())
    freepbx.run(script(), "--undo")
    ended = freepbx.run(script(), "--undo")
    assert (ended.returncode, "nothing to put back" in ended.stdout) == (0, True)


def test_undo_keeps_what_somebody_else_changed_since(freepbx: FreePbx) -> None:
    freepbx.run(script())
    custom = freepbx.etc / "ari_additional_custom.conf"
    custom.write_text(custom.read_text() + "[other]\ntype=user\n")
    freepbx.know(ARI_ALLOWED_ORIGINS="https://wallboard.example.test")
    freepbx.run(script(), "--undo")
    assert custom.read_text() == "; made by hand\n[other]\ntype=user\n"
    assert freepbx.settings["ARI_ALLOWED_ORIGINS"] == "https://wallboard.example.test"
    assert freepbx.settings["HTTPENABLED"] is False


def test_a_new_password_replaces_the_old_one_and_keeps_a_copy_of_the_file(freepbx: FreePbx) -> None:
    freepbx.run(script())
    new = guide.new_secret()
    assert freepbx.run(script(new)).returncode == 0
    text = (freepbx.etc / "ari_additional_custom.conf").read_text()
    assert (new.crypt in text, SECRET.crypt in text, text.count("[visitor]")) == (True, False, 1)
    copies = [path.read_text() for path in (freepbx.folder / "state/visitor/backups").rglob("ari")]
    assert "; made by hand" in copies


def test_two_users_of_two_installations_do_not_disturb_each_other(freepbx: FreePbx) -> None:
    freepbx.run(script())
    freepbx.run(script(username="second"))
    freepbx.run(script(), "--undo")
    text = (freepbx.etc / "ari_additional_custom.conf").read_text()
    assert ("[second]" in text, "[visitor]" in text) == (True, False)


# ---- the folder -------------------------------------------------------------------------------------------------


def test_a_folder_with_files_is_moved_aside_never_deleted(freepbx: FreePbx) -> None:
    (freepbx.recording / "mine.wav").write_bytes(b"kept")
    freepbx.run(script())
    (aside,) = freepbx.spool.glob("recording.before-aftercall-*")
    assert (aside / "mine.wav").read_bytes() == b"kept"
    assert freepbx.recording.resolve() == freepbx.spool / "monitor"


def test_a_link_that_is_right_already_is_left_alone(freepbx: FreePbx) -> None:
    freepbx.recording.rmdir()
    freepbx.recording.symlink_to("monitor")
    freepbx.run(script())
    assert freepbx.recording.readlink() == Path("monitor")


def test_a_link_to_nowhere_is_replaced_and_comes_back(freepbx: FreePbx) -> None:
    freepbx.recording.rmdir()
    freepbx.recording.symlink_to("gone")
    freepbx.run(script())
    assert freepbx.recording.resolve() == freepbx.spool / "monitor"
    freepbx.run(script(), "--undo")
    assert freepbx.recording.readlink() == Path("gone")


def test_the_override_of_the_recording_location_is_asked_of_freepbx(freepbx: FreePbx) -> None:
    elsewhere = freepbx.folder / "calls"
    elsewhere.mkdir()
    freepbx.know(MIXMON_DIR=f"{elsewhere}/")
    freepbx.run(script())
    assert freepbx.recording.resolve() == elsewhere


def test_a_folder_of_the_admins_own_wins(freepbx: FreePbx) -> None:
    recent = freepbx.folder / "recent"
    recent.mkdir()
    ended = freepbx.run(script(recordings=str(recent)))
    assert freepbx.recording.resolve() == recent
    assert "yours is taken" in ended.stdout


def test_where_mounting_fails_a_link_does_it(freepbx: FreePbx) -> None:
    freepbx.program("mount", "#!/bin/sh\nexit 32\n")
    ended = freepbx.run(script(folder="mount"))
    assert ended.returncode == 0, ended.stderr
    assert freepbx.recording.is_symlink()
    assert freepbx.fstab.read_text() == "UUID=1 / ext4 defaults 0 1"
    assert "Nothing was changed" in freepbx.run(script(folder="mount")).stdout


BOUND = """
set -e
bash {script}
ls {recording}/2026/11/23 | grep -q wav
if touch {recording}/new 2>/dev/null; then echo WRITABLE; fi
bash {script} | grep 'Nothing was changed'
umount {recording}
mount -T {fstab} {recording}
mount -o remount,bind,ro {recording}
ls {recording}/2026/11/23 | grep -q wav
bash {script} | grep 'Nothing was changed'
bash {script} --undo
ls -A {recording}
"""


def _bound(freepbx: FreePbx, within: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    path = freepbx.folder / "aftercall-setup.sh"
    path.write_text(script(folder="mount"))
    walk = BOUND.format(script=path, recording=freepbx.recording, fstab=freepbx.fstab)
    return subprocess.run(
        [*within, "/bin/bash", "-c", walk], env=freepbx.environment, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


def test_a_bind_mount_shows_the_recordings_read_only_also_after_a_restart(
    freepbx: FreePbx, own_mounts: tuple[str, ...]
) -> None:
    before = freepbx.everything()
    ended = _bound(freepbx, own_mounts)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "WRITABLE" not in ended.stdout
    assert ended.stdout.count("Nothing was changed") == 2
    assert freepbx.everything() == before


def test_an_old_mount_gets_its_read_only_part_again_at_each_start(
    freepbx: FreePbx, own_mounts: tuple[str, ...]
) -> None:
    real = shutil.which("mount")
    old = f'#!/bin/sh\n[ "$1" != -V ] || {{ echo "mount from util-linux 2.23.2"; exit; }}\nexec {real} "$@"\n'
    freepbx.program("mount", old)
    copied = f"cp {freepbx.cron}/aftercall-recordings {freepbx.folder}/seen"
    path = freepbx.folder / "aftercall-setup.sh"
    path.write_text(script(folder="mount"))
    ended = subprocess.run(
        [*own_mounts, "/bin/bash", "-c", f"bash {path} && {copied} && bash {path} --undo"],
        env=freepbx.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    line = f"@reboot root mount -o remount,bind,ro {freepbx.recording}"
    assert line in (freepbx.folder / "seen").read_text().splitlines()
    assert list(freepbx.cron.iterdir()) == []


def test_a_mount_of_something_else_is_not_touched(freepbx: FreePbx, own_mounts: tuple[str, ...]) -> None:
    path = freepbx.folder / "aftercall-setup.sh"
    path.write_text(script())
    walk = (
        f"mount -t tmpfs none {freepbx.recording} && touch {freepbx.recording}/x && bash {path}; ls {freepbx.recording}"
    )
    ended = subprocess.run(
        [*own_mounts, "/bin/bash", "-c", walk],
        env=freepbx.environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "is the mount of something else" in ended.stderr
    assert ended.stdout.splitlines()[-1] == "x"


# ---- the firewall -----------------------------------------------------------------------------------------------


def _with_firewall(freepbx: FreePbx) -> None:
    (freepbx.etc / "firewall.enabled").touch()


def test_the_firewall_lets_in_one_address(freepbx: FreePbx) -> None:
    _with_firewall(freepbx)
    ended = freepbx.run(script())
    assert freepbx.zones == {"203.0.113.10/32": "other"}
    assert "port 8089, and tick the zone Other" in ended.stdout


def test_a_firewall_that_is_off_stays_off(freepbx: FreePbx) -> None:
    freepbx.run(script())
    assert freepbx.zones == {}


@pytest.mark.parametrize("zone", ["trusted", "internal", "other"])
def test_an_address_that_gets_in_already_stays_in_its_zone(freepbx: FreePbx, zone: str) -> None:
    _with_firewall(freepbx)
    freepbx.know(zones={"203.0.113.10/32": zone})
    freepbx.run(script())
    freepbx.run(script(), "--undo")
    assert freepbx.zones == {"203.0.113.10/32": zone}


def test_undo_puts_an_address_back_into_its_zone(freepbx: FreePbx) -> None:
    _with_firewall(freepbx)
    freepbx.know(zones={"203.0.113.10/32": "external"})
    freepbx.run(script())
    assert freepbx.zones == {"203.0.113.10/32": "other"}
    freepbx.run(script(), "--undo")
    assert freepbx.zones == {"203.0.113.10/32": "external"}


def test_a_tunnel_needs_neither_firewall_nor_tls(freepbx: FreePbx) -> None:
    _with_firewall(freepbx)
    ended = freepbx.run(script(connection="tunnel", server="", close_plain_port=True))
    assert ended.returncode == 0, ended.stderr
    assert freepbx.zones == {}
    assert freepbx.settings["HTTPTLSENABLE"] is False
    assert freepbx.settings["HTTPBINDADDRESS"] == "127.0.0.1"


# ---- what it refuses --------------------------------------------------------------------------------------------


def test_it_wants_root(freepbx: FreePbx) -> None:
    freepbx.program("id", "#!/bin/sh\necho 1000\n")
    ended = freepbx.run(script())
    assert (ended.returncode, "must run as root" in ended.stderr) == (1, True)


@pytest.mark.parametrize("program", ["fwconsole", "asterisk"])
def test_it_says_what_is_missing(freepbx: FreePbx, program: str) -> None:
    (freepbx.bin / program).unlink()
    ended = freepbx.run(script())
    assert (ended.returncode, f"There is no {program} here." in ended.stderr) == (1, True)


def test_it_never_asks_an_fwconsole_that_would_empty_the_setting(freepbx: FreePbx) -> None:
    freepbx.program("fwconsole", "#!/bin/sh\necho asked >> $(dirname $0)/asked; echo '-d, --dump  Dump Configs'\n")
    ended = freepbx.run(script())
    assert "older than 15" in ended.stderr
    assert (freepbx.bin / "asked").read_text().count("asked") == 1


def _refused(freepbx: FreePbx, **given: object) -> str:
    before = freepbx.everything()
    ended = freepbx.run(script(**given))
    assert ended.returncode == 1
    assert freepbx.everything() == before
    return ended.stderr


def test_tls_without_a_certificate_is_said_before_anything_is_changed(freepbx: FreePbx) -> None:
    (freepbx.etc / "keys/default.crt").unlink()
    assert "Admin > Certificate Management" in _refused(freepbx)


def test_a_recording_directory_line_is_found(freepbx: FreePbx) -> None:
    (freepbx.etc / "ari_general_custom.conf").write_text("recording_directory = /var/spool/asterisk/monitor\n")
    assert "ari_general_custom.conf:1:recording_directory" in _refused(freepbx)


def test_a_second_general_section_is_found(freepbx: FreePbx) -> None:
    (freepbx.etc / "ari_additional_custom.conf").write_text("[general]\nallowed_origins=*\n")
    assert "A second [general]" in _refused(freepbx)


def test_a_user_made_in_freepbx_is_not_made_twice(freepbx: FreePbx) -> None:
    (freepbx.etc / "ari_additional.conf").write_text("[Visitor]\ntype=user\n")
    assert "There is an ARI user visitor already" in _refused(freepbx)


def test_an_ari_conf_that_is_not_freepbxs_is_said(freepbx: FreePbx) -> None:
    (freepbx.etc / "ari.conf").write_text("[general]\nenabled=yes\n")
    assert "not FreePBX's own" in _refused(freepbx)


def test_no_recordings_is_said(freepbx: FreePbx) -> None:
    assert "There is no folder /mnt/none" in _refused(freepbx, recordings="/mnt/none")


def test_half_a_block_is_not_guessed_at(freepbx: FreePbx) -> None:
    freepbx.run(script())
    custom = freepbx.etc / "ari_additional_custom.conf"
    custom.write_text("".join(line for line in custom.read_text().splitlines(True) if not line.startswith("; END")))
    text = custom.read_text()
    ended = freepbx.run(script(guide.new_secret()))
    assert "one of our marks without the other" in ended.stderr
    assert custom.read_text() == text


def test_a_reload_that_fails_is_told_and_tried_again_next_time(freepbx: FreePbx) -> None:
    freepbx.know(reload_fails=True)
    ended = freepbx.run(script())
    assert ended.returncode == 1
    assert "Exception: it would not" in ended.stderr
    freepbx.know(reload_fails=False, log=[])
    assert freepbx.run(script()).returncode == 0
    assert freepbx.log == ["reload"]


@pytest.mark.parametrize("target", ["gone.wav", "."])
def test_a_link_to_nothing_and_a_loop_among_the_recordings_are_named(freepbx: FreePbx, target: str) -> None:
    bad = freepbx.spool / "monitor/2026/old.wav"
    bad.symlink_to(target)
    ended = freepbx.run(script())
    assert ended.returncode == 1
    assert str(bad) in ended.stdout


# ---- a real Asterisk --------------------------------------------------------------------------------------------


def _checks(lab: Lab, *, use_tls: bool) -> dict[str, Check]:
    address = PbxAddress(
        host="127.0.0.1", port=lab.tls_port if use_tls else lab.port, username="visitor", password=SECRET.password,
        use_tls=use_tls, pinned_certificate=lab.certificate_pem if use_tls else None,
    )  # fmt: skip

    async def collect() -> dict[str, Check]:
        return {check.check: check async for check in diagnose(address)}

    return asyncio.run(collect())


@pytest.mark.pbx
@pytest.mark.parametrize("connection", ["tls", "plain"])
def test_after_it_aftercall_signs_in_and_finds_recordings(
    bare: Lab, freepbx_around: Callable[[Lab], FreePbx], connection: str
) -> None:
    (name,) = bare.seed(1, seconds=1)
    freepbx = freepbx_around(bare)
    ended = freepbx.run(script(connection=connection))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "(401 without one)" in ended.stdout
    assert "read-only" in ended.stdout
    checks = _checks(bare, use_tls=connection == "tls")
    assert [check.what for check in checks.values() if check.status == "fail"] == []
    assert checks["sign-in"].status == checks["download"].status == "ok"
    assert checks["recording list"].status == checks["read-only"].status == checks["folders"].status == "ok"
    # Read-only on the disk of the PBX too: it keeps what it has.
    status, _ = bare.request(
        f"/ari/recordings/stored/{quote(name, safe='')}", method="DELETE", user="visitor", password=SECRET.password
    )
    assert status == 403
    assert bare.names() == {name}


@pytest.mark.pbx
def test_around_a_real_asterisk_a_second_run_changes_nothing_and_undo_restores_every_byte(
    bare: Lab, freepbx_around: Callable[[Lab], FreePbx]
) -> None:
    bare.seed(1)
    (bare.spool / "recording/mine.wav").write_bytes(b"kept")
    freepbx = freepbx_around(bare)
    before = freepbx.everything()
    assert freepbx.run(script()).returncode == 0
    done = freepbx.everything()
    again = freepbx.run(script())
    assert "Nothing was changed" in again.stdout
    assert freepbx.everything() == done
    undone = freepbx.run(script(), "--undo")
    assert undone.returncode == 0, undone.stderr
    assert freepbx.everything() == before
    assert "Server Disabled" in bare.cli("http show status")
