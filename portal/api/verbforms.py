"""The form of a verb as the body of a request: from the very fields that the page asks for."""

from typing import Any

import marshmallow
from wtforms import BooleanField, DateField, IntegerField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from portal.api.fields import LONGEST, Day, Fields, Flag, Key, Moment, OneOf, Text, Whole, listed, rows_of
from portal.core.forms import RatingField, ReferenceField, WallTimeField, form_named
from portal.core.rowsfield import RowsField
from portal.core.types import LongText, PlainText


def fields_of(form: str | None) -> Fields:
    """The fields of the form called ``form``; none where a verb asks for nothing."""
    kind = form_named(form)
    if kind is None:
        return {}
    made = kind(formdata=None, meta={"csrf": False})
    return {_name(each): _field(each) for each in made if each.type not in ("HiddenField", "CSRFTokenField")}


def needs_of(form: str | None) -> dict[str, str]:
    """Which fields of the form need a permission of their own."""
    kind = form_named(form)
    return dict(kind.needs) if kind else {}


def _name(field: Any) -> str:
    return f"{field.name}_id" if isinstance(field, ReferenceField) else str(field.name)


def _field(field: Any) -> marshmallow.fields.Field[Any]:
    meaning = field.description or f"{field.label.text}."
    more = {"required": any(isinstance(each, InputRequired | DataRequired) for each in field.validators)}
    if isinstance(field, ReferenceField):
        one = Key(meaning, field.lookup_name, **({} if field.multiple else more))
        return listed(one, meaning, **more) if field.multiple else one
    if isinstance(field, RowsField):
        return rows_of(field.name.title().replace("_", ""), field.rows, meaning, **more)
    if isinstance(field, RatingField):
        return Whole(meaning, 1, 5, **more)
    if isinstance(field, IntegerField):
        return Whole(meaning, *_range(field), **more)
    if isinstance(field, SelectField):
        return OneOf([value for value, *_ in field.iter_choices() if value], meaning, **more)
    return _plain(field, meaning, more)


def _plain(field: Any, meaning: str, more: dict[str, Any]) -> marshmallow.fields.Field[Any]:
    for kind, made in ((WallTimeField, Moment), (DateField, Day), (BooleanField, Flag)):
        if isinstance(field, kind):
            return made(meaning, **more)
    if not isinstance(field, StringField):
        raise TypeError(f"the API has no word for {field.type}, the kind of {field.name}")
    limit = next((each.max for each in field.validators if isinstance(each, Length) and each.max > 0), LONGEST)
    return Text(meaning, LongText if isinstance(field, TextAreaField) else PlainText, limit, **more)


def _range(field: Any) -> tuple[int, int]:
    rule = next((each for each in field.validators if isinstance(each, NumberRange)), None)
    return (rule.min or 0, rule.max) if rule and rule.max is not None else (0, 2_000_000_000)
