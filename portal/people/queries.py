"""Questions about people that several features ask."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.people.models import Grant, User, UserRole


def holding(permission: str, *, named: bool = False) -> sa.Select[Any]:
    """The keys of the users whose roles grant ``permission``; ``named``: by a grant for its very resource, which
    leaves out those who may do everything."""
    verb, _, resource = permission.partition(":")
    resources = (resource,) if named else (resource, "*")
    granting = [f"{v}:{r}" for v in (verb, "manage", "*") for r in resources]
    return (
        sa.select(UserRole.user_id)
        .join(Grant, sa.and_(Grant.tenant_id == UserRole.tenant_id, Grant.role_id == UserRole.role_id))
        .where(Grant.permission.in_(granting))
    )


def active_holders(session: Any, permission: str) -> Sequence[User]:
    """Who is there to do this, by name: active users with a grant for its very resource."""
    query = sa.select(User).where(User.active.is_(True), User.id.in_(holding(permission, named=True)))
    return session.scalars(query.order_by(User.full_name, User.id)).all()  # type: ignore[no-any-return]


def names(session: Any, keys: set[UUID]) -> dict[UUID, str]:
    """What users are called."""
    return dict(session.execute(sa.select(User.id, User.full_name).where(User.id.in_(keys))).all()) if keys else {}
