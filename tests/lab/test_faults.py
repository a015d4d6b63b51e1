"""The faults of the lab: each shows the symptom that a PBX broken in this way shows."""

import socket
import ssl
from urllib.parse import quote

import pytest
from lab.asterisk import Lab
from lab.faults import FAULTS

pytestmark = pytest.mark.pbx

LIST = "/ari/recordings/stored"

NOT_FOUND_PAGE = (404, b"<title>404 Not Found</title>")
LIST_BROKEN = (500, b'{"error":"Allocation failed"}')
LIST_WHOLE = (200, b'[{"name":"')
#: Fault -> status and a part of the body of the list, when there is one recording.
SYMPTOMS: dict[str, tuple[int, bytes]] = {
    "none": LIST_WHOLE,
    "read-write": LIST_WHOLE,
    "http-off": (0, b"refused"),
    "no-tls": LIST_WHOLE,
    "http-prefix": NOT_FOUND_PAGE,
    "session-limit": LIST_WHOLE,
    "ari-disabled": NOT_FOUND_PAGE,
    "no-ari-module": NOT_FOUND_PAGE,
    "recording-directory-line": NOT_FOUND_PAGE,
    "no-recordings-module": (404, b'{"message":"Resource not found"}'),
    "crypt-mismatch": (401, b'{"message":"Authentication required"}'),
    "acl": (403, b'{"message":"Access denied by ACL"}'),
    "no-symlink": LIST_BROKEN,
    "wrong-symlink": (200, b"[]"),
    "dangling-symlink": LIST_BROKEN,
    "own-directory": (200, b"[]"),
    "dangling-link-below": LIST_BROKEN,
    "loop-below": LIST_BROKEN,
    "bad-name-below": LIST_BROKEN,
}
#: Asterisk 16 takes an access list for a mistake, and has no ARI at all.
SYMPTOMS_OF_16 = {"acl": NOT_FOUND_PAGE}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_shows_its_symptom_until_it_is_mended(pbx: Lab, fault: str) -> None:
    pbx.seed(1)
    pbx.fault(fault)
    status, part = SYMPTOMS_OF_16.get(fault, SYMPTOMS[fault]) if pbx.release == "16" else SYMPTOMS[fault]
    answered, body = pbx.request(LIST)
    assert (answered, part in body) == (status, True)
    pbx.mend()
    answered, body = pbx.request(LIST)
    assert (answered, LIST_WHOLE[1] in body) == (200, True)


@pytest.mark.parametrize(
    ("fault", "symptom"),
    [
        ("none", (200, b"RIFF")),
        # A bad entry takes the list down, not the downloads.
        ("bad-name-below", (200, b"RIFF")),
        ("loop-below", (200, b"RIFF")),
        ("no-symlink", (404, b'{"message":"Recording not found"}')),
        ("wrong-symlink", (404, b'{"message":"Recording not found"}')),
        ("dangling-symlink", (404, b'{"message":"Recording not found"}')),
        ("own-directory", (404, b'{"message":"Recording not found"}')),
    ],
)
def test_a_fault_of_the_folder_shows_in_the_download(pbx: Lab, fault: str, symptom: tuple[int, bytes]) -> None:
    (name,) = pbx.seed(1)
    pbx.fault(fault)
    status, body = pbx.request(f"{LIST}/{quote(name, safe='')}/file")
    assert (status, body.startswith(symptom[1])) == (symptom[0], True)


def test_with_the_right_to_write_a_recording_can_be_deleted(pbx: Lab) -> None:
    (name,) = pbx.seed(1)
    pbx.fault("read-write")
    assert pbx.request(f"{LIST}/{quote(name, safe='')}", method="DELETE")[0] == 204
    assert pbx.names() == set()


def test_with_a_prefix_ari_answers_below_it(pbx: Lab) -> None:
    pbx.fault("http-prefix")
    assert pbx.request(f"/asterisk{LIST}") == (200, b"[]")


def test_with_all_sessions_used_the_next_is_closed_without_an_answer(pbx: Lab) -> None:
    pbx.fault("session-limit")
    with pbx.all_sessions_used(), socket.create_connection((pbx.host, pbx.port), timeout=10) as late:
        assert late.recv(1) == b""


def test_the_tls_port_shows_the_certificate(pbx: Lab) -> None:
    shown = ssl.get_server_certificate((pbx.host, pbx.tls_port))
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(pbx.certificate_pem)


def test_without_tls_its_port_refuses(pbx: Lab) -> None:
    pbx.fault("no-tls")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((pbx.host, pbx.tls_port), timeout=5)
