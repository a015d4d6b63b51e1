"""This file starts and ends one process, by its id; a tied one ends with the process that started it."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Loaded here: between fork and exec no library may be loaded.
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


@dataclass(kw_only=True)
class Process:
    pid: int
    #: Set for a child of this very process, which must be waited for.
    _child: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def start(
        cls, command: Sequence[str], *, folder: Path, output: Path, is_tied: bool, inherited: tuple[int, ...] = ()
    ) -> "Process":
        """Run it in that folder.

        Args:
            output: the file that gets what it prints.
            is_tied: end it when the thread that starts it ends, however that ends.
            inherited: file descriptors it keeps open.
        """
        parent = os.getpid()

        def die_with_parent() -> None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended before the line above took hold
                os._exit(1)

        with output.open("ab") as file:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                cwd=folder,
                start_new_session=True,
                pass_fds=inherited,
                preexec_fn=die_with_parent if is_tied else None,
            )
        return cls(pid=child.pid, _child=child)

    @property
    def is_running(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        try:
            # What stands after the name: the state. A zombie has let go of everything once its threads are gone.
            state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
            return state not in "ZX" or len(os.listdir(f"/proc/{self.pid}/task")) > 1
        except OSError:
            return False

    def kill(self) -> None:
        """End it at once, and return when its ports are free."""
        with contextlib.suppress(ProcessLookupError):
            if self.is_running:
                os.kill(self.pid, signal.SIGKILL)
        end = time.monotonic() + 20
        while self.is_running:
            if time.monotonic() > end:
                raise TimeoutError(f"process {self.pid} does not end")
            time.sleep(0.01)
