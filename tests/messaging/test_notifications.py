"""Notifications within the portal: who gets which, by the catalogue of SPEC §5, and by their own choice."""

from collections.abc import Callable
from datetime import time
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope
from portal.core.workflow import Change
from portal.feedback import actions as feedback
from portal.hiring.models import Application, Project
from portal.interviews import panels
from portal.interviews.models import Interview
from portal.messaging import preferences
from portal.messaging.catalog import CATALOGUE
from portal.messaging.inbox import Notification
from portal.messaging.models import Channel
from portal.people.models import User
from portal.practice import actions as practice
from portal.practice.models import MockInterview
from tests.messaging.world import HOUR, World, make_world
from tests.support.cast import Cast, Person
from tests.support.clock import Clock
from tests.support.hiring import at_work, colleague, make_application, make_job, move
from tests.support.mail import MailServer
from tests.support.practice import complete, conducted, in_days, sent, trained

Act = Callable[[], None]


def told(app: Flask, *names: str, **where: Any) -> list[Any]:
    """The notifications of all tenants in the order of their making."""
    columns = [getattr(Notification, name) for name in names or ("type", "user_id")]
    with app.app_context(), everywhere():
        query = sa.select(*columns).filter_by(**where).order_by(Notification.id)
        return [tuple(row) if len(columns) > 1 else row[0] for row in db.session.execute(query)]


def test_the_catalogue_is_the_one_of_the_specification() -> None:
    both, bell, mail = {"in_app", "email"}, {"in_app"}, {"email"}
    assert {(m.event, m.recipients.__name__, m.type): {c.value for c in m.channels} for m in CATALOGUE} == {
        ("CandidateSentToMockInterview", "the_named", "mock_interview_pending"): bell,
        ("CandidateApprovedForClientInterview", "followers", "candidate_approved_for_client_interview"): bell,
        ("CandidateFailedMockInterview", "followers", "candidate_failed_mock_interview"): bell,
        ("InterviewScheduled", "candidate", "interview_scheduled"): mail,
        ("InterviewScheduled", "interviewers", "interview_scheduled"): both,
        ("InterviewRescheduled", "candidate", "interview_rescheduled"): mail,
        ("InterviewRescheduled", "interviewers", "interview_rescheduled"): both,
        ("InterviewCancelled", "candidate", "interview_cancelled"): mail,
        ("InterviewCancelled", "interviewers", "interview_cancelled"): both,
        ("InterviewerAdded", "the_named", "interview_scheduled"): both,
        ("InterviewerRemoved", "the_named", "interview_cancelled"): both,
        ("InterviewConfirmed", "the_organizer", "interview_confirmed"): bell,
        ("InterviewDeclined", "the_organizer", "interview_declined"): bell,
        ("FeedbackRequested", "the_named", "feedback_requested"): both,
        ("FeedbackOverdue", "interviewers", "feedback_overdue"): both,
        ("interview_reminder", "candidate", "interview_reminder"): mail,
        ("interview_reminder", "attending", "interview_reminder"): both,
    }


# --- practice: three events, and silence -----------------------------------------------------------------


@pytest.fixture
def practice_world(app: Flask, world: World, cast: Cast) -> dict[str, UUID]:
    """Alice recruits, Bob heads the project's team, Cora conducts; their keys by name."""
    with app.app_context(), at_work(cast.alice) as alice:
        cora = colleague("Interview Coordinator", "Cora Cole")
        job = make_job()
        db.session.get_one(Project, (alice.tenant_id, job.project_id)).team_head_id = cast.bob.id
        row = make_application("documents_verified", job=job)
        row.recruiter_id = alice.id
        db.session.commit()
        return {"alice": alice.id, "bob": cast.bob.id, "cora": cora.id, "application": row.id}


def _user(tenant: UUID, key: UUID) -> User:
    return db.session.get_one(User, (tenant, key))


def test_who_is_sent_a_candidate_is_told_and_their_results_tell_recruiter_and_team_head(
    app: Flask, cast: Cast, practice_world: dict[str, UUID], deliver: Act, mailbox: MailServer
) -> None:
    who = practice_world
    with app.app_context(), at_work(cast.alice) as alice:
        cora = _user(alice.tenant_id, who["cora"])
        row = db.session.get_one(Application, (alice.tenant_id, who["application"]))
        mock = sent(cora, row, by=alice, start=in_days(2))
        db.session.commit()
        deliver()
        assert told(app, "type", "user_id", "link") == [
            ("mock_interview_pending", cora.id, f"/mock-interviews/{mock.id}")
        ]
        move(mock, "start", cora)
        complete(mock, cora, decision="needs_training")
        trained(row, cora)
        db.session.commit()
        deliver()
        again = conducted(cora, row, start=in_days(3))
        complete(again, cora, decision="approved")
        db.session.commit()
        deliver()
    failed, passed = "candidate_failed_mock_interview", "candidate_approved_for_client_interview"
    assert told(app)[1:] == [(failed, who["alice"]), (failed, who["bob"]), (passed, who["alice"]), (passed, who["bob"])]
    assert "needs training" in told(app, "message", type=failed)[0]
    assert mailbox.messages == []  # scheduling, training and the results themselves send no mail


def test_a_mock_interview_reminds_candidate_and_coordinator_who_may_change(
    app: Flask, cast: Cast, practice_world: dict[str, UUID], world: World, tick: Act, mailbox: MailServer
) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        row = db.session.get_one(Application, (alice.tenant_id, practice_world["application"]))
        mock = sent(_user(alice.tenant_id, practice_world["cora"]), row, by=alice, start=in_days(2))
        change = Change(world.clock.now, alice, {"coordinator": _user(alice.tenant_id, cast.bob.id)})
        assert not practice.reassign_coordinator(db.session, [mock.id], change).refused
        db.session.commit()
        key, candidate = mock.id, row.candidate.email
    world.clock.forward(hours=47)  # an hour before
    mailbox.clear()
    tick()
    assert sorted(mailbox.messages[n]["X-Rcpt-To"] for n in range(2)) == sorted([cast.bob.email, candidate])
    assert [m["Subject"].split(":")[0] for m in mailbox.messages] == ["In 1 hour"] * 2
    assert told(app, type="interview_reminder") == [("interview_reminder", cast.bob.id)]
    with app.app_context(), at_work(cast.alice) as alice:
        move(db.session.get_one(MockInterview, (alice.tenant_id, key)), "cancel", alice, reason="Ill")
        db.session.commit()
    mailbox.clear()
    world.clock.forward(minutes=46)
    tick()
    assert mailbox.messages == []


# --- interviews --------------------------------------------------------------------------------------------


def test_the_organizer_is_told_of_confirmation_and_refusal_unless_they_did_it(
    app: Flask, world: World, cast: Cast, deliver: Act
) -> None:
    first = world.interview(world.clock.now + 50 * HOUR, [cast.bob], organizer_id=cast.alice.id)
    second = world.interview(world.clock.now + 60 * HOUR, [cast.bob], organizer_id=cast.bob.id)
    world.move(first, "confirm")  # by Alice herself
    world.move(second, "confirm")
    deliver()
    with app.app_context(), at_work(cast.bob) as bob:
        row = db.session.get_one(Interview, (bob.tenant_id, first))
        panels.reply(db.session, row, "declined", "On leave", Change(world.clock.now, bob))
        db.session.commit()
    deliver()
    heard = [(t, u) for t, u in told(app) if t in ("interview_confirmed", "interview_declined")]
    assert heard == [("interview_confirmed", cast.bob.id), ("interview_declined", cast.alice.id)]
    assert told(app, "title", type="interview_declined")[0].startswith("Bob Baker has declined: ")


def test_a_cancellation_before_the_first_word_says_nothing_at_all(
    app: Flask, world: World, cast: Cast, deliver: Act
) -> None:
    key = world.interview(world.clock.now + 50 * HOUR, [cast.bob])
    world.move(key, "cancel", reason="Ill")
    deliver()
    assert told(app) == []
    assert world.deliveries("status", channel="in_app") == ["void", "void"]


def test_owed_feedback_is_reminded_of_after_a_day_then_on_working_days_until_it_is_given(
    app: Flask, world: World, cast: Cast, tick: Act
) -> None:
    world.clock.forward(days=3)  # Thursday
    key = world.interview(world.clock.now + HOUR / 2, [cast.bob])
    world.move(key, "start")
    world.clock.forward(hours=1)
    world.move(key, "complete")
    tick()
    days: list[int] = []
    for day in range(1, 12):
        world.clock.forward(days=1)
        tick()
        if len(told(app, type="feedback_overdue")) > len(days):
            days.append(day)
            if day == 6:
                with app.app_context(), at_work(cast.bob) as bob:
                    row = db.session.get_one(Interview, (bob.tenant_id, key))
                    given = {"overall_rating": 4, "recommendation": "yes"}
                    feedback.save_feedback(db.session, row, given, Change(world.clock.now, bob), submit=True)
                    db.session.commit()
    assert days == [1, 4, 5, 6]  # Friday, Monday, Tuesday, Wednesday; the fifth is no longer owed
    assert world.deliveries("kind", "status")[-4:] == [("feedback_overdue", "sent")] * 4


# --- what people choose -----------------------------------------------------------------------------------


def _choose(app: Flask, person: Person, wanted: dict[tuple[str, Channel], bool], quiet: Any = None) -> None:
    with app.app_context(), tenant_scope(person.tenant_id):
        preferences.save(db.session, person.id, wanted, quiet)
        db.session.commit()


def test_people_turn_off_what_they_do_not_want_but_not_their_own_interview_of_today(
    app: Flask, world: World, cast: Cast, deliver: Act, mailbox: MailServer
) -> None:
    none = {("interview_scheduled", channel): False for channel in Channel}
    _choose(app, cast.bob, none)
    world.interview(world.clock.now + 50 * HOUR, [cast.bob])
    deliver()
    assert (told(app), mailbox.to(cast.bob.email)) == ([], [])
    world.interview(world.clock.now + 3 * HOUR, [cast.bob])
    deliver()
    assert told(app) == [("interview_scheduled", cast.bob.id)]
    assert len(mailbox.to(cast.bob.email)) == 1


def test_people_may_ask_for_a_mail_where_the_portal_alone_tells(
    app: Flask, world: World, cast: Cast, deliver: Act, mailbox: MailServer
) -> None:
    _choose(app, cast.bob, {("interview_confirmed", Channel.EMAIL): True})
    world.move(world.interview(world.clock.now + 50 * HOUR, organizer_id=cast.bob.id), "confirm")
    deliver()
    assert [m["Subject"].split(":")[0] for m in mailbox.to(cast.bob.email)] == ["Confirmed"]


@pytest.mark.parametrize(("since", "until", "quiet"), [(8, 10, True), (22, 10, True), (10, 22, False), (8, 9, False)])
@pytest.mark.database("sqlite")
def test_in_quiet_hours_nothing_pops_up_but_the_mail_goes(
    app: Flask, world: World, cast: Cast, deliver: Act, mailbox: MailServer, since: int, until: int, quiet: bool
) -> None:
    _choose(app, cast.bob, {}, (time(since), time(until)))  # his clock shows 09:00
    world.interview(world.clock.now + 50 * HOUR, [cast.bob])
    deliver()
    assert told(app, "quiet") == [quiet]
    assert len(mailbox.to(cast.bob.email)) == 1


def test_a_repeated_round_tells_nobody_twice(app: Flask, world: World, cast: Cast, deliver: Act) -> None:
    world.interview(world.clock.now + 50 * HOUR, [cast.bob])
    deliver()
    with app.app_context(), everywhere():
        db.session.execute(sa.text("UPDATE outbox_events SET processed_at = NULL"))
        db.session.commit()
    deliver()
    assert told(app) == [("interview_scheduled", cast.bob.id)]


def test_reminders_of_two_organisations_fall_due_together(
    app: Flask, world: World, cast: Cast, clock: Clock, tick: Act
) -> None:
    other = make_world(app, cast.charlie, clock)
    world.interview(clock.now + 24 * HOUR, [cast.bob])
    other.interview(clock.now + 24 * HOUR, [cast.charlie])
    clock.forward(hours=23)
    tick()
    assert sorted(told(app, "user_id", type="interview_reminder")) == sorted([cast.bob.id, cast.charlie.id])
