"""A figure of the table, and how one is taken."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tests.bench.stage import Stage


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``limit`` is the most (or, with ``at_least``, the least) that ``ours`` may be."""

    name: str
    unit: str
    limit: float | None
    raw: float | None
    ours: float
    note: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        return self.limit is None or (self.ours >= self.limit if self.at_least else self.ours <= self.limit)


Measure = Callable[[Stage, int], Iterator[Figure]]
MEASURES: dict[str, Measure] = {}


def measure(name: str) -> Callable[[Measure], Measure]:
    def keep(function: Measure) -> Measure:
        MEASURES[name] = function
        return function

    return keep


def beside(
    name: str, limit: float | None, times: int, raw: Callable[[int], object] | None, ours: Callable[[int], float]
) -> Figure:
    """Medians of ``times`` runs in turn, raw and ours, after some that are not counted; in milliseconds."""
    theirs, mine = [], []
    for number in range(-3, times):
        seconds = ours(number)
        began = time.perf_counter()
        if raw is not None:
            raw(number)
        if number >= 0:
            mine.append(seconds * 1000)
            theirs.append((time.perf_counter() - began) * 1000)
    spread = f"{_nth(mine, 0.1):.1f}–{_nth(mine, 0.9):.1f}" if times >= 10 else ""
    return Figure(name, "ms", limit, statistics.median(theirs) if raw else None, statistics.median(mine), spread)


def _nth(values: Sequence[float], share: float) -> float:
    return sorted(values)[round(share * (len(values) - 1))]
