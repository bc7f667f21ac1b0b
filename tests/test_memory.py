"""The suite's own memory: what it brings back is what was made, on either database."""

import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.people import actions
from portal.people.models import Tenant
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.memory import remembered


def test_what_was_made_once_is_brought_back(app: Flask, database: Database, clock: Clock) -> None:
    made = []

    def make() -> str:
        made.append(actions.create_tenant(db.session(), "Remembered", "UTC").name)
        db.session.commit()
        return made[-1]

    for _ in range(3):
        assert remembered(app, "a tenant", make) == "Remembered"
        with app.app_context(), everywhere(db.session):
            assert db.session.scalars(sa.select(Tenant.name)).all() == ["Remembered"]
            db.session.remove()
            db.engine.dispose()
        database.clean()
    assert made == ["Remembered"]
