"""What is known of a group of claims: read for all of them in a few statements, just before they are handed over."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock, logs
from portal.core.events import OutboxEvent
from portal.messaging import facts, falling_due, subjects
from portal.messaging.catalog import ARRANGING
from portal.messaging.facts import Person
from portal.messaging.models import UNDONE, Delivery
from portal.messaging.settling import Claim


class Unread(Exception):
    """What is known of a group could not be read."""


def read(session: Any, claims: Sequence[Claim]) -> "Group":
    """All that must be known of ``claims``; raises Unread."""
    try:
        return _known(session, claims)
    except Exception as error:
        logs.get().error("messages could not be read", delivery_ids=[str(mine.id) for mine in claims], exc_info=error)
        raise Unread(f"The message could not be made: {error!r}") from error


def _known(session: Any, claims: Sequence[Claim]) -> "Group":
    """In a few statements whatever the number of ``claims``, with what they are about locked. Deliveries first: what
    came before ours is written by nobody any more."""
    found = sa.select(Delivery).where(
        Delivery.subject_id.in_({mine.subject_id for mine in claims}),
        Delivery.recipient_id.in_({mine.recipient_id for mine in claims}),
    )
    rows = session.scalars(found.order_by(Delivery.id).execution_options(populate_existing=True)).all()
    keys = {mine.id for mine in claims}
    ours = [row for row in rows if row.id in keys]
    known = subjects.load(session, {(row.subject_type, row.subject_id) for row in ours}, lock=True)
    strangers = {row.recipient_id for row in ours if not _knows(known, row)}
    due = {row.reminder_id for row in ours if row.reminder_id}
    return Group(
        session, rows, known, facts.users(session, strangers),
        falling_due.overtaken(session, due, clock.now()) if due else frozenset(),
    )  # fmt: skip


def _knows(known: Any, row: Delivery) -> bool:
    return row.subject_id in known and known[row.subject_id].person(row.recipient_id) is not None


@dataclass
class Group:
    """``rows`` are all deliveries to the readers about the subjects, ``known`` the subjects as they stand,
    ``strangers`` the readers who have left them."""

    session: Any
    rows: Sequence[Delivery]
    known: dict[UUID, subjects.Known]
    strangers: dict[UUID, Person]
    overtaken: frozenset[UUID]

    def ours(self, mine: Claim) -> Delivery | None:
        """The claimed row, unless the lease had ended and somebody else took it."""
        row = self._by_id.get(mine.id)
        return row if row is not None and row.attempts == mine.attempt and row.status in UNDONE else None

    def before(self, row: Delivery) -> list[Delivery]:
        """What its reader was sent about its subject before."""
        return [each for each in self._by_reader[row.subject_id, row.recipient_id] if each.id < row.id]

    def reader(self, row: Delivery) -> Person | None:
        known = self.known.get(row.subject_id)
        return (known.person(row.recipient_id) if known else None) or self.strangers.get(row.recipient_id)

    def knows_arrangement(self, row: Delivery) -> bool:
        """Whether we know of the subject's arrangement: who was told then is in the deliveries, and nowhere else."""
        arranged = self._arranged.get(row.subject_id)
        return arranged is not None and arranged <= row.created_at

    @cached_property
    def _by_id(self) -> dict[UUID, Delivery]:
        return {row.id: row for row in self.rows}

    @cached_property
    def _by_reader(self) -> dict[tuple[UUID, UUID], list[Delivery]]:
        found: dict[tuple[UUID, UUID], list[Delivery]] = defaultdict(list)
        for row in self.rows:
            found[row.subject_id, row.recipient_id].append(row)
        return found

    @cached_property
    def _arranged(self) -> dict[UUID, datetime]:
        """When each subject was arranged first; asked for only where nothing else tells."""
        query = (
            sa.select(OutboxEvent.subject_id, sa.func.min(OutboxEvent.occurred_at))
            .where(OutboxEvent.subject_id.in_(self.known), OutboxEvent.name.in_(ARRANGING))
            .group_by(OutboxEvent.subject_id)
        )
        return dict(self.session.execute(query).all())
