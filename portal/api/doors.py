"""Whose request it is: a bearer token's, or that of the browser's session, which must then carry the form's token."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import current_app, g, request, session
from flask_limiter.util import get_remote_address
from flask_login import current_user
from sqlalchemy.orm import joinedload

from portal.api.problems import Unknown
from portal.core import clock, logs
from portal.core.context import act
from portal.core.db import commit_in_passing, db, mean_to_read
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.types import UtcDateTime
from portal.people.models import ROLES_HELD, ApiToken, User, token_hash

NOTED_EVERY = timedelta(minutes=5)
LARGEST_BODY = 1_000_000  # bytes

_AT = sa.bindparam("at", type_=UtcDateTime())
_OF_TOKEN = (
    sa.select(ApiToken.id, ApiToken.scope, ApiToken.last_used_at, User, ROLES_HELD)
    .join(User, sa.and_(User.tenant_id == ApiToken.tenant_id, User.id == ApiToken.user_id))
    .where(ApiToken.secret_hash == sa.bindparam("hash"), User.active.is_(True))
    .where(sa.or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > _AT))
    .options(joinedload(User.tenant, innerjoin=True))
)  # fmt: skip


def bearer() -> str:
    """The token in the request's header; '' where there is none."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else ""


def caller() -> str:
    """By whom the rate is counted: a token, else a person, else an address."""
    if secret := bearer():
        return f"token {token_hash(secret)[:24]}"
    return f"user {session['_user_id']}" if session.get("_user_id") else get_remote_address()


def come_in() -> Any:
    """The user who asks, in their tenant's scope; raises Unknown where that is nobody."""
    request.max_content_length = LARGEST_BODY
    if "Authorization" in request.headers:
        return _by_token(bearer(), clock.now())
    if not current_user.is_authenticated:
        raise Unknown
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        current_app.extensions["csrf"].protect()
    return current_user._get_current_object()


def _by_token(secret: str, at: datetime) -> Any:
    hashed = token_hash(secret)
    tenant = _tenant_of(hashed) if secret else None
    if tenant is None:
        raise Unknown("This token is not known, has expired or was revoked.")
    if db.session().in_transaction():  # it was begun in the tenant of a cookie that came along
        db.session.rollback()
    g.stack.enter_context(tenant_scope(tenant))
    found = db.session.execute(_OF_TOKEN, {"hash": hashed, "at": at}).one_or_none()
    if found is None:
        raise Unknown("This token is not known, has expired or was revoked.")
    key, scope, used, user, held = found
    user.learn_roles(held, None if scope is None else tuple(scope))
    g._login_user = user  # whoever asks for the present user gets this one, whatever cookie came along
    g.stack.enter_context(act(by=user.id, label=user.full_name))
    if used is None or used < at - NOTED_EVERY:
        g.token_to_note = key
    return user


class _NotYet(Exception):
    """No such token so far: it may be made any moment, and is not to be remembered as missing."""


def _tenant_of(hashed: str) -> UUID | None:
    try:
        return _remembered(hashed, str(db.engine.url))
    except _NotYet:
        return None


@lru_cache(maxsize=4096)
def _remembered(hashed: str, database: str) -> UUID:
    """Whose tenant a token is of, which never changes; whether it still is one is asked with each request."""
    with everywhere(db.session):
        found = db.session.scalar(sa.select(ApiToken.tenant_id).where(ApiToken.secret_hash == hashed))
        db.session.rollback()
    if found is None:
        raise _NotYet
    return found


def note_use(at: datetime) -> None:
    """Write down that the token was used, once in a while; after the answer is made, and never in its way."""
    key = g.pop("token_to_note", None)
    if key is None:
        return
    table: Any = ApiToken.__table__
    long_ago = sa.or_(table.c.last_used_at.is_(None), table.c.last_used_at < at - NOTED_EVERY)
    try:
        db.session.rollback()
        mean_to_read(False)
        db.session.execute(sa.update(table).where(table.c.id == key, long_ago).values(last_used_at=at))
        commit_in_passing(db.session)
    except sa.exc.DBAPIError as error:
        db.session.rollback()
        logs.get().warning("the use of a token was not noted", error=str(error.orig))


def whoami(user: Any) -> Mapping[str, Any]:
    """What /api/me answers."""
    grants = user.grants
    held = sorted({(g.permission, g.reach.value, g.stages) for g in grants.held})
    return {
        "id": user.id, "email": user.email, "full_name": user.full_name, "timezone": user.timezone,
        "locale": user.locale, "roles": user.role_names,
        "tenant": {"id": user.tenant_id, "label": user.tenant.name},
        "permissions": [
            {"permission": permission, "scope": reach, "stages": list(stages)} for permission, reach, stages in held
        ],
        "token_scope": None if grants.within is None else list(grants.within),
    }  # fmt: skip
