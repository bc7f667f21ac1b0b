"""Mock interviews and trainings in few lines, for tests with an open application context (see `support.hiring`).

    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))     # an application of its own, sent to alice
        walk(mock, alice, "start")
        complete(mock, alice, decision="approved")

All go the portal's way; nothing is committed.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.core import clock
from portal.core.db import db
from portal.core.workflow import Change
from portal.hiring.models import Application, Job
from portal.people.models import User
from portal.practice import actions, assessing, checklists
from portal.practice.models import (
    MockInterview,
    MockInterviewChecklistTemplate,
    TrainingAssignment,
)
from tests.support.hiring import make_application, move

TRAINING = {"training_type": "soft_skills", "priority": "high", "focus_areas": ["Handover"]}


def in_days(days: float) -> datetime:
    return clock.now() + timedelta(days=days)


def make_criteria(job: Job, *criteria: str, by: User | None = None) -> list[MockInterviewChecklistTemplate]:
    """The checklist of the job's role."""
    change = Change(clock.now(), by)
    return [
        checklists.add_criterion(
            db.session, {"job_role_id": job.job_role_id, "category": "knowledge", "criterion": each}, change
        )
        for each in criteria
    ]


def sent(
    coordinator: User, application: Application | None = None, *, by: User | None = None,
    start: datetime | None = None, **values: Any,
) -> MockInterview:  # fmt: skip
    """A mock interview of `application` (default: a new one whose documents are verified): with a time it is
    scheduled, without one requested. `by` (default: the coordinator) sends it."""
    row = application or make_application("documents_verified", coordinator=coordinator)
    given = {"application_id": row.id, "coordinator_id": coordinator.id, "scheduled_start": start, **values}
    return actions.create_mock_interview(db.session, given, Change(clock.now(), by or coordinator))


def conducted(coordinator: User, application: Application | None = None, **values: Any) -> MockInterview:
    """One that is in progress."""
    mock = sent(coordinator, application, start=values.pop("start", None) or in_days(2), **values)
    move(mock, "start", coordinator)
    return mock


def complete(mock: MockInterview, by: User, *, decision: str, **values: Any) -> None:
    """Assess it; with needs_training, `TRAINING` is assigned unless told otherwise."""
    wants = {"training": TRAINING} if decision == "needs_training" else {}
    given = {"overall_rating": 3, "decision": decision, **wants, **values}
    assessing.complete_mock_interview(db.session, mock, given, Change(clock.now(), by))


def application_of(row: MockInterview | TrainingAssignment) -> Application:
    return db.session.get_one(Application, (row.tenant_id, row.application_id), populate_existing=True)


def training_of(application: Application) -> TrainingAssignment:
    """The application's last training."""
    query = sa.select(TrainingAssignment).where(TrainingAssignment.application_id == application.id)
    last = query.order_by(TrainingAssignment.created_at.desc(), TrainingAssignment.id.desc()).limit(1)
    return db.session.scalars(last.execution_options(populate_existing=True)).one()


def trained(application: Application, by: User, outcome: str = "completed_successfully") -> TrainingAssignment:
    """Take the application's training through to its end, and mark it ready for reassessment."""
    row = training_of(application)
    move(row, "start", by)
    move(row, "complete", by, outcome=outcome)
    move(row, "ready_for_reassessment", by)
    return row
