"""People in the API: who I am, who there is, and tokens."""

from typing import Any

import sqlalchemy as sa

from portal.api.components import Component
from portal.api.doors import whoami
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Fields, Key, Text, listed, told
from portal.api.listing import PAGING, page_of
from portal.api.reading import Joined, label
from portal.api.resource import LIST, READ, Resource
from portal.core import access, records
from portal.core.errors import Missing
from portal.people.admin import TOKENS, USERS
from portal.people.models import ApiToken, Role, Team, User, UserRole

label(User, lambda user: user.c.full_name)
label(Team, lambda team: team.c.name)


def _roles_of(user: Any) -> Any:
    return (
        sa.select(sa.func.aggregate_strings(Role.name, ", "))
        .join(UserRole, sa.and_(UserRole.tenant_id == Role.tenant_id, UserRole.role_id == Role.id))
        .where(UserRole.tenant_id == user.c.tenant_id, UserRole.user_id == user.c.id)
        .scalar_subquery()
    )


USERS_API = Resource(
    "users", "User", USERS,
    {
        "full_name": "The person's name.", "email": "Where they get mail, and what they log in with.",
        "active": "Whether they may log in.", "last_login_at": "When they logged in last.",
        "created_at": "Since when they are known.",
    },
    only=(LIST, READ), hides=frozenset({"session_stamp", "locale"}),
    parts=(Joined("roles", Text("What their roles are called."), _roles_of, "export:users"),),
)  # fmt: skip

# Tokens are everybody's own, whatever their role; the grid of all of them is for those who keep them.


def _me(call: Call) -> Answer:
    return Answer(dict(whoami(call.user)))


def _may_reach(call: Call, permission: str) -> sa.ColumnElement[bool]:
    """One's own tokens, and those that the user's grants reach."""
    return sa.or_(ApiToken.user_id == call.user.id, access.visible(ApiToken, call.user, permission))


def _tokens(call: Call) -> Answer:
    mine = sa.select(ApiToken.id).where(_may_reach(call, "read:tokens")).order_by(ApiToken.id.desc())
    return page_of(call, mine, TOKENS_API.shape)


def _revoke(call: Call) -> Answer:
    mine = sa.select(ApiToken).where(ApiToken.id == call.keys[0], _may_reach(call, "write:tokens"))
    row = call.session.scalar(mine)
    if row is None:
        raise Missing
    records.delete(call.session, row)
    return Answer(None, 204)


TOKENS_API = Resource(
    "tokens", "Token", TOKENS,
    {
        "name": "What it is called.", "user_id": "For whom it stands.",
        "scope": "The permissions that it may use of those that its user has; null for all.",
        "last_used_at": "When it was used last, give or take five minutes.", "expires_at": "When it ends; null: never.",
        "created_at": "When it was made.",
    },
    only=(), verbs_by="",
)  # fmt: skip

_PERMISSION = told("HeldPermission", {
    "permission": Text("verb:resource."), "scope": Text("own, team or tenant: for which rows."),
    "stages": listed(Text(), "The pipeline stages it is narrowed to; none for all."),
})  # fmt: skip

ME: Fields = {
    "id": Key("Your key."), "email": Text("Your e-mail address."), "full_name": Text("Your name."),
    "timezone": Text("Your time zone."), "locale": Text("Your language."),
    "roles": listed(Text(), "What your roles are called."),
    "tenant": told("Organisation", {"id": Key("Its key."), "label": Text("Its name.")}, "Your organisation."),
    "permissions": listed(_PERMISSION, "What your roles grant."),
    "token_scope": listed(Text(), "What this token may use of it; null for all, and for a log-in.", allow_none=True),
}  # fmt: skip

RESOURCES = (USERS_API, TOKENS_API)
COMPONENTS = {"Me": Component(ME)}
ENDPOINTS = (
    Endpoint("GET", "me", "get_me", "me", _me, "Read who you are", answer="Me"),
    Endpoint("GET", "tokens", "list_tokens", "tokens", _tokens, "List your API tokens", answer="TokenList",
             scope="read:tokens", params=PAGING,
             description="Those who keep everybody's tokens see all of them."),
    Endpoint("DELETE", "tokens/{id}", "delete_token", "tokens", _revoke, "Revoke an API token", status=204,
             scope="write:tokens", description="It ends at once."),
)  # fmt: skip
