"""This file tests the way to the call detail records, check by check, as `diagnose.py` does for the recordings.

Only questions are asked; the table is read by its index alone, and no row leaves this file.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from aftercall.errors import AppError, CdrCertificateRefused, CdrTlsOff
from aftercall.model import CdrAddress, Check, CheckStatus
from aftercall.pbx import cdr_greeting, tls
from aftercall.pbx.cdr import CdrPatience, CdrReader, Layout, TableClock, from_tls, translate
from aftercall.pbx.cdr_greeting import Greeting
from aftercall.pbx.cdr_remedies import CdrFinding, find
from aftercall.pbx.lookup import UNKNOWN_OWN_ADDRESS, bare, find_addresses, own_address
from aftercall.pbx.remedies import filled_in

#: A clock that differs by more puts calls into the wrong minute.
CLOCK_OFF = timedelta(seconds=30)
#: A table whose newest row is older is probably not the one that FreePBX writes.
OLD = timedelta(days=7)


@dataclass(kw_only=True)
class _Visit:
    """What the checks of one connection learn on the way and hand to the next."""

    address: CdrAddress
    patience: CdrPatience
    zone: str | None
    greeting: Greeting | None = None
    certificate: tls.ServerCertificate | None = None
    reader: CdrReader | None = None
    layout: Layout | None = None
    clock: TableClock | None = None

    @property
    def signed_in(self) -> CdrReader:
        assert self.reader is not None
        return self.reader

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()


@dataclass(frozen=True, kw_only=True)
class _Step:
    name: str
    look: Callable[[_Visit], Check] = field(repr=False)
    #: The check without which this one makes no sense.
    after: str = ""


class DiagnoseCdr(Protocol):
    """How the web room is handed this test."""

    def __call__(self, address: CdrAddress, /, *, zone: str | None = None) -> AsyncIterator[Check]: ...


async def diagnose_cdr(
    address: CdrAddress, *, zone: str | None = None, patience: CdrPatience | None = None
) -> AsyncIterator[Check]:
    """Yield each check as soon as its outcome is known.

    Args:
        zone: the time zone set for this PBX (IANA name), None if none is.
    """
    visit = _Visit(address=address, patience=patience or CdrPatience(), zone=zone)
    #: Checks that failed or were not tried, to the one whose failure is behind it.
    unmet: dict[str, str] = {}
    try:
        for step in CHECKS:
            if step.after in unmet:
                unmet[step.name] = culprit = unmet[step.after]
                yield Check(check=step.name, status="skip", what=f'Not tried, because "{culprit}" failed.')
                continue
            try:
                check = await asyncio.to_thread(step.look, visit)
            except AppError as exc:
                check = _failed(step.name, exc, visit)
            if check.status == "fail":
                unmet[step.name] = step.name
            yield check
    finally:
        visit.close()


# ---- the checks -------------------------------------------------------------------------------------------------


def _address(visit: _Visit) -> Check:
    found = asyncio.run(find_addresses(visit.address.host))
    host, listed = bare(visit.address.host), ", ".join(found)
    return _passed("address", f"{host} is an IP address." if listed == host else f"{host} is {listed}.")


def _tcp(visit: _Visit) -> Check:
    cdr_greeting.dial(visit.address, wait_s=visit.patience.connect_s).close()
    return _passed("tcp", f"{bare(visit.address.host)} takes connections on port {visit.address.port}.")


def _database(visit: _Visit) -> Check:
    wait_s = visit.patience.connect_s
    with cdr_greeting.dial(visit.address, wait_s=wait_s) as line:
        visit.greeting = cdr_greeting.read_greeting(line, visit.address, wait_s=wait_s)
    said = visit.greeting.version.removeprefix("5.5.5-").partition("-")
    kind = "MariaDB" if "mariadb" in visit.greeting.version.lower() else "MySQL"
    return _passed("database", f"{kind} {said[0]} answers, and talks with this server.")


def _tls(visit: _Visit) -> Check:
    where, wait_s = visit.address, visit.patience.connect_s
    assert visit.greeting is not None
    if not where.use_tls:
        check = _found(
            "tls",
            CdrFinding.WITHOUT_TLS,
            visit,
            what="TLS is not used: the records cross the network unencrypted.",
            why="That is right for an SSH tunnel or on one machine, and a risk on any other way.",
            fix="Give MariaDB a certificate and tick TLS here, or use an SSH tunnel.",
        )
        return replace(check, status="skip")
    if not visit.greeting.has_tls:
        raise CdrTlsOff(host=where.host)
    context = tls.build_context(where.certificate)
    try:
        visit.certificate = shown = cdr_greeting.fetch_certificate(where, wait_s=wait_s)
        with cdr_greeting.shake_hands(where, context, wait_s=wait_s) as line:
            version = line.version() or "TLS"
    except OSError as exc:
        raise _from_os_error(exc, visit) from exc
    trusted = "trusted by its SHA-256" if where.certificate else f"made out to {', '.join(shown.names)}"
    return _passed("tls", f"{version}, with a certificate {trusted}, valid until {shown.not_after:%Y-%m-%d}.")


def _from_os_error(exc: OSError, visit: _Visit) -> AppError:
    if isinstance(exc, ssl.SSLError):
        return from_tls(exc, visit.address, visit.patience)
    return translate(exc, visit.address, visit.patience)


def _sign_in(visit: _Visit) -> Check:
    visit.reader = CdrReader(visit.address, patience=visit.patience)
    visit.reader.open()
    return _passed("sign-in", f"The database knows the user {visit.address.username} and the password.")


def _table(visit: _Visit) -> Check:
    columns = visit.signed_in.columns()
    missing = [name for name in ("linkedid", "recordingfile", "cnam", "did") if name not in columns]
    what = f"The table cdr is there, with {len(columns)} columns that Aftercall reads."
    if not missing:
        return _passed("table", what)
    return _found(
        "table",
        CdrFinding.OLD_TABLE,
        visit,
        what=what,
        why=f"It lacks {', '.join(missing)}: what those would tell of a call stays open.",
        fix="Update FreePBX's CDR Reports module: fwconsole ma upgrade cdr.",
    )


def _read_only(visit: _Visit) -> Check:
    may = visit.signed_in.may_write()
    user = visit.address.username
    if not may:
        return _passed("read-only", f"The user {user} may only read.")
    return _found(
        "read-only",
        CdrFinding.USER_MAY_WRITE,
        visit,
        what=f"The user {user} may do more than read: {', '.join(may[:4])}{' and more' if len(may) > 4 else ''}.",
        why="Aftercall only ever reads. Whoever gets hold of this password could change the PBX's records.",
        fix="Make a user of its own with SELECT on asteriskcdrdb.cdr alone.",
    )


def _index(visit: _Visit) -> Check:
    visit.layout = visit.signed_in.layout()
    column = visit.layout.column
    also = "" if column == "calldate" else ", because calldate has none"
    return _passed("index", f"Every question uses the index on {column}{also}: the table is never read whole.")


def _rows(visit: _Visit) -> Check:
    visit.clock = clock = visit.signed_in.clock()
    if clock.newest_at is None or clock.oldest_at is None:
        return _found(
            "rows",
            CdrFinding.NO_ROWS,
            visit,
            what="The table is empty.",
            why="No call was made yet, or this PBX writes its records elsewhere.",
            fix="Make a call, and look whether FreePBX's own CDR Reports shows it.",
        )
    age = clock.now - clock.newest_at
    days = max(0, (clock.now - clock.oldest_at).days)
    what = f"The newest record is {_words(age)} old; they go back {days:,} day{'' if days == 1 else 's'}."
    if age <= OLD:
        return _passed("rows", what)
    return _found(
        "rows",
        CdrFinding.OLD_ROWS,
        visit,
        what=what,
        why="There were no calls since, or FreePBX writes its records into another database by now.",
        fix="Make a call, and look whether a row for it appears: SELECT MAX(calldate) FROM asteriskcdrdb.cdr;",
    )


def _clock(visit: _Visit) -> Check:
    assert visit.clock is not None
    clock = visit.clock
    skew = clock.now - datetime.now(UTC)
    if abs(skew) > CLOCK_OFF:
        ahead = "ahead of" if skew > timedelta() else "behind"
        return _found(
            "clock",
            CdrFinding.CLOCK_OFF,
            visit,
            what=f"The database's clock is {_words(abs(skew))} {ahead} this server's.",
            why="Calls then show at the wrong time.",
            fix="Let both machines take their time from the network: timedatectl set-ntp true.",
        )
    offset = clock.offset_min or 0
    zone = "UTC" if not offset else f"UTC{'+' if offset > 0 else '-'}{abs(offset) // 60}:{abs(offset) % 60:02}"
    if visit.zone and clock.newest_at is not None and offset:
        expected = clock.newest_at.astimezone(ZoneInfo(visit.zone)).utcoffset() or timedelta()
        if expected != timedelta(minutes=offset):
            return _found(
                "clock",
                CdrFinding.ZONE_DIFFERS,
                visit,
                what=f"The records are kept in {zone}, which is not what {visit.zone} was at the time.",
                why="The PBX's zone set here, or the PBX's own, is wrong.",
                fix="Correct the time zone in this PBX's settings.",
            )
    return _passed("clock", f"The clocks agree, and the records are kept in {zone}.")


CHECKS: tuple[_Step, ...] = (
    _Step(name="address", look=_address),
    _Step(name="tcp", look=_tcp, after="address"),
    _Step(name="database", look=_database, after="tcp"),
    _Step(name="tls", look=_tls, after="database"),
    _Step(name="sign-in", look=_sign_in, after="tls"),
    _Step(name="read-only", look=_read_only, after="sign-in"),
    _Step(name="table", look=_table, after="sign-in"),
    _Step(name="index", look=_index, after="table"),
    _Step(name="rows", look=_rows, after="index"),
    _Step(name="clock", look=_clock, after="rows"),
)


# ---- outcomes ---------------------------------------------------------------------------------------------------


def _passed(name: str, what: str) -> Check:
    return Check(check=name, status="ok", what=what)


def _found(name: str, finding: CdrFinding, visit: _Visit, *, what: str, why: str, fix: str) -> Check:
    """A warning."""
    return _with_remedy(Check(check=name, status="warn", what=what, why=why, fix=fix, code=finding), visit)


def _failed(name: str, error: AppError, visit: _Visit) -> Check:
    """What an error says, with its remedy; a certificate that a person may trust is offered."""
    status: CheckStatus = "fail"
    check = Check(check=name, status=status, what=error.what, why=error.why, fix=error.fix, code=error.code)
    check = _with_remedy(check, visit)
    if not isinstance(error, CdrCertificateRefused) or visit.certificate is None:
        return check
    return replace(check, certificate_sha256=visit.certificate.sha256, certificate_pem=visit.certificate.pem)


def _with_remedy(check: Check, visit: _Visit) -> Check:
    remedy = find(check.code)
    if remedy is None:
        return check
    where = visit.address
    facts = {
        "host": bare(where.host), "port": str(where.port), "username": where.username, "database": where.database,
        "server": str(own_address(bare(where.host)) or UNKNOWN_OWN_ADDRESS),
    }  # fmt: skip
    return replace(check, guide=remedy.guide, fixes=filled_in(remedy, facts))


def _words(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number:,} {name}{'' if number == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
