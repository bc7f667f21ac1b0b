"""Every status × every verb of mock interviews, trainings and sessions, what a move sets, and where it takes the
application (SPEC §2). Where the application itself may go is in ``tests/hiring/test_pipeline.py``."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from portal.core.db import db
from portal.core.errors import Invalid, PortalError, WrongState
from portal.core.workflow import Workflow
from portal.hiring.models import Application
from portal.people.models import User
from portal.practice.models import MockInterview, TrainingAssignment, TrainingSession
from portal.practice.workflow import MOCK_INTERVIEW, SESSION, TRAINING
from tests.support.clock import MONDAY
from tests.support.hiring import activities, audited, change, colleague, events, history, make_application, move
from tests.support.practice import TRAINING as PLAN
from tests.support.practice import application_of, make_mock, make_session, make_training

HOUR = timedelta(hours=1)
AHEAD, LATER = MONDAY + timedelta(days=2), MONDAY + timedelta(days=7)

Matrix = dict[str, tuple[str | None, ...]]
MOCK_VERBS = ("schedule", "start", "complete", "reschedule", "no_show", "cancel")
MOCK: Matrix = {
    "requested": ("scheduled", None, None, None, None, "cancelled"),
    "scheduled": (None, "in_progress", None, "scheduled", "no_show", "cancelled"),
    "in_progress": (None, None, "completed", None, "no_show", "cancelled"),
    "completed": (None, None, None, None, None, None),
    "cancelled": (None, None, None, None, None, None),
    "no_show": (None, None, None, "scheduled", None, None),
}
TRAINING_VERBS = ("start", "complete", "ready_for_reassessment", "cancel")
TRAININGS: Matrix = {
    "assigned": ("in_progress", None, None, "cancelled"),
    "in_progress": (None, "completed", None, "cancelled"),
    "completed": (None, None, "completed", None),
    "cancelled": (None, None, None, None),
}
SESSION_VERBS = ("complete", "reschedule", "cancel")
SESSIONS: Matrix = {
    "scheduled": ("completed", "scheduled", "cancelled"),
    "completed": (None, None, None),
    "cancelled": (None, None, None),
}
POSSIBLE = {
    ("mock interview", "requested"): "Possible now: Schedule, Cancel.",
    ("mock interview", "scheduled"): "Possible now: Start, Reschedule, Mark no-show, Cancel.",
    ("mock interview", "in_progress"): "Possible now: Complete, Mark no-show, Cancel.",
    ("mock interview", "no_show"): "Possible now: Reschedule.",
    ("training", "assigned"): "Possible now: Start, Cancel.",
    ("training", "in_progress"): "Possible now: Complete, Cancel.",
    ("training", "completed"): "Possible now: Ready for reassessment.",
    ("session", "scheduled"): "Possible now: Complete, Reschedule, Cancel.",
}
TITLES = {
    "schedule": "Schedule", "start": "Start", "complete": "Complete", "reschedule": "Reschedule",
    "no_show": "Mark no-show", "cancel": "Cancel", "ready_for_reassessment": "Ready for reassessment",
}  # fmt: skip
DATA: dict[tuple[str, str], dict[str, Any]] = {
    ("mock interview", "schedule"): {"scheduled_start": LATER},
    ("mock interview", "complete"): {"overall_rating": 4, "decision": "approved", "strengths": "Calm"},
    ("mock interview", "reschedule"): {"scheduled_start": LATER, "duration": 90},
    ("training", "complete"): {"outcome": "reassessment_needed", "completion_notes": "Better"},
    ("session", "complete"): {"feedback": "Went well", "rating": 5},
    ("session", "reschedule"): {"session_start": LATER, "duration": 90},
    **{(flow, "cancel"): {"reason": "The ward is closed"} for flow in ("mock interview", "training", "session")},
}


def make(flow: Workflow, by: User, status: str) -> Any:
    """A row at ``status``, of people who have nothing else to do."""
    if flow is MOCK_INTERVIEW:
        return make_mock(colleague("Interview Coordinator"), status)
    return make_training(by, status) if flow is TRAINING else make_session(make_training(by), status)


MACHINES = [
    pytest.param(MOCK_INTERVIEW, MOCK_VERBS, MOCK, id="mock interview"),
    pytest.param(TRAINING, TRAINING_VERBS, TRAININGS, id="training"),
    pytest.param(SESSION, SESSION_VERBS, SESSIONS, id="session"),
]


@pytest.mark.parametrize(("flow", "verbs", "matrix"), MACHINES)
def test_each_cell_of_the_matrix_is_a_target_or_a_refusal_that_says_what_is_possible(
    alice: User, flow: Workflow, verbs: tuple[str, ...], matrix: Matrix
) -> None:
    def cell(status: str, verb: str) -> str:
        now = POSSIBLE.get((flow.name, status), "Nothing more is possible.")
        refusal = f"This {flow.name} is {status.replace('_', ' ')}; “{TITLES[verb]}” does not start from there. {now}"
        return matrix[status][verbs.index(verb)] or refusal

    assert tuple(flow.moves) == verbs
    told: dict[tuple[str, str], str] = {}
    kinds = set()
    for verb in verbs:
        # One after the other: each lies at the same hour with the same trainer, who gets it back when it is undone.
        for status in matrix:
            savepoint = db.session.begin_nested()
            row = make(flow, alice, status)
            result = flow.apply(db.session(), [row.id], verb, change(alice, **DATA.get((flow.name, verb), {})))
            moved, error = result.done.get(row.id), result.refused.get(row.id)
            told[status, verb] = moved.target if moved else error.message if error else ""
            kinds |= {type(error)} if error else set()
            savepoint.rollback()
    assert told == {(status, verb): cell(status, verb) for status in matrix for verb in verbs}
    assert kinds == {WrongState}


# --- what a move sets and writes down ------------------------------------------------------------------

Sets = dict[str, tuple[Any, Any]]
MOVES: list[tuple[Workflow, str, str, Sets, tuple[str, str, str] | None, str]] = [
    # (machine, verb, from, {column: (before, after)}, (activity, old, new), event)
    (MOCK_INTERVIEW, "schedule", "requested", {"scheduled_start": (None, LATER)},
     ("mock_interview_scheduled", "", LATER.isoformat()), "MockInterviewScheduled"),
    (MOCK_INTERVIEW, "start", "scheduled", {"started_at": (None, MONDAY)},
     ("mock_interview_started", "scheduled", "in_progress"), "MockInterviewStarted"),
    (MOCK_INTERVIEW, "complete", "in_progress",
     {"overall_rating": (None, 4), "decision": (None, "approved"), "strengths": ("", "Calm"),
      "completed_at": (None, MONDAY), "ready_for_client_interview": (False, True)},
     ("mock_interview_completed", "in_progress", "approved"), "MockInterviewCompleted"),
    (MOCK_INTERVIEW, "reschedule", "scheduled",
     {"scheduled_start": (AHEAD, LATER), "duration": (60, 90), "reschedule_count": (0, 1)},
     ("mock_interview_rescheduled", AHEAD.isoformat(), LATER.isoformat()), "MockInterviewRescheduled"),
    (MOCK_INTERVIEW, "no_show", "scheduled", {},
     ("mock_interview_no_show", "scheduled", "no_show"), "MockInterviewNoShow"),
    (MOCK_INTERVIEW, "cancel", "scheduled",
     {"cancelled_at": (None, MONDAY), "cancellation_reason": ("", "The ward is closed")},
     ("mock_interview_cancelled", "scheduled", "cancelled"), "MockInterviewCancelled"),
    (TRAINING, "start", "assigned", {"started_at": (None, MONDAY)},
     ("training_started", "assigned", "in_progress"), "TrainingStarted"),
    (TRAINING, "complete", "in_progress",
     {"completed_at": (None, MONDAY), "outcome": (None, "reassessment_needed"), "completion_notes": ("", "Better")},
     ("training_completed", "in_progress", "reassessment_needed"), "TrainingCompleted"),
    (TRAINING, "ready_for_reassessment", "completed", {"ready_for_reassessment": (False, True)},
     None, "TrainingReadyForReassessment"),
    (TRAINING, "cancel", "assigned",
     {"cancelled_at": (None, MONDAY), "cancellation_reason": ("", "The ward is closed")},
     ("training_cancelled", "assigned", "cancelled"), "TrainingCancelled"),
    (SESSION, "complete", "scheduled",
     {"completed_at": (None, MONDAY), "feedback": ("", "Went well"), "rating": (None, 5)},
     None, "TrainingSessionCompleted"),
    (SESSION, "reschedule", "scheduled", {"session_start": (AHEAD, LATER), "duration": (60, 90)},
     None, "TrainingSessionRescheduled"),
    (SESSION, "cancel", "scheduled", {"cancellation_reason": ("", "The ward is closed")},
     None, "TrainingSessionCancelled"),
]  # fmt: skip


def plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value


def columns(row: Any) -> dict[str, Any]:
    return {attr.key: getattr(row, attr.key) for attr in sa.inspect(type(row)).column_attrs}


@pytest.mark.parametrize(
    ("flow", "verb", "source", "expected", "line", "event"), MOVES, ids=[f"{m[0].name}-{m[1]}" for m in MOVES]
)
def test_a_move_sets_its_columns_and_is_written_down_once_in_each_book(
    alice: User, flow: Workflow, verb: str, source: str, expected: Sets, line: tuple[str, str, str] | None, event: str
) -> None:
    row = make(flow, alice, source)
    before = columns(row)
    data = DATA.get((flow.name, verb), {})
    moved = move(row, verb, alice, **data)
    after = columns(row)

    steps = {"status": (source, moved.target)} if source != moved.target else {}
    changed = steps | expected
    assert {k: (before[k], after[k]) for k in before if before[k] != after[k]} == changed | {"version": (1, 2)}
    assert audited(row) == [(verb, {name: [plain(was), plain(is_)] for name, (was, is_) in changed.items()})]
    assert [name for name, _ in events(row) if not name.startswith("Candidate")] == [event]
    lines = [] if isinstance(row, TrainingSession) else activities(application_of(row))
    own = [(kind, old, new) for kind, old, new, _ in lines if kind not in ("status_change", "stage_change")]
    assert own == ([line] if line else [])


# --- where it takes the application --------------------------------------------------------------------

DECIDED = ["mock_interview_completed"]
ALONG: list[tuple[str, str, int, dict[str, Any], list[str]]] = [
    # (verb, from, attempt, what the form says, the statuses that the application goes through)
    ("schedule", "requested", 1, {"scheduled_start": LATER}, []),
    ("start", "scheduled", 1, {}, []),
    ("reschedule", "scheduled", 1, {"scheduled_start": LATER}, []),
    ("reschedule", "no_show", 1, {"scheduled_start": LATER}, ["mock_interview_scheduled"]),
    ("reschedule", "no_show", 2, {"scheduled_start": LATER}, ["mock_interview_scheduled"]),
    ("complete", "in_progress", 1, {"decision": "approved"}, [*DECIDED, "mock_interview_passed"]),
    ("complete", "in_progress", 2, {"decision": "approved"}, [*DECIDED, "mock_interview_passed"]),
    ("complete", "in_progress", 1, {"decision": "needs_training", "training": PLAN},
     [*DECIDED, "mock_interview_failed", "training_assigned"]),
    ("complete", "in_progress", 1, {"decision": "rejected"},
     [*DECIDED, "mock_interview_failed", "rejected_interview"]),
    *((verb, source, attempt, {"reason": "Ill"}, [back])
      for verb, sources in (("cancel", ("requested", "scheduled", "in_progress")),
                            ("no_show", ("scheduled", "in_progress")))
      for source in sources
      for attempt, back in ((1, "documents_verified"), (2, "ready_for_reassessment"))),
]  # fmt: skip


def stood(source: str, attempt: int) -> str:
    if source != "no_show":
        return "mock_interview_scheduled"
    return "ready_for_reassessment" if attempt > 1 else "documents_verified"


def test_a_mock_interview_takes_its_application_along(alice: User) -> None:
    told = []
    for verb, source, attempt, data, _ in ALONG:
        savepoint = db.session.begin_nested()
        application = make_application(stood(source, attempt), coordinator=alice)
        row = make_mock(alice, source, application, attempt=attempt)
        move(row, verb, alice, **{"overall_rating": 3, **data})
        told.append([target for _, target, _ in history(application)])
        savepoint.rollback()
    assert told == [targets for *_, targets in ALONG]


TRAINED = [
    ("start", "assigned", {}, "training_in_progress"),
    ("complete", "in_progress", {"outcome": "completed_successfully"}, "training_completed"),
    ("complete", "in_progress", {"outcome": "dropped_out"}, "training_completed"),
    ("complete", "in_progress", {"outcome": "reassessment_needed"}, "training_completed"),
    ("ready_for_reassessment", "completed", {}, "ready_for_reassessment"),
    ("cancel", "assigned", {"reason": "Ill"}, "mock_interview_failed"),
    ("cancel", "in_progress", {"reason": "Ill"}, "mock_interview_failed"),
]


def test_a_training_takes_its_application_along(alice: User) -> None:
    told = []
    for verb, source, data, _ in TRAINED:
        row = make_training(alice, source)
        move(row, verb, alice, **data)
        told.append([target for _, target, _ in history(application_of(row))])
    assert told == [[target] for *_, target in TRAINED]


# --- what a guard refuses ------------------------------------------------------------------------------

AWAY = "The application is hired and does not wait for this."
Refusal = str | dict[str, list[str]]
REFUSED: list[tuple[Workflow, str, str, str, dict[str, Any], dict[str, Any], Refusal]] = [
    # (machine, verb, from, where the application stands, the row's values, what the form says, the refusal)
    (MOCK_INTERVIEW, "schedule", "requested", "", {}, {}, {"scheduled_start": ["Please give the start."]}),
    (MOCK_INTERVIEW, "schedule", "requested", "", {}, {"scheduled_start": MONDAY - HOUR},
     {"scheduled_start": ["The start must be in the future."]}),
    (MOCK_INTERVIEW, "schedule", "requested", "", {}, {"scheduled_start": LATER, "duration": 14},
     {"duration": ["A mock interview lasts from 15 to 240 minutes."]}),
    (MOCK_INTERVIEW, "reschedule", "scheduled", "", {}, {"scheduled_start": MONDAY},
     {"scheduled_start": ["The start must be in the future."]}),
    (MOCK_INTERVIEW, "reschedule", "no_show", "approved", {}, {"scheduled_start": LATER},
     "The application is approved by now; send it to a new mock interview."),
    (MOCK_INTERVIEW, "cancel", "scheduled", "", {}, {"reason": " \n"}, {"reason": ["Please give a reason."]}),
    (MOCK_INTERVIEW, "complete", "in_progress", "hired", {}, {"overall_rating": 3, "decision": "approved"}, AWAY),
    (TRAINING, "start", "assigned", "hired", {}, {}, AWAY),
    (TRAINING, "complete", "in_progress", "", {}, {}, {"outcome": ["Please say how it ended."]}),
    (TRAINING, "complete", "in_progress", "", {}, {"outcome": "perhaps"}, {"outcome": [
        "“perhaps” is not one of: completed_successfully, dropped_out, reassessment_needed."]}),
    (TRAINING, "ready_for_reassessment", "completed", "", {"ready_for_reassessment": True}, {},
     "This training was marked ready for reassessment already."),
    (TRAINING, "ready_for_reassessment", "completed", "withdrawn", {}, {}, "The application is withdrawn by now."),
    (TRAINING, "cancel", "assigned", "", {}, {}, {"reason": ["Please give a reason."]}),
    (SESSION, "reschedule", "scheduled", "", {}, {"session_start": MONDAY - HOUR},
     {"session_start": ["The start must be in the future."]}),
    (SESSION, "reschedule", "scheduled", "", {}, {"session_start": LATER, "duration": 721},
     {"duration": ["A session lasts from 5 to 720 minutes."]}),
    (SESSION, "cancel", "scheduled", "", {}, {}, {"reason": ["Please give a reason."]}),
]  # fmt: skip


def _row(flow: Workflow, by: User, status: str, stands: str, values: dict[str, Any]) -> Any:
    application = make_application(stands, coordinator=by) if stands else None
    if flow is MOCK_INTERVIEW:
        return make_mock(by, status, application, **values)
    if flow is TRAINING:
        return make_training(by, status, application, **values)
    return make_session(make_training(by), status, **values)


def _application(row: Any) -> Application:
    if isinstance(row, TrainingSession):
        row = db.session.get_one(TrainingAssignment, (row.tenant_id, row.assignment_id))
    assert isinstance(row, MockInterview | TrainingAssignment)
    return application_of(row)


def test_a_guard_refuses_and_nothing_is_written(alice: User) -> None:
    told = []
    for flow, verb, source, stands, values, data, _ in REFUSED:
        row = _row(flow, alice, source, stands, values)
        before = columns(row)
        with pytest.raises(PortalError) as error:
            move(row, verb, alice, **data)
        told.append(error.value.errors if isinstance(error.value, Invalid) else error.value.message)
        books = (audited(row), events(row), history(_application(row)), activities(_application(row)))
        assert (columns(row), books) == (before, ([], [], [], []))
    assert told == [refusal for *_, refusal in REFUSED]
