"""From a row of the catalogue to deliveries: one per person and channel, and never a second one for the same cause."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa
from flask import current_app

from portal.core.db import new_id
from portal.messaging.catalog import Message
from portal.messaging.facts import Person
from portal.messaging.models import Channel, Delivery, DeliveryStatus
from portal.messaging.preferences import Wishes
from portal.messaging.sql import inserting
from portal.messaging.subjects import Known

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


@dataclass(frozen=True)
class Cause:
    """What deliveries are made for: an event or a reminder, and the schedule that it speaks of."""

    tenant: UUID
    at: datetime
    event: UUID | None = None
    reminder: UUID | None = None
    schedule: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)


def deliveries(
    message: Message, known: Known, readers: Iterable[Person], cause: Cause, wishes: Wishes
) -> list[dict[str, Any]]:
    """The rows that tell ``readers`` of ``message``; who is no longer active is told nothing."""
    return [
        _delivery(message, known, reader, channel, cause)
        for reader in readers
        if reader.active
        for channel in wishes.channels(message, known, reader, cause.at)
    ]


def _delivery(message: Message, known: Known, reader: Person, channel: Channel, cause: Cause) -> dict[str, Any]:
    key = new_id()
    return {
        "tenant_id": cause.tenant, "id": key, "event_id": cause.event, "reminder_id": cause.reminder,
        "event": message.event, "kind": message.type, "channel": channel.value, "subject_type": known.kind,
        "subject_id": known.id, "schedule_version": cause.schedule, "about_at": known.start,
        "recipient_id": reader.id, "user_id": None if reader.is_candidate else reader.id,
        "candidate_id": reader.id if reader.is_candidate else None,
        "address": reader.email if channel == Channel.EMAIL else "", "payload": dict(cause.payload),
        "idem_key": f"{cause.reminder or cause.event}:{message.type}:{channel}:{reader.id}",
        "message_id": f"<{key}@{_domain()}>", "status": DeliveryStatus.QUEUED.value, "attempts": 0, "refusals": 0,
        "next_at": cause.at, "sent_at": None, "last_error": "", "created_at": cause.at,
    }  # fmt: skip


def insert(session: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Write what is not there yet: whoever does the same work twice finds the keys taken."""
    if rows:
        session.execute(inserting(session, DELIVERIES).on_conflict_do_nothing(), list(rows))


def _domain() -> str:
    return _domain_of(current_app.extensions["greenroom"].mail_from)


@lru_cache  # asked for every row
def _domain_of(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2]
