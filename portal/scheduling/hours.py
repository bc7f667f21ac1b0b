"""A day's working hours as people write them: ``09:00-12:30, 13:30-17:00``."""

import re
from datetime import time, timedelta
from functools import lru_cache
from itertools import pairwise

from portal.core.types import Ruled

Span = tuple[time, time]
Walls = tuple[timedelta, timedelta]
"""Hours of a day as time on the clock since midnight; the day ends at 24 hours."""

DEFAULT = "09:00-17:00"
"""What is taken for granted from Monday to Friday, in their own zone, of those who have not said when they work."""

_SPAN = re.compile(r"^(\d{1,2})(?:[:.](\d{2}))?\s*(?:-|–|to)\s*(\d{1,2})(?:[:.](\d{2}))?$")
_END_OF_DAY = time(23, 59, 59, 999999)


def spans(text: str) -> list[Span]:
    """The hours that ``text`` names, in order; raises ValueError in words."""
    found = sorted(_span(part.strip()) for part in re.split(r"[,;]", text) if part.strip())
    for (_, end), (start, _) in pairwise(found):
        if start < end:
            raise ValueError("These hours overlap each other.")
    return found


def _span(text: str) -> Span:
    match = _SPAN.match(text)
    if match is None:
        raise ValueError(f"Write hours such as 09:00-12:30, 13:30-17:00; “{text}” is not.")
    start = _clock(match[1], match[2])
    end = _clock(match[3], match[4], ends=True)
    if end <= start:
        raise ValueError(f"“{text}” ends before it starts.")
    return start, end


def _clock(hour: str, minute: str | None, *, ends: bool = False) -> time:
    if ends and int(hour) == 24 and not int(minute or 0):
        return _END_OF_DAY
    try:
        return time(int(hour), int(minute or 0))
    except ValueError:
        raise ValueError(f"There is no time {hour}:{minute or '00'}.") from None


def written(found: list[Span]) -> str:
    """``spans`` as they are kept."""
    return ", ".join(f"{start:%H:%M}-{'24:00' if end == _END_OF_DAY else format(end, '%H:%M')}" for start, end in found)


@lru_cache(maxsize=1000)
def walls(text: str) -> tuple[Walls, ...]:
    """The hours that ``text`` names, since midnight."""
    return tuple((_since_midnight(start), _since_midnight(end)) for start, end in spans(text))


def _since_midnight(clock: time) -> timedelta:
    if clock == _END_OF_DAY:
        return timedelta(hours=24)
    return timedelta(hours=clock.hour, minutes=clock.minute)


class DayHours(Ruled):
    """A day's working hours; empty for a day off."""

    cache_ok = True

    @staticmethod
    def clean(value: str) -> str:
        return written(spans(value))
