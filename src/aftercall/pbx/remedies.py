"""This file holds the remedies of a connection test as data: for each thing that can be wrong, the exact fix; pure.

A remedy is found by the code of the error or finding, and where the same error means different things, by the check
that met it or by TLS: `code@check`, `code+tls`. Texts and commands may name the facts of the visit, `{kept_in}` and so
on; in commands they are quoted for the shell, because what a PBX says of itself ends there.

FreePBX 15 and 16 live on a distribution of the age of CentOS 7, FreePBX 17 on Debian 12. Where that makes no
difference, one text is for any FreePBX.
"""

import shlex
from dataclasses import dataclass, replace
from enum import StrEnum

from aftercall.model import Fix

ANY, OLD, NEW = "Any FreePBX", "FreePBX 15 and 16", "FreePBX 17"

#: The anchors of the paragraphs of our guide.
GUIDE = (
    "before-you-begin", "switch-on-the-http-server-and-ari", "turn-on-tls", "create-a-read-only-user",
    "show-ari-the-recordings", "let-only-aftercall-in", "connect-and-check", "calls-as-they-end", "stereo-recordings",
    "clocks-and-time-zones", "asterisk-versions", "many-recordings", "call-detail-records", "when-something-is-wrong",
    "mistakes-of-older-guides",
)  # fmt: skip


class Finding(StrEnum):
    """What a check can warn of without anything having failed."""

    WITHOUT_TLS = "pbx-without-tls"
    CERTIFICATE_ENDS_SOON = "pbx-certificate-ends-soon"
    KNOWN_FAULTS = "pbx-known-faults"
    USER_MAY_WRITE = "pbx-user-may-write"
    SAME_SOUND = "pbx-fake-stereo"
    CLOCK_OFF = "pbx-clock-off"
    ZONE_UNCLEAR = "pbx-zone-unclear"
    ZONE_DIFFERS = "pbx-zone-differs"
    KEPT_ELSEWHERE = "pbx-recordings-elsewhere"
    FEW_SESSIONS = "pbx-few-sessions"
    MANY_RECORDINGS = "pbx-many-recordings"


@dataclass(frozen=True, kw_only=True)
class Remedy:
    #: One of `GUIDE`.
    guide: str
    fixes: tuple[Fix, ...]


def find(code: str, *, check: str = "", is_tls: bool = False) -> Remedy | None:
    """The remedy of an error or finding; None if it is none of a PBX's."""
    specific = REMEDIES.get(f"{code}+tls") if is_tls else None
    return REMEDIES.get(f"{code}@{check}") or specific or REMEDIES.get(code)


def filled_in(remedy: Remedy, facts: dict[str, str]) -> tuple[Fix, ...]:
    """The fixes with the facts of one PBX in them."""
    quoted = {name: shlex.quote(fact) for name, fact in facts.items()}
    return tuple(
        replace(
            fix,
            text=fix.text.format_map(facts),
            commands=tuple(command.format_map(quoted) for command in fix.commands),
        )
        for fix in remedy.fixes
    )


def _any(guide: str, text: str, *commands: str) -> Remedy:
    return Remedy(guide=guide, fixes=(Fix(where=ANY, text=text, commands=commands),))


def _each(guide: str, old: tuple[str, ...], new: tuple[str, ...]) -> Remedy:
    """One text and its commands for FreePBX 15 and 16, another for 17."""
    return Remedy(
        guide=guide,
        fixes=(
            Fix(where=OLD, text=old[0], commands=old[1:]),
            Fix(where=NEW, text=new[0], commands=new[1:]),
        ),
    )


# ---- pieces that several remedies share -----------------------------------------------------------------------------

_STATUS = 'asterisk -rx "http show status"'
_LOG = "tail -n 50 /var/log/asterisk/full"
_FINGERPRINT = (
    "openssl s_client -connect 127.0.0.1:{port} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
)
_ENABLE_TLS = (
    "fwconsole certificates --list",
    "fwconsole setting HTTPENABLED 1",
    "fwconsole setting HTTPTLSENABLE 1",
    "fwconsole reload",
    _STATUS,
)
#: With -T never into a folder that could not be moved away, such as a mount: that would be a loop.
_LINK = (
    "[ -L {link} ] || [ ! -e {link} ] || mv {link} {link}.old-$(date +%F)",
    "ln -sfnT {kept_in} {link}",
)
_UPDATE = _each(
    "asterisk-versions",
    (
        "Choose the newest Asterisk it offers. This distribution gets few fixes now; FreePBX 17 on Debian 12 gets "
        "them all.",
        "asterisk-version-switch",
    ),
    ("This brings the newest Asterisk of the branch you run.", "apt update", "apt upgrade", "fwconsole restart"),
)
_FIREWALL = _any(
    "let-only-aftercall-in",
    "Connectivity > Firewall > Services > Custom Services: add TCP port {port} and tick the zone Other, only that "
    "one. Then put this server into that zone. Another firewall on the way must let it through, too.",
    "fwconsole firewall add other {server}",
    "fwconsole firewall list other",
)
_COMPARE = _any(
    "turn-on-tls",
    'Run this on the PBX itself. If it prints the SHA-256 shown here, nobody stands in between: press "Trust this '
    'certificate".',
    _FINGERPRINT,
)
_RENEW = _any(
    "turn-on-tls",
    "This renews a Let's Encrypt certificate. A self-signed one is made anew in Admin > Certificate Management; make "
    "it the default there, then run the last line.",
    "fwconsole certificates --list",
    "fwconsole certificates --updateall",
    "fwconsole reload",
)
_RESTORE_USER = (
    "Settings > Asterisk REST Interface Users: {username} with Read Only: Yes and Password Type: Crypt, then Apply "
    "Config. In the list that the command prints, the line of {username} must be there and begin with Yes."
)
_NETWORK_TIME = _each(
    "clocks-and-time-zones",
    (
        'Do the same on this server if its clock is the wrong one. "NTP synchronized: yes" is what you want to see.',
        "timedatectl set-ntp true",
        "timedatectl",
    ),
    (
        'Do the same on this server if its clock is the wrong one. "System clock synchronized: yes" is what you want '
        "to see.",
        "apt install chrony",
        "timedatectl set-ntp true",
        "timedatectl",
    ),
)
_SESSIONS = _any(
    "when-something-is-wrong",
    "UCP and phones in browsers share these sessions. Each costs the PBX little.",
    "fwconsole setting HTTPSESSIONLIMIT 200",
    "fwconsole reload",
)
_RECENT_MONTHS = _any(
    "many-recordings",
    "Show ARI only the recent months, each with a mount of its own (and the same line in /etc/fstab), with year and "
    "month kept in the path. What Aftercall has fetched stays.",
    "[ ! -L {link} ] || rm {link}",
    "install -d -o asterisk -g asterisk {link}/$(date +%Y/%m)",
    "mount --bind {kept_in}/$(date +%Y/%m) {link}/$(date +%Y/%m)",
)


def _bad_entries(locale: str) -> tuple[str, ...]:
    return (
        "The first line makes {link} a link to {kept_in} if it is missing or leads to nothing. The others print every "
        "link to nothing, every loop, and every name that is not UTF-8: delete or rename what they print, then test "
        "again.",
        "[ -e {link}/. ] || ln -sfnT {kept_in} {link}",
        "find -L {kept_in} -type l",
        f"find {{kept_in}}/ | LC_ALL={locale} grep -axv '.*'",
    )


REMEDIES: dict[str, Remedy] = {
    # ---- the way there ----
    "pbx-name-unknown": _any(
        "connect-and-check", "Check the spelling, or enter the PBX's IP address: this prints it.", "hostname -I"
    ),
    "pbx-address-refused": _any("connect-and-check", "Enter the PBX's own address: this prints it.", "hostname -I"),
    "pbx-connection-refused": _any(
        "switch-on-the-http-server-and-ari",
        "Both are off on a new FreePBX. The last line must say: Server Enabled and Bound to [::]:{port}",
        "fwconsole setting HTTPENABLED 1",
        "fwconsole setting ENABLE_ARI 1",
        "fwconsole reload",
        _STATUS,
    ),
    "pbx-connection-refused+tls": _any(
        "turn-on-tls",
        "The first line must show a certificate marked as the default; if it shows none, make one in Admin > "
        "Certificate Management. The last line must say: HTTPS Server Enabled and Bound to [::]:{port}",
        *_ENABLE_TLS,
    ),
    "pbx-no-route": _FIREWALL,
    "pbx-timeout@tcp": _FIREWALL,
    "pbx-timeout": _any(
        "when-something-is-wrong",
        "The port is open, but Asterisk is slow to answer. See whether the machine is overloaded and what Asterisk "
        "says.",
        "uptime",
        'asterisk -rx "core show uptime"',
        _LOG,
    ),
    "pbx-closed-silently": _SESSIONS,
    "pbx-dropped": _any("when-something-is-wrong", "See whether Asterisk restarted, and why.", _LOG),
    # ---- TLS ----
    Finding.WITHOUT_TLS: _any(
        "turn-on-tls",
        'Then tick "Use TLS" here and enter port 8089. The first line must show a certificate marked as the default.',
        *_ENABLE_TLS,
    ),
    "pbx-port-is-plain": _any(
        "turn-on-tls",
        "Enter the TLS port, usually 8089. If TLS is not enabled yet, this does it, and the last line shows the port.",
        *_ENABLE_TLS,
    ),
    "pbx-port-is-tls": _any("turn-on-tls", 'Tick "Use TLS" here, then test again. Nothing is wrong on the PBX.'),
    "pbx-certificate-untrusted": _COMPARE,
    "pbx-certificate-name": _COMPARE,
    "pbx-certificate-changed": _COMPARE,
    "pbx-certificate-unreadable": _any(
        "turn-on-tls", 'Press "Trust it no longer", test again, and trust the certificate that the PBX shows then.'
    ),
    "pbx-certificate-expired": _RENEW,
    Finding.CERTIFICATE_ENDS_SOON: _RENEW,
    "pbx-tls-failed": _UPDATE,
    # ---- HTTP and ARI ----
    "pbx-not-asterisk": _any(
        "switch-on-the-http-server-and-ari",
        "This shows the ports of Asterisk's own HTTP server. FreePBX's web pages (80 and 443) are another program.",
        _STATUS,
    ),
    "pbx-prefix-wrong": _any(
        "switch-on-the-http-server-and-ari",
        "{advice}, then test again. Nothing is wrong on the PBX: this shows the prefix it has.",
        _STATUS,
    ),
    "pbx-ari-off": _each(
        "switch-on-the-http-server-and-ari",
        (
            "If grep prints a line, delete it: one option Asterisk does not know keeps ARI off (recording_directory "
            "does not exist; permit, deny and acl only since 20.19). Then let Asterisk restart; it waits until nobody "
            "is talking.",
            "fwconsole setting ENABLE_ARI 1",
            "grep -nE 'recording_directory|permit|deny|acl' /etc/asterisk/ari*.conf",
            "fwconsole reload",
            'asterisk -rx "core restart when convenient"',
        ),
        (
            "If grep prints a line, delete it: one option Asterisk does not know, or a second [general], switches ARI "
            "off at once, while the reload says that all is well.",
            "fwconsole setting ENABLE_ARI 1",
            "grep -nE 'recording_directory|\\[general\\]' /etc/asterisk/ari_*custom.conf",
            "fwconsole reload",
            'asterisk -rx "ari show status"',
        ),
    ),
    "pbx-ari-off@sign-in": _any(
        "when-something-is-wrong",
        "If grep prints a noload line for one of them, delete it, or it is gone again after the next restart.",
        "grep -n noload /etc/asterisk/modules*.conf",
        'asterisk -rx "module load res_ari_model.so"',
        'asterisk -rx "module load res_ari_asterisk.so"',
        'asterisk -rx "module load res_ari_recordings.so"',
    ),
    "pbx-busy": _any(
        "when-something-is-wrong",
        "Asterisk is starting or reloading: wait a minute and test again. If it stays so, its log says why.",
        'asterisk -rx "core waitfullybooted"',
        _LOG,
    ),
    "pbx-reply-malformed": _any(
        "when-something-is-wrong",
        "Something on the way changes the answers, most often a reverse proxy. Connect to the port that this shows.",
        _STATUS,
    ),
    "pbx-reply-too-large": _RECENT_MONTHS,
    # ---- the user ----
    "pbx-sign-in-refused": _any("create-a-read-only-user", _RESTORE_USER, 'asterisk -rx "ari show users"'),
    "pbx-forbidden": _any(
        "create-a-read-only-user",
        "Delete these lines of the user {username}, or add permit={server} below the deny line; then run the second "
        "line.",
        "grep -nE 'permit|deny|acl' /etc/asterisk/ari_additional_custom.conf",
        "fwconsole reload",
    ),
    Finding.USER_MAY_WRITE: _any(
        "create-a-read-only-user",
        _RESTORE_USER + " A user made in a file has read_only=yes there.",
        "grep -n read_only /etc/asterisk/ari_additional_custom.conf",
        "fwconsole reload",
        'asterisk -rx "ari show users"',
    ),
    # ---- Asterisk ----
    "pbx-too-old": _UPDATE,
    Finding.KNOWN_FAULTS: _UPDATE,
    "pbx-recordings-module-missing": _any(
        "when-something-is-wrong",
        "If grep prints a noload line for one of them, delete it, or it is gone again after the next restart.",
        "grep -n noload /etc/asterisk/modules*.conf",
        'asterisk -rx "module load res_stasis_recording.so"',
        'asterisk -rx "module load res_ari_model.so"',
        'asterisk -rx "module load res_ari_recordings.so"',
    ),
    "pbx-events-module-missing": _any(
        "calls-as-they-end",
        "If grep prints a noload line for one of them, delete it, or it is gone again after the next restart.",
        "grep -n noload /etc/asterisk/modules*.conf",
        'asterisk -rx "module load res_http_websocket.so"',
        'asterisk -rx "module load res_ari_events.so"',
    ),
    "pbx-events-taken": _any(
        "calls-as-they-end",
        "Nothing is wrong on the PBX. Stop the other Aftercall that runs on a copy of this one's data folder.",
    ),
    Finding.FEW_SESSIONS: _SESSIONS,
    # ---- the recordings ----
    "pbx-list-broken": _each("show-ari-the-recordings", _bad_entries("en_US.UTF-8"), _bad_entries("C.UTF-8")),
    "pbx-list-empty": _any(
        "show-ari-the-recordings",
        "This makes {link} a link to {kept_in} and keeps what was there. Nothing needs a restart: test again.",
        *_LINK,
        "ls -ld {link}",
    ),
    Finding.KEPT_ELSEWHERE: _any(
        "show-ari-the-recordings",
        "This makes {link} a link to {kept_in} and keeps what was there. Nothing needs a restart: test again.",
        *_LINK,
    ),
    Finding.MANY_RECORDINGS: _RECENT_MONTHS,
    "recording-missing": _any(
        "show-ari-the-recordings",
        "This prints the links among the recordings. A folder that one of them leads out of the recordings is listed, "
        "but never handed out: put it there with mount --bind instead.",
        "find {kept_in}/ -type l -exec ls -ld {{}} +",
    ),
    "recording-unreadable": _any(
        "show-ari-the-recordings", "This gives the files back to the user that Asterisk runs as.", "fwconsole chown"
    ),
    "recording-incomplete": _any(
        "when-something-is-wrong", "See whether the disk of the recordings is full or failing.", "df -h {kept_in}", _LOG
    ),
    "recording-not-audio": _any(
        "show-ari-the-recordings",
        "These are the newest recordings on the PBX. Play the first ones there: the file itself may be damaged.",
        "find {kept_in}/ -type f -mtime -1 -exec file {{}} + | tail -n 5",
    ),
    "recording-too-large": _any(
        "show-ari-the-recordings",
        "These are the files of 1 GB and more. So large a file is hardly a call.",
        "find {kept_in}/ -type f -size +1000M -exec ls -lh {{}} +",
    ),
    Finding.SAME_SOUND: _any(
        "stereo-recordings",
        "Two audio channels with the same sound only double the size. Look at what makes them: a script that runs "
        "after the recording (Advanced Settings > Post Call Recording Script), or a change of the dialplan.",
        "fwconsole setting MIXMON_POST",
        "ls -l /etc/asterisk/extensions_override_freepbx.conf",
    ),
    # ---- time ----
    Finding.CLOCK_OFF: _NETWORK_TIME,
    Finding.ZONE_UNCLEAR: _any(
        "clocks-and-time-zones",
        "Choose the PBX's time zone in its settings here. This shows which zone the PBX itself uses.",
        "timedatectl",
    ),
    Finding.ZONE_DIFFERS: _any(
        "clocks-and-time-zones",
        "Correct the time zone in this PBX's settings here, or the PBX's own with the second line. Asterisk takes a "
        "new zone up at its next restart.",
        "timedatectl",
        "timedatectl list-timezones",
    ),
}
