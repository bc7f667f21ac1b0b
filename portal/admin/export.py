"""CSV and XLSX of exactly the rows and columns that a grid shows, in constant memory.

On PostgreSQL a CSV is COPY's own output, so what spreadsheets would take for a formula is made harmless in the
SQL and times get their offset there; on SQLite rows stream through Python, which does the same.
"""

import contextlib
import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import xlsxwriter
from sqlalchemy import event
from sqlalchemy.orm import with_loader_criteria

from portal.admin.grid import Column
from portal.admin.query import Query, narrow, order_by
from portal.core import tenancy, wall
from portal.core.db import OfTenant, db
from portal.core.types import words, zone

BOM = "\ufeff"
_SIGNS = "=+-@\t\r"  # what a spreadsheet takes for the beginning of a formula
SHEET_ROWS = 1_048_575  # a sheet holds no more
_TEXTS = ("text", "title", "person", "link", "rich", "zone", "status", "choice")


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(tuple(_SIGNS)) else text


def header(columns: Sequence[Column], query: Query) -> list[str]:
    note = f" ({query.user.timezone})"
    return [c.label + (note if c.kind == "datetime" else "") for c in columns]


def statement(query: Query, columns: Sequence[Column]) -> sa.Select[Any]:
    """All matching rows in the grid's order."""
    wanted = sa.select(*(c.value.label(c.name) for c in columns))
    return narrow(wanted, query, joins={name for c in columns for name in c.joins}).order_by(*order_by(query))


@dataclass(frozen=True)
class Prepared:
    """All that a file needs once the request is over: nothing in it asks who the user or the tenant is."""

    engine: sa.Engine
    tenant: UUID
    searches: bool
    zone_name: str
    heading: list[str]
    columns: Sequence[Column]
    statement: sa.Select[Any]

    @contextlib.contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection of our own for the tenant (outside the second wall while searching by words)."""
        with self.engine.connect().execution_options(reading=True) as connection:
            connection.begin()
            wall.enter(connection, "search" if self.searches else self.tenant)
            yield connection


def prepare(query: Query, columns: Sequence[Column]) -> Prepared:
    tenant = tenancy.tenant_id()
    # What the session's filter does, for a statement that runs outside a session.
    option = with_loader_criteria(OfTenant, lambda cls: cls.tenant_id == tenant, include_aliases=True)
    wanted = statement(query, columns).options(option)
    zone_name = query.user.timezone
    return Prepared(db.engine, tenant, bool(query.q), zone_name, header(columns, query), columns, wanted)


def stream_csv(query: Query, columns: Sequence[Column], *, bom: bool = False) -> Iterator[bytes]:
    """The file, portion by portion; the first portion is the header, before the database is asked."""
    return _csv(prepare(query, columns), bom)


def _csv(file: Prepared, bom: bool) -> Iterator[bytes]:
    first = io.StringIO()
    csv.writer(first).writerow(file.heading)
    yield ((BOM if bom else "") + first.getvalue()).encode()
    with file.connected() as connection:
        yield from (_copy if connection.dialect.name == "postgresql" else _rows_as_csv)(connection, file)


def _copy(connection: sa.Connection, file: Prepared) -> Iterator[bytes]:
    connection.exec_driver_sql(
        "SELECT set_config('TimeZone', %s, true), set_config('DateStyle', 'ISO', true)", (file.zone_name,)
    )
    texts = (_as_text(c).label(c.name) for c in file.columns)
    sql, parameters = _as_executed(connection, file.statement.with_only_columns(*texts, maintain_column_froms=True))
    with connection.connection.cursor().copy(f"COPY ({sql}) TO STDOUT (FORMAT csv)", parameters) as copy:
        portion: list[bytes] = []
        for block in copy:
            portion.append(bytes(block))
            if len(portion) == 500:  # a block is a row: some 100 kB together
                yield b"".join(portion)
                portion = []
        yield b"".join(portion)


def _as_executed(connection: sa.Connection, statement: sa.Select[Any]) -> tuple[str, Any]:
    """The SQL and parameters that SQLAlchemy would give the driver, which COPY must be told by hand."""
    caught: list[tuple[str, Any]] = []
    own = object()

    def catch(cursor: Any, sql: str, parameters: Any, context: Any) -> bool:
        if context.execution_options.get("caught_by") is not own:
            return False
        caught.append((sql, parameters))
        return True  # nothing is executed

    event.listen(connection.engine, "do_execute", catch)
    try:
        connection.execute(statement.execution_options(caught_by=own))
    finally:
        event.remove(connection.engine, "do_execute", catch)
    return caught[0]


def _as_text(column: Column) -> sa.ColumnElement[Any]:
    """The SQL of a column as the file has it; of several ways the one that a million rows bear best."""
    value = column.value
    if column.kind == "datetime":
        # to_char takes three times as long. PostgreSQL writes +04, and +05:30: the minutes are filled up.
        moment = sa.cast(sa.func.date_trunc("second", value), sa.Text)
        return sa.func.rpad(sa.func.replace(moment, " ", "T"), len("2026-11-24T14:00:00+04:00"), ":00")
    if column.kind == "bool":
        return sa.case((value, "Yes"), (value.is_(False), "No"), else_="")
    if column.kind in ("status", "choice") and column.tone is None:
        return _in_words(value)
    if column.kind in _TEXTS:
        text = sa.cast(value, sa.Text)
        return sa.case((sa.func.ascii(text).in_([ord(sign) for sign in _SIGNS]), sa.literal("'") + text), else_=text)
    return value  # type: ignore[no-any-return]


def _in_words(value: Any) -> sa.ColumnElement[Any]:
    """As ``words`` has it: the names that a column can have are said beforehand, which takes half the time."""
    spelled = sa.func.upper(sa.func.left(value, 1)).op("||")(sa.func.translate(sa.func.substr(value, 2), "_", " "))
    known = {each.value: words(each.value) for each in getattr(value.type, "members", ())}
    return sa.case(known, value=value, else_=spelled) if known else spelled


def _rows_as_csv(connection: sa.Connection, file: Prepared) -> Iterator[bytes]:
    read = readers(file.columns, file.zone_name)
    result = connection.execution_options(yield_per=2000).execute(file.statement)
    for portion in result.partitions():
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerows([[f(v) for f, v in zip(read, row, strict=True)] for row in portion])
        yield text.getvalue().encode()


def readers(columns: Sequence[Column], zone_name: str) -> list[Callable[[Any], Any]]:
    """For each column, from the database's value to the file's."""
    here = zone(zone_name)

    def moment(value: datetime | None) -> str:
        return value.astimezone(here).isoformat(timespec="seconds") if value else ""

    def plain(value: Any) -> str:
        return "" if value is None else harmless(str(value))

    def choice(value: str | None) -> str:
        return words(value) if value else ""

    def yes(value: bool | None) -> str:
        return "" if value is None else "Yes" if value else "No"

    def number(value: Any) -> Any:
        return "" if value is None else value

    def day(value: date | None) -> str:
        return value.isoformat() if value else ""

    kinds: dict[str, Callable[[Any], Any]] = {
        "datetime": moment,
        "bool": yes,
        "status": choice,
        "choice": choice,
        "number": number,
        "date": day,
    }
    return [plain if c.tone is not None else kinds.get(c.kind, plain) for c in columns]


def write_xlsx(
    query: Query, columns: Sequence[Column], path: Path, beat: Callable[[], None] = lambda: None
) -> int:  # fmt: skip
    """The same as a workbook at ``path``, row by row in constant memory; answers the number of rows.
    ``beat`` is called after every 10,000 of them.

    Times are text with their offset, as in the CSV, since a workbook's own times know no zone.
    """
    file = prepare(query, columns)
    plain = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(str(path), plain)
    sheet = book.add_worksheet(query.grid.title[:31])
    bold = book.add_format({"bold": True})
    for position, title in enumerate(file.heading):
        sheet.write_string(0, position, title, bold)
    sheet.freeze_panes(1, 0)
    read = readers(columns, file.zone_name)
    count = 0
    with file.connected() as connection:
        for row in connection.execution_options(yield_per=2000).execute(file.statement):
            count += 1
            for position, (f, value) in enumerate(zip(read, row, strict=True)):
                sheet.write(count, position, f(value))
            if count % 10_000 == 0:
                beat()
            if count == SHEET_ROWS:
                break
    book.close()
    return count
