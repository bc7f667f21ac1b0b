"""The wall between tenants. First in the session: every statement is filtered to the present tenant, and one
without a tenant is refused. Second, on PostgreSQL, in the database: row-level security (see ``core.wall``)."""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from portal.core import wall
from portal.core.db import OfTenant
from portal.core.whose import EVERYWHERE, present, require_tenant
from portal.core.whose import NoTenant as NoTenant
from portal.core.whose import tenant_id as tenant_id  # the rest of the portal asks here


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
    token = present.set(value)
    try:
        _carry_into(session)
        yield
    finally:
        present.reset(token)
        # A transaction that the database has given up must not hide why by failing here once more.
        with contextlib.suppress(sa.exc.DBAPIError):
            _carry_into(session)


def _carry_into(session: Any) -> None:
    """A transaction that has begun learned the tenant at its beginning: tell it of the change."""
    if session is None:
        return
    session = session() if callable(session) else session  # Flask-SQLAlchemy's is a registry of sessions
    if session.is_active and session.in_transaction():
        wall.enter(session.connection(), present.get())


@event.listens_for(Session, "after_begin")
def _begin(session: Session, transaction: Any, connection: sa.Connection) -> None:
    if not transaction.nested:  # a savepoint stands within a transaction that has been told already
        wall.enter(connection, present.get())


@event.listens_for(Session, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    if present.get() == EVERYWHERE or state.is_column_load or state.is_relationship_load:
        return
    require_tenant(state.statement)
    if present.get() is not None:
        state.statement = _filtered(state.statement)


_kept: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def _filtered(statement: Any) -> Any:
    """``statement`` with the filter. The same object is answered to a statement that is made once and executed again
    and again, as SQLAlchemy keeps with it under which key its compiled text lies."""
    known = _kept.get(statement)
    if known is None:
        known = _kept[statement] = statement.options(_OF_THE_PRESENT)
    return known


class present_tenant(sa.sql.functions.GenericFunction[UUID]):
    """The tenant in whose scope the statement is executed: so it is one statement for all, and one parameter however
    often it stands there. (A parameter of each place's own, which the filter would copy, costs a tenth of a page.)"""

    type = sa.Uuid()
    inherit_cache = True


_PARAMETER = sa.bindparam("present_tenant", callable_=tenant_id, type_=sa.Uuid())


@compiles(present_tenant)
def _its_parameter(element: Any, compiler: Any, **more: Any) -> str:
    return str(compiler.process(_PARAMETER, **more))


_OF_THE_PRESENT = with_loader_criteria(OfTenant, lambda cls: cls.tenant_id == present_tenant(), include_aliases=True)


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, context: Any, instances: Any) -> None:
    owner = present.get()
    for row in session.new:
        if not isinstance(row, OfTenant):
            continue
        if row.__dict__.get("tenant_id") is None and isinstance(owner, UUID):
            row.tenant_id = owner
        if owner != EVERYWHERE and row.tenant_id != owner:
            raise NoTenant(f"a {type(row).__name__} would leave its tenant")
    for row in session.dirty:
        if isinstance(row, OfTenant) and sa.inspect(row).attrs.tenant_id.history.has_changes():
            raise NoTenant(f"a {type(row).__name__} would leave its tenant")
