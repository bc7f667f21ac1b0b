"""Rows as JSON: core columns with the labels of what they refer to, in one statement whatever their number."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from portal.api.columns import of_column
from portal.api.fields import camel
from portal.core import access
from portal.core.tenancy import tenant_id

Label = Callable[[Any], sa.ColumnElement[Any]]
_labels: dict[str, Label] = {}


def label(model: Any, made: Label) -> None:
    """Say how rows of ``model`` are called where others refer to them: (its table, or an alias of it) -> SQL."""
    _labels[model.__tablename__] = made


_parts: dict[Any, list[Any]] = defaultdict(list)


def add_part(model: Any, part: "Part") -> None:
    """Let a higher feature add to the answers of a lower one's rows."""
    if part not in _parts[model]:
        _parts[model].append(part)


def parts_of(model: Any) -> tuple["Part", ...]:
    return tuple(_parts[model])


@dataclass(frozen=True)
class Derived:
    """What follows from the row itself: (row, user, at) -> value. ``meaning`` and ``field`` describe it."""

    name: str
    field: Any
    value: Callable[[Mapping[str, Any], Any, Any], Any]


@dataclass(frozen=True)
class Joined:
    """A further column, as SQL over the model's table; ``permission`` hides it from those without. ``read`` makes the
    value of what the database answers, where that is not it already."""

    name: str
    field: Any
    value: Callable[[Any], sa.ColumnElement[Any]]
    permission: str = ""
    read: Callable[[Any], Any] | None = None


@dataclass(frozen=True)
class Loaded:
    """What hangs on the rows, for all of them at once: (session, keys, user, at) -> {key: value}.
    ``alone``: only in the answer of one row."""

    name: str
    field: Any
    load: Callable[[Any, Sequence[UUID], Any, Any], Mapping[UUID, Any]]
    empty: Any = None
    alone: bool = False


Part = Derived | Joined | Loaded
_HIDDEN = frozenset({"tenant_id", "search_text"})


@dataclass(frozen=True)
class Shape:
    """How a model's rows are answered: all of its columns but ``hides`` and what is secret, and ``parts`` besides.
    ``closed``: column -> the permission without which it is left out."""

    model: Any
    hides: frozenset[str] = frozenset()
    closed: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()

    def columns(self) -> list[tuple[str, sa.Column[Any]]]:
        """The columns that may be shown, by their name in the API, in the order of the table."""
        found = [(attr.key, attr.columns[0]) for attr in sa.inspect(self.model).column_attrs]
        hidden = _HIDDEN | self.hides
        shown = [(name, c) for name, c in found if name not in hidden and not c.info.get("secret")]
        order = list(self.model.__table__.c)
        return sorted(shown, key=lambda each: order.index(each[1]))

    def of(self, user: Any) -> "Plan":
        """What this user gets to see."""
        needed = {*self.closed.values(), *(each.permission for each in self.parts if isinstance(each, Joined))}
        return _plan(self, frozenset(each for each in needed if each and access.may(user, each)))

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True)
class Plan:
    """A statement, and how its rows become JSON."""

    statement: sa.Select[Any]
    names: tuple[str, ...]
    references: tuple[tuple[str, str, int], ...]  # name, the column of its key, where its label stands
    derived: tuple[Derived, ...]
    loaded: tuple[Loaded, ...]
    read: tuple[tuple[str, Callable[[Any], Any]], ...]

    def rows(self, session: Any, keys: Sequence[UUID], user: Any, at: Any, *, alone: bool = False) -> list[Any]:
        """The rows with these keys, in their order."""
        if not keys:
            return []
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            given: Any = {"tenant": tenant_id(), "keys": "{" + ",".join(map(str, keys)) + "}"}
            found = connection.execute(_of_many(self.statement), given)
        else:
            found = connection.execute(self.statement.where(self.key.in_(keys)), {"tenant": tenant_id()})
        by_key = {row["id"]: row for row in map(self._row, found)}
        made = [by_key[key] for key in keys if key in by_key]
        for more in self.loaded:
            if not more.alone or alone:
                told = more.load(session, keys, user, at)
                for row in made:
                    row[more.name] = told.get(row["id"], more.empty)
        for each in self.derived:
            for row in made:
                row[each.name] = each.value(row, user, at)
        return made

    @property
    def key(self) -> Any:
        return self.statement.selected_columns["id"]

    def _row(self, row: Any) -> dict[str, Any]:
        made = dict(zip(self.names, row, strict=False))
        for name, key, position in self.references:
            value = made[key]
            made[name] = None if value is None else {"id": value, "label": row[position] or ""}
        for name, read in self.read:
            made[name] = read(made[name])
        return made


@lru_cache(maxsize=256)
def _of_many(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Narrowed to keys that come as one parameter: always the same statement, which is prepared once."""
    given = sa.cast(sa.bindparam("keys", type_=sa.Text()), postgresql.ARRAY(sa.Uuid()))
    return statement.where(statement.selected_columns["id"] == sa.any_(given))


@lru_cache(maxsize=256)
def _plan(shape: Shape, held: frozenset[str]) -> Plan:
    table = shape.model.__table__
    columns = [(n, c) for n, c in shape.columns() if n not in shape.closed or shape.closed[n] in held]
    joined = [p for p in shape.parts if isinstance(p, Joined) and (not p.permission or p.permission in held)]
    chosen: list[Any] = [c.label(name) for name, c in columns]
    chosen += [part.value(table).label(part.name) for part in joined]
    names = tuple(name for name, _ in columns) + tuple(part.name for part in joined)
    source, references = table, []
    for name, column in columns:
        target = column.info.get("ref")
        if target in _labels:
            other = table.metadata.tables[target].alias(f"{name}__row")
            on = sa.and_(other.c.tenant_id == table.c.tenant_id, other.c.id == column)
            source = source.outerjoin(other, on)
            references.append((name.removesuffix("_id"), name, len(chosen)))
            chosen.append(_labels[target](other).label(f"{name}__label"))
    statement = sa.select(*chosen).select_from(source)
    owner = table.c.id if table.name == "tenants" else table.c.tenant_id
    statement = statement.where(owner == sa.bindparam("tenant", type_=sa.Uuid()))
    return Plan(
        statement, names, tuple(references), tuple(p for p in shape.parts if isinstance(p, Derived)),
        tuple(p for p in shape.parts if isinstance(p, Loaded)),
        tuple((p.name, p.read) for p in joined if p.read),
    )  # fmt: skip


def is_named(column: Any) -> bool:
    """Whether what the column refers to is answered with its label."""
    return column.info.get("ref") in _labels


def described(shape: Shape, meanings: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an answer for the document, by name."""
    found: dict[str, Any] = {}
    for name, column in shape.columns():
        component = f"{shape.model.__name__}{camel(name)}"
        found[name] = of_column(column, meanings.get(name, ""), component, allow_none=column.nullable)
    for part in shape.parts:
        found[part.name] = part.field
    return found
