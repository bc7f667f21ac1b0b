"""Messages on their way: reminders that will fall due, deliveries that are to be made, and who is in charge."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import access, events  # noqa: F401  (events: deliveries refer to their table)
from portal.core.db import Model, Owned, Timestamped, ref
from portal.core.types import Choice
from portal.hiring.models import Candidate
from portal.people.models import User

ONE_PERSON = "(user_id IS NULL) <> (candidate_id IS NULL) AND (recipient_id = user_id OR recipient_id = candidate_id)"


class Channel(StrEnum):
    EMAIL = "email"
    IN_APP = "in_app"
    PUSH = "push"


class DeliveryStatus(StrEnum):
    QUEUED = "queued"  # to be handed over for the first time
    FAILED = "failed"  # was tried, will be tried again
    SENT = "sent"
    DEAD = "dead"  # given up: someone has to look at it
    VOID = "void"  # no longer true, so never sent


UNDONE = (DeliveryStatus.QUEUED, DeliveryStatus.FAILED)
_DUE = sa.text("status IN ('queued', 'failed')")
_DEAD = sa.text("status = 'dead'")
_WAITING = sa.text("queued_at IS NULL AND void_at IS NULL")


class Reminder(Timestamped, Owned, Model):
    """One reminder to one person: written when the schedule is, void when the schedule changes.

    ``schedule_version`` is the ``reschedule_count`` of the interview or mock interview. ``queued_at`` is when its
    deliveries were made, ``sent_at`` when the first of them was accepted.
    """

    __tablename__ = "reminders"
    __table_args__ = (
        sa.UniqueConstraint(
            "tenant_id", "subject_id", "schedule_version", "kind", "recipient_id", name="uq_reminders_once"
        ),
        sa.CheckConstraint(ONE_PERSON, name="one_person"),
        sa.CheckConstraint("last_useful_at > due_at", name="due_before_last_useful"),
        # Only what waits is in it, so the scan costs what is due, not what there is.
        sa.Index("ix_reminders_due", "due_at", "tenant_id", postgresql_where=_WAITING, sqlite_where=_WAITING),
        sa.Index("ix_reminders_listed", "tenant_id", "due_at", "id"),
    )
    subject_type: Mapped[str] = mapped_column(sa.String(32), default="interview")
    subject_id: Mapped[UUID]
    schedule_version: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(16))
    recipient_id: Mapped[UUID]
    user_id: Mapped[UUID | None] = ref("users", optional=True)
    candidate_id: Mapped[UUID | None] = ref("candidates", optional=True)
    due_at: Mapped[datetime]
    last_useful_at: Mapped[datetime]
    queued_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    void_at: Mapped[datetime | None]


class Delivery(Timestamped, Owned, Model):
    """One message to one person through one channel.

    ``event`` is the catalogue's row it comes from, ``kind`` the template. ``about_at`` is the start that the
    message names, ``schedule_version`` the schedule it speaks of. ``claimed_until`` is set while somebody is at
    it: a claim that expires belongs to a process that died, and the delivery is due again. ``attempts`` counts
    the hand-overs that were begun and tells one claim from the next, ``refusals`` those that surely failed: where
    there are fewer of them, the message may have arrived.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "idem_key"),
        sa.CheckConstraint(ONE_PERSON, name="one_person"),
        sa.CheckConstraint("(event_id IS NULL) <> (reminder_id IS NULL)", name="one_cause"),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_when"),
        sa.Index("ix_deliveries_due", "next_at", "id", postgresql_where=_DUE, sqlite_where=_DUE),
        sa.Index("ix_deliveries_subject", "tenant_id", "subject_id", "recipient_id", "id"),
        sa.Index("ix_deliveries_created", "tenant_id", "created_at", "id"),
        # The channel at its end is there to be counted.
        sa.Index("ix_deliveries_status", "tenant_id", "status", "created_at", "id", "channel"),
        sa.Index("ix_deliveries_dead", "created_at", "id", postgresql_where=_DEAD, sqlite_where=_DEAD),
    )
    event_id: Mapped[UUID | None] = ref("outbox_events", optional=True)
    reminder_id: Mapped[UUID | None] = ref("reminders", optional=True)
    event: Mapped[str] = mapped_column(sa.String(64))
    kind: Mapped[str] = mapped_column(sa.String(64))
    channel: Mapped[str] = mapped_column(Choice(Channel), default=Channel.EMAIL)
    subject_type: Mapped[str] = mapped_column(sa.String(32), default="interview")
    subject_id: Mapped[UUID]
    schedule_version: Mapped[int | None]
    about_at: Mapped[datetime | None]
    recipient_id: Mapped[UUID]
    user_id: Mapped[UUID | None] = ref("users", optional=True)
    candidate_id: Mapped[UUID | None] = ref("candidates", optional=True)
    address: Mapped[str] = mapped_column(sa.String(254))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idem_key: Mapped[str] = mapped_column(sa.String(200))
    message_id: Mapped[str] = mapped_column(sa.String(200))
    status: Mapped[str] = mapped_column(Choice(DeliveryStatus), default=DeliveryStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    refusals: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(sa.Text, default="")

    user: Mapped[User | None] = relationship(viewonly=True)
    candidate: Mapped[Candidate | None] = relationship(viewonly=True)

    @property
    def may_have_arrived(self) -> bool:
        return self.status == DeliveryStatus.SENT or self.attempts > self.refusals

    @property
    def recipient(self) -> User | Candidate | None:
        return self.user or self.candidate

    def __str__(self) -> str:
        return f"{self.kind} to {self.address}"


class Lease(Model):
    """Who is in charge of ``name`` until when, for work that only one of several processes should do."""

    __tablename__ = "leases"
    name: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(sa.String(80))
    until: Mapped[datetime]


access.declare(Reminder, "messages", own=lambda me: Reminder.user_id == me)
access.declare(Delivery, "messages", own=lambda me: Delivery.user_id == me)
