"""Mails are checked in groups and go out one by one: what holds for each alone holds for each of a group."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import jobs as portal_jobs
from portal.core import events
from portal.core.db import db
from portal.core.events import Event
from portal.core.tenancy import everywhere
from portal.messaging import deliveries, handing, outbox
from portal.messaging.channels import Post, post
from portal.messaging.handing import GROUP, Pace
from portal.messaging.inbox import Notification
from portal.messaging.models import Delivery
from tests.messaging.test_outbox import far, multiply
from tests.messaging.world import HOUR, World
from tests.support.cast import Cast
from tests.support.client import PortalClient
from tests.support.jobs import JobRunner
from tests.support.mail import MailServer
from tests.support.statements import counted

Act = Callable[[], None]


class Killed(BaseException):
    """What ends a worker in the middle."""


@dataclass
class Watched:
    """The way out to the real mail server; ``before`` and ``after`` are called with each address."""

    inner: Post
    before: Callable[[str], None] = lambda address: None
    after: Callable[[str], None] = lambda address: None
    sent: list[str] = field(default_factory=list, init=False)

    def send(self, address: str, message: EmailMessage) -> None:
        self.before(address)
        self.inner.send(address, message)
        self.sent.append(address)
        self.after(address)


def hand_over(app: Flask, *, limit: int = 50, **hooks: Callable[[str], None]) -> list[str]:
    """What a worker does with what is due, its group as large as it may be; the addresses in the order of sending."""
    with app.app_context(), post(app.extensions["greenroom"]) as way_out:
        pace = Pace.of(db.session)
        pace.size = pace.most
        watched = Watched(way_out, **hooks)
        deliveries.deliver(db.session(), watched, limit=limit, pace=pace)
        return watched.sent


def made(world: World, count: int) -> list[UUID]:
    """``count`` interviews whose candidates' mails wait: jane1@mail.example and so on."""
    keys = [world.interview(far(world)) for _ in range(count)]
    with world.app.app_context():
        while outbox.make_deliveries(db.session(), world.clock.now):
            pass
    return keys


def jane(number: int) -> str:
    return f"jane{number}@mail.example"


def received(mailbox: MailServer) -> Counter[str]:
    return Counter(message["X-Rcpt-To"] for message in mailbox.messages)


def test_one_bad_address_does_not_stop_the_others(app: Flask, world: World, mailbox: MailServer) -> None:
    made(world, 5)
    mailbox.refuse |= {jane(2): "550 no such mailbox", jane(3): "451 try again later"}
    assert hand_over(app) == [jane(1), jane(4), jane(5)]
    assert world.deliveries("address", "status") == [
        (jane(1), "sent"), (jane(2), "dead"), (jane(3), "failed"), (jane(4), "sent"), (jane(5), "sent"),
    ]  # fmt: skip


def test_one_that_cannot_be_made_does_not_stop_the_others(app: Flask, world: World, mailbox: MailServer) -> None:
    made(world, 3)
    with app.app_context(), everywhere():
        broken = sa.update(Delivery).where(Delivery.address == jane(2)).values(kind="interview_unheard_of")
        db.session.execute(broken)
        db.session.commit()
    assert hand_over(app) == [jane(1), jane(3)]
    (why,) = world.deliveries("last_error", status="failed")
    assert "TemplateNotFound" in why


def test_what_is_no_longer_true_is_void_and_the_others_go_out(app: Flask, world: World, mailbox: MailServer) -> None:
    keys = made(world, 4)
    for key in (keys[1], keys[2]):
        world.move(key, "cancel", reason="Ill")
    assert hand_over(app) == [jane(1), jane(4)]
    assert world.deliveries("address", "status", "attempts", "last_error", kind="interview_scheduled") == [
        (jane(1), "sent", 1, ""), (jane(2), "void", 0, "The interview is cancelled."),
        (jane(3), "void", 0, "The interview is cancelled."), (jane(4), "sent", 1, ""),
    ]  # fmt: skip


@pytest.mark.database("postgresql")
def test_a_cancellation_waits_until_what_was_checked_is_handed_over(
    app: Flask, world: World, mailbox: MailServer, deliver: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "HOLD", 60.0)  # however busy this machine is
    keys = made(world, 3)
    happened: list[str] = []

    def cancel() -> None:
        world.move(keys[2], "cancel", reason="Ill")
        happened.append("cancelled")

    meanwhile = threading.Thread(target=cancel)

    def before(address: str) -> None:
        happened.append(address)
        if address == jane(1):
            meanwhile.start()
            meanwhile.join(0.3)  # it had all the time it needs, were it not for the lock

    hand_over(app, before=before)
    meanwhile.join()
    assert happened == [jane(1), jane(2), jane(3), "cancelled"]
    deliver()
    assert [str(m["Subject"]).split()[0] for m in mailbox.to(jane(3))] == ["Video", "Cancelled:"]


@pytest.mark.database("postgresql")
def test_beside_a_slow_mail_server_one_mail_at_a_time_holds_up_others(
    app: Flask, world: World, mailbox: MailServer
) -> None:
    keys = made(world, 3)
    mailbox.slow = 1.2
    cancelled_before: list[int] = []

    def cancel() -> None:
        world.move(keys[2], "cancel", reason="Ill")
        cancelled_before.append(len(mailbox.messages))

    meanwhile = threading.Thread(target=cancel)
    hand_over(app, before=lambda address: None if address != jane(1) else meanwhile.start())
    meanwhile.join()
    assert cancelled_before <= [2]
    assert received(mailbox) == {jane(1): 1, jane(2): 1}


def test_a_crash_repeats_no_mail_but_the_one_it_fell_on(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    made(world, 4)

    def after(address: str) -> None:
        if address == jane(3):
            raise Killed

    with pytest.raises(Killed):
        hand_over(app, after=after)
    assert world.deliveries("status") == ["sent", "sent", "queued", "queued"]
    world.clock.forward(minutes=3)
    deliver()
    assert received(mailbox) == {jane(1): 1, jane(2): 1, jane(3): 2, jane(4): 1}
    assert len({m["Message-ID"] for m in mailbox.to(jane(3))}) == 1


def test_a_lease_that_ends_in_the_middle_leaves_the_rest_to_others(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    made(world, 4)

    def after(address: str) -> None:
        if address == jane(2):
            world.clock.forward(minutes=3)

    assert hand_over(app, after=after) == [jane(1), jane(2)]
    assert world.deliveries("status") == ["sent", "sent", "queued", "queued"]
    deliver()
    assert received(mailbox) == {jane(n): 1 for n in range(1, 5)}


def test_what_is_not_begun_in_time_is_given_back_at_once(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    made(world, 3)
    mailbox.slow = 0.2
    with app.app_context(), post(app.extensions["greenroom"]) as way_out:
        assert deliveries.deliver(db.session(), way_out, seconds=0.1) == 3
    assert world.deliveries("status", "attempts", "claimed_until") == [
        ("sent", 1, None), ("queued", 0, None), ("queued", 0, None),
    ]  # fmt: skip
    deliver()
    assert received(mailbox) == {jane(1): 1, jane(2): 1, jane(3): 1}


def test_when_the_way_out_is_shut_in_the_middle_the_rest_fails_once_each(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    made(world, 4)
    mailbox.refuse[jane(2)] = "421 too many from you"
    deliver()
    assert world.deliveries("address", "status", "attempts", "refusals") == [
        (jane(1), "sent", 1, 0), (jane(2), "failed", 1, 1), (jane(3), "failed", 1, 1), (jane(4), "failed", 1, 1),
    ]  # fmt: skip


@pytest.mark.database("postgresql")
def test_many_are_checked_by_as_many_statements_as_one(
    app: Flask, world: World, mailbox: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handing, "HOLD", 60.0)

    def selects(count: int) -> int:
        with app.app_context(), counted(db.engine) as told:
            assert len(hand_over(app, limit=count)) == count
        return told.selects

    made(world, GROUP + 2)
    selects(1)  # after what is asked once for each database
    assert selects(1) == selects(GROUP)


@pytest.mark.database("postgresql")
def test_two_workers_share_what_waits_and_neither_sends_what_the_other_does(
    app: Flask, world: World, mailbox: MailServer
) -> None:
    made(world, 30)
    sent: list[list[str]] = [[], []]
    together = threading.Barrier(2)

    def run(number: int) -> None:
        together.wait()
        while found := hand_over(app, limit=5):
            sent[number] += found

    workers = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert received(mailbox) == {jane(n): 1 for n in range(1, 31)}
    assert min(map(len, sent)) > 0


def test_within_the_portal_nobody_waits_for_a_long_row_of_mails(
    app: Flask, world: World, cast: Cast, mailbox: MailServer
) -> None:
    made(world, 20)
    mailbox.slow = 0.1
    worker = threading.Thread(target=work_in, args=(app,))
    worker.start()
    mailbox.wait_for(2)
    world.interview(far(world), [cast.alice])
    while not notified(app):
        assert worker.is_alive(), "all mails went out first"
    assert len(mailbox.messages) < 15
    worker.join()
    assert len(mailbox.messages) == 22


def work_in(app: Flask) -> None:
    with app.app_context():
        portal_jobs.deliver()


def notified(app: Flask) -> bool:
    with app.app_context(), everywhere():
        return db.session.scalar(sa.select(Notification.id).limit(1)) is not None


def test_whoever_finds_more_than_they_can_do_at_once_calls_another_worker(
    app: Flask, world: World, jobs: JobRunner, deliver: Act, mailbox: MailServer
) -> None:
    key = world.interview(far(world))
    jobs.drain()
    many = multiply(world, key, deliveries.BATCH)
    with world.session() as session:
        told = [Event("InterviewScheduled", each, {"schedule": 0}) for each in many]
        events.record_many(session, told, world.clock.now)
    assert jobs.waiting == ["portal.jobs.deliver"]  # one ring for all
    deliver()
    assert jobs.waiting == ["portal.jobs.deliver"] * 2
    assert len(mailbox.messages) == 1 + deliveries.BATCH


def test_many_who_leave_a_panel_cost_as_many_statements_as_one(app: Flask, world: World, cast: Cast) -> None:
    def told(keys: list[UUID]) -> int:
        gone = [Event("InterviewerRemoved", key, {"user": str(cast.alice.id)}) for key in keys]
        with world.session() as session, counted(db.engine) as found:
            events.record_many(session, gone, world.clock.now)
        return found.number

    keys = [world.interview(far(world) + n * HOUR, [cast.alice]) for n in range(6)]
    assert told(keys[:1]) == told(keys[1:])
    assert [world.reminders(key) for key in keys] == [
        [("1day", "1 day, 0:00:00"), ("1hour", "1:00:00"), ("15min", "0:15:00")]  # the candidate's
    ] * len(keys)  # fmt: skip


def test_the_figures_tell_what_waits_and_what_became_of_the_last_hours(
    app: Flask, world: World, client: PortalClient, mailbox: MailServer, deliver: Act
) -> None:
    mailbox.refuse[jane(2)] = "550 no such mailbox"
    made(world, 2)
    before = figures(client)
    assert {name: before[name] for name in before if name.startswith("greenroom_deliveries{")} == {
        'greenroom_deliveries{status="queued"}': 2, 'greenroom_deliveries{status="failed"}': 0,
        'greenroom_deliveries{status="dead"}': 0,
    }  # fmt: skip
    deliver()
    found = figures(client)
    assert found['greenroom_deliveries{status="dead"}'] == 1
    assert found['greenroom_deliveries_last_hour{channel="email",status="sent"}'] == 1
    assert found["greenroom_reminders_ahead"] == 0  # in four days
    world.clock.set(far(world) - 5 * HOUR)
    assert figures(client)["greenroom_reminders_ahead"] == 6


def figures(client: Any) -> dict[str, float]:
    lines = [line for line in client.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
