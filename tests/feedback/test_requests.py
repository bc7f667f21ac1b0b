"""The e-mail that asks an interviewer for feedback: sent after completion, void once it is needless."""

from collections.abc import Callable

import pytest
from flask import Flask

from portal import jobs as portal_jobs
from portal.core.db import db
from portal.core.workflow import Change
from portal.feedback import actions
from portal.interviews.models import Interview
from tests.messaging.world import HOUR, World, make_world
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.hiring import at_work
from tests.support.mail import MailServer

Act = Callable[[], None]
BOB = "bob@harbour.example"


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Clock, mailbox: MailServer) -> World:
    return make_world(app, cast.alice, clock)


@pytest.fixture
def deliver(app: Flask) -> Act:
    """What a worker does when it is rung for."""

    def deliver() -> None:
        with app.app_context():
            portal_jobs.deliver()

    return deliver


def _give(world: World, cast: Cast, interview: object) -> None:
    with world.app.app_context(), at_work(cast.bob) as bob:
        row = db.session.get_one(Interview, (bob.tenant_id, interview))
        values = {"overall_rating": 4, "recommendation": "yes"}
        actions.save_feedback(db.session, row, values, Change(world.clock.now, bob), submit=True)
        db.session.commit()


@pytest.fixture
def done(world: World, cast: Cast, deliver: Act, mailbox: MailServer) -> object:
    """An interview with Bob on the panel that is about to be completed, its earlier mails sent."""
    key = world.interview(world.clock.now + HOUR / 2, [cast.bob], title="Round one")
    deliver()
    world.move(key, "start")
    world.clock.forward(hours=1)
    mailbox.clear()
    return key


def _feedback_mails(mailbox: MailServer) -> list[tuple[str, str]]:
    return [(str(each["To"]), str(each["Subject"])) for each in mailbox.messages if "feedback" in str(each["Subject"])]


def test_completion_asks_for_feedback_with_the_way_to_the_form(
    world: World, cast: Cast, done: object, deliver: Act, mailbox: MailServer
) -> None:  # fmt: skip
    world.move(done, "complete")  # type: ignore[arg-type]
    deliver()
    assert _feedback_mails(mailbox) == [
        ("Bob Baker <bob@harbour.example>",
         "Your feedback, please: Round one, Mon 2 Mar 2026, 09:30 (UTC, UTC+00:00)")
    ]  # fmt: skip
    (mail,) = mailbox.to(BOB)
    base = world.app.extensions["greenroom"].base_url
    for kind in ("plain", "html"):
        part = mail.get_body((kind,)).get_content()  # type: ignore[union-attr]
        assert f"{base}/interviews/{done}/feedback" in part
        assert ("Jane Doe 1" in part, "meet.example" in part) == (True, False)


def test_who_has_submitted_meanwhile_gets_no_mail(
    world: World, cast: Cast, done: object, deliver: Act, mailbox: MailServer
) -> None:  # fmt: skip
    world.move(done, "complete")  # type: ignore[arg-type]
    _give(world, cast, done)
    deliver()
    assert _feedback_mails(mailbox) == []
    assert world.deliveries("status", "last_error", kind="feedback_requested") == [
        ("void", "They have submitted their feedback.")
    ]


def test_who_gave_it_before_completion_is_not_asked(
    world: World, cast: Cast, done: object, deliver: Act, mailbox: MailServer
) -> None:  # fmt: skip
    _give(world, cast, done)
    world.move(done, "complete")  # type: ignore[arg-type]
    deliver()
    assert world.deliveries(kind="feedback_requested") == []


def test_who_has_left_the_panel_meanwhile_gets_no_mail(
    world: World, cast: Cast, done: object, deliver: Act, mailbox: MailServer
) -> None:  # fmt: skip
    world.move(done, "complete")  # type: ignore[arg-type]
    world.seat(done, cast.alice)  # type: ignore[arg-type]
    deliver()
    assert _feedback_mails(mailbox) == []
    assert world.deliveries("status", "last_error", kind="feedback_requested") == [
        ("void", "They are no longer asked for feedback.")
    ]
