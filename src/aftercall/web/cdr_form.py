"""This file reads the form of a PBX's call detail records: every field checked, problems named at the field; pure."""

import re
from dataclasses import dataclass, field

from aftercall.model import CdrAddress
from aftercall.store.cdr_sources import DEFAULT_DATABASE, DEFAULT_PORT, CdrSettings, CdrSource
from aftercall.web import pbx_form

LONGEST_NAME = 80
#: What a MySQL database may be called without quotes.
_DATABASE = re.compile(r"[A-Za-z0-9_$-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class EnteredCdr:
    """The form as it was typed."""

    host: str = ""
    port: str = str(DEFAULT_PORT)
    database: str = DEFAULT_DATABASE
    username: str = ""
    #: "" keeps the stored one.
    password: str = field(default="", repr=False)
    use_tls: bool = False
    pinned_certificate: str = ""
    is_enabled: bool = True


def of_stored(stored: CdrSource) -> EnteredCdr:
    """The form of stored settings; the password is never shown again."""
    return EnteredCdr(
        host=stored.host,
        port=str(stored.port),
        database=stored.database,
        username=stored.username,
        use_tls=stored.use_tls,
        pinned_certificate=stored.certificate or "",
        is_enabled=stored.is_enabled,
    )


def problems(entered: EnteredCdr, stored: CdrSource | None) -> dict[str, str]:
    """What is wrong, by field; empty when nothing is.

    Args:
        stored: the settings as they are now, None for none.
    """
    found = {
        "host": pbx_form.host_problem(entered.host),
        "port": pbx_form.number_problem(entered.port, 1, 65535),
        "database": "" if _DATABASE.fullmatch(entered.database.strip()) else "Enter a database's name.",
        "username": _username(entered.username),
        "password": _password(entered, stored),
        "pinned_certificate": pbx_form.certificate_problem(entered.pinned_certificate),
    }
    return {name: problem for name, problem in found.items() if problem}


def address(entered: EnteredCdr, stored_password: str | None) -> CdrAddress:
    """Where and as whom to read; the form must have no problems."""
    return CdrAddress(
        host=pbx_form.clean_host(entered.host),
        port=int(entered.port),
        database=entered.database.strip(),
        username=entered.username.strip(),
        password=entered.password or stored_password or "",
        use_tls=entered.use_tls,
        certificate=entered.pinned_certificate.strip() or None if entered.use_tls else None,
    )


def settings(entered: EnteredCdr) -> CdrSettings:
    """As the store takes it; the form must have no problems."""
    where = address(entered, None)
    return CdrSettings(
        host=where.host,
        port=where.port,
        database=where.database,
        username=where.username,
        password=entered.password or None,
        use_tls=where.use_tls,
        certificate=where.certificate,
        is_enabled=entered.is_enabled,
    )


def _username(text: str) -> str:
    username = text.strip()
    if not username:
        return "Enter the database user's name."
    return "" if len(username) <= LONGEST_NAME and username.isprintable() else "Use up to 80 visible characters."


def _password(entered: EnteredCdr, stored: CdrSource | None) -> str:
    if entered.password:
        return "" if len(entered.password) <= 200 else "Use up to 200 characters."
    if stored is None:
        return "Enter the database user's password."
    if pbx_form.clean_host(entered.host) != stored.host or (stored.use_tls and not entered.use_tls):
        return "Enter the password again: the stored one is sent only to where it was saved for."
    return ""
