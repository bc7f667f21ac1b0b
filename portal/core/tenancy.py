"""The wall between tenants. First in the session: every statement is filtered to the present tenant, and one
without a tenant is refused. Second, on PostgreSQL, in the database: row-level security (see ``core.wall``)."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors

from portal.core import wall
from portal.core.db import OfTenant


class NoTenant(RuntimeError):
    """Code touched a tenant's rows without saying whose: a fault of ours, never of a user."""


EVERYWHERE = "everywhere"
_present: ContextVar[UUID | str | None] = ContextVar("tenant", default=None)


def tenant_id() -> UUID:
    """The present tenant's key; raises NoTenant where there is none."""
    present = _present.get()
    if not isinstance(present, UUID):
        raise NoTenant("no tenant is set")
    return present


@contextlib.contextmanager
def tenant_scope(tenant: UUID, session: Any = None) -> Iterator[None]:
    """See and write only the rows of ``tenant`` for the length of the block."""
    with _scope(tenant, session):
        yield


@contextlib.contextmanager
def everywhere(session: Any = None) -> Iterator[None]:
    """Work across tenants: log-in, the outbox, the scheduler, commands. Never a request of a user."""
    with _scope(EVERYWHERE, session):
        yield


@contextlib.contextmanager
def _scope(value: UUID | str, session: Any) -> Iterator[None]:
    token = _present.set(value)
    try:
        _carry_into(session)
        yield
    finally:
        _present.reset(token)
        # A transaction that the database has given up must not hide why by failing here once more.
        with contextlib.suppress(sa.exc.DBAPIError):
            _carry_into(session)


def _carry_into(session: Any) -> None:
    """A transaction that has begun learned the tenant at its beginning: tell it of the change."""
    if session is None:
        return
    session = session() if callable(session) else session  # Flask-SQLAlchemy's is a registry of sessions
    if session.is_active and session.in_transaction():
        wall.enter(session.connection(), _present.get())


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: Any, connection: sa.Connection) -> None:
    if not transaction.nested:  # a savepoint stands within a transaction that has been told already
        wall.enter(connection, _present.get())


@event.listens_for(Session, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    present = _present.get()
    if present == EVERYWHERE or state.is_column_load or state.is_relationship_load:
        return
    if present is None:
        if owned := _owned(state.statement):
            raise NoTenant(f"a statement over {owned} without a tenant")
        return
    state.statement = _filtered(state.statement, present)


_kept: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()
TENANTS_KEPT = 100


def _filtered(statement: Any, tenant: Any) -> Any:
    """``statement`` with the filter. The same object is answered to a statement that is made once and executed again
    and again, as SQLAlchemy keeps with it under which key its compiled text lies."""
    known = _kept.get(statement)
    if known is None or len(known) >= TENANTS_KEPT:
        known = _kept[statement] = {}
    if tenant not in known:
        known[tenant] = statement.options(_rows_of(tenant))
    return known[tenant]


@lru_cache(maxsize=256)  # to make it costs a tenth of what a small statement does
def _rows_of(tenant: Any) -> Any:
    """The filter to the rows of ``tenant``."""
    # The lambda's closure value becomes a bound parameter, so the compiled statement is cached across tenants.
    return with_loader_criteria(OfTenant, lambda cls: cls.tenant_id == tenant, include_aliases=True)


def _owned(statement: Any) -> str:
    """The first table with a tenant's rows, at whatever depth of ``statement``; '' where there is none."""
    tables = (part for part in visitors.iterate(statement) if isinstance(part, sa.Table))
    return next((table.name for table in tables if "tenant_id" in table.c), "")


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, context: Any, instances: Any) -> None:
    present = _present.get()
    for row in session.new:
        if not isinstance(row, OfTenant):
            continue
        if row.__dict__.get("tenant_id") is None and isinstance(present, UUID):
            row.tenant_id = present
        if present != EVERYWHERE and row.tenant_id != present:
            raise NoTenant(f"a {type(row).__name__} would leave its tenant")
    for row in session.dirty:
        if isinstance(row, OfTenant) and sa.inspect(row).attrs.tenant_id.history.has_changes():
            raise NoTenant(f"a {type(row).__name__} would leave its tenant")
