"""This file reads the form of a PBX connection: every field checked, each problem named at its field; pure."""

import ipaddress
import re
from dataclasses import dataclass, field

from aftercall.model import PbxAddress
from aftercall.pbx import tls
from aftercall.store.pbxs import Pbx, PbxSettings

PLAIN_PORT, TLS_PORT = 8088, 8089
SHORTEST_INTERVAL_MIN, LONGEST_INTERVAL_MIN = 1, 1440
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")


@dataclass(frozen=True, kw_only=True)
class Entered:
    """The form as it was typed."""

    name: str = ""
    host: str = ""
    port: str = ""
    username: str = ""
    #: "" keeps the stored one.
    password: str = field(default="", repr=False)
    use_tls: bool = False
    prefix: str = ""
    sync_interval_min: str = "10"
    pinned_certificate: str = ""
    is_enabled: bool = True


def of_stored(stored: Pbx) -> Entered:
    """The form of a stored PBX; its password is never shown again."""
    return Entered(
        name=stored.name,
        host=stored.host,
        port=str(stored.port),
        username=stored.username,
        use_tls=stored.use_tls,
        prefix=stored.prefix,
        sync_interval_min=str(stored.sync_interval_min),
        pinned_certificate=stored.pinned_certificate or "",
        is_enabled=stored.is_enabled,
    )


def problems(entered: Entered, stored: Pbx | None, *, is_test: bool = False) -> dict[str, str]:
    """What is wrong, by field; empty when nothing is.

    Args:
        stored: the PBX as it is now, None for a new one.
        is_test: only what a test of the connection needs.
    """
    found = {
        "host": _host(entered.host),
        "port": _number(entered.port, 1, 65535),
        "username": _username(entered.username),
        "password": _password(entered, stored),
        "prefix": _prefix(entered.prefix),
        "pinned_certificate": certificate_problem(entered.pinned_certificate),
    }
    if not is_test:
        found["name"] = _name(entered.name)
        found["sync_interval_min"] = _number(
            entered.sync_interval_min, SHORTEST_INTERVAL_MIN, LONGEST_INTERVAL_MIN, what="minutes, "
        )
    return {name: problem for name, problem in found.items() if problem}


def address(entered: Entered, stored_password: str | None) -> PbxAddress:
    """Where and as whom to connect; the form must have no problems."""
    return PbxAddress(
        host=clean_host(entered.host),
        port=int(entered.port),
        username=entered.username.strip(),
        password=entered.password or stored_password or "",
        use_tls=entered.use_tls,
        prefix=_clean_prefix(entered.prefix),
        pinned_certificate=entered.pinned_certificate.strip() or None if entered.use_tls else None,
    )


def settings(entered: Entered, *, is_demo: bool = False) -> PbxSettings:
    """As the store takes it; the form must have no problems."""
    return PbxSettings(
        name=entered.name.strip(),
        host=clean_host(entered.host),
        port=int(entered.port),
        username=entered.username.strip(),
        password=entered.password or None,
        use_tls=entered.use_tls,
        prefix=_clean_prefix(entered.prefix),
        pinned_certificate=entered.pinned_certificate.strip() or None if entered.use_tls else None,
        sync_interval_min=int(entered.sync_interval_min),
        is_enabled=entered.is_enabled,
        is_demo=is_demo,
    )


def clean_host(host: str) -> str:
    return host.strip().removeprefix("[").removesuffix("]")


def _clean_prefix(prefix: str) -> str:
    return prefix.strip().strip("/")


def _host(text: str) -> str:
    host = clean_host(text)
    if not host:
        return "Enter the PBX's host name or IP address."
    if "://" in host or "/" in host:
        return "Enter the host alone, without http:// and without a path."
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        if ":" in host:
            return "Enter the port in its own field."
        labels = host.removesuffix(".").split(".")
        if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
            return "This is neither a host name nor an IP address."
    return ""


def _number(text: str, low: int, high: int, *, what: str = "") -> str:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        return f"Enter a whole number ({what}{low} to {high})."
    return ""


def _name(text: str) -> str:
    name = text.strip()
    if not name:
        return "Give this PBX a name, such as the office it serves."
    return "" if len(name) <= 80 and name.isprintable() else "Use up to 80 visible characters."


def _username(text: str) -> str:
    username = text.strip()
    if not username:
        return "Enter the ARI user's name."
    if ":" in username:
        return "A colon cannot be part of an ARI user's name."
    return "" if len(username) <= 80 and username.isprintable() else "Use up to 80 visible characters."


def _password(entered: Entered, stored: Pbx | None) -> str:
    if entered.password:
        return "" if len(entered.password) <= 200 else "Use up to 200 characters."
    if stored is None:
        return "Enter the ARI user's password."
    if clean_host(entered.host) != stored.host or (stored.use_tls and not entered.use_tls):
        return "Enter the password again: the stored one is sent only to where it was saved for."
    return ""


def certificate_problem(pem: str) -> str:
    """What is wrong with a certificate to be trusted; "" for a good one, and for none."""
    if not pem.strip():
        return ""
    try:
        tls.read_pem(pem.strip())
    except ValueError:
        return "This is not a certificate in PEM form (-----BEGIN CERTIFICATE-----)."
    return ""


def _prefix(text: str) -> str:
    prefix = _clean_prefix(text)
    if prefix and not re.fullmatch(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*", prefix):
        return "Use letters, digits and . _ ~ - only."
    return "" if len(prefix) <= 80 else "Use up to 80 characters."
