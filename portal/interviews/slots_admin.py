"""What interviews add to the pages of slots, and slots to theirs: which interview, and the way to a new one."""

from typing import Any

import sqlalchemy as sa

from portal.admin.additions import add_column, button, panel
from portal.admin.cells import when
from portal.admin.grid import Column
from portal.core import access, clock
from portal.core.workflow import Change
from portal.interviews.models import Interview
from portal.interviews.workflow import SCHEDULE
from portal.scheduling.models import InterviewSlot, SlotType, SubjectType
from portal.scheduling.workflow import refusal


def _title(user: Any) -> sa.ColumnElement[Any]:
    """The interview that has booked a slot, for those who may open it."""
    return (
        sa.select(Interview.title)
        .where(
            InterviewSlot.booked_type == SubjectType.INTERVIEW.value,
            Interview.tenant_id == InterviewSlot.tenant_id,
            Interview.id == InterviewSlot.booked_id,
            access.visible(Interview, user, "read:interviews", rowwise=True),
        )
        .correlate(InterviewSlot)
        .scalar_subquery()
    )


add_column(
    "slots",
    Column("booked_by", "Booked by", _title, "title", link="interviews", link_id=InterviewSlot.booked_id),
    after="state",
)


@button("slots")
def _schedule_here(session: Any, row: InterviewSlot, user: Any) -> dict[str, Any] | None:
    at = clock.now()
    open_to_user = row.start > at and refusal(row, Change(at, user)) is None
    if not access.may(user, *SCHEDULE) or not open_to_user or row.slot_type == SlotType.MOCK_INTERVIEW:
        return None
    return {"label": "Schedule an interview here", "icon": "calendar-event", "needs_form": True,
            "url": f"/interviews/new?slot_id={row.id}"}  # fmt: skip


@panel("interviews")
def _slot_of(session: Any, row: Interview, user: Any) -> dict[str, Any] | None:
    if not access.may(user, "read:interview_slots"):
        return None
    query = access.scope(sa.select(InterviewSlot), InterviewSlot, user).where(
        InterviewSlot.booked_type == SubjectType.INTERVIEW.value, InterviewSlot.booked_id == row.id
    )
    slot = session.scalar(query)
    if slot is None:
        return None
    return {
        "title": "Slot", "icon": "calendar-plus", "columns": ["Interviewer", "Start", "End"],
        "rows": [[{"kind": "person", "text": str(slot.interviewer), "url": f"/slots/{slot.id}"},
                  {"kind": "datetime", "text": when(slot.start, user.timezone)},
                  {"kind": "datetime", "text": when(slot.end, user.timezone)}]],
    }  # fmt: skip
