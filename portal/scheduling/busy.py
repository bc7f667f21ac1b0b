"""Which spans of time are free among others that are taken: many are asked, so they are asked quickly."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime

Stretch = tuple[datetime, datetime]


class Busy:
    """Taken time, which may overlap itself; ``meets`` tells in a few steps whether a further stretch would."""

    def __init__(self, taken: Iterable[Stretch] = ()) -> None:
        self._starts: list[datetime] = []
        self._ends: list[datetime] = []
        for start, end in sorted(taken):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def meets(self, start: datetime, end: datetime) -> bool:
        """Whether any of it lies between ``start`` and ``end``; what merely touches them does not."""
        first = bisect_right(self._ends, start)
        return first < len(self._starts) and self._starts[first] < end
