"""`flask demo`: what it refuses, and what the log-in page offers."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.demo import commands
from portal.demo.cast import PASSWORD
from portal.people.actions import create_tenant
from portal.people.models import Tenant, User
from tests.support.cast import make_person
from tests.support.client import PortalClient

PRODUCTION = {"ENV": "production", "SECRET_KEY": "x" * 40, "BASE_URL": "https://portal.example"}


@pytest.mark.database("postgresql")
def test_production_gets_no_demo_data(make_app: Callable[..., Flask]) -> None:
    production = make_app(**PRODUCTION)
    done = production.test_cli_runner().invoke(commands.demo, [])
    assert done.exit_code == 1
    assert "ENV=production" in done.output
    with production.app_context(), everywhere(db.session):
        assert db.session.scalars(sa.select(Tenant.id)).all() == []


@pytest.mark.parametrize(("size", "code"), [("small", 0), ("large", 1)])
def test_a_second_demo_changes_nothing(app: Flask, size: str, code: int) -> None:
    with app.app_context():
        create_tenant(db.session(), "Harbour Health")
        db.session.commit()
    done = app.test_cli_runner().invoke(commands.demo, ["--size", size])
    assert (done.exit_code, done.output) == (code, "The demo tenants are there already; nothing was changed.\n")
    with app.app_context(), everywhere(db.session):
        assert db.session.scalars(sa.select(Tenant.name)).all() == ["Harbour Health"]
        assert db.session.scalars(sa.select(User.id)).all() == []


def test_the_log_in_page_offers_what_there_is_in_development_alone(app: Flask, make_app: Callable[..., Flask]) -> None:
    with app.app_context():
        harbour = create_tenant(db.session(), "Harbour Health")
        make_person(harbour, "hr@harbour.example", "Ruth Calloway", "HR")
        make_person(harbour, "ruth@harbour.example", "Ruth Calloway", "HR")
        db.session.commit()
        assert app.extensions["demo_logins"]() == []
    with make_app(ENV="development").app_context() as context:
        offered = context.app.extensions["demo_logins"]()
    assert offered == [{"label": "HR · Harbour Health", "email": "hr@harbour.example"}]


def test_a_log_in_of_the_demo_opens_the_door(app: Flask, client: PortalClient) -> None:
    with app.app_context():
        make_person(create_tenant(db.session(), "Harbour Health"), "hr@harbour.example", "Ruth", "HR", PASSWORD)
        db.session.commit()
    assert client.log_in_by_form("hr@harbour.example", PASSWORD).headers["Location"] == "/"
    assert client.get("/").status_code == 200
