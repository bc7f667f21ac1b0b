"""Slots in the API."""

from collections.abc import Mapping
from typing import Any

from portal.api.components import Components
from portal.api.endpoint import Endpoint
from portal.api.fields import Day, OneOf, Text, Whole, listed
from portal.api.reading import Derived
from portal.api.resource import Resource
from portal.core.timeforms import WEEKDAYS
from portal.core.types import PlainText
from portal.core.workflow import Change
from portal.scheduling import slots_actions
from portal.scheduling.models import InterviewSlot, SlotState
from portal.scheduling.slots_admin import SLOTS


def _state(row: Mapping[str, Any], user: Any, at: Any) -> str:
    if row["booked_id"] is not None:
        return SlotState.BOOKED
    if row["start"] <= at:
        return SlotState.PAST
    return SlotState.HELD if row["held_until"] and row["held_until"] > at else SlotState.FREE


def _create(session: Any, values: dict[str, Any], change: Change) -> InterviewSlot:
    return slots_actions.offer(session, values, change).row


def _update(session: Any, row: InterviewSlot, values: dict[str, Any], version: int, change: Change) -> InterviewSlot:
    return slots_actions.change_slot(session, row, values, version, change).row


def _delete(session: Any, row: InterviewSlot, change: Change) -> None:
    slots_actions.withdraw(session, row, change)


SLOTS_API = Resource(
    "interview-slots", "InterviewSlot", SLOTS,
    {
        "interviewer_id": "Whose time it is; yours, unless you name somebody else.", "start": "When it begins.",
        "end": "When it ends.", "slot_type": "What it may be booked for.",
        "recurrence": "The rule by which its series recurs (RFC 5545); empty for a slot alone.",
        "series_id": "The same in all slots of one series.", "held_until": "Until when somebody keeps it.",
        "held_by_id": "Who keeps it.", "booked_type": "What has booked it.",
        "booked_id": "The key of what has booked it.",
        "booked_at": "When it was booked.", "notes": "Notes.",
    },
    parts=(Derived("state", OneOf(SlotState, "What it is now."), _state),),
    special={
        "repeat": OneOf(slots_actions.REPEATS[1:], "Make a series: every so many days, weeks or months, or by a rule."),
        "every": Whole("Every how many of them; 1 unless said otherwise.", 1, 99),
        "weekdays": listed(OneOf(WEEKDAYS), "On which days of the week; that of the start unless said otherwise.", 7),
        "until": Day("The last day of the series."),
        "rule": Text("The rule as in RFC 5545, with an end: FREQ=WEEKLY;COUNT=10.", PlainText, 300),
        "scope": None,
    },
    create=_create, update=_update, delete=_delete,
    example={"start": "2027-03-01T09:00:00+04:00", "end": "2027-03-01T09:45:00+04:00", "timezone": "Asia/Dubai"},
)  # fmt: skip

RESOURCES = (SLOTS_API,)
ENDPOINTS: tuple[Endpoint, ...] = ()
COMPONENTS: Components = {}
