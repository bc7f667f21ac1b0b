"""From deliveries to readers: claim, check once more that it is still true, hand over, note what became of it.

Claims are short leases: ``claimed_until`` is set and ``attempts`` grows under a row lock, and nobody else takes the
delivery before the lease ends. A worker that is killed between the mail server's yes and our note of it leaves a
delivery that goes out again with the same Message-ID; that is the only way to a second one.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core import clock, logs
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.messaging import facts, mail, making, reminders
from portal.messaging.catalog import ARRANGING, Moment, Told, rule
from portal.messaging.channels import Broken, Deferred, Down, NotSent, Post, Refused
from portal.messaging.facts import Facts, Person
from portal.messaging.making import DELIVERIES
from portal.messaging.models import UNDONE, Delivery, DeliveryStatus, Reminder

BATCH = 50
LEASE = timedelta(minutes=2)
HOLD_SECONDS = 60.0
"""A batch that takes longer gives back what it has not begun, long before its lease ends."""
MAX_ATTEMPTS = 12
PAUSES: list[timedelta] = [timedelta(seconds=30) * 2**n for n in range(9)] + [timedelta(hours=4)] * 3
"""Before the second attempt, the third …: half a minute, doubling, some 16 hours in all."""


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours: ``attempt`` is the number that our note of it must still find."""

    tenant_id: UUID
    id: UUID
    attempt: int


def deliver(session: Any, post: Post, limit: int = BATCH) -> int:
    """Hand over up to ``limit`` deliveries that are due; how many were claimed, 0 when none is.

    Raises Down, with everything noted, when the other side takes nothing more.
    """
    started = time.monotonic()
    with everywhere(session):
        claims = claim(session, clock.now(), limit)
        for position, mine in enumerate(claims):
            if time.monotonic() - started > HOLD_SECONDS:
                _give_back(session, claims[position:])
                break
            try:
                _hand_over(session, mine, post)
            except Down as down:
                for other in claims[position + 1 :]:
                    _note_failure(session, other, Down(str(down)))
                raise
    return len(claims)


# --- claim ------------------------------------------------------------------------------------------


def claim(session: Any, at: datetime, limit: int) -> list[Claim]:
    """Make up to ``limit`` due deliveries ours and commit.

    Two workers at once: each skips the rows that the other has locked (SQLite has one writer), and afterwards
    ``claimed_until`` keeps them apart.
    """
    rows = session.execute(due(at, limit)).all()
    making.change(session, DELIVERIES, rows, claimed_until=at + LEASE, attempts=DELIVERIES.c.attempts + 1)
    session.commit()
    return [Claim(row.tenant_id, row.id, row.attempts + 1) for row in rows]


def due(at: datetime, limit: int) -> sa.Select[Any]:
    """The deliveries that are due and nobody's, locked. What one person is told of one interview goes out in
    order: a delivery is not among them while an earlier one of theirs is due or on its way."""
    earlier = aliased(Delivery)
    held_up = sa.exists().where(
        earlier.tenant_id == Delivery.tenant_id,
        earlier.subject_id == Delivery.subject_id,
        earlier.recipient_id == Delivery.recipient_id,
        earlier.channel == Delivery.channel,
        earlier.id < Delivery.id,
        earlier.status.in_(UNDONE),
        earlier.next_at <= at,
    )
    free = sa.or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= at)
    columns: tuple[Any, ...] = (Delivery.tenant_id, Delivery.id, Delivery.attempts)
    return (
        sa.select(*columns)
        .where(_UNDONE, Delivery.next_at <= at, free, ~held_up)
        .order_by(Delivery.next_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )


# As the partial index has it, word for word: bound values would hide it from the planner.
_UNDONE = sa.text("deliveries.status IN ('queued', 'failed')")


# --- hand over --------------------------------------------------------------------------------------


def _hand_over(session: Any, mine: Claim, post: Post) -> None:
    """Send one delivery if it is still true, and note what became of it; raises Down."""
    outcome = _attempt(session, mine, post) if mine.attempt <= MAX_ATTEMPTS else Broken("It was begun and never ended.")
    if isinstance(outcome, NotSent):
        _note_failure(session, mine, outcome)
        if isinstance(outcome, Down):
            raise outcome
    elif outcome:
        _note_void(session, mine, outcome)
    elif outcome is not None:
        _note_sent(session, mine)


def _attempt(session: Any, mine: Claim, post: Post) -> NotSent | str | None:
    """'' for a delivery that was sent, why it is void or has failed, None where it is no longer ours.

    On PostgreSQL the interview's row is locked meanwhile, so that a cancellation commits before our check or after
    the hand-over. On SQLite that lock would be the only writer's and everybody would wait for a slow mail server:
    what commits in those moments is followed by its own message, in order.
    """
    with tenant_scope(mine.tenant_id, session):
        try:
            session.connection(execution_options={"reading": True})
            row = session.scalar(
                sa.select(Delivery)
                .where(Delivery.id == mine.id, Delivery.attempts == mine.attempt, Delivery.status.in_(UNDONE))
                .execution_options(populate_existing=True)
            )
            return _send_if_true(session, row, post, clock.now()) if row is not None else None
        except NotSent as failure:
            return failure
        except Exception as error:
            logs.get().error("a message could not be made", delivery_id=str(mine.id), exc_info=error)
            return Deferred(f"The message could not be made: {error!r}")
        finally:
            session.rollback()  # ends the reading and the lock


def _send_if_true(session: Any, row: Delivery, post: Post, at: datetime) -> str:
    """'' when it was handed over, else why it is void."""
    message = rule(row.event)
    interview = facts.load(session, [row.subject_id], lock=True).get(row.subject_id)
    reader = _reader(session, interview, row) if interview else None
    if interview is None or reader is None:
        return "The interview or its reader is gone."
    if not reader.active:
        return "Their account is no longer active."
    told = _told(session, row) if message.told_earlier else Told()
    if why := message.holds(Moment(interview, row.schedule_version, reader, told, at)):
        return why
    if row.reminder_id and reminders.is_overtaken(session, row.reminder_id, at):
        return "A reminder nearer to the start is due."
    letter = mail.compose(
        row.kind, interview, reader, message_id=row.message_id, event=row.event, at=at, told_start=told.start
    )
    post.send(reader.email, letter)
    return ""


def _reader(session: Any, interview: Facts, row: Delivery) -> Person | None:
    found = interview.person(row.recipient_id)
    return found or facts.users(session, [row.recipient_id]).get(row.recipient_id)


def _told(session: Any, row: Delivery) -> Told:
    """What the reader of ``row`` was told of its interview before."""
    earlier = sa.select(Delivery).where(
        Delivery.subject_id == row.subject_id,
        Delivery.recipient_id == row.recipient_id,
        Delivery.channel == row.channel,
        Delivery.id < row.id,
    )
    told = Told(perhaps=not _arranged_before(session, row))
    for each in session.scalars(earlier.order_by(Delivery.id)):
        if each.kind == "interview_cancelled":
            told = Told(perhaps=False) if each.status == DeliveryStatus.SENT else told
        elif each.status == DeliveryStatus.SENT:
            told = Told(each.schedule_version, each.about_at)
        elif each.may_have_arrived:
            told = Told(told.schedule, told.start)
    return told


def _arranged_before(session: Any, row: Delivery) -> bool:
    """Whether we know of the interview's arrangement: then who was told is in the deliveries, and nowhere else."""
    query = sa.select(sa.literal(1)).where(
        OutboxEvent.subject_id == row.subject_id,
        OutboxEvent.name.in_(ARRANGING),
        OutboxEvent.occurred_at <= row.created_at,
    )
    return session.scalar(query.limit(1)) is not None


# --- note -------------------------------------------------------------------------------------------


def _note_sent(session: Any, mine: Claim) -> None:
    at = clock.now()
    if _note(session, mine, status=DeliveryStatus.SENT.value, sent_at=at, last_error=""):
        _note_reminder(session, mine, sent_at=at)
    session.commit()


def _note_void(session: Any, mine: Claim, why: str) -> None:
    attempts = DELIVERIES.c.attempts - 1  # this one was not begun
    if _note(session, mine, status=DeliveryStatus.VOID.value, last_error=why, attempts=attempts):
        _note_reminder(session, mine, void_at=clock.now())
    session.commit()


def _note_failure(session: Any, mine: Claim, failure: NotSent) -> None:
    """Try again later, the sooner the nearer the start is; after too many attempts, or a refusal, no more."""
    at = clock.now()
    dead = isinstance(failure, Refused) or mine.attempt >= MAX_ATTEMPTS
    status = DeliveryStatus.DEAD if dead else DeliveryStatus.FAILED
    refusals = DELIVERIES.c.refusals + (0 if failure.in_doubt else 1)
    about = session.scalar(sa.select(DELIVERIES.c.about_at).where(*_ours(mine)))
    _note(
        session, mine, status=status.value, last_error=str(failure)[:2000], refusals=refusals,
        next_at=at + pause(mine.attempt, about - at if about else None),
    )  # fmt: skip
    session.commit()


def pause(attempt: int, time_left: timedelta | None) -> timedelta:
    """How long to wait after the failure of ``attempt``: growing, with jitter so that not all come back at once."""
    wait = PAUSES[min(attempt, len(PAUSES)) - 1]
    if time_left is not None and time_left > timedelta():
        wait = min(wait, max(time_left / 4, PAUSES[0]))
    jitter = timedelta(seconds=random.uniform(0, wait.total_seconds() / 4))
    return wait + jitter


def _note(session: Any, mine: Claim, **values: Any) -> bool:
    """Write what became of our claim; False where the lease had ended and somebody else took it."""
    swap = sa.update(DELIVERIES).where(
        *_ours(mine), DELIVERIES.c.attempts == mine.attempt, DELIVERIES.c.status.in_(UNDONE)
    )
    return bool(session.execute(swap.values(claimed_until=None, **values)).rowcount)


def _ours(mine: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return DELIVERIES.c.tenant_id == mine.tenant_id, DELIVERIES.c.id == mine.id


def _note_reminder(session: Any, mine: Claim, **values: datetime) -> None:
    cause = sa.select(DELIVERIES.c.reminder_id).where(*_ours(mine)).scalar_subquery()
    table: sa.Table = sa.inspect(Reminder).local_table  # type: ignore[assignment]
    unnoted = table.c.sent_at.is_(None) & table.c.void_at.is_(None)  # by another channel
    session.execute(
        sa.update(table).where(table.c.tenant_id == mine.tenant_id, table.c.id == cause, unnoted).values(**values)
    )


def _give_back(session: Any, claims: Sequence[Claim]) -> None:
    for mine in claims:
        _note(session, mine, attempts=DELIVERIES.c.attempts - 1)
    session.commit()
