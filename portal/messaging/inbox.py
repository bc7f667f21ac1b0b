"""What a reader keeps: the notifications they got, what they want to get, and the secret link of their calendar."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import access
from portal.core.db import Model, Owned, Timestamped, ref
from portal.core.types import Choice, PlainText
from portal.messaging.models import Channel
from portal.people.models import User

_UNREAD = sa.text("read_at IS NULL")


class Notification(Timestamped, Owned, Model):
    """One notification of one user; the delivery with the same ``idem_key`` made it.

    ``type`` is the one of the catalogue, ``link`` a path of the portal ('' where there is nothing to open), ``meta``
    what a program may want to know: the subject's type and key, the event. ``quiet`` says that it came within the
    reader's quiet hours and nothing popped up.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "idem_key"),
        sa.Index("ix_notifications_user", "tenant_id", "user_id", "id"),
        # The bell's count: only what is unread is in it.
        sa.Index("ix_notifications_unread", "tenant_id", "user_id", "id", postgresql_where=_UNREAD,
                 sqlite_where=_UNREAD),
    )  # fmt: skip
    user_id: Mapped[UUID] = ref("users", cascade=True)
    type: Mapped[str] = mapped_column(sa.String(64))
    title: Mapped[str] = mapped_column(PlainText(300))
    message: Mapped[str] = mapped_column(sa.Text, default="")
    link: Mapped[str] = mapped_column(sa.String(300), default="")
    meta: Mapped[dict[str, Any]] = mapped_column(default=dict)
    idem_key: Mapped[str] = mapped_column(sa.String(200))
    quiet: Mapped[bool] = mapped_column(default=False)
    read_at: Mapped[datetime | None]
    clicked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.title


class NotificationPreference(Timestamped, Owned, Model):
    """Whether a user wants messages of one type through one channel, where that differs from the catalogue."""

    __tablename__ = "notification_preferences"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id", "type", "channel", name="uq_preferences_once"),)
    user_id: Mapped[UUID] = ref("users", cascade=True)
    type: Mapped[str] = mapped_column(sa.String(64))
    channel: Mapped[str] = mapped_column(Choice(Channel))
    wanted: Mapped[bool]


class QuietHours(Timestamped, Owned, Model):
    """When nothing shall pop up in a user's browser: wall times of their own zone, ``HH:MM``; ``until`` may lie
    before ``since``, and then means the next day."""

    __tablename__ = "quiet_hours"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id"),)
    user_id: Mapped[UUID] = ref("users", cascade=True)
    since: Mapped[str] = mapped_column(sa.String(5))
    until: Mapped[str] = mapped_column(sa.String(5))


class CalendarFeed(Timestamped, Owned, Model):
    """The secret link under which a calendar program reads a user's appointments; only its hash is kept."""

    __tablename__ = "calendar_feeds"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "user_id"), sa.UniqueConstraint("secret_hash"))
    user_id: Mapped[UUID] = ref("users", cascade=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), info={"secret": True})
    last_used_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(viewonly=True)


class InboundMail(Timestamped, Owned, Model):
    """A mail that came back and was understood: a reply to an invitation, or a report that one of ours bounced.
    The same mail again changes nothing."""

    __tablename__ = "inbound_mails"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "message_id"),
        sa.Index("ix_inbound_mails_created", "tenant_id", "created_at", "id"),
    )
    message_id: Mapped[str] = mapped_column(sa.String(255))
    kind: Mapped[str] = mapped_column(sa.String(16))
    sender: Mapped[str] = mapped_column(sa.String(254))
    subject_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(sa.Text, default="")


access.declare(Notification, "notifications", always=lambda me: Notification.user_id == me)
access.declare(NotificationPreference, "notifications", always=lambda me: NotificationPreference.user_id == me)
access.declare(QuietHours, "notifications", always=lambda me: QuietHours.user_id == me)
access.declare(CalendarFeed, "notifications", always=lambda me: CalendarFeed.user_id == me)
access.declare(InboundMail, "messages")
