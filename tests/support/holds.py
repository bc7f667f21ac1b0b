"""Locks that a test holds in PostgreSQL, so that another process has to stop just there.

with held(url, "LOCK TABLE deliveries IN SHARE MODE") as hold:   # whoever writes to it waits
    …
    hold.wait_for_somebody()
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import psycopg
from sqlalchemy.engine import make_url

from tests.support.postgres import libpq
from tests.support.processes import wait_until

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"


@dataclass
class Hold:
    """A lock, held by ``holder`` until the block ends; ``watcher`` sees who waits for it."""

    holder: psycopg.Connection
    watcher: psycopg.Connection

    def wait_for_somebody(self) -> None:
        """Until a process stands before the lock."""
        mine = self.holder.info.backend_pid
        wait_until(lambda: self.watcher.execute(BLOCKED, [mine]).fetchone() != (0,), "somebody who waits for the lock")


@contextmanager
def held(url: str, *statements: str) -> Iterator[Hold]:
    """Holds what ``statements`` lock; none locks nothing yet."""
    where = libpq(make_url(url))
    with psycopg.connect(where) as holder, psycopg.connect(where, autocommit=True) as watcher:
        for statement in statements:
            holder.execute(statement)
        yield Hold(holder, watcher)
        holder.rollback()


def writing(table: str) -> str:
    """Holds up whoever writes to ``table``, and nobody who reads it."""
    return f"LOCK TABLE {table} IN SHARE MODE"


def interview(key: UUID) -> str:
    """Holds up whoever wants to be sure that an interview stays as it is."""
    return f"SELECT id FROM interviews WHERE id = '{key}' FOR UPDATE"
