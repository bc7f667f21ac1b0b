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
from portal.core.db import unindexed
from portal.core.events import OutboxEvent, tell_followers
from portal.core.tenancy import everywhere, tenant_scope
from portal.messaging import facts, making, notes, preferences, push, subjects
from portal.messaging.catalog import messages

BATCH = 200
"""What the events of a batch are about is locked until it is committed, so a batch takes a fraction of a second."""
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
            count, made = _process(session, _waiting(at, limit), at)
            session.commit()
            push.announce(made)
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
        alone = _waiting(at, 1).where(OutboxEvent.tenant_id == key.tenant_id, OutboxEvent.id == key.id)
        _, made = _process(session, alone, at)
        session.commit()
        push.announce(made)
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
        unindexed(earlier.processed_at.is_(None)),
        earlier.attempts < GIVES_WAY_AFTER,
    )
    return (
        sa.select(OutboxEvent)
        .where(OutboxEvent.processed_at.is_(None), OutboxEvent.next_at <= at, ~held_up)
        .order_by(OutboxEvent.next_at, OutboxEvent.id)
        .limit(limit)
        .with_for_update(of=OutboxEvent, skip_locked=True)
    )


def _process(session: Any, waiting: sa.Select[Any], at: datetime) -> tuple[int, list[notes.Row]]:
    """Deal with what ``waiting`` finds, uncommitted: how many events there were, and the notifications made."""
    claimed: Sequence[OutboxEvent] = session.scalars(waiting).all()
    made: list[notes.Row] = []
    for tenant, group in making.by_tenant([event for event in claimed if messages(event.name)]):
        with tenant_scope(tenant, session):
            made += _tell(session, group, at)
    tell_followers(session, claimed, at)
    making.change(session, _EVENTS, claimed, processed_at=at, error="")
    return len(claimed), made


def _tell(session: Any, group: Sequence[OutboxEvent], at: datetime) -> list[notes.Row]:
    """Make the deliveries of one tenant's events; answers the notifications among them."""
    about = {event.id: _subject(event) for event in group}
    known = subjects.load(session, about.values(), lock=True)
    named = facts.users(session, {UUID(event.payload["user"]) for event in group if event.payload.get("user")})
    joining = _joining_later(session, known)
    told = [
        (event, message, person)
        for event in group
        if (subject := known.get(about[event.id][1])) is not None
        for message in messages(event.name)
        for person in message.recipients(subject, event.payload, named)
        if person is not None and joining[event.subject_id].get(person.id, event.id) <= event.id
    ]
    wishes = preferences.of(session, {person.id for _, _, person in told if not person.is_candidate})
    rows = [
        row
        for event, message, person in told
        for row in making.deliveries(message, known[about[event.id][1]], [person], _cause(event, at), wishes)
    ]
    readers = {person.id: person for _, _, person in told}
    made = notes.settle(session, rows, known, readers, wishes, at)
    making.insert(session, rows)
    notes.insert(session, made)
    return made


def _subject(event: OutboxEvent) -> tuple[str, UUID]:
    """What the messages of ``event`` are about: type and key."""
    about = messages(event.name)[0].about
    return about, UUID(event.payload["application"]) if about == "application" else event.subject_id


def _cause(event: OutboxEvent, at: datetime) -> making.Cause:
    return making.Cause(event.tenant_id, at, event=event.id, schedule=event.payload.get("schedule"),
                        payload=event.payload)  # fmt: skip


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
