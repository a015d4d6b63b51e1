"""This file looks at the machine Aftercall runs on, and says which speech model suits it, and why.

What is measured is how fast this machine multiplies matrices, the work that recognition consists of. The speed of a
whole model follows from it only roughly, so it is always a range, and always called an estimate.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aftercall.errors import MachineNotMeasured

#: What Parakeet has to compute for a second of audio: 24 blocks of 24 million weights, 12.5 times, a product and a sum.
PARAKEET_OPERATIONS = 24 * 24e6 * 12.5 * 2
#: How much of the bare product's speed a whole model is believed to reach; nobody has measured it here.
WHOLE_MODEL = (0.3, 0.6)
#: How much faster 8-bit products are than those of 32 bits: measured on a CPU with VNNI, believed for others.
GAIN_OF_8_BITS = {True: (3.0, 4.5), False: (1.0, 2.0)}
#: A loaded Parakeet with its sound (1 to 1.5 GB, an estimate), and the rest of Aftercall with the system.
PARAKEET_MEMORY_BYTES = 3_000_000_000
SMALL_MEMORY_BYTES = 1_500_000_000
#: For both halves together.
PROBE_S = 5.0

_PROCESS = "import sys; from aftercall.speech.probing import main; main(*sys.argv[1:])"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What Aftercall may use of this machine."""

    cores: int
    memory_bytes: int
    free_memory_bytes: int
    #: On the disk of the models folder.
    free_disk_bytes: int
    #: Whether the CPU has instructions for 8-bit products.
    has_vnni: bool


@dataclass(frozen=True, kw_only=True)
class Probe:
    """How fast this machine multiplied matrices, beside everything else it was doing."""

    #: `int8`: by onnxruntime, as the model does it. `float32`: by numpy, where onnxruntime is missing.
    method: Literal["int8", "float32"]
    threads: int
    #: Operations (a product and a sum are two) per second, with one thread and with all.
    one_thread: float
    all_threads: float
    took_s: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Which speech model suits this machine."""

    #: The name in our list; None if none does.
    model: str | None
    reason: str
    #: Times real time, from and to; None if nothing was measured.
    estimate: tuple[float, float] | None


# ---- looking ----------------------------------------------------------------------------------------------------


def look(models_folder: Path) -> Machine:
    """Cores, memory and disk, as far as a container lets us have them."""
    memory, free = _memory()
    return Machine(
        cores=_cores(),
        memory_bytes=memory,
        free_memory_bytes=free,
        free_disk_bytes=shutil.disk_usage(_existing(models_folder)).free,
        has_vnni=has_vnni(_read("/proc/cpuinfo")),
    )


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.parents) if each.exists())


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _cores() -> int:
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores_within(allowed, _read("/sys/fs/cgroup/cpu.max"))


def cores_within(allowed: int, cpu_max: str) -> int:
    """The cores a container may keep busy: `cpu.max` holds the time it gets in each period, or `max`."""
    quota, _, period = cpu_max.strip().partition(" ")
    if quota.isdigit() and period.isdigit():
        return max(1, min(allowed, int(quota) // int(period)))
    return allowed


def _memory() -> tuple[int, int]:
    return memory_within(
        _read("/proc/meminfo"), _read("/sys/fs/cgroup/memory.max"), _read("/sys/fs/cgroup/memory.current")
    )


def memory_within(meminfo: str, most: str, used: str) -> tuple[int, int]:
    """All memory and what is free of it, the smaller of the machine's and the container's."""
    lines = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    total, free = (int(lines.get(name, "0 kB").split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    if most.strip().isdigit() and int(most) < total:
        total = int(most)
        free = min(free, max(total - int(used.strip() or 0), 0))
    return total, free


def has_vnni(cpuinfo: str) -> bool:
    """Whether the CPU multiplies 8-bit numbers in one step: AVX-VNNI and AVX-512 VNNI, or ARM's dot product."""
    words = set(cpuinfo.split())
    return bool(words & {"avx512_vnni", "avx_vnni", "avxvnni", "asimddp", "i8mm", "amx_int8"})


# ---- measuring --------------------------------------------------------------------------------------------------


def measure(threads: int, *, seconds: float = PROBE_S) -> Probe:
    """Multiply matrices in a process of its own, first with one thread, then with all.

    Raises:
        MachineNotMeasured: it did not come to its end.
    """
    one = _run(1, seconds / 2)
    many = _run(threads, seconds / 2) if threads > 1 else one
    return Probe(
        method=one["method"],
        threads=threads,
        one_thread=one["operations_per_s"],
        all_threads=many["operations_per_s"],
        took_s=round(one["took_s"] + (many["took_s"] if threads > 1 else 0.0), 1),
    )


def _run(threads: int, seconds: float) -> dict[str, Any]:
    # numpy reads the number of its threads once, when it is imported.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    try:
        ended = subprocess.run(  # noqa: S603 - our own code and two numbers
            [sys.executable, "-P", "-c", _PROCESS, str(threads), str(seconds)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=seconds + 60,
            check=True,
        )
        said: dict[str, Any] = json.loads(ended.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as exc:
        raise MachineNotMeasured(detail=str(exc).partition("\n")[0].rstrip(".") or type(exc).__name__) from exc
    return said


# ---- advice -----------------------------------------------------------------------------------------------------


def estimate(probe: Probe, *, has_vnni: bool) -> tuple[float, float]:
    """How many times faster than real time Parakeet should be, from and to."""
    low, high = (share * probe.all_threads / PARAKEET_OPERATIONS for share in WHOLE_MODEL)
    if probe.method == "int8":
        return low, high
    least, most = GAIN_OF_8_BITS[has_vnni]
    return low * least, high * most


def advise(machine: Machine, probe: Probe | None, at_hand: Collection[str] = ()) -> Advice:
    """The speech model for this machine.

    Args:
        at_hand: the models of our list that are installed.
    """
    has = f"{machine.cores} {'core' if machine.cores == 1 else 'cores'} and {_gb(machine.memory_bytes)} of memory"
    if machine.memory_bytes < SMALL_MEMORY_BYTES:
        return Advice(
            model=None,
            reason=(
                f"This machine has {has}: too little for a speech model beside everything else. Use another machine as "
                "a remote engine, or stay with the basic engine."
            ),
            estimate=None,
        )
    if machine.memory_bytes < PARAKEET_MEMORY_BYTES:
        return Advice(
            model="whisper-base",
            reason=(
                f"This machine has {has}: Parakeet would like {_gb(PARAKEET_MEMORY_BYTES)}. Whisper base fits, and "
                "misunderstands a good deal. More memory is the better way."
            ),
            estimate=None,
        )
    expected = estimate(probe, has_vnni=machine.has_vnni) if probe else None
    said = f"This machine has {has}: enough for Parakeet v3, the best for its time."
    if "parakeet-tdt-0.6b-v3-int8" in at_hand:
        said = f"This machine has {has}, and Parakeet v3, which suits it best, is here."
    if expected and expected[1] < 1:
        said += " But it is slow: transcribing takes longer than the calls last. A remote engine would keep up."
    return Advice(model="parakeet-tdt-0.6b-v3-int8", reason=said, estimate=expected)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.0f} GB" if size_bytes >= 9.95e9 else f"{size_bytes / 1e9:.1f} GB"
