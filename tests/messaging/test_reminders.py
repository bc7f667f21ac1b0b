"""Reminders: due, late, void, and never twice (SPEC §5)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.messaging import deliveries, falling_due, reminders
from portal.messaging.models import Reminder
from tests.messaging.world import World
from tests.support.cast import Cast
from tests.support.mail import MailServer

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Act = Callable[[], None]


def subjects(mailbox: MailServer, address: str = "jane1@mail.example") -> list[str]:
    """What the reminders to `address` begin with, e.g. "In 1 hour"."""
    return [str(m["Subject"]).split(":")[0] for m in mailbox.to(address) if str(m["Subject"]).startswith("In ")]


@pytest.mark.parametrize(
    ("ahead", "written", "at_once"),
    [
        (24 * HOUR + SECOND, ["1day", "1hour", "15min"], []),
        (24 * HOUR, ["1day", "1hour", "15min"], ["In 1 day"]),
        (23 * HOUR, ["1day", "1hour", "15min"], ["In 23 hours"]),
        (23 * HOUR - SECOND, ["1hour", "15min"], []),
        (60 * MINUTE + SECOND, ["1hour", "15min"], []),
        (60 * MINUTE, ["1hour", "15min"], ["In 1 hour"]),
        (55 * MINUTE, ["1hour", "15min"], ["In 55 minutes"]),
        (55 * MINUTE - SECOND, ["15min"], []),
        (15 * MINUTE + SECOND, ["15min"], []),
        (15 * MINUTE, ["15min"], ["In 15 minutes"]),
        (5 * MINUTE, ["15min"], ["In 5 minutes"]),
        (5 * MINUTE - SECOND, [], []),
    ],
    ids=str,
)
def test_made_between_due_and_last_useful_it_goes_out_at_once_and_later_never(
    world: World, mailbox: MailServer, tick: Act, ahead: timedelta, written: list[str], at_once: list[str]
) -> None:
    key = world.interview(world.clock.now + ahead)
    assert [kind for kind, _ in world.reminders(key)] == written
    tick()
    assert subjects(mailbox) == at_once


def test_told_and_reminded_at_once_they_read_it_in_that_order(
    app: Flask, world: World, mailbox: MailServer, tick: Act
) -> None:
    world.interview(world.clock.now + 24 * HOUR)
    tick()
    assert [str(m["Subject"]).split()[0] for m in mailbox.to("jane1@mail.example")] == ["Video", "In"]


def test_each_of_the_three_goes_to_candidate_and_panel_when_it_is_due(
    world: World, cast: Cast, mailbox: MailServer, tick: Act
) -> None:
    start = world.clock.now + 48 * HOUR
    world.interview(start, [cast.alice, cast.bob])
    for before in (24 * HOUR + SECOND, 24 * HOUR, 60 * MINUTE + SECOND, 60 * MINUTE, 15 * MINUTE, MINUTE):
        world.clock.set(start - before)
        tick()
    expected = ["In 1 day", "In 1 hour", "In 15 minutes"]
    for address in ("jane1@mail.example", "alice@harbour.example", "bob@harbour.example"):
        assert subjects(mailbox, address) == expected


@pytest.mark.parametrize(
    ("verb", "data"),
    [("cancel", {"reason": "The ward is closed"}), ("start", {}), ("confirm+complete", {}), ("confirm+no_show", {})],
)
def test_what_ends_an_interview_voids_its_reminders(
    world: World, mailbox: MailServer, tick: Act, verb: str, data: dict[str, str]
) -> None:
    start = world.clock.now + 48 * HOUR
    key = world.interview(start)
    for each in verb.split("+"):
        world.move(key, each, **data)
    assert world.reminders(key) == []
    for before in (24 * HOUR, 60 * MINUTE, 15 * MINUTE):
        world.clock.set(start - before)
        tick()
    assert subjects(mailbox) == []


def test_a_reminder_that_was_queued_before_the_cancellation_is_void(
    app: Flask, world: World, mailbox: MailServer, deliver: Act
) -> None:
    key = world.interview(world.clock.now + 24 * HOUR)
    deliver()
    with app.app_context():
        assert falling_due.queue_due(db.session(), world.clock.now) == 1
    world.move(key, "cancel", reason="The ward is closed")
    deliver()
    assert subjects(mailbox) == []
    assert world.deliveries("status", "last_error", kind="interview_reminder") == [
        ("void", "The interview is cancelled.")
    ]


def test_rescheduling_starts_the_reminders_anew(world: World, mailbox: MailServer, tick: Act) -> None:
    start = world.clock.now + 30 * HOUR
    key = world.interview(start)
    later = start + 24 * HOUR
    world.move(key, "reschedule", scheduled_start=later)
    assert world.reminders(key) == [("1day", "1 day, 0:00:00"), ("1hour", "1:00:00"), ("15min", "0:15:00")]
    world.clock.set(start - 24 * HOUR)
    tick()
    assert subjects(mailbox) == []
    world.clock.set(later - 24 * HOUR)
    tick()
    assert subjects(mailbox) == ["In 1 day"]


def test_a_cancelled_interview_that_is_taken_up_again_is_reminded_of(
    world: World, mailbox: MailServer, tick: Act
) -> None:
    key = world.interview(world.clock.now + 30 * HOUR)
    world.move(key, "cancel", reason="Ill")
    start = world.clock.now + 50 * HOUR
    world.move(key, "reschedule", scheduled_start=start)
    world.clock.set(start - 15 * MINUTE)
    tick()
    assert subjects(mailbox) == ["In 15 minutes"]


def test_late_ones_go_out_the_nearest_only_and_tell_the_true_time_left(
    world: World, mailbox: MailServer, tick: Act
) -> None:
    start = world.clock.now + 30 * HOUR
    key = world.interview(start)
    world.clock.set(start - 30 * MINUTE)  # the scheduler was down all day
    tick()
    assert subjects(mailbox) == ["In 30 minutes"]
    assert world.reminders(key, void=True) == [("1day", "1 day, 0:00:00")]
    world.clock.set(start - 15 * MINUTE)
    tick()
    assert subjects(mailbox) == ["In 30 minutes", "In 15 minutes"]


def test_a_reminder_is_never_sent_once_the_interview_has_begun(world: World, mailbox: MailServer, tick: Act) -> None:
    start = world.clock.now + 30 * HOUR
    world.interview(start)
    world.clock.set(start)
    tick()
    assert subjects(mailbox) == []


def test_while_the_mail_server_is_away_only_the_nearest_is_kept(world: World, mailbox: MailServer, tick: Act) -> None:
    start = world.clock.now + 61 * MINUTE
    world.interview(start)
    tick()
    mailbox.refuse["jane1@mail.example"] = "451 try again later"
    world.clock.set(start - 60 * MINUTE)
    tick()
    assert world.deliveries("status", kind="interview_reminder") == ["failed"]
    world.clock.set(start - 14 * MINUTE)
    mailbox.refuse.clear()
    tick()
    assert subjects(mailbox) == ["In 14 minutes"]
    assert world.deliveries("status", "last_error", kind="interview_reminder") == [
        ("void", "A reminder nearer to the start is due."),
        ("sent", ""),
    ]


def test_two_schedulers_and_a_repeated_job_send_each_reminder_once(
    app: Flask, world: World, cast: Cast, mailbox: MailServer, deliver: Act
) -> None:
    world.interview(world.clock.now + 24 * HOUR, [cast.alice])
    with app.app_context():
        assert [falling_due.queue_due(db.session(), world.clock.now) for _ in range(3)] == [2, 0, 0]
    for _ in range(3):
        deliver()
    assert subjects(mailbox) == subjects(mailbox, "alice@harbour.example") == ["In 1 day"]


def test_a_reminder_row_made_due_again_still_sends_nothing_twice(
    app: Flask, world: World, mailbox: MailServer, tick: Act
) -> None:
    world.interview(world.clock.now + 24 * HOUR)
    tick()
    with app.app_context(), everywhere():
        db.session.execute(sa.update(Reminder).values(queued_at=None))
        db.session.commit()
    tick()
    assert subjects(mailbox) == ["In 1 day"]


def test_who_declined_is_not_reminded_and_who_accepts_after_all_is(
    world: World, cast: Cast, mailbox: MailServer, tick: Act
) -> None:
    start = world.clock.now + 30 * HOUR
    key = world.interview(start, [cast.alice, cast.bob])
    world.reply(key, cast.bob, "declined")
    world.clock.set(start - 24 * HOUR)
    tick()
    assert subjects(mailbox, "alice@harbour.example") == ["In 1 day"]
    assert subjects(mailbox, "bob@harbour.example") == []
    world.reply(key, cast.bob, "accepted")
    world.clock.set(start - HOUR)
    tick()
    assert subjects(mailbox, "bob@harbour.example") == ["In 1 hour"]


def test_a_changed_panel_changes_who_is_reminded(world: World, cast: Cast, mailbox: MailServer, tick: Act) -> None:
    start = world.clock.now + 30 * HOUR
    key = world.interview(start, [cast.alice])
    world.seat(key, cast.bob)
    world.clock.set(start - 24 * HOUR)
    tick()
    assert subjects(mailbox, "alice@harbour.example") == []
    assert subjects(mailbox, "bob@harbour.example") == ["In 1 day"]
    world.seat(key, cast.alice, cast.bob)
    world.clock.set(start - HOUR)
    tick()
    assert subjects(mailbox, "alice@harbour.example") == ["In 1 hour"]
    assert subjects(mailbox, "bob@harbour.example") == ["In 1 day", "In 1 hour"]


def test_sent_and_void_are_noted_on_the_reminder(app: Flask, world: World, tick: Act) -> None:
    world.interview(world.clock.now + 24 * HOUR)
    tick()
    with world.session() as session:
        rows = session.scalars(sa.select(Reminder).order_by(Reminder.due_at)).all()
        assert [(r.kind, r.sent_at, r.void_at) for r in rows] == [
            ("1day", world.clock.now, None), ("1hour", None, None), ("15min", None, None),
        ]  # fmt: skip


def test_rescheduling_costs_the_same_number_of_statements_for_one_and_for_many(app: Flask, world: World) -> None:
    keys = [world.interview(world.clock.now + 30 * HOUR) for _ in range(6)]
    with world.session() as session:
        session.connection()
        counts = []
        for some in (keys[:1], keys[1:]):
            with counted(db.engine) as statements:
                reminders.void(session, some, world.clock.now)
                reminders.write(session, "interview", some, world.clock.now)
            counts.append(len(statements))
    assert counts == [2, 2]


@pytest.mark.database("postgresql")
def test_the_scans_read_only_what_waits(app: Flask, world: World) -> None:
    with app.app_context(), everywhere():
        db.session.execute(sa.text("SET LOCAL enable_seqscan = off"))
        for scan, index in (
            (falling_due.due(world.clock.now, 9), "reminders"),
            (deliveries.due(world.clock.now, 9), "deliveries"),
        ):
            text = scan.compile(db.engine, compile_kwargs={"literal_binds": True})
            plan = "\n".join(db.session.scalars(sa.text(f"EXPLAIN {text}".replace(":", "\\:"))))
            assert f"ix_{index}_due" in plan


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that the block sends."""
    seen: list[str] = []

    def note(*args: Any) -> None:
        seen.append(args[2])

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
