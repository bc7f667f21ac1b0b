"""Grids of mock interviews and their checklists, and what they add to applications."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.admin.grid import ME, NOW, Action, Column, Filter, FormField, Grid, options, to
from portal.admin.lookups import Lookup
from portal.core import clock, timeforms
from portal.core.search import like
from portal.core.types import words
from portal.hiring.models import Application, Candidate, Job, JobRole, Project
from portal.people.models import User
from portal.people.queries import holding
from portal.practice import actions, bookings, checklists, queries, series  # noqa: F401 - bookings hang on the moves
from portal.practice.models import (
    OPEN,
    STILL_OPEN,
    ChecklistCategory,
    Decision,
    MockInterview,
    MockInterviewChecklistItem,
    MockInterviewChecklistTemplate,
    MockMode,
    MockStatus,
)
from portal.practice.workflow import SCHEDULE, SENT_FROM

_Coordinator = aliased(User, name="coordinator")
_Recruiter = aliased(User, name="recruiter")
_NAME = Candidate.first_name + " " + Candidate.last_name

TONES = {
    "requested": "yellow", "scheduled": "blue", "in_progress": "purple", "completed": "teal", "cancelled": "grey",
    "no_show": "orange",
}  # fmt: skip
DECISION_TONES = {"approved": "green", "needs_training": "yellow", "rejected": "red"}
CATEGORY_TONES = {
    "technical_skills": "blue", "communication": "teal", "professionalism": "purple", "role_specific": "indigo",
    "knowledge": "cyan",
}  # fmt: skip
_MANY = 100  # the menu need not count further
_ASSESS = "write:mock_interviews"  # who merely arranges them does not write what was found
_MANAGE_CHECKLISTS = ("write:interview_templates",)


# --- mock interviews ------------------------------------------------------------------------------------


def _lock_application(session: Any, row: MockInterview) -> None:
    """Before the mock interview, as its moves and a hold do: nobody waits in a circle."""
    mine = sa.select(Application.id).where(Application.id == row.application_id)
    session.execute(mine.with_for_update(key_share=True)).all()


def _is_open(row: MockInterview) -> bool:
    return row.status in OPEN


def _is_assessed(row: MockInterview) -> bool:
    return row.status == MockStatus.COMPLETED


# Requests that wait for a time, and what has begun and is not assessed: of the reader as coordinator.
_AWAITING = sa.select(sa.func.count()).select_from(
    sa.select(MockInterview.id)
    .where(MockInterview.coordinator_id == ME, STILL_OPEN)
    .where(sa.or_(MockInterview.status == MockStatus.REQUESTED, queries.is_overdue(NOW)))
    .limit(_MANY)
    .subquery()
)


def _badge(session: Any, row: MockInterview) -> dict[str, str]:
    if row.decision:
        return {"label": words(row.decision), "colour": DECISION_TONES[row.decision], "hint": ""}
    return {"label": words(row.status), "colour": TONES[row.status], "hint": ""}


def _overdue() -> sa.ColumnElement[bool]:
    return queries.is_overdue(clock.now())


MOCK_INTERVIEWS = Grid(
    MockInterview, "mock-interviews", "Mock interviews", "mock interview", "clipboard-check", "Practice",
    description="Rehearsals with a coordinator: asked for, arranged, assessed.",
    columns=(
        Column("candidate", "Candidate", _NAME, "person", ("candidate",), link="mock-interviews",
               link_id=MockInterview.id),
        Column("status", "Status", MockInterview.status, "status", tones=TONES),
        Column("scheduled_start", "Start", MockInterview.scheduled_start, "datetime", sort=True),
        Column("duration", "Minutes", MockInterview.duration, "number", shown=False),
        Column("coordinator", "Coordinator", _Coordinator.full_name, "person", ("coordinator",), link="users",
               link_id=MockInterview.coordinator_id),
        Column("job", "Job", Job.title, "title", ("job",), link="applications", link_id=MockInterview.application_id),
        Column("job_role", "Role", JobRole.name, "text", ("job_role",)),
        Column("project", "Project", Project.title, "title", ("project",), link="projects", link_id=Job.project_id,
               shown=False),
        Column("attempt", "Attempt", MockInterview.attempt, "number"),
        Column("decision", "Decision", MockInterview.decision, "choice", tones=DECISION_TONES),
        Column("overall_rating", "Rating", MockInterview.overall_rating, "number"),
        Column("recruiter", "Recruiter", _Recruiter.full_name, "person", ("recruiter",), shown=False),
        Column("mode", "How", MockInterview.mode, "choice", shown=False),
        Column("timezone", "Zone", MockInterview.timezone, "zone", shown=False),
        Column("meeting_link", "Meeting link", MockInterview.meeting_link, "link", shown=False),
        Column("completed_at", "Completed", MockInterview.completed_at, "datetime", sort=True, shown=False),
        Column("started_at", "Began", MockInterview.started_at, "datetime", shown=False),
        Column("reschedule_count", "Times moved", MockInterview.reschedule_count, "number", shown=False),
        Column("ready_for_client_interview", "Ready for the client", MockInterview.ready_for_client_interview, "bool",
               shown=False),
        Column("cancellation_reason", "Cancellation reason", MockInterview.cancellation_reason, shown=False),
        Column("created_at", "Made", MockInterview.created_at, "datetime", shown=False),
        Column("request_notes", "What to look at", MockInterview.request_notes, only_details=True),
        Column("strengths", "Strengths", MockInterview.strengths, only_details=True),
        Column("weaknesses", "Weaknesses", MockInterview.weaknesses, only_details=True),
        Column("recommendations", "Recommendations", MockInterview.recommendations, only_details=True),
        Column("general_notes", "General notes", MockInterview.general_notes, only_details=True),
    ),
    joins={
        "application": (Application, to(Application, MockInterview.application_id), False),
        "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
        "job": (Job, to(Job, Application.job_id), False),
        "job_role": (JobRole, to(JobRole, Job.job_role_id), False),
        "project": (Project, to(Project, Job.project_id), False),
        "coordinator": (_Coordinator, to(_Coordinator, MockInterview.coordinator_id), False),
        "recruiter": (_Recruiter, to(_Recruiter, Application.recruiter_id), True),
    },
    after={"candidate": ("application",), "job": ("application",), "project": ("job", "application"),
           "job_role": ("job", "application"), "recruiter": ("application",)},
    filters=(
        Filter("when", "Start", "date", MockInterview.scheduled_start, overdue=_overdue),
        Filter("status", "Status", "choice", MockInterview.status, choices=options(MockStatus)),
        Filter("coordinator", "Coordinator", "reference", MockInterview.coordinator_id, lookup="coordinators"),
        Filter("decision", "Decision", "choice", MockInterview.decision, choices=options(Decision)),
        Filter("completed", "Completed", "date", MockInterview.completed_at, past=True),
        Filter("candidate", "Candidate", "reference", Application.candidate_id, ("application",),
               lookup="candidates", permission="read:candidates"),
        Filter("application", "Application", "reference", MockInterview.application_id, lookup="applications",
               permission="read:applications"),
        Filter("project", "Project", "reference", Job.project_id, ("job",), lookup="projects",
               permission="read:projects"),
        Filter("job_role", "Role", "reference", Job.job_role_id, ("job",), lookup="job_roles",
               permission="read:job_roles"),
        Filter("mode", "How", "choice", MockInterview.mode, choices=options(MockMode)),
    ),
    default_sort="-scheduled_start",
    search=(
        lambda p: sa.select(MockInterview.id).join(Application, to(Application, MockInterview.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id)).where(like(Candidate.search_text, p)),
        lambda p: sa.select(MockInterview.id).join(Application, to(Application, MockInterview.application_id))
        .join(Job, to(Job, Application.job_id)).where(like(Job.search_text, p)),
    ),
    search_hint="Candidate or job",
    sections=(
        ("What", (
            FormField("application_id", "Application", lookup="applications_to_send", on=("new",),
                      help="The candidate and the job; documents verified, or ready for reassessment."),
            FormField("coordinator_id", "Coordinator", lookup="coordinators", required=False, when=_is_open,
                      help="Who conducts it; you, if you do and name nobody."),
            FormField("request_notes", "What to look at", when=_is_open),
        )),
        ("When", (
            FormField("slot_id", "Slot", lookup="mock_slots", on=("new",), permission="read:interview_slots",
                      required=False,
                      help="A time that a coordinator offers. It fills coordinator, start and zone left empty."),
            FormField("scheduled_start", "Start", zone_field="timezone", required=False, when=_is_open,
                      help="Left empty, the coordinator is asked to find a time."),
            FormField("duration", "Minutes", when=_is_open, help="From 15 to 240."),
            FormField("timezone", "Zone of these times", required=True, when=_is_open),
            FormField("allow_past", "Record one of the past", kind="bool", permission="write:mock_interviews",
                      when=_is_open),
            FormField("overrule_reason", timeforms.OVERRULE, kind="text", permission="write:interviews",
                      help=timeforms.OVERRULE_HELP, when=_is_open),
        )),
        ("Where", (
            FormField("mode", "How", when=_is_open),
            FormField("meeting_link", help="Starts with http:// or https://.", when=_is_open),
        )),
        ("Assessment", (
            FormField("strengths", on=("edit",), permission=_ASSESS, when=_is_assessed),
            FormField("weaknesses", on=("edit",), permission=_ASSESS, when=_is_assessed),
            FormField("recommendations", on=("edit",), permission=_ASSESS, when=_is_assessed),
            FormField("general_notes", on=("edit",), permission=_ASSESS, when=_is_assessed),
        )),
    ),
    create=actions.create_mock_interview, update=actions.change_mock_interview, write=SCHEDULE,
    lock_first=_lock_application, badge=_badge,
    move_pages={"start": lambda row: f"/mock-interviews/{row.id}/conduct/start",
                "complete": lambda row: f"/mock-interviews/{row.id}/conduct#assessment"},
    actions=(
        Action("schedule_series", "Schedule a series", series.schedule_series, SCHEDULE, "schedule_series",
               "calendar-range", sources=(MockStatus.REQUESTED,),
               description="Each gets the next time that coordinator and candidate have in common, the oldest first"),
        Action("mock_coordinator", "Reassign coordinator", actions.reassign_coordinator, SCHEDULE,
               "mock_coordinator", "person-badge"),
    ),
    bulk_forms={"reschedule": "reschedule_mocks"},
    bulk_offers=("schedule_series", "reschedule", "mock_coordinator", "start", "complete", "no_show", "cancel"),
    views=(
        ("To schedule", "status=requested&sort=-created_at"),
        ("Coming up", "status=scheduled&when=next_30_days&sort=scheduled_start"),
    ),
    waiting=_AWAITING,
)  # fmt: skip


# --- checklists -----------------------------------------------------------------------------------------

CHECKLISTS = Grid(
    MockInterviewChecklistTemplate, "mock-interview-templates", "Checklist criteria", "criterion", "ui-checks",
    "Practice",
    description="What mock interviews are judged by, role by role.",
    columns=(
        Column("criterion", "Criterion", MockInterviewChecklistTemplate.criterion, "title", sort=True),
        Column("job_role", "Role", JobRole.name, "text", ("job_role",), link="job-roles",
               link_id=MockInterviewChecklistTemplate.job_role_id),
        Column("category", "Category", MockInterviewChecklistTemplate.category, "choice", tones=CATEGORY_TONES),
        Column("order", "Order", MockInterviewChecklistTemplate.order, "number"),
        Column("active", "Active", MockInterviewChecklistTemplate.active, "bool"),
    ),
    joins={"job_role": (JobRole, to(JobRole, MockInterviewChecklistTemplate.job_role_id), False)},
    filters=(
        Filter("job_role", "Role", "reference", MockInterviewChecklistTemplate.job_role_id, lookup="job_roles"),
        Filter("category", "Category", "choice", MockInterviewChecklistTemplate.category,
               choices=options(ChecklistCategory)),
        Filter("active", "Active", "bool", MockInterviewChecklistTemplate.active),
    ),
    default_sort="criterion",
    search=(
        lambda p: sa.select(MockInterviewChecklistTemplate.id)
        .where(like(MockInterviewChecklistTemplate.search_text, p)),
    ),
    search_hint="Criterion",
    sections=(("Criterion", (
        FormField("job_role_id", "Role", lookup="job_roles", on=("new",)),
        FormField("category"), FormField("criterion"), FormField("active", on=("edit",)),
    )),),
    create=checklists.add_criterion, update=checklists.change_criterion, write=_MANAGE_CHECKLISTS,
    can_delete=True, delete=checklists.remove_criterion,
)  # fmt: skip

ITEMS = Grid(
    MockInterviewChecklistItem, "mock-interview-items", "Checklist results", "checklist item", "check2-circle",
    "Practice",
    description="Each criterion of each mock interview, as it was judged.",
    columns=(
        Column("criterion", "Criterion", MockInterviewChecklistItem.criterion, "title"),
        Column("candidate", "Candidate", _NAME, "person", ("candidate",), link="mock-interviews",
               link_id=MockInterviewChecklistItem.mock_interview_id),
        Column("category", "Category", MockInterviewChecklistItem.category, "choice", tones=CATEGORY_TONES),
        Column("passed", "Passed", MockInterviewChecklistItem.passed, "bool"),
        Column("rating", "Rating", MockInterviewChecklistItem.rating, "number"),
        Column("notes", "Notes", MockInterviewChecklistItem.notes),
    ),
    joins={
        "mock": (MockInterview, to(MockInterview, MockInterviewChecklistItem.mock_interview_id), False),
        "application": (Application, to(Application, MockInterview.application_id), False),
        "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
    },
    after={"application": ("mock",), "candidate": ("mock", "application")},
    filters=(
        Filter("template", "Criterion", "reference", MockInterviewChecklistItem.template_id, lookup="criteria",
               permission="read:interview_templates"),
        Filter("mock_interview", "Mock interview", "reference", MockInterviewChecklistItem.mock_interview_id,
               lookup="mock_interviews"),
    ),
)  # fmt: skip

GRIDS: tuple[Grid, ...] = (MOCK_INTERVIEWS, CHECKLISTS, ITEMS)

_APPLICATION_JOINS = (
    (Candidate, to(Candidate, Application.candidate_id)), (Job, to(Job, Application.job_id)),
)  # fmt: skip


def _applications(name: str, statuses: tuple[str, ...], *permissions: str) -> Lookup:
    return Lookup(
        name, Application, _NAME, lambda p: sa.or_(like(Candidate.search_text, p), like(Job.search_text, p)),
        permissions, hint=Job.title, joins=_APPLICATION_JOINS, choosable=Application.status.in_(statuses),
        order=Candidate.last_name, judged_later=True,
    )  # fmt: skip


LOOKUPS: tuple[Lookup, ...] = (
    Lookup("coordinators", User, User.full_name, lambda p: like(User.search_text, p), ("read:users",),
           (*SCHEDULE, "read:mock_interviews"), judged_later=True,
           choosable=lambda user: sa.and_(
               User.active.is_(True), User.id.in_(holding("conduct:mock_interviews", named=True)))),
    Lookup("criteria", MockInterviewChecklistTemplate, MockInterviewChecklistTemplate.criterion,
           lambda p: like(MockInterviewChecklistTemplate.search_text, p), ("read:interview_templates",),
           hint=JobRole.name,
           joins=((JobRole, to(JobRole, MockInterviewChecklistTemplate.job_role_id)),)),
    Lookup("mock_interviews", MockInterview, _NAME, lambda p: like(Candidate.search_text, p),
           ("read:mock_interviews",), hint=Job.title, moment=MockInterview.scheduled_start,
           joins=((Application, to(Application, MockInterview.application_id)), *_APPLICATION_JOINS)),
    _applications("applications_to_send", SENT_FROM, *SCHEDULE),
)  # fmt: skip
