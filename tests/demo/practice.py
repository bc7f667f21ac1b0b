"""What holds of practice in either demo: applications agree with their mock interviews and trainings (SPEC §2)."""

from collections import Counter
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import clock
from portal.core.db import db
from portal.hiring.models import Application, ApplicationActivity, StatusChange
from portal.practice.models import (
    GOING_ON,
    OPEN,
    MockInterview,
    MockInterviewChecklistItem,
    TrainingAssignment,
    TrainingSession,
)
from portal.scheduling.models import Engagement

M, T, S = MockInterview, TrainingAssignment, TrainingSession


def _count(*where: Any) -> int:
    return int(db.session.scalar(sa.select(sa.func.count()).where(*where)) or 0)


def _open(model: Any, states: Any) -> Any:
    return sa.exists().where(model.application_id == Application.id, model.status.in_(states))


def applications_agree_with_their_practice() -> None:
    waits = Application.status == "mock_interview_scheduled"
    assert _count(waits != _open(M, OPEN)) == 0
    going_on = sa.select(sa.literal("training_") + T.status).where(
        T.application_id == Application.id, T.status.in_(GOING_ON)
    )
    in_training = Application.status.in_(("training_assigned", "training_in_progress"))
    assert _count(in_training, Application.status != sa.func.coalesce(going_on.scalar_subquery(), "")) == 0
    assert _count(sa.not_(in_training), _open(T, GOING_ON)) == 0
    for status, decision in (("mock_interview_passed", "approved"), ("mock_interview_failed", "needs_training")):
        assessed = sa.exists().where(M.application_id == Application.id, M.decision == decision)
        assert _count(Application.status == status, sa.not_(assessed)) == 0
    ready = sa.exists().where(T.application_id == Application.id, T.ready_for_reassessment.is_(True))
    assert _count(Application.status == "ready_for_reassessment", sa.not_(ready)) == 0


def each_passage_has_its_record() -> None:
    """So many came to be passed, trained and so on as records say; what goes through by hand alone is left out."""
    came = _counts(StatusChange.target)
    decisions, states = _counts(M.decision), _counts(T.status)
    assert came["mock_interview_passed"] == decisions["approved"]
    assert came["training_assigned"] == decisions["needs_training"] == sum(states.values())
    assert came["mock_interview_failed"] == decisions["needs_training"] + decisions["rejected"] + _count(
        T.status == "cancelled", T.application_id == Application.id, _came_back()
    )
    assert came["training_completed"] == states["completed"]
    undecided = _count(Application.status == "mock_interview_completed")
    assert came["mock_interview_scheduled"] == _count(M.id.is_not(None)) + undecided
    told = _counts(ApplicationActivity.type)
    assert told["mock_interview_completed"] == _count(M.status == "completed")
    assert told["training_assigned"] == sum(states.values())


def _came_back() -> Any:
    """Whether the cancelled training was cancelled by itself, not by a hold or a withdrawal."""
    return sa.exists().where(
        StatusChange.application_id == Application.id, StatusChange.source.in_(("training_assigned",)),
        StatusChange.target == "mock_interview_failed",
    )  # fmt: skip


def _counts(column: Any) -> Counter[str]:
    return Counter(dict(db.session.execute(sa.select(column, sa.func.count()).group_by(column)).all()))


def attempts_are_counted() -> None:
    attempts: dict[UUID, list[int]] = {}
    assessed = sa.select(M.application_id, M.attempt).where(M.decision.is_not(None))
    for application, attempt in db.session.execute(assessed.order_by(M.completed_at)):
        attempts.setdefault(application, []).append(attempt)
    assert all(found == list(range(1, len(found) + 1)) for found in attempts.values())
    assert max(map(len, attempts.values())) >= 2


def times_are_right() -> None:
    now = clock.now()
    mocks: Any = db.session.scalars(sa.select(M))
    for mock in mocks:
        assert mock.created_at <= now
        assert mock.status not in ("completed", "no_show", "in_progress") or mock.scheduled_start <= now
        assert mock.completed_at is None or mock.started_at <= mock.completed_at <= now
    for row in db.session.scalars(sa.select(T)):
        assert row.created_at <= (row.started_at or row.created_at) <= (row.completed_at or now) <= now
    assert _count(S.status == "completed", S.completed_at > now) == 0
    judged = sa.select(MockInterviewChecklistItem.id).where(MockInterviewChecklistItem.passed.is_(False))
    assert db.session.scalar(judged.limit(1))


def what_is_open_takes_time_and_nobody_is_in_two_places() -> None:
    taken = sa.select(Engagement.subject_id, sa.func.count()).group_by(Engagement.subject_id)
    engaged = dict(db.session.execute(taken).all())
    open_ones = [*db.session.scalars(sa.select(M.id).where(M.status.in_(("scheduled", "in_progress")))),
                 *db.session.scalars(sa.select(S.id).where(S.status == "scheduled"))]  # fmt: skip
    assert open_ones
    assert {engaged.get(key) for key in open_ones} == {2}
    times: dict[UUID, list[Any]] = {}
    for mock in db.session.scalars(sa.select(M).where(M.status.in_(("completed", "in_progress", "scheduled")))):
        times.setdefault(mock.coordinator_id, []).append((mock.scheduled_start, mock.scheduled_end))
    for session in db.session.scalars(sa.select(S).where(S.status != "cancelled")):
        assert session.conducted_by_id
        times.setdefault(session.conducted_by_id, []).append((session.session_start, session.session_end))
    for found in times.values():
        assert all(first[1] <= second[0] for first, second in pairwise(sorted(found)))


def practice_holds() -> None:
    applications_agree_with_their_practice()
    each_passage_has_its_record()
    attempts_are_counted()
    times_are_right()
    what_is_open_takes_time_and_nobody_is_in_two_places()
