"""Reminders of feedback that is owed: 24 hours after it was asked for, then daily on working days, five at most."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import events
from portal.core.db import new_id
from portal.core.events import Event
from portal.core.tenancy import tenant_id
from portal.core.types import days_later, zone
from portal.messaging.reminders import REMINDERS, void_of_users
from portal.messaging.sql import inserting
from portal.people.models import User

AT_MOST = 5
_SATURDAY = 5
_KIND = "overdue"


def is_overdue(kind: str) -> bool:
    """Whether a reminder of this kind is one of owed feedback."""
    return kind.startswith(_KIND)


def install() -> None:
    """Hang them on the asking and on the giving."""
    events.listen("FeedbackRequested", _write)
    events.listen("FeedbackSubmitted", void_of_users)


def due_times(asked: datetime, zone_name: str) -> list[datetime]:
    """When somebody in this zone is reminded: a day later, then at the same wall time on each working day."""
    times = [asked + timedelta(hours=24)]
    day = 1
    while len(times) < AT_MOST:
        day += 1
        at = days_later(asked, day, zone_name)
        if at.astimezone(zone(zone_name)).weekday() < _SATURDAY:
            times.append(at)
    return times


def _write(session: Any, told: Sequence[Event], at: datetime) -> None:
    owing = {UUID(event.payload["user"]) for event in told}
    zones = dict(session.execute(sa.select(User.id, User.timezone).where(User.id.in_(owing))).all())
    rows = [
        _row(event, number, due, at)
        for event in told
        for number, due in enumerate(due_times(at, zones[UUID(event.payload["user"])]), 1)
    ]
    once = ("tenant_id", "subject_id", "schedule_version", "kind", "recipient_id")
    statement = inserting(session, REMINDERS)
    # Asked for anew: those that went out count, the others start again from now.
    again = {name: statement.excluded[name] for name in ("due_at", "last_useful_at", "void_at")}
    session.execute(
        statement.on_conflict_do_update(index_elements=once, set_=again, where=REMINDERS.c.queued_at.is_(None)), rows
    )


def _row(event: Event, number: int, due: datetime, at: datetime) -> dict[str, Any]:
    user = UUID(event.payload["user"])
    return {
        "tenant_id": tenant_id(), "id": new_id(), "subject_type": "interview", "subject_id": event.subject,
        "schedule_version": event.payload["schedule"], "kind": f"{_KIND}{number}", "recipient_id": user,
        "user_id": user, "candidate_id": None, "due_at": due, "last_useful_at": due + timedelta(days=1),
        "void_at": None, "created_at": at,
    }  # fmt: skip
