"""This file tests that the ARI client gives every kind of trouble its own error, against servers of canned bytes."""

import asyncio
import base64
import datetime
import errno
import io
import os
import socket
import ssl
from pathlib import Path

import httpx2
import pytest
import trustme
from tests.fixtures.canned import Serve, http

from aftercall import errors
from aftercall.errors import AppError
from aftercall.model import PbxAddress
from aftercall.pbx import ari, failures, lookup, tls
from aftercall.pbx.ari import AriClient, Patience

pytestmark = pytest.mark.anyio

HURRIED = Patience(connect_s=1.0, silence_s=0.3, list_s=0.3, list_bytes=2000)
WAV = b"RIFF\x24\x01\x00\x00WAVEfmt " + bytes(276)
HTML_404 = "<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


async def ask_info(address: PbxAddress) -> None:
    async with AriClient(address, patience=HURRIED) as client:
        await client.info()


async def list_recordings(address: PbxAddress) -> dict[str, str]:
    async with AriClient(address, patience=HURRIED) as client:
        return await client.recordings()


async def download(address: PbxAddress, name: str = "2026/11/23/call", max_bytes: int = 10_000) -> ari.Download:
    async with AriClient(address, patience=HURRIED) as client:
        return await client.download(name, io.BytesIO(), max_bytes=max_bytes)


# ---- answers: status and body decide ----------------------------------------------------------------------------

REFUSALS = [
    ("wrong password", http(401, {"message": "Authentication required"}), errors.PbxSignInRefused),
    ("access list", http(403, {"message": "Access denied by ACL"}), errors.PbxForbidden),
    ("write attempt", http(403, {"message": "Write access denied"}), errors.PbxForbidden),
    ("ARI is off", http(404, HTML_404, kind="text/html"), errors.PbxAriOff),
    ("no res_ari_asterisk", http(404, {"message": "Resource not found"}), errors.PbxAriOff),
    ("trailing slash", http(404, {"message": "ARI URLs do not end with a slash."}), errors.PbxReplyMalformed),
    ("method", http(405, {"message": "Invalid method"}), errors.PbxReplyMalformed),
    ("broken inside", http(500, {"error": "Internal Server Error"}), errors.PbxBusy),
    ("starting", http(503, {"message": "Asterisk not booted"}), errors.PbxBusy),
    ("a web server", http(404, HTML_404, kind="text/html", server="Apache/2.4"), errors.PbxNotAsterisk),
    ("a web server's sign-in", http(401, "no", kind="text/html", server="nginx"), errors.PbxNotAsterisk),
    ("a web server in trouble", http(502, "bad", kind="text/html", server="nginx"), errors.PbxNotAsterisk),
    ("a page", http(200, "<html>Welcome</html>", kind="text/html", server=""), errors.PbxNotAsterisk),
    ("no JSON", http(200, '{"system": {"vers'), errors.PbxReplyMalformed),
    ("other JSON", http(200, {"hello": "world"}), errors.PbxReplyMalformed),
    ("JSON of another shape", http(200, [1, 2]), errors.PbxReplyMalformed),
    ("not HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", errors.PbxNotAsterisk),
    ("closed without an answer", b"", errors.PbxClosedSilently),
    ("dropped in mid answer", http(200, '{"system":', length=400), errors.PbxDropped),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
async def test_each_wrong_answer_has_its_own_error(canned: Serve, answer: bytes, error: type[AppError]) -> None:
    async with canned(answer) as server:
        with pytest.raises(AppError) as raised:
            await ask_info(server.address())
    assert type(raised.value) is error


LISTS = [
    ("no recordings module", http(404, {"message": "Resource not found"}), errors.PbxRecordingsModuleMissing),
    ("an object", http(200, {"recordings": []}), errors.PbxReplyMalformed),
    ("cut JSON", http(200, '[{"name":"a","for'), errors.PbxReplyMalformed),
    ("entries without a name", http(200, [{"format": "wav"}]), errors.PbxReplyMalformed),
    ("entries that are no objects", http(200, ["a", "b"]), errors.PbxReplyMalformed),
    ("a name that is no text", http(200, [{"name": 5, "format": "wav"}]), errors.PbxReplyMalformed),
    ("a page", http(200, "<html></html>", kind="text/html", server="nginx"), errors.PbxNotAsterisk),
    ("too large as announced", http(200, "[]", length=200_000_000), errors.PbxReplyTooLarge),
    ("too large without a word", http(200, "[" + " " * 3000, length=None), errors.PbxReplyTooLarge),
    ("dropped in mid answer", http(200, "[]", length=1000), errors.PbxDropped),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in LISTS], ids=[row[0] for row in LISTS])
async def test_each_wrong_list_has_its_own_error(canned: Serve, answer: bytes, error: type[AppError]) -> None:
    async with canned(answer) as server:
        with pytest.raises(AppError) as raised:
            await list_recordings(server.address())
    assert type(raised.value) is error


async def test_a_broken_list_names_the_very_folder(canned: Serve) -> None:
    def answer(target: str) -> bytes:
        if "variable" in target:
            return http(200, {"value": "/srv/spool"})
        return http(500, {"error": "Allocation failed"})

    async with canned(answer) as server:
        with pytest.raises(errors.PbxListBroken) as raised:
            await list_recordings(server.address())
    assert raised.value.facts == {"folder": "/srv/spool/recording", "spool": "/srv/spool"}


async def test_a_broken_list_names_the_usual_folder_when_the_pbx_does_not_tell(canned: Serve) -> None:
    async with canned(http(500, {"error": "Allocation failed"})) as server:
        with pytest.raises(errors.PbxListBroken) as raised:
            await list_recordings(server.address())
    assert raised.value.facts["folder"] == "/var/spool/asterisk/recording"


DOWNLOADS = [
    ("not found", http(404, {"message": "Recording not found"}), errors.RecordingMissing),
    ("the same with a 200", http(200, '{"message":"Recording not found"}'), errors.RecordingMissing),
    (
        "the same called audio",
        http(200, '{"message":"Recording not found"}', kind="audio/wav"),
        errors.RecordingMissing,
    ),
    ("not readable", http(403, {"message": "Recording could not be opened"}), errors.RecordingUnreadable),
    ("other JSON", http(200, {"message": "Oops"}), errors.RecordingNotAudio),
    ("a page", http(200, HTML_404, kind="text/html"), errors.RecordingNotAudio),
    ("a page called audio", http(200, "<!DOCTYPE html><html>", kind="audio/wav"), errors.RecordingNotAudio),
    ("plain text", http(200, "hello", kind="text/plain"), errors.RecordingNotAudio),
    ("slashes decoded on the way", http(404, {"message": "Resource not found"}), errors.PbxReplyMalformed),
    ("short", http(200, WAV, kind="audio/wav", length=1000), errors.RecordingIncomplete),
    ("2 GB announced", http(200, WAV, kind="audio/wav", length=2**31), errors.RecordingTooLarge),
    ("2 GB as Asterisk counts them", http(200, WAV, kind="audio/wav", length=-(2**31)), errors.RecordingTooLarge),
    ("of unknown length", http(200, WAV, kind="audio/wav", length=None), errors.PbxReplyMalformed),
    (
        "re-packed on the way",
        http(200, b"0\r\n\r\n", kind="audio/wav", length=None, more=("Transfer-Encoding: chunked",)),
        errors.PbxReplyMalformed,
    ),
    ("a part", http(206, WAV, kind="audio/wav"), errors.PbxReplyMalformed),
    ("signed out", http(401, {"message": "Authentication required"}), errors.PbxSignInRefused),
    ("closed without an answer", b"", errors.PbxClosedSilently),
]


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in DOWNLOADS], ids=[row[0] for row in DOWNLOADS])
async def test_each_wrong_download_has_its_own_error(canned: Serve, answer: bytes, error: type[AppError]) -> None:
    async with canned(answer) as server:
        with pytest.raises(AppError) as raised:
            await download(server.address())
    assert type(raised.value) is error


async def test_a_reset_in_mid_download_tells_how_much_came(canned: Serve) -> None:
    async with canned(http(200, WAV, kind="audio/wav", length=1000), ending="reset") as server:
        with pytest.raises(errors.RecordingIncomplete) as raised:
            await download(server.address())
    assert raised.value.facts == {"received_bytes": len(WAV), "announced_bytes": 1000}


async def test_a_file_that_grows_meanwhile_is_cut_at_the_announced_length(canned: Serve) -> None:
    async with canned(http(200, WAV + b"grown" * 100, kind="audio/wav", length=len(WAV))) as server:
        got = await download(server.address())
    assert (got.size_bytes, got.head) == (len(WAV), WAV[: ari.HEAD_BYTES])


async def test_a_file_too_large_is_refused_before_its_first_byte(canned: Serve) -> None:
    into = io.BytesIO()
    async with canned(http(200, WAV, kind="audio/wav")) as server, AriClient(server.address()) as client:
        with pytest.raises(errors.RecordingTooLarge):
            await client.download("call", into, max_bytes=len(WAV) - 1)
    assert into.getvalue() == b""


async def test_raw_audio_that_begins_like_text_is_still_audio(canned: Serve) -> None:
    async with canned(http(200, b"{<" + bytes(100), kind="audio/ulaw")) as server:
        assert (await download(server.address())).size_bytes == 102


async def test_an_empty_file_is_a_download_of_no_bytes(canned: Serve) -> None:
    async with canned(http(200, b"", kind="audio/wav")) as server:
        got = await download(server.address())
    assert (got.size_bytes, got.head) == (0, b"")


async def test_a_redirect_is_not_followed(canned: Serve) -> None:
    async with (
        canned(http(200, [])) as elsewhere,
        canned(http(302, "", more=(f"Location: http://127.0.0.1:{elsewhere.port}/",))) as server,
    ):
        with pytest.raises(errors.PbxNotAsterisk, match="a redirect to"):
            await list_recordings(server.address())
        assert elsewhere.requests == []


# ---- silence ----------------------------------------------------------------------------------------------------


async def test_a_server_that_never_answers_is_a_time_out(canned: Serve) -> None:
    async with canned(b"", ending="stall") as server:
        with pytest.raises(errors.PbxTimeout, match=r"did not answer within 0\.3 s"):
            await ask_info(server.address())


async def test_a_server_that_drips_is_a_time_out_as_a_whole(canned: Serve) -> None:
    async with canned(http(200, {"a": "b" * 1000}), with_pauses_of_s=0.05) as server:
        with pytest.raises(errors.PbxTimeout):
            await ask_info(server.address())


async def test_a_download_that_falls_silent_is_a_time_out(canned: Serve) -> None:
    async with canned(http(200, WAV, kind="audio/wav", length=1000), ending="stall") as server:
        with pytest.raises(errors.PbxTimeout):
            await download(server.address())


async def test_a_slow_download_may_take_longer_than_the_longest_silence(canned: Serve) -> None:
    answer = http(200, WAV[:60], kind="audio/wav", length=60)
    async with canned(answer, with_pauses_of_s=0.005) as server:
        began = asyncio.get_running_loop().time()
        assert (await download(server.address())).size_bytes == 60
    assert asyncio.get_running_loop().time() - began > HURRIED.silence_s


# ---- connecting -------------------------------------------------------------------------------------------------


def loopback(port: int, **changes: object) -> PbxAddress:
    facts = {"host": "127.0.0.1", "port": port, "username": "aftercall", "password": "fake-Secret-1"}
    return PbxAddress(**{**facts, **changes})  # type: ignore[arg-type]


async def test_a_closed_port_is_refused() -> None:
    with socket.socket() as bound_but_deaf:
        bound_but_deaf.bind(("127.0.0.1", 0))
        with pytest.raises(errors.PbxConnectionRefused):
            await ask_info(loopback(bound_but_deaf.getsockname()[1]))


async def test_a_port_that_drops_packets_is_a_time_out() -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        # With its queue of one taken, the kernel drops every further request to connect, as a firewall does.
        full.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with AriClient(loopback(full.getsockname()[1]), patience=Patience(connect_s=0.2)) as client:
            with pytest.raises(errors.PbxTimeout, match=r"within 0\.2 s"):
                await client.info()


@pytest.mark.parametrize("code", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES])
async def test_no_route_is_told_apart_from_refused(code: int) -> None:
    exc = httpx2.ConnectError("All connection attempts failed")
    exc.__cause__ = OSError(code, os.strerror(code))
    error = failures.from_exception(exc, loopback(8088), waited_s=5)
    assert isinstance(error, errors.PbxNoRoute)
    assert os.strerror(code) in error.what


async def test_a_name_nobody_knows_is_named() -> None:
    with pytest.raises(errors.PbxNameUnknown, match=r"pbx\.\.example"):
        await ask_info(loopback(8088, host="pbx..example"))


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "[::ffff:169.254.169.254]",
        "fe80::1",
        "[fe80::1%1]",
        "2002:a9fe:a9fe::",
        "fd00:ec2::254",
        "100.100.100.200",
    ],
)
async def test_link_local_and_metadata_addresses_are_never_connected_to(host: str) -> None:
    with pytest.raises(errors.PbxAddressRefused):
        await ask_info(loopback(80, host=host))


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.5", "192.168.1.10", "::1", "fd12::5", "203.0.113.10"])
async def test_private_addresses_are_where_pbxs_live(address: str) -> None:
    assert await lookup.find_addresses(address) == (address,)


async def test_every_address_of_a_host_is_tried(canned: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async def two_addresses(_host: str) -> tuple[str, ...]:
        return "127.0.0.2", "127.0.0.1"

    monkeypatch.setattr(ari, "find_addresses", two_addresses)
    async with canned(http(200, [])) as server:
        assert await list_recordings(server.address(host="pbx.example.test")) == {}


async def test_ipv6_is_spoken(canned: Serve) -> None:
    async with canned(http(200, []), host="::1") as server:
        assert await list_recordings(server.address(host="[::1]")) == {}
    assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


# ---- TLS --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusting(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority in this machine's store."""
    authority.cert_pem.write_to_path(str(tmp_path / "store.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "store.pem"))
    return authority


def showing(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def pem_of(certificate: trustme.LeafCert) -> str:
    return certificate.cert_chain_pems[0].bytes().decode()


async def test_a_certificate_of_a_known_authority_is_trusted(canned: Serve, trusting: trustme.CA) -> None:
    async with canned(http(200, []), context=showing(trusting.issue_cert("localhost"))) as server:
        assert await list_recordings(server.address(host="localhost")) == {}
    assert f"\r\nHost: localhost:{server.port}\r\n".encode() in server.requests[0]


async def test_a_certificate_of_an_unknown_authority_is_offered_by_its_fingerprint(
    canned: Serve, authority: trustme.CA
) -> None:
    certificate = authority.issue_cert("localhost")
    async with canned(http(200, []), context=showing(certificate)) as server:
        with pytest.raises(errors.PbxCertificateUntrusted) as raised:
            await ask_info(server.address(host="localhost"))
    assert raised.value.facts["sha256"] == tls.read_pem(pem_of(certificate)).sha256
    assert server.requests == []


async def test_a_certificate_for_another_name_tells_which(canned: Serve, trusting: trustme.CA) -> None:
    async with canned(http(200, []), context=showing(trusting.issue_cert("pbx.example.test", "192.0.2.7"))) as server:
        with pytest.raises(errors.PbxCertificateName, match=r"It is for pbx\.example\.test, 192\.0\.2\.7"):
            await ask_info(server.address(host="127.0.0.1"))


async def test_an_expired_certificate_tells_since_when(canned: Serve, trusting: trustme.CA) -> None:
    ended = datetime.datetime(2020, 5, 1, tzinfo=datetime.UTC)
    async with canned(http(200, []), context=showing(trusting.issue_cert("localhost", not_after=ended))) as server:
        with pytest.raises(errors.PbxCertificateExpired, match="to 2020-05-01"):
            await ask_info(server.address(host="localhost"))


async def test_a_pinned_certificate_is_trusted_under_any_name(canned: Serve, authority: trustme.CA) -> None:
    certificate = authority.issue_cert("pbx.example.test")
    async with canned(http(200, []), context=showing(certificate)) as server:
        assert await list_recordings(server.address(pinned_certificate=pem_of(certificate))) == {}


async def test_another_certificate_than_the_pinned_one_is_never_trusted(canned: Serve, trusting: trustme.CA) -> None:
    pinned, shown = trusting.issue_cert("localhost"), trusting.issue_cert("localhost")
    async with canned(http(200, []), context=showing(shown)) as server:
        with pytest.raises(errors.PbxCertificateChanged) as raised:
            await ask_info(server.address(host="localhost", pinned_certificate=pem_of(pinned)))
    assert raised.value.facts["sha256"] == tls.read_pem(pem_of(shown)).sha256
    assert server.requests == []


async def test_a_plain_port_asked_for_tls_says_so(canned: Serve) -> None:
    async with canned(http(400, "Bad Request", kind="text/html"), unasked=True) as server:
        with pytest.raises(errors.PbxPortIsPlain):
            await ask_info(server.address(use_tls=True))


async def test_no_common_cipher_says_what_tls_said(canned: Serve) -> None:
    fatal_handshake_failure = bytes.fromhex("15 0303 0002 02 28")
    async with canned(fatal_handshake_failure, unasked=True) as server:
        with pytest.raises(errors.PbxTlsTooOld, match="handshake failure"):
            await ask_info(server.address(use_tls=True))


async def test_a_tls_port_that_closes_in_the_handshake_says_so(canned: Serve) -> None:
    async with canned(b"", unasked=True) as server:
        with pytest.raises(errors.PbxClosedSilently):
            await ask_info(server.address(use_tls=True))


async def test_a_certificate_can_be_looked_at_without_trust(canned: Serve, authority: trustme.CA) -> None:
    ends = datetime.datetime(2033, 5, 1, tzinfo=datetime.UTC)
    certificate = authority.issue_cert("pbx.example.test", "192.0.2.7", not_after=ends)
    async with canned(http(200, []), context=showing(certificate)) as server:
        shown = await tls.fetch_certificate("127.0.0.1", server.port)
    assert shown == tls.read_pem(pem_of(certificate))
    assert (shown.names, shown.not_after, shown.is_self_signed) == (("pbx.example.test", "192.0.2.7"), ends, False)


# ---- on the wire ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "on_the_wire"),
    [
        ("2026/11/23/out-5550100-200-20261123-101500-1.1", "2026%2F11%2F23%2Fout-5550100-200-20261123-101500-1.1"),
        ("external-200-+15550100", "external-200-%2B15550100"),
        ("a b", "a%20b"),
        ("a#b?c&d=e", "a%23b%3Fc%26d%3De"),
        ("100%", "100%25"),
        ("already%2Fencoded", "already%252Fencoded"),
        ("two\nlines\r", "two%0Alines%0D"),
        ("Jos\u00e9 \u260e", "Jos%C3%A9%20%E2%98%8E"),
        ("bad-utf8-\udce9", "bad-utf8-%E9"),
        ("../../etc/passwd", "..%2F..%2Fetc%2Fpasswd"),
        ("..", "%2E%2E"),
        ("x" * 300, "x" * 300),
        ('quote"<>\\^`{|}~', "quote%22%3C%3E%5C%5E%60%7B%7C%7D~"),
    ],
)  # fmt: skip
async def test_a_name_is_one_encoded_segment_of_the_path(canned: Serve, name: str, on_the_wire: str) -> None:
    async with canned(http(200, WAV, kind="audio/wav")) as server:
        await download(server.address(), name)
    assert server.targets == [f"/ari/recordings/stored/{on_the_wire}/file"]


async def test_a_name_no_file_can_have_is_missing(canned: Serve) -> None:
    async with canned(http(200, WAV, kind="audio/wav")) as server:
        with pytest.raises(errors.RecordingMissing):
            await download(server.address(), "half-\ud800-of-a-letter")


async def test_a_prefix_goes_before_ari(canned: Serve) -> None:
    async with canned(http(200, [])) as server:
        await list_recordings(server.address(prefix="my/asterisk"))
    assert server.targets == ["/my/asterisk/ari/recordings/stored"]


async def test_each_request_is_a_get_on_a_connection_of_its_own(canned: Serve) -> None:
    async with canned(http(200, WAV, kind="audio/wav")) as server:
        await download(server.address(username="aftercall", password="pass: w\u00f6rd"))
    request = server.requests[0].decode().lower()
    assert request.startswith("get ")
    assert "\r\nconnection: close\r\n" in request
    assert "\r\naccept-encoding: identity\r\n" in request
    assert "\r\nrange:" not in request
    sent = server.requests[0].partition(b"Basic ")[2].split(b"\r\n")[0]
    assert base64.b64decode(sent).decode() == "aftercall:pass: w\u00f6rd"


async def test_the_environment_does_not_send_us_through_a_proxy(canned: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with canned(http(200, [])) as server:
        assert await list_recordings(server.address()) == {}


async def test_knocking_needs_no_password(canned: Serve) -> None:
    async with (
        canned(http(401, {"message": "Authentication required"})) as server,
        AriClient(server.address()) as client,
    ):
        assert (await client.knock()).status == 401
    assert b"authorization" not in server.requests[0].lower()


async def test_the_clock_skew_is_how_far_the_pbx_is_ahead(canned: Serve) -> None:
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=5)
    said = {"ping": "pong", "timestamp": ahead.strftime("%Y-%m-%dT%H:%M:%S.000+0000")}
    async with canned(http(200, said)) as server, AriClient(server.address()) as client:
        skew = await client.clock_skew()
    assert abs(skew - datetime.timedelta(minutes=5)) < datetime.timedelta(seconds=3)
