"""This file holds the checks of the way to a PBX: from its name to what its Asterisk is and lets us do."""

import asyncio
import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aftercall.errors import (
    AppError,
    PbxAriOff,
    PbxClosedSilently,
    PbxError,
    PbxEventsModuleMissing,
    PbxNotAsterisk,
    PbxPortIsTls,
    PbxPrefixWrong,
    PbxRecordingsModuleMissing,
    PbxTooOld,
)
from aftercall.model import Check
from aftercall.pbx import advisories, failures, tls
from aftercall.pbx.ari import AriClient
from aftercall.pbx.events import EventPatience, try_events
from aftercall.pbx.lookup import bare, find_addresses
from aftercall.pbx.remedies import Finding
from aftercall.pbx.visit import Visit, failed, found, not_tried, passed

#: A certificate that ends sooner is worth a warning.
SOON_EXPIRED = timedelta(days=14)
#: What older FreePBX releases and many examples set as HTTP prefix.
USUAL_PREFIX = "asterisk"
#: Without these the list and the downloads do not work.
NEEDED_MODULES = ("res_ari.so", "res_ari_model.so", "res_stasis_recording.so", "res_ari_recordings.so")
#: Without these calls do not appear as they end.
EVENTS_MODULES = ("res_http_websocket.so", "res_ari_events.so")
#: So many connections Aftercall often has open at once: two downloads and the events.
SESSIONS = 3


async def address(visit: Visit) -> Check:
    visit.addresses = await find_addresses(visit.address.host)
    host, listed = bare(visit.address.host), ", ".join(visit.addresses)
    return passed("address", f"{host} is an IP address." if listed == host else f"{host} is {listed}.")


async def tcp(visit: Visit) -> Check:
    port, wait_s = visit.address.port, visit.patience.connect_s
    refused: OSError | None = None
    for ip in visit.addresses:
        try:
            async with asyncio.timeout(wait_s):
                _, writer = await asyncio.open_connection(ip, port)
        except OSError as exc:
            refused = exc
            continue
        writer.transport.abort()
        visit.ip = ip
        return passed("tcp", f"{ip} takes connections on port {port}.")
    assert refused is not None
    raise failures.from_exception(refused, visit.address, waited_s=wait_s) from refused


async def tls_(visit: Visit) -> Check:
    where, wait_s = visit.address, visit.patience.connect_s
    if not where.use_tls:
        return replace(
            found(
                "tls",
                Finding.WITHOUT_TLS,
                visit,
                what="TLS is not used: the ARI password and the recordings cross the network unencrypted.",
                why="That is right for an SSH tunnel or on one machine, and a risk on any other way.",
                fix="fwconsole setting HTTPTLSENABLE 1, choose a certificate in Certificate Manager, fwconsole reload; "
                'then tick "Use TLS" here, with port 8089.',
            ),
            status="skip",
        )
    context = tls.build_context(where.pinned_certificate)
    name = bare(where.host)
    try:
        visit.certificate = shown = await tls.fetch_certificate(
            visit.ip, where.port, server_name=name, timeout_s=wait_s
        )
        version = await tls.shake_hands(visit.ip, where.port, server_name=name, context=context, timeout_s=wait_s)
    except OSError as exc:
        raise failures.from_exception(exc, where, waited_s=wait_s, certificate=visit.certificate) from exc
    trusted = "trusted by its SHA-256" if where.pinned_certificate else f"made out to {', '.join(shown.names)}"
    what = f"{version}, with a certificate {trusted}, valid until {shown.not_after:%Y-%m-%d}."
    if shown.not_after - datetime.now(UTC) < SOON_EXPIRED:
        return found(
            "tls",
            Finding.CERTIFICATE_ENDS_SOON,
            visit,
            what=what,
            why="It expires within two weeks, and then no recording will come home.",
            fix="Renew it in FreePBX: Admin > Certificate Management, make it the default, then fwconsole reload.",
        )
    return passed("tls", what)


async def http(visit: Visit) -> Check:
    try:
        visit.knock = await visit.client.knock()
    except (PbxClosedSilently, PbxNotAsterisk) as exc:
        if not visit.address.use_tls and await _speaks_tls(visit):
            raise PbxPortIsTls(host=visit.address.host, port=visit.address.port) from exc
        raise
    server = visit.knock.headers.get("server") or "no server name"
    return passed("http", f"An Asterisk HTTP server answers ({server}).")


async def _speaks_tls(visit: Visit) -> bool:
    with suppress(OSError):
        name = bare(visit.address.host)
        wait_s = visit.patience.connect_s
        await tls.fetch_certificate(visit.ip, visit.address.port, server_name=name, timeout_s=wait_s)
        return True
    return False


async def ari(visit: Visit) -> Check:
    assert visit.knock is not None
    where = visit.address
    if visit.knock.status == 404:
        prefix = await _other_prefix(visit)
        if prefix is not None:
            raise PbxPrefixWrong(
                host=where.host,
                port=where.port,
                found=_base(prefix),
                given=_base(where.prefix),
                advice=f"Enter {prefix} as HTTP prefix" if prefix else "Leave the HTTP prefix empty",
            )
        raise PbxAriOff(host=where.host, port=where.port, path=_base(where.prefix))
    return passed("ari", f"The Asterisk REST Interface is there, under {_base(where.prefix)}.")


async def _other_prefix(visit: Visit) -> str | None:
    """Where ARI lives, if not where it was looked for but at one of the other likely places."""
    for prefix in {"", USUAL_PREFIX} - {visit.address.prefix}:
        async with AriClient(replace(visit.address, prefix=prefix), patience=visit.patience) as elsewhere:
            try:
                reply = await elsewhere.knock()
            except PbxError:
                continue
            if reply.status != 404:
                return prefix
    return None


def _base(prefix: str) -> str:
    return f"/{prefix}/ari" if prefix else "/ari"


async def sign_in(visit: Visit) -> Check:
    try:
        visit.version = (await visit.client.info()).version
    except PbxAriOff as exc:
        # ARI itself was there a moment ago; only the part that tells of Asterisk is not.
        return replace(
            failed("sign-in", exc, visit),
            why="ARI is there, but a module behind it is not loaded: res_ari_model.so or res_ari_asterisk.so.",
            fix='On the PBX run: asterisk -rx "module load res_ari_model.so", then the same for res_ari_asterisk.so.',
        )
    return passed("sign-in", f"The PBX knows the ARI user {visit.address.username} and the password.")


async def version(visit: Visit) -> Check:
    release = advisories.read_version(visit.version)
    if release is not None and release.major < 14:
        raise PbxTooOld(version=visit.version)
    faults = advisories.concerning(release) if release else []
    if release is None or not faults:
        return passed("version", f"Asterisk {visit.version}.")
    mended = " or ".join(str(each) for each in advisories.mended_by(release, faults))
    why = "; ".join(_told(fault) for fault in faults) + "."
    if advisories.may_be_mended_by_the_distribution(visit.version):
        why += " Packages of a distribution may hold the fixes under the old number."
    count = f"{len(faults)} known faults" if len(faults) > 1 else "a known fault"
    return found(
        "version",
        Finding.KNOWN_FAULTS,
        visit,
        what=f"Asterisk {visit.version} has {count} in what ARI uses. Asterisk {mended} ends that.",
        why=why,
        fix=f"Update to Asterisk {mended} or later (FreePBX 15 and 16: asterisk-version-switch; 17: apt upgrade).",
    )


def _told(fault: advisories.Advisory) -> str:
    name = f"{fault.id} ({fault.cve})" if fault.cve else fault.id
    return f"{name}: {fault.about}" + (f" (only if {fault.only_if})" if fault.only_if else "")


async def read_only(visit: Visit) -> Check:
    may_write = await visit.client.may_write()
    user = visit.address.username
    if may_write is None:
        return passed("read-only", f"Whether {user} may only read could not be told: a proxy answers in between.")
    if not may_write:
        return passed("read-only", f"The ARI user {user} may only read.")
    return found(
        "read-only",
        Finding.USER_MAY_WRITE,
        visit,
        what=f"The ARI user {user} may also write.",
        why="Aftercall only ever reads. Whoever gets hold of this password can place calls, and delete recordings.",
        fix=f"FreePBX: Settings > Asterisk REST Interface Users: {user}, Read Only: Yes, Apply Config.",
    )


async def modules(visit: Visit) -> Check:
    running = {name for name, status in (await visit.client.modules()).items() if status == "Running"}
    missing = [name for name in NEEDED_MODULES if name not in running]
    if missing:
        check = failed("modules", PbxRecordingsModuleMissing(), visit)
        return replace(check, why=f"Not running: {', '.join(missing)}.")
    silent = [name for name in EVENTS_MODULES if name not in running]
    if silent:
        check = failed("modules", PbxEventsModuleMissing(), visit, is_warning=True)
        return replace(
            check, why=f"Not running: {', '.join(silent)}. Calls appear with the next sync, not as they end."
        )
    return passed("modules", f"The {len(NEEDED_MODULES + EVENTS_MODULES)} modules that Aftercall needs are running.")


async def sessions(visit: Visit) -> Check:
    """Hold some connections beside each other for a moment, without asking anything."""
    opened = await asyncio.gather(*(_connect(visit) for _ in range(SESSIONS)))
    held = [each for each in opened if each is not None]
    closing = [asyncio.ensure_future(_is_closed(reader)) for reader, _ in held]
    try:
        if closing and len(held) == SESSIONS:
            await asyncio.wait(closing, timeout=visit.patience.settle_s, return_when=asyncio.FIRST_COMPLETED)
        stayed = sum(not task.done() for task in closing)
    finally:
        for task in closing:
            task.cancel()
        for _, writer in held:
            writer.transport.abort()
        await asyncio.gather(*closing, return_exceptions=True)
    if stayed == SESSIONS:
        return passed("sessions", f"Asterisk holds {SESSIONS} connections beside each other.")
    return found(
        "sessions",
        Finding.FEW_SESSIONS,
        visit,
        what=f"Asterisk closed {SESSIONS - stayed} of {SESSIONS} connections that were open beside each other.",
        why="Nearly all of its HTTP sessions are in use (session limit, 100 by default). Syncs will fail now and then.",
        fix="fwconsole setting HTTPSESSIONLIMIT 200 && fwconsole reload.",
    )


async def events(visit: Visit) -> Check:
    """Open the line that brings the events, under a name that nobody listens under, and close it."""
    try:
        await try_events(
            visit.address,
            application=f"aftercall-test-{secrets.token_hex(4)}",
            patience=EventPatience(connect_s=visit.patience.connect_s),
        )
    except PbxEventsModuleMissing:
        return not_tried("events", 'Not tried, because a module is missing: see "modules".')
    except AppError as error:
        # The lists bring every call all the same, only later.
        return failed("events", error, visit, is_warning=True)
    return passed("events", "The PBX tells when calls begin and end.", guide="calls-as-they-end")


async def _connect(visit: Visit) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    where = visit.address
    context = tls.build_context(where.pinned_certificate) if where.use_tls else None
    name = bare(where.host) if where.use_tls else None
    with suppress(OSError):
        async with asyncio.timeout(visit.patience.connect_s):
            return await asyncio.open_connection(visit.ip, where.port, ssl=context, server_hostname=name)
    return None


async def _is_closed(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        await reader.read(1)
