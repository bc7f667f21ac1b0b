"""Verbs of mock interviews that are richer than one move: send, make, change, reassign."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import joinedload

from portal.core import access, events, records
from portal.core.access import may
from portal.core.db import among, insert_many, new_id
from portal.core.errors import Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.events import Event
from portal.core.tenancy import tenant_id
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.hiring.models import ActivityType, Application
from portal.hiring.workflow import BY_NAME, write_activities
from portal.people.models import User
from portal.people.queries import names
from portal.practice import bookings, carrying, checklists, slots
from portal.practice.models import OPEN, TAKES_TIME, MockInterview, MockMode, MockStatus
from portal.practice.workflow import CONDUCT, MOCK_INTERVIEW, SCHEDULE, SENT, check_schedule
from portal.scheduling import workflow as scheduling

SENT_FROM = tuple(name for name, status in BY_NAME.items() if SENT in status.leads_to)
_SAME_FIELDS = ("duration", "timezone", "mode", "meeting_link")


def check_coordinator(user: User | None, field: str = "coordinator_id") -> User:
    """Who is to conduct a mock interview: somebody active who may; raises Invalid in words."""
    if user is None:
        raise Invalid({field: "Please choose a coordinator."})
    if not user.active:
        raise Invalid({field: f"{user.full_name} is no longer active."})
    if not may(user, *CONDUCT):
        raise Invalid({field: f"{user.full_name} does not conduct mock interviews."})
    return user


# --- sending ------------------------------------------------------------------------------------------


Choose = Callable[[Sequence[UUID]], Mapping[UUID, User]]  # the applications that may be sent -> to whom each goes


def send_to_mock_interview(session: Any, ids: Sequence[UUID], change: Change, to: Choose) -> Result:
    """Send each application to a mock interview, with its checklist, and tell its coordinator (option A of SPEC §2).

    ``change.data``: ``scheduled_start``, with which it is scheduled, without one requested; ``duration``,
    ``timezone``, ``mode``, ``meeting_link``, ``notes``. One that the pipeline does not lead there, that has an open
    one already, or whose time is taken, is refused by itself; a note says to whom each of the others went.
    """
    same = _same_of(change)
    rows = carrying.locked(session, ids, change, *SCHEDULE)
    result = Result()
    for key in dict.fromkeys(ids):
        if error := _unfit(rows.get(key)):
            result.refused[key] = error
    former = _former(session, [key for key in rows if key not in result.refused])
    _refuse_the_open(former, result)
    given = to([key for key in dict.fromkeys(ids) if key not in result.refused])
    _refuse_the_idle(given, result)
    ready = [rows[key] for key in given if key not in result.refused]
    mocks = _made_of(ready, given, former, same, change)
    _refuse_the_taken(session, mocks, rows, result, change)
    made = {key: mock for key, mock in mocks.items() if key not in result.refused}
    if made:
        _write(session, made, given, rows, change)
    result.done |= dict.fromkeys(made)
    result.notes |= {key: f"To {given[key].full_name}" for key in made}
    return result


def _same_of(change: Change) -> dict[str, Any]:
    """What all of the new ones have in common, checked."""
    given = {name: change.data[name] for name in _SAME_FIELDS if change.data.get(name)}
    given["request_notes"] = change.data.get("notes") or ""
    start = change.data.get("scheduled_start")
    same = {"duration": 60, "mode": MockMode.VIDEO.value, "meeting_link": "", **records.clean(MockInterview, given)}
    check_schedule(start or datetime.max.replace(tzinfo=change.at.tzinfo), same["duration"], change)
    return {"scheduled_start": start, "status": (MockStatus.SCHEDULED if start else MockStatus.REQUESTED).value, **same}


def _unfit(row: Any) -> PortalError | None:
    if row is None:
        return Missing()
    if not row.allowed:
        return NotAllowed("You may not send this application to a mock interview.")
    if row.status not in (*SENT_FROM, SENT):
        return WrongState(
            f"This application is “{BY_NAME[row.status].label}”; only one whose documents are verified, or that is "
            "ready for reassessment, can be sent to a mock interview.",
            state=row.status,
        )
    return None


def _refuse_the_idle(given: Mapping[UUID, User], result: Result) -> None:
    for key, user in given.items():
        try:
            check_coordinator(user)
        except Invalid as error:
            result.refused[key] = error


def _former(session: Any, keys: Sequence[UUID]) -> Sequence[Any]:
    """The mock interviews that the applications have had so far."""
    query = sa.select(MockInterview.application_id, MockInterview.status, MockInterview.decision, User.full_name)
    query = query.join(User, User.id == MockInterview.coordinator_id)
    return session.execute(query.where(among(session, MockInterview.application_id, keys))).all() if keys else ()


def _refuse_the_open(former: Sequence[Any], result: Result) -> None:
    for key, status, _, name in former:
        if status in OPEN:
            told = f"This application has a mock interview with {name} already, which is {words(status).lower()}."
            result.refused[key] = WrongState(told, state=SENT)


def _made_of(
    ready: Sequence[Any], given: Mapping[UUID, User], former: Sequence[Any], same: Mapping[str, Any], change: Change
) -> dict[UUID, dict[str, Any]]:
    """The rows of the new mock interviews, by application; each assessment so far was an attempt."""
    attempts, owner = Counter(row.application_id for row in former if row.decision), tenant_id()
    return {
        row.id: {
            "tenant_id": owner, "id": new_id(), "application_id": row.id,
            "coordinator_id": given[row.id].id, "attempt": attempts[row.id] + 1,
            "timezone": given[row.id].timezone, "strengths": "", "weaknesses": "", "recommendations": "",
            "general_notes": "", "ready_for_client_interview": False, "cancellation_reason": "",
            "reschedule_count": 0, "draft": {}, "created_at": change.at, "updated_at": change.at, "version": 1, **same,
        }
        for row in ready
    }  # fmt: skip


def _bookings(mocks: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, Any]) -> list[scheduling.Booking]:
    return [
        bookings.of_mock(mock["id"], mock["coordinator_id"], rows[key].candidate_id, mock["scheduled_start"],
                         mock["duration"], mock["timezone"])
        for key, mock in mocks.items()
        if mock["scheduled_start"]
    ]  # fmt: skip


def _refuse_the_taken(
    session: Any, mocks: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, Any], result: Result, change: Change
) -> None:
    wanted = _bookings(mocks, rows)
    applications = {mock["id"]: key for key, mock in mocks.items()}
    for mock, error in scheduling.refusals(session, wanted, change, field="scheduled_start").items():
        result.refused[applications[mock]] = error


def _write(
    session: Any, made: Mapping[UUID, dict[str, Any]], given: Mapping[UUID, User], rows: Mapping[UUID, Any],
    change: Change,
) -> None:  # fmt: skip
    insert_many(session, MockInterview.__table__, list(made.values()))  # type: ignore[arg-type]
    carrying.write_created(session, "mock_interviews", list(made.values()), change)
    checklists.fill(session, {mock["id"]: rows[key].job_role_id for key, mock in made.items()}, change)
    _note_sending(session, made, given, change)
    _take_along(session, [key for key in made if rows[key].status != SENT], made, change)
    if booked := _bookings(made, rows):
        scheduling.occupy(session, booked, change, anew=False, asked=True)
    tell_coordinators(session, {mock["id"]: (key, mock["coordinator_id"]) for key, mock in made.items()}, change)
    timed = {mock["id"]: (key, mock["coordinator_id"]) for key, mock in made.items() if mock["scheduled_start"]}
    _note_event(session, "MockInterviewScheduled", timed, change)


def _note_sending(session: Any, made: Mapping[UUID, Any], given: Mapping[UUID, User], change: Change) -> None:
    write_activities(session, [
        (key, ActivityType.MOCK_SCHEDULED if mock["scheduled_start"] else ActivityType.MOCK_REQUESTED, "",
         mock["scheduled_start"].isoformat() if mock["scheduled_start"] else given[key].full_name,
         mock["request_notes"], {"mock_interview_id": str(mock["id"]), "attempt": mock["attempt"]})
        for key, mock in made.items()
    ], change)  # fmt: skip


def _take_along(session: Any, keys: Sequence[UUID], made: Mapping[UUID, Any], change: Change) -> None:
    if keys:
        coordinators = {key: made[key]["coordinator_id"] for key in keys}
        # What to look at stands on the mock interview, for those who read that one.
        carrying.carry(session, keys, SENT, change, reason="Sent to a mock interview", coordinators=coordinators)


def tell_coordinators(session: Any, mocks: Mapping[UUID, tuple[UUID, UUID]], change: Change) -> None:
    """Record that mock interviews (-> application, coordinator) wait for somebody who did not make them."""
    events.record_many(session, [
        Event("CandidateSentToMockInterview", mock, carrying.told(application, change, user=str(coordinator)))
        for mock, (application, coordinator) in mocks.items()
        if coordinator != change.actor
    ], change.at)  # fmt: skip


def _note_event(session: Any, name: str, mocks: Mapping[UUID, tuple[UUID, UUID]], change: Change) -> None:
    """Record ``name`` of mock interviews (-> application, coordinator)."""
    events.record_many(session, [
        Event(name, mock, carrying.told(application, change, coordinator=str(coordinator)))
        for mock, (application, coordinator) in mocks.items()
    ], change.at)  # fmt: skip


# --- one, by form -------------------------------------------------------------------------------------


def create_mock_interview(session: Any, values: Mapping[str, Any], change: Change) -> MockInterview:
    """A new mock interview of one application, which is the sending, maybe in a slot (``slot_id``); raises what was
    refused."""
    application = values.get("application_id")
    if application is None:
        raise Invalid({"application_id": "Please choose an application."})
    values = slots.fill(session, values, change)
    coordinator = check_coordinator(_user(session, values.get("coordinator_id")) or _myself(session, change))
    notes = values.get("notes") or values.get("request_notes") or ""
    given = Change(change.at, change.by, {**change.data, **values, "notes": notes})
    result = send_to_mock_interview(session, [application], given, lambda keys: dict.fromkeys(keys, coordinator))
    if error := result.refused.get(application):
        if isinstance(error, Missing | WrongState):
            raise Invalid({"application_id": error.message}) from error
        raise error
    query = sa.select(MockInterview).where(MockInterview.application_id == application, MockInterview.status.in_(OPEN))
    named = joinedload(MockInterview.application, innerjoin=True).joinedload(Application.candidate, innerjoin=True)
    row: MockInterview = session.scalars(query.options(named)).one()
    slots.take(session, row, values.get("slot_id"), change)
    return row


def _myself(session: Any, change: Change) -> User | None:
    """Who makes one without naming a coordinator conducts it, if they may."""
    return _user(session, change.actor) if change.by is not None and may(change.by, *CONDUCT) else None


def _user(session: Any, key: UUID | None) -> User | None:
    return session.get(User, (tenant_id(), key)) if key else None


def change_mock_interview(
    session: Any, row: MockInterview, values: Mapping[str, Any], version: int, change: Change
) -> MockInterview:
    """Edit what is not state: a time for one that has none schedules it, another time reschedules it, another
    coordinator takes it over."""
    values = dict(values)
    values.pop("application_id", None)
    change = scheduling.knowing(change, values)
    if version != row.version:
        raise records.Stale(row)
    coordinator = values.pop("coordinator_id", row.coordinator_id)
    start = values.pop("scheduled_start", row.scheduled_start)
    duration = values.pop("duration", None) or row.duration
    moves = start is not None and (start, duration) != (row.scheduled_start, row.duration)
    if coordinator != row.coordinator_id:
        given = Change(change.at, change.by, {**change.data, "coordinator": _user(session, coordinator)})
        # With another time as well, the new coordinator need not be free at the old one.
        refused = reassign_coordinator(session, [row.id], given, field="coordinator_id", timed=not moves).refused
        if row.id in refused:
            raise refused[row.id]
        session.refresh(row)
    _retime(session, row, start, duration, change)
    return records.update(session, row, values, None)  # type: ignore[no-any-return]


def _retime(session: Any, row: MockInterview, start: datetime | None, duration: int, change: Change) -> None:
    if (start, duration) == (row.scheduled_start, row.duration):
        return
    if start is None and row.scheduled_start is not None:
        raise Invalid({"scheduled_start": "It has a time already: give it another one, or cancel it."})
    if start is None:  # a request may say how long it will take
        check_schedule(datetime.max.replace(tzinfo=change.at.tzinfo), duration, change)
        records.update(session, row, {"duration": duration}, None)
        return
    verb = "schedule" if row.status == MockStatus.REQUESTED else "reschedule"
    if row.status not in MOCK_INTERVIEW.moves[verb].sources:
        raise Invalid({"scheduled_start": f"The time of one that is {words(row.status).lower()} stays."})
    given = {"scheduled_start": start, "duration": duration}
    MOCK_INTERVIEW.move(session, row, verb, Change(change.at, change.by, {**change.data, **given}))


# --- another coordinator ------------------------------------------------------------------------------


def reassign_coordinator(
    session: Any, ids: Sequence[UUID], change: Change, *, field: str = "coordinator", timed: bool = True
) -> Result:
    """Give open mock interviews, and their applications, to ``change.data["coordinator"]``, who is told; one whose
    time they have taken is refused by itself. Not ``timed``: the caller gives them another time right afterwards."""
    coordinator = check_coordinator(change.data["coordinator"], field)
    MOCK_INTERVIEW.lock_first(session, ids, "reassign")  # type: ignore[misc]
    query = access.scope(sa.select(MockInterview), MockInterview, change.by, *SCHEDULE, rowwise=True)  # type: ignore[arg-type]
    locked = query.where(MockInterview.id.in_(ids)).order_by(MockInterview.id)
    locked = locked.with_for_update(of=MockInterview, key_share=True).execution_options(populate_existing=True)
    rows = {row.id: row for row in session.scalars(locked)}
    result = Result()
    for key in dict.fromkeys(ids):
        if error := _stays(rows.get(key), coordinator, field):
            result.refused[key] = error
    moving = [rows[key] for key in rows if key not in result.refused]
    moving = _with_room(session, moving, coordinator, result, change, field) if timed else moving
    _hand_over(session, moving, coordinator, change)
    result.done |= dict.fromkeys(row.id for row in moving)
    return result


def _stays(row: MockInterview | None, coordinator: User, field: str) -> PortalError | None:
    if row is None:
        return Missing()
    if row.status not in OPEN:
        return WrongState(f"This mock interview is {words(row.status).lower()}.", state=row.status)
    if row.coordinator_id == coordinator.id:
        return Invalid({field: f"{coordinator.full_name} has it already."})
    return None


def _with_room(
    session: Any, rows: Sequence[MockInterview], coordinator: User, result: Result, change: Change, field: str
) -> list[MockInterview]:
    """Those for which the new coordinator has time, which is taken up."""
    timed = [row for row in rows if row.status in TAKES_TIME]
    applications = sa.select(Application.id, Application.candidate_id)
    mine = applications.where(Application.id.in_([row.application_id for row in timed]))
    candidates = dict(session.execute(mine).all()) if timed else {}
    wanted = [
        bookings.of_mock(row.id, coordinator.id, candidates[row.application_id], row.scheduled_start, row.duration,
                         row.timezone)
        for row in timed
        if row.scheduled_start
    ]  # fmt: skip
    refused = scheduling.refusals(session, wanted, change, field=field)
    result.refused |= refused
    if fit := [each for each in wanted if each.subject_id not in refused]:
        scheduling.occupy(session, fit, change, field=field, asked=True)
    return [row for row in rows if row.id not in refused]


def _hand_over(session: Any, rows: Collection[MockInterview], coordinator: User, change: Change) -> None:
    called = names(session, {row.coordinator_id for row in rows})
    lines = [
        (row.application_id, ActivityType.ASSIGNED, called.get(row.coordinator_id, ""), coordinator.full_name,
         "Coordinator", {"mock_interview_id": str(row.id)})
        for row in rows
    ]  # fmt: skip
    write_activities(session, lines, change)
    mine = sa.select(Application).where(Application.id.in_([row.application_id for row in rows]))
    for application in session.scalars(mine.execution_options(populate_existing=True)) if rows else ():
        application.coordinator_id = coordinator.id
    for row in rows:
        row.coordinator_id = coordinator.id
    session.flush()
    slots.leave(session, [row.id for row in rows], change)
    given = {row.id: (row.application_id, coordinator.id) for row in rows}
    tell_coordinators(session, given, change)
    _note_event(session, "MockInterviewHandedOver", given, change)
