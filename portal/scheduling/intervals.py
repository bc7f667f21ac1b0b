"""Stretches of time as sets: united, cut out, met, and read off a clock on the wall, right across its changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from portal.core.types import zone
from portal.scheduling.hours import Walls

Interval = tuple[datetime, datetime]
"""From a moment to another, the second not included; both aware, and UTC where they come from here."""

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """All of them, in order; those that overlap or touch are one."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def without(intervals: Iterable[Interval], taken: Iterable[Interval]) -> list[Interval]:
    """What is left of ``intervals`` when ``taken`` is cut out."""
    cuts, found, n = union(taken), [], 0
    for start, end in union(intervals):
        while n and cuts[n - 1][1] > start:
            n -= 1  # a cut may reach over several of the intervals
        while n < len(cuts) and cuts[n][0] < end:
            if start < cuts[n][0]:
                found.append((start, cuts[n][0]))
            start = max(start, cuts[n][1])
            n += 1
        if start < end:
            found.append((start, end))
    return found


def common(sets: Sequence[Sequence[Interval]]) -> list[Interval]:
    """What lies in every one of ``sets``, each of which is in order and without overlaps; of no set, nothing."""
    if not sets:
        return []
    found = list(sets[0])
    for other in sets[1:]:
        found = list(_met(found, other))
    return found


def _met(one: Sequence[Interval], other: Sequence[Interval]) -> Iterator[Interval]:
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i][0], other[j][0]), min(one[i][1], other[j][1])
        if start < end:
            yield start, end
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1


def shown(first: datetime, last: datetime, zone_name: str, hours: Callable[[date], Sequence[Walls]]) -> list[Interval]:
    """When, from ``first`` to ``last``, a clock in that zone shows a time within the ``hours`` of its day.

    Hours that the clocks skip do not exist; hours that they show twice count twice.
    """
    found = []
    for start, end, offset in _stretches(first, last, zone_name):
        wall_start, wall_end = start + offset, end + offset
        for day in _days(wall_start.date(), wall_end.date()):
            midnight = datetime.combine(day, time(), UTC)
            for opens, closes in hours(day):
                begins, ends = max(midnight + opens, wall_start), min(midnight + closes, wall_end)
                if begins < ends:
                    found.append((begins - offset, ends - offset))
    return union(found)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _stretches(first: datetime, last: datetime, zone_name: str) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """The time from ``first`` to ``last`` in pieces during which the zone keeps one offset."""
    start, offset = first, _offset(first, zone_name)
    here = first
    while here < last:
        there = min(here + DAY, last)
        if _offset(there, zone_name) != offset:
            change = _change(here, there, zone_name)
            yield start, change, offset
            start, offset = change, _offset(change, zone_name)
            there = change
        here = there
    yield start, last, offset


def _offset(at: datetime, zone_name: str) -> timedelta:
    return at.astimezone(zone(zone_name)).utcoffset() or timedelta()


def _change(here: datetime, there: datetime, zone_name: str) -> datetime:
    """The second at which the offset that holds ``here`` has ended; ``there`` has another."""
    before = _offset(here, zone_name)
    low, high = int(here.timestamp()), int(there.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone_name) == before:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def day_start(day: date, zone_name: str) -> datetime:
    """The first moment of a day in that zone, which is not midnight where the clocks skip midnight."""
    around = datetime.combine(day, time(), UTC)
    whole_day = ((timedelta(), DAY),)
    return shown(around - DAY, around + 2 * DAY, zone_name, lambda each: whole_day if each == day else ())[0][0]


def starts(interval: Interval, length: timedelta) -> Iterator[datetime]:
    """The quarter hours at which something of that length may start to end within ``interval``. All zones in use
    are whole quarter hours from UTC, so that these are quarter hours on everybody's clock."""
    past = (interval[0] - datetime.min.replace(tzinfo=UTC)) % QUARTER
    start = interval[0] + (QUARTER - past if past else timedelta())
    while start + length <= interval[1]:
        yield start
        start += QUARTER
