"""A row's history as people read it: who changed which field, from what, to what."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.admin.cells import when
from portal.core import rows
from portal.core.audit import AuditEntry
from portal.core.db import Model, naming
from portal.core.types import Choice, RichText, UtcDateTime, words

FEW, MANY = 20, 500
_DONE = {
    "created": "created it", "changed": "changed it", "deleted": "deleted it", "confirm": "confirmed it",
    "start": "started it", "complete": "completed it", "reschedule": "rescheduled it", "cancel": "cancelled it",
    "draft": "began a draft", "submit": "submitted it", "reopen_feedback": "reopened it",
    "no_show": "marked it a no-show", "pass": "recorded that it was passed", "fail": "recorded that it was failed",
    "panel": "changed the panel", "reply": "replied to the invitation", "clone": "made it as a copy",
    "hold": "held it", "let_go": "let it go", "book": "booked it", "unbook": "freed it",
    "overruled a clash": "overruled a clash",
}  # fmt: skip


def entries(
    session: Any, row: Any, user: Any, *, limit: int = FEW, hidden: Collection[str] = ()
) -> tuple[list[dict[str, Any]], bool]:
    """The row's newest audit entries without the fields ``hidden`` from this user, and whether there are more."""
    query = sa.select(AuditEntry).where(AuditEntry.row_id == row.id).order_by(AuditEntry.id.desc()).limit(limit + 1)
    found = list(session.scalars(query))
    if hidden:
        for each in found:
            session.expunge(each)
            each.changes = {name: values for name, values in each.changes.items() if name not in hidden}
    names = _names(session, type(row), found[:limit])
    return [_entry(type(row), each, user, names) for each in found[:limit]], len(found) > limit


def last_change(session: Any, row_id: UUID, user: Any) -> str:
    """``Amina Yusuf cancelled it at 14:02 …``, for those who came second; '' where nothing is known."""
    query = sa.select(AuditEntry).where(AuditEntry.row_id == row_id).order_by(AuditEntry.id.desc()).limit(1)
    found = session.scalar(query)
    if found is None:
        return ""
    return f"{found.actor_label or 'The system'} {_done(found)} at {when(found.at, user.timezone)}."


def _done(entry: AuditEntry) -> str:
    if entry.action in _DONE:
        return _DONE[entry.action]
    if "status" in entry.changes:
        return f"moved it to “{words(entry.changes['status'][1])}”"
    return f"did “{words(entry.action).lower()}”"


def _entry(model: Any, entry: AuditEntry, user: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "when": when(entry.at, user.timezone),
        "who": entry.actor_label or "The system",
        "what": _done(entry),
        "changes": [
            {"field": words(name.removesuffix("_id")), **_both(model, name, old, new, user, names)}
            for name, (old, new) in entry.changes.items()
            if not _is_bare_key(model, name)
            if entry.action != "created" or new not in (None, "", [], {})
        ],
        "reason": entry.reason or None,
        "request_id": entry.request_id,
    }  # fmt: skip


def _both(model: Any, name: str, old: Any, new: Any, user: Any, names: dict[str, str]) -> dict[str, str]:
    if isinstance(old, list) or isinstance(new, list):  # only what differs: a list can be long
        column = _column(model, name)
        kept = column.type.rows if column is not None and isinstance(column.type, rows.RowsOf) else None
        gone, come = rows.changed(old or [], new or [], kept)
        return {"old": gone or "—", "new": come or "—"}
    return {"old": _read(model, name, old, user, names), "new": _read(model, name, new, user, names)}


def _column(model: Any, name: str) -> Any:
    attribute = sa.inspect(model).column_attrs.get(name)
    return attribute.columns[0] if attribute is not None else None


def _is_bare_key(model: Any, name: str) -> bool:
    """A key that refers to no one table has no name, and says nothing to people."""
    column = _column(model, name)
    return column is not None and isinstance(column.type, sa.Uuid) and not column.info.get("ref")


def _read(model: Any, name: str, value: Any, user: Any, names: dict[str, str]) -> str:
    if value is None or value == "":
        return "—"
    column = _column(model, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column is not None and isinstance(column.type, UtcDateTime):
        return when(datetime.fromisoformat(value), user.timezone)
    if column is not None and isinstance(column.type, RichText):
        return RichText.plain(str(value))
    if column is not None and (isinstance(column.type, Choice) or name == "status"):
        return words(str(value))
    return names.get(str(value), str(value))


def _names(session: Any, model: Any, found: list[AuditEntry]) -> dict[str, str]:
    """What the rows that the changes refer to are called now: one query for each kind of row."""
    wanted: dict[str, set[str]] = {}
    for entry in found:
        for name, values in entry.changes.items():
            column = _column(model, name)
            target = column.info.get("ref") if column is not None else None
            if target:
                wanted.setdefault(target, set()).update(v for v in values if v)
    classes = {m.class_.__tablename__: m.class_ for m in Model.registry.mappers}
    names: dict[str, str] = {}
    for table, keys in wanted.items():
        rows_of = sa.select(classes[table]).options(*naming(classes[table]))
        found_rows = session.scalars(rows_of.where(classes[table].id.in_([UUID(k) for k in keys])))
        names.update({str(row.id): str(row) for row in found_rows})
    return names
