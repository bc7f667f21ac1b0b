"""Questions about practice that pages, homes and counts ask."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.practice.models import STILL_OPEN, MockInterview, MockStatus

M = MockInterview


def is_overdue(at: datetime) -> sa.ColumnElement[bool]:
    """Its time came and nobody said what became of it."""
    return sa.and_(M.status.in_((MockStatus.SCHEDULED, MockStatus.IN_PROGRESS)), M.scheduled_start < at)


def awaiting_assessment(user: UUID, at: datetime) -> sa.Select[Any]:
    """The keys of the coordinator's mock interviews that have begun, or should have, and are not assessed."""
    return sa.select(M.id).where(M.coordinator_id == user, STILL_OPEN, is_overdue(at)).order_by(M.scheduled_start, M.id)
