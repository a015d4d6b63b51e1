"""The answers, the password, the steps and the script made of them."""

import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aftercall.errors import FormInvalid
from aftercall.pbx import guide
from aftercall.pbx.guide import Answers

SECRET = guide.new_secret()
GOOD = {"host": "pbx.example.test", "server": "203.0.113.10", "username": "aftercall"}


def answers(**given: Any) -> Answers:
    return Answers(**(GOOD | given))


# ---- answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "pbx.example.test"), ("host", "192.0.2.10"), ("host", "2001:db8::10"), ("host", "pbx"),
        ("server", "203.0.113.0/28"), ("server", "2001:db8::7"), ("server", "10.1.0.0/16"), ("username", "connex"),
        ("username", "a" * 15), ("recordings", "/mnt/calls/monitor"), ("folder", "link"), ("freepbx", "15"),
    ],
)  # fmt: skip
def test_a_usual_answer_is_taken(field: str, value: str) -> None:
    assert guide.problems(GOOD | {field: value}) == {}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""), ("host", "pbx example"), ("host", "-oProxyCommand=x"), ("host", "fe80::1%eth0"),
        ("host", "http://pbx"), ("server", ""), ("server", "0.0.0.0/0"), ("server", "203.0.113.10/28"),
        ("server", "10.0.0.0/8"), ("server", "127.0.0.1"), ("server", "224.0.0.1"), ("server", "aftercall.example"),
        ("username", ""), ("username", "a" * 16), ("username", "general"), ("username", "two words"),
        ("username", "name]\nread_only=no"), ("username", "bad-sign;"), ("recordings", "calls"),
        ("recordings", "/mnt/../etc"), ("recordings", "/mnt/my calls"), ("recordings", "/"), ("folder", "copy"),
        ("freepbx", "14"), ("connection", "telnet"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_named(field: str, value: str) -> None:
    assert list(guide.problems(GOOD | {field: value})) == [field]
    with pytest.raises(FormInvalid):
        Answers(**(GOOD | {field: value}))


def test_a_network_that_is_typed_as_an_address_in_it_is_spelt_out() -> None:
    assert "203.0.113.0/28" in guide.problems(GOOD | {"server": "203.0.113.10/28"})["server"]


def test_a_tunnel_needs_no_address_of_the_server() -> None:
    assert answers(connection="tunnel", server="").network == ""


def test_the_unencrypted_port_cannot_be_closed_and_used() -> None:
    assert list(guide.problems(GOOD | {"connection": "plain", "close_plain_port": True})) == ["close_plain_port"]


def test_what_is_typed_is_forgiven_its_spaces_and_brackets() -> None:
    read = guide.read({"host": " [2001:db8::10] ", "server": " 203.0.113.10 ", "username": " aftercall", "name": "x"})
    assert (read.host, read.network, read.username) == ("2001:db8::10", "203.0.113.10/32", "aftercall")


@pytest.mark.parametrize(
    ("connection", "target"),
    [
        ("tls", ("pbx.example.test", 8089, True)),
        ("plain", ("pbx.example.test", 8088, False)),
        ("tunnel", ("127.0.0.1", 18088, False)),
    ],
)
def test_the_form_of_the_connection_gets_what_fits(connection: str, target: tuple[str, int, bool]) -> None:
    found = guide.target(answers(connection=connection))
    assert (found.host, found.port, found.use_tls) == target


# ---- the password -----------------------------------------------------------------------------------------------


def test_a_password_is_long_of_letters_and_digits_and_never_the_same() -> None:
    made = {guide.new_secret().password for _ in range(20)}
    assert len(made) == 20
    assert all(len(each) >= 32 and each.isascii() and each.isalnum() for each in made)


def test_the_hash_is_one_that_crypt_makes_and_cheap_enough_for_every_request() -> None:
    made = subprocess.run(
        ["openssl", "passwd", "-6", "-salt", SECRET.crypt.split("$")[2], "-stdin"],
        input=SECRET.password, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert made.stdout.strip() == SECRET.crypt
    assert "rounds=" not in SECRET.crypt


def test_a_page_that_is_sent_again_keeps_its_password() -> None:
    assert guide.same_secret(SECRET.password, SECRET.crypt) == SECRET


@pytest.mark.parametrize(
    ("password", "crypt"),
    [("", ""), ("short", SECRET.crypt), (SECRET.password, ""), ("x" * 40, SECRET.crypt)],
    # The secret is another in each process, and the names of the tests must not be.
    ids=["nothing", "short", "no hash", "another hash"],
)
def test_a_password_that_was_tampered_with_is_replaced(password: str, crypt: str) -> None:
    made = guide.same_secret(password, crypt)
    assert made.password != password
    assert guide.same_secret(made.password, made.crypt) == made


def test_neither_password_nor_hash_shows_in_a_trace() -> None:
    assert SECRET.password not in repr(SECRET)
    assert SECRET.crypt not in repr(SECRET)


# ---- the script -------------------------------------------------------------------------------------------------


def test_the_script_holds_the_hash_and_never_the_password() -> None:
    text = guide.script(answers(), SECRET.crypt)
    assert SECRET.crypt in text
    assert SECRET.password not in text
    assert "@ANSWERS@" not in text


def test_only_a_hash_goes_where_the_hash_belongs() -> None:
    with pytest.raises(ValueError, match="hash"):
        guide.script(answers(), "x'; reboot; '")


def test_the_shell_finds_no_fault_with_it() -> None:
    checked = subprocess.run(
        ["/bin/bash", "-n"], input=guide.script(answers(), SECRET.crypt), capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


SIGNS = [
    "'",
    '"',
    "`id`",
    "$(id)",
    "; id",
    "\n",
    "\\",
    "&",
    "|",
    ">",
    "#",
    "%",
    "*",
    "~",
    "{a,b}",
    "[x]",
    "!",
    "\0",
    "é",
]
PARTS = ["a", "pbx", "/mnt", "/", "..", "203.0.113.10", "2001:db8::1", "/28", ".", "-", "_", "0", " "]
PIECES = st.sampled_from([*SIGNS, *PARTS])
HOSTILE = st.lists(PIECES, max_size=5).map("".join) | st.text(max_size=20)


@settings(max_examples=300, deadline=None)
@given(
    field=st.sampled_from(["host", "server", "username", "recordings", "connection", "folder", "freepbx"]),
    text=HOSTILE,
    connection=st.sampled_from(["tls", "tunnel", "plain"]),
)
def test_a_hostile_answer_is_refused_or_stays_a_value(field: str, text: str, connection: str) -> None:
    try:
        given_ = Answers(**(GOOD | {"connection": connection} | {field: text}))
    except FormInvalid:
        return
    script = guide.script(given_, SECRET.crypt)
    block = script.split("# ---- the answers it was made from ----\n")[1].split("# ---- nothing below")[0]
    # As the shell reads it: each line one assignment of one word, and no sign that means anything to a shell.
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        assert len(words) <= 1
        value = words[0].partition("=")[2] if words else ""
        assert not set(value) & set("'\"`;\n\\&|<>*~{}[]!\0 ()")
        assert "$" not in value or value == SECRET.crypt
    if field == "server" and connection == "tunnel":
        # Through a tunnel nobody connects from outside, so that the answer is not used at all.
        assert guide.steps(given_, SECRET.crypt) == guide.steps(
            Answers(**(GOOD | {"connection": connection})), SECRET.crypt
        )
        return
    for step in guide.steps(given_, SECRET.crypt):
        assert text not in step.commands or not set(text) & set("'\"`;\n\\&|<>*~{}[]!\0 ()$#")


# ---- the steps --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("connection", ["tls", "tunnel", "plain"])
@pytest.mark.parametrize("folder", ["mount", "link"])
@pytest.mark.parametrize("freepbx", ["15", "16", "17"])
def test_each_step_leads_to_a_heading_of_the_guide(connection: str, folder: str, freepbx: str) -> None:
    steps = guide.steps(answers(connection=connection, folder=folder, freepbx=freepbx), SECRET.crypt)
    assert {step.slug for step in steps} <= set(guide.slugs())
    assert all(step.words and step.commands for step in steps)


@pytest.mark.parametrize(("freepbx", "is_there"), [("15", True), ("16", True), ("17", False)])
def test_the_old_distribution_makes_its_mount_read_only_in_a_second_step(freepbx: str, is_there: bool) -> None:
    commands = "\n".join(step.commands for step in guide.steps(answers(freepbx=freepbx), SECRET.crypt))
    assert ("remount,bind,ro" in commands) == is_there


def test_the_steps_hold_the_hash_and_never_the_password() -> None:
    text = "\n".join(step.commands for step in guide.steps(answers(), SECRET.crypt))
    assert SECRET.crypt in text
    assert SECRET.password not in text


# ---- the guide --------------------------------------------------------------------------------------------------

HEADINGS = (
    "before-you-begin", "switch-on-the-http-server-and-ari", "turn-on-tls", "create-a-read-only-user",
    "show-ari-the-recordings", "let-only-aftercall-in", "connect-and-check", "calls-as-they-end", "stereo-recordings",
    "clocks-and-time-zones", "asterisk-versions", "many-recordings", "call-detail-records", "when-something-is-wrong",
    "mistakes-of-older-guides",
)  # fmt: skip


def test_the_guide_has_the_headings_that_the_checks_point_to() -> None:
    assert guide.slugs() == HEADINGS


def test_the_guide_warns_of_every_mistake_that_older_guides_make() -> None:
    table = guide.markdown().split("## Mistakes of older guides")[1]
    rows = [line for line in table.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    assert len(rows) - 1 >= 19


@pytest.mark.parametrize("heading", ["Switch on the HTTP server and ARI", "Turn on TLS"])
def test_a_heading_becomes_its_anchor_as_on_github(heading: str) -> None:
    assert guide.slug(heading) in HEADINGS
