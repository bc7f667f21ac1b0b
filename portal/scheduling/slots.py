"""What becomes of slots: free, held, booked, past; and who holds, lets go, books and frees them (SPEC §1).

Each change is one UPDATE that names the state it starts from: of many who want a slot one finds it so, the others
find nothing and are told what it is now. Rows are locked in the order of their start, always before people are
(see ``workflow.lock``), so that two operations never wait for each other in a circle: ``unbook``, which runs when
people are locked already, touches booked slots alone, which nobody goes on with.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement

from portal.core import access, audit
from portal.core.audit import jsonable
from portal.core.errors import Clash, Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import zone_label
from portal.core.tenancy import tenant_id
from portal.core.types import words, zone
from portal.core.workflow import Change, Result
from portal.scheduling.models import InterviewSlot, SlotState, SlotType, SubjectType

if TYPE_CHECKING:
    from portal.scheduling.workflow import Booking

WRITE = "write:interview_slots"
HOLD_MINUTES = 15
LONGEST_HOLD = 120  # minutes
_FITS = {
    SubjectType.INTERVIEW: (SlotType.ANY, SlotType.INTERVIEW),
    SubjectType.MOCK_INTERVIEW: (SlotType.ANY, SlotType.MOCK_INTERVIEW),
    SubjectType.TRAINING_SESSION: (SlotType.ANY,),
}
_NOT_THERE = "This is not one of the choices."


class minutes_between(FunctionElement[int]):
    """Whole minutes from one moment to another, in SQL."""

    type = sa.Integer()
    inherit_cache = True


@compiles(minutes_between, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    start, end = (compiler.process(each, **more) for each in element.clauses)
    return f"CAST(round((julianday({end}) - julianday({start})) * 1440) AS INTEGER)"


@compiles(minutes_between)
def _elsewhere(element: Any, compiler: Any, **more: Any) -> str:
    start, end = (compiler.process(each, **more) for each in element.clauses)
    return f"CAST(extract(epoch FROM {end} - {start}) / 60 AS INTEGER)"


# --- what a slot is -----------------------------------------------------------------------------------


def state(at: datetime) -> sa.ColumnElement[str]:
    """What a slot is at that moment, in SQL; as ``InterviewSlot.state`` says it of one row."""
    return sa.case(
        (InterviewSlot.booked_id.is_not(None), SlotState.BOOKED.value),
        (InterviewSlot.start <= at, SlotState.PAST.value),
        (InterviewSlot.held_until > at, SlotState.HELD.value),
        else_=SlotState.FREE.value,
    )


def in_state(wanted: str, at: datetime) -> sa.ColumnElement[bool]:
    """Whether a slot is ``wanted`` at that moment, said so that an index on the start serves it."""
    unbooked, ahead = InterviewSlot.booked_id.is_(None), InterviewSlot.start > at
    known: dict[str, sa.ColumnElement[bool]] = {
        SlotState.BOOKED: InterviewSlot.booked_id.is_not(None),
        SlotState.PAST: sa.and_(unbooked, InterviewSlot.start <= at),
        SlotState.HELD: sa.and_(unbooked, ahead, InterviewSlot.held_until > at),
        SlotState.FREE: sa.and_(unbooked, ahead, _not_held(at)),
    }
    return known.get(wanted, sa.false())


def _not_held(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(InterviewSlot.held_until.is_(None), InterviewSlot.held_until <= at)


def open_to(user: UUID | None, at: datetime) -> sa.ColumnElement[bool]:
    """Whether ``user`` may take a slot: it lies ahead, and nobody has booked it or, but for them, holds it."""
    mine = sa.or_(_not_held(at), InterviewSlot.held_by_id == user) if user else _not_held(at)
    return sa.and_(InterviewSlot.booked_id.is_(None), InterviewSlot.start > at, mine)


def fits(subject: SubjectType) -> sa.ColumnElement[bool]:
    return InterviewSlot.slot_type.in_(_FITS[subject])


def locked(session: Any, ids: Collection[UUID], change: Change) -> dict[UUID, InterviewSlot]:
    """Those of ``ids`` that the user may see, as they now are; they stay so until the transaction ends."""
    query = sa.select(InterviewSlot).where(InterviewSlot.id.in_(list(ids)))
    if change.by is not None:
        query = access.scope(query, InterviewSlot, change.by, rowwise=True)
    query = query.order_by(InterviewSlot.start, InterviewSlot.id).with_for_update(of=InterviewSlot, key_share=True)
    return {row.id: row for row in session.scalars(query.execution_options(populate_existing=True))}


def refusal(row: InterviewSlot | None, change: Change) -> PortalError | None:
    """Why the user may not take a slot, or move or delete it; None where they may."""
    if row is None:
        return Missing()
    if row.booked_id is not None:
        return WrongState("This slot is booked already.", state=SlotState.BOOKED)
    if row.held_until and row.held_until > change.at and row.held_by_id != change.actor:
        return WrongState(f"{row.held_by} holds this slot until {_clock(row, row.held_until)}.", state=SlotState.HELD)
    return None


def _ahead(row: InterviewSlot, change: Change) -> PortalError | None:
    return WrongState("This slot has begun already.", state=SlotState.PAST) if row.start <= change.at else None


def _clock(row: InterviewSlot, at: datetime) -> str:
    return f"{at.astimezone(zone(row.timezone)):%H:%M} ({zone_label(row.timezone, at)})"


# --- holding ------------------------------------------------------------------------------------------


def hold(session: Any, ids: Sequence[UUID], minutes: int, change: Change) -> Result:
    """Keep each slot for the user for ``minutes``; a hold ends by itself. Who comes second is told who holds it."""
    if not 1 <= minutes <= LONGEST_HOLD:
        raise Invalid({"minutes": f"A hold lasts from 1 to {LONGEST_HOLD} minutes."})
    until = change.at + timedelta(minutes=minutes)

    def judge(row: InterviewSlot) -> PortalError | None:
        return refusal(row, change) or _ahead(row, change)

    free = open_to(change.actor, change.at)
    return _swap(session, ids, "hold", judge, free, {"held_until": until, "held_by_id": change.actor}, change)


def let_go(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """End a hold: one's own, or anybody's for those who may write the slot."""
    mine = set(session.scalars(writable(ids, change)))

    def judge(row: InterviewSlot) -> PortalError | None:
        if row.booked_id is not None or not row.held_until or row.held_until <= change.at:
            return WrongState("Nobody holds this slot.", state=row.state)
        if row.held_by_id != change.actor and row.id not in mine:
            return NotAllowed(f"Only {row.held_by}, or who may change the slot, can end this hold.")
        return None

    held = InterviewSlot.held_until > change.at
    return _swap(session, ids, "let_go", judge, held, {"held_until": None, "held_by_id": None}, change)


def writable(ids: Sequence[UUID], change: Change) -> sa.Select[tuple[UUID]]:
    query = sa.select(InterviewSlot.id).where(InterviewSlot.id.in_(list(ids)))
    return access.scope(query, InterviewSlot, change.by, WRITE, rowwise=True) if change.by else query


def _swap(
    session: Any, ids: Sequence[UUID], verb: str, judge: Any, state_before: Any, values: dict[str, Any], change: Change
) -> Result:
    """Take through what ``judge`` lets pass, with one UPDATE that names the state before."""
    rows, result = locked(session, ids, change), Result()
    for key in dict.fromkeys(ids):
        error = judge(rows[key]) if key in rows else Missing()
        if error is not None:
            result.refused[key] = error
    ready = [row for key, row in rows.items() if key not in result.refused]
    _update(session, ready, verb, state_before, values, change)
    result.done = dict.fromkeys(row.id for row in ready)
    return result


def _update(
    session: Any, rows: Sequence[InterviewSlot], verb: str, before: Any, values: dict[str, Any], change: Change,
    reason: str = "",
) -> None:  # fmt: skip
    """One UPDATE, and the audit of it; raises Clash where a row was not as it was locked, which locks forbid."""
    if not rows:
        return
    changes = [
        (row.id, {name: [jsonable(getattr(row, name)), jsonable(new)]
                  for name, new in values.items() if getattr(row, name) != new})
        for row in rows
    ]  # fmt: skip
    table = InterviewSlot.__table__
    changed = session.execute(
        sa.update(InterviewSlot)
        .where(table.c.tenant_id == tenant_id(), InterviewSlot.id.in_([row.id for row in rows]), before)
        .values(**values, version=InterviewSlot.version + 1, updated_at=change.at)
        .execution_options(synchronize_session=False)
    ).rowcount
    for row in rows:
        session.expire(row)
    if changed != len(rows):
        raise Clash({"slot_id": "This slot was just taken by somebody else. Please choose another one."})
    audit.write(session, tenant_id(), "interview_slots", verb, changes, at=change.at, reason=reason)


# --- booking ------------------------------------------------------------------------------------------


def to_book(session: Any, slot: UUID, subject: SubjectType, change: Change, *, field: str = "slot_id") -> InterviewSlot:
    """The slot, locked for the one who is about to ``book`` it; raises Clash or Invalid beside ``field`` where it
    is not theirs to take. Of many who want it all but the first wait here, before they have done anything."""
    row = locked(session, [slot], change).get(slot)
    if row is None:
        raise Invalid({field: _NOT_THERE})
    if row.booked_id is not None:
        raise Clash({field: "This slot was just taken by somebody else. Please choose another one."})
    if error := refusal(row, change) or _ahead(row, change):
        raise Clash({field: f"{error.message} Please choose another one."})
    if row.slot_type not in _FITS[subject]:
        raise Invalid({field: f"This slot is for {words(row.slot_type).lower()}s."})
    return row


def book(session: Any, slot: UUID, booking: "Booking", change: Change, *, field: str = "slot_id") -> None:
    """Give the slot to what ``booking`` books, which must lie within it; raises Clash or Invalid beside ``field``.

    The interviewer's time is taken up by the booking itself (``workflow.occupy``), as without a slot.
    """
    row = to_book(session, slot, booking.subject_type, change, field=field)
    if booking.start < row.start or booking.end > row.end:
        raise Invalid({field: "What is booked must lie within the slot."})
    values = {
        "booked_type": booking.subject_type.value, "booked_id": booking.subject_id, "booked_at": change.at,
        "held_until": None, "held_by_id": None,
    }  # fmt: skip
    free = sa.and_(open_to(change.actor, change.at), fits(booking.subject_type))
    _update(session, [row], "book", free, values, change)


def booked_by(session: Any, kind: SubjectType, subjects: Collection[UUID]) -> list[InterviewSlot]:
    """The slots that these subjects have booked, locked in order."""
    query = sa.select(InterviewSlot).where(
        InterviewSlot.booked_type == kind.value, InterviewSlot.booked_id.in_(list(subjects))
    )
    query = query.order_by(InterviewSlot.start, InterviewSlot.id).with_for_update(of=InterviewSlot, key_share=True)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def leave(
    session: Any, kind: SubjectType, times: Mapping[UUID, tuple[datetime, datetime]], change: Change, reason: str
) -> None:
    """Free the slots in which their subjects (-> start and end by now) no longer lie."""
    away = [
        slot for slot in booked_by(session, kind, times)
        if slot.booked_id and (times[slot.booked_id][0] < slot.start or times[slot.booked_id][1] > slot.end)
    ]  # fmt: skip
    unbook(session, away, change, reason)


def unbook(session: Any, rows: Sequence[InterviewSlot], change: Change, reason: str) -> None:
    """Free what ``booked_by`` answered, as many rows as there are with one UPDATE."""
    values = {"booked_type": None, "booked_id": None, "booked_at": None}
    _update(session, rows, "unbook", InterviewSlot.booked_id.is_not(None), values, change, reason)
