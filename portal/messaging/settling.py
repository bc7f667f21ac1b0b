"""What became of a claimed delivery, written down. Each note names the claim it belongs to: where the lease had
ended and somebody else took the delivery, theirs is the note that counts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock
from portal.messaging.channels import NotSent, Refused
from portal.messaging.making import DELIVERIES
from portal.messaging.models import UNDONE, Channel, DeliveryStatus, Reminder

MAX_ATTEMPTS = 12
PAUSES: list[timedelta] = [timedelta(seconds=30) * 2**n for n in range(9)] + [timedelta(hours=4)] * 3
"""Before the second attempt, the third …: half a minute, doubling, some 16 hours in all."""


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours: ``attempt`` is the number that our note of it must still find."""

    tenant_id: UUID
    id: UUID
    attempt: int
    subject_id: UUID
    recipient_id: UUID
    channel: Channel


def note_sent(session: Any, mine: Claim, address: str, reminder: UUID | None) -> None:
    at = clock.now()
    noted = _note(session, mine, status=DeliveryStatus.SENT.value, sent_at=at, last_error="", address=address)
    if noted and reminder:
        _note_reminder(session, mine.tenant_id, reminder, sent_at=at)
    session.commit()


def note_void(session: Any, mine: Claim, why: str, reminder: UUID | None) -> None:
    attempts = DELIVERIES.c.attempts - 1  # this one was not begun
    noted = _note(session, mine, status=DeliveryStatus.VOID.value, last_error=why, attempts=attempts)
    if noted and reminder:
        _note_reminder(session, mine.tenant_id, reminder, void_at=clock.now())
    session.commit()


def note_failure(session: Any, mine: Claim, failure: NotSent) -> None:
    """Try again later, the sooner the nearer the start is; after too many attempts, or a refusal, no more."""
    at = clock.now()
    dead = isinstance(failure, Refused) or mine.attempt >= MAX_ATTEMPTS
    status = DeliveryStatus.DEAD if dead else DeliveryStatus.FAILED
    refusals = DELIVERIES.c.refusals + (0 if failure.in_doubt else 1)
    about = session.scalar(sa.select(DELIVERIES.c.about_at).where(*_ours(mine)))
    _note(
        session, mine, status=status.value, last_error=str(failure)[:2000], refusals=refusals,
        next_at=at + pause(mine.attempt, about - at if about else None),
    )  # fmt: skip
    session.commit()


def pause(attempt: int, time_left: timedelta | None) -> timedelta:
    """How long to wait after the failure of ``attempt``: growing, with jitter so that not all come back at once."""
    wait = PAUSES[min(attempt, len(PAUSES)) - 1]
    if time_left is not None and time_left > timedelta():
        wait = min(wait, max(time_left / 4, PAUSES[0]))
    jitter = timedelta(seconds=random.uniform(0, wait.total_seconds() / 4))
    return wait + jitter


def _note(session: Any, mine: Claim, **values: Any) -> bool:
    """Write what became of our claim; False where the lease had ended and somebody else took it."""
    swap = sa.update(DELIVERIES).where(
        *_ours(mine), DELIVERIES.c.attempts == mine.attempt, DELIVERIES.c.status.in_(UNDONE)
    )
    return bool(session.execute(swap.values(claimed_until=None, **values)).rowcount)


def _ours(mine: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return DELIVERIES.c.tenant_id == mine.tenant_id, DELIVERIES.c.id == mine.id


def _note_reminder(session: Any, tenant: UUID, reminder: UUID, **values: datetime) -> None:
    table: sa.Table = sa.inspect(Reminder).local_table  # type: ignore[assignment]
    unnoted = table.c.sent_at.is_(None) & table.c.void_at.is_(None)  # by another channel
    mine = (table.c.tenant_id == tenant, table.c.id == reminder)
    session.execute(sa.update(table).where(*mine, unnoted).values(**values))


def give_back(session: Any, claims: Sequence[Claim]) -> None:
    for mine in claims:
        _note(session, mine, attempts=DELIVERIES.c.attempts - 1)
    session.commit()
