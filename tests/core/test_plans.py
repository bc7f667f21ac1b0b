"""What PostgreSQL keeps of statements between transactions, and that tenants share none of their rows by it."""

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.plans import planned_anew
from portal.core.tenancy import tenant_scope
from tests.support.cast import Cast

_KEPT = sa.text("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT DISTINCT tenant_id FROM users'")
_OWNERS = sa.text("SELECT DISTINCT tenant_id FROM users")  # the first wall does not look into text: the second stands


@pytest.mark.database("postgresql")
def test_a_plan_outlives_a_reading_and_shows_each_tenant_its_own_rows(app: Flask, cast: Cast) -> None:
    with app.app_context():
        for person in (cast.alice, cast.charlie) * 8:
            with tenant_scope(person.tenant_id):
                assert db.session.scalars(_OWNERS).all() == [person.tenant_id]
                db.session.rollback()
        assert db.session.scalar(_KEPT) == 1


@pytest.mark.database("postgresql")
def test_what_is_planned_anew_is_not_kept(app: Flask, cast: Cast) -> None:
    with app.app_context(), tenant_scope(cast.alice.tenant_id), planned_anew():
        for _ in range(8):
            assert db.session.scalars(_OWNERS).all() == [cast.alice.tenant_id]
        assert db.session.scalar(_KEPT) == 0
