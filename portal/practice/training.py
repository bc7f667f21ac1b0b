"""Verbs of training that are richer than one move: assign, note progress, edit, and make sessions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, records
from portal.core.db import among, new_id
from portal.core.errors import Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.tenancy import tenant_id
from portal.core.types import LongText, days_later, words, zone
from portal.core.workflow import Change, Result
from portal.hiring.workflow import BY_NAME
from portal.people.models import User
from portal.practice import bookings, carrying
from portal.practice.models import (
    GOING_ON,
    Decision,
    MockInterview,
    SessionStatus,
    TrainingAssignment,
    TrainingSession,
)
from portal.practice.workflow import ASSIGN, SESSION, TRAIN, TRAINING_FIELDS, check_ahead, check_training
from portal.scheduling import workflow as scheduling

ASSIGNED_FROM = tuple(name for name, status in BY_NAME.items() if carrying.ASSIGNED in status.leads_to)
MOST_SESSIONS = 52
LONGEST_NOTE = 5_000  # characters


# --- assigning ----------------------------------------------------------------------------------------


def assign_training(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Assign the training in ``change.data`` (fields as in SPEC §1) to each application, following from its last
    failed mock interview; one that does not wait for training is refused by itself."""
    given = {name: change.data[name] for name in TRAINING_FIELDS if name in change.data}
    wanted = check_training(given)
    rows = carrying.locked(session, ids, change, *ASSIGN)
    result = Result()
    for key in dict.fromkeys(ids):
        if error := _unfit(rows.get(key)):
            result.refused[key] = error
    ready = [key for key in dict.fromkeys(ids) if key not in result.refused]
    if ready:
        causes = _last_failed(session, ready)
        carrying.give_training(session, {key: causes.get(key) for key in ready}, wanted, change)
    result.done |= dict.fromkeys(ready)
    return result


def _unfit(row: Any) -> PortalError | None:
    if row is None:
        return Missing()
    if not row.allowed:
        return NotAllowed("You may not assign training for this application.")
    if row.status not in ASSIGNED_FROM:
        return WrongState(
            f"This application is “{BY_NAME[row.status].label}”; training follows a mock interview"
            " that was not passed.",
            state=row.status,
        )
    return None


def _last_failed(session: Any, applications: Sequence[UUID]) -> dict[UUID, UUID]:
    """By application its last mock interview that was not passed."""
    query = (
        sa.select(MockInterview.application_id, MockInterview.id)
        .where(among(session, MockInterview.application_id, applications),
               MockInterview.decision.in_((Decision.NEEDS_TRAINING, Decision.REJECTED)))
        .order_by(MockInterview.completed_at, MockInterview.id)
    )  # fmt: skip
    return dict(session.execute(query).all())


def create_training(session: Any, values: Mapping[str, Any], change: Change) -> TrainingAssignment:
    """A new training of one application; raises what was refused."""
    application = values.get("application_id")
    if application is None:
        raise Invalid({"application_id": "Please choose an application."})
    result = assign_training(session, [application], Change(change.at, change.by, {**change.data, **values}))
    if error := result.refused.get(application):
        if isinstance(error, Missing | WrongState):
            raise Invalid({"application_id": error.message}) from error
        raise error
    query = sa.select(TrainingAssignment).where(
        TrainingAssignment.application_id == application, TrainingAssignment.status.in_(GOING_ON)
    )
    return session.scalars(query).one()  # type: ignore[no-any-return]


def change_training(
    session: Any, row: TrainingAssignment, values: Mapping[str, Any], version: int, change: Change
) -> TrainingAssignment:
    """Edit what is not state, progress notes among it; one that is over keeps what it was about."""
    values = {name: value for name, value in values.items() if name not in ("application_id", "mock_interview_id")}
    if row.status not in GOING_ON and any(values.get(n, getattr(row, n)) != getattr(row, n) for n in TRAINING_FIELDS):
        raise WrongState(f"This training is {words(row.status).lower()}; it stays as it was.", state=row.status)
    plan = {name: values.get(name, getattr(row, name)) for name in TRAINING_FIELDS}
    check_training(plan)
    return records.update(session, row, values, version)  # type: ignore[no-any-return]


def note_progress(session: Any, row: TrainingAssignment, text: str, change: Change) -> TrainingAssignment:
    """Add a line to the progress notes, with its day and author; raises Invalid for an empty one.

    It adds to what is there under the row's lock, so nothing that somebody else has noted meanwhile is lost: no
    version is compared."""
    if change.by and not access.allows(session, change.by, row, *TRAIN):
        raise NotAllowed("You may not note progress of this training.")
    text = LongText.clean(text)
    if not text:
        raise Invalid({"text": "Please write something."})
    if len(text) > LONGEST_NOTE:
        raise Invalid({"text": f"At most {LONGEST_NOTE:,} characters, please; these are {len(text):,}."})
    session.refresh(row, with_for_update={"key_share": True})
    if row.status not in GOING_ON:
        raise WrongState(f"This training is {words(row.status).lower()}.", state=row.status)
    who = getattr(change.by, "full_name", "")
    here = change.at.astimezone(zone(getattr(change.by, "timezone", "UTC")))
    line = f"{here.day} {here:%b %Y}, {who}: {text}" if who else text
    return records.update(session, row, {"progress_notes": f"{row.progress_notes}\n{line}".strip()}, None)  # type: ignore[no-any-return]


# --- sessions -----------------------------------------------------------------------------------------


def create_session(session: Any, values: Mapping[str, Any], change: Change) -> TrainingSession:
    """One session, or a series with ``repeat`` (how many) and ``every_days``: the first is answered.

    All of a series or none: the error of one that clashes names its time."""
    return create_sessions(session, values, change)[0]


def create_sessions(session: Any, values: Mapping[str, Any], change: Change) -> list[TrainingSession]:
    """A series on the wall clock of its zone: nine o'clock stays nine o'clock when the clocks change in between."""
    values = dict(values)
    change = scheduling.knowing(change, values)
    count, every = values.pop("repeat", None) or 1, values.pop("every_days", None) or 7
    _check_series(count, every)
    assignment = _open_training(session, values.get("assignment_id"), change)
    if values.get("conducted_by_id") is None and change.by is not None:
        values["conducted_by_id"] = change.actor
    _check_trainer(session, values.get("conducted_by_id"))
    if values.get("session_start") is None:
        raise Invalid({"session_start": "Please give the start."})
    check_ahead(values["session_start"], change, "session_start", "write:training")
    series = new_id() if count > 1 else None
    made = []
    for start in _starts(values["session_start"], count, every, values.get("timezone") or "UTC"):
        made.append(records.create(session, TrainingSession, {**values, "session_start": start, "series_id": series}))
    bookings.take_up(session, made, change)
    records.touch(assignment)
    session.flush()
    return made


def _check_series(count: Any, every: Any) -> None:
    if not isinstance(count, int) or not 1 <= count <= MOST_SESSIONS:
        raise Invalid({"repeat": f"From 1 to {MOST_SESSIONS} sessions."})
    if not isinstance(every, int) or not 1 <= every <= 90:
        raise Invalid({"every_days": "From 1 to 90 days."})


def _starts(first: datetime, count: int, every: int, zone_name: str) -> list[datetime]:
    return [days_later(first, number * every, zone_name) if number else first for number in range(count)]


def _open_training(session: Any, key: UUID | None, change: Change) -> TrainingAssignment:
    # Locked: a training that ends at the same moment comes first and is seen, or waits and cancels the new session.
    found = session.get(TrainingAssignment, (tenant_id(), key), with_for_update={"key_share": True}) if key else None
    if not isinstance(found, TrainingAssignment):
        raise Invalid({"assignment_id": "Please choose a training."})
    if change.by and not access.allows(session, change.by, found, "write:training"):
        raise NotAllowed("You may not arrange sessions of this training.")
    if found.status not in GOING_ON:
        raise Invalid({"assignment_id": f"This training is {words(found.status).lower()}."})
    return found


def _check_trainer(session: Any, key: UUID | None) -> None:
    trainer = session.get(User, (tenant_id(), key)) if key else None
    if key and (trainer is None or not trainer.active):
        raise Invalid({"conducted_by_id": f"{trainer.full_name if trainer else 'This person'} is no longer active."})


def change_session(
    session: Any, row: TrainingSession, values: Mapping[str, Any], version: int, change: Change
) -> TrainingSession:
    """Edit a session: new times are a rescheduling; another trainer's time is taken up."""
    values = {name: value for name, value in values.items() if name not in ("assignment_id", "repeat", "every_days")}
    change = scheduling.knowing(change, values)
    if version != row.version:
        raise records.Stale(row)
    times = {name: values.pop(name) for name in ("session_start", "duration") if values.get(name) is not None}
    moves = any(value != getattr(row, name) for name, value in times.items())
    if (moves or values.get("conducted_by_id", row.conducted_by_id) != row.conducted_by_id) and (
        row.status != SessionStatus.SCHEDULED
    ):
        raise WrongState(f"This session is {words(row.status).lower()}; its time and trainer stay.", state=row.status)
    before = row.conducted_by_id
    _check_trainer(session, values.get("conducted_by_id"))
    records.update(session, row, values, version)
    if row.conducted_by_id != before and not moves:
        bookings.take_up(session, [row], change)
    if moves:
        given = Change(change.at, change.by, {**change.data, **times})
        SESSION.move(session, row, "reschedule", given, version=row.version)
    return row
