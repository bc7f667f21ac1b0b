"""Which statements PostgreSQL plans once for each connection, and which for each set of values.

To read a grid's statement and plan it costs as much as to run it. psycopg prepares what it has sent five times, and
PostgreSQL then keeps one plan, whatever the values, where it deems that no dearer. It misjudges that where the values
decide how many rows there are to look through: words to search for, somebody's own rows, a status. What asks so says
``planned_anew``.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

_anew: ContextVar[bool] = ContextVar("anew", default=False)
_BEGUN = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR)


@contextlib.contextmanager
def planned_anew() -> Iterator[None]:
    """Statements in this block are planned for the values they come with."""
    token = _anew.set(True)
    try:
        yield
    finally:
        _anew.reset(token)


def keep_plans(engine: sa.Engine) -> None:
    """Let PostgreSQL's plans outlive the transactions of ``engine``, but for those that are made anew."""

    @event.listens_for(engine, "rollback")
    def _roll_back(connection: sa.Connection) -> None:
        # psycopg's own ROLLBACK drops every prepared statement, for fear that a table was made in between. All that
        # only reads ends in one; and tables are made by migrations alone, which have a connection of their own.
        if connection.invalidated:
            return
        driver: Any = connection.connection.dbapi_connection
        with contextlib.suppress(psycopg.Error):  # what is wrong with the connection, psycopg's own will say
            if driver.pgconn.transaction_status in _BEGUN:
                driver.pgconn.exec_(b"ROLLBACK")

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        if not _anew.get() or isinstance(cursor, psycopg.ServerCursor):
            return None
        cursor.execute(statement, parameters, prepare=False)
        return True
