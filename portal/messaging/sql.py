"""What the two databases say differently."""

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from portal.core.types import UtcDateTime


class new_key(FunctionElement[Any]):
    """A random key made by the database, for rows that no Python sees."""

    type = sa.Uuid()
    inherit_cache = True


@compiles(new_key, "postgresql")
def _key_on_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    return "gen_random_uuid()"


@compiles(new_key, "sqlite")
def _key_on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return "lower(hex(randomblob(16)))"


class _shifted(FunctionElement[Any]):
    type = UtcDateTime()
    inherit_cache = True


def shifted(column: Any, by: timedelta) -> sa.ColumnElement[Any]:
    """``column`` moved by whole seconds, as the database computes it."""
    return _shifted(column, sa.literal(int(by.total_seconds()), sa.Integer()))


@compiles(_shifted, "postgresql")
def _shift_on_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    column, seconds = (compiler.process(clause, **more) for clause in element.clauses)
    return f"({column} + make_interval(secs => {seconds}))"


@compiles(_shifted, "sqlite")
def _shift_on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    column, seconds = (compiler.process(clause, **more) for clause in element.clauses)
    # Written as all times are there: six digits, of which SQLite computes three.
    return f"(strftime('%Y-%m-%d %H:%M:%f', {column}, {seconds} || ' seconds') || '000')"


def inserting(session: Any, table: sa.Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that may say what happens to rows that exist."""
    dialect = session.get_bind().dialect.name
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
