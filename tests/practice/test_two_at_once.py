"""Two people at the same moment, on the same mock interview or application: one wins, the other is told in words."""

from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.core import clock as time
from portal.core.db import db
from portal.core.workflow import Change
from portal.hiring.models import StatusChange
from portal.people.models import User
from portal.practice import actions, assessing, training
from portal.practice.models import MockInterview, TrainingAssignment
from portal.practice.workflow import MOCK_INTERVIEW
from portal.practice.workflow import TRAINING as FLOW
from portal.scheduling.models import Engagement
from tests.support.cast import Cast
from tests.support.clock import Clock
from tests.support.contention import rush, wide_engine
from tests.support.databases import Database
from tests.support.hiring import at_work, colleague, make_application
from tests.support.practice import TRAINING, application_of, conducted, in_days, make_training, sent

Does = Callable[[Session, MockInterview, User], object]


def start(session: Session, mock: MockInterview, by: User) -> object:
    return MOCK_INTERVIEW.move(session, mock, "start", Change(time.now(), by))


def complete(session: Session, mock: MockInterview, by: User) -> object:
    given = {"overall_rating": 3, "decision": "needs_training", "training": TRAINING}
    return assessing.complete_mock_interview(session, mock, given, Change(time.now(), by))


def reassign(session: Session, mock: MockInterview, by: User) -> object:
    result = actions.reassign_coordinator(session, [mock.id], Change(time.now(), by, {"coordinator": by}))
    for error in result.refused.values():
        raise error
    return result


def cancel(session: Session, mock: MockInterview, by: User) -> object:
    return MOCK_INTERVIEW.move(session, mock, "cancel", Change(time.now(), by, {"reason": "Ill"}))


LATE: dict[str, tuple[Does, str, str]] = {
    # (what both do, from, what the later one is told)
    "start": (start, "scheduled", "WrongState: This mock interview is in progress; “Start” does not start from there. "
              "Possible now: Complete, Mark no-show, Cancel."),
    "complete": (complete, "in_progress", "WrongState: This mock interview is completed; “Complete” does not start "
                 "from there. Nothing more is possible."),
    "cancel": (cancel, "in_progress", "WrongState: This mock interview is cancelled; “Cancel” does not start from "
               "there. Nothing more is possible."),
}  # fmt: skip


@pytest.mark.parametrize("verb", list(LATE))
def test_of_two_who_act_on_one_mock_interview_one_wins(
    app: Flask, database: Database, cast: Cast, clock: Clock, verb: str
) -> None:
    does, source, told = LATE[verb]
    with app.app_context(), at_work(cast.alice) as alice:
        row = conducted(alice) if source == "in_progress" else sent(alice, start=in_days(2))
        key, application = row.id, row.application_id
        db.session.commit()
    assert _both(database, cast, key, does) == {"won": 1, told: 1}
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(MockInterview, (cast.alice.tenant_id, key))
        steps = _count(StatusChange, StatusChange.application_id == application)
        trainings = _count(TrainingAssignment)
        expected = {"start": ("in_progress", 1, 0), "complete": ("completed", 4, 1), "cancel": ("cancelled", 2, 0)}
        assert (row.status, steps, trainings) == expected[verb]


def test_of_two_who_take_a_mock_interview_over_the_later_one_has_it_and_its_time(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    with app.app_context(), at_work(cast.alice):
        row = sent(colleague("Interview Coordinator"), start=in_days(2))
        key, candidate = row.id, application_of(row).candidate_id
        db.session.commit()
    assert _both(database, cast, key, reassign) == {"won": 2}
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(MockInterview, (cast.alice.tenant_id, key))
        engaged = set(db.session.scalars(sa.select(Engagement.person_id).where(Engagement.subject_id == key)))
        assert row.coordinator_id in (cast.alice.id, cast.bob.id)
        assert (engaged, row.version) == ({row.coordinator_id, candidate}, 3)
        assert application_of(row).coordinator_id == row.coordinator_id


def _both(database: Database, cast: Cast, key: UUID, does: Does) -> Counter[str]:
    """What Alice and Bob are told, who do it at once."""

    def attempt(session: Session, number: int) -> None:
        by = (cast.alice, cast.bob)[number]
        mock = session.get_one(MockInterview, (by.tenant_id, key))
        does(session, mock, session.get_one(User, (by.tenant_id, by.id)))

    with wide_engine(database.url, 2) as engine:
        return rush(engine, cast.alice.tenant_id, 2, attempt)


def _count(model: Any, *where: Any) -> int:
    return int(db.session.scalar(sa.select(sa.func.count()).select_from(model).where(*where)) or 0)


ONCE: dict[str, str] = {
    "send": "Invalid: This application has a mock interview with Alice Ardent already, which is requested.",
    "train": "Invalid: This application is “Training assigned”; training follows a mock interview that was not passed.",
}


@pytest.mark.parametrize("what", list(ONCE))
def test_of_two_who_send_or_train_one_application_one_wins(
    app: Flask, database: Database, cast: Cast, clock: Clock, what: str
) -> None:
    with app.app_context(), at_work(cast.alice):
        key = make_application("documents_verified" if what == "send" else "mock_interview_failed").id
        db.session.commit()

    def attempt(session: Session, number: int) -> None:
        by = session.get_one(User, (cast.alice.tenant_id, (cast.alice, cast.bob)[number].id))
        change = Change(time.now(), by)
        if what == "send":
            given = {"application_id": key, "coordinator_id": cast.alice.id}
            actions.create_mock_interview(session, given, change)
        else:
            training.create_training(session, {"application_id": key, **TRAINING}, change)

    with wide_engine(database.url, 2) as engine:
        told = rush(engine, cast.alice.tenant_id, 2, attempt)
    assert told == {"won": 1, ONCE[what]: 1}
    with app.app_context(), at_work(cast.alice):
        assert _count(MockInterview) + _count(TrainingAssignment) == 1
        assert _count(StatusChange, StatusChange.application_id == key) == 1


def test_a_session_is_not_added_to_a_training_that_ends_at_the_same_moment(
    app: Flask, database: Database, cast: Cast, clock: Clock
) -> None:
    with app.app_context(), at_work(cast.alice) as alice:
        key = make_training(alice).id
        db.session.commit()

    def attempt(session: Session, number: int) -> None:
        row = session.get_one(TrainingAssignment, (cast.alice.tenant_id, key))
        by = session.get_one(User, (cast.alice.tenant_id, cast.alice.id))
        if number:
            FLOW.move(session, row, "cancel", Change(time.now(), by, {"reason": "Ill"}))
        else:
            given = {"assignment_id": key, "session_start": in_days(2), "topic": "Handover"}
            training.create_session(session, given, Change(time.now(), by))

    with wide_engine(database.url, 2) as engine:
        told = rush(engine, cast.alice.tenant_id, 2, attempt)
    assert told["won"] == 2 or told == {"won": 1, "Invalid: This training is cancelled.": 1}
    with app.app_context(), at_work(cast.alice):
        row = db.session.get_one(TrainingAssignment, (cast.alice.tenant_id, key))
        assert row.status == "cancelled"
        assert {each.status for each in row.sessions} <= {"cancelled"}
        assert _count(Engagement) == 0
