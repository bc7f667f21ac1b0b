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

from portal.core import clock, records
from portal.core.db import db
from portal.core.workflow import Change
from portal.hiring.models import Application, Job
from portal.people.models import User
from portal.practice import actions, assessing, checklists
from portal.practice.models import (
    MockInterview,
    MockInterviewChecklistTemplate,
    TrainingAssignment,
    TrainingSession,
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


# --- rows in any state, put there as they are asked for -------------------------------------------------

# Where the application of a record in each state stands.
STANDS_AT = {
    MockInterview: {
        "requested": "mock_interview_scheduled", "scheduled": "mock_interview_scheduled",
        "in_progress": "mock_interview_scheduled", "completed": "mock_interview_passed",
        "cancelled": "documents_verified", "no_show": "documents_verified",
    },
    TrainingAssignment: {
        "assigned": "training_assigned", "in_progress": "training_in_progress", "completed": "training_completed",
        "cancelled": "mock_interview_failed",
    },
}  # fmt: skip


def make_mock(
    coordinator: User, status: str = "scheduled", application: Application | None = None, **values: Any
) -> MockInterview:
    """A mock interview that stands at `status`, in two days for an hour; its application stands where that puts it."""
    row = application or make_application(STANDS_AT[MockInterview][status], coordinator=coordinator)
    now = clock.now()
    given: dict[str, Any] = {
        "application_id": row.id, "coordinator_id": coordinator.id, "status": status,
        "scheduled_start": None if status == "requested" else in_days(2),
    }  # fmt: skip
    if status == "in_progress":
        given["started_at"] = now
    if status == "completed":
        given |= {"overall_rating": 4, "decision": "approved", "completed_at": now, "ready_for_client_interview": True}
    if status == "cancelled":
        given |= {"cancelled_at": now, "cancellation_reason": "Cancelled before the test"}
    return records.create(db.session, MockInterview, {**given, **values})


def make_training(
    by: User, status: str = "assigned", application: Application | None = None, **values: Any
) -> TrainingAssignment:
    """A training that stands at `status`; its application stands where that puts it."""
    row = application or make_application(STANDS_AT[TrainingAssignment][status], coordinator=by)
    given: dict[str, Any] = {
        "application_id": row.id, "assigned_by_id": by.id, "status": status, "training_type": "soft_skills",
    }  # fmt: skip
    if status in ("in_progress", "completed"):
        given["started_at"] = clock.now()
    if status == "completed":
        given |= {"outcome": "completed_successfully", "completed_at": clock.now()}
    if status == "cancelled":
        given |= {"cancelled_at": clock.now(), "cancellation_reason": "Cancelled before the test"}
    return records.create(db.session, TrainingAssignment, {**given, **values})


def make_session(training: TrainingAssignment, status: str = "scheduled", **values: Any) -> TrainingSession:
    """A session in two days for an hour."""
    given: dict[str, Any] = {
        "assignment_id": training.id, "session_start": in_days(2), "topic": "Handover", "status": status,
        "conducted_by_id": training.assigned_by_id,
    }  # fmt: skip
    if status == "completed":
        given["completed_at"] = clock.now()
    return records.create(db.session, TrainingSession, {**given, **values})
