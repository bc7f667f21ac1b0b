"""From a grid's address (?q=, filters, sort, page) to SQL that stays fast at a million rows.

The keys of one page are found first, over an index that covers filter and order, and only then the rows by key.
Counting stops at ``COUNT_CAP``. Everything goes through ``scoped``, so page, export, look-up and bulk action
see the same rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from types import FunctionType
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from portal.admin.grid import PAGE_SIZES, Column, Filter, Grid
from portal.core import access, wall
from portal.core.db import among
from portal.core.plans import planned_anew
from portal.core.tenancy import tenant_id
from portal.core.types import fold, zone

COUNT_CAP = 10_000
DEFAULT_SIZE = 50

PRESETS: dict[str, tuple[str, int, int]] = {  # name -> label, first day, day after the last, from today
    "today": ("Today", 0, 1),
    "tomorrow": ("Tomorrow", 1, 2),
    "next_7_days": ("Next 7 days", 0, 7),
    "next_30_days": ("Next 30 days", 0, 30),
    "last_7_days": ("Last 7 days", -7, 0),
    "last_30_days": ("Last 30 days", -30, 0),
}
_AHEAD = frozenset({"today", "tomorrow", "next_7_days", "next_30_days"})


@dataclass(frozen=True)
class Query:
    """What a grid's address asks for, cleaned: unknown names are dropped, numbers clamped."""

    grid: Grid
    user: Any
    at: datetime
    q: str = ""
    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = ""
    page: int = 1
    size: int = DEFAULT_SIZE
    cols: tuple[str, ...] = ()
    only: tuple[UUID, ...] = ()  # ticked rows; () means all that match
    more: tuple[sa.ColumnElement[bool], ...] = ()  # further conditions, of those who ask otherwise than by an address
    order: tuple[Any, ...] = ()  # an order of their own

    @classmethod
    def parse(cls, grid: Grid, args: MultiDict[str, str], user: Any, at: datetime) -> "Query":
        values = []
        for each in permitted(grid.filters, user):
            for name in names_of(each):
                if given := tuple(v for v in args.getlist(name) if v.strip() and "\x00" not in v):
                    values.append((name, given[:200]))
        size = _number(args.get("size"), DEFAULT_SIZE)
        columns = {c.name for c in permitted(grid.columns, user)}
        return cls(
            grid, user, at,
            q=args.get("q", "").replace("\x00", "").strip()[:200],
            values=tuple(values),
            sort=_sort(grid, args.get("sort", ""), user),
            page=min(max(1, _number(args.get("page"), 1)), 1_000_000),
            size=size if size in PAGE_SIZES else DEFAULT_SIZE,
            cols=tuple(c for c in dict.fromkeys(args.getlist("cols")) if c in columns),
        )  # fmt: skip

    def get(self, name: str) -> tuple[str, ...]:
        return next((given for key, given in self.values if key == name), ())

    def without(self, *names: str) -> "Query":
        return replace(self, values=tuple((k, v) for k, v in self.values if k not in names), page=1)

    def pairs(self) -> list[tuple[str, str]]:
        """The address's arguments, defaults left out; the page is not among them."""
        found = [("q", self.q)] if self.q else []
        found += [(name, value) for name, given in self.values for value in given]
        if self.sort and self.sort != self.usual_sort:
            found.append(("sort", self.sort))
        if self.size != DEFAULT_SIZE:
            found.append(("size", str(self.size)))
        return found + [("cols", name) for name in self.cols]

    def url(self, **changes: Any) -> str:
        """The address of this query with ``changes``, on its first page unless said otherwise."""
        changed = replace(self, **changes) if changes else self
        pairs = changed.pairs() + ([("page", str(changes["page"]))] if changes.get("page", 1) > 1 else [])
        return self.grid.url + (f"?{urlencode(pairs)}" if pairs else "")

    @property
    def usual_sort(self) -> str:
        """The grid's own, but the nearest first where days ahead are asked for."""
        own = self.grid.default_sort
        column = self.grid.column(own.removeprefix("-"))
        for each in self.grid.filters:
            if column and each.column is column.value and not each.past and _AHEAD.intersection(self.get(each.name)):
                return column.name
        return own

    @property
    def string(self) -> str:
        return urlencode(self.pairs())

    def columns(self) -> list[Column]:
        """The columns to show: those asked for, else those shown by default."""
        offered = [c for c in permitted(self.grid.columns, self.user) if not c.only_details]
        chosen = [c for c in offered if c.name in self.cols] if self.cols else [c for c in offered if c.shown]
        return settled(chosen or offered[:1], self.user)


def _number(text: str | None, default: int) -> int:
    try:
        return int(text or default)
    except ValueError:
        return default


def _sort(grid: Grid, wanted: str, user: Any) -> str:
    """The sort that is asked for; '' where it is none that is offered."""
    column = grid.column(wanted.removeprefix("-"))
    may = column is not None and column.sort and list(permitted([column], user))
    return wanted if may else ""


def permitted(items: Iterable[Any], user: Any) -> list[Any]:
    """Those columns, filters or fields that the user's roles permit."""
    return [item for item in items if not item.permission or access.may(user, item.permission)]


def settled(columns: Iterable[Column], user: Any) -> list[Column]:
    """The columns with their SQL for this reader, where it depends on who reads."""
    return [replace(c, value=c.value(user)) if isinstance(c.value, FunctionType) else c for c in columns]


def names_of(each: Filter) -> tuple[str, ...]:
    return (each.name, f"{each.name}_from", f"{each.name}_to") if each.kind == "date" else (each.name,)


# -- conditions ---------------------------------------------------------------------------------------


def scoped(query: Query, *permissions: str) -> sa.Select[Any]:
    """Keys of the rows that match the query and lie within the user's scope; no order yet."""
    return narrow(sa.select(query.grid.model.id), query, *permissions)


def narrow(statement: sa.Select[Any], query: Query, *permissions: str, joins: Iterable[str] = ()) -> sa.Select[Any]:
    """``statement`` over the grid's model, joined as ``joins`` and the filters want, and narrowed to the query."""
    grid, conditions, wanted = query.grid, _search(query), set(joins)
    for each in permitted(grid.filters, query.user):
        condition = _condition(each, query)
        if condition is not None:
            conditions.append(condition)
            wanted.update(each.joins)
    if query.only:
        conditions.append(grid.model.id.in_(query.only))
    conditions.extend(query.more)
    # The session filters by tenant too; here it is said because counts and bulk actions nest this select.
    statement = join(statement, grid, wanted).where(grid.model.tenant_id == tenant_id())
    return access.scope(statement, grid.model, query.user, *permissions).where(*conditions)


def join(statement: sa.Select[Any], grid: Grid, names: Iterable[str]) -> sa.Select[Any]:
    """``statement`` with the grid's joins of these names and what they stand on."""
    wanted: dict[str, None] = {}

    def want(name: str) -> None:
        for first in grid.after.get(name, ()):
            want(first)
        wanted[name] = None

    for name in sorted(names):
        want(name)
    statement = statement.select_from(grid.model)
    for name in wanted:
        entity, on, outer = grid.joins[name]
        statement = statement.join(entity, on, isouter=outer)
    return statement


def _search(query: Query) -> list[sa.ColumnElement[bool]]:
    """Each word must occur somewhere; a row is found through any of the grid's searched texts."""
    conditions: list[sa.ColumnElement[bool]] = []
    for word in fold(query.q).split()[:6] if query.grid.search else ():
        pattern = "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found = [source(pattern) for source in query.grid.search]
        keys = found[0] if len(found) == 1 else sa.select(sa.union(*found).subquery().c[0])
        conditions.append(query.grid.model.id.in_(keys))
    return conditions


def _condition(each: Filter, query: Query) -> sa.ColumnElement[bool] | None:
    if each.kind == "date":
        return _dates(each, query)
    given = query.get(each.name)
    if not given:
        return None
    if each.where is not None:
        return sa.or_(*(each.where(value) for value in given))
    if each.kind == "reference":
        return each.column.in_([key for value in given if (key := to_key(value))])  # type: ignore[no-any-return]
    if each.kind == "bool":
        return each.column.is_(given[0] == "1")  # type: ignore[no-any-return]
    if each.kind == "text":
        return each.column.ilike(f"%{given[0]}%")  # type: ignore[no-any-return]
    return each.column.in_(given) if len(given) > 1 else each.column == given[0]  # type: ignore[no-any-return]


def to_key(text: str) -> UUID | None:
    """The key that ``text`` writes; None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _dates(each: Filter, query: Query) -> sa.ColumnElement[bool] | None:
    """A preset counts days on the user's own calendar; ``overdue`` is what the filter says it is."""
    preset = (query.get(each.name) or ("",))[0]
    if preset == "overdue" and each.overdue is not None:
        return each.overdue()
    here = zone(query.user.timezone)
    today = query.at.astimezone(here).date()
    first, end = None, None
    if preset in PRESETS:
        _, start, stop = PRESETS[preset]
        first, end = today + timedelta(days=start), today + timedelta(days=stop)
    for name, value in ((f"{each.name}_from", "first"), (f"{each.name}_to", "end")):
        day = _day((query.get(name) or ("",))[0])
        if day and value == "first":
            first = day
        elif day:
            end = day + timedelta(days=1)
    parts = []
    if first:
        parts.append(each.column >= _bound(each, first, here))
    if end:
        parts.append(each.column < _bound(each, end, here))
    return sa.and_(*parts) if parts else None


def _bound(each: Filter, day: date, here: Any) -> Any:
    if isinstance(each.column.type, sa.Date):
        return day
    return datetime.combine(day, time(), here).astimezone(UTC)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 1900 < day.year < 9000 else None


# -- one page -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """The rows of one page; ``total`` stops at COUNT_CAP, and ``more`` tells whether a page follows."""

    rows: Sequence[Any]
    total: int
    capped: bool
    more: bool


def order_by(query: Query) -> list[Any]:
    """The sort with the key as tie-break, so that pages never repeat or skip a row."""
    if query.order:
        return [*query.order, query.grid.model.id]
    name = query.sort or query.usual_sort
    column = query.grid.column(name.removeprefix("-"))
    key = query.grid.model.id
    parts = [column.value, key] if column is not None and column.name != "id" else [key]
    return [part.desc() if name.startswith("-") else part.asc() for part in parts]


def fetch_page(session: Any, query: Query) -> Page:
    """One page: three statements at most, whatever the number of rows."""
    with wall.lifted(session) if query.q else planned_anew():
        keys, total = find_keys(session, query)
    rows = fetch_rows(session, query.grid, query.columns(), keys[: query.size], query.user)
    return Page(rows, min(total, COUNT_CAP), total > COUNT_CAP, len(keys) > query.size)


def find_keys(session: Any, query: Query) -> tuple[list[UUID], int]:
    """The keys of a page and of the row after it, and how many match; the count stops one above COUNT_CAP."""
    statement = scoped(query)
    found = statement.order_by(*order_by(query)).offset((query.page - 1) * query.size).limit(query.size + 1)
    keys = session.scalars(found).all()
    if query.page == 1 and len(keys) <= query.size:
        return keys, len(keys)
    counted = _as_many(query, statement).limit(COUNT_CAP + 1).subquery()
    return keys, session.scalar(sa.select(sa.func.count()).select_from(counted))


def _as_many(query: Query, statement: sa.Select[Any]) -> sa.Select[Any]:
    """What to count for ``statement``, the keys that match: faster where one filter alone narrows the whole grid."""
    grid = query.grid
    narrowed = query.q or query.only or len(query.values) != 1 or len(query.values[0][1]) != 1
    if narrowed or access.visible(grid.model, query.user, f"read:{grid.resource}") is not sa.true():
        return statement
    (name, (value,)) = query.values[0]
    alone = next((each.alone for each in grid.filters if each.name == name), None)
    return alone(value) if alone else statement


def selection(grid: Grid, columns: Sequence[Column], user: Any) -> sa.Select[Any]:
    """A select of the columns (with the keys that links need, and whether the user may change the row)."""
    wanted = [c.value.label(c.name) for c in columns]
    wanted += [c.link_id.label(f"{c.name}__id") for c in columns if c.link_id is not None]
    wanted += [c.tone.label(f"{c.name}__tone") for c in columns if c.tone is not None]
    may_change = access.visible(grid.model, user, *grid.write, rowwise=True) if grid.write else sa.false()
    statement = sa.select(grid.model.id.label("id__"), may_change.label("may_change__"), *wanted)
    return join(statement, grid, {name for c in columns for name in c.joins})


def fetch_rows(
    session: Any, grid: Grid, columns: Sequence[Column], keys: Sequence[UUID], user: Any
) -> list[Any]:  # fmt: skip
    """The rows with these keys, in the order of the keys."""
    if not keys:
        return []
    found = session.execute(selection(grid, columns, user).where(among(session, grid.model.id, keys))).all()
    by_key = {row.id__: row for row in found}
    return [by_key[key] for key in keys if key in by_key]
