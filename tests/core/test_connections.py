"""A connection of the pool that the server has closed is noticed before it is used."""

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db


@pytest.mark.database("postgresql")
def test_a_connection_that_the_server_ended_just_now_is_replaced(app: Flask) -> None:
    with app.app_context():
        with db.engine.connect() as connection:
            gone = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with sa.create_engine(db.engine.url, poolclass=sa.NullPool).connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:gone, 5000)"), {"gone": gone})
        with db.engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != gone
