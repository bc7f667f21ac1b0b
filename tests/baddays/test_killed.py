"""A worker is killed at each step of a delivery, another one comes, and each reader still has each message once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.baddays.conftest import Day
from tests.baddays.ledger import assert_all_is_well
from tests.support import holds
from tests.support.holds import held

Killing = Callable[[Day], set[str]]


def _recover(day: Day) -> None:
    """Another worker and a scheduler take over."""
    day.machinery.start("worker")
    day.machinery.start("scheduler")
    day.machinery.settle()


@contextmanager
def _put_off(day: Day) -> Iterator[None]:
    """The mails of what is arranged in the block are made, and wait for a mail server that was away."""
    day.machinery.mail.answers["EHLO"] = "421 closing"
    worker = day.machinery.start("worker")
    yield
    day.machinery.settle()
    day.machinery.kill(worker)
    day.machinery.mail.answers.clear()
    day.machinery.clock.forward(minutes=1)


@pytest.mark.database("postgresql")
@pytest.mark.parametrize(
    "before",
    ["deliveries", "notifications", "outbox_events"],
    ids=["messages are made", "notifications are made", "the event is marked"],
)
def test_killed_over_an_event_it_is_as_if_nobody_had_touched_it(day: Day, before: str) -> None:
    _, candidate = day.interview()
    with held(day.machinery.settings.database_url, holds.writing(before)) as hold:
        worker = day.machinery.start("worker")
        day.machinery.ring()
        hold.wait_for_somebody()
        assert day.machinery.kill(worker) == set()
    assert day.machinery.waiting()["events"] == 1
    _recover(day)
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled"))


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("step", ["claiming", "checking"])
def test_killed_before_the_mail_server_heard_of_it_it_goes_out_once(day: Day, step: str) -> None:
    with _put_off(day):
        key, candidate = day.interview()
    lock = holds.writing("deliveries") if step == "claiming" else holds.interview(key)
    with held(day.machinery.settings.database_url, lock) as hold:
        worker = day.machinery.start("worker")
        day.machinery.ring()
        hold.wait_for_somebody()
        day.machinery.kill(worker)
    assert day.machinery.mail.taken == []
    _recover(day)
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled"))


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("step", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_killed_before_the_mail_server_took_it_it_goes_out_once(day: Day, step: str) -> None:
    _, candidate = day.interview()
    gate = day.machinery.mail.hold(step)
    worker = day.machinery.start("worker")
    gate.wait()
    day.machinery.kill(worker)
    gate.turn_out()
    assert day.machinery.mail.taken == []
    _recover(day)
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled"))


def test_killed_before_it_heard_that_the_mail_was_taken_it_comes_again_with_the_same_message_id(day: Day) -> None:
    _, candidate = day.interview()
    gate = day.machinery.mail.hold("TAKEN")
    worker = day.machinery.start("worker")
    gate.wait()
    (first,) = day.machinery.mail.taken
    day.machinery.kill(worker)
    gate.turn_out()
    _recover(day)
    assert [each.message_id for each in day.machinery.mail.taken].count(first.message_id) == 2
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled"), may_repeat={first.message_id})


@pytest.mark.database("postgresql")
def test_killed_before_it_noted_that_the_mail_was_taken_likewise(day: Day) -> None:
    _, candidate = day.interview()
    gate = day.machinery.mail.hold("DATA")
    worker = day.machinery.start("worker")
    gate.wait()
    with held(day.machinery.settings.database_url, holds.writing("deliveries")) as hold:
        gate.let_through()
        hold.wait_for_somebody()
        day.machinery.kill(worker)
    (first,) = day.machinery.mail.taken
    _recover(day)
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled"), may_repeat={first.message_id})


@pytest.mark.database("postgresql")
def test_a_cancellation_waits_for_the_mail_at_hand_and_nothing_else_follows_it(day: Day) -> None:
    with _put_off(day):
        key, candidate = day.interview()
    gate = day.machinery.mail.hold("DATA")
    worker = day.machinery.start("worker")
    day.machinery.ring()
    gate.wait()
    day.machinery.kill(worker)
    gate.turn_out()
    day.cancel(key)
    _recover(day)
    # Nobody knows whether the mail at hand arrived: its reader hears of the cancellation, in case it did.
    reached = {each.address for each in day.machinery.mail.taken}
    assert reached <= {candidate, day.bob.email}
    mails = [(address, "email", "interview_cancelled") for address in reached]
    notes = [(day.bob.email, "in_app", "interview_scheduled"), (day.bob.email, "in_app", "interview_cancelled")]
    assert_all_is_well(day.machinery, [*mails, *notes], cancelled=day.cancelled)


@pytest.mark.database("postgresql")
@pytest.mark.parametrize("before", ["deliveries", "reminders"], ids=["messages are made", "the reminder is marked"])
def test_a_scheduler_killed_over_reminders_leaves_them_to_the_next(day: Day, before: str) -> None:
    _, candidate = day.interview()
    day.machinery.start("worker")
    day.machinery.settle()
    day.machinery.clock.forward(hours=76)
    with held(day.machinery.settings.database_url, holds.writing(before)) as hold:
        scheduler = day.machinery.start("scheduler")
        hold.wait_for_somebody()
        day.machinery.kill(scheduler)
    day.machinery.clock.forward(seconds=31)  # its lease ends
    _recover(day)
    assert_all_is_well(day.machinery, day.told(candidate, "interview_scheduled", "interview_reminder"))
