"""What a message must know of an application: who follows it, and its open mock interview."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.hiring.models import Application, Candidate, Job, Project
from portal.messaging.facts import Person, person
from portal.people.models import Tenant, User
from portal.practice.models import STILL_OPEN, MockInterview


@dataclass(frozen=True)
class Case:
    """An application as it stands. ``coordinator`` and ``start`` are those of its open mock interview, whose key is
    ``mock``; None where there is none."""

    id: UUID
    organisation: str
    status: str
    job: str
    project: str
    candidate: Person
    recruiter: Person | None = None
    team_head: Person | None = None
    coordinator: Person | None = None
    mock: UUID | None = None
    start: datetime | None = None

    kind: str = "application"

    @property
    def path(self) -> str:
        return f"/applications/{self.id}"

    def person(self, key: UUID) -> Person | None:
        """Who follows the application and has this key."""
        known = (self.recruiter, self.team_head, self.coordinator, self.candidate)
        return next((each for each in known if each is not None and each.id == key), None)


_ROLES = {"recruiter": aliased(User), "team_head": aliased(User), "coordinator": aliased(User)}
_COLUMNS = ("id", "full_name", "email", "timezone", "locale", "active")


def _of(role: str) -> list[Any]:
    return [getattr(_ROLES[role], name).label(f"{role}_{name}") for name in _COLUMNS]


def _user(role: str, tenant: Any, key: Any) -> Any:
    return sa.and_(_ROLES[role].tenant_id == tenant, _ROLES[role].id == key)


_CASES = (
    sa.select(
        Application.id, Application.status, Candidate, Job.title.label("job"), Project.title.label("project"),
        Tenant.name.label("organisation"), MockInterview.id.label("mock"), MockInterview.scheduled_start.label("start"),
        *_of("recruiter"), *_of("team_head"), *_of("coordinator"),
    )
    .join(Candidate, Candidate.id == Application.candidate_id)
    .join(Job, Job.id == Application.job_id)
    .join(Project, Project.id == Job.project_id)
    .join(Tenant, Tenant.id == Application.tenant_id)
    .outerjoin(MockInterview, sa.and_(
        MockInterview.tenant_id == Application.tenant_id, MockInterview.application_id == Application.id, STILL_OPEN,
    ))
    .outerjoin(_ROLES["recruiter"], _user("recruiter", Application.tenant_id, Application.recruiter_id))
    .outerjoin(_ROLES["team_head"], _user("team_head", Project.tenant_id, Project.team_head_id))
    .outerjoin(_ROLES["coordinator"], _user("coordinator", MockInterview.tenant_id, MockInterview.coordinator_id))
    .where(Application.id.in_(sa.bindparam("keys", expanding=True)))
    .execution_options(populate_existing=True)
)  # fmt: skip


def load(session: Any, applications: Collection[UUID], *, lock: bool = False) -> dict[UUID, Case]:
    """The cases of ``applications`` of the present tenant; with ``lock`` they stand still until the transaction
    ends."""
    query = _CASES.order_by(Application.id).with_for_update(of=Application, read=True) if lock else _CASES
    return {row.id: _case(row) for row in session.execute(query, {"keys": list(applications)})}


def _case(row: Any) -> Case:
    one = row.Candidate
    return Case(
        row.id, row.organisation, row.status, row.job, row.project,
        Person(one.id, one.full_name, one.email, one.timezone, one.locale, is_candidate=True),
        _known(row, "recruiter"), _known(row, "team_head"), _known(row, "coordinator"), row.mock, row.start,
    )  # fmt: skip


def _known(row: Any, role: str) -> Person | None:
    values = [getattr(row, f"{role}_{name}") for name in _COLUMNS]
    return person(*values) if values[0] else None
