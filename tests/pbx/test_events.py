"""The line that brings the events: what a PBX or a network may do to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
import trustme
from lab.asterisk import Lab
from tests.fixtures.canned import Serve, http
from tests.pbx.test_heard import MONITOR, NAME, channel
from websockets.asyncio.server import Server, ServerConnection, serve

from aftercall import errors
from aftercall.model import PbxAddress
from aftercall.pbx.events import Connected, EventPatience, Heard, Lost, Signal, listen, try_events, wait

pytestmark = pytest.mark.anyio

PATIENCE = EventPatience(
    connect_s=3, ping_every_s=0.2, pong_s=0.3, shortest_wait_s=0.05, longest_wait_s=0.2, longest_event_bytes=100_000
)
Talk = Callable[[ServerConnection], Awaitable[None]]


def event(kind: str, **facts: Any) -> str:
    return json.dumps({"type": kind, "timestamp": "2026-11-23T12:47:46.000+0000", **facts})


BEGIN = event(
    "ChannelVarset", variable="MIXMONITOR_FILENAME", value=f"{MONITOR}/{NAME}.wav", channel=channel()
)  # fmt: skip
END = event("ChannelDestroyed", cause=16, cause_txt="Normal Clearing", channel=channel())


@asynccontextmanager
async def pbx_that(talks: Talk, **options: Any) -> AsyncIterator[tuple[PbxAddress, Server]]:
    async with serve(talks, "127.0.0.1", 0, compression=None, **options) as server:
        port = server.sockets[0].getsockname()[1]
        yield PbxAddress(host="127.0.0.1", port=port, username="aftercall", password="fake-Secret-1"), server


async def heard_from(address: PbxAddress, *, until: Callable[[list[Signal]], bool]) -> list[Signal]:
    """Listen until there is enough."""
    got: list[Signal] = []
    async with asyncio.timeout(20):
        async with aclosing(listen(address, application="test", folders=[MONITOR], patience=PATIENCE)) as signals:
            async for signal in signals:
                got.append(signal)
                if until(got):
                    break
    return got


def calls(got: list[Signal]) -> list[str]:
    return [each.call.recording for each in got if isinstance(each, Heard) and each.call.ended_at]


def losses(got: list[Signal]) -> list[str]:
    return [each.error.code for each in got if isinstance(each, Lost)]


async def test_it_asks_for_everything_under_its_own_name_and_without_the_password_in_the_address() -> None:
    asked: list[tuple[str, str]] = []

    async def talk(line: ServerConnection) -> None:
        assert line.request is not None
        asked.append((line.request.path, line.request.headers["Authorization"]))
        await line.send(BEGIN)
        await line.send(END)
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: bool(calls(got)))
    assert isinstance(got[0], Connected)
    assert calls(got) == [NAME]
    assert asked == [("/ari/events?app=test&subscribeAll=true", "Basic YWZ0ZXJjYWxsOmZha2UtU2VjcmV0LTE=")]


async def test_rubbish_between_the_events_takes_nothing_away() -> None:
    rubbish: list[str | bytes] = [
        "",
        "null",
        "[]",
        "Dial",
        '{"type":',
        '"Dial"',
        '{"type":"Dial"}',
        b"\xff\xfe\x00",
        b'{"type":"Dial"}',
        "{" * 5000,
        "x" * 90_000,
    ]

    async def talk(line: ServerConnection) -> None:
        for each in [*rubbish, BEGIN, *rubbish, END, *rubbish]:
            await line.send(each)
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: bool(calls(got)))
    assert (calls(got), losses(got)) == ([NAME], [])


async def test_a_text_that_is_not_utf_8_does_not_end_the_line() -> None:
    async def talk(line: ServerConnection) -> None:
        said = [b'{"type":"Dial","x":"\xff"}', b"\xc3", BEGIN.encode(), b"\xff", END.encode()]
        for each in said:
            await line.send(each, text=True)
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: bool(calls(got)))
    assert (calls(got), losses(got)) == ([NAME], [])


async def test_an_event_larger_than_any_ends_the_line_and_another_is_opened() -> None:
    talks = 0

    async def talk(line: ServerConnection) -> None:
        nonlocal talks
        talks += 1
        for each in ["x" * 200_000] if talks == 1 else [BEGIN, END]:
            await line.send(each)
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: bool(calls(got)))
    assert (calls(got), losses(got)) == ([NAME], ["pbx-dropped"])


async def test_five_thousand_events_in_one_go_all_arrive() -> None:
    count = 5000
    noise = event("ChannelDialplan", channel=channel(), dialplan_app="Set", dialplan_app_data="x" * 300)

    async def talk(line: ServerConnection) -> None:
        await line.send(BEGIN)
        for _ in range(count):
            await line.send(noise)
        await line.send(END)
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: bool(calls(got)))
    assert (calls(got), losses(got)) == ([NAME], [])


async def test_a_pbx_that_says_nothing_and_answers_no_ping_is_lost() -> None:
    is_seen = asyncio.Event()

    async def freeze(line: ServerConnection) -> None:
        line.transport.pause_reading()
        await is_seen.wait()

    async with pbx_that(freeze, ping_interval=None, close_timeout=0.1) as (address, server):
        got = await heard_from(address, until=lambda got: len(losses(got)) == 2)
        is_seen.set()
        server.close(close_connections=False)
        for each in list(server.connections):
            each.transport.abort()
    assert losses(got) == ["pbx-dropped"] * 2


async def test_a_broken_line_is_opened_again_and_again() -> None:
    async def hang_up(line: ServerConnection) -> None:
        line.transport.abort()

    async with pbx_that(hang_up) as (address, _):
        got = await heard_from(address, until=lambda got: len(losses(got)) == 4)
    assert sum(isinstance(each, Connected) for each in got) == 4


async def test_calls_that_were_going_on_when_the_line_broke_are_not_ended_by_guess() -> None:
    talks = 0

    async def talk(line: ServerConnection) -> None:
        nonlocal talks
        talks += 1
        await line.send(BEGIN if talks == 1 else END)
        if talks == 1:
            line.transport.abort()
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        got = await heard_from(address, until=lambda got: sum(isinstance(each, Connected) for each in got) == 2)
    assert calls(got) == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (http(401, {"message": "Authentication required"}), errors.PbxSignInRefused),
        (http(403, {"message": "Access denied by ACL"}), errors.PbxForbidden),
    ],
)
async def test_what_only_other_settings_mend_is_raised_after_one_attempt(
    canned: Serve, answer: bytes, error: type[errors.PbxError]
) -> None:
    async with canned(answer) as server:
        with pytest.raises(error):
            await heard_from(server.address(), until=lambda _: False)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (http(404, {"message": "Resource not found"}), "pbx-events-module-missing"),
        # An Asterisk that starts answers so for a while, and a proxy before it in its own words.
        (http(404, "<html><title>404 Not Found</title></html>", kind="text/html"), "pbx-ari-off"),
        (http(503, {"message": "Asterisk not booted"}), "pbx-busy"),
        (http(502, "<html>", kind="text/html", server="nginx"), "pbx-not-asterisk"),
        (http(200, "<html>", kind="text/html", server="Apache"), "pbx-not-asterisk"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "pbx-not-asterisk"),
        (b"", "pbx-closed-silently"),
    ],
)
async def test_what_may_pass_is_tried_again(canned: Serve, answer: bytes, code: str) -> None:
    async with canned(answer) as server:
        got = await heard_from(server.address(), until=lambda got: bool(losses(got)))
    assert losses(got) == [code]


async def test_the_password_goes_nowhere_else(canned: Serve) -> None:
    async with canned(b"") as elsewhere:
        for place in (f"http://127.0.0.1:{elsewhere.port}/", "/ari/other", "nonsense://["):
            async with canned(http(302, "", more=(f"Location: {place}",))) as server:
                got = await heard_from(server.address(), until=lambda got: bool(losses(got)))
                assert losses(got) == ["pbx-not-asterisk"]
                assert len(server.requests) == 1
        assert elsewhere.requests == []


async def test_nothing_of_the_password_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    async def talk(line: ServerConnection) -> None:
        await line.send(END)
        await line.send(BEGIN)
        await line.wait_closed()

    caplog.set_level("DEBUG")
    async with pbx_that(talk) as (address, _):
        await heard_from(address, until=lambda got: len(got) > 1)
    ours = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert [record.getMessage() for record in ours if "Basic" in record.getMessage()] == []


async def test_without_tls_a_certificate_stored_for_it_is_not_even_read() -> None:
    from dataclasses import replace

    async def talk(line: ServerConnection) -> None:
        await line.wait_closed()

    async with pbx_that(talk) as (address, _):
        await try_events(replace(address, pinned_certificate="no certificate"), application="test", patience=PATIENCE)


async def test_a_closed_port_is_lost_by_its_name() -> None:
    async def never(_: ServerConnection) -> None:
        raise AssertionError

    async with pbx_that(never) as (address, _):
        pass
    got = await heard_from(address, until=lambda got: len(losses(got)) == 2)
    assert losses(got) == ["pbx-connection-refused"] * 2


async def test_over_tls_the_certificate_is_checked_and_may_be_pinned() -> None:
    import ssl
    from dataclasses import replace

    certificate = trustme.CA().issue_cert("pbx.example.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)

    async def talk(line: ServerConnection) -> None:
        await line.wait_closed()

    async with pbx_that(talk, ssl=context) as (address, _):
        secure = replace(address, use_tls=True)
        with pytest.raises(errors.PbxCertificateUntrusted) as refused:
            await try_events(secure, application="test", patience=PATIENCE)
        assert ":" in refused.value.facts["sha256"]
        pem = certificate.cert_chain_pems[0].bytes().decode()
        await try_events(replace(secure, pinned_certificate=pem), application="test", patience=PATIENCE)


def test_the_waits_grow_to_their_limit_and_are_spread() -> None:
    patience, dropped = EventPatience(), errors.PbxDropped(host="h", port=1)
    assert [wait(dropped, failed, patience, 1.0) for failed in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wait(dropped, 3, patience, 0.0) == 4
    assert wait(dropped, 10_000, patience, 1.0) == 60


def test_what_a_person_must_mend_on_the_pbx_is_looked_at_ever_less_often() -> None:
    patience, missing = EventPatience(), errors.PbxEventsModuleMissing()
    waits = [wait(missing, failed, patience, 1.0) for failed in range(12)]
    assert (waits[0], waits[-1], waits) == (1, 300, sorted(waits))


def test_another_listener_is_not_fought() -> None:
    assert wait(errors.PbxEventsTaken(application="x"), 0, EventPatience(), 0.5) == 300


# ---- a real Asterisk ----------------------------------------------------------------------------------------------


def address_of(pbx: Lab, **changes: Any) -> PbxAddress:
    facts = {"host": pbx.host, "port": pbx.port, "username": pbx.username, "password": pbx.password}
    return PbxAddress(**{**facts, **changes})


@pytest.mark.pbx
async def test_an_asterisk_opens_the_line_to_a_read_only_user(pbx: Lab) -> None:
    await try_events(address_of(pbx), application="test", patience=PATIENCE)


@pytest.mark.pbx
async def test_an_asterisk_refuses_a_wrong_password(pbx: Lab) -> None:
    with pytest.raises(errors.PbxSignInRefused):
        await try_events(address_of(pbx, password="wrong"), application="test", patience=PATIENCE)


@pytest.mark.pbx
@pytest.mark.parametrize(
    ("fault", "error"), [("ari-disabled", errors.PbxAriOff), ("http-off", errors.PbxConnectionRefused)]
)
async def test_a_broken_asterisk_is_named(pbx: Lab, fault: str, error: type[errors.PbxError]) -> None:
    await asyncio.to_thread(pbx.fault, fault)
    with pytest.raises(error):
        await try_events(address_of(pbx), application="test", patience=PATIENCE)


@pytest.mark.pbx
@pytest.mark.parametrize("kind", ["in", "external", "q", "rg", "out", "internal"])
async def test_each_kind_of_call_of_an_asterisk_is_heard_by_the_name_the_list_has(pbx: Lab, kind: str) -> None:
    async with asyncio.timeout(60):
        signals = listen(address_of(pbx), application="test", folders=[str(pbx.monitor)])
        async with aclosing(signals):
            assert isinstance(await anext(signals), Connected)
            calling = asyncio.create_task(asyncio.to_thread(pbx.call, kind=kind))
            over = None
            async for signal in signals:
                if isinstance(signal, Heard) and signal.call.ended_at:
                    over = signal.call
                    break
            names = await calling
    assert over is not None
    assert [over.recording] == names
    assert over.answered_at is not None
    assert over.hangup_cause == 16
    assert over.caller_number
