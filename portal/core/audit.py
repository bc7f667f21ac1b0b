"""Who changed what, field by field, in the same transaction; never edited, never deleted."""

from collections.abc import Sequence
from datetime import date, datetime, time
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core import access, clock
from portal.core.context import acting
from portal.core.db import Logged, Model, insert_many, new_id


class AuditEntry(Logged, Model):
    __tablename__ = "audit_entries"
    __table_args__ = (
        sa.Index("ix_audit_row", "tenant_id", "row_id", "id"),
        sa.Index("ix_audit_at", "tenant_id", "at", "id"),
        sa.Index("ix_audit_actor", "tenant_id", "actor_id", "at", "id"),
    )
    at: Mapped[datetime]
    actor_id: Mapped[UUID | None]
    actor_label: Mapped[str] = mapped_column(sa.String(200), default="")
    action: Mapped[str] = mapped_column(sa.String(40))
    entity: Mapped[str] = mapped_column(sa.String(64))
    row_id: Mapped[UUID]
    changes: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    request_id: Mapped[str] = mapped_column(sa.String(64), default="")
    address: Mapped[str] = mapped_column(sa.String(64), default="")

    def __str__(self) -> str:
        return f"{self.actor_label or 'The system'}: {self.action} in {self.entity.replace('_', ' ')}"


access.declare(AuditEntry, "audit")


class Audited:
    """A model whose every insert, update and delete leaves an AuditEntry."""

    id: Any


_SILENT = frozenset({"id", "tenant_id", "version", "created_at", "updated_at", "search_text"})


def jsonable(value: Any) -> Any:
    """A column's value as JSON holds it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    return value


def write(
    session: Any, tenant: UUID, entity: str, action: str, changed: Sequence[tuple[UUID, dict[str, Any]]], *,
    at: datetime, reason: str = "",
) -> None:  # fmt: skip
    """Write what ``action`` of whoever acts at present changed, in the rows of one table ``entity``: the key of each
    with its ``{field: [old, new]}``."""
    alike = {"tenant_id": tenant, "entity": entity, "action": action, **_by_whom(at, reason)}
    rows = [{"row_id": key, "changes": changes} for key, changes in changed]
    insert_many(session, Model.metadata.tables["audit_entries"], rows, alike)


def _by_whom(at: datetime, reason: str) -> dict[str, Any]:
    who = acting()
    return {
        "at": at, "actor_id": who.by, "actor_label": who.label, "reason": reason or who.reason,
        "request_id": who.request_id, "address": who.address,
    }  # fmt: skip


@event.listens_for(Session, "before_flush")
def _collect(session: Session, context: Any, instances: Any) -> None:
    found: list[tuple[Any, str]] = [(row, "created") for row in session.new]
    found += [(row, "changed") for row in session.dirty if session.is_modified(row)]
    found += [(row, "deleted") for row in session.deleted]
    for row, action in found:
        if not isinstance(row, Audited):
            continue
        if row.id is None:
            row.id = new_id()
        if changes := _changes(row, action):
            session.info.setdefault("audit", []).append((row, action, changes))


@event.listens_for(Session, "after_flush")
def _write(session: Session, context: Any) -> None:
    if collected := session.info.pop("audit", []):
        alike = _by_whom(clock.now(), "")
        rows = [
            {"tenant_id": row.tenant_id, "id": new_id(), "entity": row.__tablename__, "row_id": row.id,
             "action": action, "changes": changes, **alike}
            for row, action, changes in collected
        ]  # fmt: skip
        session.connection().execute(sa.insert(Model.metadata.tables["audit_entries"]), rows)


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("audit", None)


def _changes(row: Any, action: str) -> dict[str, Any]:
    state = sa.inspect(row)
    changes: dict[str, Any] = {}
    for attr in state.mapper.column_attrs:
        column = attr.columns[0]
        if attr.key in _SILENT or column.info.get("copied"):  # of another row, whose history tells it
            continue
        history = state.attrs[attr.key].history
        old = history.deleted[0] if history.deleted else None
        new = history.added[0] if history.added else None
        if action == "deleted":
            old, new = getattr(row, attr.key), None
        elif not history.has_changes():
            continue
        if old != new:
            secret = column.info.get("secret")
            changes[attr.key] = ["•••", "•••"] if secret else [jsonable(old), jsonable(new)]
    return changes
