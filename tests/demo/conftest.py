"""Questions to a simulated PBX over a plain socket, so that nothing mends its answers on the way."""

import base64
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from aftercall.demo.simulator import Simulator


@dataclass(frozen=True)
class Reply:
    status: int
    head: str
    body: bytes
    #: The PBX closed the connection.
    closed: bool


def exchange(port: int, sent: bytes, *, patience_s: float = 10, at_least: int | None = None) -> tuple[bytes, bool]:
    """Send bytes; return all that comes until the other side closes or is quiet, and whether it closed.

    After `at_least` bytes a short silence is enough to say that no more will come.
    """
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        connection.settimeout(patience_s)
        try:
            while chunk := connection.recv(65536):
                received += chunk
                if at_least is not None and len(received) >= at_least:
                    connection.settimeout(0.02)
        except TimeoutError:
            return received, False
        except ConnectionResetError:
            return received, True
    return received, True


Ask = Callable[..., Reply]


@pytest.fixture
def ask() -> Ask:
    def ask(pbx: Simulator, target: str, *, method: str = "GET", patience_s: float = 10) -> Reply:
        key = base64.b64encode(f"{pbx.username}:{pbx.password}".encode()).decode()
        request = f"{method} {target} HTTP/1.1\r\nAuthorization: Basic {key}\r\nConnection: close\r\n\r\n"
        received, closed = exchange(pbx.port, request.encode(), patience_s=patience_s)
        head, _, body = received.decode("latin-1").partition("\r\n\r\n")
        status = int(head.split()[1]) if head else 0
        return Reply(status, head, body.encode("latin-1"), closed)

    return ask


@pytest.fixture
def talk() -> Callable[..., tuple[bytes, bool]]:
    return exchange


@pytest.fixture
def pbx() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running
