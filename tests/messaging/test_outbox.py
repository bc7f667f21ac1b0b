"""From event to reader: one message each, in order, whatever fails in between."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal import jobs as portal_jobs
from portal.core import events
from portal.core.db import db, new_id
from portal.core.events import Event, OutboxEvent
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.workflow import Change
from portal.interviews.models import Interview
from portal.messaging import actions, deliveries, handing, outbox, settling
from portal.messaging.channels import post
from portal.messaging.handing import Pace
from portal.messaging.models import Delivery
from portal.people.models import User
from tests.conftest import MakeApp
from tests.messaging.world import HOUR, World, make_world
from tests.support.cast import Cast
from tests.support.jobs import JobRunner
from tests.support.mail import MailServer
from tests.support.statements import counted

Act = Callable[[], None]
JANE = "jane1@mail.example"


def what(mailbox: MailServer, address: str = JANE) -> list[str]:
    """Which messages reached `address`, by their subjects' beginnings."""
    kinds = {"Video": "scheduled", "New": "rescheduled", "Cancelled": "cancelled", "You": "removed", "In": "reminder"}
    return [kinds[str(m["Subject"]).split()[0].rstrip(":")] for m in mailbox.to(address)]


def far(world: World) -> datetime:
    return world.clock.now + 100 * HOUR


def test_candidate_and_panel_get_one_mail_each_and_nobody_else(
    world: World, cast: Cast, mailbox: MailServer, jobs: JobRunner
) -> None:
    world.interview(far(world), [cast.alice, cast.bob])
    assert jobs.waiting == ["portal.jobs.deliver"]
    jobs.drain()
    assert sorted(m["X-Rcpt-To"] for m in mailbox.messages) == ["alice@harbour.example", "bob@harbour.example", JANE]
    assert [m["To"].addresses[0].addr_spec for m in mailbox.messages] == [m["X-Rcpt-To"] for m in mailbox.messages]


def test_moved_and_cancelled_each_is_told_in_order(world: World, cast: Cast, mailbox: MailServer, deliver: Act) -> None:
    key = world.interview(far(world), [cast.alice])
    deliver()
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    world.move(key, "cancel", reason="Ill")
    deliver()
    assert what(mailbox) == what(mailbox, "alice@harbour.example") == ["scheduled", "rescheduled", "cancelled"]


def test_what_is_silent_by_rule_tells_nobody(world: World, mailbox: MailServer, deliver: Act) -> None:
    key = world.interview(far(world))
    deliver()
    mailbox.clear()
    for verb in ("confirm", "start", "complete"):
        world.move(key, verb)
    deliver()
    assert mailbox.messages == []
    assert undone(world.app) == 0


def test_doing_everything_again_sends_nothing_again(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    world.interview(far(world))
    deliver()
    with app.app_context(), everywhere():
        db.session.execute(sa.update(OutboxEvent).values(processed_at=None))
        db.session.commit()
    deliver()
    deliver()
    assert what(mailbox) == ["scheduled"]


def test_cancelled_before_it_was_announced_nobody_hears_of_it(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(far(world), [cast.alice])
    world.move(key, "cancel", reason="Typed by mistake")
    deliver()
    deliver()
    assert mailbox.messages == []
    assert set(world.deliveries("status")) == {"void"}


def test_moved_twice_before_it_was_told_only_the_last_time_is(world: World, mailbox: MailServer, deliver: Act) -> None:
    key = world.interview(far(world))
    deliver()
    world.move(key, "reschedule", offset_minutes=60)
    world.move(key, "reschedule", offset_minutes=60)
    deliver()
    deliver()
    assert what(mailbox) == ["scheduled", "rescheduled"]
    text = mailbox.messages[-1].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "Fri 6 Mar 2026, 19:00 (Asia/Dubai, UTC+04:00)" in text
    assert "It was Fri 6 Mar 2026, 17:00 (Asia/Dubai, UTC+04:00) before" in text  # as they were told, not as it was


def test_a_cancellation_goes_to_those_who_may_have_been_told(world: World, mailbox: MailServer, deliver: Act) -> None:
    key = world.interview(far(world))
    with world.app.app_context(), everywhere():
        assert outbox.make_deliveries(db.session(), world.clock.now) == 1
        assert len(deliveries.claim(db.session(), world.clock.now, 10)) == 1  # and here the worker is killed
    world.move(key, "cancel", reason="Ill")
    deliver()
    assert mailbox.messages == []  # the claim still holds, and the cancellation waits behind it
    world.clock.forward(minutes=3)
    deliver()
    deliver()
    assert what(mailbox) == ["cancelled"]


def test_a_delivery_whose_worker_died_goes_out_with_the_same_message_id(
    world: World, mailbox: MailServer, deliver: Act
) -> None:
    world.interview(far(world))
    with world.app.app_context(), everywhere():
        outbox.make_deliveries(db.session(), world.clock.now)
        deliveries.claim(db.session(), world.clock.now, 10)
    (kept,) = world.deliveries("message_id")
    deliver()
    assert mailbox.messages == []
    world.clock.forward(minutes=3)
    deliver()
    assert [m["Message-ID"] for m in mailbox.messages] == [kept]


def test_a_claim_that_another_worker_took_over_is_left_alone(world: World, mailbox: MailServer, deliver: Act) -> None:
    world.interview(far(world))
    with world.app.app_context(), everywhere():
        outbox.make_deliveries(db.session(), world.clock.now)
        (mine,) = deliveries.claim(db.session(), world.clock.now, 10)
    world.clock.forward(minutes=3)
    deliver()
    with world.app.app_context(), everywhere(), post(world.app.extensions["greenroom"]) as way_out:
        believes = replace(mine, until=world.clock.now + HOUR)
        with db.engine.connect() as notes:
            assert handing.hand_over(db.session(), notes, [believes], way_out, Pace(1)) == 1
    assert what(mailbox) == ["scheduled"]
    assert world.deliveries("status", "attempts") == [("sent", 2)]


def test_the_mail_server_refuses_for_now_then_takes_it(world: World, mailbox: MailServer, deliver: Act) -> None:
    mailbox.refuse[JANE] = "451 try again later"
    world.interview(far(world))
    deliver()
    assert world.deliveries("status", "attempts", "refusals", "last_error") == [
        ("failed", 1, 1, "The mail server answered 451 try again later")
    ]
    mailbox.refuse.clear()
    deliver()
    assert mailbox.messages == []  # its pause is not over
    world.clock.forward(seconds=40)
    deliver()
    assert what(mailbox) == ["scheduled"]
    assert world.deliveries("status", "last_error") == [("sent", "")]


def test_an_address_that_does_not_exist_is_dead_at_once_and_the_others_go_out(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    mailbox.refuse[JANE] = "550 no such mailbox"
    world.interview(far(world), [cast.alice])
    deliver()
    assert world.deliveries("address", "status") == [(JANE, "dead"), ("alice@harbour.example", "sent")]


def test_pauses_grow_and_end_in_death(world: World, mailbox: MailServer, deliver: Act) -> None:
    mailbox.refuse[JANE] = "451 try again later"
    world.interview(world.clock.now + 1000 * HOUR)
    pauses = []
    for _ in range(settling.MAX_ATTEMPTS):
        deliver()
        (due,) = world.deliveries("next_at")
        pauses.append(due - world.clock.now)
        world.clock.set(due)
    assert world.deliveries("status", "attempts") == [("dead", settling.MAX_ATTEMPTS)]
    assert pauses[0] < timedelta(seconds=40)
    assert all(b > a for a, b in itertools.pairwise(pauses[:9]))
    deliver()
    assert world.deliveries("attempts") == [settling.MAX_ATTEMPTS]


def test_nearer_to_the_start_the_pauses_are_shorter() -> None:
    assert settling.pause(9, timedelta(hours=4)) <= timedelta(hours=1.25)
    assert settling.pause(9, timedelta(seconds=20)) <= timedelta(seconds=37.5)
    assert settling.pause(9, None) >= timedelta(hours=2)


def test_dead_ones_are_sent_again_to_the_address_as_it_is_now(world: World, mailbox: MailServer, deliver: Act) -> None:
    mailbox.refuse[JANE] = "550 no such mailbox"
    world.interview(far(world))
    deliver()
    with world.session() as session:
        row = session.scalar(sa.select(Delivery))
        row.candidate.email = "jane.doe@mail.example"
        by = session.get(User, (world.person.tenant_id, world.person.id))
        assert list(actions.resend(session, [row.id], Change(world.clock.now, by)).done) == [row.id]
    deliver()
    assert what(mailbox, "jane.doe@mail.example") == ["scheduled"]
    assert world.deliveries("address", "status") == [("jane.doe@mail.example", "sent")]


def test_what_was_sent_is_not_sent_again_by_hand_and_a_foreign_one_does_not_exist(
    app: Flask, world: World, cast: Cast, deliver: Act
) -> None:
    world.interview(far(world))
    deliver()
    (key,) = world.deliveries("id")
    with world.session() as session:
        by = session.get(User, (world.person.tenant_id, world.person.id))
        refused = actions.resend(session, [key], Change(world.clock.now, by)).refused
        assert str(refused[key]) == "This message is sent; only one that failed can be sent again."
    with app.app_context(), tenant_scope(cast.charlie.tenant_id):
        by = db.session.get(User, (cast.charlie.tenant_id, cast.charlie.id))
        assert by is not None
        refused = actions.resend(db.session, [key], Change(world.clock.now, by)).refused
        assert type(refused[key]).__name__ == "Missing"


def test_the_mail_server_is_away_and_comes_back(
    world: World, make_app: MakeApp, mailbox: MailServer, deliver: Act
) -> None:
    world.interview(far(world))
    world.interview(far(world))
    away = make_app(SMTP_URL="smtp://127.0.0.1:9")
    work_in(away)
    assert world.deliveries("status", "attempts", "refusals") == [("failed", 1, 1), ("failed", 1, 1)]
    world.clock.forward(minutes=1)
    deliver()
    assert what(mailbox) == what(mailbox, "jane2@mail.example") == ["scheduled"]


def work_in(app: Flask) -> None:
    with app.app_context():
        portal_jobs.deliver()


def test_an_interviewer_who_joins_or_leaves_is_told_and_only_they(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(far(world), [cast.alice])
    deliver()
    world.seat(key, cast.bob)
    deliver()
    assert what(mailbox) == ["scheduled"]
    assert what(mailbox, "alice@harbour.example") == ["scheduled", "removed"]
    assert what(mailbox, "bob@harbour.example") == ["scheduled"]


def test_who_joined_and_left_before_anything_was_told_hears_nothing(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(far(world), [cast.alice])
    deliver()
    world.seat(key, cast.alice, cast.bob)
    world.seat(key, cast.alice)
    for _ in range(3):
        deliver()
    assert what(mailbox, "bob@harbour.example") == []


def test_who_left_and_came_back_before_it_was_told_hears_nothing_new(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(far(world), [cast.alice, cast.bob])
    deliver()
    world.seat(key, cast.alice)
    world.seat(key, cast.alice, cast.bob)
    for _ in range(3):
        deliver()
    assert what(mailbox, "bob@harbour.example") == ["scheduled"]


def test_who_joins_while_older_events_wait_gets_one_mail(
    world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(far(world), [cast.alice])
    world.seat(key, cast.alice, cast.bob)
    for _ in range(3):
        deliver()
    assert what(mailbox, "bob@harbour.example") == what(mailbox, "alice@harbour.example") == ["scheduled"]


def test_one_event_that_fails_does_not_hold_up_the_others(
    app: Flask, world: World, deliver: Act, mailbox: MailServer
) -> None:
    key = world.interview(far(world))
    deliver()
    with world.session() as session:
        events.record_many(session, [Event("InterviewerAdded", key, {"user": "nobody"})], world.clock.now)
    world.interview(far(world))
    deliver()
    assert len(mailbox.messages) == 2
    with app.app_context(), everywhere():
        failing = sa.select(OutboxEvent.attempts, OutboxEvent.error).where(OutboxEvent.processed_at.is_(None))
        rows = db.session.execute(failing)
        ((attempts, error),) = rows.all()
    assert attempts == 1
    assert "ValueError" in error


def test_an_inactive_interviewer_is_told_nothing(world: World, cast: Cast, mailbox: MailServer, deliver: Act) -> None:
    world.interview(far(world), [cast.alice, cast.bob])
    with world.session() as session:
        session.get(User, (cast.bob.tenant_id, cast.bob.id)).active = False
    deliver()
    assert what(mailbox, "alice@harbour.example") == ["scheduled"]
    assert what(mailbox, "bob@harbour.example") == []


def test_an_interview_recorded_after_the_fact_tells_nobody(world: World, mailbox: MailServer, deliver: Act) -> None:
    world.interview(world.clock.now - 5 * HOUR, allow_past=True)
    deliver()
    assert mailbox.messages == []


def test_two_tenants_are_told_side_by_side(
    app: Flask, world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    other = make_world(app, cast.charlie, world.clock)
    world.interview(far(world), [cast.alice])
    other.interview(far(world), [cast.charlie], email="kim@mail.example")
    deliver()
    assert sorted(m["X-Rcpt-To"] for m in mailbox.messages) == [
        "alice@harbour.example", "charlie@northwind.example", JANE, "kim@mail.example",
    ]  # fmt: skip


@pytest.mark.slow
def test_more_events_than_one_portion_are_told_in_a_few_statements_each(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    key, count = world.interview(far(world)), outbox.BATCH + 10
    deliver()
    many = multiply(world, key, count)
    with world.session() as session:
        events.record_many(
            session, [Event("InterviewScheduled", each, {"schedule": 0}) for each in many], world.clock.now
        )
    with app.app_context():
        engine = db.engine
    with counted(engine) as told:
        while undone(app) or world.deliveries("id", status="queued"):
            deliver()
    assert len(mailbox.messages) == count + 1
    assert told.number < 12 * count


def multiply(world: World, key: UUID, count: int) -> list[UUID]:
    """`count` copies of an interview."""
    table: Any = Interview.__table__
    keys = [new_id() for _ in range(count)]
    with world.session() as session:
        (values,) = session.execute(sa.select(table).where(table.c.id == key)).mappings().all()
        session.execute(sa.insert(table), [{**values, "id": each} for each in keys])
    return keys


def undone(app: Flask) -> int:
    with app.app_context(), everywhere():
        query = sa.select(sa.func.count()).select_from(OutboxEvent).where(OutboxEvent.processed_at.is_(None))
        return int(db.session.scalar(query) or 0)
