"""Alembic's environment: the models are the truth; after every upgrade each tenant's table is behind the wall."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from flask import current_app

from portal.core import search, wall
from portal.core.types import Choice, Json, Rating, Ruled, UtcDateTime


def render_item(kind: str, item: Any, autogen: Any) -> str | bool:
    """Write our column types as what they are in the database, so that old migrations need no code of ours."""
    if kind != "type":
        return False
    if item is Json or isinstance(item, sa.JSON):
        autogen.imports.add("from sqlalchemy.dialects import postgresql")
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    if isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, Choice | Ruled | Rating):
        return f"sa.{item.impl_instance!r}"
    return False


def include_name(name: str | None, kind: str, parents: Any) -> bool:
    """The trigram indexes are made by ``search.index``, on PostgreSQL only."""
    return not (kind == "index" and (name or "").endswith("_trgm"))


def run() -> None:
    database = current_app.extensions["migrate"].db
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # A table that is made anew is dropped in between: what refers to it must not go with it.
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_item=render_item,
            include_name=include_name,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if not getattr(context.config.cmd_opts, "autogenerate", False):
            search.index(connection, database.metadata)
            wall.secure(connection, database.metadata)
            connection.commit()
        if connection.dialect.name == "sqlite":
            connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=ON")


run()
