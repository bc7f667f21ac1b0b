"""What mock interviews add to the pages of slots, and slots to theirs: which one, and the way to a new one."""

from typing import Any

import sqlalchemy as sa

from portal.admin.additions import add_column, button, panel
from portal.admin.cells import when
from portal.admin.grid import Column, to
from portal.admin.lookups import Lookup
from portal.core import access, clock
from portal.core.access import may
from portal.core.search import like
from portal.core.workflow import Change
from portal.hiring.models import Application, Candidate
from portal.people.models import User
from portal.people.queries import holding
from portal.practice.models import MockInterview
from portal.practice.workflow import CONDUCT, SCHEDULE
from portal.scheduling.models import InterviewSlot, SlotType, SubjectType
from portal.scheduling.workflow import fits, open_to, refusal

_KIND = SubjectType.MOCK_INTERVIEW


def _whose(user: Any) -> sa.ColumnElement[Any]:
    """Whose mock interview has booked a slot, for those who may open it."""
    return (
        sa.select(Candidate.first_name + " " + Candidate.last_name)
        .join(Application, to(Candidate, Application.candidate_id))
        .join(MockInterview, to(Application, MockInterview.application_id))
        .where(
            InterviewSlot.booked_type == _KIND.value,
            MockInterview.tenant_id == InterviewSlot.tenant_id,
            MockInterview.id == InterviewSlot.booked_id,
            access.visible(MockInterview, user, "read:mock_interviews", rowwise=True),
        )
        .correlate(InterviewSlot)
        .scalar_subquery()
    )


add_column(
    "slots",
    Column("mock_interview", "Mock interview", _whose, "person", link="mock-interviews",
           link_id=InterviewSlot.booked_id, permission="read:mock_interviews"),
    after="state",
)  # fmt: skip


@button("slots")
def _rehearse_here(session: Any, row: InterviewSlot, user: Any) -> dict[str, Any] | None:
    at = clock.now()
    open_to_user = row.start > at and refusal(row, Change(at, user)) is None
    if not may(user, *SCHEDULE) or not open_to_user or row.slot_type == SlotType.INTERVIEW:
        return None
    if not may(row.interviewer, *CONDUCT):
        return None
    return {"label": "Schedule a mock interview here", "icon": "clipboard-check", "needs_form": True,
            "url": f"/mock-interviews/new?slot_id={row.id}"}  # fmt: skip


@panel("mock-interviews")
def _slot_of(session: Any, row: MockInterview, user: Any) -> dict[str, Any] | None:
    if not may(user, "read:interview_slots"):
        return None
    query = access.scope(sa.select(InterviewSlot), InterviewSlot, user).where(
        InterviewSlot.booked_type == _KIND.value, InterviewSlot.booked_id == row.id
    )
    slot = session.scalar(query)
    if slot is None:
        return None
    return {
        "title": "Slot", "icon": "calendar-plus", "columns": ["Coordinator", "Start", "End"],
        "rows": [[{"kind": "person", "text": str(slot.interviewer), "url": f"/slots/{slot.id}"},
                  {"kind": "datetime", "text": when(slot.start, user.timezone)},
                  {"kind": "datetime", "text": when(slot.end, user.timezone)}]],
    }  # fmt: skip


def _choosable(user: Any) -> sa.ColumnElement[bool]:
    conducts = InterviewSlot.interviewer_id.in_(holding(*CONDUCT, named=True))
    return sa.and_(open_to(user.id, clock.now()), fits(_KIND), conducts)


LOOKUPS = (
    Lookup("mock_slots", InterviewSlot, User.full_name, lambda p: like(User.search_text, p), ("read:interview_slots",),
           joins=((User, to(User, InterviewSlot.interviewer_id)),), choosable=_choosable, order=InterviewSlot.start,
           moment=InterviewSlot.start, judged_later=True),
)  # fmt: skip
