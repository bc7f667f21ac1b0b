"""What a reminder must know of a mock interview that has a time."""

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.hiring.models import Application, Candidate, Job
from portal.messaging.facts import Facts, Person, person
from portal.people.models import Tenant, User
from portal.practice.models import MockInterview

_MOCKS = (
    sa.select(MockInterview, Candidate, User, Job.title.label("job"), Tenant.name.label("organisation"))
    .join(Application, Application.id == MockInterview.application_id)
    .join(Candidate, Candidate.id == Application.candidate_id)
    .join(Job, Job.id == Application.job_id)
    .join(User, User.id == MockInterview.coordinator_id)
    .join(Tenant, Tenant.id == MockInterview.tenant_id)
    .where(MockInterview.id.in_(sa.bindparam("keys", expanding=True)), MockInterview.scheduled_start.is_not(None))
    .execution_options(populate_existing=True)
)


def load(session: Any, mocks: Collection[UUID], *, lock: bool = False) -> dict[UUID, Facts]:
    """The facts of ``mocks`` of the present tenant that have a time; with ``lock`` they stand still until the
    transaction ends. Their coordinator is all the panel there is."""
    query = _MOCKS.order_by(MockInterview.id).with_for_update(of=MockInterview, read=True) if lock else _MOCKS
    return {row.MockInterview.id: _facts(row) for row in session.execute(query, {"keys": list(mocks)})}


def _facts(row: Any) -> Facts:
    mock, one, user = row.MockInterview, row.Candidate, row.User
    coordinator = person(user.id, user.full_name, user.email, user.timezone, user.locale, user.active)
    return Facts(
        id=mock.id, kind="mock_interview", organisation=row.organisation, status=mock.status,
        schedule=mock.reschedule_count, version=mock.version, start=mock.scheduled_start,
        end=mock.scheduled_start + timedelta(minutes=mock.duration), type="mock",
        title=f"Mock interview with {one.full_name}", job=row.job, location="", link=mock.meeting_link, meeting_id="",
        passcode="", cancellation_reason=mock.cancellation_reason, timezone=mock.timezone,
        candidate=Person(one.id, one.full_name, one.email, one.timezone, one.locale, is_candidate=True),
        organizer=coordinator, panel=(coordinator,),
    )  # fmt: skip
