"""The selections of interviews that people ask for again and again: keys in the order of their start.

Each names the index that serves it; callers narrow them further (to what the user may see, to a page).
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.search import like
from portal.core.tenancy import tenant_id
from portal.core.types import days_later, zone
from portal.interviews.models import STILL_OPEN, Interview, InterviewStatus, InterviewTitle, Panelist, Reply

Keys = sa.Select[Any]


def _open(*conditions: Any) -> Keys:
    # With the state as the index has it: what is open is little beside all that has been.
    return _keys(STILL_OPEN, *conditions)


def _keys(*conditions: Any) -> Keys:
    found = sa.select(Interview.id).where(Interview.tenant_id == tenant_id(), *conditions)
    return found.order_by(Interview.scheduled_start, Interview.id)


def upcoming(at: datetime) -> Keys:
    """Scheduled, rescheduled or confirmed, and still to begin (``ix_interviews_open``)."""
    return _open(Interview.scheduled_start > at, Interview.status != InterviewStatus.IN_PROGRESS)


def today(at: datetime, zone_name: str) -> Keys:
    """What starts on the day that it is in that zone, unless it was cancelled (``ix_interviews_start``)."""
    begin = at.astimezone(zone(zone_name)).replace(hour=0, minute=0, second=0, microsecond=0)
    end = days_later(begin, 1, zone_name)
    return _keys(
        Interview.scheduled_start >= begin,
        Interview.scheduled_start < end,
        Interview.status != InterviewStatus.CANCELLED,
    )


def unconfirmed(at: datetime, within: timedelta = timedelta(hours=48)) -> Keys:
    """What begins soon and awaits its confirmation (``ix_interviews_open``)."""
    waits = Interview.status.in_([InterviewStatus.SCHEDULED, InterviewStatus.RESCHEDULED])
    return _open(Interview.scheduled_start >= at, Interview.scheduled_start < at + within, waits)


def left_open(at: datetime, since: timedelta = timedelta(days=30)) -> Keys:
    """Over by the clock, although nobody said how it went, the latest first (``ix_interviews_open``)."""
    over = _open(Interview.scheduled_start >= at - since, Interview.scheduled_start < at, Interview.scheduled_end < at)
    return over.order_by(None).order_by(Interview.scheduled_start.desc(), Interview.id.desc())


def titled(pattern: str) -> Keys:
    """The keys of the interviews with a title like ``pattern``."""
    return sa.select(InterviewTitle.interview_id).where(like(InterviewTitle.search_text, pattern))


def seats_of(user: UUID | None) -> sa.Select[Any]:
    """Where the user sits (``ix_panelists_user``)."""
    return sa.select(Panelist.id).where(Panelist.tenant_id == tenant_id(), Panelist.user_id == user)


def on_panel_of(user: UUID | None, *conditions: Any) -> sa.ColumnElement[bool]:
    """The condition that ``user`` sits on the panel (with a seat of ``conditions``)."""
    # With the start, which is the same in both: the seats come in the order of interviews then, and PostgreSQL reads
    # no more of them than the page needs.
    seats = sa.select(Panelist.tenant_id, Panelist.scheduled_start, Panelist.interview_id).where(
        Panelist.tenant_id == tenant_id(), Panelist.user_id == user, *conditions
    )
    return sa.tuple_(Interview.tenant_id, Interview.scheduled_start, Interview.id).in_(seats)


def for_interviewer(user: UUID) -> Keys:
    """On whose panel the user sits, in whatever part (``ix_panelists_user``)."""
    return _keys(on_panel_of(user))


def to_come_for(user: UUID, at: datetime, within: timedelta = timedelta(days=30)) -> Keys:
    """What is open and ahead, or going on, of those on whose panel the user sits (``ix_panelists_user``)."""
    soon = (Panelist.scheduled_start >= at - timedelta(days=1), Panelist.scheduled_start < at + within)
    return _open(Interview.scheduled_end >= at, on_panel_of(user, *soon))


def awaiting_reply(user: UUID, at: datetime, within: timedelta = timedelta(days=90)) -> Keys:
    """What is ahead, and whose invitation the user has not replied to (``ix_panelists_user``)."""
    ahead = (Panelist.scheduled_start >= at, Panelist.scheduled_start < at + within)
    return _open(on_panel_of(user, Panelist.reply == Reply.NEEDS_ACTION, *ahead))
