"""Who is to be told of what, and each telling with what became of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import access
from portal.core.audit import Audited
from portal.core.db import Editable, Model, Owned, Timestamped, ref, text
from portal.core.types import Choice, WebUrl
from portal.people.models import User


class Webhook(Audited, Editable, Owned, Model):
    """An address that is told of ``events``: names of ``kinds``, or ``interview.*``; none means all.

    The secret stands nowhere: it follows from SECRET_KEY, the key and ``generation`` (see ``signing``). ``mark`` is
    its hash, by which we notice that SECRET_KEY is another one. ``failing_since`` is when the first attempt failed
    after the last one that did not; ``silences`` counts the attempts in a row that nobody answered, for which all of
    it rests until ``rests_until``. ``off_reason`` says why the portal itself switched it off.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name"),
        sa.CheckConstraint("generation >= 1", name="generation"),
    )
    name: Mapped[str] = text(120)
    url: Mapped[str] = mapped_column(WebUrl(500))
    events: Mapped[list[Any]] = mapped_column(default=list)
    active: Mapped[bool] = mapped_column(default=True)
    created_by_id: Mapped[UUID | None] = ref("users", optional=True)
    generation: Mapped[int] = mapped_column(default=1)
    mark: Mapped[str] = mapped_column(sa.String(64), default="", info={"secret": True, "copied": True})
    shown_at: Mapped[datetime | None]
    rotated_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    silences: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[datetime | None]
    off_reason: Mapped[str] = mapped_column(sa.Text, default="")

    created_by: Mapped[User | None] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.name


class HookStatus(StrEnum):
    QUEUED = "queued"  # to be sent for the first time, or again by hand
    FAILED = "failed"  # was tried, will be tried again
    SENT = "sent"
    DEAD = "dead"  # given up: somebody has to look at it


UNDONE = (HookStatus.QUEUED, HookStatus.FAILED)
_DUE = sa.text("status IN ('queued', 'failed')")


class WebhookDelivery(Timestamped, Owned, Model):
    """One event told to one webhook; its key is the ``webhook-id`` that the receiver gets, each time the same.

    ``event_id`` is what it comes from: an event of the outbox, a reminder, or a test of its own. ``body`` is sent as
    it stands. ``attempts`` counts those that were begun and tells one claim from the next; ``tries`` all of them, also
    those before it was sent again by hand. ``status_code`` and ``answer`` (its first 2,000 characters) are the last
    ones.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "webhook_id", "event_id", "type", name="uq_webhook_deliveries_once"),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_when"),
        # Only what waits is in it, so to look for what is due costs what waits, not what there ever was.
        sa.Index("ix_webhook_deliveries_due", "tenant_id", "webhook_id", "next_at", "id",
                 postgresql_where=_DUE, sqlite_where=_DUE),
        sa.Index("ix_webhook_deliveries_subject", "tenant_id", "webhook_id", "subject_id", "id"),
        sa.Index("ix_webhook_deliveries_webhook", "tenant_id", "webhook_id", "created_at", "id"),
        sa.Index("ix_webhook_deliveries_created", "tenant_id", "created_at", "id"),
        sa.Index("ix_webhook_deliveries_status", "tenant_id", "status", "created_at", "id"),
    )  # fmt: skip
    named_by = ("webhook",)
    webhook_id: Mapped[UUID] = ref("webhooks", cascade=True)
    event_id: Mapped[UUID]
    type: Mapped[str] = mapped_column(sa.String(80))
    subject_id: Mapped[UUID]
    body: Mapped[str] = mapped_column(sa.Text)
    status: Mapped[str] = mapped_column(Choice(HookStatus), default=HookStatus.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    claimed_until: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    status_code: Mapped[int | None]
    answer: Mapped[str] = mapped_column(sa.Text, default="")
    error: Mapped[str] = mapped_column(sa.Text, default="")

    webhook: Mapped[Webhook] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"{self.type} to {self.webhook}"


access.declare(Webhook, "webhooks")
access.declare(WebhookDelivery, "webhooks")
