"""A connection of the pool that the server has closed is noticed before it is used."""

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import commit_in_passing, db


@pytest.mark.database("postgresql")
def test_a_connection_that_the_server_ended_just_now_is_replaced(app: Flask) -> None:
    with app.app_context():
        with db.engine.connect() as connection:
            gone = connection.scalar(sa.text("SELECT pg_backend_pid()"))
        with sa.create_engine(db.engine.url, poolclass=sa.NullPool).connect() as other:
            other.execute(sa.text("SELECT pg_terminate_backend(:gone, 5000)"), {"gone": gone})
        with db.engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT pg_backend_pid()")) != gone


@pytest.mark.database("postgresql")
def test_only_the_commit_in_passing_does_not_wait_for_the_disk(app: Flask) -> None:
    with app.app_context():
        asked = sa.text("SHOW synchronous_commit")
        db.session.execute(sa.text("SET synchronous_commit = on"))  # the tests' server is set up not to wait at all
        db.session.commit()
        seen: list[str] = []
        sa.event.listen(db.session(), "before_commit", lambda session: seen.append(session.scalar(asked)), once=True)
        commit_in_passing(db.session)
        assert (seen, db.session.scalar(asked)) == (["off"], "on")
        db.session.execute(sa.text("RESET synchronous_commit"))
        db.session.commit()
