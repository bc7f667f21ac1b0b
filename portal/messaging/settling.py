"""What became of claimed deliveries, written down: each note is committed as it is made. It names the claim it
belongs to: where the lease had ended and somebody else took the delivery, theirs is the note that counts."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock
from portal.messaging.channels import NotSent, Refused
from portal.messaging.making import DELIVERIES
from portal.messaging.models import UNDONE, DeliveryStatus, Reminder

MAX_ATTEMPTS = 12
PAUSES: list[timedelta] = [timedelta(seconds=30) * 2**n for n in range(9)] + [timedelta(hours=4)] * 3
"""Before the second attempt, the third …: half a minute, doubling, some 16 hours in all."""
_REMINDERS: sa.Table = sa.inspect(Reminder).local_table  # type: ignore[assignment]
_NAMED = (DELIVERIES.c.tenant_id, DELIVERIES.c.id, DELIVERIES.c.attempts)
_SWAP = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.status.in_(UNDONE), DELIVERIES.c.claimed_until.is_not(None))
    .values(claimed_until=None)
    .returning(DELIVERIES.c.tenant_id, DELIVERIES.c.reminder_id)
)


@dataclass(frozen=True)
class Claim:
    """A delivery that is ours ``until`` then: ``attempt`` is the number that our note of it must still find."""

    tenant_id: UUID
    id: UUID
    attempt: int
    subject_id: UUID
    recipient_id: UUID
    until: datetime


def note_sent(notes: sa.Connection, mine: Claim, address: str, reminder: UUID | None) -> None:
    at = clock.now()
    with notes.begin():
        noted = _note(notes, [mine], status=DeliveryStatus.SENT.value, sent_at=at, last_error="", address=address)
        if noted and reminder:
            _note_reminders(notes, noted, sent_at=at)


def note_void(notes: sa.Connection, void: Iterable[tuple[Claim, str]]) -> None:
    """Each with why; attempts that were not begun do not count."""
    by_reason: dict[str, list[Claim]] = defaultdict(list)
    for mine, why in void:
        by_reason[why].append(mine)
    for why, claims in by_reason.items():
        with notes.begin():
            values = {"status": DeliveryStatus.VOID.value, "last_error": why, "attempts": DELIVERIES.c.attempts - 1}
            _note_reminders(notes, _note(notes, claims, **values), void_at=clock.now())


def note_failures(notes: sa.Connection, claims: Iterable[Claim], failure: NotSent) -> None:
    """Try again later, the sooner the nearer the start is; after too many attempts, or a refusal, no more."""
    at = clock.now()
    for mine in claims:
        dead = isinstance(failure, Refused) or mine.attempt >= MAX_ATTEMPTS
        status = DeliveryStatus.DEAD if dead else DeliveryStatus.FAILED
        refusals = DELIVERIES.c.refusals + (0 if failure.in_doubt else 1)
        with notes.begin():
            about = notes.scalar(sa.select(DELIVERIES.c.about_at).where(*_is(mine)))
            _note(
                notes, [mine], status=status.value, last_error=str(failure)[:2000], refusals=refusals,
                next_at=at + pause(mine.attempt, about - at if about else None),
            )  # fmt: skip


def pause(attempt: int, time_left: timedelta | None) -> timedelta:
    """How long to wait after the failure of ``attempt``: growing, with jitter so that not all come back at once."""
    wait = PAUSES[min(attempt, len(PAUSES)) - 1]
    if time_left is not None and time_left > timedelta():
        wait = min(wait, max(time_left / 4, PAUSES[0]))
    jitter = timedelta(seconds=random.uniform(0, wait.total_seconds() / 4))
    return wait + jitter


def give_back(notes: sa.Connection, claims: Sequence[Claim]) -> None:
    """Let others have what was not begun."""
    if claims:
        with notes.begin():
            _note(notes, claims, attempts=DELIVERIES.c.attempts - 1)


def _note(notes: sa.Connection, claims: Sequence[Claim], **values: Any) -> Sequence[Any]:
    """Write what became of ``claims``, once; answers tenant and reminder of those that were still ours."""
    ours = sa.tuple_(*_NAMED).in_([(mine.tenant_id, mine.id, mine.attempt) for mine in claims])
    return notes.execute(_SWAP.where(ours).values(values)).all()


def _is(mine: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return DELIVERIES.c.tenant_id == mine.tenant_id, DELIVERIES.c.id == mine.id


def _note_reminders(notes: sa.Connection, noted: Sequence[Any], **values: datetime) -> None:
    """What became of a delivery became of the reminder it comes from, unless another channel was first."""
    for tenant, reminder in noted:
        if reminder is not None:
            unnoted = _REMINDERS.c.sent_at.is_(None) & _REMINDERS.c.void_at.is_(None)
            mine = (_REMINDERS.c.tenant_id == tenant, _REMINDERS.c.id == reminder)
            notes.execute(sa.update(_REMINDERS).where(*mine, unnoted).values(**values))
