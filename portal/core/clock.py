"""The only reader of the wall clock, so that one operation knows one time and tests can set it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731


def now() -> datetime:
    """The present moment as an aware UTC datetime."""
    return _source()


def set_clock(source: Callable[[], datetime]) -> None:
    """Take the time from ``source``, which must answer aware UTC datetimes."""
    global _source
    _source = source


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Hold the clock at ``at`` for the length of the block."""
    before = _source
    set_clock(lambda: at)
    try:
        yield
    finally:
        set_clock(before)
