"""An interview with its people, and the verbs on it, as the portal's pages call them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from portal.core import records
from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.workflow import Change
from portal.hiring.actions import add_pipeline
from portal.hiring.models import Application, Candidate, Job, JobRole, Project
from portal.interviews import actions
from portal.interviews.models import Interview, Panelist
from portal.interviews.panels import set_panel
from portal.interviews.workflow import INTERVIEW
from portal.messaging.models import Delivery, Reminder
from portal.people.models import User
from tests.support.cast import Person
from tests.support.clock import Clock

HOUR = timedelta(hours=1)


@dataclass
class World:
    """One tenant with a job; `person` acts in it."""

    app: Flask
    person: Person
    clock: Clock
    job: UUID
    _count: int = 0

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A session in the tenant's scope, committed at the end."""
        with self.app.app_context(), tenant_scope(self.person.tenant_id):
            yield db.session
            db.session.commit()

    def interview(self, start: datetime, panel: Sequence[Person] = (), **values: Any) -> UUID:
        """A new candidate's interview at `start`, 45 minutes long; `first_name`,
        `last_name` and `email` are the candidate's, and so are `timezone` and `locale`."""
        self._count += 1
        theirs = {
            "first_name": "Jane", "last_name": f"Doe {self._count}", "email": f"jane{self._count}@mail.example",
            "timezone": "Asia/Dubai", "locale": "en",
        }  # fmt: skip
        theirs |= {name: values.pop(name) for name in list(values) if name in theirs}
        with self.session() as session:
            candidate = records.create(
                session, Candidate, {n: v for n, v in theirs.items() if n != "candidate_timezone"}
            )
            row = Application(candidate_id=candidate.id, job_id=self.job, status="nominated")
            session.add(row)
            session.flush()
            given = {
                "application_id": row.id, "interview_type": "video", "audience": "internal",
                "scheduled_start": start, "scheduled_end": start + timedelta(minutes=45), "timezone": "Europe/London",
                "meeting_link": "https://meet.example/abc", **values,
            }  # fmt: skip
            users = [session.get(User, (p.tenant_id, p.id)) for p in panel]
            made: Interview = actions.schedule_interview(session, given, users, self.change())
            key: UUID = made.id
            return key

    def change(self, **data: Any) -> Change:
        return Change(self.clock.now, db.session.get(User, (self.person.tenant_id, self.person.id)), data)

    def move(self, interview: UUID, verb: str, **data: Any) -> None:
        """`world.move(key, "cancel", reason="…")`"""
        with self.session() as session:
            row = session.get(Interview, (self.person.tenant_id, interview))
            INTERVIEW.move(session, row, verb, self.change(**data))

    def seat(self, interview: UUID, *panel: Person) -> None:
        """Makes `panel` the interview's panel."""
        with self.session() as session:
            row = session.get(Interview, (self.person.tenant_id, interview))
            users = [session.get(User, (p.tenant_id, p.id)) for p in panel]
            set_panel(session, row, users, self.change())

    def reply(self, interview: UUID, person: Person, reply: str) -> None:
        with self.session() as session:
            mine = (Panelist.interview_id == interview, Panelist.user_id == person.id)
            session.scalar(sa.select(Panelist).where(*mine)).reply = reply

    def reminders(self, interview: UUID, *, void: bool = False) -> list[tuple[str, str]]:
        """Kind and due time before the start, of those that are not void, e.g. `("1hour", "1:00:00")`."""
        with self.session() as session:
            row = session.get(Interview, (self.person.tenant_id, interview))
            query = sa.select(Reminder).where(Reminder.subject_id == interview, Reminder.void_at.is_not(None) == void)
            found = session.scalars(query.order_by(Reminder.due_at, Reminder.recipient_id)).all()
            return [(r.kind, str(row.scheduled_start - r.due_at)) for r in found]

    def deliveries(self, *columns: str, **where: Any) -> list[Any]:
        """The mails of all tenants in the order of their making, or other deliveries where a `channel` is named:
        one column as it is, several as tuples."""
        names, where = columns or ("kind", "address", "status"), {"channel": "email"} | where
        with self.app.app_context(), everywhere():
            query = sa.select(*(getattr(Delivery, name) for name in names)).filter_by(**where).order_by(Delivery.id)
            rows = [tuple(row) for row in db.session.execute(query)]
        return [row[0] for row in rows] if len(names) == 1 else rows


def make_world(app: Flask, person: Person, clock: Clock) -> World:
    with app.app_context(), tenant_scope(person.tenant_id):
        add_pipeline(db.session)
        role = records.create(db.session, JobRole, {"name": "Nurse"})
        project = records.create(db.session, Project, {"title": "Ward 7"})
        job = records.create(
            db.session, Job, {"title": "Senior Nurse", "project_id": project.id, "job_role_id": role.id}
        )
        db.session.commit()
        return World(app, person, clock, job.id)
