"""This file runs the measurements: make bench ARGS="known first" for some of them."""

import sys
from collections.abc import Callable, Iterable

from lab.asterisk import running
from lab.debian import NotHere

from aftercall import log
from bench import (
    categories,
    events,
    first,
    idle,
    insight,
    known,
    large,
    overhead,
    paint,
    pipeline,
    recognition,
    speakers,
)
from bench.figures import Figure


def _on_asterisk(measure: Callable[..., Iterable[Figure]]) -> Callable[[], Iterable[Figure]]:
    def run() -> Iterable[Figure]:
        with running("22") as lab:
            yield from measure(lab)

    return run


MEASUREMENTS: dict[str, Callable[[], Iterable[Figure]]] = {
    "known": _on_asterisk(known.measure),
    "first": _on_asterisk(first.measure),
    "large": _on_asterisk(large.measure),
    "events": _on_asterisk(events.measure),
    "overhead": overhead.measure,
    "idle": idle.measure,
    "categories": categories.measure,
    "insight": insight.measure,
    "paint": paint.measure,
    "pipeline": pipeline.measure,
    "recognition": recognition.measure,
    "speakers": speakers.measure,
}


def main(wanted: list[str]) -> int:
    log.set_up(level="ERROR")
    unknown = set(wanted) - MEASUREMENTS.keys()
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}; there are {', '.join(MEASUREMENTS)}.", file=sys.stderr)
        return 2
    missed = 0
    for name, measure in MEASUREMENTS.items():
        if wanted and name not in wanted:
            continue
        try:
            for figure in measure():
                print(figure.line(), flush=True)
                missed += not figure.is_met
        except NotHere as problem:
            print(f"{name}: NOT MEASURED, {problem}", flush=True)
            missed += 1
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
