"""What each fault of the simulated PBX looks like from outside."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from aftercall.demo.faults import HUGE_SIZE, SURPLUS, Fault
from aftercall.demo.simulator import Simulator

LIST = "/ari/recordings/stored"
FILE = LIST + "/call/file"
Ask = Callable[..., Any]
CONTENT = bytes(range(256)) * 400


@pytest.fixture
def pbx() -> Iterator[Simulator]:
    with Simulator() as running:
        running.add_recording("call", CONTENT)
        running.add_recording("other", CONTENT)
        yield running


@pytest.mark.parametrize(
    ("fault", "target", "status", "body"),
    [
        ("refuse-sign-in", LIST, 401, b'{"message":"Authentication required"}'),
        ("busy-503", "/ari/asterisk/info", 503, b'{"message":"Asterisk not booted"}'),
        ("recordings-module-missing", LIST, 404, b'{"message":"Resource not found"}'),
        ("recordings-module-missing", FILE, 404, b'{"message":"Resource not found"}'),
        ("list-500", LIST, 500, b'{"error":"Allocation failed"}'),
        ("empty-list", LIST, 200, b"[]"),
        ("list-of-something-else", LIST, 200, b'{"recordings":[1,null]}'),
        ("file-404", FILE, 404, b'{"message":"Recording not found"}'),
        ("file-403", FILE, 403, b'{"message":"Recording could not be opened"}'),
        ("json-as-audio", FILE, 200, b'{"message":"Recording not found"}'),
    ],
)
def test_a_fault_answers(pbx: Simulator, ask: Ask, fault: str, target: str, status: int, body: bytes) -> None:  # noqa: PLR0917 (a table)
    pbx.fail(fault)
    reply = ask(pbx, target)
    assert (reply.status, reply.body) == (status, body)
    assert f"Content-Length: {len(body)}" in reply.head


def test_ari_off_is_a_page_of_asterisks_own_for_everything(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("ari-off")
    reply = ask(pbx, "/ari/asterisk/info")
    assert reply.status == 404
    assert "Content-type: text/html" in reply.head
    assert b"<title>404 Not Found</title>" in reply.body


def test_html_is_a_web_page_with_status_200(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("html")
    reply = ask(pbx, LIST)
    assert reply.status == 200
    assert "Content-Type: text/html" in reply.head


@pytest.mark.parametrize("fault", ["json-as-audio", "html-as-audio"])
def test_what_is_no_audio_calls_itself_audio(pbx: Simulator, ask: Ask, fault: str) -> None:
    pbx.fail(fault)
    assert "Content-Type: audio/wav" in ask(pbx, FILE).head


def test_a_missing_module_is_missing_in_the_list_of_modules_too(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("recordings-module-missing")
    assert ask(pbx, "/ari/asterisk/info").status == 200
    assert ask(pbx, "/ari/asterisk/modules/res_ari_recordings.so").status == 404
    assert b"res_ari_recordings" not in ask(pbx, "/ari/asterisk/modules").body


def test_malformed_json_cannot_be_parsed(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("malformed-json")
    reply = ask(pbx, LIST)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(reply.body)


@pytest.mark.parametrize("fault", ["short-body", "drop-mid-body"])
def test_a_body_ends_early(pbx: Simulator, ask: Ask, fault: str) -> None:
    pbx.fail(fault)
    reply = ask(pbx, FILE)
    assert f"Content-Length: {len(CONTENT)}" in reply.head
    assert reply.body == CONTENT[: len(reply.body)]
    assert len(reply.body) <= len(CONTENT) / 2
    assert reply.closed


def test_a_short_body_is_half_of_it(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("short-body")
    assert ask(pbx, FILE).body == CONTENT[: len(CONTENT) // 2]


def test_a_dropped_connection_is_reset(pbx: Simulator) -> None:
    pbx.fail("drop-mid-body")
    with socket.create_connection((pbx.host, pbx.port), timeout=5) as connection:
        connection.sendall(f"GET {FILE}?api_key={pbx.username}:{pbx.password} HTTP/1.1\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):  # noqa: PT012
            while connection.recv(65536):
                pass


def test_a_stalled_body_stops_but_stays_open(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("stall-mid-body")
    reply = ask(pbx, FILE, patience_s=0.5)
    assert reply.body == CONTENT[: len(CONTENT) // 2]
    assert not reply.closed


def test_extra_bytes_come_after_the_announced_ones(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("extra-bytes")
    reply = ask(pbx, FILE)
    assert f"Content-Length: {len(CONTENT)}" in reply.head
    assert reply.body == CONTENT + SURPLUS


def test_a_huge_file_announces_two_gibibytes_and_keeps_sending(pbx: Simulator) -> None:
    pbx.fail("huge")
    with socket.create_connection((pbx.host, pbx.port), timeout=5) as connection:
        connection.sendall(f"GET {FILE}?api_key={pbx.username}:{pbx.password} HTTP/1.1\r\n\r\n".encode())
        received = b""
        while len(received) < 1_000_000:
            received += connection.recv(65536)
    assert f"Content-Length: {HUGE_SIZE}".encode() in received[:400]


def test_a_connection_is_closed_without_an_answer(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("closed-silently")
    reply = ask(pbx, LIST)
    assert (reply.head, reply.closed) == ("", True)
    assert pbx.requests[-1].status == 0


def test_a_slow_pbx_answers_rightly_but_late(pbx: Simulator, ask: Ask) -> None:
    pbx.slow_s = 0.3
    pbx.fail("slow")
    began = time.monotonic()
    assert ask(pbx, FILE).body == CONTENT
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("fault", ["list-500", "empty-list", "malformed-json", "list-of-something-else"])
def test_a_fault_of_the_list_leaves_downloads_alone(pbx: Simulator, ask: Ask, fault: str) -> None:
    pbx.fail(fault)
    assert ask(pbx, FILE).body == CONTENT


@pytest.mark.parametrize("fault", ["file-404", "json-as-audio", "short-body", "extra-bytes", "huge"])
def test_a_fault_of_downloads_leaves_the_list_alone(pbx: Simulator, ask: Ask, fault: str) -> None:
    pbx.fail(fault)
    assert [entry["name"] for entry in json.loads(ask(pbx, LIST).body)] == ["call", "other"]


def test_one_recording_can_be_broken_among_good_ones(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("json-as-audio", recording="call")
    assert ask(pbx, FILE).body != CONTENT
    assert ask(pbx, LIST + "/other/file").body == CONTENT


def test_a_fault_can_heal_by_itself(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("busy-503", times=2)
    assert [ask(pbx, LIST).status for _ in range(3)] == [503, 503, 200]


def test_mending_ends_every_fault(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("short-body")
    pbx.fail("list-500")
    pbx.mend()
    assert (ask(pbx, LIST).status, ask(pbx, FILE).body) == (200, CONTENT)


def test_two_faults_strike_each_where_it_belongs(pbx: Simulator, ask: Ask) -> None:
    pbx.fail("file-404")
    pbx.fail("list-500")
    assert (ask(pbx, LIST).status, ask(pbx, FILE).status) == (500, 404)


def test_an_unknown_fault_is_refused(pbx: Simulator) -> None:
    with pytest.raises(ValueError, match="no-such-fault"):
        pbx.fail("no-such-fault")


@pytest.mark.parametrize("fault", list(Fault))
def test_the_simulator_survives_every_fault(pbx: Simulator, ask: Ask, fault: Fault) -> None:
    pbx.slow_s = 0.1
    pbx.fail(fault)
    if fault is not Fault.HUGE:
        ask(pbx, LIST)
        ask(pbx, FILE, patience_s=0.5)
    pbx.mend()
    assert ask(pbx, FILE).body == CONTENT
