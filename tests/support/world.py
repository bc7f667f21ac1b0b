"""Two tenants with a row behind every grid: what is Alice's, and what she must never see."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from portal.admin.grid import grids
from portal.core import clock
from portal.core.context import act
from portal.core.db import db, new_id
from portal.core.events import OutboxEvent
from portal.core.tenancy import tenant_scope
from portal.core.workflow import Change
from portal.feedback.models import InterviewFeedback
from portal.hiring import actions as hiring
from portal.hiring.models import Application, Candidate, Job, JobRole, Project
from portal.hiring.workflow import APPLICATION
from portal.interviews import actions as interviews
from portal.interviews.models import Interview, InterviewTemplate
from portal.messaging.inbox import Notification
from portal.messaging.models import Delivery
from portal.people import actions as people
from portal.people.models import Team, User
from portal.practice import actions as practice
from portal.practice import assessing, checklists, training
from portal.practice.models import TrainingAssignment
from portal.practice.workflow import MOCK_INTERVIEW
from portal.scheduling import slots_actions as slots
from portal.scheduling.models import TimeOff, WorkingHours
from portal.webhooks.models import Webhook, WebhookDelivery
from tests.support.cast import Cast, Person
from tests.support.memory import remembered

TO_VERIFIED = ("pending_documents", "documents_submitted", "verification_in_progress", "documents_verified")
TO_APPROVED = (*TO_VERIFIED, "approved")


@dataclass
class World:
    """Keys by grid: ``own`` of Alice's tenant, ``foreign`` of Charlie's. ``foreign_note`` is what Charlie was told."""

    app: Flask
    cast: Cast
    own: dict[str, UUID]
    foreign: dict[str, UUID]
    foreign_note: UUID

    def more(self, count: int) -> None:
        """``count`` further candidates with application and interview in Alice's tenant."""
        with self.app.app_context():
            _more(self.cast.alice, count)


def populate(app: Flask, cast: Cast, more: int = 0) -> World:
    """A world of the cast alone; with ``more``, some further candidates and all that they have."""

    def made() -> tuple[dict[str, UUID], dict[str, UUID], UUID]:
        own, foreign = _tenant(cast.alice, "Harbour"), _tenant(cast.charlie, "Northwind-only")
        if more:
            _more(cast.alice, more)
        with tenant_scope(cast.charlie.tenant_id, db.session):
            note = db.session.scalars(sa.select(Notification.id)).one()
        return own, foreign, note

    own, foreign, note = remembered(app, (cast, more), made)
    return World(app, cast, dict(own), dict(foreign), note)


def _tenant(person: Person, mark: str) -> dict[str, UUID]:
    with tenant_scope(person.tenant_id, db.session), act(by=person.id, label=person.full_name):
        hiring.add_pipeline(db.session)
        me = db.session.get_one(User, (person.tenant_id, person.id))
        team = Team(name=f"{mark} team", head_id=me.id)
        db.session.add(team)
        db.session.flush()
        people.set_members(db.session, team, [me])
        project = Project(title=f"{mark} project", team_id=team.id, team_head_id=me.id)
        role = JobRole(name=f"{mark} nurse")
        db.session.add_all([project, role])
        db.session.flush()
        job = Job(project_id=project.id, job_role_id=role.id, title=f"{mark} job", hiring_manager_id=me.id)
        db.session.add(job)
        db.session.flush()
        _hire(me, job, mark, f"{mark.lower()}@x.example")
        db.session.add(InterviewTemplate(name=f"{mark} screening"))
        _offer(me, 1)
        people.issue_token(db.session, me, f"{mark} token", at=clock.now())
        _tell(me, mark)
        db.session.add(WorkingHours(user_id=me.id, monday="09:00-17:00"))
        db.session.add(TimeOff(user_id=me.id, start=clock.now(), end=clock.now() + timedelta(days=1), notes=mark))
        _assess(me)
        _hook(mark)
        _rehearse(me, job, f"{mark} again", f"again@{mark.lower()}.example", hours=100)
        db.session.commit()
        return {path: _first(grid.model) for path, grid in grids().items()} | {"settings": person.tenant_id}


def _more(person: Person, count: int) -> None:
    with tenant_scope(person.tenant_id, db.session):
        me = db.session.get_one(User, (person.tenant_id, person.id))
        job = db.session.scalars(sa.select(Job).limit(1)).one()
        for number in range(count):
            _hire(me, job, f"More{number}", f"more{number}@x.example", hours=number + 1)
            _rehearse(me, job, f"Again{number}", f"again{number}@x.example", hours=number + 101)
        _offer(me, count, after=2)
        _hook("", count)
        db.session.commit()


def _tell(me: User, mark: str) -> None:
    """One message and one notification, as the worker makes them from an event."""
    event = db.session.scalars(sa.select(OutboxEvent).where(OutboxEvent.name == "InterviewScheduled")).one()
    db.session.add(
        Delivery(
            event_id=event.id, event=event.name, kind="interview_scheduled", subject_id=event.subject_id,
            recipient_id=me.id, user_id=me.id, address=me.email, idem_key=str(event.id), message_id=f"<{event.id}@x>",
            next_at=clock.now() + timedelta(days=365),
        )
    )  # fmt: skip
    told = {"title": f"{me.full_name} is told", "message": mark, "link": f"/interviews/{event.subject_id}"}
    db.session.add(Notification(user_id=me.id, type="interview_scheduled", idem_key=str(event.id), **told))
    db.session.flush()


def _hook(mark: str, count: int = 1) -> None:
    """A webhook that nobody is behind, with what is to be sent to it in a year."""
    hook = db.session.scalar(sa.select(Webhook).limit(1)) or Webhook(name=mark, url="https://hooks.example/x")
    db.session.add(hook)
    db.session.flush()
    later = clock.now() + timedelta(days=365)
    db.session.add_all(
        WebhookDelivery(
            webhook_id=hook.id, event_id=new_id(), subject_id=new_id(), type="interview.confirm", body="{}",
            next_at=later,
        )
        for _ in range(count)
    )  # fmt: skip
    db.session.flush()


def _assess(me: User) -> None:
    """Submitted feedback on the first interview."""
    interview = db.session.scalars(sa.select(Interview).limit(1)).one()
    db.session.add(
        InterviewFeedback(
            interview_id=interview.id, interviewer_id=me.id, overall_rating=4, recommendation="yes", strengths="Calm",
            private_notes="Asks for much", submitted_at=clock.now(),
        )
    )  # fmt: skip
    db.session.flush()


def _first(model: Any) -> UUID:
    found = db.session.scalar(sa.select(model).order_by(model.id).limit(1))
    assert found is not None, f"no row of {model.__name__}"
    return found.id  # type: ignore[no-any-return]


def _hire(me: User, job: Job, first_name: str, email: str, hours: int = 0) -> None:
    change = Change(clock.now(), me)
    values = {"first_name": first_name, "last_name": "Ørsted", "email": email, "timezone": "Asia/Dubai"}
    candidate = hiring.add_candidate(db.session, values, change)
    application = nominate(candidate, job, me)
    start = clock.now() + timedelta(days=2, hours=hours)  # nobody is in two places
    interviews.schedule_interview(
        db.session,
        {"application_id": application.id, "interview_type": "video", "audience": "client", "timezone": "Asia/Dubai",
         "scheduled_start": start, "scheduled_end": start + timedelta(hours=1), "organizer_id": me.id},
        [me], change,
    )  # fmt: skip


def _offer(me: User, count: int, after: int = 1) -> None:
    """``count`` slots, one a day, a while ahead."""
    start = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=100 + after)
    for number in range(count):
        at = start + timedelta(days=number)
        slots.offer(db.session, {"start": at, "end": at + timedelta(minutes=30)}, Change(clock.now(), me))


def _rehearse(me: User, job: Job, first_name: str, email: str, hours: int) -> None:
    """A mock interview by a checklist, which ends in training with a session."""
    change = Change(clock.now(), me)
    values = {"first_name": first_name, "last_name": "Ünal", "email": email, "timezone": "Asia/Dubai"}
    application = nominate(hiring.add_candidate(db.session, values, change), job, me, TO_VERIFIED)
    role, start = job.job_role_id, clock.now() + timedelta(days=3, hours=hours)
    criterion = {"job_role_id": role, "category": "communication", "criterion": f"Listens to {first_name}"}
    checklists.add_criterion(db.session, criterion, change)
    wanted = {"application_id": application.id, "coordinator_id": me.id, "scheduled_start": start, "duration": 30}
    mock = practice.create_mock_interview(db.session, wanted, change)
    MOCK_INTERVIEW.move(db.session, mock, "start", change)
    assessment = {"overall_rating": 2, "decision": "needs_training", "training": {"training_type": "soft_skills"}}
    assessing.complete_mock_interview(db.session, mock, assessment, change)
    assigned = db.session.scalars(
        sa.select(TrainingAssignment).where(TrainingAssignment.application_id == application.id)
    ).one()
    session = {"assignment_id": assigned.id, "session_start": start + timedelta(days=9), "topic": first_name}
    training.create_session(db.session, {**session, "duration": 30}, change)


def nominate(
    candidate: Candidate, job: Job, me: User, statuses: tuple[str, ...] = TO_APPROVED
) -> Application:  # fmt: skip
    """An approved application, or one that has come as far as ``statuses`` take it."""
    change = Change(clock.now(), me)
    row = hiring.nominate(db.session, {"candidate_id": candidate.id, "job_id": job.id, "coordinator_id": me.id}, change)
    for status in statuses:
        APPLICATION.move(db.session, row, status, change)
    return row
