"""Handing over: some claims of one tenant are read, and checked to be true, together; then each goes out on its own.

From the check until they are handed over, what the messages are about is share-locked on PostgreSQL: a cancellation
commits before our check, or after the hand-over. So a group holds up others for as long as it takes, and is small: as
many as go out within ``HOLD`` seconds at the pace of the mail server, and what is left then is read anew. Beside a
slow mail server a group is one mail. On SQLite that lock would be the only writer's, and everybody would wait for the
mail server: there each mail is a group of its own that we only read for, and what commits while it is handed over is
followed by its own message, in order.

What became of each is noted at once, on a connection of its own, so that the locks outlast the note. That could wait
for a row that waits for us only if somebody locked a delivery and then what it is about; nobody does.
"""

import time
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
from portal.core.tenancy import tenant_scope
from portal.messaging import facts, falling_due, mail, settling, subjects, telling
from portal.messaging.catalog import ARRANGING, Moment, rule
from portal.messaging.channels import Broken, Deferred, Down, NotSent, Post
from portal.messaging.facts import Person
from portal.messaging.models import UNDONE, Channel, Delivery
from portal.messaging.settling import Claim

GROUP = 25
HOLD = 0.5
"""Seconds."""


@dataclass
class Pace:
    """How many claims are read at once: ``most``, or fewer where the mail server is slow."""

    most: int
    size: int = 1

    @classmethod
    def of(cls, session: Any) -> "Pace":
        return cls(1 if session.get_bind().dialect.name == "sqlite" else GROUP)

    def took(self, count: int, seconds: float) -> None:
        self.size = max(1, min(self.most, int(count * HOLD / max(seconds, 0.001))))


def hand_over(session: Any, notes: sa.Connection, claims: Sequence[Claim], post: Post, pace: Pace) -> int:
    """Send those of ``claims`` (of one tenant) that are still true, and note what became of each by ``notes``; how
    many were dealt with before ``HOLD`` was over, one at least. Raises Down, with that one noted."""
    began = time.monotonic()
    with tenant_scope(claims[0].tenant_id, session):
        session.connection(execution_options={"reading": True})
        try:
            count = _send_each(_read(session, claims), notes, claims, post, began + HOLD)
        except _Unread as unread:
            session.rollback()
            if len(claims) > 1:  # alone it shows whose fault it is
                return hand_over(session, notes, claims[:1], post, pace)
            settling.note_failures(notes, claims, Deferred(str(unread)))
            return 1
        finally:
            session.rollback()
    pace.took(count, time.monotonic() - began)
    return count


def _send_each(group: "_Group", notes: sa.Connection, claims: Sequence[Claim], post: Post, until: float) -> int:
    void: list[tuple[Claim, str]] = []  # noted together: nothing went out that could go out again
    try:
        for number, mine in enumerate(claims, 1):
            outcome = _attempt(group, mine, post)
            if isinstance(outcome, str):
                void.append((mine, outcome))
            elif outcome is not None:
                _note(notes, mine, outcome)
            if time.monotonic() > until:
                return number
        return len(claims)
    finally:
        settling.note_void(notes, void)


@dataclass(frozen=True)
class Sent:
    """``address`` is where it went, ``reminder`` the one it comes from."""

    address: str
    reminder: UUID | None


def _note(notes: sa.Connection, mine: Claim, outcome: Sent | NotSent) -> None:
    """Raises Down where there is no use in going on."""
    if isinstance(outcome, Sent):
        settling.note_sent(notes, mine, outcome.address, outcome.reminder)
        return
    settling.note_failures(notes, [mine], outcome)
    if isinstance(outcome, Down):
        raise outcome


def _attempt(group: "_Group", mine: Claim, post: Post) -> Sent | NotSent | str | None:
    """What became of a delivery, a text being why it is void; None where it is no longer ours."""
    if mine.attempt > settling.MAX_ATTEMPTS:  # whatever it does to us, it does no more
        return Broken("It was begun many times and never ended.")
    if clock.now() >= mine.until or (row := group.ours(mine)) is None:
        return None
    try:
        return _send_if_true(group, row, post, clock.now())
    except NotSent as failure:
        return failure
    except Exception as error:
        logs.get().error("a message could not be made", delivery_id=str(mine.id), exc_info=error)
        return Deferred(f"The message could not be made: {error!r}")


def _send_if_true(group: "_Group", row: Delivery, post: Post, at: datetime) -> Sent | str:
    known, reader = group.known.get(row.subject_id), group.reader(row)
    if known is None or reader is None:
        return "What it is about, or its reader, is gone."
    told = telling.told(group.before(row), Channel(row.channel), unknown=lambda: not group.knows_arrangement(row))
    if why := _untrue(group, row, Moment(known, row.schedule_version, reader, told, at)):
        return why
    letter = mail.compose(
        row.kind, known, reader, message_id=row.message_id, event=row.event, at=at, told_start=told.start,
        payload=row.payload,
    )  # fmt: skip
    # To the address as it is now: it may have been corrected since.
    post.send(reader.email, letter)
    return Sent(reader.email, row.reminder_id)


def _untrue(group: "_Group", row: Delivery, moment: Moment) -> str:
    """'' where the message is still true, else why it is not."""
    if not moment.reader.active:
        return "Their account is no longer active."
    if why := rule(row.event).holds(moment):
        return why
    return "A reminder nearer to the start is due." if row.reminder_id in group.overtaken else ""


# --- what is known of a group -----------------------------------------------------------------------


class _Unread(Exception):
    """What is known of a group could not be read."""


def _read(session: Any, claims: Sequence[Claim]) -> "_Group":
    """All that must be known of ``claims``; raises _Unread."""
    try:
        return _known(session, claims)
    except Exception as error:
        logs.get().error("messages could not be read", delivery_ids=[str(mine.id) for mine in claims], exc_info=error)
        raise _Unread(f"The message could not be made: {error!r}") from error


def _known(session: Any, claims: Sequence[Claim]) -> "_Group":
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
    return _Group(
        session, rows, known, facts.users(session, strangers),
        falling_due.overtaken(session, due, clock.now()) if due else frozenset(),
    )  # fmt: skip


def _knows(known: Any, row: Delivery) -> bool:
    return row.subject_id in known and known[row.subject_id].person(row.recipient_id) is not None


@dataclass
class _Group:
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
