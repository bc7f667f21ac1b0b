"""Writes that are sent on without waiting for each answer.

What a change of many rows writes is a handful of statements, and none of them asks for rows. Between two of them
PostgreSQL waited for the next one to be put together, and we for the answer to the one before. In an ``underway``
block they go out one behind the other (libpq's pipeline mode): the database works at one while we write the next.

Nobody sees another difference. Any question in the block, and the end of the block, waits first for all that was
sent, and raises what went wrong there; what is sent after something that failed is not done. SQLite, which works in
our own process, has nothing to send.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from portal.core.whose import require_tenant


class Expected(NamedTuple):
    """How many rows a write must meet (None: any number), and what is raised where it met others."""

    rows: int | None = None
    otherwise: Exception | None = None

    def check(self, met: int) -> None:
        if self.rows is not None and met != self.rows:
            raise self.otherwise or RuntimeError(f"{met} rows were met where {self.rows} were expected")


class _Line:
    """What is under way on one connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.driver: Any = connection.connection.dbapi_connection
        self._pipeline = contextlib.ExitStack()
        self._sent: list[tuple[Any, Expected]] = []

    def send(self, cursor: Any, statement: str, parameters: Any, expected: Expected) -> None:
        if not self._sent:
            self._pipeline.enter_context(self.driver.pipeline())
        self._sent.append((cursor, expected))
        cursor.execute(statement, parameters)

    def wait(self) -> None:
        """Until all that was sent is answered."""
        sent, self._sent = self._sent, []
        if not sent:
            return
        try:
            self._pipeline.close()
        except BaseException as error:
            raise self._made_sure_of(error) from error.__cause__
        for cursor, expected in sent:
            expected.check(cursor.rowcount)

    def _made_sure_of(self, error: BaseException) -> BaseException:
        """What is to be told of a failure, once nothing of it is left on the connection."""
        if self.driver.pgconn.pipeline_status == psycopg.pq.PipelineStatus.OFF:
            # Nothing was done of what came after the failure, and statements it was to prepare are not prepared:
            # psycopg counts them as if they were, so its count begins anew, as after a ROLLBACK of its own.
            self.driver._prepared.clear()
            return error
        lost = self.driver.pgconn.status == psycopg.pq.ConnStatus.BAD
        # Or else somebody was interrupted (a signal, a job whose time is up), and psycopg tells instead that it could
        # not tidy up: nobody knows what is still to be answered.
        self._connection.invalidate()
        return error if lost or error.__context__ is None else error.__context__

    def abandon(self) -> None:
        """Leave the pipeline after something else has failed, which is the error to be told of."""
        with contextlib.suppress(Exception):
            self.wait()


_line: ContextVar[_Line | None] = ContextVar("line", default=None)


@contextlib.contextmanager
def underway(session: Any) -> Iterator[None]:
    """Let the writes of this block (see ``write``) wait for their answers at its end, not each at its place.

    Raises what any of them raises. The transaction is to be rolled back whole then: after an error inside there is
    no savepoint to go back to.
    """
    connection: sa.Connection = session.connection()
    if connection.dialect.name != "postgresql" or _line.get() is not None:
        yield
        return
    line = _Line(connection)
    token = _line.set(line)
    try:
        yield
        try:
            line.wait()
        except psycopg.Error as error:
            raise _as_sqlalchemys(error, connection) from error
    finally:
        _line.reset(token)
        line.abandon()


def write(
    session: Any, statement: sa.Executable, parameters: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    *, rows: int | None = None, otherwise: Exception | None = None,
) -> None:  # fmt: skip
    """Execute a write of which no rows are asked; in an ``underway`` block it is sent on. Where it does not meet just
    ``rows`` rows, ``otherwise`` is raised (in a block: later, with the first wait)."""
    require_tenant(statement)  # the session, which asks this of what it executes, is passed by
    expected, connection = Expected(rows, otherwise), session.connection()
    result = connection.execute(statement, parameters, execution_options={"write": expected})
    if (line := _line.get()) is None or connection.connection.dbapi_connection is not line.driver:
        expected.check(result.rowcount)


def send_writes(engine: sa.Engine) -> None:
    """Make ``engine`` know of ``underway``; to be said before whatever else executes statements in its own way."""

    @event.listens_for(engine, "do_execute")
    def _execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool | None:
        line = _line.get()
        if line is None or cursor.connection is not line.driver:
            return None
        expected = context.execution_options.get("write")
        if expected is None:
            line.wait()
            return None
        line.send(cursor, statement, parameters, expected)
        return True

    @event.listens_for(engine, "do_executemany")
    def _execute_many(cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        if (line := _line.get()) is not None and cursor.connection is line.driver:
            line.wait()

    @event.listens_for(engine, "do_execute_no_params")
    def _execute_plainly(cursor: Any, statement: str, context: Any) -> None:
        if (line := _line.get()) is not None and cursor.connection is line.driver:
            line.wait()


def _as_sqlalchemys(error: psycopg.Error, connection: sa.Connection) -> Exception:
    return sa.exc.DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, dialect=connection.dialect
    )
