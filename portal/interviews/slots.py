"""How an interview books a slot, and frees it when it is cancelled, missed or moved away (SPEC §1 InterviewSlot)."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from portal.core.errors import Invalid
from portal.core.tenancy import tenant_id
from portal.core.workflow import Change, Moved
from portal.interviews.bookings import bookings
from portal.interviews.models import Interview
from portal.interviews.workflow import INTERVIEW
from portal.people.models import User
from portal.scheduling import workflow as scheduling
from portal.scheduling.models import SubjectType

_FREES = {"cancel": "The interview was cancelled", "no_show": "The candidate did not come"}


def fill(
    session: Any, slot: UUID | None, values: dict[str, Any], interviewers: Sequence[User], change: Change
) -> list[User]:
    """Put into ``values`` what the slot says and the form left empty: start, end, zone. Answers the panel, with the
    slot's interviewer on it: as its lead where nobody else is. Keeps the slot from others until ``take``."""
    panel = list(interviewers)
    if slot is None:
        return panel
    row = scheduling.to_book(session, slot, SubjectType.INTERVIEW, change)
    if not values.get("scheduled_start"):
        values |= {"scheduled_start": row.start, "timezone": row.timezone}
    if not values.get("scheduled_end"):
        values["scheduled_end"] = row.end
    if values["scheduled_start"] < row.start or values["scheduled_end"] > row.end:
        raise Invalid({"scheduled_start": "The interview must lie within its slot. Leave the times empty to fill it."})
    if row.interviewer_id not in {user.id for user in panel}:
        panel.append(session.get(User, (tenant_id(), row.interviewer_id)))
    return panel


def take(session: Any, row: Interview, slot: UUID | None, change: Change) -> None:
    """Book the slot for the new interview ``row``; raises Clash where somebody was faster."""
    if slot is not None:
        (booking,) = bookings(session, {row.id: (row.scheduled_start, row.scheduled_end)})
        scheduling.book(session, slot, booking, change)


def leave(session: Any, row: Interview, people: Collection[UUID], change: Change) -> None:
    """Free the slot whose interviewer no longer sits on the panel."""
    if people:
        booked = scheduling.booked_by(session, SubjectType.INTERVIEW, [row.id])
        left = [slot for slot in booked if slot.interviewer_id in people]
        scheduling.unbook(session, left, change, "The interviewer no longer sits on the panel")


def _free(session: Any, moved: Sequence[Moved], change: Change) -> None:
    booked = scheduling.booked_by(session, SubjectType.INTERVIEW, [m.id for m in moved])
    scheduling.unbook(session, booked, change, _FREES[moved[0].verb])


def _free_those_moved_away(session: Any, moved: Sequence[Moved], change: Change) -> None:
    times = {m.id: (m["scheduled_start"], m["scheduled_end"]) for m in moved}
    scheduling.leave(session, SubjectType.INTERVIEW, times, change, "The interview was moved away")


INTERVIEW.on("reschedule", _free_those_moved_away)
for _verb in _FREES:
    INTERVIEW.on(_verb, _free)
