"""Pick-lists: what may be chosen, found by words, within the user's scope. No form loads a table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.cells import when
from portal.core import access, wall
from portal.core.db import db
from portal.core.errors import Missing
from portal.core.forms import Known, set_look_up
from portal.core.tenancy import tenant_id
from portal.core.types import fold

LIMIT = 20
blueprint = Blueprint("lookups", __name__)


@dataclass(frozen=True)
class Lookup:
    """What may be chosen of one entity.

    ``permissions``: any of them opens the list, narrowed to the rows it grants. ``names_for``: any of these
    opens the whole tenant's list, names and keys alone (a recruiter chooses interviewers without seeing users).
    ``choosable`` narrows to what may be chosen anew (or answers that for a user); ``search`` answers the condition
    for a LIKE pattern; ``moment`` is a time that stands beside the label, in the reader's zone. ``judged_later``:
    the action itself says why what is listed no more cannot be chosen.
    """

    name: str
    model: Any
    label: Any
    search: Callable[[str], sa.ColumnElement[bool]]
    permissions: tuple[str, ...]
    names_for: tuple[str, ...] = ()
    hint: Any = None
    joins: Sequence[tuple[Any, Any]] = ()
    choosable: sa.ColumnElement[bool] | Callable[[Any], sa.ColumnElement[bool]] | None = None
    order: Any = None
    moment: Any = None
    judged_later: bool = False

    def statement(self, user: Any) -> sa.Select[Any]:
        hint = self.hint if self.hint is not None else sa.literal("")
        moment = self.moment if self.moment is not None else sa.null()
        query = sa.select(self.model.id, self.label.label("label"), hint.label("hint"), moment.label("moment"))
        query = query.select_from(self.model)
        for entity, on in self.joins:
            query = query.join(entity, on)
        query = query.where(self.model.tenant_id == tenant_id())
        if access.may(user, *self.names_for):
            return query
        if access.is_off(user, self.model):
            raise Missing
        access.require(user, *self.permissions)
        return query.where(access.visible(self.model, user, *self.permissions))

    def open_to(self, user: Any) -> Any:
        """The condition under which a row may be chosen anew; None where any may."""
        return self.choosable(user) if isinstance(self.choosable, FunctionType) else self.choosable


_lookups: dict[str, Lookup] = {}


def register(*lookups: Lookup) -> None:
    _lookups.update({each.name: each for each in lookups})


def lookups() -> dict[str, Lookup]:
    return dict(_lookups)


@blueprint.get("/lookup/<name>")
@login_required
def look_up(name: str) -> ResponseReturnValue:
    """The first rows whose text holds every word of ``q``, as [{id, label, hint}]."""
    lookup = _lookups.get(name)
    if lookup is None:
        raise Missing
    query = lookup.statement(current_user)
    if (choosable := lookup.open_to(current_user)) is not None:
        query = query.where(choosable)
    for word in fold(request.args.get("q", ""))[:100].replace("\x00", "").split()[:5]:
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(lookup.search(f"%{escaped}%"))
    order = lookup.order if lookup.order is not None else lookup.label
    with wall.lifted(db.session):
        rows = db.session.execute(query.order_by(order, lookup.model.id).limit(LIMIT)).all()
    return jsonify([{"id": str(row.id), "label": _label(row), "hint": row.hint} for row in rows])


def _label(row: Any) -> str:
    return f"{row.label}, {when(row.moment, current_user.timezone)}" if row.moment else row.label


def _known(name: str, keys: Iterable[UUID]) -> dict[UUID, Known]:
    """What the present user may know of the rows with these keys."""
    wanted = list(keys)
    if not wanted:
        return {}
    lookup = _lookups[name]
    choosable = None if lookup.judged_later else lookup.open_to(current_user)
    query = lookup.statement(current_user).add_columns((sa.true() if choosable is None else choosable).label("open"))
    rows = db.session.execute(query.where(lookup.model.id.in_(wanted)))
    return {row.id: Known(_label(row), bool(row.open)) for row in rows}


set_look_up(_known)
