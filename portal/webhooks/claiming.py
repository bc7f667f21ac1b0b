"""Which deliveries are sent next, and by whom: short leases, a few of each webhook at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core.db import unindexed
from portal.core.tenancy import everywhere
from portal.messaging import making
from portal.webhooks.fanout import DELIVERIES
from portal.webhooks.models import UNDONE, Webhook, WebhookDelivery

LEASE = timedelta(minutes=2)
EACH = 4
"""How many requests one receiver gets at once: one that is slow takes up no more of us than that."""

D = WebhookDelivery
# As the partial index has it, word for word: bound values would hide it from the planner.
_UNDONE = sa.text("webhook_deliveries.status IN ('queued', 'failed')")


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours: ``attempt`` is the number that our note of it must still find."""

    tenant_id: UUID
    id: UUID
    webhook_id: UUID
    attempt: int


def claim(session: Any, at: datetime, room: int, busy: Mapping[UUID, int]) -> list[Claim]:
    """Make up to ``room`` due deliveries ours and commit; ``busy`` counts those of each webhook that we are at.

    Two workers at once: each skips the rows that the other has locked (SQLite has one writer), and afterwards
    ``claimed_until`` keeps them apart.
    """
    found: list[Any] = []
    for tenant, webhook in _waiting(session, at):
        free = min(EACH - busy.get(webhook, 0), room - len(found))
        if free > 0:
            found += session.execute(_due(tenant, webhook, at, free)).all()
    begun = {"attempts": DELIVERIES.c.attempts + 1, "tries": DELIVERIES.c.tries + 1}
    making.change(session, DELIVERIES, found, claimed_until=at + LEASE, tried_at=at, **begun)
    session.commit()
    return [Claim(row.tenant_id, row.id, row.webhook_id, row.attempts + 1) for row in found]


def something_waits(session: Any, at: datetime) -> timedelta | None:
    """For how long the oldest delivery that could be sent now has waited; None where there is none."""
    with everywhere(session):
        oldest = session.scalar(_open(at, sa.func.min(D.next_at)))
    return at - oldest if oldest is not None else None


def _waiting(session: Any, at: datetime) -> list[tuple[UUID, UUID]]:
    """The webhooks that have something to send now, the one that has waited longest first."""
    query = _open(at, D.tenant_id, D.webhook_id).group_by(D.tenant_id, D.webhook_id)
    return [(row.tenant_id, row.webhook_id) for row in session.execute(query.order_by(sa.func.min(D.next_at)))]


def _open(at: datetime, *columns: Any) -> sa.Select[Any]:
    """Of the deliveries that are due, nobody's, and whose webhook is in use and does not rest."""
    return (
        sa.select(*columns)
        .join(Webhook, sa.and_(Webhook.tenant_id == D.tenant_id, Webhook.id == D.webhook_id))
        .where(Webhook.active, sa.or_(Webhook.rests_until.is_(None), Webhook.rests_until <= at))
        .where(_UNDONE, D.next_at <= at, _free(at))
    )


def _due(tenant: UUID, webhook: UUID, at: datetime, limit: int) -> sa.Select[Any]:
    """The next deliveries of a webhook, locked. What it is told of one subject goes out in order: a delivery is not
    among them while an earlier one is due or on its way. One that has failed and waits lets the later ones pass."""
    earlier = aliased(D)
    held_up = sa.exists().where(
        earlier.tenant_id == D.tenant_id, earlier.webhook_id == D.webhook_id, earlier.subject_id == D.subject_id,
        earlier.id < D.id, unindexed(sa.and_(earlier.status.in_(UNDONE), earlier.next_at <= at)),
    )  # fmt: skip
    columns: tuple[Any, ...] = (D.tenant_id, D.id, D.webhook_id, D.attempts)
    return (
        sa.select(*columns)
        .where(D.tenant_id == tenant, D.webhook_id == webhook, _UNDONE, D.next_at <= at, _free(at), ~held_up)
        .order_by(D.next_at, D.id)
        .limit(limit)
        .with_for_update(of=D, skip_locked=True)
    )


def _free(at: datetime) -> sa.ColumnElement[bool]:
    return sa.or_(D.claimed_until.is_(None), D.claimed_until <= at)
