"""Grids of interviews and their panels, and what they add to applications and to the home."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from wtforms.fields.choices import SelectChoice

from portal.admin.additions import panel, refer
from portal.admin.cells import when
from portal.admin.grid import Action, Column, Filter, FormField, Grid, options, to
from portal.admin.lookups import Lookup
from portal.admin.query import to_key
from portal.core import access, clock, timeforms
from portal.core.forms import choices
from portal.core.search import like
from portal.core.types import words
from portal.core.workflow import Change
from portal.hiring.models import Application, Candidate, Job, Project
from portal.hiring.workflow import BY_NAME, Option, offer_options
from portal.interviews import actions, forms, panels, queries  # noqa: F401 - forms are found by name
from portal.interviews.models import (
    OPEN,
    Audience,
    Interview,
    InterviewStatus,
    InterviewTemplate,
    InterviewType,
    Outcome,
    Panelist,
    Part,
    Reply,
)
from portal.interviews.templates import TEMPLATES
from portal.interviews.workflow import SCHEDULE
from portal.people.models import User

_Organizer = aliased(User, name="organizer")
_Recruiter = aliased(User, name="recruiter")

TONES = {
    "scheduled": "blue", "confirmed": "green", "in_progress": "purple", "completed": "teal",
    "cancelled": "grey", "no_show": "orange", "rescheduled": "yellow",
}  # fmt: skip
HINTS = {"rescheduled": "awaits a new confirmation"}


def _interviewers() -> Any:
    return (
        sa.select(sa.func.aggregate_strings(User.full_name, ", "))
        .join(Panelist, sa.and_(Panelist.tenant_id == User.tenant_id, Panelist.user_id == User.id))
        .where(Panelist.tenant_id == Interview.tenant_id, Panelist.interview_id == Interview.id)
        .correlate(Interview)
        .scalar_subquery()
    )


def _overdue() -> sa.ColumnElement[bool]:
    """Ahead by its state, although its end has passed."""
    return sa.and_(Interview.status.in_(OPEN), Interview.scheduled_end < clock.now())


def _meeting_url() -> Any:
    """``meeting_url_display`` in SQL: what a person typed comes before what the provider issued."""
    return sa.func.coalesce(sa.func.nullif(Interview.meeting_link, ""), Interview.meeting_url)


def _users(session: Any, keys: Collection[Any]) -> dict[Any, User]:
    if not keys:
        return {}
    return {user.id: user for user in session.scalars(sa.select(User).where(User.id.in_(keys)))}


def _create(session: Any, values: dict[str, Any], change: Change) -> Interview:
    users, shadows = _panel_of_form(session, values)
    return actions.schedule_interview(session, values, users, change, shadows=shadows)


def _update(session: Any, row: Interview, values: dict[str, Any], version: int, change: Change) -> Interview:
    asked = (values.get("interviewers"), values.get("shadows") or [])
    if asked == (_panel_keys(session, row), _shadow_keys(session, row)):  # what is changed is something else
        kept = {name: value for name, value in values.items() if name not in ("interviewers", "shadows")}
        return actions.change_interview(session, row, kept, None, version, change)
    users, shadows = _panel_of_form(session, values)
    return actions.change_interview(session, row, values, users, version, change, shadows=shadows)


def _lock_application(session: Any, row: Interview) -> None:
    """Before the interview, as its moves and a hold do: an edit that moves it never waits for them in a circle."""
    session.execute(
        sa.select(Application.id).where(Application.id == row.application_id).with_for_update(key_share=True)
    ).all()


def _panel_of_form(session: Any, values: dict[str, Any]) -> tuple[list[User], list[User]]:
    panel, shadows = values.pop("interviewers", None) or [], values.pop("shadows", None) or []
    users = _users(session, {*panel, *shadows})
    return [users[key] for key in panel if key in users], [users[key] for key in shadows if key in users]


def _panel_keys(session: Any, row: Interview, *, shadows: bool = False) -> list[Any]:
    return [seat.user_id for seat in row.panel if (seat.part == Part.SHADOW) is shadows]


def _shadow_keys(session: Any, row: Interview) -> list[Any]:
    return _panel_keys(session, row, shadows=True)


def _badge(session: Any, row: Interview) -> dict[str, str]:
    return {"label": words(row.status), "colour": TONES[row.status], "hint": HINTS.get(row.status, "")}


def _passcode_of(session: Any, row: Interview, user: Any) -> dict[str, Any] | None:
    """The meeting's passcode is for those who take part or arrange it."""
    if not row.meeting_password:
        return None
    arranges = row.organizer_id == user.id or access.may(user, "write:interviews")
    if not arranges and panels.seat_of(session, row, user.id) is None:
        return None
    return {"title": "Passcode of the meeting", "icon": "key", "text": row.meeting_password}


_REPLIES = {
    Reply.NEEDS_ACTION: ("No reply yet", "grey"), Reply.ACCEPTED: ("Accepted", "green"),
    Reply.TENTATIVE: ("Tentative", "yellow"), Reply.DECLINED: ("Declined", "orange"),
}  # fmt: skip


def _panel_of(session: Any, row: Interview, user: Any) -> dict[str, Any]:
    query = (
        sa.select(Panelist.part, Panelist.reply, User.full_name)
        .join(User, to(User, Panelist.user_id))
        .where(Panelist.interview_id == row.id)
        .order_by(Panelist.part, Panelist.id)
    )
    return {
        "title": "Panel", "icon": "people", "empty": "Nobody sits on it yet.", "columns": ["Who", "Part", "Reply"],
        "rows": [
            [{"kind": "person", "text": name}, {"kind": "choice", "text": words(part)},
             {"kind": "choice", "text": _REPLIES[reply][0], "colour": _REPLIES[reply][1]}]
            for part, reply, name in session.execute(query)
        ],
    }  # fmt: skip


_JOINS = {
    "application": (Application, to(Application, Interview.application_id), False),
    "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
    "job": (Job, to(Job, Application.job_id), False),
    "project": (Project, to(Project, Job.project_id), False),
    "organizer": (_Organizer, to(_Organizer, Interview.organizer_id), True),
    "recruiter": (_Recruiter, to(_Recruiter, Application.recruiter_id), True),
    "template": (InterviewTemplate, to(InterviewTemplate, Interview.template_id), True),
}

_TYPES = (SelectChoice("", "As in the template, else video"), *choices(InterviewType))

INTERVIEWS = Grid(
    Interview, "interviews", "Interviews", "interview", "calendar-event", "Interviews",
    description="Every interview with its time, panel and state.",
    columns=(
        Column("title", "Title", Interview.title, "title", sort=True),
        Column("candidate", "Candidate", Candidate.first_name + " " + Candidate.last_name, "person", ("candidate",),
               link="applications", link_id=Interview.application_id),
        Column("status", "Status", Interview.status, "status", tones=TONES, hints=HINTS),
        Column("scheduled_start", "Start", Interview.scheduled_start, "datetime", sort=True),
        Column("scheduled_end", "End", Interview.scheduled_end, "datetime", shown=False),
        Column("interviewers", "Interviewers", _interviewers(), "person"),
        Column("interview_type", "Type", Interview.interview_type, "choice"),
        Column("audience", "Audience", Interview.audience, "choice"),
        Column("project", "Project", Project.title, "title", ("project",), link="projects", link_id=Job.project_id),
        Column("job", "Job", Job.title, "title", ("job",), link="jobs", link_id=Application.job_id, shown=False),
        Column("organizer", "Organizer", _Organizer.full_name, "person", ("organizer",), link="users",
               link_id=Interview.organizer_id),
        Column("recruiter", "Recruiter", _Recruiter.full_name, "person", ("recruiter",), shown=False),
        Column("outcome", "Outcome", Interview.outcome, "choice", tones={"passed": "green", "failed": "orange"}),
        Column("timezone", "Interview's zone", Interview.timezone, "zone", shown=False),
        Column("candidate_timezone", "Candidate's zone", Interview.candidate_timezone, "zone", shown=False),
        Column("template", "Template", InterviewTemplate.name, "title", ("template",), shown=False,
               link="interview-templates", link_id=Interview.template_id),
        Column("location", "Location", Interview.location, shown=False),
        Column("meeting_link", "Meeting link", _meeting_url(), "link", shown=False),
        Column("meeting_provider", "Provider", Interview.meeting_provider, "choice", shown=False),
        Column("meeting_id", "Meeting ID", Interview.meeting_id, shown=False),
        Column("calendar_provider", "Calendar", Interview.calendar_provider, "choice", shown=False),
        Column("calendar_event_id", "Calendar entry", Interview.calendar_event_id, only_details=True),
        Column("candidate_calendar_event_id", "Candidate's calendar entry", Interview.candidate_calendar_event_id,
               only_details=True),
        Column("confirmed_at", "Confirmed", Interview.confirmed_at, "datetime", shown=False),
        Column("reschedule_count", "Times moved", Interview.reschedule_count, "number", shown=False),
        Column("cancellation_reason", "Cancellation reason", Interview.cancellation_reason, shown=False),
        Column("actual_start", "Began", Interview.actual_start, "datetime", shown=False),
        Column("actual_end", "Ended", Interview.actual_end, "datetime", shown=False),
        Column("created_at", "Made", Interview.created_at, "datetime", shown=False),
        Column("description", "Description", Interview.description, "rich", only_details=True),
        Column("preparation_notes", "Preparation notes", Interview.preparation_notes, "rich", only_details=True),
        Column("interview_guide", "Interview guide", Interview.interview_guide, "rich", only_details=True),
        Column("notes", "Notes", Interview.notes, "rich", only_details=True),
    ),
    joins=_JOINS,
    after={"candidate": ("application",), "job": ("application",), "project": ("job", "application"),
           "recruiter": ("application",)},
    filters=(
        Filter("when", "Start", "date", Interview.scheduled_start, overdue=_overdue),
        Filter("status", "Status", "choice", Interview.status, choices=options(InterviewStatus)),
        Filter("type", "Type", "choice", Interview.interview_type, choices=options(InterviewType)),
        Filter("audience", "Audience", "choice", Interview.audience, choices=options(Audience)),
        Filter("interviewer", "Interviewer", "reference", lookup="users",
               where=lambda given: queries.on_panel_of(to_key(given)),
               alone=lambda given: queries.seats_of(to_key(given))),
        Filter("organizer", "Organizer", "reference", Interview.organizer_id, lookup="users"),
        Filter("project", "Project", "reference", Job.project_id, ("job",), lookup="projects"),
        Filter("candidate", "Candidate", "reference", Application.candidate_id, ("application",),
               lookup="candidates", permission="read:candidates"),
        Filter("outcome", "Outcome", "choice", Interview.outcome, choices=options(Outcome)),
        Filter("template", "Template", "reference", Interview.template_id, lookup="interview_templates",
               permission="read:interview_templates"),
    ),
    default_sort="-scheduled_start",
    search=(
        queries.titled,
        lambda p: sa.select(Interview.id).join(Application, to(Application, Interview.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id)).where(like(Candidate.search_text, p)),
    ),
    search_hint="Title or candidate",
    sections=(
        ("What", (
            FormField("application_id", "Application", lookup="applications", on=("new",),
                      help="The candidate and the job it is for."),
            FormField("template_id", "Template", lookup="interview_templates",
                      help="Fills what you leave empty: title, type, end, interview guide, preparation notes."),
            FormField("interview_type", "Type", kind="select", required=False, choices=_TYPES),
            FormField("audience", on=("new",),
                      help="A client's interview moves its application along; an internal one does not."),
            FormField("title", required=False, help="Left empty, it names the template or type, and the candidate."),
        )),
        ("When", (
            FormField("slot_id", "Slot", lookup="slots", on=("new",), permission="read:interview_slots", required=False,
                      help="A time that an interviewer offers. It fills start, end, zone and interviewer left empty."),
            FormField("scheduled_start", "Start", zone_field="timezone", required=False),
            FormField("scheduled_end", "End", zone_field="timezone", required=False,
                      help="Left empty, the template says how long it takes."),
            FormField("timezone", "Zone of these times", required=True),
            FormField("allow_past", "Record an interview of the past", kind="bool", permission="write:interviews"),
            FormField("overrule_reason", timeforms.OVERRULE, kind="text", permission="write:interviews",
                      help=timeforms.OVERRULE_HELP),
        )),
        ("Who", (
            FormField("interviewers", lookup="users", multiple=True, value=_panel_keys,
                      help="The first is the lead."),
            FormField("shadows", lookup="users", multiple=True, value=_shadow_keys,
                      help="They watch, and owe no feedback."),
            FormField("organizer_id", "Organizer", lookup="users", help="You, unless you choose somebody else."),
            FormField("candidate_timezone", "Candidate's zone", help="Left empty, as in the candidate's record."),
        )),
        ("Where", (
            FormField("location"), FormField("meeting_provider", "Provider"),
            FormField("meeting_link", help="Starts with http:// or https://."),
        )),
        ("Notes", (
            FormField("description", help="What this round is about."),
            FormField("preparation_notes"), FormField("interview_guide"), FormField("notes"),
        )),
    ),
    create=_create, update=_update, write=SCHEDULE, lock_first=_lock_application, badge=_badge,
    actions=(
        Action("organizer", "Reassign organizer", actions.reassign_organizer, SCHEDULE, "organizer", "person-badge"),
    ),
    bulk_forms={"reschedule": "reschedule_many", "confirm": "confirm"},
    bulk_offers=("confirm", "reschedule", "cancel", "no_show", "start", "complete", "organizer", "pass", "fail"),
    views=(
        ("To confirm", "when=next_7_days&status=scheduled&status=rescheduled&sort=scheduled_start"),
        ("Coming up", "status=scheduled&status=confirmed&status=rescheduled&when=next_30_days&sort=scheduled_start"),
    ),
    panels=(_panel_of, _passcode_of),
)  # fmt: skip

PANELS = Grid(
    Panelist, "panelists", "Panels", "panelist", "people", "Interviews",
    description="Who sits where, in which part, and what they replied.",
    columns=(
        Column("user", "Interviewer", User.full_name, "person", ("user",)),
        Column("interview", "Interview", Interview.title, "title", ("interview",), link="interviews",
               link_id=Panelist.interview_id),
        Column("scheduled_start", "Start", Interview.scheduled_start, "datetime", ("interview",)),
        Column("status", "Interview is", Interview.status, "status", ("interview",), tones=TONES),
        Column("part", "Part", Panelist.part, "choice"),
        Column("reply", "Reply", Panelist.reply, "choice"),
    ),
    joins={"user": (User, to(User, Panelist.user_id), False),
           "interview": (Interview, to(Interview, Panelist.interview_id), False)},
    filters=(
        Filter("user", "Interviewer", "reference", Panelist.user_id, lookup="users"),
        Filter("part", "Part", "choice", Panelist.part, choices=options(Part)),
        Filter("reply", "Reply", "choice", Panelist.reply, choices=options(Reply)),
        Filter("when", "Start", "date", Interview.scheduled_start, ("interview",)),
    ),
)  # fmt: skip

GRIDS = (INTERVIEWS, PANELS, TEMPLATES)

LOOKUPS = (
    Lookup("interview_templates", InterviewTemplate, InterviewTemplate.name,
           lambda p: like(InterviewTemplate.search_text, p), ("read:interview_templates",), SCHEDULE,
           hint=sa.func.replace(InterviewTemplate.interview_type, "_", " "),
           choosable=InterviewTemplate.active.is_(True)),
)  # fmt: skip


refer("interview_id", "interviews")


@offer_options
def _to_schedule(session: Any, row: Application, user: Any, at: Any) -> list[Option]:
    if "interview_scheduled" not in BY_NAME[row.status].leads_to or not access.may(user, *SCHEDULE):
        return []
    if not access.allows(session, user, row, *SCHEDULE):
        return []
    return [Option("schedule_interview", "Schedule the client's interview", "Find a time, invite panel and candidate",
                   "calendar-plus", "green", url=f"/interviews/new?application_id={row.id}")]  # fmt: skip


@panel("applications")
def _interviews_of(session: Any, row: Application, user: Any) -> dict[str, Any] | None:
    if not access.may(user, "read:interviews"):
        return None
    query = access.scope(sa.select(Interview), Interview, user).where(Interview.application_id == row.id)
    found = session.scalars(query.order_by(Interview.scheduled_start.desc()).limit(50))
    return {
        "title": "Interviews", "icon": "calendar-event", "rank": 30, "empty": "None yet.",
        "columns": ["Title", "Status", "Start", "Outcome"],
        "rows": [
            [{"kind": "title", "text": i.title, "url": INTERVIEWS.row_url(i.id)},
             {"kind": "status", "text": words(i.status), "colour": TONES[i.status]},
             {"kind": "datetime", "text": when(i.scheduled_start, user.timezone)},
             {"kind": "choice", "text": words(i.outcome) if i.outcome else ""}]
            for i in found
        ],
    }  # fmt: skip
