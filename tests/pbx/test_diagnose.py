"""This file tests the connection test: each breakage fails exactly its own check, and what depends on it is skipped."""

import datetime
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import trustme
from lab.asterisk import Lab
from lab.faults import FAULTS as FAULTS_OF_THE_LAB
from lab.faults import Configuration
from tests.fixtures.canned import Serve, http

from aftercall.demo.simulator import Simulator
from aftercall.model import Check, PbxAddress
from aftercall.pbx import diagnose as room
from aftercall.pbx import tls
from aftercall.pbx.ari import Patience
from aftercall.pbx.checks_of_connection import sessions
from aftercall.pbx.diagnose import diagnose
from aftercall.pbx.visit import Visit

pytestmark = pytest.mark.anyio

HURRIED = Patience(connect_s=1.0, silence_s=0.5, list_s=0.5)
NAMES = [step.name for step in room.CHECKS]
WAV = (
    b"RIFF" + (36 + 320).to_bytes(4, "little") + b"WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00"
    b"\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data" + (320).to_bytes(4, "little") + bytes(320)
)  # fmt: skip
NEWEST = "2026/11/23/external-200-5550100-20261123-101500-1795428900.1"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as pbx:
        pbx.add_recording(NEWEST, WAV)
        yield pbx


def address_of(pbx: Simulator | Lab, **changes: Any) -> PbxAddress:
    facts: dict[str, Any] = {"host": pbx.host, "port": pbx.port, "username": pbx.username, "password": pbx.password}
    if isinstance(pbx, Simulator):
        facts |= {"prefix": pbx.prefix, "use_tls": pbx.use_tls}
    return PbxAddress(**{**facts, **changes})


async def outcome(address: PbxAddress) -> dict[str, Check]:
    checks = {check.check: check async for check in diagnose(address, patience=HURRIED)}
    assert list(checks) == NAMES
    return checks


def statuses(checks: dict[str, Check]) -> dict[str, str]:
    return {name: check.status for name, check in checks.items() if check.status != "ok"}


def troubles(checks: dict[str, Check]) -> dict[str, tuple[str, str]]:
    return {name: (check.status, check.code) for name, check in checks.items() if check.status in {"warn", "fail"}}


def depending_on(name: str) -> set[str]:
    found = {name}
    for step in room.CHECKS:
        if step.after in found:
            found.add(step.name)
    return found - {name}


async def test_a_healthy_pbx_passes_every_check(simulator: Simulator) -> None:
    assert statuses(await outcome(address_of(simulator))) == {"tls": "skip"}


async def test_nothing_but_questions_is_sent(simulator: Simulator) -> None:
    await outcome(address_of(simulator))
    assert set(simulator.methods) == {"GET", "HEAD"}
    assert simulator.methods["HEAD"] == 1


FAULTS = [
    ("closed-silently", "http", "pbx-closed-silently"),
    ("slow", "http", "pbx-timeout"),
    ("html", "http", "pbx-reply-malformed"),
    ("busy-503", "http", "pbx-busy"),
    ("ari-off", "ari", "pbx-ari-off"),
    ("refuse-sign-in", "sign-in", "pbx-sign-in-refused"),
    ("recordings-module-missing", "modules", "pbx-recordings-module-missing"),
    ("list-500", "recording list", "pbx-list-broken"),
    ("malformed-json", "recording list", "pbx-reply-malformed"),
    ("list-of-something-else", "recording list", "pbx-reply-malformed"),
    ("file-404", "download", "recording-missing"),
    ("file-403", "download", "recording-unreadable"),
    ("json-as-audio", "download", "recording-missing"),
    ("html-as-audio", "download", "recording-not-audio"),
    ("short-body", "download", "recording-incomplete"),
    ("drop-mid-body", "download", "recording-incomplete"),
    ("stall-mid-body", "download", "pbx-timeout"),
]


@pytest.mark.parametrize(("fault", "check", "code"), FAULTS, ids=[row[0] for row in FAULTS])
async def test_each_fault_fails_exactly_its_check(simulator: Simulator, fault: str, check: str, code: str) -> None:
    simulator.fail(fault)
    checks = await outcome(address_of(simulator))
    assert troubles(checks) == {check: ("fail", code)}
    assert all([checks[check].what, checks[check].why, checks[check].fix, checks[check].fixes, checks[check].guide])
    assert {name for name, each in checks.items() if each.status == "skip"} == depending_on(check) | {"tls"}


async def test_a_user_who_may_write_is_a_warning_that_stands_in_nobodys_way() -> None:
    with Simulator(read_only=False) as pbx:
        pbx.add_recording(NEWEST, WAV)
        checks = await outcome(address_of(pbx))
        assert pbx.names() == [NEWEST]
    assert statuses(checks) == {"tls": "skip", "read-only": "warn"}


async def test_a_skipped_check_names_the_one_that_failed(simulator: Simulator) -> None:
    simulator.fail("refuse-sign-in")
    assert (await outcome(address_of(simulator)))["download"].what == 'Not tried, because "sign-in" failed.'


async def test_an_empty_list_warns_of_the_link_and_names_both_folders() -> None:
    folders = {"ASTSPOOLDIR": "/srv/spool", "MIXMON_DIR": "/mnt/calls/"}
    with Simulator(variables=folders) as pbx:
        checks = await outcome(address_of(pbx))
    nothing = dict.fromkeys(["tls", "download", "audio", "time zone", "sync cost"], "skip")
    assert statuses(checks) == {**nothing, "recording list": "warn"}
    assert "ln -sfn /mnt/calls /srv/spool/recording" in checks["recording list"].fix


async def test_a_growing_recording_is_passed_over_for_a_finished_one(simulator: Simulator) -> None:
    simulator.add_recording(NEWEST.replace("101500", "111500"), WAV, written=100)
    checks = await outcome(address_of(simulator))
    assert checks["download"].status == "ok"
    assert f"{len(WAV)} bytes of wav" in checks["download"].what


async def test_nothing_but_growing_recordings_is_no_failure(simulator: Simulator) -> None:
    simulator.remove(NEWEST)
    simulator.add_recording(NEWEST, WAV, written=100)
    assert (await outcome(address_of(simulator)))["download"].status == "skip"


async def test_a_text_file_called_wav_is_found_out(simulator: Simulator) -> None:
    simulator.remove(NEWEST)
    simulator.add_recording(NEWEST, b"just some words")
    assert troubles(await outcome(address_of(simulator))) == {"download": ("fail", "recording-not-audio")}


@pytest.mark.parametrize(("real", "entered", "fix"), [
    ("asterisk", "", "Enter asterisk as HTTP prefix, then test again."),
    ("", "asterisk", "Leave the HTTP prefix empty, then test again."),
    ("", "typo", "Leave the HTTP prefix empty, then test again."),
])  # fmt: skip
async def test_a_wrong_prefix_is_told_from_ari_being_off(real: str, entered: str, fix: str) -> None:
    with Simulator(prefix=real) as pbx:
        checks = await outcome(address_of(pbx, prefix=entered))
    assert troubles(checks) == {"ari": ("fail", "pbx-prefix-wrong")}
    assert checks["ari"].fix == fix


async def test_plain_http_to_a_tls_port_is_told_from_a_closed_one(authority: trustme.CA) -> None:
    async with pbx_showing(authority.issue_cert("pbx.example.test")) as pbx:
        checks = await outcome(address_of(pbx, use_tls=False))
    assert troubles(checks) == {"http": ("fail", "pbx-port-is-tls")}


async def test_all_sessions_in_use_is_closed_without_an_answer() -> None:
    with Simulator(session_limit=0) as pbx:
        assert troubles(await outcome(address_of(pbx))) == {"http": ("fail", "pbx-closed-silently")}


@pytest.mark.parametrize(("host", "code"), [
    ("pbx..example", "pbx-name-unknown"),
    ("169.254.169.254", "pbx-address-refused"),
])  # fmt: skip
async def test_a_bad_host_fails_the_first_check(simulator: Simulator, host: str, code: str) -> None:
    checks = await outcome(address_of(simulator, host=host))
    assert troubles(checks) == {"address": ("fail", code)}
    assert {name for name, each in checks.items() if each.status == "skip"} == set(NAMES) - {"address"}


async def test_a_closed_port_fails_tcp() -> None:
    with Simulator() as pbx:
        address = address_of(pbx)
    assert troubles(await outcome(address)) == {"tcp": ("fail", "pbx-connection-refused")}


async def test_another_service_on_the_port_is_not_called_asterisk(canned: Serve) -> None:
    async with canned(http(404, "<html>", kind="text/html", server="Apache/2.4")) as server:
        checks = await outcome(server.address())
    assert troubles(checks) == {"http": ("fail", "pbx-not-asterisk")}
    assert "Apache/2.4" in checks["http"].why


# ---- TLS --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def pbx_showing(certificate: trustme.LeafCert) -> AsyncIterator[Simulator]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    async with Simulator(tls=context) as pbx:
        pbx.add_recording(NEWEST, WAV)
        yield pbx


async def test_an_untrusted_certificate_is_offered_and_then_trusted(authority: trustme.CA) -> None:
    certificate = authority.issue_cert("pbx.example.test")
    async with pbx_showing(certificate) as pbx:
        offered = (await outcome(address_of(pbx)))["tls"]
        assert (offered.status, offered.code) == ("fail", "pbx-certificate-untrusted")
        assert offered.certificate_sha256 == tls.read_pem(certificate.cert_chain_pems[0].bytes().decode()).sha256
        trusted = await outcome(address_of(pbx, pinned_certificate=offered.certificate_pem))
    assert statuses(trusted) == {}


async def test_a_changed_certificate_is_offered_again(authority: trustme.CA) -> None:
    once = authority.issue_cert("pbx.example.test").cert_chain_pems[0].bytes().decode()
    async with pbx_showing(authority.issue_cert("pbx.example.test")) as pbx:
        offered = (await outcome(address_of(pbx, pinned_certificate=once)))["tls"]
    assert (offered.status, offered.code) == ("fail", "pbx-certificate-changed")
    assert offered.certificate_pem not in {"", once}


async def test_an_expired_certificate_is_not_offered(authority: trustme.CA) -> None:
    ended = datetime.datetime(2020, 5, 1, tzinfo=datetime.UTC)
    certificate = authority.issue_cert("pbx.example.test", not_after=ended)
    pem = certificate.cert_chain_pems[0].bytes().decode()
    async with pbx_showing(certificate) as pbx:
        check = (await outcome(address_of(pbx, pinned_certificate=pem)))["tls"]
    assert (check.status, check.code, check.certificate_pem) == ("fail", "pbx-certificate-expired", "")


async def test_a_certificate_near_its_end_is_a_warning(authority: trustme.CA) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3)
    certificate = authority.issue_cert("pbx.example.test", not_after=soon)
    async with pbx_showing(certificate) as pbx:
        pinned = address_of(pbx, pinned_certificate=certificate.cert_chain_pems[0].bytes().decode())
        assert statuses(await outcome(pinned)) == {"tls": "warn"}


async def test_a_stored_certificate_that_is_none_fails_tls_and_nothing_before_it(simulator: Simulator) -> None:
    checks = await outcome(address_of(simulator, use_tls=True, pinned_certificate="-----BEGIN NONSENSE"))
    assert troubles(checks) == {"tls": ("fail", "pbx-certificate-unreadable")}
    assert (checks["address"].status, checks["tcp"].status) == ("ok", "ok")


async def test_tls_asked_of_a_plain_port_fails_tls(canned: Serve) -> None:
    async with canned(http(400, ""), unasked=True) as server:
        assert troubles(await outcome(server.address(use_tls=True))) == {"tls": ("fail", "pbx-port-is-plain")}


# ---- the faults of the lab, on real Asterisks ---------------------------------------------------------------------

LAB_FAULTS: dict[str, dict[str, tuple[str, str]]] = {
    "none": {},
    "read-write": {"read-only": ("warn", "pbx-user-may-write")},
    "http-off": {"tcp": ("fail", "pbx-connection-refused")},
    "ari-disabled": {"ari": ("fail", "pbx-ari-off")},
    "no-ari-module": {"ari": ("fail", "pbx-ari-off")},
    "recording-directory-line": {"ari": ("fail", "pbx-ari-off")},
    "http-prefix": {"ari": ("fail", "pbx-prefix-wrong")},
    "crypt-mismatch": {"sign-in": ("fail", "pbx-sign-in-refused")},
    "acl": {"sign-in": ("fail", "pbx-forbidden")},
    "no-recordings-module": {"modules": ("fail", "pbx-recordings-module-missing")},
    "no-symlink": {"recording list": ("fail", "pbx-list-broken")},
    "dangling-symlink": {"recording list": ("fail", "pbx-list-broken")},
    "dangling-link-below": {"recording list": ("fail", "pbx-list-broken")},
    "loop-below": {"recording list": ("fail", "pbx-list-broken")},
    "bad-name-below": {"recording list": ("fail", "pbx-list-broken")},
    "wrong-symlink": {"recording list": ("warn", "pbx-list-empty")},
    "own-directory": {"recording list": ("warn", "pbx-list-empty")},
}
#: Asterisk 16 takes an access list for a mistake, and has no ARI at all.
LAB_FAULTS_OF_16 = {"acl": {"ari": ("fail", "pbx-ari-off")}}
#: What the number alone says of a release; 16 gets no more fixes.
OF_ITSELF = {"16": {"version": ("warn", "pbx-known-faults")}}
#: Those that show only over TLS, or only when the sessions are used.
SPECIAL_FAULTS = {"no-tls", "session-limit"}


def test_every_fault_of_the_lab_is_expected_here() -> None:
    assert LAB_FAULTS.keys() | SPECIAL_FAULTS == FAULTS_OF_THE_LAB.keys()


def expected_of(pbx: Lab, fault: str) -> dict[str, tuple[str, str]]:
    return LAB_FAULTS_OF_16.get(fault, LAB_FAULTS[fault]) if pbx.release == "16" else LAB_FAULTS[fault]


def usual(pbx: Lab) -> dict[str, tuple[str, str]]:
    return OF_ITSELF.get(pbx.release, {})


@pytest.fixture
def recorded(pbx: Lab) -> Lab:
    """A real Asterisk that has a recording to hand out."""
    path = pbx.monitor / f"{NEWEST}.wav"
    path.parent.mkdir(parents=True)
    path.write_bytes(WAV)
    return pbx


@pytest.mark.pbx
@pytest.mark.parametrize("fault", LAB_FAULTS)
async def test_each_fault_of_an_asterisk_is_found(recorded: Lab, fault: str) -> None:
    recorded.fault(fault)
    checks = await outcome(address_of(recorded))
    expected = expected_of(recorded, fault)
    # An empty list is only a warning, but it leaves nothing to download. A user who may write stands in nobody's way.
    blocked = {name for found in expected.keys() - {"read-only"} for name in depending_on(found)}
    of_itself = {name: found for name, found in usual(recorded).items() if name not in blocked}
    assert troubles(checks) == expected | of_itself
    assert {name for name, each in checks.items() if each.status == "skip"} == blocked | {"tls"}
    assert all(checks[name].fixes and checks[name].guide for name in expected)


@pytest.mark.pbx
async def test_an_asterisk_without_tls_refuses_the_tls_port(recorded: Lab) -> None:
    recorded.fault("no-tls")
    over_tls = address_of(recorded, port=recorded.tls_port, use_tls=True)
    assert troubles(await outcome(over_tls)) == {"tcp": ("fail", "pbx-connection-refused")}


@pytest.mark.pbx
async def test_an_asterisk_with_all_sessions_in_use_is_found(recorded: Lab) -> None:
    recorded.fault("session-limit")
    with recorded.all_sessions_used():
        assert troubles(await outcome(address_of(recorded))) == {"http": ("fail", "pbx-closed-silently")}


@pytest.mark.pbx
async def test_an_asterisk_with_too_few_sessions_is_found(recorded: Lab) -> None:
    recorded.configure(Configuration(session_limit=2))
    # Nothing else is asked of it: an earlier question's session ends a moment after its answer.
    visit = Visit(address=address_of(recorded), patience=Patience(settle_s=10), ip=recorded.host)
    check = await sessions(visit)
    assert (check.status, check.code) == ("warn", "pbx-few-sessions")


@pytest.mark.pbx
@pytest.mark.parametrize(("module", "check", "found"), [
    ("res_ari_events", "modules", ("warn", "pbx-events-module-missing")),
    ("res_stasis_recording", "modules", ("fail", "pbx-recordings-module-missing")),
    # Nothing below /ari works then, not even the list of modules.
    ("res_ari_model", "sign-in", ("fail", "pbx-ari-off")),
])  # fmt: skip
async def test_a_module_that_an_asterisk_lacks_is_named(
    recorded: Lab, module: str, check: str, found: tuple[str, str]
) -> None:
    recorded.configure(Configuration(modules_missing=(module,)))
    checks = await outcome(address_of(recorded))
    assert troubles(checks).items() - usual(recorded).items() == {(check, found)}
    assert f"{module}.so" in checks[check].why
    assert any(f"module load {module}.so" in each for fix in checks[check].fixes for each in fix.commands)


@pytest.mark.pbx
async def test_plain_http_to_the_tls_port_of_an_asterisk_is_found(recorded: Lab) -> None:
    checks = await outcome(address_of(recorded, port=recorded.tls_port))
    assert troubles(checks) == {"http": ("fail", "pbx-port-is-tls")}


@pytest.mark.pbx
async def test_tls_to_the_plain_port_of_an_asterisk_is_found(recorded: Lab) -> None:
    assert troubles(await outcome(address_of(recorded, use_tls=True))) == {"tls": ("fail", "pbx-port-is-plain")}


@pytest.mark.pbx
async def test_all_is_well_over_tls_too(recorded: Lab) -> None:
    over_tls = address_of(recorded, port=recorded.tls_port, use_tls=True, pinned_certificate=recorded.certificate_pem)
    assert troubles(await outcome(over_tls)) == usual(recorded)


@pytest.mark.pbx
async def test_the_certificate_of_an_asterisk_is_offered_and_then_trusted(recorded: Lab) -> None:
    over_tls = address_of(recorded, port=recorded.tls_port, use_tls=True)
    offered = (await outcome(over_tls))["tls"]
    assert (offered.code, offered.certificate_pem) == ("pbx-certificate-untrusted", recorded.certificate_pem)
    trusted = replace(over_tls, pinned_certificate=offered.certificate_pem)
    assert troubles(await outcome(trusted)) == usual(recorded)


# ---- judgements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "status"), [
    ("13.38.3", "fail"), ("16.25.3", "warn"), ("16.28.0~dfsg-0+deb11u4", "warn"), ("20.20.0", "warn"),
    ("20.20.1", "ok"), ("22.10.1+dfsg+~cs6.17", "ok"), ("certified-22.8-cert3", "ok"), ("24.0.0", "ok"),
    ("GIT-master-1234abcd", "ok"),
])  # fmt: skip
async def test_old_versions_are_warned_of(version: str, status: str) -> None:
    with Simulator(version=version) as pbx:
        assert (await outcome(address_of(pbx)))["version"].status == status


async def test_a_clock_that_is_off_is_a_warning(canned: Serve) -> None:
    def answer(target: str) -> bytes:
        if target.endswith("/ping"):
            then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=10)
            return http(200, {"ping": "pong", "timestamp": then.isoformat()})
        if target.endswith("/info"):
            return http(200, {"system": {"version": "22.1.0", "entity_id": "02:00"}})
        if target.endswith("/modules"):
            return http(200, [])
        return http(200, {"value": ""}) if "/asterisk/" in target else http(200, [])

    async with canned(answer) as server:
        checks = await outcome(server.address())
    assert checks["clock"].status == "warn"
    assert "600 s behind" in checks["clock"].what
