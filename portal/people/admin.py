"""Grids of people: users, teams, roles and grants, tokens, the tenant's settings, the audit."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask_login import current_user
from sqlalchemy.orm import aliased

from portal.admin.grid import Column, Filter, FormField, Grid, Link, to
from portal.admin.lookups import Lookup
from portal.admin.query import to_key
from portal.core import access, records
from portal.core.access import Reach
from portal.core.audit import AuditEntry
from portal.core.errors import Invalid
from portal.core.forms import LanguageField
from portal.core.search import like
from portal.core.workflow import Change
from portal.people import actions, passwords
from portal.people.features import FEATURES, is_on
from portal.people.models import ApiToken, Grant, Role, Team, TeamMember, Tenant, User, UserRole

_Head = aliased(User, name="head")


def _rows(session: Any, model: Any, keys: list[UUID] | None) -> list[Any]:
    """The rows of a multiple choice, in the order chosen."""
    found = {row.id: row for row in session.scalars(sa.select(model).where(model.id.in_(keys or [])))}
    return [found[key] for key in keys or [] if key in found]


def _role_keys(session: Any, user: User) -> list[UUID]:
    return list(session.scalars(sa.select(UserRole.role_id).where(UserRole.user_id == user.id)))


def _member_keys(session: Any, team: Team) -> list[UUID]:
    return list(session.scalars(sa.select(TeamMember.user_id).where(TeamMember.team_id == team.id)))


def _update_organisation(session: Any, row: Tenant, values: dict[str, Any], version: int, change: Change) -> Tenant:
    values = dict(values)
    chosen = {each.name: bool(values.pop(each.name)) for each in FEATURES if each.name in values}
    return records.update(session, row, {**values, "features": {**row.features, **chosen}}, version)  # type: ignore[no-any-return]


def _is_in_use(name: str) -> Callable[[Any, Tenant], bool]:
    return lambda session, row: is_on(row.features, name)


_GUARDED = ("roles", "settings", "tokens", "webhooks")


def _beyond(grant: Any, user: Any) -> bool:
    """Whether a grant reaches roles, settings, tokens or webhooks in a way that the user's own grants do not."""
    verb, _, resource = grant.permission.partition(":")
    reached = _GUARDED if resource == "*" else (resource,) if resource in _GUARDED else ()
    return any(not access.may(user, f"{verb}:{name}") for name in reached)


def _no_administrators(session: Any, roles: list[Role], change: Change) -> None:
    """Nobody gives a role that opens roles, settings or tokens further than their own do: HR keeps people's
    records without becoming an administrator, not even by way of another account."""
    query = sa.select(Grant).where(Grant.role_id.in_([role.id for role in roles]))
    if any(_beyond(grant, change.by) for grant in session.scalars(query)):
        raise Invalid({"roles": "You may not give a role that permits more than yours."})


def _leave_administrators(row: User, change: Change) -> None:
    """Likewise their records: a new password would be a way in."""
    assert change.by is not None
    if row.id != change.by.id and any(_beyond(grant, change.by) for grant in row.grants.held):
        raise Invalid({"": "This is an administrator; only another administrator may change the record."})


def _new_password(values: dict[str, Any]) -> dict[str, Any]:
    """The columns of the password that the form asks for; none where it was left empty."""
    password = values.pop("new_password", "") or ""
    return {"password_hash": passwords.hashed(password, "new_password")} if password else {}


def _create_user(session: Any, values: dict[str, Any], change: Change) -> User:
    roles = _rows(session, Role, values.pop("roles", None))
    _no_administrators(session, roles, change)
    user = records.create(session, User, values | _new_password(values))
    actions.set_roles(session, user, roles)
    return user


def _update_user(session: Any, row: User, values: dict[str, Any], version: int, change: Change) -> User:
    _leave_administrators(row, change)
    roles = _rows(session, Role, values.pop("roles", None))
    _no_administrators(session, [role for role in roles if role.id not in _role_keys(session, row)], change)
    if not values.get("active") and change.by is not None and row.id == change.by.id:
        raise Invalid({"active": "You cannot deactivate yourself."})
    password = _new_password(values)
    if password or (row.active and not values.get("active")):  # either ends all log-ins
        values = values | password | {"session_stamp": row.session_stamp + 1}
    records.update(session, row, values, version)
    if actions.set_roles(session, row, roles):
        records.touch(row)
    session.flush()
    return row


def _create_team(session: Any, values: dict[str, Any], change: Change) -> Team:
    members = _rows(session, User, values.pop("members", None))
    team = records.create(session, Team, values)
    actions.set_members(session, team, members)
    return team


def _update_team(session: Any, row: Team, values: dict[str, Any], version: int, change: Change) -> Team:
    members = _rows(session, User, values.pop("members", None))
    records.update(session, row, values, version)
    if actions.set_members(session, row, members):
        records.touch(row)
        session.flush()
    return row


def _roles_of() -> Any:
    return (
        sa.select(sa.func.aggregate_strings(Role.name, ", "))
        .join(UserRole, sa.and_(UserRole.tenant_id == Role.tenant_id, UserRole.role_id == Role.id))
        .where(UserRole.tenant_id == User.tenant_id, UserRole.user_id == User.id)
        .correlate(User)
        .scalar_subquery()
    )


def _members_of() -> Any:
    return (
        sa.select(sa.func.count())
        .select_from(TeamMember)
        .where(TeamMember.tenant_id == Team.tenant_id, TeamMember.team_id == Team.id)
        .correlate(Team)
        .scalar_subquery()
    )


def _by_email(pattern: str) -> sa.Select[Any]:
    """Only for those who may read addresses: a search would tell them letter by letter."""
    found: sa.Select[Any] = sa.select(User.id).where(like(User.email, pattern))
    return found if access.may(current_user, "export:users") else found.where(sa.false())


USERS = Grid(
    User, "users", "Users", "user", "people", "People",
    description="Everyone who may log in, and what they may do.",
    columns=(
        Column("full_name", "Name", User.full_name, "person", sort=True),
        # A recruiter reads names alone; what stands about a person is for those who may export it.
        Column("email", "E-mail", User.email, permission="export:users"),
        Column("roles", "Roles", _roles_of(), permission="export:users"),
        Column("active", "Active", User.active, "bool"),
        Column("timezone", "Time zone", User.timezone, "zone", permission="export:users"),
        Column("last_login_at", "Last log-in", User.last_login_at, "datetime", permission="export:users"),
        Column("created_at", "Since", User.created_at, "datetime", shown=False, permission="export:users"),
    ),
    filters=(
        Filter("active", "Active", "bool", User.active),
        Filter("role", "Role", "reference", lookup="roles", permission="manage:users",
               where=lambda v: User.id.in_(sa.select(UserRole.user_id).where(UserRole.role_id == to_key(v)))),
    ),
    default_sort="full_name",
    search=(lambda p: sa.select(User.id).where(like(User.search_text, p)), _by_email),
    search_hint="Name",
    sections=(
        ("Person", (
            FormField("full_name"), FormField("email", "E-mail"), FormField("timezone", "Time zone", required=True),
            FormField("locale", "Language", field=LanguageField, start="en", help="Messages are written in it."),
            FormField("active"),
        )),
        ("Access", (
            FormField("roles", lookup="roles", multiple=True, value=_role_keys,
                      help="What this person may do. Grants add up; the widest wins."),
            FormField("new_password", "New password", kind="password",
                      help="At least 10 characters; leave it empty to keep the present one."),
        )),
    ),
    create=_create_user, update=_update_user, write=("manage:users", "write:users"),
)  # fmt: skip

TEAMS = Grid(
    Team, "teams", "Teams", "team", "diagram-3", "People",
    description="Who works together; a team sees the candidates of its projects.",
    columns=(
        Column("name", "Name", Team.name, "title", sort=True),
        Column("head", "Head", _Head.full_name, "person", ("head",), link="users", link_id=Team.head_id),
        Column("members", "Members", _members_of(), "number"),
    ),
    joins={"head": (_Head, to(_Head, Team.head_id), True)},
    filters=(Filter("head", "Head", "reference", Team.head_id, lookup="users"),),
    default_sort="name",
    search=(lambda p: sa.select(Team.id).where(like(Team.search_text, p)),),
    sections=(("Team", (
        FormField("name"), FormField("head_id", "Head", lookup="users"),
        FormField("members", lookup="users", multiple=True, value=_member_keys),
    )),),
    create=_create_team, update=_update_team, write=("write:teams",), can_delete=True,
)  # fmt: skip

ROLES = Grid(
    Role, "roles", "Roles", "role", "shield-lock", "Settings",
    description="Named bundles of grants.",
    columns=(
        Column("name", "Name", Role.name, "title", sort=True),
        Column("description", "Description", Role.description),
    ),
    default_sort="name",
    search=(lambda p: sa.select(Role.id).where(like(Role.search_text, p)),),
    sections=(("Role", (FormField("name"), FormField("description"))),),
    write=("write:roles",), can_delete=True,
    panels=(lambda session, row, user: {
        "title": "Grants", "icon": "key", "empty": "It permits nothing yet.", "columns": ["Permission", "For"],
        "rows": [[{"kind": "text", "text": g.permission, "url": f"/grants/{g.id}"},
                  {"kind": "text", "text": " ".join([g.reach, *(g.stages or [])])}] for g in row.grants],
    },),
)  # fmt: skip

GRANTS = Grid(
    Grant, "grants", "Grants", "grant", "key", "Settings",
    description="What each role permits: verb:resource, for own, team or all rows.",
    columns=(
        Column("permission", "Permission", Grant.permission, "title"),
        Column("role", "Role", Role.name, "text", ("role",), link="roles", link_id=Grant.role_id),
        Column("reach", "For", Grant.reach, "choice",
               tones={"own": "grey", "team": "blue", "tenant": "green"}),
    ),
    joins={"role": (Role, to(Role, Grant.role_id), False)},
    filters=(
        Filter("role", "Role", "reference", Grant.role_id, lookup="roles"),
        Filter("reach", "For", "choice", Grant.reach, choices=tuple((r.value, r.value.capitalize()) for r in Reach)),
        Filter("permission", "Permission", "text", Grant.permission),
    ),
    sections=(("Grant", (
        FormField("role_id", "Role", lookup="roles", on=("new",)), FormField("permission", help="verb:resource"),
        FormField("reach", "For"),
    )),),
    write=("write:roles",), can_delete=True,
)  # fmt: skip

TOKENS = Grid(
    ApiToken, "tokens", "API tokens", "token", "key", "Settings",
    description="Everybody's secrets that stand for their user in the API; they can be revoked here.",
    columns=(
        Column("name", "Name", ApiToken.name, "title"),
        Column("user", "User", User.full_name, "person", ("user",), link="users", link_id=ApiToken.user_id),
        Column("scope", "May", sa.func.coalesce(sa.cast(ApiToken.scope, sa.Text), "all that its user may")),
        Column("last_used_at", "Last used", ApiToken.last_used_at, "datetime"),
        Column("expires_at", "Expires", ApiToken.expires_at, "datetime"),
        Column("created_at", "Made", ApiToken.created_at, "datetime"),
    ),
    joins={"user": (User, to(User, ApiToken.user_id), False)},
    filters=(Filter("user", "User", "reference", ApiToken.user_id, lookup="users"),),
    write=("write:tokens",), can_delete=True,
    links=(Link("Your own tokens", "/account/tokens", "key", ("read:tokens",)),),
)  # fmt: skip

SETTINGS = Grid(
    Tenant, "settings", "Organisation", "organisation", "building", "Settings",
    columns=(
        Column("name", "Name", Tenant.name, "title"),
        Column("slug", "Short name", Tenant.slug),
        Column("timezone", "Time zone", Tenant.timezone, "zone"),
    ),
    sections=(
        ("Organisation", (
            FormField("name", on=("edit",)), FormField("timezone", "Time zone", required=True, on=("edit",)),
        )),
        ("Parts in use", tuple(
            FormField(each.name, each.label, each.help, kind="bool", on=("edit",),
                      value=_is_in_use(each.name))
            for each in FEATURES
        )),
    ),
    update=_update_organisation, write=("write:settings",),
)  # fmt: skip

AUDIT = Grid(
    AuditEntry, "audit", "Audit", "audit entry", "clock-history", "Settings",
    description="Every change: who, when, what. Nobody can edit or delete it.",
    columns=(
        Column("at", "When", AuditEntry.at, "datetime", sort=True),
        Column("actor", "Who", AuditEntry.actor_label, "person"),
        Column("action", "Did", AuditEntry.action, "choice"),
        Column("entity", "To", AuditEntry.entity, "choice"),
        Column("reason", "Reason", AuditEntry.reason),
        Column("changes", "Changes", sa.cast(AuditEntry.changes, sa.Text), shown=False),
        Column("request_id", "Request", AuditEntry.request_id, shown=False),
        Column("address", "Address", AuditEntry.address, shown=False),
    ),
    filters=(
        Filter("at", "When", "date", AuditEntry.at, past=True),
        Filter("who", "Who", "reference", AuditEntry.actor_id, lookup="users"),
        Filter("action", "Did", "text", AuditEntry.action),
    ),
    default_sort="-at",
)  # fmt: skip

GRIDS = (USERS, TEAMS, ROLES, GRANTS, TOKENS, SETTINGS, AUDIT)

# Whoever arranges something chooses people by name, without a look at their records.
_CHOOSES = (
    "read:users", "write:candidates", "write:applications", "schedule:interviews", "write:interviews",
    "schedule:mock_interviews", "update:candidate_status", "read:interviews", "read:applications",
)  # fmt: skip

LOOKUPS = (
    Lookup("users", User, User.full_name, lambda p: like(User.search_text, p), ("read:users",), _CHOOSES,
           choosable=User.active.is_(True)),
    Lookup("teams", Team, Team.name, lambda p: like(Team.search_text, p), ("read:teams",), ("read:projects",)),
    Lookup("roles", Role, Role.name, lambda p: like(Role.search_text, p), ("read:roles",), ("manage:users",)),
)  # fmt: skip
