"""This file reads the form of a PBX connection: every field checked, each problem named at its field; pure."""

import ipaddress
import re
import zoneinfo
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, get_args

from aftercall.model import Direction, PbxAddress
from aftercall.pbx import tls
from aftercall.recordings import filters
from aftercall.recordings.filters import Filters
from aftercall.store.pbxs import MOST_DOWNLOADS, Pbx, PbxSettings

PLAIN_PORT, TLS_PORT = 8088, 8089
SHORTEST_INTERVAL_MIN, LONGEST_INTERVAL_MIN = 1, 1440
#: Those a person can choose from; a recording that tells no direction is always wanted.
DIRECTIONS: tuple[Direction, ...] = tuple(each for each in get_args(Direction) if each != "unknown")
#: From when recordings are fetched. A new PBX proposes the last month: it is enough to see how things go, an office of
#: ten fills some 10 GB with it, and a small server is through with it in a night. Years of old recordings would fill
#: its disk, and can be asked for at any time.
PERIODS = ("all", "month", "day")
PROPOSED_PERIOD, MONTH = "month", timedelta(days=30)
LONGEST_MIN_DURATION_S, FASTEST_BACKLOG = 3600, 6000
MOST_PATTERNS = 200
_EXTENSION = re.compile(r"[0-9*?#+]{1,40}")
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
    #: IANA name, "" to take the zone from the recordings' names.
    zone: str = ""
    #: One of `PERIODS`; only `day` looks at `since`.
    period: str = "all"
    #: ISO date, a day on the PBX's clock.
    since: str = ""
    directions: tuple[str, ...] = DIRECTIONS
    #: With commas or blanks between them.
    extensions: str = ""
    min_duration_s: str = ""
    #: One a line.
    skipped_names: str = ""
    downloads_at_once: str = "2"
    backlog_per_min: str = ""
    hears_events: bool = True


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
        zone=stored.zone or "",
        downloads_at_once=str(stored.downloads_at_once),
        backlog_per_min=str(stored.backlog_per_min or ""),
        hears_events=stored.hears_events,
        **_of_filters(stored.filters, stored.zone),
    )


def _of_filters(stored: Filters, zone: str | None) -> dict[str, Any]:
    return {
        "period": "day" if stored.since else "all",
        "since": filters.day_of(stored.since, zone).isoformat() if stored.since else "",
        "directions": tuple(DIRECTIONS if stored.directions is None else sorted(stored.directions)),
        "extensions": ", ".join(stored.extensions),
        "min_duration_s": f"{stored.min_duration_s:g}" if stored.min_duration_s else "",
        "skipped_names": "\n".join(stored.skipped_names),
    }


def problems(
    entered: Entered, stored: Pbx | None, *, is_test: bool = False, is_preview: bool = False
) -> dict[str, str]:
    """What is wrong, by field; empty when nothing is.

    Args:
        stored: the PBX as it is now, None for a new one.
        is_test: only what a test of the connection needs.
        is_preview: only what counting the recordings needs.
    """
    found = _problems_to_connect(entered, stored)
    if not is_test:
        found |= _problems_to_choose(entered)
    if not is_test and not is_preview:
        found |= {
            "name": _name(entered.name),
            "sync_interval_min": number_problem(
                entered.sync_interval_min, SHORTEST_INTERVAL_MIN, LONGEST_INTERVAL_MIN, what="minutes, "
            ),
            "downloads_at_once": number_problem(entered.downloads_at_once, 1, MOST_DOWNLOADS),
            "backlog_per_min": _optional(entered.backlog_per_min, 1, FASTEST_BACKLOG),
        }
    return {name: problem for name, problem in found.items() if problem}


def _problems_to_connect(entered: Entered, stored: Pbx | None) -> dict[str, str]:
    return {
        "host": host_problem(entered.host),
        "port": number_problem(entered.port, 1, 65535),
        "username": _username(entered.username),
        "password": _password(entered, stored),
        "prefix": _prefix(entered.prefix),
        "pinned_certificate": certificate_problem(entered.pinned_certificate),
    }


def _problems_to_choose(entered: Entered) -> dict[str, str]:
    return {
        "zone": _zone(entered.zone),
        "period": "" if entered.period in PERIODS else "Choose one of these.",
        "since": _since(entered.since) if entered.period == "day" else "",
        "directions": _directions(entered.directions),
        "extensions": _extensions(entered.extensions),
        "min_duration_s": _optional(entered.min_duration_s, 0, LONGEST_MIN_DURATION_S, what="seconds, "),
        "skipped_names": _patterns(entered.skipped_names),
    }


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


def settings(entered: Entered, now: datetime, *, is_demo: bool = False) -> PbxSettings:
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
        zone=entered.zone.strip() or None,
        filters=chosen(entered, now),
        downloads_at_once=int(entered.downloads_at_once),
        backlog_per_min=int(entered.backlog_per_min.strip() or 0) or None,
        hears_events=entered.hears_events,
    )


def chosen(entered: Entered, now: datetime) -> Filters:
    """Which recordings are wanted; the form must have no problems."""
    zone = entered.zone.strip() or None
    day = {
        "all": None,
        "month": filters.day_of(now - MONTH, zone),
        "day": date.fromisoformat(entered.since.strip()) if entered.period == "day" else None,
    }[entered.period]
    directions = frozenset(each for each in DIRECTIONS if each in entered.directions)
    return Filters(
        since=filters.start_of(day, zone) if day else None,
        directions=None if directions == frozenset(DIRECTIONS) else directions,
        extensions=tuple(_split(entered.extensions)),
        skipped_names=tuple(_lines(entered.skipped_names)),
        min_duration_s=int(entered.min_duration_s.strip() or 0),
    )


def _split(text: str) -> list[str]:
    return re.split(r"[\s,;]+", text.strip(" \t\r\n,;")) if text.strip(" \t\r\n,;") else []


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def clean_host(host: str) -> str:
    return host.strip().removeprefix("[").removesuffix("]")


def _clean_prefix(prefix: str) -> str:
    return prefix.strip().strip("/")


def host_problem(text: str) -> str:
    """What is wrong with a host; "" if nothing is."""
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


def number_problem(text: str, low: int, high: int, *, what: str = "") -> str:
    """What is wrong with a whole number; "" if nothing is."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        return f"Enter a whole number ({what}{low} to {high})."
    return ""


def _optional(text: str, low: int, high: int, *, what: str = "") -> str:
    return number_problem(text, low, high, what=what) if text.strip() else ""


def _zone(text: str) -> str:
    if not text.strip() or text.strip() in zoneinfo.available_timezones():
        return ""
    return "Enter a time zone as the PBX names it, such as Europe/Berlin or America/New_York."


def _since(text: str) -> str:
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        return "Enter a day."
    return "" if 1970 <= day.year <= 2100 else "Enter a day of this age."


def _directions(ticked: tuple[str, ...]) -> str:
    if not set(ticked) <= set(DIRECTIONS):
        return f"Choose from {', '.join(DIRECTIONS)}."
    return "" if ticked else "Tick at least one direction."


def _extensions(text: str) -> str:
    found = _split(text)
    wrong = next((each for each in found if not _EXTENSION.fullmatch(each)), "")
    if wrong:
        return f"{wrong[:40]} is no extension: use digits, * for any digits, ? for one."
    return "" if len(found) <= MOST_PATTERNS else f"Use up to {MOST_PATTERNS} extensions."


def _patterns(text: str) -> str:
    found = _lines(text)
    if any(len(each) > 200 for each in found):
        return "Use up to 200 characters a line."
    return "" if len(found) <= MOST_PATTERNS else f"Use up to {MOST_PATTERNS} lines."


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
