"""What was answered to a POST with an Idempotency-Key, for as long as it may be sent again."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.core import access
from portal.core.db import Model, Owned, Timestamped, ref


class IdempotentAnswer(Timestamped, Owned, Model):
    """``fingerprint`` tells a repetition from another request with the same key. The row is written in the very
    transaction of what the request did: either both are there, or neither."""

    __tablename__ = "idempotent_answers"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id", "key"),
        sa.Index("ix_idempotent_answers_expires", "expires_at"),
    )
    user_id: Mapped[UUID] = ref("users", cascade=True)
    key: Mapped[str] = mapped_column(sa.String(200))
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str] = mapped_column(sa.Text, default="")
    expires_at: Mapped[datetime]


access.declare(IdempotentAnswer, "idempotent_answers", own=lambda me: IdempotentAnswer.user_id == me)
