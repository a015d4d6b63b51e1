"""This file holds one measured figure and how it is printed."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One line of the result."""

    what: str
    #: What it is compared with, in words.
    baseline: str
    value: float
    unit: str
    #: The value must stay at or below `limit`, or at or above it when `is_floor`.
    limit: float
    is_floor: bool = False
    detail: str = ""

    @property
    def is_met(self) -> bool:
        return self.value >= self.limit if self.is_floor else self.value <= self.limit

    def line(self) -> str:
        sign = ">=" if self.is_floor else "<="
        verdict = "met" if self.is_met else "MISSED"
        return (
            f"{self.what}\n    {self.value:.2f} {self.unit} (target {sign} {self.limit:g} {self.unit}: {verdict}); "
            f"baseline: {self.baseline}\n    {self.detail}"
        )


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def paired(ours: Callable[[], float], baseline: Callable[[], float], *, runs: int) -> tuple[float, float, float]:
    """Alternate the two, so that a drifting machine hits both alike.

    Returns:
        Median of ours, median of the baseline, median of the ratios pair by pair.
    """
    pairs = [(baseline(), ours()) for _ in range(runs)]
    return (
        statistics.median(mine for _, mine in pairs),
        statistics.median(theirs for theirs, _ in pairs),
        statistics.median(mine / theirs for theirs, mine in pairs),
    )
