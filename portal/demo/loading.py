"""Millions of rows into the database: COPY on PostgreSQL, many rows a statement on SQLite.

Rows are tuples of texts as both databases read them (keys as 32 hexadecimal digits, times in UTC, booleans as 0
and 1, ``NULL`` for nothing). Columns that are not named get their default.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

NULL = r"\N"  # as COPY writes it
Row = tuple[str, ...]


class Loader:
    """Collects rows by table; ``flush`` writes them, in the caller's transaction, tables in the order declared."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._copies = connection.dialect.name == "postgresql"
        self._statements: dict[str, str] = {}
        self._constants: dict[str, Row] = {}
        self._rows: dict[str, list[Row]] = defaultdict(list)
        self.counts: dict[str, int] = defaultdict(int)

    def declare(self, table: sa.Table, *columns: str) -> list[Row]:
        """Answers the list to append rows to, whose values are those of ``columns`` in this order."""
        rest = [column for column in table.columns if column.name not in columns]
        names = ", ".join([*columns, *(column.name for column in rest)])
        self._constants[table.name] = tuple(_default(column) for column in rest)
        if self._copies:
            self._statements[table.name] = f"COPY {table.name} ({names}) FROM STDIN"
        else:
            # A text for nothing cannot be told from one that means itself, so only where nothing is possible.
            optional = {column.name for column in table.columns if column.nullable}
            values = [f"nullif(?, '{NULL}')" if name in optional else "?" for name in names.split(", ")]
            self._statements[table.name] = f"INSERT INTO {table.name} ({names}) VALUES ({', '.join(values)})"
        return self._rows[table.name]

    def flush(self) -> None:
        for name, statement in self._statements.items():
            rows = self._rows[name]
            self.counts[name] += len(rows)
            if rows:
                (self._copy if self._copies else self._insert)(statement, rows, self._constants[name])
            rows.clear()

    def _copy(self, statement: str, rows: Sequence[Row], constants: Row) -> None:
        tail = "".join(f"\t{value}" for value in constants) + "\n"
        driver: Any = self._connection.connection.driver_connection
        with driver.cursor().copy(statement) as copy:
            copy.write("".join(["\t".join(row) + tail for row in rows]))

    def _insert(self, statement: str, rows: Sequence[Row], constants: Row) -> None:
        driver: Any = self._connection.connection.driver_connection
        driver.executemany(statement, (row + constants for row in rows))


def _default(column: sa.Column[Any]) -> str:
    default: Any = column.default
    if default is None:
        if not column.nullable:
            raise TypeError(f"{column} needs a value")
        return NULL
    if not default.is_scalar:
        return "{}"  # dict, the one callable among the defaults that is not a time or a key
    return str(int(default.arg)) if isinstance(default.arg, bool) else str(default.arg)


@contextlib.contextmanager
def unhindered(connection: sa.Connection, tables: Sequence[str]) -> Iterator[None]:
    """Lift the foreign keys and indexes of ``tables`` for the length of the block, in the caller's transaction.

    To check and to index everything in the end takes a fraction of doing it row by row (PostgreSQL; SQLite, which
    cannot alter constraints, keeps them). A failure rolls back to where they still are.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    again = []
    for table in tables:
        for name, definition in connection.execute(_FOREIGN_KEYS, {"table": table}).all():
            connection.exec_driver_sql(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        for name, definition in connection.execute(_INDEXES, {"table": table}).all():
            connection.exec_driver_sql(f"DROP INDEX {name}")
            again.insert(0, definition)  # before the foreign keys, which are checked through them
    yield
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
    for statement in again:
        connection.exec_driver_sql(statement)


_FOREIGN_KEYS = sa.text(
    "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
    "WHERE contype = 'f' AND conrelid = CAST(:table AS regclass)"
)
# Those that belong to a primary key or a uniqueness stay, as what refers to the table needs them.
_INDEXES = sa.text(
    "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
    "WHERE indrelid = CAST(:table AS regclass) AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid "
    "AND contype IN ('p', 'u', 'x'))"
)


def tidy(engine: sa.Engine) -> None:
    """Statistics and visibility for the planner, as a night's autovacuum would have left them."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM (ANALYZE)" if engine.dialect.name == "postgresql" else "ANALYZE")
