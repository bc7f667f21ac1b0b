"""The box of free times beside the forms of mock interviews and sessions, and what is said of a time outside hours."""

from typing import Any
from uuid import UUID

from portal.admin.additions import Aside, aside, remark
from portal.core import access
from portal.practice.bookings import candidates_of
from portal.practice.models import OPEN, MockInterview, SessionStatus, TrainingAssignment, TrainingSession
from portal.practice.workflow import TRAIN
from portal.scheduling import workflow as scheduling
from portal.scheduling.models import SubjectType
from portal.scheduling.queries import said_outside

_LASTS = {"lasts": "[name='duration']"}
_MOCK = {"start": "[name='scheduled_start']", **_LASTS}
_SESSION = {"start": "[name='session_start']", **_LASTS}
_ZONE = {"timezone": "[name='timezone']"}


def _box(kind: SubjectType, row: Any, sends: dict[str, str], after: str = "") -> Aside:
    about = f"&subject={row.id}" if row is not None else ""
    return Aside("Free times", "clock", f"/scheduling/free?type={kind}{about}", sends, after)


@aside("mock-interviews", "new", "edit")
def _beside_a_mock(row: MockInterview | None, user: Any) -> Aside | None:
    if row is not None and row.status not in OPEN:
        return None  # its time stays
    who = {"user": "[name='coordinator_id']", "application": "[name='application_id']"}
    return _box(SubjectType.MOCK_INTERVIEW, row, {**_MOCK, **_ZONE, **who}, "duration")


@aside("mock-interviews", "schedule", "reschedule")
def _beside_its_move(row: MockInterview, user: Any) -> Aside:
    return _box(SubjectType.MOCK_INTERVIEW, row, _MOCK)


@aside("training-sessions", "new", "edit")
def _beside_a_session(row: TrainingSession | None, user: Any) -> Aside | None:
    if row is not None and row.status != SessionStatus.SCHEDULED:
        return None
    who = {"user": "[name='conducted_by_id']", "training": "[name='assignment_id']"}
    return _box(SubjectType.TRAINING_SESSION, row, {**_SESSION, **_ZONE, **who}, "duration")


@aside("training-sessions", "reschedule")
def _beside_moving_a_session(row: TrainingSession, user: Any) -> Aside:
    return _box(SubjectType.TRAINING_SESSION, row, _SESSION)


@remark("mock-interviews", "new", "edit", "schedule", "reschedule")
@remark("training-sessions", "new", "edit", "reschedule")
def _warn(session: Any, row: Any, user: Any) -> str:
    """What was saved although it lies outside somebody's hours: that is for people to decide."""
    return said_outside(session, row.id)


def _of_training(session: Any, key: UUID, by: Any) -> tuple[UUID, ...]:
    """For whom a training is that the reader may arrange sessions of."""
    row = access.fetch(session, TrainingAssignment, key, by, *TRAIN)
    return (candidates_of(session, [row.id])[row.id],)


scheduling.lead_to_candidates("training", _of_training)
