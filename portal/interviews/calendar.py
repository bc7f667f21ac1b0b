"""What the calendar shows: the interviews of some days, as the reader's clock has them, and what others add."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from werkzeug.datastructures import MultiDict

from portal.admin.agenda import Event, Seat, Span, Wanted, events_of, source
from portal.admin.query import Query, narrow
from portal.core import access
from portal.hiring.models import Application, Candidate, Project
from portal.hiring.workflow import CLOSED
from portal.interviews.admin import INTERVIEWS, TONES
from portal.interviews.models import AHEAD, Interview, InterviewStatus, Panelist, Reply
from portal.interviews.workflow import SCHEDULE
from portal.people.models import User

FILTERS = ("interviewer", "organizer", "project", "status")  # as the grid of interviews calls them
MOST = 2_000  # events on one page
LONGEST = timedelta(hours=24)  # of an interview (see ``workflow.check_times``)


def find(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime) -> tuple[list[Event], bool]:
    """The first MOST events of ``span`` that the user may read, and whether there are more."""
    return events_of(session, user, span, wanted, at, MOST)


@source
def _interviews(session: Any, user: Any, span: Span, wanted: Wanted, at: datetime, most: int) -> list[Event]:
    """Interviews: two statements."""
    rows = session.execute(_statement(user, span, wanted, at).limit(most + 1)).all()
    seats = _seats(session, [row.id for row in rows])
    return [
        Event(**row._mapping, path=INTERVIEWS.path, tone=TONES[row.status], panel=tuple(seats[row.id])) for row in rows
    ]


def _statement(user: Any, span: Span, wanted: Wanted, at: datetime) -> sa.Select[Any]:
    query = Query.parse(INTERVIEWS, MultiDict(wanted.filters), user, at)
    movable = sa.and_(
        access.visible(Interview, user, *SCHEDULE, rowwise=True),
        Interview.status.in_(AHEAD),
        Interview.scheduled_end > at,
        Application.status.not_in([*CLOSED, "on_hold"]),
    )
    columns = (
        Interview.id,
        Interview.title,
        Interview.status,
        Interview.scheduled_start.label("start"),
        Interview.scheduled_end.label("end"),
        Interview.version,
        (Candidate.first_name + " " + Candidate.last_name).label("candidate"),
        Project.title.label("project"),
        movable.label("movable"),
    )
    first, last = span.starts(span.first), span.starts(span.end)
    return (
        narrow(sa.select(*columns), query, joins=("application", "candidate", "project"))
        # What began before the first day may reach into it, by no more than an interview lasts: the index on starts
        # then serves both ends.
        .where(Interview.scheduled_start > first - LONGEST, Interview.scheduled_start < last)
        .where(Interview.scheduled_end > first, *_conditions(wanted, user))
        .order_by(Interview.scheduled_start, Interview.id)
    )


def _conditions(wanted: Wanted, user: Any) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if not wanted.cancelled and not wanted.get("status"):
        found.append(Interview.status != InterviewStatus.CANCELLED)
    if wanted.mine:
        seat = sa.exists().where(
            Panelist.tenant_id == Interview.tenant_id,
            Panelist.interview_id == Interview.id,
            Panelist.user_id == user.id,
        )
        found.append(sa.or_(Interview.organizer_id == user.id, seat))
    return found


def _seats(session: Any, keys: Sequence[UUID]) -> dict[UUID, list[Seat]]:
    found: dict[UUID, list[Seat]] = defaultdict(list)
    query = (
        sa.select(Panelist.interview_id, User.id, User.full_name, Panelist.reply == Reply.DECLINED)
        .join(User, sa.and_(User.tenant_id == Panelist.tenant_id, User.id == Panelist.user_id))
        .where(Panelist.interview_id.in_(keys))
        .order_by(Panelist.part, Panelist.id)
    )
    for key, *seat in session.execute(query):
        found[key].append(Seat(*seat))
    return found
