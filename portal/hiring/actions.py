"""Verbs of hiring: the pipeline a tenant starts with, nominate a candidate, assign people to an application."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from portal.core import access, records
from portal.core.errors import Invalid, Missing, NotAllowed
from portal.core.tenancy import tenant_id
from portal.core.types import LongText
from portal.core.workflow import Change, Result
from portal.hiring.models import ActivityType, Application, Candidate, Job, PipelineStage, PipelineStatus, StatusChange
from portal.hiring.pipeline import STAGES, STATUSES
from portal.hiring.workflow import Line, write_activities
from portal.people.models import User
from portal.people.queries import names

ASSIGN = "write:applications"
NOTE = ("write:notes", "write:applications", "update:candidate_status")
LONGEST_NOTE = 5_000  # characters


def add_pipeline(session: Any) -> None:
    """The stages and statuses that a new tenant starts with."""
    stages = {}
    for order, (name, label, colour, icon) in enumerate(STAGES):
        stages[name] = PipelineStage(name=name, label=label, colour=colour, icon=icon, order=order)
        session.add(stages[name])
    session.flush()
    for order, status in enumerate(STATUSES):
        session.add(
            PipelineStatus(
                stage_id=stages[status.stage].id, name=status.name, label=status.label,
                description=status.description, colour=status.colour, icon=status.icon, order=order,
            )
        )  # fmt: skip
    session.flush()


def add_candidate(session: Any, values: Mapping[str, Any], change: Change) -> Candidate:
    """A new candidate, whose recruiter is who made it unless another is named."""
    values = dict(values)
    values["recruiter_id"] = values.get("recruiter_id") or change.actor
    return records.create(session, Candidate, values)


def nominate(session: Any, values: Mapping[str, Any], change: Change) -> Application:
    """Put a candidate forward for a job; raises Invalid where they are for this job already."""
    values = dict(values)
    job = session.get(Job, (tenant_id(), values["job_id"])) if values.get("job_id") else None
    if job is None:
        raise Invalid({"job_id": "Please choose a job."})
    if job.status in ("closed", "filled"):
        raise Invalid({"job_id": f"This job is {job.status}."})
    twice = sa.select(Application.id).where(
        Application.candidate_id == values["candidate_id"], Application.job_id == job.id
    )
    if session.scalar(twice):
        raise Invalid({"candidate_id": "This candidate is nominated for this job already."})
    values["recruiter_id"] = values.get("recruiter_id") or change.actor
    row = records.create(session, Application, values)
    session.add(StatusChange(application_id=row.id, source="", target=row.status, actor_id=change.actor, at=change.at))
    write_activities(session, [(row.id, ActivityType.CREATED, "", row.status, "", {})], change)
    return row


def assign(session: Any, ids: Sequence[UUID], change: Change, field: str) -> Result:
    """Give the applications to ``change.data[field]`` as recruiter or coordinator (``field`` names which)."""
    user: User = change.data[field]
    if not user.active:
        raise Invalid({field: f"{user.full_name} is no longer active."})
    column = f"{field}_id"
    result = Result()
    query = access.scope(sa.select(Application), Application, change.by, ASSIGN)  # type: ignore[arg-type]
    locked = query.where(Application.id.in_(ids)).with_for_update(of=Application, key_share=True)
    rows = {row.id: row for row in session.scalars(locked)}
    called = names(session, {getattr(row, column) for row in rows.values()} - {None})
    lines: list[Line] = []
    for key in ids:
        row = rows.get(key)
        if row is None:
            result.refused[key] = Missing()
        elif getattr(row, column) == user.id:
            result.refused[key] = Invalid({field: f"{user.full_name} is the {field} already."})
        else:
            old = called.get(getattr(row, column), "")
            lines.append((row.id, ActivityType.ASSIGNED, old, user.full_name, field.capitalize(), {}))
            setattr(row, column, user.id)
            result.done[key] = None
    write_activities(session, lines, change)
    session.flush()
    return result


def add_note(session: Any, row: Application, text: str, change: Change) -> None:
    """A note on the application's timeline; raises Invalid for an empty or an endless one."""
    if change.by and not access.allows(session, change.by, row, *NOTE):
        raise NotAllowed("You may not add notes to this application.")
    text = LongText.clean(text)
    if not text:
        raise Invalid({"text": "Please write something."})
    if len(text) > LONGEST_NOTE:
        raise Invalid({"text": f"At most {LONGEST_NOTE:,} characters, please; these are {len(text):,}."})
    write_activities(session, [(row.id, ActivityType.NOTE_ADDED, "", "", text, {})], change)
