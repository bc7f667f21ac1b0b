"""Create, change and delete one row of any model: cleaned, checked against its version, refused in words."""

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from portal.core.errors import Conflict, Invalid, Missing
from portal.core.rows import RowsOf
from portal.core.types import Choice, Rating, Ruled, words

M = TypeVar("M")


class Stale(Conflict):
    """The row is newer than what the user saw; ``row`` is how it stands now."""

    def __init__(self, row: Any) -> None:
        super().__init__("This was changed by somebody else while you were editing. Nothing you typed is lost.")
        self.row = row


def clean(model: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values`` as the columns want them; raises Invalid with an error for each field that breaks a rule."""
    errors, cleaned = {}, {}
    for name, value in values.items():
        try:
            cleaned[name] = _clean(model.__table__.c.get(name), value)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise Invalid(errors)
    return cleaned


def _clean(column: sa.Column[Any] | None, value: Any) -> Any:
    if column is None:
        return value
    if value is None or value == "":
        return _blank(column, value)
    kind = column.type
    if isinstance(kind, RowsOf):
        return kind.rows.clean(value)
    if isinstance(kind, Ruled):
        return _text(column, kind, str(value))
    if isinstance(kind, Choice) and value not in set(kind.members):
        raise ValueError(f"“{value}” is not one of: {', '.join(kind.members)}.")
    whole = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(kind, Rating) and not (whole and 1 <= value <= 5):
        raise ValueError("A rating is a whole number from 1 to 5.")
    if isinstance(kind, sa.Integer) and not whole:
        raise ValueError("Please give a whole number.")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise ValueError("This time needs a time zone.")
    return value


def _blank(column: sa.Column[Any], value: Any) -> Any:
    """What an empty value means: nothing where the column may be empty, else a complaint."""
    if column.nullable:
        return None
    if column.default is None or isinstance(column.type, Choice):
        raise ValueError("Please fill this in.")
    return "" if isinstance(column.type, sa.String | Ruled) else value


def _text(column: sa.Column[Any], kind: Ruled, value: str) -> str:
    value = kind.clean(value)
    limit = getattr(kind.impl, "length", None)
    if limit and len(value) > limit:
        raise ValueError(f"At most {limit} characters, please; these are {len(value)}.")
    if not value and column.default is None:
        raise ValueError("Please fill this in.")
    return value


def create(session: Any, model: type[M], values: Mapping[str, Any]) -> M:
    """A new row, flushed; raises Invalid where a rule or a uniqueness is broken."""
    row = model(**clean(model, values))
    with refusals(session, model):
        session.add(row)
        session.flush()
    return row


def update(session: Any, row: Any, values: Mapping[str, Any], version: int | None) -> Any:
    """``row`` with ``values``, flushed; raises Stale where ``version`` is not the row's, Invalid as create."""
    if version is not None and version != row.version:
        raise Stale(row)
    cleaned = clean(type(row), values)
    with refusals(session, type(row)):
        for name, value in cleaned.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
        try:
            session.flush()
        except StaleDataError:
            # Another transaction committed between our read and this UPDATE, which names the version.
            raise Conflict("This was changed by somebody else at the same moment. Please reload.") from None
    return row


def touch(row: Any) -> None:
    """Count a change of what hangs on ``row`` (a panel, members, roles) as a change of it: its version grows."""
    flag_modified(row, "updated_at")


def delete(session: Any, row: Any) -> None:
    """Remove a row that nothing refers to; raises Conflict in words otherwise."""
    name = str(row)
    try:
        with session.begin_nested():
            session.delete(row)
            session.flush()
    except IntegrityError:
        instead = " Take it out of use instead: untick “Active”." if hasattr(type(row), "active") else ""
        raise Conflict(f"“{name}” is in use and cannot be deleted.{instead}") from None
    except StaleDataError:
        raise Missing from None


@contextlib.contextmanager
def refusals(session: Any, model: Any) -> Iterator[None]:
    """Turn the database's refusal of a row into an error beside the field that caused it."""
    try:
        with session.begin_nested():  # what the caller did before stays
            yield
    except IntegrityError as error:
        raise Invalid(_explain(model, error)) from None


def _explain(model: Any, error: IntegrityError) -> dict[str, str]:
    text = str(error.orig)
    for constraint in model.__table__.constraints:
        names = [column.name for column in constraint.columns]
        sqlite = "UNIQUE constraint failed: " + ", ".join(f"{model.__tablename__}.{name}" for name in names)
        if isinstance(constraint, sa.UniqueConstraint) and (str(constraint.name) in text or sqlite in text):
            field = names[-1] if names[-1] != "tenant_id" else names[0]
            what = words(field.removesuffix("_id")).lower()
            return {field: f"There is one with this {what} already."}
    for constraint in model.__table__.constraints:
        if isinstance(constraint, sa.CheckConstraint) and str(constraint.name) in text:
            return {"": f"This is not possible: {words(str(constraint.name)).lower()}."}
    return {"": "This refers to something that does not exist, or breaks a rule of the records."}
