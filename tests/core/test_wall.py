"""The second wall: without it no tenant's work is done, and the doctor says how to build it."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import wall
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.people.models import User
from tests.support.cast import Cast


@pytest.mark.database("postgresql")
def test_without_the_tenants_role_nothing_of_a_tenant_is_read(
    app: Flask, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wall, "has_role", lambda connection: False)
    told = pytest.raises(wall.NoWall, match="CREATE ROLE greenroom_tenant")
    with app.app_context(), told, tenant_scope(cast.alice.tenant_id):
        db.session.scalars(sa.select(User)).all()


@pytest.mark.database("postgresql")
def test_a_table_without_row_level_security_is_a_fault(app: Flask, cluster: Any) -> None:
    with sa.create_engine(cluster.migrated(), poolclass=sa.NullPool).connect() as connection:
        assert wall.faults(connection, db.metadata) == []
        connection.exec_driver_sql("ALTER TABLE candidates DISABLE ROW LEVEL SECURITY")
        assert wall.faults(connection, db.metadata) == ["No row-level security on: candidates. Run “db upgrade” again."]
        connection.rollback()
