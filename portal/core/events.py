"""What happened, written down in the transaction in which it happened. ``messaging`` reads it afterwards."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event as sa_event
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.core.db import Logged, Model, insert_many
from portal.core.tenancy import tenant_id

_UNDONE = sa.text("processed_at IS NULL")
_FAILING = sa.text("processed_at IS NULL AND attempts > 0")


class OutboxEvent(Logged, Model):
    """One event to be told of; ``processed_at`` is set once its messages are made."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        # Only what waits is in it, so the scan costs what is undone, not what there ever was.
        sa.Index("ix_outbox_undone", "next_at", "id", postgresql_where=_UNDONE, sqlite_where=_UNDONE),
        sa.Index("ix_outbox_failing", "next_at", postgresql_where=_FAILING, sqlite_where=_FAILING),
        sa.Index("ix_outbox_subject", "tenant_id", "subject_id", "id"),
    )
    name: Mapped[str] = mapped_column(sa.String(64))
    subject_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    occurred_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(sa.Text, default="")


@dataclass(frozen=True)
class Event:
    """``name`` as in the catalogue, ``subject`` the row it happened to, ``payload`` JSON values only."""

    name: str
    subject: UUID
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Occurred:
    """What is told of outside the portal: an ``OutboxEvent`` is one, and so is a reminder whose time has come."""

    tenant_id: UUID
    id: UUID
    name: str
    subject_id: UUID
    payload: dict[str, Any]
    occurred_at: datetime


Listener = Callable[[Any, Sequence[Event], datetime], None]
Follower = Callable[[Any, Sequence[Any], datetime], None]
_listeners: dict[str, list[Listener]] = defaultdict(list)
_followers: list[Follower] = []
_bells: dict[str, Callable[[], None]] = {}
MESSAGES = "messages"


def listen(name: str, listener: Listener) -> None:
    """Run ``listener`` in the transaction of each event ``name`` (to write reminders, say)."""
    if listener not in _listeners[name]:
        _listeners[name].append(listener)


def spoken(name: str) -> str:
    """``InterviewScheduled``, or ``interview_scheduled``, as people read it: ``Interview scheduled``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " ")).capitalize()


def follow(follower: Follower) -> None:
    """Run ``follower`` with all that has occurred, of any tenant, once the outbox deals with it: in the transaction
    that marks it as processed, and so exactly once."""
    if follower not in _followers:
        _followers.append(follower)


def tell_followers(session: Any, occurred: Sequence[Any], at: datetime) -> None:
    """For the outbox: tell of ``occurred`` (as ``Occurred`` has it), in the caller's transaction."""
    for follower in _followers if occurred else ():
        follower(session, occurred, at)


def hang_bell(ring: Callable[[], None], name: str = MESSAGES) -> None:
    """``ring`` is called after a transaction that wants the bell ``name`` has committed; it must not raise."""
    _bells[name] = ring


def record(session: Any, name: str, subject: UUID, at: datetime, **payload: Any) -> None:
    """Write one event in the caller's transaction."""
    record_many(session, [Event(name, subject, payload)], at)


def record_many(session: Any, events: Sequence[Event], at: datetime) -> None:
    """Write ``events`` in the caller's transaction and let the listeners add to it."""
    if not events:
        return
    session.flush()
    alike = {"tenant_id": tenant_id(), "occurred_at": at, "next_at": at, "attempts": 0, "error": ""}
    rows = [{"name": each.name, "subject_id": each.subject, "payload": each.payload} for each in events]
    insert_many(session, OutboxEvent.metadata.tables["outbox_events"], rows, alike)
    by_name: dict[str, list[Event]] = defaultdict(list)
    for each in events:
        by_name[each.name].append(each)
    for name, group in by_name.items():
        for listener in _listeners[name]:
            listener(session, group, at)
    want_bell(session)


def want_bell(session: Any, name: str = MESSAGES) -> None:
    """Have the bell rung when the present transaction commits."""
    (session() if callable(session) else session).info.setdefault("ring", set()).add(name)


@sa_event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    for name in sorted(session.info.pop("ring", ())):
        if name in _bells:
            _bells[name]()


@sa_event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    session.info.pop("ring", None)
