"""The fixed cast: Alice owns, Bob is her colleague, Charlie is of the other tenant and must see nothing."""

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.people import actions
from portal.people.models import Role, Tenant
from tests.support.memory import remembered


@dataclass(frozen=True)
class Person:
    """A user's keys, which stay readable when the session that loaded the user is gone."""

    id: UUID
    tenant_id: UUID
    email: str
    full_name: str
    session_key: str

    def get_id(self) -> str:
        """What the session cookie holds, for `PortalClient.log_in`."""
        return self.session_key


@dataclass(frozen=True)
class Cast:
    """All three may do everything in their own tenant, so that a refusal is about whose a row is."""

    alice: Person
    bob: Person
    charlie: Person


def gather(app: Flask) -> Cast:
    """Makes the two tenants with their roles, and the three in them."""
    return remembered(app, "cast", _gathered)


def _gathered() -> Cast:
    harbour = actions.create_tenant(db.session(), "Harbour Health", "Europe/London")
    northwind = actions.create_tenant(db.session(), "Northwind Staffing", "America/Chicago")
    cast = Cast(
        alice=make_person(harbour, "alice@harbour.example", "Alice Ardent"),
        bob=make_person(harbour, "bob@harbour.example", "Bob Baker"),
        charlie=make_person(northwind, "charlie@northwind.example", "Charlie Chen"),
    )
    db.session.commit()
    return cast


def make_person(tenant: Tenant, email: str, full_name: str, role: str = "System Admin", password: str = "") -> Person:
    """A user of `tenant` in `role`; commit is the caller's. Give a password only to log in by the form:
    to hash one takes 0.2 s.
    """
    with tenant_scope(tenant.id, db.session()):
        roles = db.session.scalars(sa.select(Role).where(Role.name == role)).all()
        user = actions.create_user(db.session, email=email, full_name=full_name, roles=roles, password=password)
        return Person(user.id, user.tenant_id, user.email, user.full_name, user.get_id())
