"""What a mock interview does to its application: sent, decided, trained, assessed again (SPEC §2)."""

from typing import Any

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.core.errors import Invalid, NotAllowed, WrongState
from portal.hiring.models import ApplicationActivity
from portal.practice.models import MockInterview, MockInterviewChecklistItem, TrainingAssignment
from portal.scheduling.models import Engagement
from tests.support.cast import Cast
from tests.support.hiring import at_work, colleague, events, history, make_application, make_job, move
from tests.support.practice import (
    TRAINING,
    application_of,
    complete,
    conducted,
    in_days,
    make_criteria,
    sent,
    trained,
    training_of,
)


def _steps(row: Any) -> list[tuple[str, str]]:
    return [(source, target) for source, target, _ in history(application_of(row))]


def test_sending_without_a_time_asks_the_coordinator_for_one(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        coordinator = colleague("Interview Coordinator", "Cora Cole")
        job = make_job()
        make_criteria(job, "Listens", "Knows the five checks")
        mock = sent(coordinator, make_application("documents_verified", job=job), by=alice, request_notes="Handovers")

        assert (mock.status, mock.attempt, mock.duration, mock.request_notes) == ("requested", 1, 60, "Handovers")
        assert [each.criterion for each in mock.items] == ["Listens", "Knows the five checks"]
        application = application_of(mock)
        assert (application.status, application.coordinator_id) == ("mock_interview_scheduled", coordinator.id)
        assert [name for name, _ in events(mock)] == ["CandidateSentToMockInterview"]


def test_who_sends_to_themselves_is_not_told(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        assert mock.status == "scheduled"
        assert [name for name, _ in events(mock)] == ["MockInterviewScheduled"]  # which is silent
        engaged = db.session.scalars(sa.select(Engagement.person_id)).all()
        assert set(engaged) == {alice.id, application_of(mock).candidate_id}


def test_an_approved_candidate_is_ready_for_the_client(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = conducted(alice)
        complete(mock, alice, decision="approved", overall_rating=5, strengths="Calm")
        assert (mock.status, mock.ready_for_client_interview, mock.strengths) == ("completed", True, "Calm")
        assert _steps(mock) == [
            ("documents_verified", "mock_interview_scheduled"),
            ("mock_interview_scheduled", "mock_interview_completed"),
            ("mock_interview_completed", "mock_interview_passed"),
        ]
        assert "CandidateApprovedForClientInterview" in [name for name, _ in events(mock)]
        assert db.session.scalars(sa.select(Engagement)).all() == []


def test_needing_training_is_one_move_with_its_assignment(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = conducted(alice)
        complete(mock, alice, decision="needs_training")
        training = training_of(application_of(mock))
        assert (training.mock_interview_id, training.status, training.focus_areas) == (
            mock.id, "assigned", ["Handover"],
        )  # fmt: skip
        assert _steps(mock)[1:] == [
            ("mock_interview_scheduled", "mock_interview_completed"),
            ("mock_interview_completed", "mock_interview_failed"),
            ("mock_interview_failed", "training_assigned"),
        ]
        assert [name for name, _ in events(mock) if name.startswith("Candidate")] == ["CandidateFailedMockInterview"]
        kinds = db.session.scalars(sa.select(ApplicationActivity.type).order_by(ApplicationActivity.id)).all()
        assert kinds.count("training_assigned") == 1


def test_a_rejection_ends_the_application(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = conducted(alice)
        complete(mock, alice, decision="rejected")
        assert application_of(mock).status == "rejected_interview"


def test_training_leads_to_a_second_attempt(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        first = conducted(alice)
        complete(first, alice, decision="needs_training")
        application = application_of(first)
        trained(application, alice)
        assert application_of(first).status == "ready_for_reassessment"
        second = sent(alice, application_of(first), start=in_days(5))
        assert second.attempt == 2
        move(second, "cancel", alice, reason="The ward called")
        assert application_of(second).status == "ready_for_reassessment"


@pytest.mark.parametrize("verb", ["cancel", "no_show"])
def test_what_does_not_take_place_goes_back(ctx: Any, cast: Cast, verb: str) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        move(mock, verb, alice, **({"reason": "Ill"} if verb == "cancel" else {}))
        assert application_of(mock).status == "documents_verified"
        assert db.session.scalars(sa.select(Engagement)).all() == []


def test_a_no_show_is_taken_up_again_only_while_its_application_waits(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        move(mock, "no_show", alice)
        move(mock, "reschedule", alice, scheduled_start=in_days(3))
        assert (mock.status, application_of(mock).status) == ("scheduled", "mock_interview_scheduled")
        move(mock, "no_show", alice)
        move(application_of(mock), "approved", alice)
        with pytest.raises(WrongState, match="approved by now"):
            move(mock, "reschedule", alice, scheduled_start=in_days(4))


def test_a_no_show_is_not_taken_up_once_another_one_assessed_its_attempt(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        first = conducted(alice)
        complete(first, alice, decision="needs_training")
        trained(application_of(first), alice)
        missed = sent(alice, application_of(first), start=in_days(5))
        move(missed, "no_show", alice)
        second = conducted(alice, application_of(first), start=in_days(6))
        complete(second, alice, decision="needs_training")
        trained(application_of(first), alice)
        assert (missed.attempt, second.attempt) == (2, 2)
        with pytest.raises(WrongState, match="assessed this attempt since"):
            move(missed, "reschedule", alice, scheduled_start=in_days(7))
        assert sent(alice, application_of(first)).attempt == 3


@pytest.mark.parametrize("verb", ["on_hold", "withdrawn"])
def test_a_hold_cancels_what_is_open_and_stays(ctx: Any, cast: Cast, verb: str) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        move(application_of(mock), verb, alice, reason="Family")
        db.session.refresh(mock)
        assert (mock.status, application_of(mock).status) == ("cancelled", verb)
        assert mock.cancellation_reason.endswith("Family")


def test_a_hold_in_training_resumes_before_it(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = conducted(alice)
        complete(mock, alice, decision="needs_training")
        application = application_of(mock)
        move(training_of(application), "start", alice)
        move(application_of(mock), "on_hold", alice)
        assert training_of(application).status == "cancelled"
        move(application_of(mock), "resume", alice)
        assert application_of(mock).status == "mock_interview_failed"


REFUSED = [
    ({"overall_rating": None}, "overall_rating"), ({"decision": ""}, "decision"),
    ({"overall_rating": 6}, "overall_rating"),
    ({"decision": "maybe"}, "decision"), ({"decision": "needs_training", "training": {}}, "training_type"),
    ({"decision": "approved", "training": TRAINING}, "training_type"),
    ({"decision": "needs_training", "training": {**TRAINING, "training_type": "magic"}}, "training_type"),
    ({"checklist": [{"id": "not one", "passed": True}]}, "checklist.0.id"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "field"), REFUSED)
def test_a_bad_assessment_does_nothing(ctx: Any, cast: Cast, given: dict[str, Any], field: str) -> None:
    with at_work(cast.alice) as alice:
        mock = conducted(alice)
        db.session.commit()
        with pytest.raises(Invalid) as refused:
            complete(mock, alice, **{"overall_rating": 3, "decision": "approved", **given})
        assert list(refused.value.errors) == [field]
        db.session.rollback()
        assert application_of(mock).status == "mock_interview_scheduled"
        assert db.session.scalars(sa.select(TrainingAssignment)).all() == []


def test_what_was_not_started_is_not_completed(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice, start=in_days(2))
        with pytest.raises(WrongState, match="scheduled"):
            complete(mock, alice, decision="approved")


@pytest.mark.parametrize("status", ["nominated", "pending_documents", "verification_in_progress", "approved", "hired"])
def test_only_verified_documents_are_sent(ctx: Any, cast: Cast, status: str) -> None:
    with at_work(cast.alice) as alice:
        with pytest.raises(Invalid, match="documents are verified"):
            sent(alice, make_application(status))
        assert db.session.scalars(sa.select(MockInterview)).all() == []


def test_one_application_has_one_open_mock_interview(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        mock = sent(alice)
        with pytest.raises(Invalid, match="already"):
            sent(alice, application_of(mock))


def test_only_who_conducts_is_chosen(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        idle = colleague("Interview Coordinator", "Ida Idle")
        idle.active = False
        recruiter = colleague("Recruiter", "Rita Rees")
        for user, said in ((idle, "no longer active"), (recruiter, "does not conduct")):
            with pytest.raises(Invalid, match=said):
                sent(user, by=alice)


@pytest.mark.parametrize("minutes", [14, 241, -5])
def test_it_lasts_from_15_to_240_minutes(ctx: Any, cast: Cast, minutes: int) -> None:
    with at_work(cast.alice) as alice, pytest.raises(Invalid, match="15 to 240"):
        sent(alice, start=in_days(1), duration=minutes)


def test_nobody_rehearses_in_two_places(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        sent(alice, start=in_days(2))
        with pytest.raises(Invalid, match="Alice Ardent has"):
            sent(alice, start=in_days(2))


def test_a_recruiter_may_send_but_not_conduct(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice):
        recruiter = colleague("Recruiter")
        coordinator = colleague("Interview Coordinator")
        application = make_application("documents_verified", recruiter=recruiter)
        mock = sent(coordinator, application, by=recruiter, start=in_days(2))
        with pytest.raises(NotAllowed):
            move(mock, "start", recruiter)
        move(mock, "start", coordinator)
        complete(mock, coordinator, decision="needs_training")
        assert application_of(mock).status == "training_assigned"


def test_the_checklist_is_judged_with_the_assessment(ctx: Any, cast: Cast) -> None:
    with at_work(cast.alice) as alice:
        job = make_job()
        make_criteria(job, "One", "Two")
        mock = conducted(alice, make_application("documents_verified", job=job))
        first, second = mock.items
        judged = [{"id": str(first.id), "passed": False, "rating": 2, "notes": "Slow"}]
        complete(mock, alice, decision="approved", checklist=judged)
        rows = db.session.scalars(
            sa.select(MockInterviewChecklistItem).order_by(MockInterviewChecklistItem.order)
        ).all()
        assert [(row.passed, row.rating, row.notes) for row in rows] == [(False, 2, "Slow"), (None, None, "")]
        assert second.version == 1
