"""From deliveries to readers: claim, check once more that it is still true, hand over, note what became of it.

Claims are short leases: ``claimed_until`` is set and ``attempts`` grows under a row lock, and nobody else takes the
delivery before the lease ends. A worker that is killed between the mail server's yes and our note of it leaves a
delivery that goes out again with the same Message-ID; that is the only way to a second one, and each crash can only
do it to one mail, because every yes is noted before the next mail is begun.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core import clock
from portal.core.db import unindexed
from portal.core.tenancy import everywhere
from portal.messaging import handing, making, settling
from portal.messaging.channels import Down, Post
from portal.messaging.handing import Pace
from portal.messaging.making import DELIVERIES
from portal.messaging.models import UNDONE, Delivery
from portal.messaging.settling import Claim

BATCH = 50
LEASE = timedelta(minutes=2)
SECONDS = 60.0
"""A batch that takes longer gives back what it has not begun, long before its lease ends."""


def deliver(session: Any, post: Post, limit: int = BATCH, seconds: float = SECONDS, pace: Pace | None = None) -> int:
    """Hand over up to ``limit`` deliveries that are due, for some ``seconds`` at most; how many were claimed, 0 when
    none is. ``pace`` is what was learned of the mail server before.

    Raises Down, with everything noted, when the other side takes nothing more.
    """
    until, pace = time.monotonic() + seconds, pace or Pace.of(session)
    with everywhere(session):
        claims = claim(session, clock.now(), limit)
        left = sorted(claims, key=lambda mine: mine.tenant_id)
        with session.get_bind().connect() as notes:
            while left and time.monotonic() < until:
                try:
                    del left[: handing.hand_over(session, notes, _first(left, pace.size), post, pace)]
                except Down as down:
                    settling.note_failures(notes, left, down)
                    raise
            settling.give_back(notes, left)
    return len(claims)


def _first(claims: Sequence[Claim], count: int) -> list[Claim]:
    """The first of ``claims``, which are sorted by tenant, as far as they are of one: ``count`` at most."""
    return list(takewhile(lambda mine: mine.tenant_id == claims[0].tenant_id, claims[:count]))


# --- claim ------------------------------------------------------------------------------------------


def claim(session: Any, at: datetime, limit: int) -> list[Claim]:
    """Make up to ``limit`` due deliveries ours and commit.

    Two workers at once: each skips the rows that the other has locked (SQLite has one writer), and afterwards
    ``claimed_until`` keeps them apart.
    """
    rows = session.execute(due(at, limit)).all()
    making.change(session, DELIVERIES, rows, claimed_until=at + LEASE, attempts=DELIVERIES.c.attempts + 1)
    session.commit()
    return [
        Claim(row.tenant_id, row.id, row.attempts + 1, row.subject_id, row.recipient_id, at + LEASE) for row in rows
    ]


def due(at: datetime, limit: int) -> sa.Select[Any]:
    """The deliveries that are due and nobody's, locked. What one person is told of one interview goes out in
    order: a delivery is not among them while an earlier one of theirs is due or on its way."""
    earlier = aliased(Delivery)
    held_up = sa.exists().where(
        earlier.tenant_id == Delivery.tenant_id,
        earlier.subject_id == Delivery.subject_id,
        earlier.recipient_id == Delivery.recipient_id,
        earlier.channel == Delivery.channel,
        earlier.id < Delivery.id,
        unindexed(sa.and_(earlier.status.in_(UNDONE), earlier.next_at <= at)),
    )
    free = sa.or_(Delivery.claimed_until.is_(None), Delivery.claimed_until <= at)
    return (
        sa.select(*_CLAIMED)
        .where(_UNDONE, Delivery.next_at <= at, free, ~held_up)
        .order_by(Delivery.next_at, Delivery.id)
        .limit(limit)
        .with_for_update(of=Delivery, skip_locked=True)
    )


_CLAIMED: tuple[Any, ...] = (
    Delivery.tenant_id, Delivery.id, Delivery.attempts, Delivery.subject_id, Delivery.recipient_id,
)  # fmt: skip
# As the partial index has it, word for word: bound values would hide it from the planner.
_UNDONE = sa.text("deliveries.status IN ('queued', 'failed')")
