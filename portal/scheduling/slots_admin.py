"""The grid of slots, its form, its buttons, and the pick-list of those that are free."""

from typing import Any

import sqlalchemy as sa
from flask import flash
from sqlalchemy.orm import aliased

from portal.admin.additions import button
from portal.admin.cells import when
from portal.admin.grid import Action, Column, Filter, FormField, Grid, Link, options, to
from portal.admin.lookups import Lookup
from portal.core import access, clock
from portal.core.search import like
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.people.models import User
from portal.scheduling import recurrence, slots, slots_actions, slots_forms
from portal.scheduling.models import InterviewSlot, SlotState, SlotType, SubjectType
from portal.scheduling.slots import HOLD_MINUTES, WRITE

# Whoever arranges something may keep a slot for a while; who ends a hold is judged row by row.
ARRANGE = ("schedule:interviews", "write:interviews", "schedule:mock_interviews", WRITE)
TONES = {"free": "green", "held": "yellow", "booked": "blue", "past": "grey"}
_Holder = aliased(User, name="holder")


def _held() -> sa.ColumnElement[bool]:
    return slots.in_state(SlotState.HELD, clock.now())


def _create(session: Any, values: dict[str, Any], change: Change) -> InterviewSlot:
    made = slots_actions.offer(session, values, change)
    _tell(made, "made")
    return made.row


def _update(session: Any, row: InterviewSlot, values: dict[str, Any], version: int, change: Change) -> InterviewSlot:
    made = slots_actions.change_slot(session, row, values, version, change)
    _tell(made, "changed")
    return row


def _tell(made: slots_actions.Offer, what: str) -> None:
    """Say what became of a series; a slot alone is told of by the page itself."""
    if made.count > 1:
        flash(f"{made.count} slots of the series were {what}.", "success")
    if made.passed:
        told = slots_actions.told(made.passed, made.row.timezone)
        flash(f"Of the series, {len(made.passed)} were passed over: {told}.", "warning")


def _delete(session: Any, row: InterviewSlot, change: Change) -> None:
    result = slots_actions.withdraw(session, row, change)
    if len(result.done) > 1 or result.refused:
        kept = f" {len(result.refused)} that somebody has booked or holds stay." if result.refused else ""
        flash(f"{len(result.done)} slots of the series were deleted.{kept}", "info")


def _hold(session: Any, ids: list[Any], change: Change) -> Result:
    return slots.hold(session, ids, int(change.data.get("minutes") or HOLD_MINUTES), change)


def _badge(session: Any, row: InterviewSlot) -> dict[str, str]:
    state = row.state
    hint = f"by {row.held_by} until {when(row.held_until, row.timezone)}" if state is SlotState.HELD else ""
    return {"label": words(state), "colour": TONES[state], "hint": hint}


def _series_of(session: Any, row: InterviewSlot, user: Any) -> dict[str, Any] | None:
    """The next ones of the same series."""
    if not row.series_id:
        return None
    query = access.scope(sa.select(InterviewSlot), InterviewSlot, user)
    query = query.where(InterviewSlot.series_id == row.series_id, InterviewSlot.start > row.start)
    found = list(session.scalars(query.order_by(InterviewSlot.start).limit(20)))
    return {
        "title": recurrence.in_words(row.recurrence, row.timezone), "icon": "arrow-repeat",
        "empty": "This is the last one of its series.", "columns": ["Later ones", "State"],
        "rows": [
            [{"kind": "datetime", "text": when(each.start, user.timezone), "url": SLOTS.row_url(each.id)},
             {"kind": "status", "text": words(each.state), "colour": TONES[each.state]}]
            for each in found
        ],
    }  # fmt: skip


SLOTS = Grid(
    InterviewSlot, "slots", "Slots", "slot", "calendar-plus", "Interviews",
    description="Times that interviewers offer, and what became of them.",
    columns=(
        Column("interviewer", "Interviewer", User.full_name, "person", ("interviewer",)),
        Column("start", "Start", InterviewSlot.start, "datetime", sort=True),
        Column("end", "End", InterviewSlot.end, "datetime", shown=False),
        Column("length", "Minutes", slots.minutes_between(InterviewSlot.start, InterviewSlot.end), "number"),
        Column("slot_type", "For", InterviewSlot.slot_type, "choice"),
        Column("state", "State", lambda user: slots.state(clock.now()), "status", tones=TONES),
        Column("held_until", "Held until", lambda user: sa.case((_held(), InterviewSlot.held_until)), "datetime"),
        Column("held_by", "Held by", lambda user: sa.case((_held(), _Holder.full_name)), "person", ("holder",),
               shown=False),
        Column("booked_at", "Booked", InterviewSlot.booked_at, "datetime", shown=False),
        Column("series", "Series", InterviewSlot.recurrence, shown=False, hint="The rule by which it recurs"),
        Column("timezone", "Slot's zone", InterviewSlot.timezone, "zone", shown=False),
        Column("notes", "Notes", InterviewSlot.notes),
        Column("created_at", "Made", InterviewSlot.created_at, "datetime", shown=False),
    ),
    joins={"interviewer": (User, to(User, InterviewSlot.interviewer_id), False),
           "holder": (_Holder, to(_Holder, InterviewSlot.held_by_id), True)},
    filters=(
        Filter("interviewer", "Interviewer", "reference", InterviewSlot.interviewer_id, lookup="users"),
        Filter("when", "Start", "date", InterviewSlot.start),
        Filter("state", "State", "choice", choices=options(SlotState),
               where=lambda value: slots.in_state(value, clock.now())),
        Filter("type", "For", "choice", InterviewSlot.slot_type, choices=options(SlotType)),
        Filter("series", "Part of a series", "bool",
               where=lambda value: InterviewSlot.series_id.is_not(None) if value == "1"
               else InterviewSlot.series_id.is_(None)),
    ),
    default_sort="-start",
    search=(lambda p: sa.select(InterviewSlot.id).join(User, to(User, InterviewSlot.interviewer_id))
            .where(like(User.search_text, p)),),
    search_hint="Interviewer",
    sections=(
        ("Slot", (
            FormField("interviewer_id", "Interviewer", lookup="users", required=False,
                      help="You, unless you choose somebody else."),
            FormField("slot_type", "For"),
            FormField("start", zone_field="timezone"), FormField("end", zone_field="timezone"),
            FormField("timezone", "Zone of these times", required=True), FormField("notes"),
        )),
        ("Repeat", (
            FormField("repeat", required=False, on=("new",), field=slots_forms.repeat,
                      help="On the clock of the slot's zone: 09:00 stays 09:00 when the clocks change."),
            FormField("every", required=False, on=("new",), field=slots_forms.every),
            FormField("weekdays", required=False, on=("new",), field=slots_forms.weekdays,
                      help="None ticked: the weekday of the start."),
            FormField("until", required=False, on=("new",), field=slots_forms.until, help="The last day."),
            FormField("rule", required=False, on=("new",), field=slots_forms.rule,
                      help="As in RFC 5545, with an end: FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261218, or COUNT=10."),
        )),
        ("Series", (
            FormField("scope", "Change", required=False, on=("edit",), field=slots_forms.scope,
                      when=lambda row: row.series_id is not None,
                      value=lambda session, row: slots_forms.ONCE,
                      help="Later ones keep their days and get the new time of day."),
        )),
    ),
    create=_create, update=_update, write=(WRITE,), badge=_badge, can_delete=True, delete=_delete,
    delete_form="withdraw",
    actions=(
        Action("hold", "Hold", _hold, ARRANGE, "hold", "lock"),
        Action("let_go", "Release", slots.let_go, ARRANGE, icon="unlock"),
        Action("delete", "Delete free ones", slots_actions.delete_slots, (WRITE,), icon="trash", danger=True),
    ),
    views=(
        ("Free", "state=free&sort=start"),
        ("Next 7 days", "when=next_7_days&sort=start"),
    ),
    panels=(_series_of,),
    links=(Link("Many at once", "/slots/generate", "calendar-range", (WRITE,)),),
)  # fmt: skip

GRIDS = (SLOTS,)


@button("slots")
def _to_hold(session: Any, row: InterviewSlot, user: Any) -> dict[str, Any] | None:
    if not access.may(user, *ARRANGE) or row.start <= clock.now() or slots.refusal(row, Change(clock.now(), user)):
        return None
    return {"label": "Hold", "icon": "lock", "url": f"{SLOTS.row_url(row.id)}/hold", "needs_form": True}


@button("slots")
def _to_let_go(session: Any, row: InterviewSlot, user: Any) -> dict[str, Any] | None:
    may = row.held_by_id == user.id or access.allows(session, user, row, WRITE)
    if row.state is not SlotState.HELD or not may:
        return None
    return {"label": "Release", "icon": "unlock", "url": f"{SLOTS.row_url(row.id)}/release"}


def _choosable(user: Any) -> sa.ColumnElement[bool]:
    return sa.and_(slots.open_to(user.id, clock.now()), slots.fits(SubjectType.INTERVIEW))


LOOKUPS = (
    Lookup("slots", InterviewSlot, User.full_name, lambda p: like(User.search_text, p), ("read:interview_slots",),
           joins=((User, to(User, InterviewSlot.interviewer_id)),), choosable=_choosable, order=InterviewSlot.start,
           moment=InterviewSlot.start, judged_later=True),
)  # fmt: skip
