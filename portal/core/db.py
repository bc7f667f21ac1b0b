"""The database: the base of all models, keys, versions, and references that cannot leave a tenant."""

import contextlib
import select
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa
import uuid_utils
import uuid_utils.compat
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, Session, declared_attr, mapped_column, selectinload

from portal.core import clock
from portal.core.plans import keep_plans
from portal.core.types import Choice, Json, LongText, PlainText, Rating, RichText, UtcDateTime, fold
from portal.core.underway import send_writes, write

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMES)
    type_annotation_map = {
        datetime: UtcDateTime(),
        UUID: sa.Uuid(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }
    named_by: ClassVar[tuple[str, ...]] = ()  # the relationships that ``str(row)`` asks for, as dotted paths


def naming(model: Any) -> list[Any]:
    """Options for a SELECT of rows that are to be named by ``str``: many then cost as many statements as one."""
    return [_along(model, path.split(".")) for path in model.named_by]


def _along(model: Any, names: Sequence[str]) -> Any:
    first, *rest = names
    option, here = selectinload(getattr(model, first)), getattr(model, first)
    for name in rest:
        here = getattr(here.property.mapper.class_, name)
        option = option.selectinload(here)
    return option


db = SQLAlchemy(metadata=Model.metadata)


def new_id() -> UUID:
    """A UUIDv7: opaque to people, yet in the order of creation, which keeps indexes dense."""
    return uuid_utils.compat.uuid7()


class OfTenant:
    """Every row but a tenant belongs to one tenant, which is part of its key."""

    tenant_id: Mapped[UUID] = mapped_column(sa.ForeignKey("tenants.id"), primary_key=True, sort_order=-3)


class Owned(OfTenant):
    """A tenant's row with a key of its own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id, sort_order=-2)


class Logged(Owned):
    """A row of a log or a queue: written by the thousand, and always by somebody of its tenant.

    That the tenant is there is not asked for each row: a foreign key would look it up, and hold its one row with a
    share lock, for every row of everyone who writes at the same time.
    """

    tenant_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order=-3)


class Timestamped:
    created_at: Mapped[datetime] = mapped_column(default=clock.now, sort_order=90)


class Editable(Timestamped):
    """A row that people edit: ``version`` grows with each change, and a save against an older one is refused."""

    updated_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now, sort_order=91)
    version: Mapped[int] = mapped_column(default=1, sort_order=92)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.__dict__.get("version", cls.version)}


class Searchable:
    """A row found by words: ``search_text`` holds the folded text of the columns named in ``searched``."""

    searched: tuple[str, ...] = ()
    search_text: Mapped[str] = mapped_column(sa.Text, default="", sort_order=93)

    @classmethod
    def text_of(cls, values: dict[str, Any]) -> str:
        return fold(" ".join(str(values.get(name) or "") for name in cls.searched))


@event.listens_for(Searchable, "before_insert", propagate=True)
@event.listens_for(Searchable, "before_update", propagate=True)
def _keep_search_text(mapper: Any, connection: Any, row: Searchable) -> None:
    row.search_text = row.text_of({name: getattr(row, name) for name in row.searched})


def ref(
    table: str, *, optional: bool = False, cascade: bool = False, along: str = "", **more: Any
) -> MappedColumn[Any]:
    """A reference to a row of ``table`` in the same tenant: the foreign key includes the tenant.

    A column that both have, named by ``along``, is part of it too: the database keeps it the same in both.
    """
    info = {"ref": table, "cascade": cascade, "along": along, **more.pop("info", {})}
    return mapped_column(sa.Uuid(), nullable=optional, info=info, **more)


def text(length: int, **more: Any) -> MappedColumn[str]:
    """A required line of plain text; ``default=""`` makes it optional."""
    return mapped_column(PlainText(length), **more)


def long_text(*, rich: bool = False) -> MappedColumn[str]:
    return mapped_column(RichText() if rich else LongText(), default="")


@event.listens_for(sa.Table, "after_parent_attach")
def _constrain(table: sa.Table, metadata: Any) -> None:
    """Tenant-wide foreign keys and CHECKs follow from the columns, so that no model forgets them."""
    if metadata is not Model.metadata:  # Alembic copies tables, which have theirs already
        return
    for column in list(table.columns):
        if target := column.info.get("ref"):
            shared = ["tenant_id", *filter(None, [column.info["along"]])]
            table.append_constraint(
                sa.ForeignKeyConstraint(
                    [*shared, column.name],
                    [f"{target}.{name}" for name in (*shared, "id")],
                    onupdate="CASCADE" if column.info["along"] else None,
                    ondelete="CASCADE" if column.info["cascade"] else None,
                )
            )
        if isinstance(column.type, Choice):
            values = ", ".join(f"'{member.value}'" for member in column.type.members)
            table.append_constraint(sa.CheckConstraint(f"{column.name} IN ({values})", name=column.name))
        if isinstance(column.type, Rating):
            table.append_constraint(sa.CheckConstraint(f"{column.name} BETWEEN 1 AND 5", name=column.name))


# --- SQLite -----------------------------------------------------------------------------------------

_reading: ContextVar[bool] = ContextVar("reading", default=False)


@contextlib.contextmanager
def read_only() -> Iterator[None]:
    """Transactions begun in this block only mean to read, so SQLite need not take its one writer's lock."""
    token = _reading.set(True)
    try:
        yield
    finally:
        _reading.reset(token)


def mean_to_read(reading: bool) -> None:
    """Say for the present context (a request) whether its transactions only read."""
    _reading.set(reading)


def prepare_engine(engine: sa.Engine) -> None:
    """What the engine's connections need: SQLite to serve several processes, PostgreSQL to be noticed when gone."""
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _prepare_postgresql(engine)
        send_writes(engine)
        keep_plans(engine)


class SlimCursor(psycopg.Cursor[Any]):
    """A cursor that says of its columns no more than SQLAlchemy asks: their names and types. psycopg makes an object
    of each, a dozen calls for every column of every statement."""

    @property
    def description(self) -> Any:
        result = self.pgresult
        if result is None or not result.nfields:
            return super().description
        columns = range(result.nfields)
        return [((result.fname(n) or b"?").decode(), result.ftype(n), None, None, None, None, None) for n in columns]


# For every connection to PostgreSQL: times come in UTC, which UtcDateTime relies on.
CONNECT: dict[str, Any] = {"options": "-c timezone=UTC", "cursor_factory": SlimCursor}
RESTED = 5.0  # seconds


def _prepare_postgresql(engine: sa.Engine) -> None:
    """Before a connection of the pool is used it is made sure of, without a question each time: one that was in
    use just now, and on which the server has said nothing since (such as goodbye), is still there."""

    @event.listens_for(engine, "checkin")
    def _rest(connection: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _make_sure(connection: Any, record: Any, proxy: Any) -> None:
        since = record.info.get("since")
        try:
            if since is not None and (time.monotonic() - since > RESTED or _has_said(connection)):
                engine.dialect.do_ping(connection)
        except psycopg.Error as gone:  # and with it, most likely, all of its age
            raise sa.exc.InvalidatePoolError from gone


def _has_said(connection: Any) -> bool:
    """Whether something is to be read on a connection from which nothing is awaited."""
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    return bool(waiting.poll(0))


def _prepare_sqlite(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=15000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        # A transaction that reads first and writes later fails at once when another wrote in between
        # (SQLITE_BUSY_SNAPSHOT); taking the writer's lock at the start makes it wait its turn instead.
        reading = _reading.get() or connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def commit_in_passing(session: Any) -> None:
    """Commit without waiting for the disk: for what may be as if it had not been, should the machine fail at this
    very moment. A commit that follows and waits makes both last. What was read stays known: it is not read again."""
    present: Session = session() if callable(session) else session
    if present.get_bind().dialect.name == "postgresql":
        present.connection().exec_driver_sql("SET LOCAL synchronous_commit = off")
    present.expire_on_commit = False
    try:
        present.commit()
    finally:
        present.expire_on_commit = True


# --- rows as JSON -----------------------------------------------------------------------------------


class json_rows(sa.sql.functions.GenericFunction[str]):
    """Rows as one JSON text, [[…], …]: where they hang on another row, that costs far less than rows of their own.
    NULL or [] where there are none."""

    type = sa.Text()
    inherit_cache = True


@compiles(json_rows, "postgresql")
def _json_rows(element: Any, compiler: Any, **more: Any) -> str:
    return f"CAST(json_agg(json_build_array({compiler.process(element.clauses, **more)})) AS TEXT)"


@compiles(json_rows, "sqlite")
def _json_rows_on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"json_group_array(json_array({compiler.process(element.clauses, **more)}))"


# --- many rows at once ------------------------------------------------------------------------------


def among(session: Any, column: Any, keys: Iterable[Any]) -> sa.ColumnElement[bool]:
    """Whether ``column`` (which an index leads with) is one of ``keys``, UUIDs or numbers; on PostgreSQL with one
    parameter whatever their number: so it is always the same statement, which is prepared once."""
    given = listed(session, keys)
    if isinstance(given, list):
        return column.in_(given)  # type: ignore[no-any-return]
    return column == sa.any_(sa.cast(sa.literal(given, sa.Text()), postgresql.ARRAY(column.type)))  # type: ignore[no-any-return]


def listed(session: Any, keys: Iterable[Any]) -> str | list[Any]:
    """``keys`` as the parameter of ``among_given``."""
    if session.get_bind().dialect.name != "postgresql":
        return list(keys)
    return "{" + written(list(keys))[1:-1] + "}"  # a quoted key is as good, and UUIDs are written several times as fast


def among_given(session: Any, column: Any, name: str) -> sa.ColumnElement[bool]:
    """As ``among``, for a statement that is made once: its parameter ``name`` says which keys (see ``listed``)."""
    if session.get_bind().dialect.name != "postgresql":
        return column.in_(sa.bindparam(name, expanding=True))  # type: ignore[no-any-return]
    given = sa.bindparam(name, type_=sa.Text())
    return column == sa.any_(sa.cast(given, postgresql.ARRAY(column.type)))  # type: ignore[no-any-return]


def unindexed(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """``condition``, so written that no partial index has it.

    A partial index of what waits holds next to nothing when PostgreSQL last looked, and ten thousand rows a moment
    later. To ask for each of those whether another one goes before, it would read all of that index each time; what
    is written so goes by an index of whole keys instead, which costs the same however many wait.
    """
    return sa.case((condition, 1), else_=0) == 1


def insert_many(
    session: Any, table: sa.Table, rows: Sequence[dict[str, Any]], alike: Mapping[str, Any] | None = None
) -> None:  # fmt: skip
    """Insert ``rows`` (all with the same keys) in few statements; ``alike`` is what is the same in all of them.

    A table's ``id`` is made here where none is given. Other column defaults are not applied. On PostgreSQL it is one
    statement, whatever the number of rows: they go as one parameter of JSON, because psycopg writes an array item by
    item in Python; for 10,000 rows with their history, audit and events that alone takes two seconds.
    """
    if not rows:
        return
    given, same = list(rows), dict(alike or {})
    fresh = "id" in table.c and "id" not in given[0]
    few = len(given) == 1
    if few or session.get_bind().dialect.name != "postgresql":
        whole = [{**same, **({"id": new_id()} if fresh else {}), **row} for row in given]
        write(session, _plainly(table), whole[0] if few else whole)
        return
    if fresh:
        given = [{"id": str(uuid_utils.uuid7()), **row} for row in given]  # as JSON has it: a UUID takes longer
    said = {_SAID + name: value for name, value in same.items() if value is not None}
    statement = _inserting(table, tuple((name, value is None) for name, value in same.items()), tuple(given[0]))
    write(session, statement, {**said, "given": written(given)})


_plainly = lru_cache(maxsize=256)(sa.insert)  # with the statement SQLAlchemy keeps under which key its text lies
_SAID = "said_"


@lru_cache(maxsize=256)  # to make it costs as much as to execute it
def _inserting(table: sa.Table, same: tuple[tuple[str, bool], ...], varying: tuple[str, ...]) -> sa.Insert:
    """The statement for rows with the ``same`` columns (each with whether it is NULL), and ``varying`` ones."""
    source = (
        sa.func.json_to_recordset(sa.cast(sa.bindparam("given", type_=sa.Text()), postgresql.JSON))
        .table_valued(*[sa.column(name, table.c[name].type) for name in varying], name="given")
        .render_derived(with_types=True)
    )
    said = [sa.null() if null else sa.bindparam(_SAID + name, type_=table.c[name].type) for name, null in same]
    chosen = sa.select(*said, *(source.c[name] for name in varying)).select_from(source)
    return sa.insert(table).from_select([*(name for name, _ in same), *varying], chosen)


def written(value: Any) -> str:
    """JSON as the database reads it: keys, times and choices by their text."""
    return orjson.dumps(value, default=str).decode()
