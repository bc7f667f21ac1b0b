"""Search by words: trigram indexes on PostgreSQL; SQLite, for a small office, reads the texts."""

from typing import Any

import sqlalchemy as sa


def like(column: Any, pattern: str) -> sa.ColumnElement[bool]:
    """LIKE with the backslash as escape on every database."""
    return column.like(pattern, escape="\\")  # type: ignore[no-any-return]


def index(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Give every table with ``search_text`` its trigram index; harmless to repeat."""
    if connection.dialect.name != "postgresql":
        return
    existing = set(sa.inspect(connection).get_table_names())
    connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for table in metadata.sorted_tables:
        if "search_text" in table.c and table.name in existing:
            connection.exec_driver_sql(
                f"CREATE INDEX IF NOT EXISTS ix_{table.name}_trgm ON {table.name} USING gin (search_text gin_trgm_ops)"
            )
