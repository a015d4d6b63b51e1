"""This file makes recordings: FreePBX-like names over many days, written straight into the folder without a call."""

import os
import random
import struct
from datetime import datetime, timedelta
from pathlib import Path


def silence(seconds: float, rate_hz: int = 8000) -> bytes:
    """A finished WAV of silence, as Asterisk writes it."""
    size = int(seconds * rate_hz) * 2
    fmt = struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + fmt + b"data" + struct.pack("<I", size) + bytes(size)


def seed(monitor: Path, count: int, *, days: int, content: bytes, newest: datetime | None = None) -> list[str]:
    """Write so many recordings, evenly over the last days; the same arguments give the same names.

    Args:
        content: of every file. They share it on the disk by hard links: who appends to one appends to all.
        newest: the PBX's local time of the last one; default: now.
    Returns:
        The names as ARI lists them.
    """
    rng = random.Random(count)
    last = (newest or datetime.now()).replace(microsecond=0)  # noqa: DTZ005 (names hold local time)
    step_s = days * 86400 / max(count, 1)
    source, links = None, 0
    names = []
    for index in range(count):
        at = last - timedelta(seconds=step_s * (count - 1 - index))
        number, extension = f"555{rng.randrange(10**7):07}", rng.randrange(100, 400)
        parties = rng.choice(
            [
                f"out-{number}-{extension}",
                f"external-{extension}-{number}",
                f"internal-{extension}-{extension + 1}",
                f"in-5550100-{number}",
                f"q-600-{number}",
                f"rg-601-{number}",
            ]
        )
        stem = f"{parties}-{at:%Y%m%d-%H%M%S}-{int(at.timestamp())}.{index}"
        path = monitor / f"{at:%Y/%m/%d}" / f"{stem}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is None or links >= 30_000:  # file systems bound the links of one file
            path.write_bytes(content)
            source, links = path, 0
        else:
            os.link(source, path)
            links += 1
        names.append(str(path.relative_to(monitor))[: -len(".wav")])
    return names
