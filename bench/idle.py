"""This file measures what an idle server holds in memory."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Figure


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "AFTERCALL_DATA": folder}
        server = subprocess.Popen(
            [sys.executable, "-m", "aftercall.cli", "serve", "--port", "0", "--json"],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert server.stdout is not None
        json.loads(server.stdout.readline())
        time.sleep(5)
        rss_mb = _tree_rss_mb(server.pid)
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    return [
        Figure(
            what="Memory of an idle `aftercall serve`, children included",
            baseline="none: an absolute figure",
            value=rss_mb,
            unit="MB RSS",
            limit=250,
        )
    ]


def _tree_rss_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    rss_kb = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return rss_kb / 1024 + sum(_tree_rss_mb(int(child)) for child in children)
