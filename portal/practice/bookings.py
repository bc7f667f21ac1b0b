"""How mock interviews and training sessions take up the time of their people, and give it back (SPEC §4)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access
from portal.core.access import Holder
from portal.core.errors import PortalError
from portal.core.workflow import Change, Moved
from portal.hiring.models import Application, Candidate
from portal.practice.models import MockInterview, TrainingAssignment, TrainingSession
from portal.practice.workflow import MOCK_INTERVIEW, SCHEDULE, SESSION, TRAIN
from portal.scheduling import workflow as scheduling
from portal.scheduling.models import SubjectType
from portal.scheduling.workflow import Booking, Party


def of_mock(key: UUID, coordinator: UUID, candidate: UUID, start: datetime, minutes: int, zone: str) -> Booking:
    end = start + timedelta(minutes=minutes)
    return Booking(SubjectType.MOCK_INTERVIEW, key, start, end, (coordinator,), (candidate,), zone)


def of_session(
    key: UUID, conducted_by: UUID | None, candidate: UUID, start: datetime, minutes: int, zone: str
) -> Booking:
    end, users = start + timedelta(minutes=minutes), (conducted_by,) if conducted_by else ()
    return Booking(SubjectType.TRAINING_SESSION, key, start, end, users, (candidate,), zone)


# --- mock interviews ----------------------------------------------------------------------------------


def _mocks(moved: Sequence[Moved]) -> list[Booking]:
    return [
        of_mock(m.id, m["coordinator_id"], m.before.candidate_id, m["scheduled_start"], m["duration"], m["timezone"])
        for m in moved
    ]


def _refuse_clashes(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    return scheduling.refusals(session, _mocks(moved), change, field="scheduled_start")


def _occupy(session: Any, moved: Sequence[Moved], change: Change) -> None:
    scheduling.occupy(session, _mocks(moved), change, asked=True)


def _release(session: Any, moved: Sequence[Moved], change: Change) -> None:
    scheduling.release(session, [m.id for m in moved])


def _mock_titles(session: Any, ids: Collection[UUID], by: Holder | None) -> Mapping[UUID, str]:
    if by is None:
        return {}
    name = "Mock interview of " + Candidate.first_name + " " + Candidate.last_name
    query = (
        sa.select(MockInterview.id, name)
        .join(Application, Application.id == MockInterview.application_id)
        .join(Candidate, Candidate.id == Application.candidate_id)
        .where(MockInterview.id.in_(list(ids)))
    )
    return dict(session.execute(access.scope(query, MockInterview, by, rowwise=True)).all())


def _mock_party(session: Any, key: UUID, by: Holder) -> Party:
    row = access.fetch(session, MockInterview, key, by, *SCHEDULE)
    return Party((row.coordinator_id,), (_candidate_of(session, row.application_id),), row.timezone)


def _candidate_of(session: Any, application: UUID) -> UUID:
    return session.scalar(sa.select(Application.candidate_id).where(Application.id == application))  # type: ignore[no-any-return]


# --- sessions -----------------------------------------------------------------------------------------


def candidates_of(session: Any, assignments: Collection[UUID]) -> dict[UUID, UUID]:
    """Whom each training is for."""
    query = (
        sa.select(TrainingAssignment.id, Application.candidate_id)
        .join(Application, Application.id == TrainingAssignment.application_id)
        .where(TrainingAssignment.id.in_(list(assignments)))
    )
    return dict(session.execute(query).all())


def _sessions(session: Any, moved: Sequence[Moved]) -> list[Booking]:
    candidates = candidates_of(session, {m["assignment_id"] for m in moved})
    return [
        of_session(m.id, m["conducted_by_id"], candidates[m["assignment_id"]], m["session_start"], m["duration"],
                   m["timezone"])
        for m in moved
    ]  # fmt: skip


def _refuse_session_clashes(session: Any, moved: Sequence[Moved], change: Change) -> Mapping[UUID, PortalError]:
    return scheduling.refusals(session, _sessions(session, moved), change, field="session_start")


def _occupy_sessions(session: Any, moved: Sequence[Moved], change: Change) -> None:
    scheduling.occupy(session, _sessions(session, moved), change, field="session_start", asked=True)


def take_up(session: Any, rows: Sequence[TrainingSession], change: Change) -> None:
    """The time of sessions that are new or have another trainer; raises Clash beside the field for the first that
    finds it taken."""
    candidates = candidates_of(session, {row.assignment_id for row in rows})
    booked = [
        of_session(row.id, row.conducted_by_id, candidates[row.assignment_id], row.session_start, row.duration,
                   row.timezone)
        for row in rows
    ]  # fmt: skip
    scheduling.occupy(session, booked, change, field="session_start")


def _session_titles(session: Any, ids: Collection[UUID], by: Holder | None) -> Mapping[UUID, str]:
    if by is None:
        return {}
    query = sa.select(TrainingSession.id, TrainingSession.topic).where(TrainingSession.id.in_(list(ids)))
    return dict(session.execute(access.scope(query, TrainingSession, by, rowwise=True)).all())


def _session_party(session: Any, key: UUID, by: Holder) -> Party:
    row = access.fetch(session, TrainingSession, key, by, *TRAIN)
    users = (row.conducted_by_id,) if row.conducted_by_id else ()
    return Party(users, (candidates_of(session, [row.assignment_id])[row.assignment_id],), row.timezone)


scheduling.describe(SubjectType.MOCK_INTERVIEW, _mock_titles)
scheduling.take_part(SubjectType.MOCK_INTERVIEW, _mock_party)
scheduling.describe(SubjectType.TRAINING_SESSION, _session_titles)
scheduling.take_part(SubjectType.TRAINING_SESSION, _session_party)
for _verb in ("schedule", "reschedule"):
    MOCK_INTERVIEW.judged(_verb, _refuse_clashes)
    MOCK_INTERVIEW.on(_verb, _occupy)
for _verb in ("complete", "cancel", "no_show"):
    MOCK_INTERVIEW.on(_verb, _release)
SESSION.judged("reschedule", _refuse_session_clashes)
SESSION.on("reschedule", _occupy_sessions)
for _verb in ("complete", "cancel"):
    SESSION.on(_verb, _release)
