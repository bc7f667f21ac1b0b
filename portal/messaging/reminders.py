"""Reminders are rows: written in the transaction that makes a schedule, void in the one that changes it.

Between the due time and the last useful one a new reminder goes out at once; after it, none is written. One that
was written in time and comes late, because nobody was there to send it, goes out while the interview is still
ahead, but only the nearest: who gets "in 1 hour" needs no "in 1 day" any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased, object_session

from portal.core import clock, events
from portal.core.events import Event
from portal.core.tenancy import everywhere, tenant_id, tenant_scope
from portal.hiring.models import Application
from portal.interviews.models import AHEAD, Interview, Panelist
from portal.messaging import facts, making
from portal.messaging.catalog import REMINDER, Moment, Told, messages
from portal.messaging.models import Reminder
from portal.messaging.sql import inserting, new_key, shifted


@dataclass(frozen=True)
class Rule:
    """``due`` and ``last_useful`` are lengths of time before the start."""

    kind: str
    due: timedelta
    last_useful: timedelta


RULES: tuple[Rule, ...] = (
    Rule("1day", timedelta(hours=24), timedelta(hours=23)),
    Rule("1hour", timedelta(minutes=60), timedelta(minutes=55)),
    Rule("15min", timedelta(minutes=15), timedelta(minutes=5)),
)

_REMINDERS: sa.Table = sa.inspect(Reminder).local_table  # type: ignore[assignment]
_WAITING = sa.and_(_REMINDERS.c.queued_at.is_(None), _REMINDERS.c.void_at.is_(None))


def install() -> None:
    """Hang the reminders on the events that make, change and end a schedule."""
    for name in ("InterviewScheduled", "InterviewerAdded"):
        events.listen(name, _write_for)
    events.listen("InterviewRescheduled", _renew)
    for name in ("InterviewCancelled", "InterviewNoShow", "InterviewCompleted", "InterviewStarted"):
        events.listen(name, _void_for)
    events.listen("InterviewerRemoved", _void_for_removed)


# --- what an interview derives from them (SPEC §1) ---------------------------------------------------


def needs(interview: Interview, rule: Rule) -> bool:
    """Whether the rule's reminder is called for right now: ahead, within its time, and nobody has it yet."""
    left = interview.scheduled_start - clock.now()
    within = rule.last_useful <= left <= rule.due
    return interview.status in AHEAD and within and not was_sent(interview, rule)


def was_sent(interview: Interview, rule: Rule) -> bool:
    """Whether the rule's reminder of the present schedule has gone out, to one of its readers at least."""
    session = object_session(interview)
    if session is None:  # a row that is not kept yet has no reminders
        return False
    of_this = (Reminder.subject_id == interview.id, Reminder.schedule_version == interview.reschedule_count)
    query = sa.select(Reminder.id).where(*of_this, Reminder.kind == rule.kind, Reminder.sent_at.is_not(None))
    return session.scalar(query.limit(1)) is not None


# ``needs_1day_reminder``, ``reminder_sent_1day`` and so on: said here because interviews do not know of messages.
for _rule in RULES:
    setattr(Interview, f"needs_{_rule.kind}_reminder", property(partial(needs, rule=_rule)))
    setattr(Interview, f"reminder_sent_{_rule.kind}", property(partial(was_sent, rule=_rule)))


# --- with the schedule ------------------------------------------------------------------------------


def _subjects(facts_of: Sequence[Event]) -> list[UUID]:
    return list(dict.fromkeys(event.subject for event in facts_of))


def _write_for(session: Any, told: Sequence[Event], at: datetime) -> None:
    write(session, _subjects(told), at)


def _void_for(session: Any, told: Sequence[Event], at: datetime) -> None:
    void(session, _subjects(told), at)


def _renew(session: Any, told: Sequence[Event], at: datetime) -> None:
    void(session, _subjects(told), at)
    write(session, _subjects(told), at)


def _void_for_removed(session: Any, told: Sequence[Event], at: datetime) -> None:
    for event in told:
        void(session, [event.subject], at, _REMINDERS.c.user_id == UUID(event.payload["user"]))


def void(session: Any, interviews: Collection[UUID], at: datetime, *more: sa.ColumnElement[bool]) -> None:
    """Let no reminder of ``interviews`` that still waits go out."""
    mine = (_REMINDERS.c.tenant_id == tenant_id(), _REMINDERS.c.subject_id.in_(interviews))
    session.execute(sa.update(_REMINDERS).where(*mine, _WAITING, *more).values(void_at=at))


def write(session: Any, interviews: Collection[UUID], at: datetime) -> None:
    """Write all reminders that the schedule of ``interviews`` calls for; those that exist stay as they are.

    One INSERT … SELECT per rule and kind of reader, whatever the number of interviews.
    """
    for rule in RULES:
        for reader in (_of_candidates, _of_panels):
            _insert(session, rule, reader(rule, interviews, at))


def _of_candidates(rule: Rule, interviews: Collection[UUID], at: datetime) -> sa.Select[Any]:
    who = Application.candidate_id
    query = _called_for(rule, interviews, at, who, sa.null(), who)
    return query.join(
        Application, sa.and_(Application.tenant_id == Interview.tenant_id, Application.id == Interview.application_id)
    )


def _of_panels(rule: Rule, interviews: Collection[UUID], at: datetime) -> sa.Select[Any]:
    who = Panelist.user_id
    query = _called_for(rule, interviews, at, who, who, sa.null())
    return query.join(
        Panelist, sa.and_(Panelist.tenant_id == Interview.tenant_id, Panelist.interview_id == Interview.id)
    )


_COLUMNS = (
    "tenant_id", "id", "subject_type", "subject_id", "schedule_version", "kind", "recipient_id", "user_id",
    "candidate_id", "due_at", "last_useful_at", "created_at",
)  # fmt: skip


def _called_for(
    rule: Rule, interviews: Collection[UUID], at: datetime, recipient: Any, user: Any, candidate: Any
) -> sa.Select[Any]:
    start = Interview.scheduled_start
    return sa.select(
        Interview.tenant_id, new_key(), sa.literal("interview"), Interview.id, Interview.reschedule_count,
        sa.literal(rule.kind), recipient, sa.cast(user, sa.Uuid()), sa.cast(candidate, sa.Uuid()),
        shifted(start, -rule.due), shifted(start, -rule.last_useful), sa.literal(at, Reminder.created_at.type),
    ).where(
        Interview.tenant_id == tenant_id(),
        Interview.id.in_(interviews),
        Interview.status.in_(AHEAD),
        start >= at + rule.last_useful,
    )  # fmt: skip


def _insert(session: Any, rule: Rule, source: sa.Select[Any]) -> None:
    # Who left the panel and came back has a row already, void: it counts again unless it went out.
    once = ("tenant_id", "subject_id", "schedule_version", "kind", "recipient_id")
    statement = inserting(session, _REMINDERS).from_select(_COLUMNS, source)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=once, set_={"void_at": None}, where=_REMINDERS.c.queued_at.is_(None)
        )
    )


# --- when they fall due -----------------------------------------------------------------------------


def queue_due(session: Any, at: datetime, limit: int = 500) -> int:
    """Turn reminders that are due into deliveries, or void those that are no longer true; how many there were.

    One transaction, which this commits. Two schedulers at once take different rows (SKIP LOCKED; SQLite has one
    writer), and one that dies leaves its rows as they were.
    """
    with everywhere(session):
        rows_due = session.execute(due(at, limit)).all()
        queued: set[UUID] = set()
        for tenant, rows in making.by_tenant(rows_due):
            with tenant_scope(tenant, session):
                queued |= _queue(session, rows, at)
        making.change(session, _REMINDERS, [row for row in rows_due if row.id in queued], queued_at=at)
        making.change(session, _REMINDERS, [row for row in rows_due if row.id not in queued], void_at=at)
        session.commit()
    return len(rows_due)


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
    Reminder.tenant_id, Reminder.id, Reminder.subject_id, Reminder.schedule_version, Reminder.recipient_id,
    Reminder.kind,
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


def is_overtaken(session: Any, reminder: UUID, at: datetime) -> bool:
    """Whether a reminder nearer to the start is due as well: then this one, late, says nothing new."""
    query = sa.select(sa.literal(1)).select_from(Reminder).where(Reminder.id == reminder, _nearer_one(Reminder, at))
    return session.scalar(query) is not None


def _queue(session: Any, rows: Sequence[Any], at: datetime) -> set[UUID]:
    """Make the deliveries of one tenant's ``rows``; the keys of those that are still true."""
    known = facts.load(session, {row.subject_id for row in rows}, lock=True)
    queued: set[UUID] = set()
    made: list[dict[str, Any]] = []
    for row in rows:
        interview = known.get(row.subject_id)
        reader = interview.person(row.recipient_id) if interview else None
        if interview is None or reader is None or row.overtaken:
            continue
        found = [
            delivery
            for message in messages(REMINDER)
            if reader in message.recipients(interview, {}, {})
            and not message.holds(Moment(interview, row.schedule_version, reader, Told(), at))
            for delivery in making.deliveries(
                message, interview, [reader], at, tenant=row.tenant_id, reminder=row.id,
                schedule=row.schedule_version, payload={"reminder": row.kind},
            )
        ]  # fmt: skip
        made += found
        queued |= {row.id} if found else set()
    making.insert(session, made)
    return queued
