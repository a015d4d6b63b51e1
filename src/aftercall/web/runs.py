"""This file folds the history of syncs for reading: runs that found nothing become one line; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aftercall.store.syncs import Sync


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a history: a run that has something to tell, or several in a row that have not."""

    #: Newest first.
    runs: tuple[Sync, ...]

    @property
    def is_idle(self) -> bool:
        return is_idle(self.runs[0])

    @property
    def newest(self) -> Sync:
        return self.runs[0]

    @property
    def oldest_at(self) -> datetime:
        return self.runs[-1].requested_at


def is_idle(run: Sync) -> bool:
    """Whether a run found nothing new and nothing wrong."""
    return run.state == "listed" and not run.new_count and run.error is None


def folded(runs: Sequence[Sync], *, most: int) -> tuple[list[Line], bool]:
    """Fold runs into lines.

    Args:
        runs: newest first.
        most: so many lines at most.
    Returns:
        The lines, newest first, and whether runs are left behind them.
    """
    lines: list[Line] = []
    for run in runs:
        if lines and is_idle(run) and lines[-1].is_idle:
            lines[-1] = Line(runs=(*lines[-1].runs, run))
        elif len(lines) == most:
            return lines, True
        else:
            lines.append(Line(runs=(run,)))
    return lines, False
