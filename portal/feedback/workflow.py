"""What the moves of an interview mean for feedback: a completed one asks its interviewers for theirs (SPEC §2)."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import events
from portal.core.events import Event
from portal.core.workflow import Change, Moved
from portal.feedback.models import submitted_by
from portal.interviews.models import Panelist, Part
from portal.interviews.workflow import INTERVIEW

_OWING = sa.and_(Panelist.part != Part.SHADOW, ~submitted_by(Panelist))


def owing(interviews: Collection[UUID] | sa.Select[Any]) -> sa.Select[Any]:
    """The seats of ``interviews`` (keys, or a select of them) whose feedback is missing, shadows aside."""
    keys = interviews if isinstance(interviews, sa.Select) else list(interviews)
    seats: tuple[Any, ...] = (Panelist.interview_id, Panelist.user_id)
    return sa.select(*seats).where(Panelist.interview_id.in_(keys), _OWING)


def request(interview: UUID, user: UUID, schedule: int) -> Event:
    """The event that asks ``user`` for feedback."""
    return Event("FeedbackRequested", interview, {"user": str(user), "schedule": schedule})


def _request_feedback(session: Any, moved: Sequence[Moved], change: Change) -> None:
    schedules = {m.id: m["reschedule_count"] for m in moved}
    seats = session.execute(owing(schedules).order_by(Panelist.interview_id, Panelist.id)).all()
    asked = [request(seat.interview_id, seat.user_id, schedules[seat.interview_id]) for seat in seats]
    events.record_many(session, asked, change.at)


def _warn_of_requests(session: Any, interviews: sa.Select[Any]) -> str:
    count = session.scalar(sa.select(sa.func.count()).select_from(owing(interviews).subquery()))
    if not count:
        return ""
    who = "1 interviewer is" if count == 1 else f"{count:,} interviewers are"
    return f"{who} asked for feedback by e-mail."


INTERVIEW.on("complete", _request_feedback)
INTERVIEW.foretell("complete", _warn_of_requests)
