"""What becomes of a reminder when its time comes: deliveries, or nothing where it is no longer true."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core.events import Occurred, tell_followers
from portal.core.tenancy import everywhere, tenant_scope
from portal.messaging import making, notes, preferences, push, subjects
from portal.messaging.catalog import OVERDUE, REMINDER, Message, Moment, Told, messages
from portal.messaging.facts import Person
from portal.messaging.models import Reminder
from portal.messaging.overdue import is_overdue
from portal.messaging.reminders import REMINDERS
from portal.messaging.subjects import Known

BATCH = 200


def queue_due(session: Any, at: datetime, limit: int = BATCH) -> int:
    """Turn reminders that are due into deliveries, or void those that are no longer true; how many there were.

    One transaction, which this commits. Two schedulers at once take different rows (SKIP LOCKED; SQLite has one
    writer), and one that dies leaves its rows as they were.
    """
    made: list[notes.Row] = []
    with everywhere(session):
        rows_due = session.execute(due(at, limit)).all()
        queued: set[UUID] = set()
        for tenant, rows in making.by_tenant(rows_due):
            with tenant_scope(tenant, session):
                queued |= _queue(session, rows, at, made)
        making.change(session, REMINDERS, [row for row in rows_due if row.id in queued], queued_at=at)
        making.change(session, REMINDERS, [row for row in rows_due if row.id not in queued], void_at=at)
        tell_followers(session, [_occurred(row, at) for row in rows_due if row.id in queued], at)
        told = {row.id for row in rows_due if str(row.id) in {note["idem_key"].partition(":")[0] for note in made}}
        making.change(session, REMINDERS, [row for row in rows_due if row.id in told], sent_at=at)
        session.commit()
    push.announce(made)
    return len(rows_due)


def _occurred(row: Any, at: datetime) -> Occurred:
    who = {"user": str(row.user_id)} if row.user_id else {"candidate": str(row.candidate_id)}
    told = {"entity": row.subject_type, "reminder": row.kind, **who}
    name = OVERDUE if is_overdue(row.kind) else REMINDER
    return Occurred(row.tenant_id, row.id, name, row.subject_id, told, at)


def due(at: datetime, limit: int) -> sa.Select[Any]:
    """The reminders that wait and are due, locked, each with whether a nearer one makes it needless."""
    return (
        sa.select(*_READ, _nearer_one(Reminder, at).label("overtaken"))
        .where(Reminder.queued_at.is_(None), Reminder.void_at.is_(None), Reminder.due_at <= at)
        .order_by(Reminder.due_at)
        .limit(limit)
        .with_for_update(of=Reminder, skip_locked=True)
    )


_READ: tuple[Any, ...] = (
    Reminder.tenant_id, Reminder.id, Reminder.subject_type, Reminder.subject_id, Reminder.schedule_version,
    Reminder.recipient_id, Reminder.user_id, Reminder.candidate_id, Reminder.kind,
)  # fmt: skip


def _nearer_one(mine: Any, at: datetime) -> sa.ColumnElement[bool]:
    other = aliased(Reminder)
    return sa.exists().where(
        other.tenant_id == mine.tenant_id,
        other.subject_id == mine.subject_id,
        other.schedule_version == mine.schedule_version,
        other.recipient_id == mine.recipient_id,
        other.due_at > mine.due_at,
        other.due_at <= at,
        other.void_at.is_(None),
    )


def overtaken(session: Any, reminders: Collection[UUID], at: datetime) -> frozenset[UUID]:
    """Those of ``reminders`` of which one nearer to the start is due as well: late, they say nothing new."""
    query = sa.select(Reminder.id).where(Reminder.id.in_(reminders), _nearer_one(Reminder, at))
    return frozenset(session.scalars(query))


def _queue(session: Any, rows: Sequence[Any], at: datetime, made: list[notes.Row]) -> set[UUID]:
    """Make the deliveries of one tenant's ``rows``; the keys of those that are still true. Notifications go to
    ``made``."""
    known = subjects.load(session, {(row.subject_type, row.subject_id) for row in rows}, lock=True)
    told = [
        (row, message, subject, reader)
        for row in rows
        if not row.overtaken and (subject := known.get(row.subject_id)) is not None
        if (reader := subject.person(row.recipient_id)) is not None
        if (message := _message(row, subject, reader, at)) is not None
    ]
    wishes = preferences.of(session, {reader.id for *_, reader in told if not reader.is_candidate})
    found = [
        delivery
        for row, message, subject, reader in told
        for delivery in making.deliveries(message, subject, [reader], _cause(row, at), wishes)
    ]
    mine = notes.settle(session, found, known, {reader.id: reader for *_, reader in told}, wishes, at)
    making.insert(session, found)
    notes.insert(session, mine)
    made += mine
    return {delivery["reminder_id"] for delivery in found}


def _message(row: Any, subject: Known, reader: Person, at: datetime) -> Message | None:
    """The row of the catalogue by which ``reader`` is told, if it is still true."""
    for message in messages(OVERDUE if is_overdue(row.kind) else REMINDER):
        if reader in message.recipients(subject, {}, {}):
            moment = Moment(subject, row.schedule_version, reader, Told(), at)
            return None if message.holds(moment) else message
    return None


def _cause(row: Any, at: datetime) -> making.Cause:
    return making.Cause(row.tenant_id, at, reminder=row.id, schedule=row.schedule_version,
                        payload={"reminder": row.kind})  # fmt: skip
