"""Tenants, users, teams, roles and their grants, tokens."""

import hashlib
import json
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_login import UserMixin
from sqlalchemy.orm import Mapped, mapped_column, relationship, synonym

from portal.core import access
from portal.core.access import Granted, Grants, Reach
from portal.core.audit import Audited
from portal.core.db import Editable, Model, Owned, Searchable, Timestamped, json_rows, new_id, ref, text
from portal.core.tenancy import tenant_id
from portal.core.types import Choice, EmailAddress, LongText, PlainText, Zone
from portal.people.features import switched_off


class Tenant(Audited, Editable, Model):
    """An organisation that sees nothing of the others; ``features`` switches parts of the portal off."""

    __tablename__ = "tenants"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(PlainText(200), unique=True)
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    features: Mapped[dict[str, Any]] = mapped_column(default=dict)

    # A tenant's own row is the one row of that tenant, for scope and audit like any other.
    tenant_id: Mapped[UUID] = synonym("id")

    def __str__(self) -> str:
        return self.name


class User(Searchable, UserMixin, Audited, Editable, Owned, Model):  # type: ignore[misc]
    """A person who may log in; candidates never do."""

    __tablename__ = "users"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "email"),
        sa.Index("ix_users_email", "email"),
        sa.Index("ix_users_name", "tenant_id", "full_name", "id"),
    )
    searched = ("full_name",)
    email: Mapped[str] = mapped_column(EmailAddress(254))
    full_name: Mapped[str] = text(200)
    password_hash: Mapped[str] = mapped_column(sa.String(200), default="", info={"secret": True})
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    locale: Mapped[str] = mapped_column(sa.String(16), default="en")
    active: Mapped[bool] = mapped_column(default=True)
    # Log-ins carry it: a new password or a deactivation ends them all.
    session_stamp: Mapped[int] = mapped_column(default=1)
    last_login_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship(viewonly=True)
    roles: Mapped[list["Role"]] = relationship(
        secondary="user_roles",
        primaryjoin="User.id == foreign(UserRole.user_id)",
        secondaryjoin="Role.id == foreign(UserRole.role_id)",
        order_by="Role.name",
        viewonly=True,
    )

    @property
    def is_active(self) -> bool:
        return self.active

    def get_id(self) -> str:
        """What the session cookie holds: tenant, user, and the stamp that ends old log-ins."""
        return f"{self.tenant_id}|{self.id}|{self.session_stamp}"

    @property
    def grants(self) -> Grants:
        """All that the user's roles permit; read once per loaded user."""
        return self._roles[0]

    @property
    def role_names(self) -> list[str]:
        """What the user's roles are called; read together with the grants."""
        return list(self._roles[1])

    @property
    def _roles(self) -> tuple[Grants, tuple[str, ...]]:
        if "_held" not in self.__dict__:
            session = sa.orm.object_session(self)
            assert session is not None
            self.learn_roles(session.scalar(sa.select(ROLES_HELD).where(User.id == self.id)))
        return self.__dict__["_held"]  # type: ignore[no-any-return]

    def learn_roles(self, held: str | None, within: tuple[str, ...] | None = None) -> None:
        """Take over what ``ROLES_HELD`` has found of this user; ``within`` is the scope of a token that stands for
        them."""
        self.__dict__["_held"] = _read_roles(held, switched_off(self.tenant.features), within)

    def __str__(self) -> str:
        return self.full_name


class Team(Searchable, Audited, Editable, Owned, Model):
    __tablename__ = "teams"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"), sa.Index("ix_teams_head", "tenant_id", "head_id"))
    searched = ("name",)
    name: Mapped[str] = text(120)
    head_id: Mapped[UUID | None] = ref("users", optional=True)

    head: Mapped[User | None] = relationship(viewonly=True)
    members: Mapped[list[User]] = relationship(
        secondary="team_members",
        primaryjoin="Team.id == foreign(TeamMember.team_id)",
        secondaryjoin="User.id == foreign(TeamMember.user_id)",
        order_by="User.full_name",
        viewonly=True,
    )

    def __str__(self) -> str:
        return self.name


class TeamMember(Audited, Timestamped, Owned, Model):
    __tablename__ = "team_members"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "team_id", "user_id"),
        sa.Index("ix_team_members_user", "tenant_id", "user_id", "team_id"),
    )
    team_id: Mapped[UUID] = ref("teams", cascade=True)
    user_id: Mapped[UUID] = ref("users", cascade=True)


class Role(Searchable, Audited, Editable, Owned, Model):
    """A named bundle of grants; ``slug`` is what code and log-ins call the built-in ones."""

    __tablename__ = "roles"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    searched = ("name", "description")
    name: Mapped[str] = text(80)
    description: Mapped[str] = mapped_column(LongText(), default="")

    grants: Mapped[list["Grant"]] = relationship(
        primaryjoin="Role.id == foreign(Grant.role_id)", order_by="Grant.permission", viewonly=True
    )

    def __str__(self) -> str:
        return self.name


class Grant(Audited, Editable, Owned, Model):
    """One permission of a role, for own, team or tenant rows; ``stages`` narrows changes of status."""

    __tablename__ = "grants"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "role_id", "permission", "reach"),)
    role_id: Mapped[UUID] = ref("roles", cascade=True)
    permission: Mapped[str] = text(80)
    reach: Mapped[str] = mapped_column(Choice(Reach), default=Reach.TENANT)
    stages: Mapped[list[Any]] = mapped_column(default=list)

    role: Mapped[Role] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"{self.permission} ({self.reach})"


class UserRole(Audited, Timestamped, Owned, Model):
    __tablename__ = "user_roles"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id", "role_id"),
        sa.Index("ix_user_roles_role", "tenant_id", "role_id"),
    )
    user_id: Mapped[UUID] = ref("users", cascade=True)
    role_id: Mapped[UUID] = ref("roles")  # a role that somebody has cannot be deleted


# The roles of a user with what each grants, as JSON; to be selected beside ``User``.
ROLES_HELD = (
    sa.select(json_rows(Role.name, Grant.permission, Grant.reach, sa.cast(Grant.stages, sa.Text)))
    .select_from(UserRole)
    .join(Role, sa.and_(Role.tenant_id == UserRole.tenant_id, Role.id == UserRole.role_id))
    .join(Grant, sa.and_(Grant.tenant_id == Role.tenant_id, Grant.role_id == Role.id), isouter=True)
    .where(UserRole.tenant_id == User.tenant_id, UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)


@lru_cache(maxsize=512)
def _read_roles(
    held: str | None, off: frozenset[str], within: tuple[str, ...] | None = None
) -> tuple[Grants, tuple[str, ...]]:
    """The grants and the names of roles. The same text always says the same: it may be kept, whose ever it is."""
    rows = json.loads(held or "[]")
    grants = (Granted(p, Reach(r), tuple(json.loads(stages or "[]"))) for _, p, r, stages in rows if p)
    return Grants(tuple(grants), off, within), tuple(sorted({name for name, *_ in rows}))


class ApiToken(Audited, Timestamped, Owned, Model):
    """A secret that stands for its user in the API; only its hash is kept.

    ``scope`` lists the permissions that the token may use of those that its user has, such as ``read:*``; None for all.
    ``last_used_at`` is noted every few minutes at most.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (sa.UniqueConstraint("secret_hash"), sa.Index("ix_api_tokens_user", "tenant_id", "user_id"))
    user_id: Mapped[UUID] = ref("users", cascade=True)
    name: Mapped[str] = text(120)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), info={"secret": True})
    scope: Mapped[list[Any] | None]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.name


def token_hash(secret: str) -> str:
    """What is kept of a token; it is long and random, so one round suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()


access.declare(Tenant, "settings", always=lambda me: Tenant.id == tenant_id())
access.declare(User, "users", own=lambda me: User.id == me)
access.declare(Team, "teams")
access.declare(Role, "roles")
access.declare(Grant, "roles")
access.declare(ApiToken, "tokens", own=lambda me: ApiToken.user_id == me)


def my_teams(me: UUID) -> sa.Select[Any]:
    """The keys of the teams that the user heads or belongs to."""
    headed = sa.select(Team.id).where(Team.head_id == me)
    joined = sa.select(TeamMember.team_id).where(TeamMember.user_id == me)
    return sa.select(sa.union(headed, joined).subquery().c[0])
