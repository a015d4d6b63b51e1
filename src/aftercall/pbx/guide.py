"""This file makes the way to a FreePBX easy: an admin's answers become the steps, and one script that does them; pure.

The script is `freepbx/setup.sh` with the answers filled in, the words are `freepbx/guide.md`: one source for the pages,
the command line and docs/freepbx.md.
"""

import ipaddress
import re
import secrets
import shlex
import string
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast, get_args

from passlib.hash import sha512_crypt  # type: ignore[import-untyped]

from aftercall.errors import FormInvalid

HERE = Path(__file__).parent / "freepbx"

Connection = Literal["tls", "tunnel", "plain"]
Folder = Literal["mount", "link"]
Release = Literal["15", "16", "17"]

PLAIN_PORT, TLS_PORT = 8088, 8089
#: Where the Aftercall end of an SSH tunnel listens.
TUNNEL_PORT = 18088
#: FreePBX's page for ARI users takes no more.
LONGEST_USERNAME = 15
PASSWORD_LENGTH = 40
#: glibc's own default: Asterisk does this sum for every request, and 40 random characters need no more.
HASH_ROUNDS = 5000

_USERNAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_PASSWORD = re.compile(r"[A-Za-z0-9]{32,64}", re.ASCII)
_HASH = re.compile(r"\$6\$[./0-9A-Za-z]{8,16}\$[./0-9A-Za-z]{86}", re.ASCII)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)", re.ASCII)
_FOLDER = re.compile(r"(/[A-Za-z0-9_@+.-]+)+", re.ASCII)
#: Wider than this is no longer "only Aftercall".
_WIDEST = {4: 16, 6: 48}


# ---- the answers ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What an admin says about the PBX; made only of values that are safe in a script and in Asterisk's files.

    Raises:
        FormInvalid: one of them is not.
    """

    #: The PBX as the Aftercall server reaches it: by TLS or plainly, or, with a tunnel, by SSH.
    host: str
    #: The Aftercall server as the PBX sees it: an IP address or a network; not needed with a tunnel.
    server: str = ""
    freepbx: Release = "17"
    connection: Connection = "tls"
    username: str = "aftercall"
    #: Where FreePBX records, if "Override Call Recording Location" is set; "" for what FreePBX itself says.
    recordings: str = ""
    folder: Folder = "mount"
    #: Bind the unencrypted port to the PBX itself.
    close_plain_port: bool = False

    def __post_init__(self) -> None:
        for name, problem in problems(vars(self)).items():
            raise FormInvalid(field=name, problem=problem)

    @property
    def network(self) -> str:
        """The server with its prefix length, as FreePBX's firewall stores it; "" with a tunnel."""
        return "" if self.connection == "tunnel" else str(ipaddress.ip_network(self.server))

    @property
    def port(self) -> int:
        """Of Asterisk's HTTP server, unless FreePBX was given another."""
        return TLS_PORT if self.connection == "tls" else PLAIN_PORT


def problems(entered: dict[str, Any]) -> dict[str, str]:
    """What is wrong with the answers, by field; empty when nothing is."""
    connection = entered.get("connection", "tls")
    found = {
        "freepbx": _one_of(entered.get("freepbx", "17"), Release),
        "connection": _one_of(connection, Connection),
        "server": "" if connection == "tunnel" else _server(str(entered.get("server", ""))),
        "host": _host(str(entered.get("host", ""))),
        "username": _username(str(entered.get("username", ""))),
        "recordings": _recordings(str(entered.get("recordings", ""))),
        "folder": _one_of(entered.get("folder", "mount"), Folder),
        "close_plain_port": (
            "Without TLS and without a tunnel, Aftercall needs the unencrypted port itself."
            if entered.get("close_plain_port") and connection == "plain"
            else ""
        ),
    }
    return {name: problem for name, problem in found.items() if problem}


def read(entered: dict[str, Any]) -> Answers:
    """The answers as typed, white space around them forgiven.

    Raises:
        FormInvalid: one of them cannot be used.
    """
    return Answers(**clean(entered))


def clean(entered: dict[str, Any]) -> dict[str, Any]:
    """Only the fields of the answers, trimmed; an IPv6 address loses its brackets."""
    known = {each.name for each in fields(Answers)}
    trimmed = {
        name: value.strip() if isinstance(value, str) else value for name, value in entered.items() if name in known
    }
    for name in ("host", "server"):
        if isinstance(trimmed.get(name), str):
            trimmed[name] = trimmed[name].removeprefix("[").removesuffix("]")
    if isinstance(trimmed.get("recordings"), str):
        trimmed["recordings"] = trimmed["recordings"].rstrip("/")
    return trimmed


def _one_of(value: object, choices: object) -> str:
    known = get_args(choices)
    return "" if value in known else f"Choose one of {', '.join(known)}."


def _server(text: str) -> str:
    if not text:
        return "Enter the address of this Aftercall server as the PBX sees it."
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        try:
            wide = ipaddress.ip_network(text, strict=False)
        except ValueError:
            return "Enter an IP address (203.0.113.10) or a network (203.0.113.0/28)."
        return f"The network of that address is {wide}: enter it so, or the address alone."
    if network.is_loopback or network.is_multicast or network.is_unspecified or network.is_link_local:
        return "That is no address from which another machine can connect."
    widest = _WIDEST[network.version]
    if network.prefixlen < widest:
        return f"That lets in too many. Enter a single address, or a network of /{widest} or smaller."
    return ""


def _host(text: str) -> str:
    if not text:
        return "Enter the PBX's host name or IP address."
    try:
        ipaddress.ip_address(text)
    except ValueError:
        labels = text.removesuffix(".").split(".")
        if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            return "This is neither a host name nor an IP address."
    # A zone such as %eth0 may hold any sign, and means nothing on another machine.
    return "Enter the address without %." if "%" in text else ""


def _username(text: str) -> str:
    if len(text) > LONGEST_USERNAME or not _USERNAME.fullmatch(text):
        return f"Use 1 to {LONGEST_USERNAME} letters, digits and _, beginning with a letter."
    return '"general" is a word of Asterisk\'s own.' if text.lower() == "general" else ""


def _recordings(text: str) -> str:
    if not text:
        return ""
    if len(text) > 200 or not _FOLDER.fullmatch(text) or {".", ".."} & set(text.split("/")):
        return "Enter a whole path such as /mnt/calls/monitor, of letters, digits and . _ @ + - only."
    return ""


# ---- the password -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Secret:
    """The ARI user's password, and what Asterisk is given instead of it."""

    password: str = field(repr=False)
    #: `$6$...`, as crypt(3) makes it.
    crypt: str = field(repr=False)


def new_secret() -> Secret:
    """A password of letters and digits only: no sign that ARI, FreePBX, a shell or a URL trips over."""
    letters = string.ascii_letters + string.digits
    password = "".join(secrets.choice(letters) for _ in range(PASSWORD_LENGTH))
    return Secret(password=password, crypt=str(sha512_crypt.using(rounds=HASH_ROUNDS).hash(password)))


def same_secret(password: str, crypt: str) -> Secret:
    """The secret an earlier page has shown; a new one if the two are not what we make, or do not belong together."""
    if _PASSWORD.fullmatch(password) and _HASH.fullmatch(crypt) and sha512_crypt.verify(password, crypt):
        return Secret(password=password, crypt=crypt)
    return new_secret()


# ---- the script -------------------------------------------------------------------------------------------------


def script(answers: Answers, crypt: str) -> str:
    """The script to run as root on the PBX; it holds the hash of the password, never the password.

    Raises:
        ValueError: that is no hash of ours.
    """
    if not _HASH.fullmatch(crypt):
        raise ValueError("not a SHA-512 crypt hash")
    values = {
        "CONNECTION": answers.connection,
        "SERVER": answers.network,
        "HOST": answers.host,
        "USERNAME": answers.username,
        "PASSWORD_HASH": crypt,
        "RECORDINGS": answers.recordings,
        "FOLDER": answers.folder,
        "CLOSE_PLAIN": "yes" if answers.close_plain_port else "no",
    }
    lines = [f"# FreePBX {answers.freepbx}", *(f"{name}={shlex.quote(value)}" for name, value in values.items())]
    return (HERE / "setup.sh").read_text().replace("@ANSWERS@", "\n".join(lines))


# ---- the connection, as the form of a PBX wants it --------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where Aftercall connects to, once the steps are done."""

    host: str
    port: int
    use_tls: bool
    username: str


def target(answers: Answers) -> Target:
    if answers.connection == "tunnel":
        return Target(host="127.0.0.1", port=TUNNEL_PORT, use_tls=False, username=answers.username)
    return Target(
        host=answers.host, port=answers.port, use_tls=answers.connection == "tls", username=answers.username
    )  # fmt: skip


# ---- the steps --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do, by hand."""

    title: str
    #: Why, and how in FreePBX's pages.
    words: tuple[str, ...]
    #: Lines for a shell, "" for none.
    commands: str = ""
    #: Whose shell: `the PBX` or `the Aftercall server`.
    where: str = "the PBX"
    #: The heading in our guide that tells more.
    slug: str


def steps(answers: Answers, crypt: str) -> tuple[Step, ...]:
    """What the script does, for those who rather do it themselves, in order."""
    made = [_switch_on(answers)]
    if answers.connection == "tls":
        made.append(_tls())
    made.append(_user(answers, crypt))
    made.append(_recordings_step(answers))
    made.append(_tunnel(answers) if answers.connection == "tunnel" else _firewall(answers))
    made.append(_look(answers))
    return tuple(made)


def _switch_on(answers: Answers) -> Step:
    commands = ["fwconsole setting HTTPENABLED 1", "fwconsole setting ENABLE_ARI 1"]
    words = [
        "Both are off on a new FreePBX, and that is the usual reason for “connection refused”.",
        "In FreePBX: Settings > Advanced Settings > Asterisk Builtin mini-HTTP server: Enable the mini-HTTP Server: "
        "Yes; further down, Asterisk REST Interface: Enable the Asterisk REST Interface: Yes.",
    ]
    if answers.close_plain_port:
        commands.append("fwconsole setting HTTPBINDADDRESS 127.0.0.1")
        words.append("HTTP Bind Address 127.0.0.1 keeps the unencrypted port 8088 to the PBX itself.")
    return Step(
        title="Switch on the HTTP server and ARI",
        words=tuple(words),
        commands="\n".join(commands),
        slug="switch-on-the-http-server-and-ari",
    )


def _tls() -> Step:
    return Step(
        title="Turn on TLS",
        words=(
            "With TLS nobody on the way can read the password or the recordings. It needs a certificate: "
            "Admin > Certificate Management must show one with the tick of the default. A self-signed one will do.",
            "In FreePBX: Settings > Advanced Settings > Enable TLS for the mini-HTTP Server: Yes.",
        ),
        commands="fwconsole certificates --list\nfwconsole setting HTTPTLSENABLE 1",
        slug="turn-on-tls",
    )


def _user(answers: Answers, crypt: str) -> Step:
    file = "/etc/asterisk/ari_additional_custom.conf"
    block = f"[{answers.username}]\ntype=user\nread_only=yes\npassword_format=crypt\npassword={crypt}"
    return Step(
        title="Create a read-only user",
        words=(
            "Aftercall only ever reads. The lines hold a hash of the password, not the password.",
            f"In FreePBX: Settings > Asterisk REST Interface Users > Add User: {answers.username}, the password shown "
            "here, Password Type: Crypt, Read Only: Yes. Then Submit and Apply Config. Do one or the other, not both.",
        ),
        # The empty line first: the file may end without one.
        commands=f"cat >> {file} <<'END'\n\n{block}\nEND\nchown asterisk:asterisk {file}\nchmod 640 {file}",
        slug="create-a-read-only-user",
    )


def _recordings_step(answers: Answers) -> Step:
    kept_in = answers.recordings or "/var/spool/asterisk/monitor"
    link = "/var/spool/asterisk/recording"
    aside = f"[ -L {link} ] || [ ! -e {link} ] || mv {link} {link}.old-$(date +%F)"
    if answers.folder == "link":
        words = ("A link shows the one folder in the other. What is there already is moved aside, never deleted.",)
        commands = f"{aside}\nln -sfn {kept_in} {link}"
    else:
        words = (
            "A read-only mount shows the one folder in the other, and nobody can delete a call through ARI. What is "
            "there already is moved aside, never deleted.",
        )
        lines = [
            f"[ ! -L {link} ] || rm {link}",
            f"rmdir {link} 2>/dev/null || [ ! -e {link} ] || mv {link} {link}.old-$(date +%F)",
            f"install -d -o asterisk -g asterisk {link}",
            f"echo '{kept_in} {link} none bind,ro,nofail 0 0' >> /etc/fstab",
            f"mount {link}",
        ]
        if answers.freepbx != "17":
            lines.append(f"mount -o remount,bind,ro {link}   # the old distribution needs this after each restart")
        commands = "\n".join(lines)
    return Step(
        title="Show ARI the recordings",
        words=(f"ARI looks in {link}, FreePBX records into {kept_in}.", *words),
        commands=commands,
        slug="show-ari-the-recordings",
    )


def _firewall(answers: Answers) -> Step:
    return Step(
        title="Let only Aftercall in",
        words=(
            f"In FreePBX: Connectivity > Firewall > Services > Custom Services: add a service named Aftercall, TCP, "
            f"port {answers.port}, and tick the zone Other alone. The command puts this server into that zone.",
            "Without the FreePBX firewall, open that one port to that one address in the firewall you have.",
        ),
        commands=f"fwconsole firewall add other {answers.network}",
        slug="let-only-aftercall-in",
    )


def _tunnel(answers: Answers) -> Step:
    login = f"tunnel@{answers.host}"
    return Step(
        title="Dig the SSH tunnel",
        words=(
            "The PBX opens no new port. Give the tunnel a user of its own on the PBX, with a key that may do nothing "
            'else: in its authorized_keys, the line begins with restrict,port-forwarding,permitopen="127.0.0.1:8088".',
            "Let systemd keep the command running; ours is in the guide.",
        ),
        commands=(
            "ssh -N -o ExitOnForwardFailure=yes -o ServerAliveInterval=15 "
            f"-L 127.0.0.1:{TUNNEL_PORT}:127.0.0.1:{PLAIN_PORT} {login}"
        ),
        where="the Aftercall server",
        slug="let-only-aftercall-in",
    )


def _look(answers: Answers) -> Step:
    wanted = "HTTPS Server Enabled" if answers.connection == "tls" else "Server Enabled"
    return Step(
        title="Apply and look",
        words=(
            "The reload applies everything, also what somebody changed in FreePBX's pages and did not apply yet.",
            f"The second command must say “{wanted}”, the third must list {answers.username} with Yes under r/o.",
        ),
        commands='fwconsole reload\nasterisk -rx "http show status"\nasterisk -rx "ari show users"',
        slug="connect-and-check",
    )


# ---- the guide --------------------------------------------------------------------------------------------------


@cache
def markdown() -> str:
    """Our guide to FreePBX; docs/freepbx.md is the same text."""
    return (HERE / "guide.md").read_text()


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


@cache
def slugs() -> tuple[str, ...]:
    """The anchors of the guide, in order."""
    text = re.sub(r"^```.*?^```", "", markdown(), flags=re.MULTILINE | re.DOTALL)
    return tuple(slug(heading) for heading in cast("list[str]", re.findall(r"^## (.+)$", text, re.MULTILINE)))
