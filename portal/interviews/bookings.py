"""How an interview takes up the time of its panel and its candidate, and gives it back (SPEC §4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access
from portal.core.access import Holder
from portal.core.errors import PortalError
from portal.core.workflow import Change, Moved
from portal.hiring.models import Application
from portal.interviews.models import OPEN, Interview, Panelist, Reply
from portal.interviews.workflow import INTERVIEW, SCHEDULE
from portal.scheduling import workflow as scheduling
from portal.scheduling.models import SubjectType
from portal.scheduling.workflow import Booking, Party

Times = tuple[datetime, datetime]


def bookings(session: Any, times: Mapping[UUID, Times], *, asked_anew: bool = False) -> list[Booking]:
    """What each interview needs at the times given: its candidate, and all of its panel who have not declined; also
    those who have where everyone is ``asked_anew``, as a rescheduling does."""
    panels: dict[UUID, list[UUID]] = {key: [] for key in times}
    seats = sa.select(Panelist.interview_id, Panelist.user_id).where(Panelist.interview_id.in_(list(times)))
    seats = seats if asked_anew else seats.where(Panelist.reply != Reply.DECLINED)
    for interview, user in session.execute(seats.order_by(Panelist.part, Panelist.id)):
        panels[interview].append(user)
    rows = session.execute(
        sa.select(Interview.id, Interview.timezone, Application.candidate_id)
        .join(Application, Application.id == Interview.application_id)
        .where(Interview.id.in_(list(times)))
        .order_by(Interview.id)
    )
    return [
        Booking(SubjectType.INTERVIEW, row.id, *times[row.id], tuple(panels[row.id]), (row.candidate_id,), row.timezone)
        for row in rows
    ]


def occupy(session: Any, row: Interview, change: Change) -> None:
    """Take up the time of a new interview; raises Clash unless it is overruled."""
    found = bookings(session, {row.id: (row.scheduled_start, row.scheduled_end)})
    scheduling.occupy(session, found, change)


def seat(session: Any, row: Interview, joined: Sequence[UUID], left: Collection[UUID], change: Change) -> None:
    """Take up the time of those who join an open interview, and give back that of those who leave it."""
    if row.status not in OPEN:
        return
    scheduling.release(session, [row.id], left)
    if joined:
        new = Booking(
            SubjectType.INTERVIEW, row.id, row.scheduled_start, row.scheduled_end, tuple(joined), (), row.timezone
        )
        scheduling.occupy(session, [new], change, field="interviewers", anew=False)


def _times(moved: Sequence[Moved]) -> dict[UUID, Times]:
    return {m.id: (m["scheduled_start"], m["scheduled_end"]) for m in moved}


def _refuse_clashes(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    found = bookings(session, _times(moved), asked_anew=True)
    return scheduling.refusals(session, found, change, field="scheduled_start")


def _occupy_anew(session: Any, moved: Sequence[Moved], change: Change) -> None:
    found = bookings(session, _times(moved), asked_anew=True)
    scheduling.occupy(session, found, change, asked=True)


def _release(session: Any, moved: Sequence[Moved], change: Change) -> None:
    scheduling.release(session, [m.id for m in moved])


def _titles(session: Any, ids: Collection[UUID], by: Holder | None) -> Mapping[UUID, str]:
    if by is None:
        return {}
    query = access.scope(sa.select(Interview.id, Interview.title), Interview, by, rowwise=True)
    return dict(session.execute(query.where(Interview.id.in_(list(ids)))).all())


def _party(session: Any, key: UUID, by: Holder) -> Party:
    row = access.fetch(session, Interview, key, by, *SCHEDULE)
    times = {row.id: (row.scheduled_start, row.scheduled_end)}
    (needed,) = bookings(session, times, asked_anew=True)  # who asks for free times is about to move it
    return Party(needed.users, needed.candidates, row.timezone)


scheduling.describe(SubjectType.INTERVIEW, _titles)
scheduling.take_part(SubjectType.INTERVIEW, _party)
INTERVIEW.judged("reschedule", _refuse_clashes)
INTERVIEW.on("reschedule", _occupy_anew)
for _verb in ("complete", "cancel", "no_show"):
    INTERVIEW.on(_verb, _release)
