"""What a message must know of its interview: read in few queries for many, and once more just before it is sent."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.types import zone_names
from portal.feedback.models import submitted_by
from portal.hiring.models import Application, Candidate, Job
from portal.interviews.models import AHEAD, Interview, InterviewTemplate, Panelist, Reply
from portal.people.models import Tenant, User


@dataclass(frozen=True)
class Person:
    """Who may be written to. ``part`` and ``reply`` are those of a panel, and so is ``gave_feedback``, which is
    whether theirs is submitted; '' and False for everybody else."""

    id: UUID
    name: str
    email: str
    timezone: str
    locale: str = "en"
    active: bool = True
    is_candidate: bool = False
    part: str = ""
    reply: str = ""
    gave_feedback: bool = False

    @property
    def declined(self) -> bool:
        return self.reply == Reply.DECLINED


@dataclass(frozen=True)
class Facts:
    """An interview, or a mock interview, as it stands. ``schedule`` grows with each rescheduling and tells one
    schedule from the next, ``version`` with each change.
    """

    id: UUID
    organisation: str
    status: str
    schedule: int
    version: int
    start: datetime
    end: datetime
    type: str
    title: str
    job: str
    location: str
    link: str
    meeting_id: str
    passcode: str
    cancellation_reason: str
    timezone: str
    candidate: Person
    organizer: Person | None = None
    panel: tuple[Person, ...] = field(default=())
    candidate_instructions: str = ""  # rich text, of the template
    confirmed_by_candidate: bool = False
    kind: str = "interview"  # or "mock_interview", whose coordinator is the panel

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/{self.kind.replace('_', '-')}s/{self.id}"

    @property
    def ahead(self) -> bool:
        return self.status in AHEAD

    def person(self, key: UUID) -> Person | None:
        """The candidate or member of the panel with this key."""
        return next((p for p in (self.candidate, *self.panel) if p.id == key), None)


# Built once: they run for every message.
_KEYS: sa.BindParameter[Any] = sa.bindparam("keys", expanding=True)
_USER = (User.id, User.full_name, User.email, User.timezone, User.locale, User.active)
_INTERVIEWS = (
    sa.select(
        Interview, Candidate, Job.title.label("job"), Tenant.name.label("organisation"),
        InterviewTemplate.candidate_instructions.label("instructions"), *_USER,
    )
    .join(Application, Application.id == Interview.application_id)
    .join(Candidate, Candidate.id == Application.candidate_id)
    .join(Job, Job.id == Application.job_id)
    .join(Tenant, Tenant.id == Interview.tenant_id)
    .outerjoin(User, sa.and_(User.tenant_id == Interview.tenant_id, User.id == Interview.organizer_id))
    .outerjoin(
        InterviewTemplate,
        sa.and_(InterviewTemplate.tenant_id == Interview.tenant_id, InterviewTemplate.id == Interview.template_id),
    )
    .where(Interview.id.in_(_KEYS))
    .execution_options(populate_existing=True)
)  # fmt: skip
_PANELS = (
    sa.select(
        Panelist.interview_id, Panelist.part, Panelist.reply, submitted_by(Panelist).label("gave_feedback"), *_USER
    )
    .join(User, User.id == Panelist.user_id)
    .where(Panelist.interview_id.in_(_KEYS))
    .order_by(Panelist.part, Panelist.id)
)


def load(session: Any, interviews: Collection[UUID], *, lock: bool = False) -> dict[UUID, Facts]:
    """The facts of ``interviews`` of the present tenant; with ``lock`` they stand still until the transaction ends."""
    # Shared: two mails about one interview do not wait for each other, but a cancellation waits for both.
    query = _INTERVIEWS.order_by(Interview.id).with_for_update(of=Interview, read=True) if lock else _INTERVIEWS
    rows = session.execute(query, {"keys": list(interviews)}).all()
    panels = _panels(session, interviews)
    return {row.Interview.id: _facts(row, panels[row.Interview.id]) for row in rows}


def _facts(row: Any, panel: list[Person]) -> Facts:
    interview, candidate = row.Interview, row.Candidate
    here = interview.candidate_timezone
    reader = Person(
        candidate.id, candidate.full_name, candidate.email,
        here if here in zone_names() else candidate.timezone, candidate.locale, is_candidate=True,
    )  # fmt: skip
    return Facts(
        id=interview.id, organisation=row.organisation, status=interview.status, schedule=interview.reschedule_count,
        version=interview.version, timezone=interview.timezone,
        start=interview.scheduled_start, end=interview.scheduled_end, type=interview.interview_type,
        title=interview.title, job=row.job, location=interview.location, link=interview.meeting_url_display,
        meeting_id=interview.meeting_id, passcode=interview.meeting_password,
        cancellation_reason=interview.cancellation_reason, candidate_instructions=row.instructions or "",
        confirmed_by_candidate=interview.confirmed_by_candidate,
        candidate=reader, organizer=_person(row) if row.id else None, panel=tuple(panel),
    )  # fmt: skip


def _panels(session: Any, interviews: Collection[UUID]) -> dict[UUID, list[Person]]:
    found: dict[UUID, list[Person]] = defaultdict(list)
    for row in session.execute(_PANELS, {"keys": list(interviews)}):
        found[row.interview_id].append(_person(row, part=row.part, reply=row.reply, gave_feedback=row.gave_feedback))
    return found


def person(key: UUID, name: str, email: str, timezone: str, locale: str, active: bool, **more: Any) -> Person:
    """A user as somebody who is written to."""
    return Person(key, name, email, timezone, locale, active, **more)


def _person(row: Any, **more: Any) -> Person:
    return person(row.id, row.full_name, row.email, row.timezone, row.locale, row.active, **more)


def users(session: Any, keys: Collection[UUID]) -> dict[UUID, Person]:
    """Users of the present tenant, wherever they sit or sat."""
    if not keys:
        return {}
    return {row.id: _person(row) for row in session.execute(sa.select(*_USER).where(User.id.in_(keys)))}
