"""Lists: from the arguments of an address to one page of rows, by the very filters, sorts and searches of the grid."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from portal.admin.grid import Filter, Grid
from portal.admin.query import COUNT_CAP, Query, find_keys
from portal.api.endpoint import Answer, Call, Param
from portal.api.fields import Flag, Key, MomentOrDay, OneOf, Text, Whole
from portal.core import wall
from portal.core.types import PlainText, UtcDateTime, zone

SIZE, LARGEST = 50, 200
DEEPEST = 1_000_000
PAGING = (
    Param("page", Whole("The page, from 1.", 1, DEEPEST)),
    Param("page_size", Whole(f"How many rows a page has; {SIZE} unless said otherwise.", 1, LARGEST)),
)
Conditions = Sequence[sa.ColumnElement[bool]]


def params_of(grid: Grid, choices: Any) -> tuple[Param, ...]:
    """What a list of the grid's rows may be asked."""
    sorts = [name for column in grid.columns if column.sort for name in (column.name, f"-{column.name}")]
    found = [*PAGING, Param("sort", OneOf(sorts, "What to sort by; with a minus, the other way round."))]
    if grid.search:
        told = f"Words that must all occur: {grid.search_hint[:1].lower()}{grid.search_hint[1:]}."
        found.append(Param("q", Text(told, PlainText, 200)))
    for each in grid.filters:
        found += _params(each, choices)
    return tuple(found)


def name_of(each: Filter) -> str:
    """A filter is called after the field that it compares."""
    if each.column is not None:
        return str(each.column.key)
    return f"{each.name}_id" if each.kind == "reference" else each.name


def _params(each: Filter, choices: Any) -> list[Param]:
    name, needs = name_of(each), each.permission
    if each.kind == "date":
        told = "a time with its offset, or a day on your own calendar"
        return [
            Param(f"{name}_from", MomentOrDay(f"{each.label} no earlier than this: {told}."), needs=needs),
            Param(f"{name}_to", MomentOrDay(f"{each.label} no later than this: {told}."), needs=needs),
        ]
    if each.kind == "reference":
        return [Param(name, Key(f"{each.label}: only rows with one of these ids."), True, needs)]
    if each.kind == "bool":
        return [Param(name, Flag(f"{each.label}, or not."), needs=needs)]
    if each.kind == "text":
        return [Param(name, Text(f"{each.label} contains this.", PlainText, 200), needs=needs)]
    offered = choices.get(name) or [value for value, _ in each.choices]
    return [Param(name, OneOf(offered, f"{each.label}: only rows with one of these."), True, needs)]


# --- one page -------------------------------------------------------------------------------------------


def page(call: Call, grid: Grid, shape: Any, *, conditions: Conditions = (), sort: str = "", order: Any = ()) -> Answer:
    """The page that the call asks for, of rows within the user's scope that also meet ``conditions``."""
    query = _query(call, grid, conditions, sort, order)
    if query.q:
        with wall.lifted(call.session):
            keys, total = find_keys(call.session, query)
    else:
        keys, total = find_keys(call.session, query)
    rows = shape.of(call.user).rows(call.session, keys[: query.size], call.user, call.change.at)
    return Answer({
        "items": rows, "page": query.page, "page_size": query.size, "total": min(total, COUNT_CAP),
        "total_is_capped": total > COUNT_CAP,
    })  # fmt: skip


def page_of(call: Call, keys: sa.Select[Any], shape: Any) -> Answer:
    """A page of the rows whose keys an ordered select finds."""
    number, size = call.args.get("page", 1), call.args.get("page_size", SIZE)
    found = list(call.session.scalars(keys.offset((number - 1) * size).limit(size)))
    total = call.session.scalar(sa.select(sa.func.count()).select_from(keys.limit(COUNT_CAP + 1).subquery()))
    rows = shape.of(call.user).rows(call.session, found, call.user, call.change.at)
    return Answer({"items": rows, "page": number, "page_size": size, "total": min(total, COUNT_CAP),
                   "total_is_capped": total > COUNT_CAP})  # fmt: skip


def _query(call: Call, grid: Grid, conditions: Conditions, sort: str, order: Any) -> Query:
    values: list[tuple[str, tuple[str, ...]]] = []
    more = list(conditions)
    for each in grid.filters:
        name = name_of(each)
        if each.kind == "date":
            more += _between(each, name, call)
        elif name in call.args:
            values.append((each.name, _as_texts(call.args[name])))
    return Query(
        grid, call.user, call.change.at, q=call.args.get("q", ""), values=tuple(values),
        sort=call.args.get("sort") or sort, page=call.args.get("page", 1), size=call.args.get("page_size", SIZE),
        more=tuple(more), order=() if call.args.get("sort") else tuple(order),
    )  # fmt: skip


def _as_texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, bool):
        return ("1" if value else "0",)
    return tuple(str(each) for each in value) if isinstance(value, list) else (str(value),)


def _between(each: Filter, name: str, call: Call) -> list[sa.ColumnElement[bool]]:
    found = []
    for argument, compare in ((f"{name}_from", _from), (f"{name}_to", _to)):
        if (given := call.args.get(argument)) is not None:
            found.append(compare(each.column, given, call.user.timezone))
    return found


def _from(column: Any, given: Any, zone_name: str) -> Any:
    return column >= _bound(column, given, zone_name)


def _to(column: Any, given: Any, zone_name: str) -> Any:
    """A day counts to its end."""
    if isinstance(given, datetime) or not isinstance(column.type, UtcDateTime):
        return column <= _bound(column, given, zone_name)
    return column < _bound(column, given + timedelta(days=1), zone_name)


def _bound(column: Any, given: date | datetime, zone_name: str) -> Any:
    here = zone(zone_name)
    if not isinstance(column.type, UtcDateTime):
        return given.astimezone(here).date() if isinstance(given, datetime) else given
    return given if isinstance(given, datetime) else datetime.combine(given, time(), here).astimezone(UTC)
