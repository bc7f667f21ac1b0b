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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock, logs
from portal.core.tenancy import tenant_scope
from portal.messaging import groups, mail, settling, telling
from portal.messaging.catalog import Moment, rule
from portal.messaging.channels import Broken, Deferred, Down, NotSent, Post
from portal.messaging.groups import Group, Unread
from portal.messaging.models import Channel, Delivery
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
            count = _send_each(groups.read(session, claims), notes, claims, post, began + HOLD)
        except Unread as unread:
            session.rollback()
            if len(claims) > 1:  # alone it shows whose fault it is
                return hand_over(session, notes, claims[:1], post, pace)
            settling.note_failures(notes, claims, Deferred(str(unread)))
            return 1
        finally:
            session.rollback()
    pace.took(count, time.monotonic() - began)
    return count


def _send_each(group: Group, notes: sa.Connection, claims: Sequence[Claim], post: Post, until: float) -> int:
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


def _attempt(group: Group, mine: Claim, post: Post) -> Sent | NotSent | str | None:
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


def _send_if_true(group: Group, row: Delivery, post: Post, at: datetime) -> Sent | str:
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


def _untrue(group: Group, row: Delivery, moment: Moment) -> str:
    """'' where the message is still true, else why it is not."""
    if not moment.reader.active:
        return "Their account is no longer active."
    if why := rule(row.event).holds(moment):
        return why
    return "A reminder nearer to the start is due." if row.reminder_id in group.overtaken else ""
