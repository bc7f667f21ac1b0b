"""Candidates, applications and interviews in few lines, for tests with an open application context.

    with at_work(cast.alice) as alice:
        interview = make_interview(status="confirmed", panel=[alice])   # with all that it hangs on
        move(interview, "cancel", alice, reason="The ward is closed")

The makers put rows there as they are asked for, in any state; `move` goes the portal's way. Nothing is committed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import sqlalchemy as sa

from portal.core import clock, records
from portal.core.audit import AuditEntry
from portal.core.context import act
from portal.core.db import db
from portal.core.events import OutboxEvent
from portal.core.tenancy import tenant_id, tenant_scope
from portal.core.workflow import Change, Moved, workflow_of
from portal.hiring.actions import add_pipeline
from portal.hiring.models import (
    Application,
    ApplicationActivity,
    Candidate,
    Job,
    JobRole,
    PipelineStatus,
    Project,
    StatusChange,
)
from portal.interviews.models import Interview, Panelist, Part
from portal.people.actions import set_members
from portal.people.models import Team, Tenant, User
from tests.support.cast import Person, make_person

_numbers = count(1)


@contextmanager
def at_work(person: Person) -> Iterator[User]:
    """See and do as `person`: in their tenant, under their name in the audit."""
    with tenant_scope(person.tenant_id, db.session()), act(by=person.id, label=person.full_name):
        user = db.session.get(User, (person.tenant_id, person.id))
        assert user is not None
        yield user


def colleague(role: str, name: str = "", password: str = "") -> User:
    """A further user of the present tenant, in the built-in `role`."""
    tenant = db.session.get(Tenant, tenant_id())
    assert tenant is not None
    number = next(_numbers)
    made = make_person(tenant, f"user{number}@{tenant.slug}.example", name or f"{role} {number}", role, password)
    return db.session.get_one(User, (made.tenant_id, made.id))


def make_team(head: User | None = None, *members: User) -> Team:
    team = records.create(db.session, Team, {"name": f"Team {next(_numbers)}", "head_id": head.id if head else None})
    set_members(db.session, team, members)
    return team


def make_project(**values: Any) -> Project:
    return records.create(db.session, Project, {"title": f"Project {next(_numbers)}", **values})


def make_job(project: Project | None = None, **values: Any) -> Job:
    """A job of `project`, for a role of its own in the catalogue."""
    role = records.create(db.session, JobRole, {"name": f"Role {next(_numbers)}"})
    belongs = {"project_id": (project or make_project()).id, "job_role_id": role.id, "title": role.name}
    return records.create(db.session, Job, {**belongs, **values})


def make_candidate(name: str = "Jane Doe", **values: Any) -> Candidate:
    first, _, last = name.partition(" ")
    who = {"first_name": first, "last_name": last, "email": f"candidate{next(_numbers)}@mail.example"}
    return records.create(db.session, Candidate, {**who, **values})


def make_application(
    status: str = "nominated",
    *,
    job: Job | None = None,
    candidate: Candidate | None = None,
    recruiter: User | None = None,
    coordinator: User | None = None,
) -> Application:
    """An application that stands at `status`, without a history."""
    if db.session.scalar(sa.select(PipelineStatus.id).limit(1)) is None:
        add_pipeline(db.session)
    values = {
        "candidate_id": (candidate or make_candidate()).id,
        "job_id": (job or make_job()).id,
        "recruiter_id": recruiter.id if recruiter else None,
        "coordinator_id": coordinator.id if coordinator else None,
        "status": status,
    }
    return records.create(db.session, Application, values)


def make_interview(
    application: Application | None = None,
    status: str = "scheduled",
    *,
    start: datetime | None = None,
    minutes: int = 60,
    panel: Sequence[User] = (),
    **values: Any,
) -> Interview:
    """An interview that stands at `status`, in two days for an hour unless told otherwise."""
    start = start or clock.now() + timedelta(days=2)
    given = {
        "application_id": (application or make_application("interview_scheduled")).id,
        "title": f"Interview {next(_numbers)}",
        "status": status,
        "scheduled_start": start,
        "scheduled_end": start + timedelta(minutes=minutes),
    }
    if status == "cancelled":
        given |= {"cancelled_at": clock.now(), "cancellation_reason": "Cancelled before the test"}
    row = records.create(db.session, Interview, {**given, **values})
    for position, user in enumerate(panel):
        part = Part.PANELIST if position else Part.LEAD
        seat = {"interview_id": row.id, "scheduled_start": row.scheduled_start, "user_id": user.id, "part": part}
        records.create(db.session, Panelist, seat)
    return row


# --- what the portal does and what it wrote down ----------------------------------------------------


def change(by: User | None, **data: Any) -> Change:
    """An operation of the present moment."""
    return Change(clock.now(), by, data)


def move(row: Any, verb: str, by: User | None, **data: Any) -> Moved:
    """Take `row` through `verb`; `by` is None where another record's move carries it."""
    workflow = workflow_of(type(row))
    assert workflow is not None
    return workflow.move(db.session(), row, verb, change(by, **data))


def history(application: Application) -> list[tuple[str, str, str]]:
    """The status changes of an application: from, to and reason."""
    query = sa.select(StatusChange.source, StatusChange.target, StatusChange.reason)
    return _told(query.where(StatusChange.application_id == application.id).order_by(StatusChange.id))


def activities(application: Application) -> list[tuple[str, str, str, str]]:
    """The activity lines of an application: type, old value, new value and notes."""
    model = ApplicationActivity
    query = sa.select(model.type, model.old_value, model.new_value, model.notes)
    return _told(query.where(model.application_id == application.id).order_by(model.id))


def audited(row: Any) -> list[tuple[str, dict[str, Any]]]:
    """The audit of a row since it was created: what was done, and the fields' old and new values."""
    query = sa.select(AuditEntry.action, AuditEntry.changes).where(AuditEntry.row_id == row.id)
    return _told(query.where(AuditEntry.action != "created").order_by(AuditEntry.id))


def events(row: Any) -> list[tuple[str, dict[str, Any]]]:
    """The outbox events about a row: name and payload."""
    query = sa.select(OutboxEvent.name, OutboxEvent.payload).where(OutboxEvent.subject_id == row.id)
    return _told(query.order_by(OutboxEvent.id))


def _told(query: Any) -> list[Any]:
    return [tuple(row) for row in db.session.execute(query)]
