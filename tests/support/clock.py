"""A clock that stands still until it is moved."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from portal.core import clock

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A working day in winter, some weeks before summer time begins in Europe and after America's."""


_RUNNING = clock._source


def stopped_at() -> datetime | None:
    """What the portal's clock stands at; None where it runs."""
    return None if clock._source is _RUNNING else clock.now()


class Clock:
    """What `portal.core.clock.now()` answers during a test."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.now = at

    def set(self, at: datetime) -> None:
        """Moves to `at`, which must be aware."""
        assert at.tzinfo is not None
        self.now = at.astimezone(UTC)

    def forward(self, **delta: float) -> datetime:
        """Moves on, e.g. `forward(hours=2)`; answers the time then."""
        self.now += timedelta(**delta)
        return self.now


@contextmanager
def stopped_clock(at: datetime = MONDAY) -> Iterator[Clock]:
    """Stops the portal's clock for the length of the block."""
    mine = Clock(at)
    with clock.frozen(at):  # puts the clock back in the end
        clock.set_clock(lambda: mine.now)
        yield mine
