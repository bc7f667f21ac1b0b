"""What many tests begin with is made once for each database, and brought back afterwards: to make the cast takes a
tenth of a second, its copy a hundredth.

It is brought back only where a test stands at the same point: what is kept is known by its name and by the time of a
clock that is stopped, and it is made anew where the test has rows of its own by then.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

import redis
from flask import Flask

from portal.core.db import db
from tests.support.clock import stopped_at
from tests.support.databases import Database

T = TypeVar("T")
EXTENSION = "memory of the tests"


@dataclass(frozen=True)
class Kept:
    """What the maker answered, under which name the rows lie, and what stood in the queue: key, milliseconds, value."""

    value: Any
    name: str
    queue: list[tuple[bytes, int, bytes]]


class Memory:
    """What is kept of one database and the queue beside it."""

    def __init__(self, database: Database, queue_url: str) -> None:
        self._database, self._queue_url = database, queue_url
        self._kept: dict[Hashable, Kept] = {}
        self._left: tuple[tuple[str, int], ...] = ()  # how many rows there were when it was last asked

    def made(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` answers, with the rows and jobs that it leaves behind."""
        before = self._database.counts()
        if before and before != self._left:  # the test has rows of its own already, which must stay
            return make()
        key = (key, stopped_at(), before)
        if known := self._kept.get(key):
            db.engine.dispose()
            self._database.bring_back(known.name)
            self._queue_back(known)
        else:
            known = self._kept[key] = self._keep(make())
        self._left = self._database.counts()
        return known.value  # type: ignore[no-any-return]

    def _keep(self, value: Any) -> Kept:
        name = f"kept_{len(self._kept)}"
        self._database.keep(name)
        return Kept(value, name, self._queue())

    def _queue(self) -> list[tuple[bytes, int, bytes]]:
        with redis.Redis.from_url(self._queue_url) as connection:
            return [(key, max(connection.pttl(key), 0), connection.dump(key)) for key in connection.scan_iter()]

    def _queue_back(self, known: Kept) -> None:
        with redis.Redis.from_url(self._queue_url) as connection:
            for key, left, value in known.queue:
                connection.restore(key, left, value, replace=True)


def remembered(app: Flask, key: Hashable, make: Callable[[], T]) -> T:
    """``make()`` in an application context; or what it left behind in an earlier test, where ``app`` has a memory."""
    memory: Memory | None = app.extensions.get(EXTENSION)
    with app.app_context():
        return memory.made(key, make) if memory else make()
