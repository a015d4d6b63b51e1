"""The lab itself: what the rest of the tests rely on."""

import json
import time
from urllib.parse import quote

import pytest
from lab.asterisk import Lab, running
from lab.faults import FAULTS

from aftercall.pbx import names

pytestmark = pytest.mark.pbx

LIST = "/ari/recordings/stored"


def _listed(pbx: Lab) -> list[str]:
    status, body = pbx.request(LIST)
    assert status == 200
    return [each["name"] for each in json.loads(body)]


def test_a_real_call_gives_a_finished_recording_with_a_freepbx_name(pbx: Lab) -> None:
    (name,) = pbx.call(kind="external", frm="5550101234", to="200")
    parsed = names.parse(name)
    assert (parsed.kind, parsed.caller, parsed.extension) == ("external", "5550101234", "200")
    content = (pbx.monitor / f"{name}.wav").read_bytes()
    assert int.from_bytes(content[40:44], "little") + 44 == len(content)
    assert len(content) > 16_000
    assert _listed(pbx) == [name]


def test_an_outgoing_call_carries_the_dialled_number(pbx: Lab) -> None:
    (name,) = pbx.call(kind="out", frm="201", to="5550100777")
    parsed = names.parse(name)
    assert (parsed.direction, parsed.caller, parsed.callee) == ("outbound", "201", "5550100777")


def test_a_recording_in_progress_has_no_size_in_its_header(pbx: Lab) -> None:
    (name,) = pbx.call(tail_s=60, wait=False)
    time.sleep(1)
    assert (pbx.monitor / f"{name}.wav").read_bytes()[40:44] == b"\0\0\0\0"
    pbx.hang_up()
    content = (pbx.monitor / f"{name}.wav").read_bytes()
    assert int.from_bytes(content[40:44], "little") + 44 == len(content)


def test_a_read_only_user_reads_everything_and_deletes_nothing(pbx: Lab) -> None:
    (name,) = pbx.seed(1)
    path = f"{LIST}/{quote(name, safe='')}"
    assert pbx.request(f"{path}/file")[0] == 200
    assert pbx.request(path, method="DELETE")[0] == 403
    assert _listed(pbx) == [name]


def test_a_thousand_seeded_recordings_are_listed_and_named_like_freepbx_does(pbx: Lab) -> None:
    seeded = pbx.seed(1000, days=30)
    assert sorted(seeded) == _listed(pbx)
    assert "unknown" not in {names.parse(name).kind for name in seeded}


def test_two_run_side_by_side(pbx: Lab) -> None:
    with running(pbx.release) as other:
        other.seed(3)
        assert (len(_listed(other)), len(_listed(pbx))) == (3, 0)


#: Fault -> status and a part of the body of the list.
SYMPTOMS = {
    "none": (200, b"[]"),
    "read-write": (200, b"[]"),
    "http-off": (0, b"refused"),
    "no-tls": (200, b"[]"),
    "http-prefix": (404, b"<title>404 Not Found</title>"),
    "session-limit": (200, b"[]"),
    "ari-disabled": (404, b"<title>404 Not Found</title>"),
    "no-ari-module": (404, b"<title>404 Not Found</title>"),
    "recording-directory-line": (404, b"<title>404 Not Found</title>"),
    "no-recordings-module": (404, b'{"message":"Resource not found"}'),
    "crypt-mismatch": (401, b'{"message":"Authentication required"}'),
    "no-symlink": (500, b'{"error":"Allocation failed"}'),
    "wrong-symlink": (200, b"[]"),
    "dangling-symlink": (500, b'{"error":"Allocation failed"}'),
    "own-directory": (200, b"[]"),
    "dangling-link-below": (500, b'{"error":"Allocation failed"}'),
    "loop-below": (500, b'{"error":"Allocation failed"}'),
    "bad-name-below": (500, b'{"error":"Allocation failed"}'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_shows_its_symptom(pbx: Lab, fault: str) -> None:
    pbx.fault(fault)
    status, part = SYMPTOMS[fault]
    answered, body = pbx.request(LIST)
    assert answered == status
    assert part in body


def test_the_closed_tls_port_refuses(pbx: Lab) -> None:
    import socket

    pbx.fault("no-tls")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((pbx.host, pbx.tls_port), timeout=5)
