"""What the past left behind: its messages are told, its reminders sent. Those of the time to come stand ready."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.core.db import Model, new_id
from portal.core.tenancy import everywhere
from portal.messaging import outbox

RECENT, UNREAD = timedelta(days=14), 3
_TABLES = Model.metadata.tables


def settle(session: Any, tenants: Sequence[UUID], at: datetime) -> None:
    """Let no mail go out for what happened before ``at``; a reminder that was due by then counts as sent. What is
    still of interest was told: it stands under the bells, and who cancels an interview tells those who know of it."""
    events = _TABLES["outbox_events"]
    with everywhere(session):
        told = sa.update(events).where(events.c.tenant_id.in_(tenants), events.c.processed_at.is_(None))
        session.execute(told.where(~_of_interest(at)).values(processed_at=events.c.occurred_at))
        _send_reminders(session, tenants, at)
    _tell(session, at)
    with everywhere(session):
        _date_deliveries(session, tenants)
        _date_notifications(session, tenants)
        session.execute(told.values(processed_at=events.c.occurred_at))  # what cannot be told


def _of_interest(at: datetime) -> Any:
    """What is about an interview that is ahead, and what lately awaited somebody or told of a result."""
    events, interviews = _TABLES["outbox_events"], _TABLES["interviews"]
    ahead = sa.exists().where(
        interviews.c.tenant_id == events.c.tenant_id, interviews.c.id == events.c.subject_id,
        interviews.c.scheduled_start > at,
    )  # fmt: skip
    lately = events.c.name.like("Candidate%") | (events.c.name == "FeedbackRequested")
    return ahead | (lately & (events.c.occurred_at > at - RECENT))


def _tell(session: Any, at: datetime) -> None:
    """Make the messages of all events that wait, within the caller's transaction: no worker, should one be about, sees
    a mail before it counts as sent. What commits in here only ends a savepoint."""
    session.flush()
    with Session(session.connection(), join_transaction_mode="create_savepoint") as within:
        while outbox.make_deliveries(within, at):
            pass
    session.expire_all()


def _send_reminders(session: Any, tenants: Sequence[UUID], at: datetime) -> None:
    reminders = _TABLES["reminders"]
    due = reminders.c.due_at
    # One that became void after it was due had gone out by then.
    sent = sa.or_(reminders.c.void_at.is_(None), reminders.c.void_at > due)
    past = sa.update(reminders).where(reminders.c.tenant_id.in_(tenants), due <= at, sent)
    session.execute(past.values(queued_at=due, sent_at=due, void_at=None))


def _date_deliveries(session: Any, tenants: Sequence[UUID]) -> None:
    """Each was sent when its event occurred; of those that were overtaken by another nothing is left."""
    deliveries, events = _TABLES["deliveries"], _TABLES["outbox_events"]
    mine = deliveries.c.tenant_id.in_(tenants)
    session.execute(sa.delete(deliveries).where(mine, deliveries.c.status == "void"))
    same = (events.c.tenant_id == deliveries.c.tenant_id, events.c.id == deliveries.c.event_id)
    then = sa.select(events.c.occurred_at).where(*same).scalar_subquery()
    session.execute(
        sa.update(deliveries)
        .where(mine)
        .values(status="sent", attempts=1, created_at=then, sent_at=then, next_at=then, claimed_until=None)
    )


def _date_notifications(session: Any, tenants: Sequence[UUID]) -> None:
    """Each came when its event occurred; each user has read all but the newest, and opened every other one."""
    notes, deliveries = _TABLES["notifications"], _TABLES["deliveries"]
    same = sa.and_(deliveries.c.tenant_id == notes.c.tenant_id, deliveries.c.idem_key == notes.c.idem_key)
    query = sa.select(notes.c.tenant_id, notes.c.id, notes.c.user_id, deliveries.c.sent_at).join(deliveries, same)
    found = session.execute(query.where(notes.c.tenant_id.in_(tenants)).order_by(deliveries.c.sent_at.desc())).all()
    seen: Counter[UUID] = Counter()
    for tenant, key, user, then in found:
        seen[user] += 1
        read = then + timedelta(minutes=20) if seen[user] > UNREAD else None
        values = {"id": _key_of(then), "created_at": then, "read_at": read}
        mine = (notes.c.tenant_id == tenant, notes.c.id == key)
        session.execute(sa.update(notes).where(*mine).values(**values, clicked_at=read if seen[user] % 2 else None))


def _key_of(at: datetime) -> UUID:
    """A key as it would have been made then: a UUIDv7 begins with 48 bits of milliseconds."""
    return UUID(int=int(at.timestamp() * 1000) << 80 | new_id().int & (1 << 80) - 1)
