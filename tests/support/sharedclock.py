"""A clock that several processes read and the test alone moves: two numbers in a file mapped into memory.

`now` is what `portal.core.clock.now()` answers everywhere. `passed` stands for the monotonic seconds by which the
scheduler counts when a duty is due again. They are apart because a wall clock jumps and the other never does.

Real time does not jump by minutes while a statement is under way; this one does. Who works by the clock therefore
holds it (`held`), and a test that compares times to the second moves it while nobody does (`alone`).
"""

import fcntl
import mmap
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from portal.core import clock
from tests.support.clock import MONDAY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ROUND_SECONDS = 60.0
"""No round of work takes longer."""


class SharedClock:
    """The clock in ``file``; each number is eight bytes in one place, so no reader sees half of one."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            file.write_bytes(bytes(16))
        self._file = file.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), 16)
        self._numbers = memoryview(self._map).cast("q")

    @property
    def now(self) -> datetime:
        return EPOCH + self._numbers[0] * MICROSECOND

    def passed(self) -> float:
        """Seconds since some moment, never fewer than before."""
        return self._numbers[1] / 1e6

    def set(self, at: datetime) -> None:
        """Moves the wall clock alone, forward or back, as a clock jumps."""
        self._numbers[0] = (at - EPOCH) // MICROSECOND

    def tick(self, seconds: float = 5.0) -> None:
        """Lets time pass for those who count it, while the wall clock stands."""
        self._numbers[1] += int(seconds * 1e6)

    def forward(self, **delta: float) -> datetime:
        """Lets time pass, e.g. `forward(minutes=10)`; answers the time then."""
        self.tick(timedelta(**delta).total_seconds())
        self.set(self.now + timedelta(**delta))
        return self.now

    @contextmanager
    def held(self) -> Iterator[None]:
        """For the length of a round of work, with others; a process that is killed lets go."""
        fcntl.flock(self._file, fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Once every round is over that began before; meanwhile none begins."""
        deadline = time.monotonic() + ROUND_SECONDS
        while not self._grip():
            assert time.monotonic() < deadline, f"a round of work is not over after {ROUND_SECONDS:.0f} s"
            time.sleep(0.001)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _grip(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._numbers.release()
        self._map.close()
        self._file.close()


@contextmanager
def shared_clock(file: Path, at: datetime = MONDAY) -> Iterator[SharedClock]:
    """The portal's clock of this process, and of whoever opens ``file``, for the length of the block."""
    with closing(SharedClock(file)) as mine, clock.frozen(at):  # which puts the clock back in the end
        mine.set(at)
        clock.set_clock(lambda: mine.now)
        yield mine
