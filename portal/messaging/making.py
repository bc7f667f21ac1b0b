"""From a row of the catalogue to deliveries: one per person and channel, and never a second one for the same cause."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from email.utils import parseaddr
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from portal.core.db import new_id
from portal.messaging.catalog import Message
from portal.messaging.facts import Facts, Person
from portal.messaging.models import Channel, Delivery, DeliveryStatus
from portal.messaging.sql import inserting

R = TypeVar("R")
DELIVERIES: sa.Table = sa.inspect(Delivery).local_table  # type: ignore[assignment]


def by_tenant(rows: Iterable[R]) -> list[tuple[UUID, list[R]]]:
    """``rows`` in groups of one tenant each."""
    groups: dict[UUID, list[R]] = defaultdict(list)
    for row in rows:
        groups[row.tenant_id].append(row)  # type: ignore[attr-defined]
    return list(groups.items())


def change(session: Any, table: sa.Table, rows: Iterable[R], **values: Any) -> None:
    """Set ``values`` in ``rows``, tenant by tenant, as the key is built."""
    for tenant, group in by_tenant(rows):
        mine = (table.c.tenant_id == tenant, table.c.id.in_([row.id for row in group]))  # type: ignore[attr-defined]
        session.execute(sa.update(table).where(*mine).values(**values))


def deliveries(
    message: Message,
    facts: Facts,
    readers: Iterable[Person],
    at: datetime,
    *,
    tenant: UUID,
    event: UUID | None = None,
    reminder: UUID | None = None,
    schedule: int | None = None,
    payload: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The rows that tell ``readers`` of ``message``; who is no longer active is told nothing."""
    found = []
    for reader in readers:
        for channel in message.channels if reader.active else ():
            key = new_id()
            found.append({
                "tenant_id": tenant, "id": key, "event_id": event, "reminder_id": reminder, "event": message.event,
                "kind": message.template, "channel": channel.value, "subject_type": "interview",
                "subject_id": facts.id, "schedule_version": schedule, "about_at": facts.start,
                "recipient_id": reader.id, "user_id": None if reader.is_candidate else reader.id,
                "candidate_id": reader.id if reader.is_candidate else None,
                "address": reader.email if channel == Channel.EMAIL else "", "payload": dict(payload or {}),
                "idem_key": f"{reminder or event}:{message.template}:{channel}:{reader.id}",
                "message_id": f"<{key}@{_domain()}>", "status": DeliveryStatus.QUEUED.value, "attempts": 0,
                "refusals": 0, "next_at": at, "last_error": "", "created_at": at,
            })  # fmt: skip
    return found


def insert(session: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Write what is not there yet: whoever does the same work twice finds the keys taken."""
    if rows:
        session.execute(inserting(session, DELIVERIES).on_conflict_do_nothing(), list(rows))


def _domain() -> str:
    return parseaddr(current_app.extensions["greenroom"].mail_from)[1].rpartition("@")[2]
