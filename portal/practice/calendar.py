"""What practice has in the calendar: mock interviews and the sessions of trainings."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.admin.agenda import Event, Seat, Span, Wanted, source
from portal.admin.grid import to
from portal.admin.query import to_key
from portal.core import access
from portal.hiring.models import Application, Candidate, Job, Project
from portal.people.models import User
from portal.practice.admin import TONES
from portal.practice.models import (
    LONGEST,
    MockInterview,
    MockStatus,
    SessionStatus,
    TrainingAssignment,
    TrainingSession,
)
from portal.practice.training_admin import SESSION_TONES
from portal.practice.workflow import SCHEDULE

M, S = MockInterview, TrainingSession
_NAME = (Candidate.first_name + " " + Candidate.last_name).label("candidate")
_LONGEST_SESSION = timedelta(minutes=720)


@source
def _mocks(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime, most: int) -> list[Event]:
    """Mock interviews that have a time (``ix_mock_interviews_start``): one statement."""
    if not access.may(user, "read:mock_interviews") or wanted.get("organizer"):
        return []
    movable = access.visible(M, user, *SCHEDULE, rowwise=True)
    columns = (
        M.id, M.status, M.scheduled_start.label("start"), M.duration, M.version, M.attempt, _NAME,
        Project.title.label("project"), User.id.label("who"), User.full_name, movable.label("movable"),
    )  # fmt: skip
    query = (
        sa.select(*columns)
        .join(Application, to(Application, M.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id))
        .join(Job, to(Job, Application.job_id))
        .join(Project, to(Project, Job.project_id))
        .join(User, to(User, M.coordinator_id))
        .where(*_within(M.scheduled_start, span, timedelta(minutes=LONGEST)))
        .where(*_conditions(wanted, user, M.status, MockStatus.CANCELLED, M.coordinator_id))
        .order_by(M.scheduled_start, M.id)
        .limit(most + 1)
    )
    rows = session.execute(access.scope(query, M, user, "read:mock_interviews", rowwise=True))
    return _reaching_in(span, [_mock(row, at) for row in rows])


def _mock(row: Any, at: datetime) -> Event:
    end = row.start + timedelta(minutes=row.duration)
    again = f", attempt {row.attempt}" if row.attempt > 1 else ""
    movable = bool(row.movable) and row.status == MockStatus.SCHEDULED and end > at
    return Event(
        row.id, "mock-interviews", f"Mock interview{again}", row.status, TONES[row.status], row.start, end, row.version,
        row.candidate, row.project, movable, (Seat(row.who, row.full_name, False),), "Mock interview",
        "clipboard-check",
    )  # fmt: skip


@source
def _sessions(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime, most: int) -> list[Event]:
    """Sessions of trainings (``ix_training_sessions_start``): one statement. They are moved on their own page."""
    if not access.may(user, "read:training") or wanted.get("organizer"):
        return []
    columns = (
        S.id, S.topic, S.status, S.session_start.label("start"), S.duration, S.version, _NAME,
        Project.title.label("project"), User.id.label("who"), User.full_name,
    )  # fmt: skip
    query = (
        sa.select(*columns)
        .join(TrainingAssignment, to(TrainingAssignment, S.assignment_id))
        .join(Application, to(Application, TrainingAssignment.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id))
        .join(Job, to(Job, Application.job_id))
        .join(Project, to(Project, Job.project_id))
        .join(User, to(User, S.conducted_by_id), isouter=True)
        .where(*_within(S.session_start, span, _LONGEST_SESSION))
        .where(*_conditions(wanted, user, S.status, SessionStatus.CANCELLED, S.conducted_by_id))
        .order_by(S.session_start, S.id)
        .limit(most + 1)
    )
    rows = session.execute(access.scope(query, S, user, "read:training", rowwise=True))
    return _reaching_in(span, [_session(row) for row in rows])


def _session(row: Any) -> Event:
    who = (Seat(row.who, row.full_name, False),) if row.who else ()
    return Event(
        row.id, "training-sessions", row.topic, row.status, SESSION_TONES[row.status], row.start,
        row.start + timedelta(minutes=row.duration), row.version, row.candidate, row.project, False, who,
        "Training session", "mortarboard",
    )  # fmt: skip


def _within(start: Any, span: Span, longest: timedelta) -> tuple[Any, ...]:
    """What begins in the span, or so little before that it may reach into it."""
    return start > span.starts(span.first) - longest, start < span.starts(span.end)


def _reaching_in(span: Span, found: Sequence[Event]) -> list[Event]:
    first = span.starts(span.first)
    return [event for event in found if event.end > first]


def _conditions(wanted: Wanted, user: Any, status: Any, cancelled: str, who: Any) -> list[Any]:
    """The filters of interviews, as far as they say something of these too."""
    found: list[Any] = []
    if states := wanted.get("status"):
        found.append(status.in_([state for state in states if state in set(status.type.members)]))
    elif not wanted.cancelled:
        found.append(status != cancelled)
    if wanted.mine:
        found.append(who == user.id)
    if people := wanted.get("interviewer"):
        found.append(who.in_(_keys(people)))
    if projects := wanted.get("project"):
        found.append(Job.project_id.in_(_keys(projects)))
    return found


def _keys(values: Sequence[str]) -> list[UUID]:
    return [key for value in values if (key := to_key(value))]
