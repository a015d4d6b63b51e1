import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from aftercall.errors import AudioEmpty, EngineDied
from aftercall.jobs.pool import CpuPool
from aftercall.jobs.shutdown import ShuttingDown


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def _until_gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not _is_alive(pid):
            return True
        time.sleep(0.05)
    return False


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise AudioEmpty()


def test_work_runs_in_another_process() -> None:
    pool = CpuPool(1)
    assert pool.run(os.getpid) != os.getpid()
    pool.close()


def test_results_come_in_the_order_of_the_arguments() -> None:
    pool = CpuPool(2)
    assert pool.run_all(abs, [((-3,), {}), ((-1,), {}), ((-2,), {})]) == [3, 1, 2]
    pool.close()


def test_our_errors_come_back_as_themselves() -> None:
    pool = CpuPool(1)
    with pytest.raises(AudioEmpty):
        pool.run(fail)
    pool.close()


def test_a_worker_that_dies_is_an_error_and_the_next_task_gets_a_new_one() -> None:
    pool = CpuPool(1)
    with pytest.raises(EngineDied):
        pool.run(die)
    assert pool.run(abs, -1) == 1
    pool.close()


def test_idle_workers_are_given_back() -> None:
    pool = CpuPool(1, idle_s=0.1)
    assert _until_gone(pool.run(os.getpid))
    assert pool.run(abs, -1) == 1
    pool.close()


def test_closing_cuts_off_what_runs() -> None:
    pool = CpuPool(1)
    worker = pool.run(os.getpid)
    seen: list[BaseException] = []

    def work() -> None:
        try:
            pool.run(time.sleep, 60)
        except BaseException as exc:  # noqa: BLE001 (whatever it is, it is compared below)
            seen.append(exc)

    thread = threading.Thread(target=work)
    thread.start()
    time.sleep(0.3)
    pool.close()
    thread.join(10)
    assert [type(exc) for exc in seen] == [ShuttingDown]
    assert _until_gone(worker)


def test_workers_die_with_a_killed_parent() -> None:
    program = (
        "import os, time\n"
        "from aftercall.jobs.pool import CpuPool\n"
        "if __name__ == '__main__':\n"
        "    pool = CpuPool(1)\n"
        "    print(pool.run(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert _until_gone(worker)
