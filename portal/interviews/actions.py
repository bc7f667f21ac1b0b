"""Verbs of interviews that are richer than one move: schedule, change, set the panel, reassign."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, events, records
from portal.core.access import Holder
from portal.core.errors import Invalid, Missing, NotAllowed
from portal.core.tenancy import tenant_id
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.hiring.models import ActivityType, Application, Candidate
from portal.hiring.workflow import BY_NAME, CLOSED, write_activities
from portal.interviews import bookings, slots
from portal.interviews.filling import check_panel, fill, template_of
from portal.interviews.models import AHEAD, Audience, Interview, InterviewTemplate
from portal.interviews.panels import check_active, parts, seat, set_panel
from portal.interviews.workflow import INTERVIEW, SCHEDULE, check_times, follow, open_client_applications
from portal.people.models import User
from portal.scheduling import workflow as scheduling


def schedule_interview(
    session: Any, values: Mapping[str, Any], interviewers: Sequence[User], change: Change, *,
    shadows: Sequence[User] = (),
) -> Interview:  # fmt: skip
    """A new interview of one's own application, its panel told; raises Invalid or NotAllowed."""
    values = dict(values)
    change, slot = scheduling.knowing(change, values), values.pop("slot_id", None)
    application = _application(session, values.get("application_id"))
    _require_open(session, application, values.get("audience", Audience.CLIENT), change.by)
    interviewers = slots.fill(session, slot, values, interviewers, change)
    template = _complete(session, values, application, change)
    check_active(interviewers, shadows)
    row = records.create(session, Interview, values)
    seat(session, row, parts(interviewers, shadows))
    check_panel(session, row, template)
    slots.take(session, row, slot, change)
    bookings.occupy(session, row, change)
    _record_scheduling(session, row, change)
    return row


def _complete(
    session: Any, values: dict[str, Any], application: Application, change: Change
) -> InterviewTemplate | None:
    """Fill what was left empty, from the template and the candidate, and check the times."""
    template = template_of(session, values.get("template_id"))
    candidate = session.get(Candidate, (tenant_id(), application.candidate_id))
    fill(values, template, candidate.full_name)
    values["organizer_id"] = values.get("organizer_id") or change.actor
    values["candidate_timezone"] = values.get("candidate_timezone") or candidate.timezone
    _check_times(values, change)
    return template


def _record_scheduling(session: Any, row: Interview, change: Change) -> None:
    note = {"interview_id": str(row.id)}
    line = (
        row.application_id, ActivityType.INTERVIEW_SCHEDULED, "", row.scheduled_start.isoformat(), row.title, note
    )  # fmt: skip
    write_activities(session, [line], change)
    if row.audience == Audience.CLIENT:
        follow(session, [row.application_id], "interview_scheduled", change)
    events.record(
        session, "InterviewScheduled", row.id, change.at, version=row.version,
        start=row.scheduled_start.isoformat(), schedule=row.reschedule_count,
        actor=change.actor_text,
    )  # fmt: skip


def _application(session: Any, key: UUID | None) -> Application:
    # Locked: a hold at the same moment either comes first and is seen, or waits and cancels the new interview.
    found = (
        session.get(Application, (tenant_id(), key), with_for_update={"of": Application, "key_share": True})
        if key
        else None
    )
    if not isinstance(found, Application):
        raise Invalid({"application_id": "Please choose an application."})
    return found


def _require_open(session: Any, application: Application, audience: str, by: Holder | None) -> None:
    if by and not access.allows(session, by, application, *SCHEDULE):
        raise NotAllowed("You may not schedule interviews for this application.")
    status = application.status
    if status in CLOSED or status == "on_hold":
        raise Invalid({"application_id": f"This application is closed or on hold ({words(status).lower()})."})
    if audience != Audience.CLIENT or "interview_scheduled" in BY_NAME[status].leads_to:
        return
    if session.scalar(open_client_applications([application.id]).limit(1)) is None:
        raise Invalid({
            "application_id": f"A client's interview needs an approved application; this one is "
            f"“{BY_NAME[status].label}”. Approve it first, or choose the internal audience."
        })  # fmt: skip


def _check_times(values: Mapping[str, Any], change: Change) -> None:
    missing: list[str] = [name for name in ("scheduled_start", "scheduled_end") if not values.get(name)]
    if missing:
        raise Invalid(dict.fromkeys(missing, "Please fill this in."))
    check_times(values["scheduled_start"], values["scheduled_end"], change)


def change_interview(
    session: Any, row: Interview, values: Mapping[str, Any], interviewers: Sequence[User] | None, version: int,
    change: Change, *, shadows: Sequence[User] = (),
) -> Interview:  # fmt: skip
    """Edit what is not state; new times are a rescheduling, a new panel tells those added and removed."""
    values = dict(values)
    values.pop("application_id", None)  # an interview stays with its application
    change = scheduling.knowing(change, values)
    if version != row.version:
        raise records.Stale(row)
    before = row.template_id
    template = _refill(session, row, values)
    times: dict[str, Any] = {name: values.pop(name) for name in ("scheduled_start", "scheduled_end") if name in values}
    records.update(session, row, values, version)
    moves = any(value and value != getattr(row, name) for name, value in times.items())
    reseated = interviewers is not None and set_panel(
        session, row, interviewers, change, shadows=shadows, takes_time=not moves
    )
    if reseated or row.template_id != before:
        check_panel(session, row, template)
    if moves:
        _move_times(session, row, times, change)
    return row


_NAMED = ("interview_type", "title")
_FILLED = (*_NAMED, "scheduled_end", "interview_guide", "preparation_notes")


def _refill(session: Any, row: Interview, values: dict[str, Any]) -> InterviewTemplate | None:
    """The template that the interview will have. A new one fills what is empty; an emptied title is named anew."""
    before = row.template_id
    key = values.get("template_id", before)
    template = template_of(session, key, before)
    anew = key != before
    if anew and row.status not in AHEAD:
        raise Invalid({"template_id": f"The template of an interview that is {words(row.status).lower()} stays."})
    kind = values.get("interview_type", row.interview_type)
    if anew or kind != row.interview_type or not values.get("title", row.title):
        given = {name: getattr(row, name) for name in _FILLED if name not in values} | values
        fill(given, template, row.application.candidate.full_name, row.scheduled_start)
        values |= {name: given.get(name) for name in (_FILLED if anew else _NAMED)}
    return template


def _move_times(session: Any, row: Interview, times: Mapping[str, Any], change: Change) -> None:
    if row.status not in AHEAD and row.status not in INTERVIEW.moves["reschedule"].sources:
        raise Invalid({"scheduled_start": f"The times of an interview that is {words(row.status).lower()} stay."})
    INTERVIEW.move(session, row, "reschedule", Change(change.at, change.by, {**change.data, **times}))


def reassign_organizer(session: Any, ids: Sequence[UUID], change: Change) -> Result:
    """Give the interviews to ``change.data["organizer"]``; one that has them already is refused in words."""
    organizer: User = change.data["organizer"]
    if not organizer.active:
        raise Invalid({"organizer": f"{organizer.full_name} is no longer active."})
    result = Result()
    query = access.scope(sa.select(Interview), Interview, change.by, *SCHEDULE)  # type: ignore[arg-type]
    rows = {
        row.id: row
        for row in session.scalars(query.where(Interview.id.in_(ids)).with_for_update(of=Interview, key_share=True))
    }
    for key in ids:
        row = rows.get(key)
        if row is None:
            result.refused[key] = Missing()
        elif row.organizer_id == organizer.id:
            result.refused[key] = Invalid({"organizer": f"{organizer.full_name} organizes it already."})
        else:
            _log_reassignment(session, row, organizer, change)
            row.organizer_id = organizer.id
            result.done[key] = None
    session.flush()
    return result


def _log_reassignment(session: Any, row: Interview, organizer: User, change: Change) -> None:
    old = row.organizer.full_name if row.organizer else ""
    note = {"interview_id": str(row.id)}
    line = (row.application_id, ActivityType.ASSIGNED, old, organizer.full_name, "Organizer", note)
    write_activities(session, [line], change)
