"""From deliveries to readers: claim, check once more that it is still true, hand over, note what became of it.

Claims are short leases: ``claimed_until`` is set and ``attempts`` grows under a row lock, and nobody else takes the
delivery before the lease ends. A worker that is killed between the mail server's yes and our note of it leaves a
delivery that goes out again with the same Message-ID; that is the only way to a second one.
"""

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
from portal.messaging import facts, falling_due, mail, making, settling, subjects, telling
from portal.messaging.catalog import ARRANGING, Moment, rule
from portal.messaging.channels import Broken, Deferred, Down, NotSent, Post
from portal.messaging.facts import Person
from portal.messaging.making import DELIVERIES
from portal.messaging.models import UNDONE, Channel, Delivery
from portal.messaging.settling import Claim
from portal.messaging.subjects import Known

BATCH = 50
LEASE = timedelta(minutes=2)
HOLD_SECONDS = 60.0
"""A batch that takes longer gives back what it has not begun, long before its lease ends."""


def deliver(session: Any, post: Post, limit: int = BATCH) -> int:
    """Hand over up to ``limit`` deliveries that are due; how many were claimed, 0 when none is.

    Raises Down, with everything noted, when the other side takes nothing more.
    """
    started = time.monotonic()
    with everywhere(session):
        claims = claim(session, clock.now(), limit)
        for position, mine in enumerate(claims):
            if time.monotonic() - started > HOLD_SECONDS:
                settling.give_back(session, claims[position:])
                break
            try:
                _hand_over(session, mine, post)
            except Down as down:
                for other in claims[position + 1 :]:
                    settling.note_failure(session, other, Down(str(down)))
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
    return [
        Claim(row.tenant_id, row.id, row.attempts + 1, row.subject_id, row.recipient_id, row.channel) for row in rows
    ]


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
    columns: tuple[Any, ...] = (
        Delivery.tenant_id, Delivery.id, Delivery.attempts, Delivery.subject_id, Delivery.recipient_id,
        Delivery.channel,
    )  # fmt: skip
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


@dataclass(frozen=True)
class Outcome:
    """``why`` is '' for a delivery that was sent, else why it is void or has failed; ``address`` is where it went,
    ``reminder`` the one it comes from."""

    why: str | NotSent = ""
    address: str = ""
    reminder: UUID | None = None


def _hand_over(session: Any, mine: Claim, post: Post) -> None:
    """Send one delivery if it is still true, and note what became of it, in one transaction; raises Down.

    On PostgreSQL the interview's row is locked meanwhile, so that a cancellation commits before our check or after
    the hand-over. On SQLite that lock would be the only writer's and everybody would wait for a slow mail server:
    there we only read until it is done, and what commits in those moments is followed by its own message, in order.
    """
    with tenant_scope(mine.tenant_id, session):
        session.connection(execution_options={"reading": True})
        outcome = _attempt(session, mine, post)
        if session.get_bind().dialect.name == "sqlite":
            session.rollback()
        if outcome is None:
            session.rollback()  # our lease had ended and somebody else has it
        elif isinstance(outcome.why, NotSent):
            settling.note_failure(session, mine, outcome.why)
        elif outcome.why:
            settling.note_void(session, mine, outcome.why, outcome.reminder)
        else:
            settling.note_sent(session, mine, outcome.address, outcome.reminder)
    if outcome is not None and isinstance(outcome.why, Down):
        raise outcome.why


def _attempt(session: Any, mine: Claim, post: Post) -> Outcome | None:
    """What became of a delivery; None where it is no longer ours."""
    if mine.attempt > settling.MAX_ATTEMPTS:  # whatever it does to us, it does no more
        return Outcome(Broken("It was begun many times and never ended."))
    try:
        *earlier, row = session.scalars(_up_to(mine)).all()
        if row.id != mine.id or row.attempts != mine.attempt or row.status not in UNDONE:
            return None
        return _send_if_true(session, row, earlier, post, clock.now())
    except NotSent as failure:
        return Outcome(failure)
    except Exception as error:
        session.rollback()
        logs.get().error("a message could not be made", delivery_id=str(mine.id), exc_info=error)
        return Outcome(Deferred(f"The message could not be made: {error!r}"))


def _up_to(mine: Claim) -> sa.Select[Any]:
    """The deliveries about the same subject to the same person, ours the last."""
    return (
        sa.select(Delivery)
        .where(
            Delivery.subject_id == mine.subject_id,
            Delivery.recipient_id == mine.recipient_id,
            Delivery.id <= mine.id,
        )
        .order_by(Delivery.id)
        .execution_options(populate_existing=True)
    )


def _send_if_true(session: Any, row: Delivery, earlier: Sequence[Delivery], post: Post, at: datetime) -> Outcome:
    known = subjects.load(session, [(row.subject_type, row.subject_id)], lock=True).get(row.subject_id)
    reader = _reader(session, known, row) if known else None
    if known is None or reader is None:
        return Outcome("What it is about, or its reader, is gone.", reminder=row.reminder_id)
    before = telling.told(earlier, Channel(row.channel), unknown=lambda: not _arranged_before(session, row))
    if why := _untrue(session, row, Moment(known, row.schedule_version, reader, before, at)):
        return Outcome(why, reminder=row.reminder_id)
    letter = mail.compose(
        row.kind, known, reader, message_id=row.message_id, event=row.event, at=at, told_start=before.start,
        payload=row.payload,
    )  # fmt: skip
    # To the address as it is now: it may have been corrected since.
    post.send(reader.email, letter)
    return Outcome(address=reader.email, reminder=row.reminder_id)


def _untrue(session: Any, row: Delivery, moment: Moment) -> str:
    """'' where the message is still true, else why it is not."""
    if not moment.reader.active:
        return "Their account is no longer active."
    if why := rule(row.event).holds(moment):
        return why
    if row.reminder_id and falling_due.is_overtaken(session, row.reminder_id, moment.at):
        return "A reminder nearer to the start is due."
    return ""


def _reader(session: Any, known: Known, row: Delivery) -> Person | None:
    found = known.person(row.recipient_id)
    return found or facts.users(session, [row.recipient_id]).get(row.recipient_id)


def _arranged_before(session: Any, row: Delivery) -> bool:
    """Whether we know of the interview's arrangement: then who was told is in the deliveries, and nowhere else."""
    query = sa.select(sa.literal(1)).where(
        OutboxEvent.subject_id == row.subject_id,
        OutboxEvent.name.in_(ARRANGING),
        OutboxEvent.occurred_at <= row.created_at,
    )
    return session.scalar(query.limit(1)) is not None
