"""How a mock interview books a slot of its coordinator, and frees it when it is cancelled, missed, moved away or given
to somebody else (SPEC §1 InterviewSlot)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.errors import Invalid
from portal.core.workflow import Change, Moved
from portal.hiring.models import Application
from portal.practice.bookings import of_mock
from portal.practice.models import MockInterview
from portal.practice.workflow import MOCK_INTERVIEW
from portal.scheduling import workflow as scheduling
from portal.scheduling.models import SubjectType

_FREES = {"cancel": "The mock interview was cancelled", "no_show": "The candidate did not come"}
_KIND = SubjectType.MOCK_INTERVIEW
_MINUTES = 60  # where nothing else is said, or what the slot has room for


def fill(session: Any, values: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """``values`` with what their slot says and the form left empty: coordinator, start, zone, length. Keeps the slot
    from others until ``take``; raises Clash or Invalid beside the field that does not go with it."""
    values = dict(values)
    slot = values.get("slot_id")
    if slot is None:
        return values
    # The application first, as whatever else books for it does: nobody waits in a circle.
    application = sa.select(Application.id).where(Application.id == values.get("application_id"))
    session.execute(application.with_for_update(key_share=True)).all()
    row = scheduling.to_book(session, slot, _KIND, change)
    if values.setdefault("coordinator_id", None) is None:
        values["coordinator_id"] = row.interviewer_id
    if values["coordinator_id"] != row.interviewer_id:
        raise Invalid({"slot_id": f"This slot is of {row.interviewer}, who is not the coordinator."})
    if not values.get("scheduled_start"):
        values |= {"scheduled_start": row.start, "timezone": row.timezone}
    room = int((row.end - values["scheduled_start"]).total_seconds() // 60)
    values["duration"] = values.get("duration") or min(_MINUTES, room)
    if values["scheduled_start"] < row.start or room <= 0:
        raise Invalid({"scheduled_start": "It must begin within its slot. Leave the start empty to begin with it."})
    if values["duration"] > room:
        raise Invalid({"duration": f"The slot has room for {room} minutes."})
    return values


def take(session: Any, row: MockInterview, slot: UUID | None, change: Change) -> None:
    """Book the slot for the new mock interview ``row``; raises Clash where somebody was faster."""
    if slot is not None and row.scheduled_start is not None:
        booking = of_mock(row.id, row.coordinator_id, row.application.candidate_id, row.scheduled_start, row.duration,
                          row.timezone)  # fmt: skip
        scheduling.book(session, slot, booking, change)


def leave(session: Any, mocks: Sequence[UUID], change: Change) -> None:
    """Free the slots of mock interviews that have another coordinator now."""
    if mocks:
        booked = scheduling.booked_by(session, _KIND, mocks)
        scheduling.unbook(session, booked, change, "The mock interview has another coordinator")


def _free(session: Any, moved: Sequence[Moved], change: Change) -> None:
    booked = scheduling.booked_by(session, _KIND, [m.id for m in moved])
    scheduling.unbook(session, booked, change, _FREES[moved[0].verb])


def _free_those_moved_away(session: Any, moved: Sequence[Moved], change: Change) -> None:
    times = {m.id: (m["scheduled_start"], m["scheduled_start"] + timedelta(minutes=m["duration"])) for m in moved}
    scheduling.leave(session, _KIND, times, change, "The mock interview was moved away")


MOCK_INTERVIEW.on("reschedule", _free_those_moved_away)
for _verb in _FREES:
    MOCK_INTERVIEW.on(_verb, _free)
