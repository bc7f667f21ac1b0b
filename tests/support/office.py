"""An organisation whose interviews are arranged through the API, as a program does it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Flask

from portal.core import records
from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.hiring.actions import add_pipeline
from portal.hiring.models import Application, Candidate, Job, JobRole, Project
from portal.people import actions
from portal.people.models import Tenant, User
from tests.support.api import ApiCaller, caller
from tests.support.cast import Person, make_person

Panel = Sequence[tuple[Person, str]]


@dataclass(frozen=True)
class Applied:
    """A candidate's application."""

    id: UUID
    email: str


@dataclass
class Office:
    """One tenant with a job; ``head`` may do everything in it."""

    app: Flask
    head: Person
    job: UUID
    _callers: dict[UUID, ApiCaller] = field(default_factory=dict)

    def colleague(self, name: str, zone: str) -> Person:
        """A user who may do everything, and whose clock is that of ``zone``."""
        with self._session() as session:
            tenant = session.get(Tenant, self.head.tenant_id)
            made = make_person(tenant, f"{name.lower().replace(' ', '.')}@harbour.example", name)
            session.get(User, (made.tenant_id, made.id)).timezone = zone
        return made

    def candidates(self, zones: Sequence[str], first: int = 1) -> list[Applied]:
        """One for each of ``zones``, called cand1@mail.example and so on, each with an application."""
        with self._session() as session:
            return [self._apply(session, number, zone) for number, zone in enumerate(zones, first)]

    def _apply(self, session: Any, number: int, zone: str) -> Applied:
        email = f"cand{number}@mail.example"
        values = {"first_name": "Jane", "last_name": f"Doe {number}", "email": email, "timezone": zone}
        candidate = records.create(session, Candidate, values)
        row = Application(candidate_id=candidate.id, job_id=self.job, status="nominated")
        session.add(row)
        session.flush()
        return Applied(row.id, email)

    def schedule(
        self, applied: Applied, start: datetime, panel: Panel = (), *, minutes: int = 45, by: Person | None = None
    ) -> UUID:  # fmt: skip
        """A new interview, organized by ``by``."""
        body = {
            "application_id": applied.id, "interview_type": "video", "audience": "internal",
            "scheduled_start": start.isoformat(), "scheduled_end": (start + timedelta(minutes=minutes)).isoformat(),
            "timezone": "Europe/London", "meeting_link": "https://meet.example/abc",
            "interviewers": _seats(panel), "organizer_id": (by or self.head).id,
        }  # fmt: skip
        return UUID(self._do("POST", "/interviews", body)["id"])

    def verb(self, interview: UUID, verb: str, **body: Any) -> None:
        """`office.verb(key, "cancel", reason="Ill")`"""
        self._do("POST", f"/interviews/{interview}/{verb}", body)

    def move(self, interview: UUID, start: datetime, *, minutes: int = 45) -> None:
        end = start + timedelta(minutes=minutes)
        self.verb(interview, "reschedule", scheduled_start=start.isoformat(), scheduled_end=end.isoformat())

    def seat(self, interview: UUID, panel: Panel) -> None:
        """Makes ``panel`` the interview's panel."""
        self._do("PATCH", f"/interviews/{interview}", {"interviewers": _seats(panel)})

    def reply(self, interview: UUID, person: Person, reply: str) -> None:
        self._do("PATCH", f"/interviews/{interview}/reply", {"reply": reply}, by=person)

    def give_feedback(self, interview: UUID, person: Person) -> None:
        body = {"overall_rating": 4, "recommendation": "yes", "submit": True}
        self._do("POST", f"/interviews/{interview}/feedback", body, by=person)

    def _do(self, method: str, path: str, body: Mapping[str, Any], by: Person | None = None) -> Any:
        answer = self._caller(by or self.head).ask(method, path, body)
        assert answer.status_code in (200, 201), f"{method} {path} {body}: {answer.status_code} {answer.text}"
        return answer.json

    def _caller(self, person: Person) -> ApiCaller:
        if person.id not in self._callers:
            self._callers[person.id] = caller(self.app, person)
        return self._callers[person.id]

    @contextmanager
    def _session(self) -> Iterator[Any]:
        with self.app.app_context(), tenant_scope(self.head.tenant_id):
            yield db.session
            db.session.commit()


def _seats(panel: Panel) -> list[dict[str, Any]]:
    return [{"user_id": person.id, "part": part} for person, part in panel]


def open_office(app: Flask) -> Office:
    """A new tenant in an empty database."""
    with app.app_context():
        tenant = actions.create_tenant(db.session(), "Harbour Health", "Europe/London")
        head = make_person(tenant, "alice@harbour.example", "Alice Ardent")
        db.session.commit()
        with tenant_scope(head.tenant_id):
            add_pipeline(db.session)
            role = records.create(db.session, JobRole, {"name": "Nurse"})
            project = records.create(db.session, Project, {"title": "Ward 7"})
            values = {"title": "Senior Nurse", "project_id": project.id, "job_role_id": role.id}
            job = records.create(db.session, Job, values)
            db.session.commit()
            return Office(app, head, job.id)
