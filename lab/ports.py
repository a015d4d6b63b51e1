"""This file gives each running instance a folder and a block of ports of its own, so that many can run at once.

The blocks lie below the ports that systems hand out for outgoing connections: a port that stays closed for a while,
as a fault wants it, is still free afterwards. Who has a block keeps one of its ports bound, and Asterisk inherits that
socket: the block is taken as long as either the test process or its Asterisk lives, for every user of the machine.
"""

import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from lab.debian import NotHere, cache_folder

FIRST, SIZE, COUNT = 20_000, 400, 31


@dataclass(kw_only=True)
class Block:
    """SIZE ports from `first` on."""

    first: int
    _guard: socket.socket | None = None

    @classmethod
    def claim(cls) -> "Block":
        """Take a free one, and remove what an instance that was killed there has left.

        Raises:
            NotHere: all are in use.
        """
        for first in range(FIRST, FIRST + SIZE * COUNT, SIZE):
            block = cls(first=first)
            if block.hold():
                if block.is_free():
                    shutil.rmtree(block.folder, ignore_errors=True)
                    return block
                block.release()
        raise NotHere(f"the ports {FIRST} to {FIRST + SIZE * COUNT - 1} are all in use")

    def hold(self) -> bool:
        """Bind its guard, unless that was done before; false when somebody else has it."""
        if self._guard is None:
            guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                guard.bind(("127.0.0.1", self.first + 3))
            except OSError:
                guard.close()
                return False
            self._guard = guard
        return True

    def release(self) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None

    def is_free(self) -> bool:
        """Whether nobody outside the lab listens on its first ports."""
        return is_free(self.http) and is_free(self.tls) and is_free(self.sip, socket.SOCK_DGRAM)

    @property
    def inherited(self) -> tuple[int, ...]:
        """The file descriptors that the instance keeps open."""
        return () if self._guard is None else (self._guard.fileno(),)

    @property
    def folder(self) -> Path:
        return cache_folder() / "run" / str(self.first)

    @property
    def http(self) -> int:
        return self.first

    @property
    def tls(self) -> int:
        return self.first + 1

    @property
    def sip(self) -> int:
        return self.first + 2

    @property
    def rtp(self) -> tuple[int, int]:
        """The first and the last port of the calls' audio: eight for each call."""
        return self.first + 10, self.first + SIZE - 1


def is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Whether nobody listens on that port of loopback."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what only lingers there is no listener
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
