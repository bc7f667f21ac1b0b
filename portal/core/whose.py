"""Whose rows are seen and written at present: one tenant's, all tenants', or nobody's."""

from contextvars import ContextVar
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.sql import visitors


class NoTenant(RuntimeError):
    """Code touched a tenant's rows without saying whose: a fault of ours, never of a user."""


EVERYWHERE = "everywhere"
present: ContextVar[UUID | str | None] = ContextVar("tenant", default=None)


def tenant_id() -> UUID:
    """The present tenant's key; raises NoTenant where there is none."""
    found = present.get()
    if not isinstance(found, UUID):
        raise NoTenant("no tenant is set")
    return found


def require_tenant(statement: Any) -> None:
    """Raises NoTenant where nobody's rows may be touched and ``statement`` touches a tenant's, at whatever depth."""
    if present.get() is None and (owned := _owned(statement)):
        raise NoTenant(f"a statement over {owned} without a tenant")


def _owned(statement: Any) -> str:
    """The first table with a tenant's rows; '' where there is none."""
    tables = (part for part in visitors.iterate(statement) if isinstance(part, sa.Table))
    return next((table.name for table in tables if "tenant_id" in table.c), "")
