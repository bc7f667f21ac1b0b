"""The moves of mock interviews, trainings and their sessions (SPEC §2); what they carry along is in ``carrying``."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core import records
from portal.core.access import may
from portal.core.errors import Invalid, WrongState
from portal.core.types import days_later, words
from portal.core.workflow import Change, Move, Moved, Workflow, register
from portal.hiring.models import ActivityType, Application
from portal.hiring.workflow import BY_NAME, write_activities
from portal.people.models import User
from portal.practice.models import (
    GOING_ON,
    LONGEST,
    OPEN,
    SHORTEST,
    Decision,
    MockInterview,
    MockStatus,
    SessionStatus,
    TrainingAssignment,
    TrainingOutcome,
    TrainingSession,
    TrainingStatus,
)

M, T, S = MockStatus, TrainingStatus, SessionStatus
SCHEDULE = ("schedule:mock_interviews", "write:mock_interviews")
CONDUCT = ("conduct:mock_interviews",)
ASSIGN = ("assign:training", "write:training")
TRAIN = ("write:training",)
SENT = "mock_interview_scheduled"
SENT_FROM = tuple(name for name, status in BY_NAME.items() if SENT in status.leads_to)

ASSESSMENT = (
    "overall_rating", "decision", "strengths", "weaknesses", "recommendations", "general_notes",
)  # fmt: skip
TRAINING_FIELDS = ("training_type", "priority", "focus_areas", "skills_to_improve", "start_date", "end_date")


def reason_given(row: Any, change: Change) -> None:
    if not change.reason.strip():
        raise Invalid({"reason": "Please give a reason."})


# --- when ---------------------------------------------------------------------------------------------


def check_schedule(start: Any, duration: Any, change: Change) -> None:
    """A mock interview lies ahead and lasts 15 to 240 minutes; HR may record one of the past knowingly."""
    if not isinstance(duration, int) or not SHORTEST <= duration <= LONGEST:
        raise Invalid({"duration": f"A mock interview lasts from {SHORTEST} to {LONGEST} minutes."})
    if start is None:
        raise Invalid({"scheduled_start": "Please give the start."})
    check_ahead(start, change, "scheduled_start", "write:mock_interviews")


def check_ahead(start: Any, change: Change, field: str, permission: str) -> None:
    if start > change.at:
        return
    if not change.data.get("allow_past"):
        raise Invalid({field: "The start must be in the future."})
    if change.by and not may(change.by, permission):
        raise Invalid({"allow_past": "Your role may not record what lies in the past."})


def new_start(row: Any, change: Change) -> Any:
    """The start that a move asks for: ``starts`` by row where many are planned at once, one for all, or the present
    one moved by ``offset_days`` (on the wall clock of the row's zone) and ``offset_minutes``."""
    if row.id in change.data.get("starts", {}):
        return change.data["starts"][row.id]
    if "offset_minutes" in change.data and row.scheduled_start:
        moved = days_later(row.scheduled_start, change.data.get("offset_days", 0), row.timezone)
        return moved + timedelta(minutes=change.data["offset_minutes"])
    return change.data.get("scheduled_start") or row.scheduled_start


def new_duration(row: Any, change: Change) -> Any:
    return change.data.get("duration") or row.duration


_WHERE = ("timezone", "mode", "meeting_link")


def _times(row: Any, change: Change) -> dict[str, Any]:
    where = {name: change.data[name] for name in _WHERE if change.data.get(name)}
    return {
        "scheduled_start": new_start(row, change), "duration": new_duration(row, change),
        **records.clean(MockInterview, where),
    }  # fmt: skip


def _fits_schedule(row: Any, change: Change) -> None:
    if not row.coordinator_active:
        raise Invalid({"scheduled_start": "Its coordinator is no longer active: give it to somebody else first."})
    check_schedule(new_start(row, change), new_duration(row, change), change)
    _times(row, change)


def _stands_where_it_was_left(row: Any, change: Change) -> None:
    """A no-show is taken up again only while its application still stands where that has left it."""
    if row.status == M.NO_SHOW and row.application_status != back_to(row.attempt):
        raise WrongState(
            f"The application is {words(row.application_status).lower()} by now; send it to a new mock interview.",
            state=row.status,
        )


def back_to(attempt: int) -> str:
    """Where an application returns to when its mock interview does not take place."""
    return "ready_for_reassessment" if attempt > 1 else "documents_verified"


def _reschedule(row: Any, change: Change) -> dict[str, Any]:
    return {**_times(row, change), "reschedule_count": row.reschedule_count + 1, "started_at": None}


# --- assessment ---------------------------------------------------------------------------------------


def assessment(change: Change) -> dict[str, Any]:
    """The assessment in ``change.data`` as the columns want it; raises Invalid beside what is missing or wrong."""
    given = {name: change.data.get(name) for name in ASSESSMENT}
    errors = {}
    if given["overall_rating"] in (None, ""):
        errors["overall_rating"] = "Please rate the whole."
    if given["decision"] in (None, ""):
        errors["decision"] = "Please decide."
    if errors:
        raise Invalid(errors)
    return records.clean(MockInterview, {name: "" if value is None else value for name, value in given.items()})


def training_wanted(change: Change) -> dict[str, Any]:
    """The training in ``change.data["training"]`` as the columns want it; raises Invalid."""
    given = change.data.get("training") or {}
    return check_training({name: given[name] for name in TRAINING_FIELDS if name in given})


def check_training(given: Mapping[str, Any]) -> dict[str, Any]:
    if not given.get("training_type"):
        raise Invalid({"training_type": "Please say which training."})
    values = records.clean(TrainingAssignment, {name: value for name, value in given.items() if value is not None})
    start, end = values.get("start_date"), values.get("end_date")
    if start and end and end < start:
        raise Invalid({"end_date": "The end must not be before the start."})
    return values


def _assessed(row: Any, change: Change) -> None:
    decision = assessment(change)["decision"]
    wants = decision == Decision.NEEDS_TRAINING
    if wants and change.by is not None and not may(change.by, *ASSIGN):
        raise Invalid({"decision": "Your role may not assign training, which this decision needs."})
    if wants:
        training_wanted(change)
    elif change.data.get("training"):
        raise Invalid({"training_type": "Training goes with the decision “needs training” alone."})


def _complete(row: Any, change: Change) -> dict[str, Any]:
    given = assessment(change)
    ready = given["decision"] == Decision.APPROVED
    return {**given, "completed_at": change.at, "ready_for_client_interview": ready}


# --- history ------------------------------------------------------------------------------------------

_MOCK_ACTIVITIES = {
    "schedule": ActivityType.MOCK_SCHEDULED, "start": ActivityType.MOCK_STARTED,
    "complete": ActivityType.MOCK_COMPLETED, "cancel": ActivityType.MOCK_CANCELLED,
    "no_show": ActivityType.MOCK_NO_SHOW, "reschedule": ActivityType.MOCK_RESCHEDULED,
}  # fmt: skip
_TRAINING_ACTIVITIES = {
    "start": ActivityType.TRAINING_STARTED, "complete": ActivityType.TRAINING_COMPLETED,
    "cancel": ActivityType.TRAINING_CANCELLED,
}  # fmt: skip


def _mock_values(m: Moved) -> tuple[str, str]:
    if m.verb in ("schedule", "reschedule"):
        old = m.before.scheduled_start
        return old.isoformat() if old else "", m["scheduled_start"].isoformat()
    return m.source, str(m.values.get("decision") or m.target)


def _write_mock_history(session: Any, moved: Sequence[Moved], change: Change) -> None:
    write_activities(session, [
        (m["application_id"], _MOCK_ACTIVITIES[m.verb], *_mock_values(m), change.reason,
         {"mock_interview_id": str(m.id), "attempt": m.before.attempt})
        for m in moved
    ], change)  # fmt: skip


def _write_training_history(session: Any, moved: Sequence[Moved], change: Change) -> None:
    if kind := _TRAINING_ACTIVITIES.get(moved[0].verb):  # the application's own line tells of the readiness
        write_activities(session, [
            (m["application_id"], kind, m.source, str(m.values.get("outcome") or m.target),
             change.reason or str(m.values.get("completion_notes") or ""), {"training_id": str(m.id)})
            for m in moved
        ], change)  # fmt: skip


def _payload(moved: Moved, change: Change) -> dict[str, Any]:
    return {
        "application": str(moved["application_id"]), "reason": change.reason,
        "actor": change.actor_text,
    }  # fmt: skip


def _mock_payload(moved: Moved, change: Change) -> dict[str, Any]:
    start = moved["scheduled_start"]
    return {
        **_payload(moved, change), "coordinator": str(moved["coordinator_id"]), "schedule": moved["reschedule_count"],
        "start": start.isoformat() if start else None,
    }  # fmt: skip


# Applications before what hangs on them, as a hold does too: two operations never wait for each other in a circle.
def _locking_applications(model: Any) -> Callable[[Any, Sequence[UUID], str], None]:
    def lock(session: Any, ids: Sequence[UUID], verb: str) -> None:
        mine = sa.select(model.application_id).where(model.id.in_(ids))
        locked = sa.select(Application.id).where(Application.id.in_(mine)).order_by(Application.id)
        session.execute(locked.with_for_update(key_share=True)).all()

    return lock


def _of_application(model: Any, column: Any, label: str) -> sa.Label[Any]:
    return (
        sa.select(column)
        .where(Application.tenant_id == model.tenant_id, Application.id == model.application_id)
        .scalar_subquery()
        .label(label)
    )


def _coordinator_active() -> sa.Label[Any]:
    theirs = (User.tenant_id == MockInterview.tenant_id, User.id == MockInterview.coordinator_id)
    return sa.select(User.active).where(*theirs).scalar_subquery().label("coordinator_active")


def _assessments() -> sa.Label[Any]:
    """How often the application of a mock interview was assessed."""
    other = aliased(MockInterview)
    same = (other.tenant_id == MockInterview.tenant_id, other.application_id == MockInterview.application_id)
    counted = sa.select(sa.func.count()).select_from(other).where(*same, other.decision.is_not(None))
    return counted.correlate(MockInterview).scalar_subquery().label("assessed")


# --- mock interviews ----------------------------------------------------------------------------------

MOCK_INTERVIEW = register(Workflow(
    "mock interview",
    MockInterview,
    (
        Move("schedule", (M.REQUESTED,), M.SCHEDULED, "Schedule", SCHEDULE, "MockInterviewScheduled",
             guard=_fits_schedule, sets=_times, form="schedule_mock", icon="calendar-plus", tone="blue",
             description="Give it a time"),
        Move("start", (M.SCHEDULED,), M.IN_PROGRESS, "Start", CONDUCT, "MockInterviewStarted",
             sets=lambda row, change: {"started_at": change.at}, icon="play-circle", tone="blue",
             description="The mock interview begins now"),
        Move("complete", (M.IN_PROGRESS,), M.COMPLETED, "Complete", CONDUCT, "MockInterviewCompleted",
             guard=_assessed, sets=_complete, form="complete_mock", icon="clipboard-check", tone="purple",
             description="Assess it and decide"),
        Move("reschedule", (M.SCHEDULED, M.NO_SHOW), M.SCHEDULED, "Reschedule", SCHEDULE,
             "MockInterviewRescheduled", when=_stands_where_it_was_left, guard=_fits_schedule, sets=_reschedule,
             form="reschedule_mock", icon="arrow-repeat", tone="yellow", description="Give it a new time"),
        Move("no_show", (M.SCHEDULED, M.IN_PROGRESS), M.NO_SHOW, "Mark no-show", (*SCHEDULE, *CONDUCT),
             "MockInterviewNoShow", icon="person-x", tone="orange", description="The candidate did not come"),
        Move("cancel", OPEN, M.CANCELLED, "Cancel", SCHEDULE, "MockInterviewCancelled", guard=reason_given,
             sets=lambda row, change: {"cancelled_at": change.at, "cancellation_reason": change.reason},
             form="reason", icon="x-circle", tone="red", danger=True, description="It will not take place"),
    ),
    reads=("application_id", "coordinator_id", "scheduled_start", "duration", "timezone", "mode", "meeting_link",
           "attempt", "reschedule_count", "started_at", "cancelled_at", "cancellation_reason", *ASSESSMENT,
           "completed_at", "ready_for_client_interview",
           _of_application(MockInterview, Application.status, "application_status"),
           _of_application(MockInterview, Application.candidate_id, "candidate_id"), _coordinator_active(),
           _assessments()),
    history=_write_mock_history,
    payload=_mock_payload,
    lock_first=_locking_applications(MockInterview),
))  # fmt: skip


# --- training -----------------------------------------------------------------------------------------


def _outcome_given(row: Any, change: Change) -> None:
    outcome = change.data.get("outcome")
    if not outcome:
        raise Invalid({"outcome": "Please say how it ended."})
    if outcome not in set(TrainingOutcome):
        raise Invalid({"outcome": f"“{outcome}” is not one of: {', '.join(TrainingOutcome)}."})


def _complete_training(row: Any, change: Change) -> dict[str, Any]:
    notes = records.clean(TrainingAssignment, {"completion_notes": change.data.get("completion_notes") or ""})
    return {"completed_at": change.at, "outcome": change.data["outcome"], **notes}


def _not_ready_yet(row: Any, change: Change) -> None:
    if row.ready_for_reassessment:
        raise WrongState("This training was marked ready for reassessment already.", state=row.status)
    if row.application_status != "training_completed":
        raise WrongState(f"The application is {words(row.application_status).lower()} by now.", state=row.status)


TRAINING = register(Workflow(
    "training",
    TrainingAssignment,
    (
        Move("start", (T.ASSIGNED,), T.IN_PROGRESS, "Start", TRAIN, "TrainingStarted",
             sets=lambda row, change: {"started_at": change.at}, icon="play-circle", tone="blue",
             description="The training begins"),
        Move("complete", (T.IN_PROGRESS,), T.COMPLETED, "Complete", TRAIN, "TrainingCompleted",
             guard=_outcome_given, sets=_complete_training, form="complete_training", icon="award", tone="purple",
             description="Say how it ended"),
        Move("ready_for_reassessment", (T.COMPLETED,), T.COMPLETED, "Ready for reassessment", TRAIN,
             "TrainingReadyForReassessment", when=_not_ready_yet,
             sets=lambda row, change: {"ready_for_reassessment": True}, icon="arrow-repeat", tone="cyan",
             description="The candidate may be sent to a mock interview again, or be approved"),
        Move("cancel", GOING_ON, T.CANCELLED, "Cancel", TRAIN, "TrainingCancelled", guard=reason_given,
             sets=lambda row, change: {"cancelled_at": change.at, "cancellation_reason": change.reason},
             form="reason", icon="x-circle", tone="red", danger=True, description="It will not go on"),
    ),
    reads=("application_id", "mock_interview_id", "outcome", "completion_notes", "ready_for_reassessment",
           "started_at", "completed_at", "cancelled_at", "cancellation_reason",
           _of_application(TrainingAssignment, Application.status, "application_status")),
    history=_write_training_history,
    payload=_payload,
    lock_first=_locking_applications(TrainingAssignment),
))  # fmt: skip


# --- sessions -----------------------------------------------------------------------------------------


def session_start(row: Any, change: Change) -> Any:
    return change.data.get("session_start") or row.session_start


def _session_times(row: Any, change: Change) -> dict[str, Any]:
    return {"session_start": session_start(row, change), "duration": new_duration(row, change)}


def _session_fits(row: Any, change: Change) -> None:
    duration = new_duration(row, change)
    if not isinstance(duration, int) or not 5 <= duration <= 720:
        raise Invalid({"duration": "A session lasts from 5 to 720 minutes."})
    check_ahead(session_start(row, change), change, "session_start", "write:training")


def _session_done(row: Any, change: Change) -> dict[str, Any]:
    given = {"feedback": change.data.get("feedback") or "", "rating": change.data.get("rating") or None}
    return {"completed_at": change.at, **records.clean(TrainingSession, given)}


SESSION = register(Workflow(
    "session",
    TrainingSession,
    (
        Move("complete", (S.SCHEDULED,), S.COMPLETED, "Complete", TRAIN, "TrainingSessionCompleted",
             sets=_session_done, form="complete_session", icon="check2-circle", tone="green",
             description="It took place"),
        Move("reschedule", (S.SCHEDULED,), S.SCHEDULED, "Reschedule", TRAIN, "TrainingSessionRescheduled",
             guard=_session_fits, sets=_session_times, form="reschedule_session", icon="arrow-repeat", tone="yellow",
             description="Give it a new time"),
        Move("cancel", (S.SCHEDULED,), S.CANCELLED, "Cancel", TRAIN, "TrainingSessionCancelled",
             guard=reason_given, sets=lambda row, change: {"cancellation_reason": change.reason}, form="reason",
             icon="x-circle", tone="red", danger=True, description="It will not take place"),
    ),
    reads=("assignment_id", "session_start", "duration", "timezone", "topic", "conducted_by_id", "feedback", "rating",
           "cancellation_reason"),
    payload=lambda moved, change: {"training": str(moved["assignment_id"])},
    entity="training_session",
))  # fmt: skip
