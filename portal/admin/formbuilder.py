"""A form from a grid's declaration: each field's kind and rules follow from the model's column."""

from typing import Any

import sqlalchemy as sa
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    Field,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
    TimeField,
    URLField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, StopValidation

from portal.admin.grid import FormField, Grid
from portal.core.forms import (
    ColourField,
    PortalForm,
    RatingField,
    ReferenceField,
    WallTimeField,
    Within,
    ZoneField,
    choices,
)
from portal.core.rows import RowsOf
from portal.core.rowsfield import RowsField
from portal.core.types import Choice, Rating, Ruled, UtcDateTime, words

_TEXTS: dict[str, type[Field]] = {
    "text": StringField, "textarea": TextAreaField, "rich": TextAreaField, "email": EmailField, "url": URLField,
}  # fmt: skip


class RecordForm(PortalForm):
    """The base of every record's form; ``row_version`` is what the user saw."""

    row_version = HiddenField()

    def values(self) -> dict[str, Any]:
        """What was entered, by field; the actions clean and check it further."""
        return {f.name: f.data for f in self if f.name not in ("csrf_token", "row_version")}


class Clean:
    """The rule of a column's type, as a validator: the field then holds the cleaned value."""

    def __init__(self, kind: Ruled) -> None:
        self.kind = kind

    def __call__(self, form: Any, field: Any) -> None:
        if not field.data:
            return
        try:
            field.data = self.kind.clean(field.data)
        except ValueError as error:
            raise StopValidation(str(error)) from None


def build(grid: Grid, page: str) -> type[RecordForm]:
    """The form class of the grid's ``page`` (new or edit), with all its fields."""
    fields = {each.name: _field(grid, each) for _, group in grid.sections for each in group if page in each.on}
    return type(f"{grid.model.__name__}Form", (RecordForm,), fields)


def _field(grid: Grid, each: FormField) -> Any:
    column = grid.model.__table__.c.get(each.name)
    label = each.label or words(each.name.removesuffix("_id"))
    required = _required(column) if each.required is None else each.required
    validators: list[Any] = [InputRequired("Please fill this in.") if required else Optional()]
    more: dict[str, Any] = {"description": each.help}
    if each.field:
        return each.field(label, validators, **more)
    if each.lookup:
        return ReferenceField(label, validators, lookup=each.lookup, multiple=each.multiple, **more)
    if each.kind:
        return _special(each, label, validators, more)
    assert column is not None, f"{grid.path}: no column {each.name}"
    kind = column.type
    if isinstance(kind, Ruled):
        return _text(kind, label, validators, more, required)
    if isinstance(kind, Choice):
        blank = None if required else "—"
        initial = column.default.arg if column.default is not None and column.default.is_scalar else None
        return SelectField(label, validators, choices=choices(kind.members, blank), default=initial, **more)
    if isinstance(kind, Rating):
        ratings = [SelectChoice("", "–"), *(SelectChoice(str(n), str(n)) for n in range(1, 6))]
        return RatingField(label, validators, choices=ratings, coerce=_whole, **more)
    if isinstance(kind, RowsOf):
        return RowsField(label, rows=kind.rows, **more)
    if isinstance(kind, UtcDateTime):
        return WallTimeField(label, validators, zone_field=each.zone_field, **more)
    return _plain(column, label, validators, more)


def _required(column: Any) -> bool:
    if column is None or column.nullable or isinstance(column.type, sa.Boolean):
        return False
    return column.default is None or isinstance(column.type, Choice | sa.Integer)


def _text(kind: Ruled, label: str, validators: list[Any], more: dict[str, Any], required: bool) -> Any:
    if kind.kind == "zone":
        return ZoneField(label, validators, optional=not required, **more)
    limit = getattr(kind.impl, "length", None)
    rules = [Length(max=limit, message="At most %(max)d characters, please.")] if limit else []
    return _TEXTS[kind.kind](label, [*validators, *rules, Clean(kind)], **more)


def _plain(column: Any, label: str, validators: list[Any], more: dict[str, Any]) -> Any:
    initial = column.default.arg if column.default is not None and column.default.is_scalar else None
    if isinstance(column.type, sa.Boolean):
        return BooleanField(label, default=bool(initial), **more)
    if isinstance(column.type, sa.Integer):
        rule = Within(0, 2_000_000_000, message="Please give a whole number of 0 or more.")
        return IntegerField(label, [*validators, rule], default=initial, **more)
    if isinstance(column.type, sa.Date):
        return DateField(label, validators, **more)
    return StringField(label, validators, default=initial, **more)


def _special(each: FormField, label: str, validators: list[Any], more: dict[str, Any]) -> Any:
    if each.kind == "bool":
        return BooleanField(label, **more)
    if each.kind == "text":
        return StringField(label, [*validators, Length(max=500, message="At most %(max)d characters, please.")], **more)
    if each.kind == "password":
        return PasswordField(label, [*validators, Length(max=1000)], **more)
    if each.kind == "date":
        return DateField(label, validators, invalid_value_message="Please give a date, such as 2026-11-24.", **more)
    if each.kind == "time":
        more |= {"format": ["%H:%M", "%H:%M:%S"], "invalid_value_message": "Please give a time, such as 14:00."}
        return TimeField(label, validators, **more)
    if each.kind == "select":
        return SelectField(label, validators, choices=each.choices, **more)
    if each.kind == "colour":
        return ColourField(label, validators, **more)
    raise ValueError(f"no field of kind {each.kind}")


def _whole(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None
