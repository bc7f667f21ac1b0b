"""Time and people of the demo: keys, free hours and who sits where, a million times over.

Times are minutes since 1970 in UTC. Every interview starts on the hour and lasts an hour at most, so whoever is given
to one interview an hour is never in two places; a candidate's two applications meet on alternate days (``parity``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

HOUR, DAY = 60, 1440
_MINUTES = tuple(f" {n // 60:02d}:{n % 60:02d}:00.000000" for n in range(DAY))
_EPOCH = date(1970, 1, 1)  # a Thursday


@lru_cache(maxsize=5000)
def _day(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def moment(minute: int) -> str:
    """A time as the databases read it."""
    return _day(minute // DAY) + _MINUTES[minute % DAY]


@dataclass
class Office:
    """Hours, and who has time then. ``opens`` and ``closes`` are hours in UTC.

    Of the interviews of open applications the share ``to_come`` is around now or still ahead: some ``ahead`` days
    away, and ``farthest`` at most.
    """

    now: int
    random: Random
    interviewers: Sequence[str]
    opens: int = 6
    closes: int = 19
    ahead: float = 14
    farthest: float = 90
    to_come: float = 0.08
    taken: dict[int, int] = field(default_factory=dict)  # hour -> how many interviewers have no time then
    coordinators: Sequence[Any] = ()
    conducted: dict[int, int] = field(default_factory=dict)  # hour -> how many half hours of theirs are taken
    trained: int = 0  # how many trainings have come to an end

    def key(self, minute: int) -> str:
        """A UUIDv7 of that time."""
        bits = self.random.getrandbits(90)
        millis = minute * 60_000 + (bits >> 74) % 60_000
        return f"{millis:012x}7{bits & 0xFFF:03x}{8 | bits >> 12 & 3:x}{bits >> 14 & 0xFFFFFFFFFFFFFFF:015x}"

    def soon(self) -> int:
        """A time around now at which an open interview may be: mostly ahead."""
        return self.now + int(min(self.random.expovariate(1 / self.ahead), self.farthest) * DAY) - 2 * DAY

    def when(self, minute: int, status: str) -> int:
        """When people get to it, who mean to change an application to ``status`` at that time."""
        return minute

    def hour_after(self, minute: int, parity: int) -> int:
        """The start of an hour with a few interviewers free, on the next working day of that parity."""
        day = minute // DAY + 1
        while True:
            while (day + 3) % 7 > 4 or day % 2 != parity:
                day += 1
            hour = day * 24 + self.random.randrange(self.opens, self.closes)
            for _ in range(self.opens, self.closes):
                if self.taken.get(hour, 0) + 3 <= len(self.interviewers):
                    return hour * HOUR
                hour = hour + 1 if hour % 24 < self.closes - 1 else day * 24 + self.opens
            day += 1

    def conducting(self, minute: int, parity: int) -> tuple[int, Any]:
        """The start of a mock interview or a session, on the next working day of that parity, and who has time to
        conduct it for half an hour; each time is given once."""
        day = minute // DAY + 1
        while True:
            while (day + 3) % 7 > 4 or day % 2 != parity:
                day += 1
            first = self.random.randrange(self.opens, self.closes)
            for hour in (*range(first, self.closes), *range(self.opens, first)):
                if found := self._free(day * 24 + hour):
                    return found
            day += 1

    def _free(self, hour: int) -> tuple[int, Any] | None:
        taken = self.conducted.get(hour, 0)
        if taken >= 2 * len(self.coordinators):
            return None
        self.conducted[hour] = taken + 1
        return hour * HOUR + taken % 2 * 30, self.coordinators[(hour * 7 + taken // 2) % len(self.coordinators)]

    def again(self, minute: int, who: Any) -> bool:
        """Whether ``who`` has time at ``minute`` too, for the next one of a series, which is then taken."""
        return False

    def seat(self, minute: int) -> list[str]:
        """A panel for that hour: one interviewer mostly, two or three at times; nobody who sits elsewhere then."""
        chance, hour = self.random.random(), minute // HOUR
        taken, size = self.taken.get(hour, 0), 1 if chance < 0.66 else 2 if chance < 0.94 else 3
        self.taken[hour] = taken + size
        first = hour * 7 + taken  # each hour begins with somebody else
        return [self.interviewers[(first + n) % len(self.interviewers)] for n in range(size)]
