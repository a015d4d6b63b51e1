"""The history of syncs, folded."""

from datetime import UTC, datetime, timedelta

from aftercall.store.stages import Failure
from aftercall.store.syncs import Sync
from aftercall.web.runs import folded

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TROUBLE = Failure(code="pbx-timeout", what="w", why="y", fix="f")


def _run(index: int, *, new: int | None = 0, state: str = "listed", error: Failure | None = None) -> Sync:
    at = NOW - timedelta(minutes=10 * index)
    return Sync(
        id=str(index), pbx_id="p", asked_by="schedule", state=state, requested_at=at, started_at=at, finished_at=at,  # type: ignore[arg-type]
        found_count=10, new_count=new, skipped_count=0, list_s=0.1, error=error,
    )  # fmt: skip


def _shape(runs: list[Sync], most: int = 20) -> tuple[list[list[str]], bool]:
    lines, has_more = folded(runs, most=most)
    return [[run.id for run in line.runs] for line in lines], has_more


def test_runs_in_a_row_that_found_nothing_are_one_line() -> None:
    runs = [_run(0, new=2), _run(1), _run(2), _run(3, new=1), _run(4)]
    assert _shape(runs) == ([["0"], ["1", "2"], ["3"], ["4"]], False)


def test_a_run_that_failed_was_stopped_or_is_still_going_on_is_never_folded_away() -> None:
    runs = [
        _run(0, state="listing", new=None), _run(1), _run(2, state="failed", new=None, error=TROUBLE),
        _run(3, error=TROUBLE), _run(4, state="cancelled", new=None), _run(5),
    ]  # fmt: skip
    assert _shape(runs) == ([["0"], ["1"], ["2"], ["3"], ["4"], ["5"]], False)


def test_no_more_lines_than_asked_for_and_it_says_that_more_are_left() -> None:
    runs = [_run(0, new=1), _run(1), _run(2), _run(3, new=1)]
    assert _shape(runs, most=2) == ([["0"], ["1", "2"]], True)


def test_a_line_tells_from_when_to_when() -> None:
    ((line,), _) = folded([_run(0), _run(1), _run(2)], most=6)
    assert (line.newest.requested_at, line.oldest_at) == (NOW, NOW - timedelta(minutes=20))


def test_nothing_folds_to_nothing() -> None:
    assert folded([], most=6) == ([], False)
