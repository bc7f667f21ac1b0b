"""A database with data, back before 0004 and up again: what was arranged is kept, and takes its people's time."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.admin.models import BulkRow, BulkRun
from portal.core import clock as portal_clock
from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.core.workflow import Change
from portal.hiring.models import Application
from portal.hiring.workflow import APPLICATION
from portal.interviews.models import Interview, Panelist
from portal.people.models import User
from portal.practice.actions import create_mock_interview
from portal.practice.training import create_training
from portal.practice.workflow import MOCK_INTERVIEW
from portal.scheduling.models import Engagement
from tests.conftest import MakeApp
from tests.support.cast import Person, gather
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.hiring import at_work
from tests.support.world import populate

HOUR = timedelta(hours=1)


def migrate(url: str, folder: Path, *step: str) -> None:
    env = os.environ | {"ENV": "test", "DATABASE_URL": url, "GREENROOM_DATA": str(folder)}
    done = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "db", *step], env=env, capture_output=True)
    assert done.returncode == 0, done.stderr


def shape(bind: Any) -> dict[str, Any]:
    """The tables' columns, checks, keys and indexes, in whatever order."""
    found, inspector = {}, sa.inspect(bind)
    for table in inspector.get_table_names():
        found[table] = {
            "columns": sorted(f"{c['name']} {c['type']} {c['nullable']}" for c in inspector.get_columns(table)),
            "checks": sorted(c["name"] for c in inspector.get_check_constraints(table)),
            "keys": sorted(c["name"] for c in inspector.get_foreign_keys(table)),
            "indexes": sorted(f"{i['name']} {i['column_names']}" for i in inspector.get_indexes(table)),
        }
    return found


def test_what_was_arranged_before_is_kept_and_takes_its_peoples_time(
    request: pytest.FixtureRequest, make_app: MakeApp, database: Database, clock: Clock, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if database.url.startswith("postgresql"):
        url = request.getfixturevalue("cluster").empty().render_as_string(hide_password=False)
    migrate(url, tmp_path, "upgrade")
    app = make_app(DATABASE_URL=url)
    cast = gather(app)
    world = populate(app, cast)
    world.more(2)
    mine = sa.select(Interview.id).where(Interview.tenant_id == cast.alice.tenant_id)
    with app.app_context(), everywhere(db.session):
        before = shape(db.engine)
        keys = list(db.session.scalars(mine.order_by(Interview.scheduled_start)))
        run = half_done(cast.alice)
    release(app)
    migrate(url, tmp_path, "downgrade", "0002")
    with app.app_context(), db.engine.begin() as connection:
        # Before, nothing refused two of Alice's interviews at one time.
        start = connection.scalars(sa.select(Interview.scheduled_start).where(Interview.id == keys[0])).one()
        times = sa.update(Interview).where(Interview.id == keys[1])
        connection.execute(times.values(scheduled_start=start + HOUR / 2, scheduled_end=start + 2 * HOUR))
        sent, trained = applications(connection, cast.alice.tenant_id)
        for key, status in ((sent, "mock_interview_scheduled"), (trained, "training_in_progress")):
            connection.execute(sa.update(Application).where(Application.id == key).values(status=status))
    release(app)
    migrate(url, tmp_path, "upgrade")
    with app.app_context(), everywhere(db.session):
        assert shape(db.engine) == before
        assert set(db.session.scalars(mine)) == set(keys)
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Panelist)) == 4
        assert taken(keys) == {(keys[0], True), (keys[1], True), (keys[2], False)}
        assert told_of(run) == (2, ["done", "skipped", "done", "done"])
        db.session.rollback()
    with app.app_context(), at_work(cast.alice) as alice:
        what_stood_in_practice_goes_on(alice, sent, trained)


def half_done(user: Person) -> UUID:
    """A bulk run that was stopped after two of its four rows."""
    run = BulkRun(tenant_id=user.tenant_id, user_id=user.id, grid="interviews", verb="confirm", label="Confirm",
                  state="running", total=4, done=1, skipped=1, reached=2)  # fmt: skip
    db.session.add(run)
    db.session.flush()
    for position, outcome in enumerate(("done", "skipped", "done", "done")):
        row = BulkRow(run_id=run.id, tenant_id=user.tenant_id, position=position, row_id=user.id, outcome=outcome)
        db.session.add(row)
    key = run.id
    db.session.commit()
    return key


def told_of(run: UUID) -> tuple[int, list[str]]:
    """How far a run is, and what is said of its rows."""
    rows = sa.select(BulkRow.outcome).where(BulkRow.run_id == run).order_by(BulkRow.position)
    reached = db.session.scalars(sa.select(BulkRun.reached).where(BulkRun.id == run)).one()
    return reached, list(db.session.scalars(rows))


def applications(connection: Any, tenant: UUID) -> tuple[UUID, UUID]:
    """The last two, which have an interview each."""
    mine = sa.select(Interview.application_id).where(Interview.tenant_id == tenant)
    first, second = connection.scalars(mine.order_by(Interview.scheduled_start.desc()).limit(2)).all()
    return first, second


def what_stood_in_practice_goes_on(alice: User, sent: UUID, trained: UUID) -> None:
    """Before, the statuses were set by hand: such an application has no mock interview yet, and may get one; one in
    training without a record can be put on hold, and goes on from there."""
    change = Change(portal_clock.now(), alice)
    mock = create_mock_interview(db.session, {"application_id": sent, "coordinator_id": alice.id}, change)
    assert (mock.status, mock.attempt, mock.application.status) == ("requested", 1, "mock_interview_scheduled")
    MOCK_INTERVIEW.move(db.session, mock, "cancel", Change(portal_clock.now(), alice, {"reason": "Ill"}))
    row = db.session.get_one(Application, (alice.tenant_id, trained))
    for verb in ("on_hold", "resume"):
        APPLICATION.move(db.session, row, verb, change)
    assert row.status == "mock_interview_failed"
    create_training(db.session, {"application_id": trained, "training_type": "soft_skills"}, change)
    db.session.refresh(row)
    assert row.status == "training_assigned"


def release(app: Flask) -> None:
    """Give the connections back: tables are about to be made anew."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def taken(keys: list[UUID]) -> set[tuple[UUID, bool]]:
    """Which interviews take their panel's time, and whether as an overlap that is let stand."""
    query = sa.select(Engagement.subject_id, Engagement.overrule_reason).where(
        Engagement.subject_id.in_(keys), Engagement.user_id.is_not(None)
    )
    return {(subject, reason != "") for subject, reason in db.session.execute(query)}
