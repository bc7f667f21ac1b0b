"""The demo's log-ins, as the log-in page offers them while the portal is being developed or tried out."""

import sqlalchemy as sa
from flask import current_app

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.demo.cast import HOLDERS, TENANTS
from portal.people.models import User
from portal.people.roles import slug


def offered() -> list[dict[str, str]]:
    """``label`` and ``email`` of each; empty outside development, or where the demo was not made."""
    if current_app.extensions["greenroom"].env != "development":
        return []
    labels = {
        f"{slug(role)}@{domain}": f"{role} · {name}" for name, domain, _ in TENANTS for role in HOLDERS
    }  # fmt: skip
    with everywhere(db.session):
        known = set(db.session.scalars(sa.select(User.email).where(User.email.in_(labels), User.active.is_(True))))
    return [{"label": label, "email": email} for email, label in labels.items() if email in known]
