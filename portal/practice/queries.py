"""Questions about practice that pages, homes and counts ask: keys, over the index that each names."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.tenancy import tenant_id
from portal.core.types import days_later, zone
from portal.hiring.models import Application
from portal.practice.models import (
    NOT_READY,
    STILL_GOING_ON,
    STILL_OPEN,
    MockInterview,
    MockStatus,
    SessionStatus,
    TrainingAssignment,
    TrainingSession,
)

M, T, S = MockInterview, TrainingAssignment, TrainingSession
Keys = sa.Select[Any]
_TAKES_PLACE = (MockStatus.SCHEDULED, MockStatus.IN_PROGRESS)
_RECENT = timedelta(days=14)


def is_overdue(at: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Its time came and nobody said what became of it."""
    return sa.and_(M.status.in_(_TAKES_PLACE), M.scheduled_start < at)


def day_around(at: datetime, zone_name: str) -> tuple[datetime, datetime]:
    """The day that it is in that zone, from its first moment up to the next one's."""
    begin = at.astimezone(zone(zone_name)).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, days_later(begin, 1, zone_name)


# --- mock interviews ------------------------------------------------------------------------------------


def _mocks(*conditions: Any) -> Keys:
    return sa.select(M.id).where(M.tenant_id == tenant_id(), *conditions)


def awaiting_assessment(user: UUID, at: datetime) -> Keys:
    """The coordinator's, begun or due to have begun, and not assessed (``ix_mock_interviews_open_coordinator``)."""
    mine = _mocks(M.coordinator_id == user, STILL_OPEN, is_overdue(at))
    return mine.order_by(M.scheduled_start, M.id)


def to_schedule(user: UUID) -> Keys:
    """What the coordinator is asked to find a time for, the oldest first (``ix_mock_interviews_open_coordinator``)."""
    mine = _mocks(M.coordinator_id == user, STILL_OPEN, M.status == MockStatus.REQUESTED)
    return mine.order_by(M.created_at, M.id)


def to_come(user: UUID, after: datetime, within: timedelta = timedelta(days=30)) -> Keys:
    """The coordinator's that begin after a moment (``ix_mock_interviews_open_coordinator``)."""
    soon = (M.scheduled_start >= after, M.scheduled_start < after + within)
    return _mocks(M.coordinator_id == user, STILL_OPEN, *soon).order_by(M.scheduled_start, M.id)


def on_day(user: UUID, begin: datetime, end: datetime) -> Keys:
    """The coordinator's of a day, unless they were cancelled (``ix_mock_interviews_coordinator``)."""
    that_day = (M.scheduled_start >= begin, M.scheduled_start < end, M.status != MockStatus.CANCELLED)
    return _mocks(M.coordinator_id == user, *that_day).order_by(M.scheduled_start, M.id)


def completed_between(begin: datetime, end: datetime) -> Keys:
    """What was assessed, the latest first (``ix_mock_interviews_completed``)."""
    return _mocks(M.completed_at >= begin, M.completed_at < end).order_by(M.completed_at.desc(), M.id.desc())


def results(at: datetime) -> Keys:
    """What was assessed in the last fourteen days."""
    return completed_between(at - _RECENT, at + timedelta(seconds=1))


def open_ones() -> Keys:
    """All that is open, the next first (``ix_mock_interviews_open_start``)."""
    return _mocks(STILL_OPEN).order_by(M.scheduled_start, M.id)


def recruited(user: UUID, *statuses: str) -> sa.Select[Any]:
    """The keys of the applications whose recruiter the user is, in these statuses or in any."""
    mine = sa.select(Application.id).where(Application.tenant_id == tenant_id(), Application.recruiter_id == user)
    return mine.where(Application.status.in_(statuses)) if statuses else mine


# --- training -------------------------------------------------------------------------------------------


def in_training(*conditions: Any) -> Keys:
    """Trainings that are going on, those that end first before the others, those without an end last
    (``ix_training_open_end``; of whoever assigned them, ``ix_training_open_assigned_by``)."""
    found = sa.select(T.id).where(T.tenant_id == tenant_id(), STILL_GOING_ON, *conditions)
    return found.order_by(T.end_date.asc().nulls_last(), T.id)


def to_mark_ready(user: UUID | sa.BindParameter[UUID]) -> Keys:
    """Trainings that the user assigned, which ended well enough for a new attempt, and whose candidate still waits to
    be marked ready for it (``ix_training_not_ready``)."""
    return (
        sa.select(T.id)
        .join(Application, sa.and_(Application.tenant_id == T.tenant_id, Application.id == T.application_id))
        .where(T.assigned_by_id == user, NOT_READY)
        .where(Application.status == "training_completed")
    )


def sessions_on(user: UUID, begin: datetime, end: datetime) -> Keys:
    """The sessions that the user holds on a day (``ix_training_sessions_conducted_by``)."""
    that_day = (S.session_start >= begin, S.session_start < end, S.status != SessionStatus.CANCELLED)
    found = sa.select(S.id).where(S.tenant_id == tenant_id(), S.conducted_by_id == user, *that_day)
    return found.order_by(S.session_start, S.id)
