"""Redis, mail server, database, scheduler and clock misbehave while the portal works."""

import time
from datetime import timedelta

import pytest
import sqlalchemy as sa

from portal.messaging.models import Lease
from tests.baddays.conftest import HOUR, Day
from tests.baddays.ledger import assert_all_is_well
from tests.support import holds
from tests.support.holds import held
from tests.support.machinery import PROCESS
from tests.support.processes import Running, wait_until

MINUTE = timedelta(minutes=1)


def _start_all(day: Day, workers: int = 1, schedulers: int = 1) -> None:
    for command, count in (("worker", workers), ("scheduler", schedulers)):
        for _ in range(count):
            day.machinery.start(command)


@pytest.mark.database("postgresql")
def test_redis_comes_back_empty_and_nothing_is_lost_with_it(day: Day) -> None:
    _start_all(day)
    (worker, scheduler) = day.machinery.running
    _, first = day.interview()
    day.machinery.settle()
    worker.freeze()
    scheduler.freeze()
    _, second = day.interview()  # the ring for it lies in Redis
    day.machinery.lose_the_queue()
    worker.thaw()
    scheduler.thaw()
    day.machinery.settle()
    expected = [line for who in (first, second) for line in day.told(who, "interview_scheduled")]
    assert_all_is_well(day.machinery, expected)
    day.machinery.kill(scheduler)
    _, third = day.interview()  # and the worker listens to the new one
    day.machinery.settle()
    assert_all_is_well(day.machinery, expected + day.told(third, "interview_scheduled"))


def test_the_mail_server_is_down_for_ten_minutes_then_says_451_then_takes_them(day: Day) -> None:
    mail, clock = day.machinery.mail, day.machinery.clock
    _start_all(day)
    moved, dropped, kept = (day.interview(100 * HOUR), day.interview(101 * HOUR), day.interview(102 * HOUR))
    mail.go_down()
    day.machinery.settle()
    _let_pass(day, 5 * MINUTE)
    day.office.move(moved[0], day.now + 110 * HOUR)
    day.cancel(dropped[0])
    _let_pass(day, 5 * MINUTE)
    mail.come_up()
    mail.answers["DATA"] = "451 try again later"
    _let_pass(day, 10 * MINUTE)
    assert mail.taken == []
    mail.answers.clear()
    day.machinery.drain(clock.now + HOUR)
    mails = [(who, "email", type_) for who, type_ in (
        (moved[1], "interview_rescheduled"), (day.bob.email, "interview_rescheduled"),
        (kept[1], "interview_scheduled"), (day.bob.email, "interview_scheduled"),
        # Bob was told of the one that was dropped through the portal, so he hears of its end through both.
        (day.bob.email, "interview_cancelled"),
    )]  # fmt: skip
    types = (*["interview_scheduled"] * 3, "interview_rescheduled", "interview_cancelled")
    notes = [(day.bob.email, "in_app", type_) for type_ in types]
    assert_all_is_well(day.machinery, [*mails, *notes], cancelled=day.cancelled)


def _let_pass(day: Day, time: timedelta) -> None:
    """Time, with all that is tried meanwhile."""
    until = day.now + time
    while (due := day.machinery.next_due()) is not None and due < until:
        day.machinery.clock.forward(seconds=(due - day.now).total_seconds())
        day.machinery.settle()
    day.machinery.clock.forward(seconds=(until - day.now).total_seconds())
    day.machinery.settle()


def test_of_two_schedulers_one_is_killed_and_the_other_frozen_and_each_reminder_goes_out_once(day: Day) -> None:
    _start_all(day, workers=2, schedulers=2)
    hired = [day.interview((30 + n) * HOUR) for n in range(6)]
    day.machinery.settle()
    active = _active(day)
    _freeze_between_two_rounds(day, active)
    day.machinery.clock.forward(seconds=40)  # its lease ends, and the other one takes over
    wait_until(lambda: _took_over(day, active), "another scheduler in charge")
    active.thaw()
    _let_pass(day, 9 * HOUR)  # four of the reminders, with both there
    day.machinery.kill(_active(day))
    day.machinery.clock.forward(seconds=40)
    wait_until(lambda: _took_over(day, None), "another scheduler in charge")
    _let_pass(day, 3 * HOUR)
    expected = [line for _, who in hired for line in day.told(who, "interview_scheduled", "interview_reminder")]
    assert_all_is_well(day.machinery, expected)


def _freeze_between_two_rounds(day: Day, scheduler: Running) -> None:
    """SQLite has one writer: whoever stopped in the middle of a transaction would stop all the others too."""
    scheduler.freeze()
    while not day.machinery.may_write():
        scheduler.thaw()
        time.sleep(0.01)
        scheduler.freeze()


def _active(day: Day) -> Running:
    """The scheduler in charge."""
    holder = day.machinery.look.scalar(sa.select(Lease.holder))
    return next(one for one in day.machinery.running if f":{one.pid}:" in str(holder))


def _took_over(day: Day, from_: Running | None) -> bool:
    day.machinery.clock.tick()
    holder, until = day.machinery.look.execute(sa.select(Lease.holder, Lease.until)).one()
    return until > day.now and (from_ is None or f":{from_.pid}:" not in holder)


def test_the_clock_jumps_an_hour_ahead_and_back_and_no_reminder_comes_twice(day: Day) -> None:
    _start_all(day)
    _, who = day.interview(150 * MINUTE)
    day.machinery.settle()
    clock, jump = day.machinery.clock, 60 * MINUTE
    _let_pass(day, 60 * MINUTE)  # 90 minutes before it begins
    clock.set(clock.now + jump)  # 30: the reminder of an hour is late, that of 15 minutes is to come
    day.machinery.settle()
    told = day.told(who, "interview_scheduled", "interview_reminder")
    assert_all_is_well(day.machinery, told)
    (said,) = {str(each.message["Subject"]).split(":")[0] for each in day.machinery.mail.taken[-2:]}
    assert said == "In 30 minutes"
    clock.set(clock.now - jump)
    _let_pass(day, 70 * MINUTE)  # past the moment of the reminder that was sent too soon
    assert_all_is_well(day.machinery, told)
    _let_pass(day, 10 * MINUTE)
    assert_all_is_well(day.machinery, told + day.told(who, "interview_reminder"))


def test_what_was_arranged_before_the_clock_jumped_back_is_told_all_the_same(day: Day) -> None:
    _, who = day.interview()
    day.machinery.clock.set(day.now - HOUR)
    _start_all(day)
    _let_pass(day, HOUR + MINUTE)
    assert_all_is_well(day.machinery, day.told(who, "interview_scheduled"))


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("moment", ["an event", "a check", "a mail that is not taken", "a mail that is taken"])
def test_the_database_drops_all_connections_amid(day: Day, moment: str) -> None:
    url = day.machinery.settings.database_url
    key, who = day.interview()
    gate = day.machinery.mail.hold("DATA")
    lock = {"an event": holds.writing("outbox_events"), "a check": holds.interview(key)}.get(moment, "SELECT 1")
    with held(url, lock) as hold:
        _start_all(day)
        if lock != "SELECT 1":
            hold.wait_for_somebody()
        else:
            gate.wait()
        _drop_connections(hold)
    gate.let_through() if moment == "a mail that is taken" else gate.turn_out()
    day.machinery.mark_orphans()
    day.machinery.settle()
    _let_pass(day, 5 * MINUTE)  # what failed is tried again
    assert all(one.alive for one in day.machinery.running)
    first = {day.machinery.mail.taken[0].message_id} if moment == "a mail that is taken" else set()
    assert_all_is_well(day.machinery, day.told(who, "interview_scheduled"), may_repeat=first)


def _drop_connections(hold: holds.Hold) -> None:
    """All but the test's own, which are told apart by what they are called."""
    hold.watcher.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", [PROCESS]
    )
