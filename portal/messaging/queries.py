"""How the messages stand: for ``outbox status``, the scheduler and the operations page."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere
from portal.messaging.models import Delivery, Reminder

_UNDONE_EVENTS = OutboxEvent.processed_at.is_(None)
# As the partial index has it: bound values would hide it from the planner.
_UNDONE_DELIVERIES = sa.text("deliveries.status IN ('queued', 'failed')")
_WAITING_REMINDERS = sa.and_(Reminder.queued_at.is_(None), Reminder.void_at.is_(None))


@dataclass(frozen=True)
class Standing:
    """``oldest`` is how long the oldest event or delivery that is due has waited."""

    events: int = 0
    events_failing: int = 0
    oldest: timedelta = timedelta()
    reminders: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)
    dead: tuple[Delivery, ...] = ()


def standing(session: Any, at: datetime) -> Standing:
    """How the messages of all tenants stand."""
    with everywhere(session):
        return _standing(session, at, sa.true())


def of_tenant(session: Any, at: datetime) -> Standing:
    """How the messages of the present tenant stand; of those that are done nothing is counted."""
    return _standing(session, at, Delivery.status.in_(("queued", "failed", "dead")))


def _standing(session: Any, at: datetime, counted: sa.ColumnElement[bool]) -> Standing:
    events, failing = session.execute(
        sa.select(sa.func.count(), sa.func.count(sa.case((OutboxEvent.attempts > 0, 1)))).where(_UNDONE_EVENTS)
    ).one()
    by_status = sa.select(Delivery.status, sa.func.count()).where(counted).group_by(Delivery.status)
    dead = sa.select(Delivery).where(Delivery.status == "dead").order_by(Delivery.created_at.desc()).limit(20)
    return Standing(
        events=events,
        events_failing=failing,
        oldest=_oldest(session, at),
        reminders=session.scalar(sa.select(sa.func.count()).select_from(Reminder).where(_WAITING_REMINDERS)),
        deliveries=dict(session.execute(by_status).all()),
        dead=tuple(session.scalars(dead)),
    )


def oldest_due(session: Any, at: datetime) -> timedelta:
    """How long the oldest event or delivery of all tenants that is due has waited; zero where nothing does."""
    with everywhere(session):
        return _oldest(session, at)


def _oldest(session: Any, at: datetime) -> timedelta:
    free = sa.or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= at)
    waiting = (
        session.scalar(sa.select(sa.func.min(OutboxEvent.next_at)).where(_UNDONE_EVENTS)),
        session.scalar(sa.select(sa.func.min(Delivery.next_at)).where(_UNDONE_DELIVERIES, free)),
    )
    return max((at - due for due in waiting if due is not None and due <= at), default=timedelta())


def something_waits(session: Any, at: datetime) -> bool:
    """Whether an event or a delivery is due that nobody is at."""
    with everywhere(session):
        event = sa.select(sa.literal(1)).select_from(OutboxEvent).where(_UNDONE_EVENTS, OutboxEvent.next_at <= at)
        free = sa.or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= at)
        delivery = (
            sa.select(sa.literal(1)).select_from(Delivery).where(_UNDONE_DELIVERIES, Delivery.next_at <= at, free)
        )
        return any(session.scalar(query.limit(1)) is not None for query in (event, delivery))
