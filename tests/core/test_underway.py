"""Writes that are sent on without waiting for each answer: what was sent is done, or all of it is not."""

import signal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import IntegrityError

from portal.core.db import db
from portal.core.errors import Conflict
from portal.core.tenancy import tenant_scope
from portal.core.underway import underway, write
from portal.people.models import Team
from tests.support.cast import Cast

_TEAMS: Any = Team.__table__
_NAMES = sa.select(_TEAMS.c.name).order_by(_TEAMS.c.name)
_LOST = Conflict("Somebody else was here.")


@pytest.fixture
def alice(app: Flask, cast: Cast) -> Any:
    with app.app_context(), tenant_scope(cast.alice.tenant_id):
        for name in ("North", "South"):
            db.session.add(Team(name=name))
        db.session.commit()
        yield cast.alice


def rename(old: str, new: str, **more: Any) -> None:
    """The rename of the team that is called ``old``."""
    mine = sa.update(_TEAMS).where(_TEAMS.c.name == sa.bindparam("old"))
    write(db.session, mine.values(name=sa.bindparam("new")), {"old": old, "new": new}, **more)


def names() -> list[str]:
    return [name for name in db.session.connection().scalars(_NAMES) if name in ("North", "South", "East", "West")]


def in_one_go(*renames: tuple[str, str], rows: int | None = None, then: Any = None) -> list[str]:
    """Sends the renames on, and then asks ``then``; answers those that it came to before something went wrong."""
    _sent.clear()
    with underway(db.session):
        for old, new in renames:
            rename(old, new, rows=rows, otherwise=_LOST)
            _sent.append(new)
        if then:
            then()
    return list(_sent)


_sent: list[str] = []


def test_what_is_sent_is_done_and_a_question_in_between_sees_it(alice: Any) -> None:
    with underway(db.session):
        rename("North", "East", rows=1, otherwise=_LOST)
        assert names() == ["East", "South"]
        rename("South", "West", rows=1, otherwise=_LOST)
        rename("Nowhere", "Nothing")
    db.session.commit()
    assert names() == ["East", "West"]


def test_a_write_that_meets_other_rows_than_it_must_is_told_of_at_the_end(alice: Any) -> None:
    with pytest.raises(Conflict) as raised:
        in_one_go(("North", "East"), ("Nowhere", "Nothing"), ("South", "West"), rows=1)
    assert raised.value is _LOST
    assert _sent == (["East", "Nothing", "West"] if db.engine.dialect.name == "postgresql" else ["East"])
    db.session.rollback()
    assert names() == ["North", "South"]


def test_a_write_that_meets_other_rows_than_it_must_is_told_of_by_the_next_question(alice: Any) -> None:
    asked = []
    with pytest.raises(Conflict) as raised:
        in_one_go(("Nowhere", "Nothing"), rows=1, then=lambda: asked.append(names()))
    assert (raised.value, asked) == (_LOST, [])


def test_what_the_database_refuses_is_an_error_of_sqlalchemys_and_the_connection_goes_on(alice: Any) -> None:
    # Often enough for psycopg to prepare the statements, some of them in the midst of a failure.
    for _ in range(12):
        with pytest.raises(IntegrityError):  # a team's name is its own
            in_one_go(("North", "East"), ("South", "East"), ("East", "West"))
        db.session.rollback()
        assert names() == ["North", "South"]
        in_one_go(("North", "East"), ("East", "North"), rows=1)
        db.session.commit()


def test_after_a_failure_in_a_savepoint_the_transaction_goes_on(alice: Any) -> None:
    another = sa.update(_TEAMS).where(_TEAMS.c.name == "Nowhere").values(name="Nothing")
    for _ in range(5):  # from the sixth time on it is prepared: which here is never done
        write(db.session, another)
    savepoint = db.session.begin_nested()
    with pytest.raises(IntegrityError):
        in_one_go(("South", "North"), then=lambda: write(db.session, another))
    savepoint.rollback()
    with underway(db.session):
        write(db.session, another, rows=0, otherwise=_LOST)
    in_one_go(("North", "East"), rows=1)
    db.session.commit()
    assert names() == ["East", "South"]


def test_another_failure_in_the_block_is_the_one_that_is_told_of(alice: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        in_one_go(("North", "East"), ("Nowhere", "East"), then=lambda: 1 / 0)
    db.session.rollback()
    assert names() == ["North", "South"]


@pytest.mark.database("postgresql")
def test_nothing_is_waited_for_until_it_is_asked_for(alice: Any) -> None:
    def status() -> psycopg.pq.PipelineStatus:
        driver: Any = db.session.connection().connection.dbapi_connection
        return psycopg.pq.PipelineStatus(driver.pgconn.pipeline_status)

    with underway(db.session):
        rename("North", "East")
        with underway(db.session):  # one block within another is part of it
            rename("South", "West")
        assert status() == psycopg.pq.PipelineStatus.ON
        assert names() == ["East", "West"]
        assert status() == psycopg.pq.PipelineStatus.OFF
    assert status() == psycopg.pq.PipelineStatus.OFF


@pytest.mark.database("postgresql")
def test_who_is_interrupted_while_waiting_leaves_no_connection_of_which_nobody_knows(alice: Any) -> None:
    def is_up(*args: Any) -> None:
        raise TimeoutError

    slow = sa.text("UPDATE teams SET name = name WHERE pg_sleep(1.5) IS NULL")
    former = signal.signal(signal.SIGALRM, is_up)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(TimeoutError):
            in_one_go(("North", "East"), then=lambda: write(db.session, slow))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
    db.session.rollback()
    assert names() == ["North", "South"]
