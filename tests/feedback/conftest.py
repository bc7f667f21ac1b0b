"""An interview that has taken place, with people around it in all roles, seen through the pages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core import records
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.core.workflow import Change
from portal.feedback import actions
from portal.feedback.models import InterviewFeedback
from portal.feedback.queries import feedback_of
from portal.interviews.models import Interview, InterviewTemplate, Panelist
from portal.people.models import Tenant, User
from tests.support.cast import Cast, Person, make_person
from tests.support.client import PortalClient
from tests.support.clock import Clock
from tests.support.hiring import at_work, make_application, make_interview, make_job, make_project, make_team

CRITERIA = [{"name": "Depth", "description": "How far down", "weight": 2, "max_score": 10}, {"name": "Care"}]
GOOD = {"overall_rating": 4, "recommendation": "yes"}


@dataclass
class Stage:
    """Alice's tenant. People are called by their names, and made when first called."""

    app: Flask
    cast: Cast
    clock: Clock
    make_client: Callable[..., PortalClient]
    people: dict[str, Person] = field(default_factory=dict)

    def person(self, name: str, role: str = "Interviewer") -> Person:
        if name not in self.people:
            with self.at_work():
                tenant = db.session.get_one(Tenant, self.cast.alice.tenant_id)
                self.people[name] = make_person(tenant, f"{name.lower()}@harbour.example", name, role)
        return self.people[name]

    @contextmanager
    def at_work(self, person: Person | None = None) -> Iterator[User]:
        """A session as `person` (Alice), committed at the end."""
        with self.app.app_context(), at_work(person or self.cast.alice) as user:
            yield user
            db.session.commit()

    def client(self, name: str) -> PortalClient:
        return self.make_client(self.person(name))

    def interview(
        self, *panel: str, shadows: tuple[str, ...] = (), status: str = "completed", ago: float = 2,
        template: dict[str, Any] | None = None, **values: Any,
    ) -> UUID:  # fmt: skip
        """An interview that began `ago` hours ago, with these people of the panel."""
        seats = [(self.person(name), "panelist") for name in panel]
        seats += [(self.person(name), "shadow") for name in shadows]
        with self.at_work():
            start = self.clock.now - timedelta(hours=ago)
            if template is not None:
                made = records.create(db.session, InterviewTemplate, {"name": f"T{start}{len(seats)}", **template})
                values["template_id"] = made.id
            if status == "completed":
                values |= {"actual_end": start + timedelta(hours=1)}
            row = make_interview(status=status, start=start, **values)
            for user, part in seats:
                seat = {"interview_id": row.id, "scheduled_start": start, "user_id": user.id, "part": part}
                records.create(db.session, Panelist, seat)
            key: UUID = row.id
            return key

    def give(self, name: str, interview: UUID, *, submit: bool = True, **values: Any) -> UUID:
        """Feedback by the portal's own action."""
        with self.at_work(self.person(name)) as user:
            row = db.session.get_one(Interview, (user.tenant_id, interview))
            change = Change(self.clock.now, user)
            return actions.save_feedback(db.session, row, {**GOOD, **values}, change, submit=submit).id

    def post(self, name: str, interview: UUID, do: str = "submit", **values: Any) -> Any:
        """What the form sends, as if it had been opened just now."""
        version = (self.kept(name, interview) or {"version": 0})["version"]
        data = {"do": do, "row_version": str(version), **values}
        return self.client(name).submit(f"/interviews/{interview}/feedback", data)

    def kept(self, name: str, interview: UUID) -> dict[str, Any]:
        """The columns of what this person has written, without keys and times; {} for nothing."""
        with self.at_work(self.person(name)):
            row = feedback_of(db.session, interview, self.person(name).id)
            skipped = {"tenant_id", "id", "interview_id", "interviewer_id", "created_at", "updated_at"}
            names = [c.key for c in InterviewFeedback.__table__.c if c.key not in skipped]
            return {name: getattr(row, name) for name in names} if row else {}

    def count(self) -> int:
        with self.app.app_context(), tenant_scope(self.cast.alice.tenant_id):
            return db.session.scalar(sa.select(sa.func.count()).select_from(InterviewFeedback)) or 0


@pytest.fixture
def stage(app: Flask, cast: Cast, clock: Clock, make_client: Any) -> Stage:
    return Stage(app, cast, clock, make_client)


@pytest.fixture
def surrounded(stage: Stage) -> Callable[..., UUID]:
    """Makes an interview with everybody who may have to do with it: Ivy and Owen on the panel, Sam a shadow, Olga
    its organizer, Rita its recruiter, Hank its hiring manager, Tess of its team; Hera, Mona, Cora, Stan have none."""
    for name, role in (
        ("Ivy", "Interviewer"), ("Owen", "Interviewer"), ("Sam", "Interviewer"), ("Stan", "Interviewer"),
        ("Olga", "Interview Coordinator"), ("Cora", "Interview Coordinator"), ("Rita", "Recruiter"),
        ("Hank", "Hiring Manager"), ("Tess", "Team Lead"), ("Hera", "HR"), ("Mona", "Manager"),
    ):  # fmt: skip
        stage.person(name, role)

    def make(**values: Any) -> UUID:
        with stage.at_work():
            users = {name: db.session.get_one(User, (p.tenant_id, p.id)) for name, p in stage.people.items()}
            project = make_project(team_id=make_team(None, users["Tess"]).id)
            job = make_job(project, hiring_manager_id=users["Hank"].id)
            application = make_application("interview_completed", job=job, recruiter=users["Rita"])
            values |= {"application": application, "organizer_id": users["Olga"].id}
            key = application.id
        values["application"] = _Held(key)
        return stage.interview("Ivy", "Owen", shadows=("Sam",), **values)

    return make


@dataclass
class _Held:
    """An application's key, where the row belongs to a session that is gone."""

    id: UUID
