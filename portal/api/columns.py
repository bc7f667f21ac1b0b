"""Fields of the API from the columns of models, and from the forms of grids."""

from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from marshmallow import fields

from portal.admin.grid import FormField, Grid
from portal.api.fields import (
    LONGEST,
    Day,
    Fields,
    Flag,
    Key,
    Moment,
    OneOf,
    Text,
    Whole,
    camel,
    listed,
    options,
    rows_of,
)
from portal.core.rows import RowsOf
from portal.core.types import Choice, PlainText, Rating, RichText, Ruled, UtcDateTime

_OF_TYPE: tuple[tuple[Any, Callable[..., fields.Field[Any]]], ...] = (
    (sa.Boolean, Flag),
    (UtcDateTime, Moment),
    (sa.Date, Day),
    (sa.Uuid, Key),
)


def of_column(column: Any, meaning: str, name: str = "", **more: Any) -> fields.Field[Any]:
    """The field of a model's column."""
    kind = column.type
    if isinstance(kind, Choice):
        return OneOf(kind.members, meaning, **more)
    if isinstance(kind, RowsOf):
        return rows_of(name, kind.rows, meaning, **more)
    if isinstance(kind, Rating):
        return Whole(meaning, 1, 5, **more)
    if isinstance(kind, Ruled):
        limit = getattr(kind.impl, "length", None) or LONGEST
        return Text(_told(meaning, kind), type(kind), limit, **more)
    for known, field in _OF_TYPE:
        if isinstance(kind, known):
            return field(meaning, **more)
    if isinstance(kind, sa.Integer):
        return Whole(meaning, **more)
    if isinstance(kind, sa.JSON):
        return fields.Raw(**options(more, meaning))
    return Text(meaning, PlainText, getattr(kind, "length", None) or LONGEST, **more)


def _told(meaning: str, kind: Ruled) -> str:
    if isinstance(kind, RichText):
        return f"{meaning} A small set of HTML tags is kept: {', '.join(sorted(kind.tags))}."
    return f"{meaning} An IANA name, such as Europe/Berlin." if kind.kind == "zone" else meaning


def of_form(
    grid: Grid, page: str, meanings: Mapping[str, str], special: Mapping[str, fields.Field[Any] | None]
) -> Fields:
    """The fields of a grid's form as the API takes them; ``special`` says which are otherwise, or (None) not there."""
    found: Fields = {}
    for each in (each for _, group in grid.sections for each in group if page in each.on):
        if each.name in special:
            if (own := special[each.name]) is not None:
                found[each.name] = own
        else:
            found[each.name] = _of_form_field(grid, each, page, meanings)
    for name, own in special.items():
        if own is not None and name not in found:
            found[name] = own
    return found


def _of_form_field(grid: Grid, each: FormField, page: str, meanings: Mapping[str, str]) -> fields.Field[Any]:
    column = grid.model.__table__.c.get(each.name)
    meaning = meanings.get(each.name) or each.help or each.label
    nullable = column is not None and column.nullable
    needed = page == "new" and _is_required(each, column)
    more: dict[str, Any] = {"required": needed, "allow_none": nullable and not needed}
    if each.lookup:
        one = Key(meaning, each.lookup, **({} if each.multiple else more))
        return listed(one, meaning, **more) if each.multiple else one
    if each.kind == "bool":
        return Flag(meaning, **more)
    if column is None:
        return Text(meaning, PlainText, 500, **more)
    return of_column(column, meaning, f"{page.title()}{grid.model.__name__}{camel(each.name)}", **more)


def _is_required(each: FormField, column: Any) -> bool:
    if each.required is False or column is None:
        return bool(each.required)
    return not column.nullable and column.default is None
