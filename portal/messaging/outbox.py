"""From events to deliveries. An event is claimed, its deliveries are made and it is marked processed in one
transaction: a worker that dies leaves it as it was, and unique keys make a repeat harmless."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core import logs
from portal.core.events import OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.messaging import facts, making
from portal.messaging.catalog import messages
from portal.messaging.facts import Facts, Person

BATCH = 500
# An event that cannot be told of holds up the later ones of its subject only so long.
GIVES_WAY_AFTER = 5
_EVENTS: sa.Table = sa.inspect(OutboxEvent).local_table  # type: ignore[assignment]


@dataclass(frozen=True)
class Key:
    tenant_id: UUID
    id: UUID


def make_deliveries(session: Any, at: datetime, limit: int = BATCH) -> int:
    """Turn up to ``limit`` events that wait into deliveries; how many were dealt with, 0 when none waits.

    One event that fails does not stop the others: its batch is done again one by one, and the failing one waits
    longer each time, with its error beside it.
    """
    with everywhere(session):
        try:
            count = _process(session, _waiting(at, limit), at)
            session.commit()
            return count
        except Exception as error:
            session.rollback()
            logs.get().warning("a batch of events failed", error=repr(error))
        found = session.execute(_waiting(at, limit).with_only_columns(OutboxEvent.tenant_id, OutboxEvent.id))
        keys = [Key(*row) for row in found]
        session.rollback()
        for key in keys:
            _make_alone(session, key, at)
        return len(keys)


def _make_alone(session: Any, key: Key, at: datetime) -> None:
    try:
        _process(session, _waiting(at, 1).where(OutboxEvent.tenant_id == key.tenant_id, OutboxEvent.id == key.id), at)
        session.commit()
    except Exception as error:
        session.rollback()
        logs.get().error("an event could not be told of", event_id=str(key.id), exc_info=error)
        _put_off(session, key, at, repr(error)[:2000])
        session.commit()


def _put_off(session: Any, key: Key, at: datetime, error: str) -> None:
    undone = (_EVENTS.c.tenant_id == key.tenant_id, _EVENTS.c.id == key.id, _EVENTS.c.processed_at.is_(None))
    attempts = session.scalar(sa.select(_EVENTS.c.attempts).where(*undone)) or 0
    pause = min(timedelta(seconds=30) * 2 ** min(attempts, 10), timedelta(hours=1))
    session.execute(sa.update(_EVENTS).where(*undone).values(attempts=attempts + 1, error=error, next_at=at + pause))


def _waiting(at: datetime, limit: int) -> sa.Select[Any]:
    """Events that wait, the oldest of each subject only, so that a cancellation never overtakes a scheduling.

    Two workers at once: on PostgreSQL each skips the rows that the other has locked, and a later event of a
    subject is nobody's while an earlier one is undone, locked or not. SQLite lets one writer in at a time.
    """
    earlier = aliased(OutboxEvent)
    held_up = sa.exists().where(
        earlier.tenant_id == OutboxEvent.tenant_id,
        earlier.subject_id == OutboxEvent.subject_id,
        earlier.id < OutboxEvent.id,
        earlier.processed_at.is_(None),
        earlier.attempts < GIVES_WAY_AFTER,
    )
    return (
        sa.select(OutboxEvent)
        .where(OutboxEvent.processed_at.is_(None), OutboxEvent.next_at <= at, ~held_up)
        .order_by(OutboxEvent.next_at, OutboxEvent.id)
        .limit(limit)
        .with_for_update(of=OutboxEvent, skip_locked=True)
    )


def _process(session: Any, waiting: sa.Select[Any], at: datetime) -> int:
    claimed: Sequence[OutboxEvent] = session.scalars(waiting).all()
    telling = [event for event in claimed if messages(event.name)]
    for tenant, group in making.by_tenant(telling):
        with tenant_scope(tenant, session):
            making.insert(session, _deliveries(session, group, at))
    making.change(session, _EVENTS, claimed, processed_at=at, error="")
    return len(claimed)


def _deliveries(session: Any, group: Sequence[OutboxEvent], at: datetime) -> list[dict[str, Any]]:
    known = facts.load(session, {event.subject_id for event in group})
    named = facts.users(session, {UUID(event.payload["user"]) for event in group if "user" in event.payload})
    joining = _joining_later(session, known)
    made = []
    for event in group:
        if (interview := known.get(event.subject_id)) is not None:
            made += _of_event(event, interview, named, joining[event.subject_id], at)
    return made


def _of_event(
    event: OutboxEvent, interview: Facts, named: Mapping[UUID, Person], joining: Mapping[UUID, UUID], at: datetime
) -> list[dict[str, Any]]:
    made = []
    for message in messages(event.name):
        readers = [
            person
            for person in message.recipients(interview, event.payload, named)
            if joining.get(person.id, event.id) <= event.id
        ]
        made += making.deliveries(
            message, interview, readers, at, tenant=event.tenant_id, event=event.id,
            schedule=event.payload.get("schedule"), payload=event.payload,
        )  # fmt: skip
    return made


def _joining_later(session: Any, interviews: Mapping[UUID, Any]) -> dict[UUID, dict[UUID, UUID]]:
    """Who joins a panel by an event that still waits, and by which: what came before it does not concern them."""
    found: dict[UUID, dict[UUID, UUID]] = defaultdict(dict)
    query = sa.select(OutboxEvent.subject_id, OutboxEvent.id, OutboxEvent.payload).where(
        OutboxEvent.subject_id.in_(interviews),
        OutboxEvent.name == "InterviewerAdded",
        OutboxEvent.processed_at.is_(None),
    )
    for row in session.execute(query.order_by(OutboxEvent.id)):
        found[row.subject_id][UUID(row.payload["user"])] = row.id
    return found
