"""Who may do what: ``verb:resource`` permissions held in data, each granted for own, team or tenant rows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from uuid import UUID

import sqlalchemy as sa

from portal.core.errors import Missing, NotAllowed

S = TypeVar("S", bound=sa.Select[Any])
M = TypeVar("M")


class Reach(StrEnum):
    OWN = "own"
    TEAM = "team"
    TENANT = "tenant"


@dataclass(frozen=True)
class Granted:
    """One grant as data: ``stages`` narrows a change of status to those pipeline stages (empty: all)."""

    permission: str
    reach: Reach
    stages: tuple[str, ...] = ()


class Holder(Protocol):
    """A user as far as permission is concerned."""

    @property
    def id(self) -> UUID: ...
    @property
    def grants(self) -> "Grants": ...


@dataclass(frozen=True, eq=False)
class Grants:
    """All that a user's roles grant; grants add up. ``off`` are the resources that the organisation has switched
    off: for its people they do not exist. ``within`` is the scope of the token that stands for the user: permissions
    beyond which nothing is granted, whatever the roles say; None for no such bound. Who has the same roles has the
    very same grants, so what follows from them may be kept by their identity."""

    held: tuple[Granted, ...] = ()
    off: frozenset[str] = frozenset()
    within: tuple[str, ...] | None = None
    _cache: dict[str, tuple[Granted, ...]] = field(default_factory=dict, repr=False)

    def of(self, permission: str) -> tuple[Granted, ...]:
        """The grants that include ``permission``: itself, ``manage:`` of its resource, or a wildcard."""
        if permission not in self._cache:
            exists = permission.partition(":")[2] not in self.off and self.within_scope(permission)
            self._cache[permission] = tuple(g for g in self.held if exists and _includes(g.permission, permission))
        return self._cache[permission]

    def within_scope(self, permission: str) -> bool:
        """Whether a token's scope includes ``permission``, which the roles may grant or not."""
        return self.within is None or any(_includes(each, permission) for each in self.within)

    def reaches(self, permission: str) -> frozenset[Reach]:
        return frozenset(grant.reach for grant in self.of(permission))


def _includes(held: str, wanted: str) -> bool:
    verb, _, resource = held.partition(":")
    wanted_verb, _, wanted_resource = wanted.partition(":")
    return resource in ("*", wanted_resource) and verb in ("*", "manage", wanted_verb)


Rows = Callable[[UUID], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Resource:
    """How the rows of a model are one's own, or one's team's; None where the notion does not exist.

    Each may be said in two ways that mean the same. ``own`` and ``team`` start from the user (which keys are
    theirs), for lists. ``own_row`` and ``team_row`` start from the row (is this one theirs), for rows that are
    known already: one probe instead of all that the user has. ``always`` answers, for a user who reaches the whole
    tenant, which rows that means; without it, all. ``part_of`` names another resource without which these rows make
    no sense: where that is switched off, so are they.
    """

    name: str
    own: Rows | None = None
    team: Rows | None = None
    own_row: Rows | None = None
    team_row: Rows | None = None
    always: Rows | None = None
    part_of: str = ""

    def rows(self, reach: Reach, rowwise: bool) -> Rows | None:
        """The condition for own or team rows, said as the query wants it."""
        listed, row = (self.own, self.own_row) if reach is Reach.OWN else (self.team, self.team_row)
        return row if rowwise and row else listed


_resources: dict[type, Resource] = {}


def declare(model: type, name: str, **rows: Any) -> None:
    """Say once, beside the model, under which resource its rows stand and whose they are (see ``Resource``)."""
    _resources[model] = Resource(name, **rows)


def resource(model: type) -> str:
    return _resources[model].name


def declared() -> dict[type, Resource]:
    """All resources, for the law tests."""
    return dict(_resources)


def may(user: Holder, *permissions: str) -> bool:
    """Whether the user holds any of ``permissions`` for some rows at least."""
    grants = user.grants
    return any(grants.of(permission) for permission in permissions)


def is_off(user: Holder, model: type) -> bool:
    """Whether the user's organisation has switched off what rows of ``model`` belong to."""
    known = _resources[model]
    return known.name in user.grants.off or known.part_of in user.grants.off


def require(user: Holder, *permissions: str) -> None:
    """Raises NotAllowed for who holds none of ``permissions``, Missing where all of it is switched off."""
    if not may(user, *permissions):
        raise Missing if all(p.partition(":")[2] in user.grants.off for p in permissions) else NotAllowed


def visible(model: type, user: Holder, *permissions: str, rowwise: bool = False) -> sa.ColumnElement[bool]:
    """The condition under which a row of ``model`` lies within what any of ``permissions`` grants; ``rowwise``
    where the query names its rows, or narrows them to few, by other means."""
    known = _resources[model]
    if known.part_of in user.grants.off:
        return sa.false()
    reaches: set[Reach] = set().union(*(user.grants.reaches(p) for p in permissions))
    if Reach.TENANT in reaches:
        return known.always(user.id) if known.always else sa.true()
    wanted = (known.rows(reach, rowwise) for reach in (Reach.OWN, Reach.TEAM) if reach in reaches)
    parts = [_said(rows, user.id) for rows in wanted if rows]
    return sa.or_(*parts) if parts else sa.false()


@lru_cache(maxsize=256)  # to make one takes as long as a small statement, and a page asks for the same again and again
def _said(rows: Rows, user: UUID) -> sa.ColumnElement[bool]:
    return rows(user)


def scope(statement: S, model: type, user: Holder, *permissions: str, rowwise: bool = False) -> S:
    """``statement`` narrowed to the rows that ``permissions`` (default: read) grant to the user."""
    wanted = permissions or (f"read:{resource(model)}",)
    condition = visible(model, user, *wanted, rowwise=rowwise)
    return statement if condition is sa.true() else statement.where(condition)


def allows(session: Any, user: Holder, row: Any, *permissions: str) -> bool:
    """Whether the user may do any of ``permissions`` to this very row."""
    model = type(row)
    condition = visible(model, user, *permissions, rowwise=True)
    if condition is sa.true() or condition is sa.false():
        return condition is sa.true()
    return session.scalar(sa.select(model.id).where(model.id == row.id, condition)) is not None


def fetch(session: Any, model: type[M], key: UUID | str, user: Holder, *permissions: str) -> M:
    """The row with this key within the user's scope; Missing otherwise, whether or not it exists."""
    wanted: Iterable[str] = permissions or (f"read:{resource(model)}",)
    try:
        uuid = key if isinstance(key, UUID) else UUID(key)
    except ValueError:
        raise Missing from None
    row = session.scalar(scope(sa.select(model), model, user, *wanted, rowwise=True).where(model.id == uuid))  # type: ignore[attr-defined]
    if row is None:
        raise Missing
    return row  # type: ignore[no-any-return]
