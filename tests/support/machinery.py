"""The portal with all its machines running apart: workers, schedulers, queue, mail server, and a clock for all of them.

    machinery.start("worker"); machinery.start("scheduler")
    …the test does something…
    machinery.settle()          # the scheduler looks, the workers work, until nothing that is due waits

Time stands still but for what the test moves. `settle` lets the scheduler's seconds pass, not those of the wall.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import redis
import sqlalchemy as sa
from flask import Flask

from portal import jobs as portal_jobs
from portal.core.events import OutboxEvent
from portal.messaging.models import Delivery, Reminder
from portal.services import QueueServer
from portal.settings import Settings
from tests.support.moodymail import MoodyMailServer
from tests.support.processes import WAIT_SECONDS, Nursery, Running
from tests.support.sharedclock import SharedClock, shared_clock

PROCESS = "greenroom process"
"""How PostgreSQL sees the connections of workers and schedulers, and no others."""
ALL = ("events", "reminders", "deliveries")
PATIENCE = 0.5
"""Real seconds without any progress after which what waits is taken to wait for a dead worker's claim to end."""


@dataclass
class Machinery:
    """Everything that runs, and what is left for it to do."""

    app: Flask
    clock: SharedClock
    mail: MoodyMailServer
    queue: QueueServer
    nursery: Nursery
    look: sa.Connection
    """Past the walls between tenants, as the owner of the tables."""
    running: list[Running] = field(default_factory=list)
    _orphans: dict[UUID, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        found: Settings = self.app.extensions["greenroom"]
        return found

    def start(self, command: str) -> Running:
        """A worker or a scheduler."""
        self.running.append(self.nursery.start(command, self.settings, PGAPPNAME=PROCESS))
        return self.running[-1]

    def ring(self) -> None:
        """Has a worker look, as a request does after its commit."""
        with self.app.app_context():
            assert portal_jobs.ring()

    def kill(self, one: Running) -> set[str]:
        """Answers the Message-IDs of the mails that were in somebody's hands at that moment."""
        one.kill()
        self.running.remove(one)
        return self.mark_orphans()

    def mark_orphans(self) -> set[str]:
        """What is in hand now is nobody's any more, and may be taken again when its claim ends."""
        found = self._in_hand()
        self._orphans |= found
        return set(found.values())

    def lose_the_queue(self) -> None:
        """Redis goes, and comes back with nothing in it."""
        with redis.Redis.from_url(self.queue.url) as connection:
            connection.flushall()
        self.queue.stop()
        self.queue.start()

    def waiting(self, of: Sequence[str] = ALL) -> dict[str, int]:
        """How many events, reminders and deliveries are due now and not dealt with."""
        found = self.look.execute(WAITING, {"at": self.clock.now}).one()
        return {name: count for name, count in zip(ALL, found, strict=True) if name in of}

    def wait_for_work(self, seconds: float) -> None:
        """Until something is in hand, or ``seconds`` are over: a moment at which to kill somebody."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._in_hand():
            time.sleep(0.001)

    def _in_hand(self) -> dict[UUID, str]:
        """The deliveries that somebody has claimed, each with its Message-ID."""
        claimed = sa.select(Delivery.id, Delivery.message_id).where(UNDONE, Delivery.claimed_until.is_not(None))
        return {row.id: row.message_id for row in self.look.execute(claimed)}

    def _claims_end(self) -> datetime | None:
        """When those may be taken again that a killed process had claimed; None while others are in hand as well."""
        if not set(self._in_hand()) <= set(self._orphans):
            return None
        return self.look.scalar(sa.select(sa.func.max(Delivery.claimed_until)).where(UNDONE))

    def next_due(self) -> datetime | None:
        """When the next reminder falls due or the next mail is to be tried, later than now."""
        found = self.look.execute(NEXT, {"at": self.clock.now}).one()
        return min((at for at in found if at is not None), default=None)

    def next_try(self) -> datetime | None:
        """When the first delivery that waits is to be tried."""
        return self.look.scalar(sa.select(sa.func.min(Delivery.next_at)).where(UNDONE))

    def settle(
        self, seconds: float = WAIT_SECONDS, within: timedelta = timedelta(seconds=140), of: Sequence[str] = ALL
    ) -> None:
        """Until nothing that is due waits. What a killed process had claimed is waited for on the portal's clock,
        and no longer than ``within`` in all."""
        until, deadline = self.clock.now + within, time.monotonic() + seconds
        before: dict[str, int] = {}
        since = time.monotonic()
        while any((waits := self.waiting(of)).values()):
            assert time.monotonic() < deadline, f"still waiting: {waits}\n{self.last_words()}"
            if waits != before:
                before, since = waits, time.monotonic()
            if self._orphans and time.monotonic() - since > PATIENCE:
                self._wait_for_claims(until)
            self.clock.tick()
            time.sleep(0.005)

    def _wait_for_claims(self, until: datetime) -> None:
        ends = self._claims_end()
        if ends is not None and self.clock.now < ends <= until:
            self.clock.forward(seconds=(ends - self.clock.now).total_seconds())

    def drain(self, until: datetime, seconds: float = WAIT_SECONDS) -> None:
        """Lets time pass, up to ``until``, so far as it takes for all that failed to be tried again."""
        self.settle(seconds)
        while (due := self.next_try()) is not None:
            assert due <= until, f"a message waits until {due}, later than {until}"
            self.clock.forward(seconds=max(0.0, (due - self.clock.now).total_seconds()))
            self.settle(seconds)

    def may_write(self) -> bool:
        """Whether nobody has the lease in hand (PostgreSQL) or writes to the database at all (SQLite)."""
        try:
            self.look.execute(sa.text(TO_WRITE[self.look.dialect.name]))
        except sa.exc.OperationalError:
            return False
        if self.look.dialect.name == "sqlite":
            self.look.execute(sa.text("ROLLBACK"))
        return True

    def last_words(self) -> str:
        """What the processes wrote last."""
        return self.nursery.log.read_text(errors="replace")[-3000:]


# Core selects on a connection of their own: they are asked hundreds of times a second.
UNDONE = Delivery.status.in_(("queued", "failed"))
_AT = sa.bindparam("at", type_=Reminder.due_at.type)
_UNREMINDED = sa.and_(Reminder.queued_at.is_(None), Reminder.void_at.is_(None))


def _count(of: Any, *where: sa.ColumnElement[bool]) -> Any:
    return sa.select(sa.func.count()).select_from(of).where(*where).scalar_subquery()


WAITING = sa.select(
    _count(OutboxEvent, OutboxEvent.processed_at.is_(None), OutboxEvent.next_at <= _AT),
    _count(Reminder, _UNREMINDED, Reminder.due_at <= _AT),
    _count(Delivery, UNDONE, Delivery.next_at <= _AT),
)
NEXT = sa.select(
    sa.select(sa.func.min(Reminder.due_at)).where(_UNREMINDED, Reminder.due_at > _AT).scalar_subquery(),
    sa.select(sa.func.min(Delivery.next_at)).where(UNDONE, Delivery.next_at > _AT).scalar_subquery(),
)
TO_WRITE = {"postgresql": "SELECT name FROM leases FOR UPDATE NOWAIT", "sqlite": "BEGIN IMMEDIATE"}


@contextmanager
def machinery_around(app: Flask, mail: MoodyMailServer, queue: QueueServer, nursery: Nursery, clock: Path,
                     at: datetime) -> Iterator[Machinery]:  # fmt: skip
    """Around ``app``, whose settings name ``mail`` and ``queue``; nothing runs yet. In the end all that was started
    is killed."""
    with redis.Redis.from_url(queue.url) as connection:
        connection.flushall()
    mail.clear()
    engine = sa.create_engine(app.extensions["greenroom"].database_url, isolation_level="AUTOCOMMIT")
    with shared_clock(clock, at) as time_of_all, engine.connect() as look:
        try:
            yield Machinery(app, time_of_all, mail, queue, nursery, look)
        finally:
            nursery.end_all()
    engine.dispose()
