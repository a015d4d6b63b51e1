"""The simulated PBX: what its recordings, its connections and its clock do."""

import asyncio
import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import trustme

from aftercall.demo.media import wav
from aftercall.demo.simulator import SeenRequest, Simulator
from aftercall.demo.spool import BLOCK_SIZE, StoredFile

LIST = "/ari/recordings/stored"
#: Five blocks and a bit of sound.
CONTENT = wav((np.arange(90_000) % 251).astype(np.int16).reshape(1, -1), 8000)

Ask = Callable[..., Any]
Talk = Callable[..., tuple[bytes, bool]]


def test_the_list_is_sorted_by_bytes(pbx: Simulator, ask: Ask) -> None:
    for name in ("é", "a", "Z", "2026/10/a", "2026-x", "~"):
        pbx.add_recording(name, CONTENT)
    listed = [entry["name"] for entry in json.loads(ask(pbx, LIST).body)]
    assert listed == ["2026-x", "2026/10/a", "Z", "a", "~", "é"]
    assert listed == pbx.names()


def test_a_name_in_two_formats_is_listed_once_and_downloads_the_other(pbx: Simulator, ask: Ask) -> None:
    pbx.add_recording("call", b"first", "wav")
    pbx.add_recording("call", b"second", "gsm")
    assert json.loads(ask(pbx, LIST).body) == [{"name": "call", "format": "gsm"}]
    reply = ask(pbx, LIST + "/call/file")
    assert reply.body == b"first"
    assert "Content-Type: audio/wav" in reply.head


def test_a_removed_recording_is_gone_from_list_and_download(pbx: Simulator, ask: Ask) -> None:
    pbx.add_recording("call", CONTENT)
    pbx.remove("call")
    assert ask(pbx, LIST).body == b"[]"
    assert ask(pbx, LIST + "/call/file").body == b'{"message":"Recording not found"}'
    with pytest.raises(KeyError):
        pbx.remove("call")


def test_a_user_who_may_write_can_delete(ask: Ask) -> None:
    with Simulator(read_only=False) as pbx:
        pbx.add_recording("call", CONTENT)
        assert ask(pbx, LIST + "/call", method="DELETE").status == 204
        assert pbx.names() == []
        assert pbx.methods == {"DELETE": 1}


def test_a_call_in_progress_is_listed_with_an_empty_header(pbx: Simulator, ask: Ask) -> None:
    pbx.add_recording("call", CONTENT, written=BLOCK_SIZE)
    assert pbx.names() == ["call"]
    body = ask(pbx, LIST + "/call/file").body
    assert len(body) == BLOCK_SIZE
    assert (body[4:8], body[40:44]) == (bytes(4), bytes(4))
    assert body[44:] == CONTENT[44:BLOCK_SIZE]


def test_a_growing_recording_has_more_at_each_look_and_all_after_hang_up(pbx: Simulator, ask: Ask) -> None:
    pbx.add_recording("call", CONTENT, written=0)
    assert ask(pbx, LIST + "/call/file").body == b""
    pbx.append("call", 100_000)
    assert len(ask(pbx, LIST + "/call/file").body) == 100_000
    pbx.finish("call")
    assert ask(pbx, LIST + "/call/file").body == CONTENT


def test_a_finished_recording_cannot_grow(pbx: Simulator) -> None:
    pbx.add_recording("call", CONTENT)
    with pytest.raises(KeyError):
        pbx.append("call", 1)
    with pytest.raises(KeyError):
        pbx.finish("call")


def test_a_live_call_grows_by_blocks_and_hangs_up_by_itself(ask: Ask) -> None:
    live = StoredFile(name="live", format="wav", content=CONTENT, written=BLOCK_SIZE, grows_bytes_per_s=150_000)
    sizes = []
    with Simulator([live]) as pbx:
        patience = time.monotonic() + 10
        while (body := ask(pbx, LIST + "/live/file").body) != CONTENT:
            sizes.append(len(body))
            assert body[40:44] == bytes(4)
            assert time.monotonic() < patience
            time.sleep(0.05)
    assert len(set(sizes)) >= 3
    assert {size % BLOCK_SIZE for size in sizes} <= {0, len(CONTENT) % BLOCK_SIZE}


def test_a_live_call_that_arrives_later_grows_too(pbx: Simulator, ask: Ask) -> None:
    live = StoredFile(name="live", format="wav", content=CONTENT, written=0, grows_bytes_per_s=10_000_000)
    pbx.add(live)
    patience = time.monotonic() + 10
    while ask(pbx, LIST + "/live/file").body != CONTENT:
        assert time.monotonic() < patience
        time.sleep(0.02)


def test_a_file_that_grows_while_it_is_read_brings_more_than_announced(pbx: Simulator) -> None:
    content = wav(np.zeros((1, 20_000_000), np.int16), 8000)
    written = len(content) - 100_000
    pbx.add_recording("call", content, written=written)
    with socket.create_connection((pbx.host, pbx.port), timeout=10) as connection:
        connection.sendall(f"GET {LIST}/call/file?api_key={pbx.username}:{pbx.password} HTTP/1.1\r\n".encode())
        connection.sendall(b"Connection: close\r\n\r\n")
        received = connection.recv(1000)  # the transfer has begun and waits for us
        pbx.append("call", 100_000)
        while chunk := connection.recv(1_000_000):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {written}".encode() in head
    assert len(body) == len(content)


def test_info_tells_version_and_start(pbx: Simulator, ask: Ask) -> None:
    info = json.loads(ask(pbx, "/ari/asterisk/info").body)
    assert list(info) == ["build", "system", "config", "status"]
    assert info["system"] == {"version": "22.10.1", "entity_id": "02:00:00:00:de:30"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", info["status"]["startup_time"])


def test_only_some_of_info_can_be_asked_for(pbx: Simulator, ask: Ask) -> None:
    assert list(json.loads(ask(pbx, "/ari/asterisk/info?only=status,system").body)) == ["system", "status"]


def test_ping_tells_the_time(pbx: Simulator, ask: Ask) -> None:
    pong = json.loads(ask(pbx, "/ari/asterisk/ping").body)
    assert abs(datetime.strptime(pong["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z") - datetime.now(UTC)) < timedelta(
        seconds=5
    )


def test_the_modules_are_those_that_recordings_need(pbx: Simulator, ask: Ask) -> None:
    modules = {module["name"]: module["status"] for module in json.loads(ask(pbx, "/ari/asterisk/modules").body)}
    assert modules["res_ari_recordings.so"] == modules["format_wav.so"] == "Running"


def test_variables_are_those_of_an_untouched_freepbx(pbx: Simulator, ask: Ask) -> None:
    spool = ask(pbx, "/ari/asterisk/variable?variable=ASTSPOOLDIR").body
    assert spool == b'{"value":"/var/spool/asterisk"}'
    assert ask(pbx, "/ari/asterisk/variable?variable=MIXMON_DIR").body == b'{"value":""}'


def test_variables_can_be_set(ask: Ask) -> None:
    with Simulator(variables={"MIXMON_DIR": "/mnt/calls/"}) as pbx:
        assert ask(pbx, "/ari/asterisk/variable?variable=MIXMON_DIR").body == b'{"value":"/mnt/calls/"}'


def test_with_an_http_prefix_ari_is_only_below_it(ask: Ask) -> None:
    with Simulator(prefix="pbx") as pbx:
        assert "text/html" in ask(pbx, LIST).head
        assert ask(pbx, "/pbx" + LIST).body == b"[]"
        assert b"Try /pbx/ari/recordings/stored" in ask(pbx, "/pbx" + LIST + "/").body


def test_each_simulator_has_a_password_of_its_own() -> None:
    assert Simulator().password != Simulator().password


def test_every_request_is_counted_by_method(pbx: Simulator, ask: Ask) -> None:
    pbx.add_recording("a/b", CONTENT)
    ask(pbx, LIST)
    ask(pbx, LIST + "/a%2Fb/file?x=1")
    ask(pbx, LIST, method="HEAD")
    assert pbx.methods == {"GET": 2, "HEAD": 1}
    assert (pbx.count(), pbx.count(ending="/file"), pbx.count("HEAD")) == (2, 1, 1)
    assert pbx.requests[1] == SeenRequest(method="GET", target=LIST + "/a%2Fb/file?x=1", status=200)


def test_an_idle_connection_is_closed_without_a_word(talk: Talk) -> None:
    with Simulator(keep_alive_s=0.2) as pbx:
        began = time.monotonic()
        assert talk(pbx.port, b"") == (b"", True)
        assert 0.15 < time.monotonic() - began < 3


def test_a_kept_connection_is_closed_when_it_has_been_idle(talk: Talk) -> None:
    with Simulator(keep_alive_s=0.2) as pbx:
        reply, closed = talk(pbx.port, b"GET /ari HTTP/1.1\r\n\r\n" * 2)
    assert reply.count(b"HTTP/1.1 401 Unauthorized") == 2
    assert closed


def test_half_a_request_is_refused_after_a_while(talk: Talk) -> None:
    with Simulator(inactivity_s=0.2) as pbx:
        reply, closed = talk(pbx.port, b"GET /ari HTTP/1.1\r\nHost:")
    assert reply.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"<p>Timeout</p>" in reply
    assert closed


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"GET /" + b"a" * 4096 + b" HTTP/1.1\r\n\r\n", b"Request line too long"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 4096 + b"\r\n\r\n", b"Header line too long"),
    ],
)
def test_lines_longer_than_asterisk_reads_are_refused(pbx: Simulator, talk: Talk, sent: bytes, why: bytes) -> None:
    reply, closed = talk(pbx.port, sent)
    assert b"<p>" + why + b"</p>" in reply
    assert closed


def test_one_session_too_many_is_closed_without_an_answer(talk: Talk) -> None:
    with Simulator(session_limit=1) as pbx, socket.create_connection((pbx.host, pbx.port)) as first:
        first.sendall(b"GET /ari HTTP/1.1\r\n\r\n")
        assert first.recv(12) == b"HTTP/1.1 401"
        assert talk(pbx.port, b"GET /ari HTTP/1.1\r\n\r\n") == (b"", True)
    assert pbx.peak_sessions == 1


def test_it_can_speak_tls() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    with (
        Simulator(tls=context) as pbx,
        socket.create_connection((pbx.host, pbx.port), timeout=5) as plain,
        ours.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        secure.sendall(b"GET /ari HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert secure.recv(12) == b"HTTP/1.1 401"


async def _first_line(pbx: Simulator) -> bytes:
    reader, writer = await asyncio.open_connection(pbx.host, pbx.port)
    writer.write(b"GET /ari HTTP/1.1\r\n\r\n")
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line


def test_it_runs_beside_an_event_loop() -> None:
    async def use() -> bytes:
        async with Simulator() as pbx:
            return await _first_line(pbx)

    assert asyncio.run(use()) == b"HTTP/1.1 401 Unauthorized\r\n"


def test_after_the_stop_nobody_listens() -> None:
    with Simulator() as pbx:
        pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((pbx.host, pbx.port))


def test_it_can_start_again_at_the_same_port(ask: Ask) -> None:
    with Simulator() as pbx:
        port = pbx.port
    with pbx:
        assert pbx.port == port
        assert ask(pbx, LIST).body == b"[]"


def test_a_port_in_use_fails_the_start() -> None:
    with Simulator() as first:
        second = Simulator()
        second.port = first.port
        with pytest.raises(OSError, match="in use"):
            second.start()
