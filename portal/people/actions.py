"""Verbs of people: make a tenant with its roles, make a user, log in, issue a token."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import audit, clock, records
from portal.core.errors import Invalid
from portal.core.tenancy import everywhere, tenant_scope
from portal.people import passwords
from portal.people.models import ApiToken, Grant, Role, Team, TeamMember, Tenant, User, UserRole, token_hash
from portal.people.roles import BUILT_IN


def create_tenant(session: Any, name: str, timezone: str = "UTC") -> Tenant:
    """A new tenant with the built-in roles; its pipeline is ``hiring``'s to add."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    tenant = Tenant(name=name, slug=re.sub(r"[^a-z0-9]+", "-", plain).strip("-"), timezone=timezone)
    with everywhere(session):  # it lies behind its own wall only once it is there
        session.add(tenant)
        session.flush()
    with tenant_scope(tenant.id, session):
        roles = [Role(name=role_name, description=description) for role_name, (description, _) in BUILT_IN.items()]
        session.add_all(roles)
        session.flush()
        session.add_all(
            Grant(role_id=role.id, permission=grant.permission, reach=grant.reach, stages=list(grant.stages))
            for role in roles
            for grant in BUILT_IN[role.name][1]
        )
        session.flush()
    return tenant


def create_user(
    session: Any, *, email: str, full_name: str, roles: Sequence[Role], password: str = "", timezone: str = "UTC"
) -> User:
    """A user of the present tenant; without a password nobody can log in as them yet."""
    kept = passwords.hashed(password) if password else ""
    values = {"email": email, "full_name": full_name, "timezone": timezone}
    user = records.create(session, User, values)
    user.password_hash = kept
    set_roles(session, user, roles)
    return user


def set_roles(session: Any, user: User, roles: Sequence[Role]) -> bool:
    """Make ``roles`` the user's roles; answers whether they were others."""
    return _replace(session, UserRole, "user_id", user, "role_id", [role.id for role in roles])


def set_members(session: Any, team: Team, members: Sequence[User]) -> bool:
    """Make ``members`` the team's members; answers whether they were others."""
    return _replace(session, TeamMember, "team_id", team, "user_id", [user.id for user in members])


def _replace(session: Any, model: Any, owner: str, row: User | Team, item: str, wanted: Sequence[UUID]) -> bool:
    query = sa.select(model).where(getattr(model, owner) == row.id)
    present = {getattr(each, item): each for each in session.scalars(query)}
    for other, each in present.items():
        if other not in wanted:
            session.delete(each)
    for other in wanted:
        if other not in present:
            session.add(model(**{owner: row.id, item: other}))
    session.flush()
    if set(present) == set(wanted):
        return False
    _tell_history(session, row, item, list(present), wanted)
    return True


def _tell_history(session: Any, row: User | Team, item: str, before: Sequence[UUID], after: Sequence[UUID]) -> None:
    """The rows between leave entries of their own; this one stands in the history of whom it is about."""
    target, field = (Role, "roles") if item == "role_id" else (User, "members")
    found = session.scalars(sa.select(target).where(target.id.in_({*before, *after})))
    names = {each.id: str(each) for each in found}
    told = [", ".join(sorted(names[key] for key in keys)) for keys in (before, after)]
    session.flush()
    audit.write(
        session, row.tenant_id, row.__tablename__, "changed", [(row.id, {field: told})], at=clock.now()
    )  # fmt: skip


def set_password(session: Any, user: User, password: str) -> None:
    """A new password, which ends all log-ins made with the old one."""
    user.password_hash = passwords.hashed(password)
    user.session_stamp += 1
    session.flush()


def log_in(session: Any, email: str, password: str, at: datetime) -> User:
    """The active user with these credentials; raises Invalid with one and the same answer for all that is wrong.

    An unknown address costs a hash as a wrong password does, so that time tells nothing either.
    """
    wrong = Invalid({"": "This address and password do not match an active account."})
    with everywhere(session):
        known = sa.select(User.id, User.password_hash, User.active).where(User.email == email.strip().lower())
        rows = session.execute(known.order_by(User.id)).all()
        session.rollback()  # a hash takes its time: nobody waits for a lock of ours meanwhile
        tried = [(row, passwords.verify(row.password_hash if row else None, password)) for row in rows or [None]]
        key = next((row.id for row, right in tried if row is not None and right and row.active), None)
        user: User | None = session.scalar(sa.select(User).where(User.id == key, User.active)) if key else None
        if user is None:
            raise wrong
        session.execute(
            sa.update(User).where(User.tenant_id == user.tenant_id, User.id == user.id).values(last_login_at=at)
        )
    return user


READ_ONLY = ("read:*", "export:*", "see:*")
_PERMISSION = re.compile(r"^([a-z_]{1,40}|\*):([a-z_]{1,40}|\*)$")
LONGEST_LIFE = 3650  # days


def issue_token(
    session: Any, user: User, name: str, *, at: datetime, days: int | None = 365, scope: Sequence[str] | None = None
) -> str:
    """A new API token of ``user``: the secret is answered once and only its hash kept.

    ``scope`` are the permissions that it may use of those that its user has (None: all), whatever they come to be;
    raises Invalid for one that is none.
    """
    if days is not None and not 1 <= days <= LONGEST_LIFE:
        raise Invalid({"days": f"From 1 to {LONGEST_LIFE} days."})
    if wrong := [each for each in scope or () if not _PERMISSION.match(each)]:
        raise Invalid({"scope": f"“{wrong[0]}” is no permission; write such as read:interviews or read:*."})
    secret = "gr_" + secrets.token_urlsafe(32)
    values = {
        "user_id": user.id, "name": name, "secret_hash": token_hash(secret),
        "expires_at": at + timedelta(days=days) if days else None,
    }  # fmt: skip
    records.create(session, ApiToken, values if scope is None else {**values, "scope": list(scope)})
    return secret
