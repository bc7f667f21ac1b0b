"""How the messages stand: for ``outbox status``, ``/metrics``, the scheduler and the operations page.

What is asked all the time costs what waits, not what there ever was: what is done is counted of the last hour or day
only. The conditions on what is undone stand as the partial indexes have them, word for word: bound values would hide
them from the planner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere
from portal.messaging.models import Delivery, DeliveryStatus, Reminder
from portal.people.models import Tenant

_UNDONE_EVENTS = OutboxEvent.processed_at.is_(None)
FAILING_EVENTS = sa.text("outbox_events.processed_at IS NULL AND outbox_events.attempts > 0")
_UNDONE_DELIVERIES = sa.text("deliveries.status IN ('queued', 'failed')")
_DEAD_DELIVERIES = sa.text("deliveries.status = 'dead'")
_WAITING_REMINDERS = sa.and_(Reminder.queued_at.is_(None), Reminder.void_at.is_(None))
SHOWN = 20
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@dataclass(frozen=True)
class Standing:
    """``oldest`` is how long the oldest event or delivery that is due has waited; ``reminders`` are those of the next
    day; ``deliveries`` counts by status those that somebody or something waits for."""

    events: int = 0
    events_failing: int = 0
    oldest: timedelta = timedelta()
    reminders: int = 0
    deliveries: Mapping[str, int] = field(default_factory=dict)


def standing(session: Any, at: datetime) -> Standing:
    """How the messages of all tenants stand."""
    with everywhere(session):
        return of_tenant(session, at)


def of_tenant(session: Any, at: datetime) -> Standing:
    """How the messages of the present tenant stand."""
    return Standing(
        events=_count(session, OutboxEvent, _UNDONE_EVENTS),
        events_failing=_count(session, OutboxEvent, FAILING_EVENTS),
        oldest=_oldest(session, at),
        reminders=_count(session, Reminder, _WAITING_REMINDERS, Reminder.due_at <= at + DAY),
        deliveries=_undone(session) | {"dead": _count(session, Delivery, _DEAD_DELIVERIES)},
    )


def _count(session: Any, model: Any, *which: sa.ColumnElement[bool] | sa.TextClause) -> int:
    return int(session.scalar(sa.select(sa.func.count()).select_from(model).where(*which)))


def _undone(session: Any) -> dict[str, int]:
    by_status = sa.select(Delivery.status, sa.func.count()).where(_UNDONE_DELIVERIES).group_by(Delivery.status)
    return {"queued": 0, "failed": 0} | dict(session.execute(by_status).all())


def made_since(session: Any, since: datetime) -> dict[tuple[str, str], int]:
    """What became of the messages of the present tenant, or of all, that were made since then: by channel and
    status."""
    # All statuses, and all tenants: so the index that begins with the two finds the newest rows of each.
    every = (Delivery.tenant_id.in_(sa.select(Tenant.id)), Delivery.status.in_(tuple(DeliveryStatus)))
    query = (
        sa.select(Delivery.channel, Delivery.status, sa.func.count())
        .where(*every, Delivery.created_at > since)
        .group_by(Delivery.channel, Delivery.status)
    )
    return {(channel, status): count for channel, status, count in session.execute(query)}


def last_hour(session: Any, at: datetime) -> dict[tuple[str, str], int]:
    """The same of the last hour and all tenants."""
    with everywhere(session):
        return made_since(session, at - HOUR)


def dead(session: Any) -> list[Delivery]:
    """The newest of those that were given up, of all tenants."""
    with everywhere(session):
        query = sa.select(Delivery).where(_DEAD_DELIVERIES).order_by(Delivery.created_at.desc(), Delivery.id.desc())
        return list(session.scalars(query.limit(SHOWN)))


def totals(session: Any) -> tuple[int, dict[str, int]]:
    """All reminders to come, and all messages there ever were by status: counted one by one, which takes a second
    for some millions."""
    with everywhere(session):
        by_status = sa.select(Delivery.status, sa.func.count()).group_by(Delivery.status)
        return _count(session, Reminder, _WAITING_REMINDERS), dict(session.execute(by_status).all())


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
