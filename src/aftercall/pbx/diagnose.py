"""This file tests the connection to one PBX, check by check, each with one meaning, in the order of `CHECKS`.

A check that fails names its cause and its fix (they are the error's own); what depends on it is skipped. Nothing is
written to the PBX, so whether the ARI user is read-only cannot be seen from here and is not claimed.
"""

import asyncio
import heapq
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

from aftercall.errors import (
    AppError,
    PbxAriOff,
    PbxCertificateChanged,
    PbxCertificateName,
    PbxCertificateUntrusted,
    PbxError,
    PbxListEmpty,
    PbxPrefixWrong,
    PbxRecordingsModuleMissing,
    PbxTooOld,
    RecordingError,
    RecordingNotAudio,
    RecordingTooLarge,
)
from aftercall.model import Check, PbxAddress
from aftercall.pbx import failures, tls
from aftercall.pbx.ari import AriClient, Download, Patience
from aftercall.pbx.lookup import bare

#: Beyond this, "what happened when" on the PBX and here can no longer be brought together.
TOLERABLE_SKEW = timedelta(seconds=60)
#: A certificate that ends sooner is worth a warning.
SOON_EXPIRED = timedelta(days=14)
#: How many of the newest recordings to try; the newest of all may still be growing or be gone again.
TRIED_RECORDINGS = 5
#: Enough for an hour of telephone audio; a test should not move more.
TRIED_BYTES = 64_000_000
#: What older FreePBX releases and many examples set as HTTP prefix.
USUAL_PREFIX = "asterisk"


@dataclass(kw_only=True)
class _Visit:
    """What the checks learn on the way and hand to the next."""

    address: PbxAddress
    patience: Patience
    client: AriClient
    #: The IP address that took our connection.
    ip: str = ""
    certificate: tls.ServerCertificate | None = None
    #: The answer to a question without a password.
    knock: failures.Reply | None = None
    version: str = ""
    recordings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Step:
    name: str
    look: Callable[[_Visit], Awaitable[Check]]
    #: The check without which this one makes no sense.
    after: str = ""


async def diagnose(address: PbxAddress, *, patience: Patience | None = None) -> AsyncIterator[Check]:
    """Yield each check as soon as its outcome is known."""
    patience = patience or Patience()
    #: Checks that failed or were not tried, to the one whose failure is behind it.
    unmet: dict[str, str] = {}
    async with AriClient(address, patience=patience) as client:
        visit = _Visit(address=address, patience=patience, client=client)
        for step in CHECKS:
            if step.after in unmet:
                unmet[step.name] = culprit = unmet[step.after]
                yield Check(check=step.name, status="skip", what=f'Not tried, because "{culprit}" failed.')
                continue
            try:
                check = await step.look(visit)
            except AppError as exc:
                check = _failed(step.name, exc, visit)
                unmet[step.name] = step.name
            yield check


# ---- the checks, in order ---------------------------------------------------------------------------------------


async def _address(visit: _Visit) -> Check:
    addresses = await visit.client.addresses()
    host = bare(visit.address.host)
    found = ", ".join(addresses)
    return _ok("address", f"{host} is an IP address." if found == host else f"{host} is {found}.")


async def _tcp(visit: _Visit) -> Check:
    port, wait_s = visit.address.port, visit.patience.connect_s
    failed: OSError | None = None
    for ip in await visit.client.addresses():
        try:
            async with asyncio.timeout(wait_s):
                _, writer = await asyncio.open_connection(ip, port)
        except OSError as exc:
            failed = exc
            continue
        writer.transport.abort()
        visit.ip = ip
        return _ok("tcp", f"{ip} takes connections on port {port}.")
    assert failed is not None
    raise failures.from_exception(failed, visit.address, waited_s=wait_s) from failed


async def _tls(visit: _Visit) -> Check:
    address, wait_s = visit.address, visit.patience.connect_s
    if not address.use_tls:
        return Check(
            check="tls",
            status="skip",
            what="TLS is not used: the ARI password and the recordings cross the network unencrypted.",
            fix="fwconsole setting HTTPTLSENABLE 1, choose a certificate in Certificate Manager, fwconsole reload; "
            'then tick "Use TLS" here, with port 8089.',
        )
    try:
        visit.certificate = certificate = await tls.fetch_certificate(
            visit.ip, address.port, server_name=bare(address.host), timeout_s=wait_s
        )
        version = await tls.shake_hands(
            visit.ip,
            address.port,
            server_name=bare(address.host),
            context=tls.build_context(address.pinned_certificate),
            timeout_s=wait_s,
        )
    except OSError as exc:
        raise failures.from_exception(exc, address, waited_s=wait_s, certificate=visit.certificate) from exc
    trusted = "trusted by its SHA-256" if address.pinned_certificate else f"made out to {', '.join(certificate.names)}"
    what = f"{version}, with a certificate {trusted}, valid until {certificate.not_after:%Y-%m-%d}."
    if certificate.not_after - datetime.now(UTC) < SOON_EXPIRED:
        return Check(
            check="tls",
            status="warn",
            what=what,
            why="It expires within two weeks, and then no recording will come home.",
            fix="Renew it in FreePBX: Admin > Certificate Management, make it the default, then fwconsole reload.",
        )
    return _ok("tls", what)


async def _http(visit: _Visit) -> Check:
    visit.knock = await visit.client.knock()
    server = visit.knock.headers.get("server") or "no server name"
    return _ok("http", f"An Asterisk HTTP server answers ({server}).")


async def _ari(visit: _Visit) -> Check:
    assert visit.knock is not None
    if visit.knock.status == 404:
        found = await _other_prefix(visit)
        if found is not None:
            raise PbxPrefixWrong(
                host=visit.address.host,
                port=visit.address.port,
                found=_base(found),
                given=_base(visit.address.prefix),
                advice=f"Enter {found} as HTTP prefix" if found else "Leave the HTTP prefix empty",
            )
        raise PbxAriOff(host=visit.address.host, port=visit.address.port, path=_base(visit.address.prefix))
    return _ok("ari", f"The Asterisk REST Interface is there, under {_base(visit.address.prefix)}.")


async def _other_prefix(visit: _Visit) -> str | None:
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


async def _sign_in(visit: _Visit) -> Check:
    visit.version = (await visit.client.info()).version
    return _ok("sign-in", f"The PBX knows the ARI user {visit.address.username} and the password.")


async def _version(visit: _Visit) -> Check:
    if has_no_download(visit.version):
        raise PbxTooOld(version=visit.version)
    if serves_wrong_file(visit.version):
        return Check(
            check="version",
            status="warn",
            what=f"Asterisk {visit.version} may hand out the wrong recording.",
            why="Before 16.26, 18.12 and 19.4, a name that begins like another one can get the other one's file "
            "(ASTERISK-29960).",
            fix="Update Asterisk to 16.26, 18.12, 19.4 or later.",
        )
    return _ok("version", f"Asterisk {visit.version}.")


async def _recordings_module(visit: _Visit) -> Check:
    state = await visit.client.module_state("res_ari_recordings.so")
    if state != "Running":
        raise PbxRecordingsModuleMissing()
    return _ok("recordings module", "res_ari_recordings.so is running.")


async def _recording_list(visit: _Visit) -> Check:
    visit.recordings = await visit.client.recordings()
    if visit.recordings:
        return _ok("recording list", f"The PBX lists {len(visit.recordings):,} recordings.")
    link, kept_in = await visit.client.recording_folders()
    empty = PbxListEmpty(link=link, kept_in=kept_in)
    return Check(check="recording list", status="warn", what=empty.what, why=empty.why, fix=empty.fix, code=empty.code)


async def _download(visit: _Visit) -> Check:
    if not visit.recordings:
        return Check(check="download", status="skip", what="Not tried, because there is no recording to try it with.")
    last: RecordingError | None = None
    for name in await asyncio.to_thread(newest, visit.recordings):
        try:
            got = await visit.client.download(name, cast(BinaryIO, _Nowhere()), max_bytes=TRIED_BYTES)
        # One recording may be gone or damaged, the next may do; what the PBX itself does wrong rises.
        except RecordingError as exc:
            last = exc
            continue
        if not _is_growing(got):
            return _judge_download(got)
    if last is not None and not isinstance(last, RecordingTooLarge):
        raise last
    return Check(
        check="download",
        status="skip",
        what=f"None of the newest {TRIED_RECORDINGS} recordings is finished and of a handy size.",
        why="They are still being recorded, or larger than this test wants to move.",
    )


async def _clock(visit: _Visit) -> Check:
    skew = await visit.client.clock_skew()
    seconds = abs(skew.total_seconds())
    if abs(skew) <= TOLERABLE_SKEW:
        return _ok("clock", f"The PBX's clock and ours agree within {max(seconds, 1):.0f} s.")
    return Check(
        check="clock",
        status="warn",
        what=f"The PBX's clock is {seconds:.0f} s {'ahead of' if skew > timedelta() else 'behind'} this server's.",
        why="Start times of calls come from the PBX, so they will look shifted, and calls in progress hard to tell.",
        fix="Let both keep time by the network: timedatectl set-ntp true, on the PBX and here.",
    )


CHECKS: tuple[_Step, ...] = (
    _Step(name="address", look=_address),
    _Step(name="tcp", look=_tcp, after="address"),
    _Step(name="tls", look=_tls, after="tcp"),
    _Step(name="http", look=_http, after="tls"),
    _Step(name="ari", look=_ari, after="http"),
    _Step(name="sign-in", look=_sign_in, after="ari"),
    _Step(name="version", look=_version, after="sign-in"),
    _Step(name="recordings module", look=_recordings_module, after="sign-in"),
    _Step(name="recording list", look=_recording_list, after="recordings module"),
    _Step(name="download", look=_download, after="recording list"),
    _Step(name="clock", look=_clock, after="sign-in"),
)


# ---- what the checks judge by -----------------------------------------------------------------------------------

_VERSION = re.compile(r"(\d+)\.(\d+)")
#: The first minor release of each branch without ASTERISK-29960; 17 never got it, 20 was born with it.
_RIGHT_FILE_SINCE = {16: 26, 18: 12, 19: 4}


def serves_wrong_file(version: str) -> bool:
    """Whether this Asterisk may answer a request for one recording with another one; False when nobody can tell."""
    found = _VERSION.search(version)
    if found is None:
        return False
    major, minor = int(found[1]), int(found[2])
    return major < 20 and minor < _RIGHT_FILE_SINCE.get(major, minor + 1)


def has_no_download(version: str) -> bool:
    """Whether this Asterisk is from before downloads of stored recordings (14)."""
    found = _VERSION.search(version)
    return found is not None and int(found[1]) < 14


_DATED = re.compile(r"(\d{8})-(\d{6})(?!\d)")


def newest(names: Iterable[str]) -> list[str]:
    """The newest recordings by the wall clock in their names, newest first; names without one come last."""

    def wall_clock(name: str) -> tuple[str, str]:
        dates = _DATED.findall(name)
        return "".join(dates[-1]) if dates else "", name

    return heapq.nlargest(TRIED_RECORDINGS, names, key=wall_clock)


def _is_growing(got: Download) -> bool:
    """Whether the recording is empty yet, or its header has no size yet."""
    return got.size_bytes == 0 or (got.head.startswith(b"RIFF") and got.head[4:8] == bytes(4))


def _judge_download(got: Download) -> Check:
    audio_format = got.content_type.rpartition("/")[2]
    if audio_format.lower() in {"wav", "wav16", "wav49"} and not got.head.startswith(b"RIFF"):
        raise RecordingNotAudio(
            detail=f"{got.size_bytes} bytes of {got.content_type}", looks_like="something without a RIFF header"
        )
    what = f"The newest finished recording came over: {got.size_bytes:,} bytes of {audio_format or 'unknown format'}"
    if got.head[12:16] == b"fmt ":
        is_mono = int.from_bytes(got.head[22:24], "little") == 1
        what += ", both parties in one audio channel" if is_mono else ", the parties in audio channels of their own"
    return _ok("download", f"{what}.")


def _base(prefix: str) -> str:
    return f"/{prefix}/ari" if prefix else "/ari"


def _ok(name: str, what: str) -> Check:
    return Check(check=name, status="ok", what=what)


def _failed(name: str, exc: AppError, visit: _Visit) -> Check:
    check = Check(check=name, status="fail", what=exc.what, why=exc.why, fix=exc.fix, code=exc.code)
    may_trust = isinstance(exc, (PbxCertificateUntrusted, PbxCertificateName, PbxCertificateChanged))
    if not may_trust or visit.certificate is None:
        return check
    return replace(check, certificate_sha256=visit.certificate.sha256, certificate_pem=visit.certificate.pem)


class _Nowhere(io.RawIOBase):
    """Takes the bytes of a recording that nobody wants to keep."""

    def write(self, data: object, /) -> int:
        return len(memoryview(data))  # type: ignore[arg-type]
