"""What a value of the API may be: marshmallow fields that check what comes in, and say in the document what goes out.

Types, sizes and formats are judged here, strictly: a number in quotes is no number. What a column's own rule asks for
besides (an address, a zone) is judged where it is kept, as for the forms.
"""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from portal.core.rows import Rows
from portal.core.types import LongText, PlainText, Ruled

LONGEST = 100_000  # characters of a text that has no limit of its own
_MOMENT = re.compile(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)$", re.ASCII)
_DAY = re.compile(r"^\d{4}-\d\d-\d\d$", re.ASCII)
_KEY = re.compile(r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", re.ASCII)
_MESSAGES = {
    "required": "Please fill this in.",
    "null": "This cannot be null. Leave it out to keep what is there.",
}

Fields = dict[str, fields.Field[Any]]


class Strict(Schema):
    """A body: each field that it does not know is named in the error."""

    class Meta:
        unknown = RAISE

    error_messages = {
        "unknown": "There is no such field.",
        "type": "Please send a JSON object.",
    }


def schema(name: str, given: Fields) -> type[Schema]:
    """The schema of a body called ``name`` in the document."""
    return Strict.from_dict(dict(given), name=name)


def options(more: dict[str, Any], meaning: str, **described: Any) -> dict[str, Any]:
    more.setdefault("error_messages", {})
    more["error_messages"] = {**_MESSAGES, **more["error_messages"]}
    more["metadata"] = {**({"description": meaning} if meaning else {}), **described, **more.pop("metadata", {})}
    return more


class Text(fields.String):
    """A text; control characters and halves of characters go."""

    def __init__(self, meaning: str = "", kind: type[Ruled] = LongText, limit: int = LONGEST, **more: Any) -> None:
        self.cleaner = PlainText if issubclass(kind, PlainText) else LongText
        rules = [validate.Length(max=limit, error="At most {max} characters, please."), *more.pop("validate", [])]
        self.limit = limit
        described = {"format": _FORMATS[kind.kind]} if kind.kind in _FORMATS else {}
        super().__init__(validate=rules, **options(more, meaning, **described))

    default_error_messages = {"invalid": "Please give a text."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        cleaned = self.cleaner.clean(value)
        return value if len(value) > self.limit else cleaned  # what is sent counts, for its length


_FORMATS = {"email": "email", "url": "uri"}


class Whole(fields.Integer):
    """A whole number; ``1.0`` is one, ``"1"`` and ``true`` are none."""

    def __init__(self, meaning: str = "", least: int = 0, most: int = 2_000_000_000, **more: Any) -> None:
        rule = validate.Range(least, most, error=f"From {least} to {most}, please.")
        super().__init__(validate=rule, **options(more, meaning))

    default_error_messages = {"invalid": "Please give a whole number."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class Flag(fields.Boolean):
    def __init__(self, meaning: str = "", **more: Any) -> None:
        super().__init__(**options(more, meaning))

    default_error_messages = {"invalid": "Please give true or false."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class OneOf(fields.String):
    def __init__(self, choices: Any, meaning: str = "", **more: Any) -> None:
        self.choices = [str(each) for each in choices]
        rule = validate.OneOf(self.choices, error="Please give one of: {choices}.")
        super().__init__(validate=rule, **options(more, meaning))

    default_error_messages = {"invalid": "Please give a text."}


class Key(fields.UUID):
    """The id of a row; ``lookup`` names the list that it is chosen from."""

    def __init__(self, meaning: str = "", lookup: str = "", **more: Any) -> None:
        self.lookup = lookup
        super().__init__(**options(more, meaning))

    default_error_messages = {"invalid_uuid": "Please give an id, such as 0192f3a4-5b6c-7d8e-9f01-23456789abcd."}

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, str) or not _KEY.match(value):
            raise self.make_error("invalid_uuid")
        return UUID(value)


class Moment(fields.AwareDateTime):
    """A time with its offset from UTC (RFC 3339)."""

    def __init__(self, meaning: str = "", **more: Any) -> None:
        super().__init__(**options(more, meaning))

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        try:
            return moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def moment(value: Any) -> datetime:
    """The UTC time that a text with an offset writes; raises ValueError in words."""
    wrong = ValueError("Please give a time with its offset, such as 2026-11-24T14:00:00+04:00.")
    if not isinstance(value, str) or not _MOMENT.match(value):
        raise wrong
    try:
        at = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong from None
    if not 1900 < at.year < 9000:
        raise ValueError("Please give a year between 1901 and 8999.")
    return at


class Day(fields.Date):
    def __init__(self, meaning: str = "", **more: Any) -> None:
        super().__init__(**options(more, meaning))

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        try:
            return day(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def day(value: Any) -> date:
    """The day that a text writes; raises ValueError in words."""
    wrong = ValueError("Please give a date, such as 2026-11-24.")
    if not isinstance(value, str) or not _DAY.match(value):
        raise wrong
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise wrong from None
    if not 1900 < found.year < 9000:
        raise ValueError("Please give a year between 1901 and 8999.")
    return found


class MomentOrDay(fields.String):
    """A time with its offset, or a day on the reader's own calendar."""

    def __init__(self, meaning: str = "", **more: Any) -> None:
        super().__init__(**options(more, meaning))

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        try:
            return day(value) if isinstance(value, str) and _DAY.match(value) else moment(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def listed(item: fields.Field[Any], meaning: str = "", most: int = 100, **more: Any) -> fields.Field[Any]:
    """A list of ``item``, at most ``most``."""
    rule = validate.Length(max=most, error="At most {max} of these, please.")
    messages = {"invalid": "Please give a list."}
    return fields.List(item, validate=rule, **options({"error_messages": messages, **more}, meaning))


def record(name: str, given: Fields, meaning: str = "", **more: Any) -> fields.Field[Any]:
    """An object with fields of its own, called ``name`` in the document."""
    messages = {"type": "Please give a JSON object."}
    return fields.Nested(schema(name, given), **options({"error_messages": messages, **more}, meaning))


def told(name: str, given: Fields, meaning: str = "", **more: Any) -> fields.Field[Any]:
    """An object in an answer, which has all of its fields."""
    for each in given.values():
        each.required = True
    return record(name, given, meaning, **more)


def rows_of(name: str, rows: Rows, meaning: str = "", **more: Any) -> fields.Field[Any]:
    """A list of small records, or of the values of their one cell."""
    cells: Fields = {
        cell.name: Whole(_cell(cell), *cell.whole) if cell.whole else Text(_cell(cell), limit=cell.limit)
        for cell in rows.cells
    }
    item = next(iter(cells.values())) if rows.plain else record(name, cells)
    return listed(item, meaning, rows.most, **more)


def camel(name: str) -> str:
    """``focus_areas`` as components are named: ``FocusAreas``."""
    return name.title().replace("_", "")


def _cell(cell: Any) -> str:
    needed = ", required" if cell.required else ""
    return f"{cell.label}{needed}{', once in the list' if cell.unique else ''}."


# --- errors -------------------------------------------------------------------------------------------


def flat(errors: Any, prefix: str = "") -> dict[str, list[str]]:
    """Marshmallow's errors as {dotted field: [sentences]}; ``''`` is what concerns the whole."""
    if isinstance(errors, list):
        return {prefix: [str(text) for text in errors]}
    found: dict[str, list[str]] = {}
    for name, inner in errors.items():
        own = "" if name == "_schema" else str(name)
        found |= flat(inner, ".".join(part for part in (prefix, own) if part))
    return found
