"""What the past left behind: its messages are told, its reminders sent. Those of the time to come stand ready."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core.db import Model
from portal.core.tenancy import everywhere


def settle(session: Any, tenants: Sequence[UUID], at: datetime) -> None:
    """Let no mail go out for what happened before ``at``; a reminder that was due by then counts as sent."""
    events, reminders = Model.metadata.tables["outbox_events"], Model.metadata.tables["reminders"]
    with everywhere(session):
        told = sa.update(events).where(events.c.tenant_id.in_(tenants), events.c.processed_at.is_(None))
        session.execute(told.values(processed_at=events.c.occurred_at))
        due = reminders.c.due_at
        # One that became void after it was due had gone out by then.
        sent = sa.or_(reminders.c.void_at.is_(None), reminders.c.void_at > due)
        past = sa.update(reminders).where(reminders.c.tenant_id.in_(tenants), due <= at, sent)
        session.execute(past.values(queued_at=due, sent_at=due, void_at=None))
