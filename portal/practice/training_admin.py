"""Grids of trainings and their sessions."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from wtforms import IntegerField

from portal.admin.grid import ME, Column, Filter, FormField, Grid, options, to
from portal.admin.lookups import Lookup
from portal.core import clock, timeforms
from portal.core.forms import Within
from portal.core.search import like
from portal.core.types import words
from portal.hiring.models import Application, Candidate, Job, Project
from portal.people.models import User
from portal.practice import queries, training
from portal.practice.models import (
    GOING_ON,
    Priority,
    SessionStatus,
    TrainingAssignment,
    TrainingOutcome,
    TrainingSession,
    TrainingStatus,
    TrainingType,
)
from portal.practice.workflow import ASSIGN

_Assigner = aliased(User, name="assigned_by")
_Recruiter = aliased(User, name="recruiter")
_Trainer = aliased(User, name="trainer")
_NAME = Candidate.first_name + " " + Candidate.last_name

TONES = {"assigned": "indigo", "in_progress": "purple", "completed": "teal", "cancelled": "grey"}
PRIORITY_TONES = {"low": "grey", "medium": "blue", "high": "orange"}
OUTCOME_TONES = {"completed_successfully": "green", "dropped_out": "red", "reassessment_needed": "yellow"}
SESSION_TONES = {"scheduled": "blue", "completed": "teal", "cancelled": "grey"}


def _late() -> sa.ColumnElement[bool]:
    return sa.and_(TrainingAssignment.status.in_(GOING_ON), TrainingAssignment.end_date < clock.now().date())


# Trainings of the reader's that are over, and whose candidates are to be marked ready.
_TO_MARK_READY = sa.select(sa.func.count()).select_from(queries.to_mark_ready(ME).limit(100).subquery())


def _is_going_on(row: TrainingAssignment) -> bool:
    return row.status in GOING_ON


def _badge(session: Any, row: TrainingAssignment) -> dict[str, str]:
    if row.ready_for_reassessment:
        return {"label": "Ready for reassessment", "colour": "cyan", "hint": ""}
    return {"label": words(row.status), "colour": TONES[row.status], "hint": ""}


TRAININGS = Grid(
    TrainingAssignment, "training", "Training", "training", "mortarboard", "Practice",
    description="What candidates work on before they are assessed again.",
    columns=(
        Column("candidate", "Candidate", _NAME, "person", ("candidate",), link="training",
               link_id=TrainingAssignment.id),
        Column("training_type", "Training", TrainingAssignment.training_type, "choice"),
        Column("status", "Status", TrainingAssignment.status, "status", tones=TONES),
        Column("priority", "Priority", TrainingAssignment.priority, "choice", tones=PRIORITY_TONES),
        Column("start_date", "From", TrainingAssignment.start_date, "date"),
        Column("end_date", "Until", TrainingAssignment.end_date, "date", sort=True),
        Column("assigned_by", "Assigned by", _Assigner.full_name, "person", ("assigned_by",), link="users",
               link_id=TrainingAssignment.assigned_by_id),
        Column("job", "Job", Job.title, "title", ("job",), link="applications",
               link_id=TrainingAssignment.application_id),
        Column("outcome", "Outcome", TrainingAssignment.outcome, "choice", tones=OUTCOME_TONES),
        Column("ready_for_reassessment", "Ready", TrainingAssignment.ready_for_reassessment, "bool"),
        Column("recruiter", "Recruiter", _Recruiter.full_name, "person", ("recruiter",), shown=False),
        Column("project", "Project", Project.title, "title", ("project",), shown=False),
        Column("started_at", "Began", TrainingAssignment.started_at, "datetime", shown=False),
        Column("completed_at", "Completed", TrainingAssignment.completed_at, "datetime", shown=False),
        Column("created_at", "Assigned", TrainingAssignment.created_at, "datetime", sort=True, shown=False),
        Column("progress_notes", "Progress", TrainingAssignment.progress_notes, only_details=True),
        Column("completion_notes", "How it ended", TrainingAssignment.completion_notes, only_details=True),
        Column("cancellation_reason", "Cancellation reason", TrainingAssignment.cancellation_reason, shown=False),
    ),
    joins={
        "application": (Application, to(Application, TrainingAssignment.application_id), False),
        "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
        "job": (Job, to(Job, Application.job_id), False),
        "project": (Project, to(Project, Job.project_id), False),
        "assigned_by": (_Assigner, to(_Assigner, TrainingAssignment.assigned_by_id), True),
        "recruiter": (_Recruiter, to(_Recruiter, Application.recruiter_id), True),
    },
    after={"candidate": ("application",), "job": ("application",), "project": ("job", "application"),
           "recruiter": ("application",)},
    filters=(
        Filter("status", "Status", "choice", TrainingAssignment.status, choices=options(TrainingStatus)),
        Filter("type", "Training", "choice", TrainingAssignment.training_type, choices=options(TrainingType)),
        Filter("priority", "Priority", "choice", TrainingAssignment.priority, choices=options(Priority)),
        Filter("until", "Until", "date", TrainingAssignment.end_date, overdue=_late),
        Filter("assigned_by", "Assigned by", "reference", TrainingAssignment.assigned_by_id, lookup="users"),
        Filter("outcome", "Outcome", "choice", TrainingAssignment.outcome, choices=options(TrainingOutcome)),
        Filter("ready", "Ready for reassessment", "bool", TrainingAssignment.ready_for_reassessment),
        Filter("application", "Application", "reference", TrainingAssignment.application_id, lookup="applications",
               permission="read:applications"),
    ),
    default_sort="-created_at",
    search=(
        lambda p: sa.select(TrainingAssignment.id)
        .join(Application, to(Application, TrainingAssignment.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id)).where(like(Candidate.search_text, p)),
    ),
    search_hint="Candidate",
    sections=(
        ("Training", (
            FormField("application_id", "Application", lookup="applications_to_train", on=("new",),
                      help="One whose mock interview was not passed."),
            FormField("training_type", "Training", when=_is_going_on), FormField("priority", when=_is_going_on),
            FormField("focus_areas", when=_is_going_on), FormField("skills_to_improve", when=_is_going_on),
        )),
        ("When", (
            FormField("start_date", "From", when=_is_going_on), FormField("end_date", "Until", when=_is_going_on),
        )),
        ("Notes", (
            FormField("progress_notes", "Progress", on=("edit",)),
            FormField("completion_notes", "How it ended", on=("edit",),
                      when=lambda row: row.status == TrainingStatus.COMPLETED),
        )),
    ),
    create=training.create_training, update=training.change_training, write=ASSIGN, badge=_badge,
    bulk_offers=("start", "complete", "ready_for_reassessment", "cancel"),
    views=(("Late", "until=overdue"), ("In training", "status=assigned&status=in_progress&sort=end_date")),
    waiting=_TO_MARK_READY,
)  # fmt: skip


def _is_to_come(row: TrainingSession) -> bool:
    return row.status == SessionStatus.SCHEDULED


def _repeat(label: str, validators: Any, **more: Any) -> Any:
    rule = Within(1, training.MOST_SESSIONS, message=f"From 1 to {training.MOST_SESSIONS}.")
    return IntegerField(label, [*validators, rule], default=1, **more)


def _every(label: str, validators: Any, **more: Any) -> Any:
    return IntegerField(label, [*validators, Within(1, 90, message="From 1 to 90 days.")], default=7, **more)


SESSIONS = Grid(
    TrainingSession, "training-sessions", "Training sessions", "session", "calendar-week", "Practice",
    description="The meetings of trainings.",
    columns=(
        Column("topic", "Topic", TrainingSession.topic, "title"),
        Column("candidate", "Candidate", _NAME, "person", ("candidate",), link="training",
               link_id=TrainingSession.assignment_id),
        Column("status", "Status", TrainingSession.status, "status", tones=SESSION_TONES),
        Column("session_start", "Start", TrainingSession.session_start, "datetime", sort=True),
        Column("duration", "Minutes", TrainingSession.duration, "number"),
        Column("conducted_by", "Trainer", _Trainer.full_name, "person", ("trainer",), link="users",
               link_id=TrainingSession.conducted_by_id),
        Column("rating", "Rating", TrainingSession.rating, "number"),
        Column("timezone", "Zone", TrainingSession.timezone, "zone", shown=False),
        Column("completed_at", "Completed", TrainingSession.completed_at, "datetime", shown=False),
        Column("feedback", "Feedback", TrainingSession.feedback, shown=False),
        Column("cancellation_reason", "Cancellation reason", TrainingSession.cancellation_reason, shown=False),
    ),
    joins={
        "assignment": (TrainingAssignment, to(TrainingAssignment, TrainingSession.assignment_id), False),
        "application": (Application, to(Application, TrainingAssignment.application_id), False),
        "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
        "trainer": (_Trainer, to(_Trainer, TrainingSession.conducted_by_id), True),
    },
    after={"application": ("assignment",), "candidate": ("assignment", "application")},
    filters=(
        Filter("when", "Start", "date", TrainingSession.session_start,
               overdue=lambda: sa.and_(TrainingSession.status == SessionStatus.SCHEDULED,
                                       TrainingSession.session_start < clock.now())),
        Filter("status", "Status", "choice", TrainingSession.status, choices=options(SessionStatus)),
        Filter("conducted_by", "Trainer", "reference", TrainingSession.conducted_by_id, lookup="users"),
        Filter("training", "Training", "reference", TrainingSession.assignment_id, lookup="trainings"),
    ),
    default_sort="-session_start",
    search=(
        lambda p: sa.select(TrainingSession.id)
        .join(TrainingAssignment, to(TrainingAssignment, TrainingSession.assignment_id))
        .join(Application, to(Application, TrainingAssignment.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id)).where(like(Candidate.search_text, p)),
    ),
    search_hint="Candidate",
    sections=(
        ("Session", (
            FormField("assignment_id", "Training", lookup="trainings", on=("new",)),
            FormField("topic"),
            FormField("conducted_by_id", "Trainer", lookup="users", when=_is_to_come,
                      help="You, unless you choose somebody else."),
        )),
        ("When", (
            FormField("session_start", "Start", zone_field="timezone", when=_is_to_come),
            FormField("duration", "Minutes", when=_is_to_come),
            FormField("timezone", "Zone of these times", required=True, when=_is_to_come),
            FormField("repeat", "How many", on=("new",), field=_repeat, required=False,
                      help="More than one makes a series, at the same time of day."),
            FormField("every_days", "Every so many days", on=("new",), field=_every, required=False),
            FormField("allow_past", "Record one of the past", kind="bool", permission="write:training",
                      when=_is_to_come),
            FormField("overrule_reason", timeforms.OVERRULE, kind="text", permission="write:interviews",
                      help=timeforms.OVERRULE_HELP, when=_is_to_come),
        )),
        ("Afterwards", (
            FormField("feedback", on=("edit",), when=lambda row: row.status == SessionStatus.COMPLETED),
            FormField("rating", on=("edit",), when=lambda row: row.status == SessionStatus.COMPLETED),
        )),
    ),
    create=training.create_session, update=training.change_session, write=("write:training",),
    bulk_offers=("complete", "cancel"),
    views=(("Coming up", "status=scheduled&when=next_30_days&sort=session_start"),),
)  # fmt: skip

GRIDS = (TRAININGS, SESSIONS)

LOOKUPS = (
    Lookup("applications_to_train", Application, _NAME,
           lambda p: sa.or_(like(Candidate.search_text, p), like(Job.search_text, p)), ASSIGN, hint=Job.title,
           joins=((Candidate, to(Candidate, Application.candidate_id)), (Job, to(Job, Application.job_id))),
           choosable=Application.status.in_(training.ASSIGNED_FROM), order=Candidate.last_name, judged_later=True),
    Lookup("trainings", TrainingAssignment, _NAME, lambda p: like(Candidate.search_text, p), ("read:training",),
           hint=Job.title,
           joins=((Application, to(Application, TrainingAssignment.application_id)),
                  (Candidate, to(Candidate, Application.candidate_id)), (Job, to(Job, Application.job_id))),
           choosable=TrainingAssignment.status.in_(GOING_ON), order=Candidate.last_name, judged_later=True),
)  # fmt: skip
