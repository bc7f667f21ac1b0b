"""Grids of hiring: candidates, applications, projects, jobs, role catalogue, pipeline, histories."""

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.admin.grid import Action, Column, Filter, FormField, Grid, options, to
from portal.admin.home import card
from portal.admin.lookups import Lookup
from portal.core import access, records
from portal.core.access import Reach
from portal.core.db import db
from portal.core.forms import LanguageField
from portal.core.search import like
from portal.core.types import words
from portal.core.workflow import Change, Result
from portal.hiring import actions, applicationpage, forms, pipeline  # noqa: F401 - forms are found by name
from portal.hiring.models import (
    ActivityType,
    Application,
    ApplicationActivity,
    Candidate,
    Job,
    JobLevel,
    JobRole,
    JobStatus,
    PipelineStage,
    PipelineStatus,
    Project,
    ProjectStatus,
    StatusChange,
)
from portal.hiring.workflow import APPLICATION, CHANGE_STATUS
from portal.people.models import Team, User

_Recruiter = aliased(User, name="recruiter")
_Coordinator = aliased(User, name="coordinator")
_Head = aliased(User, name="team_head")
_Manager = aliased(User, name="hiring_manager")
_Actor = aliased(User, name="actor")

PROJECT_TONES = {"planned": "grey", "active": "green", "on_hold": "yellow", "closed": "grey"}
JOB_TONES = {"open": "green", "on_hold": "yellow", "filled": "blue", "closed": "grey"}


def status_choices() -> list[tuple[str, str]]:
    """The tenant's statuses with its own labels, in the pipeline's order."""
    query = sa.select(PipelineStatus.name, PipelineStatus.label).order_by(PipelineStatus.order)
    return [(name, label) for name, label in db.session.execute(query)]


def _stage_choices() -> list[tuple[str, str]]:
    query = sa.select(PipelineStage.name, PipelineStage.label).order_by(PipelineStage.order)
    return [(name, label) for name, label in db.session.execute(query)]


def _in_stage(stage: str) -> sa.ColumnElement[bool]:
    return Application.status.in_([s.name for s in pipeline.STATUSES if s.stage == stage])


CANDIDATES = Grid(
    Candidate, "candidates", "Candidates", "candidate", "person-badge", "Hiring",
    description="The people who are to be hired.",
    columns=(
        Column("name", "Name", Candidate.first_name + " " + Candidate.last_name, "person"),
        Column("last_name", "Last name", Candidate.last_name, "person", sort=True, shown=False),
        Column("email", "E-mail", Candidate.email),
        Column("phone", "Phone", Candidate.phone),
        Column("timezone", "Time zone", Candidate.timezone, "zone"),
        Column("source", "Source", Candidate.source),
        Column("recruiter", "Recruiter", _Recruiter.full_name, "person", ("recruiter",), link="users",
               link_id=Candidate.recruiter_id),
        Column("created_at", "Since", Candidate.created_at, "datetime", sort=True),
        Column("notes", "Notes", Candidate.notes, only_details=True),
    ),
    joins={"recruiter": (_Recruiter, to(_Recruiter, Candidate.recruiter_id), True)},
    filters=(
        Filter("recruiter", "Recruiter", "reference", Candidate.recruiter_id, lookup="users"),
        Filter("created", "Since", "date", Candidate.created_at, past=True),
    ),
    default_sort="-created_at",
    search=(lambda p: sa.select(Candidate.id).where(like(Candidate.search_text, p)),),
    search_hint="Name, e-mail or phone",
    sections=(
        ("Person", (FormField("first_name"), FormField("last_name"), FormField("email", "E-mail"),
                    FormField("phone"), FormField("timezone", "Time zone", required=True,
                                                  help="Messages name times in this zone."),
                    FormField("locale", "Language", field=LanguageField, start="en",
                              help="Messages are written in it."))),
        ("Background", (FormField("source", help="Where we found each other."),
                        FormField("recruiter_id", "Recruiter", lookup="users",
                                  help="You, unless you choose somebody else."),
                        FormField("notes"))),
    ),
    create=actions.add_candidate, write=("write:candidates",), can_delete=True,
)  # fmt: skip

_APPLICATION_JOINS = {
    "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
    "job": (Job, to(Job, Application.job_id), False),
    "project": (Project, to(Project, Job.project_id), False),
    "recruiter": (_Recruiter, to(_Recruiter, Application.recruiter_id), True),
    "coordinator": (_Coordinator, to(_Coordinator, Application.coordinator_id), True),
    "status": (PipelineStatus, sa.and_(PipelineStatus.tenant_id == Application.tenant_id,
                                       PipelineStatus.name == Application.status), False),
    "stage": (PipelineStage, to(PipelineStage, PipelineStatus.stage_id), False),
}  # fmt: skip


def _status_badge(session: Any, row: Application) -> dict[str, str]:
    status = session.scalar(sa.select(PipelineStatus).where(PipelineStatus.name == row.status))
    return {"label": status.label, "colour": status.colour, "hint": status.description}


def _change_status(session: Any, ids: list[Any], change: Change) -> Result:
    return APPLICATION.apply(session, ids, change.data["status"], change)


def _assign(field: str) -> Any:
    return lambda session, ids, change: actions.assign(session, ids, change, field)


def _update_application(session: Any, row: Application, values: dict[str, Any], version: int, change: Change) -> Any:
    kept: dict[str, Any] = {name: values[name] for name in ("recruiter_id", "coordinator_id") if name in values}
    return records.update(session, row, kept, version)


APPLICATIONS = Grid(
    Application, "applications", "Applications", "application", "kanban", "Hiring",
    description="One candidate for one job, on the way through the pipeline.",
    columns=(
        Column("candidate", "Candidate", Candidate.first_name + " " + Candidate.last_name, "person", ("candidate",)),
        Column("job", "Job", Job.title, "title", ("job",), link="jobs", link_id=Application.job_id),
        Column("project", "Project", Project.title, "title", ("project",), link="projects", link_id=Job.project_id),
        Column("status", "Status", PipelineStatus.label, "status", ("status",), tone=PipelineStatus.colour),
        Column("stage", "Stage", PipelineStage.label, "status", ("stage",), tone=PipelineStage.colour, shown=False),
        Column("recruiter", "Recruiter", _Recruiter.full_name, "person", ("recruiter",), link="users",
               link_id=Application.recruiter_id),
        Column("coordinator", "Coordinator", _Coordinator.full_name, "person", ("coordinator",), link="users",
               link_id=Application.coordinator_id),
        Column("created_at", "Since", Application.created_at, "datetime", sort=True),
        Column("updated_at", "Changed", Application.updated_at, "datetime", shown=False),
        Column("candidate_record", "Candidate's record", Candidate.email, "text", ("candidate",), link="candidates",
               link_id=Application.candidate_id, shown=False, permission="read:candidates"),
    ),
    joins=_APPLICATION_JOINS,
    after={"project": ("job",), "stage": ("status",)},
    filters=(
        Filter("status", "Status", "choice", Application.status, choices=status_choices),
        Filter("stage", "Stage", "choice", choices=_stage_choices, where=_in_stage),
        Filter("recruiter", "Recruiter", "reference", Application.recruiter_id, lookup="users"),
        Filter("coordinator", "Coordinator", "reference", Application.coordinator_id, lookup="users"),
        Filter("job", "Job", "reference", Application.job_id, lookup="jobs"),
        Filter("project", "Project", "reference", Job.project_id, ("job",), lookup="projects"),
        Filter("candidate", "Candidate", "reference", Application.candidate_id, lookup="candidates"),
        Filter("created", "Since", "date", Application.created_at, past=True),
    ),
    default_sort="-created_at",
    search=(
        lambda p: sa.select(Application.id).join(Candidate, to(Candidate, Application.candidate_id))
        .where(like(Candidate.search_text, p)),
        lambda p: sa.select(Application.id).join(Job, to(Job, Application.job_id)).where(like(Job.search_text, p)),
    ),
    search_hint="Candidate or job",
    sections=(("Application", (
        FormField("candidate_id", "Candidate", lookup="candidates", on=("new",)),
        FormField("job_id", "Job", lookup="jobs", on=("new",)),
        FormField("recruiter_id", "Recruiter", lookup="users"),
        FormField("coordinator_id", "Coordinator", lookup="users"),
    )),),
    create=actions.nominate, update=_update_application, write=("write:applications",),
    actions=(
        Action("change_status", "Change status", _change_status, CHANGE_STATUS, "change_status", "arrow-right",
               sources=tuple(pipeline.STAGE_OF)),
        Action("recruiter", "Reassign recruiter", _assign("recruiter"), (actions.ASSIGN,), "recruiter", "person",
               sources=tuple(pipeline.STAGE_OF)),
        Action("coordinator", "Reassign coordinator", _assign("coordinator"), (actions.ASSIGN,), "coordinator",
               "person-badge", sources=tuple(pipeline.STAGE_OF)),
    ),
    bulk_offers=("approved", "on_hold", "resume", "withdrawn", "change_status", "recruiter", "coordinator"),
    badge=_status_badge, panels=(applicationpage.panels,), moves_in_panel=True,
)  # fmt: skip

PROJECTS = Grid(
    Project, "projects", "Projects", "project", "briefcase", "Hiring",
    columns=(
        Column("title", "Title", Project.title, "title", sort=True),
        Column("client", "Client", Project.client),
        Column("status", "Status", Project.status, "status", tones=PROJECT_TONES),
        Column("team", "Team", Team.name, "text", ("team",), link="teams", link_id=Project.team_id),
        Column("team_head", "Team head", _Head.full_name, "person", ("team_head",), link="users",
               link_id=Project.team_head_id),
        Column("deadline", "Deadline", Project.deadline, "date"),
    ),
    joins={"team": (Team, to(Team, Project.team_id), True),
           "team_head": (_Head, to(_Head, Project.team_head_id), True)},
    filters=(
        Filter("status", "Status", "choice", Project.status, choices=options(ProjectStatus)),
        Filter("team", "Team", "reference", Project.team_id, lookup="teams"),
        Filter("deadline", "Deadline", "date", Project.deadline),
    ),
    default_sort="title",
    search=(lambda p: sa.select(Project.id).where(like(Project.search_text, p)),),
    search_hint="Title or client",
    sections=(("Project", (
        FormField("title"), FormField("client"), FormField("status"),
        FormField("team_id", "Team", lookup="teams"), FormField("team_head_id", "Team head", lookup="users"),
        FormField("deadline"),
    )),),
    write=("write:projects",), can_delete=True, badge=lambda session, row: {
        "label": words(row.status), "colour": PROJECT_TONES[row.status], "hint": ""},
)  # fmt: skip

JOBS = Grid(
    Job, "jobs", "Jobs", "job", "building", "Hiring",
    description="The roles that projects need.",
    columns=(
        Column("title", "Title", Job.title, "title", sort=True),
        Column("project", "Project", Project.title, "title", ("project",), link="projects", link_id=Job.project_id),
        Column("job_role", "Role", JobRole.name, "text", ("job_role",), link="job-roles", link_id=Job.job_role_id),
        Column("level", "Level", Job.level, "choice"),
        Column("status", "Status", Job.status, "status", tones=JOB_TONES),
        Column("openings", "Openings", Job.openings, "number"),
        Column("hiring_manager", "Hiring manager", _Manager.full_name, "person", ("manager",), link="users",
               link_id=Job.hiring_manager_id),
    ),
    joins={"project": (Project, to(Project, Job.project_id), False),
           "job_role": (JobRole, to(JobRole, Job.job_role_id), False),
           "manager": (_Manager, to(_Manager, Job.hiring_manager_id), True)},
    filters=(
        Filter("status", "Status", "choice", Job.status, choices=options(JobStatus)),
        Filter("level", "Level", "choice", Job.level, choices=options(JobLevel)),
        Filter("project", "Project", "reference", Job.project_id, lookup="projects"),
        Filter("job_role", "Role", "reference", Job.job_role_id, lookup="job_roles"),
        Filter("hiring_manager", "Hiring manager", "reference", Job.hiring_manager_id, lookup="users"),
    ),
    default_sort="title",
    search=(lambda p: sa.select(Job.id).where(like(Job.search_text, p)),),
    sections=(("Job", (
        FormField("title"), FormField("project_id", "Project", lookup="projects"),
        FormField("job_role_id", "Role", lookup="job_roles"), FormField("level"), FormField("openings"),
        FormField("status"), FormField("hiring_manager_id", "Hiring manager", lookup="users"),
    )),),
    write=("write:jobs",), can_delete=True,
)  # fmt: skip

JOB_ROLES = Grid(
    JobRole, "job-roles", "Job roles", "job role", "list-check", "Hiring",
    description="The catalogue of roles.",
    columns=(
        Column("name", "Name", JobRole.name, "title", sort=True),
        Column("department", "Department", JobRole.department),
        Column("active", "Active", JobRole.active, "bool"),
    ),
    filters=(Filter("active", "Active", "bool", JobRole.active),),
    default_sort="name",
    search=(lambda p: sa.select(JobRole.id).where(like(JobRole.search_text, p)),),
    sections=(("Role", (FormField("name"), FormField("department"), FormField("active"))),),
    write=("write:job_roles",), can_delete=True,
)  # fmt: skip

STAGES = Grid(
    PipelineStage, "pipeline-stages", "Pipeline stages", "stage", "kanban", "Settings",
    columns=(
        Column("label", "Label", PipelineStage.label, "title"),
        Column("name", "Name in the API", PipelineStage.name),
        Column("colour", "Colour", PipelineStage.colour, "status", tone=PipelineStage.colour),
        Column("order", "Order", PipelineStage.order, "number", sort=True),
    ),
    default_sort="order",
    sections=(("Stage", (
        FormField("label", on=("edit",)), FormField("colour", kind="colour", on=("edit",)),
        FormField("icon", on=("edit",), help="A name of the Bootstrap icons."),
        FormField("position", "Order", on=("edit",), value=lambda s, r: r.order),
    )),),
    update=lambda s, row, values, version, change: records.update(s, row, _ordered(values), version),
    write=("write:pipeline",),
)  # fmt: skip

STATUSES = Grid(
    PipelineStatus, "pipeline-statuses", "Pipeline statuses", "status", "flag", "Settings",
    description="How each status is called and shown; which leads to which is fixed.",
    columns=(
        Column("label", "Label", PipelineStatus.label, "title"),
        Column("name", "Name in the API", PipelineStatus.name),
        Column("stage", "Stage", PipelineStage.label, "status", ("stage",), tone=PipelineStage.colour),
        Column("description", "Description", PipelineStatus.description),
        Column("order", "Order", PipelineStatus.order, "number", sort=True),
    ),
    joins={"stage": (PipelineStage, to(PipelineStage, PipelineStatus.stage_id), False)},
    default_sort="order",
    sections=(("Status", (
        FormField("label", on=("edit",)), FormField("description", on=("edit",)),
        FormField("colour", kind="colour", on=("edit",)), FormField("icon", on=("edit",)),
        FormField("position", "Order", on=("edit",), value=lambda s, r: r.order),
    )),),
    update=lambda s, row, values, version, change: records.update(s, row, _ordered(values), version),
    write=("write:pipeline",),
)  # fmt: skip


def _ordered(values: dict[str, Any]) -> dict[str, Any]:
    return {("order" if name == "position" else name): value for name, value in values.items()}


_HISTORY_JOINS = {
    "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
    "job": (Job, to(Job, Application.job_id), False),
}

CHANGES = Grid(
    StatusChange, "status-changes", "Status changes", "status change", "arrow-repeat", "Hiring",
    description="Every step of every application; nobody can edit it.",
    columns=(
        Column("candidate", "Candidate", Candidate.first_name + " " + Candidate.last_name, "person", ("candidate",),
               link="applications", link_id=StatusChange.application_id),
        Column("job", "Job", Job.title, "title", ("job",)),
        Column("source", "From", StatusChange.source, "choice"),
        Column("target", "To", StatusChange.target, "choice"),
        Column("at", "When", StatusChange.at, "datetime"),
        Column("actor", "By", _Actor.full_name, "person", ("actor",)),
        Column("reason", "Reason", StatusChange.reason),
        Column("notes", "Notes", StatusChange.notes, shown=False),
    ),
    joins={"application": (Application, to(Application, StatusChange.application_id), False), **_HISTORY_JOINS,
           "actor": (_Actor, to(_Actor, StatusChange.actor_id), True)},
    after={"candidate": ("application",), "job": ("application",)},
    filters=(
        Filter("application", "Application", "reference", StatusChange.application_id, lookup="applications"),
        Filter("actor", "By", "reference", StatusChange.actor_id, lookup="users"),
    ),
)  # fmt: skip

ACTIVITIES = Grid(
    ApplicationActivity, "activities", "Activities", "activity", "activity", "Hiring",
    description="Everything that happened around applications; nobody can edit it.",
    columns=(
        Column("candidate", "Candidate", Candidate.first_name + " " + Candidate.last_name, "person", ("candidate",),
               link="applications", link_id=ApplicationActivity.application_id),
        Column("type", "What", ApplicationActivity.type, "choice"),
        Column("at", "When", ApplicationActivity.at, "datetime"),
        Column("performed_by", "By", _Actor.full_name, "person", ("actor",)),
        Column("old_value", "From", ApplicationActivity.old_value),
        Column("new_value", "To", ApplicationActivity.new_value),
        Column("notes", "Notes", ApplicationActivity.notes),
    ),
    joins={"application": (Application, to(Application, ApplicationActivity.application_id), False),
           **_HISTORY_JOINS, "actor": (_Actor, to(_Actor, ApplicationActivity.performed_by_id), True)},
    after={"candidate": ("application",), "job": ("application",)},
    filters=(
        Filter("type", "What", "choice", ApplicationActivity.type, choices=options(ActivityType)),
        Filter("application", "Application", "reference", ApplicationActivity.application_id, lookup="applications"),
        Filter("performed_by", "By", "reference", ApplicationActivity.performed_by_id, lookup="users"),
    ),
)  # fmt: skip

GRIDS = (APPLICATIONS, CANDIDATES, PROJECTS, JOBS, JOB_ROLES, CHANGES, ACTIVITIES, STAGES, STATUSES)

LOOKUPS = (
    Lookup("candidates", Candidate, Candidate.first_name + " " + Candidate.last_name,
           lambda p: like(Candidate.search_text, p), ("read:candidates",), hint=Candidate.email,
           order=Candidate.last_name),
    Lookup("projects", Project, Project.title, lambda p: like(Project.search_text, p), ("read:projects",),
           hint=Project.client),
    Lookup("jobs", Job, Job.title, lambda p: like(Job.search_text, p), ("read:jobs",), hint=Project.title,
           joins=((Project, to(Project, Job.project_id)),), choosable=Job.status.not_in(["closed", "filled"])),
    Lookup("job_roles", JobRole, JobRole.name, lambda p: like(JobRole.search_text, p), ("read:job_roles",),
           names_for=("read:interview_templates",),  # who reads checklists sees for which role
           hint=JobRole.department, choosable=JobRole.active.is_(True)),
    Lookup("applications", Application, Candidate.first_name + " " + Candidate.last_name,
           lambda p: sa.or_(like(Candidate.search_text, p), like(Job.search_text, p)),
           ("read:applications", "schedule:interviews", "write:interviews"),
           hint=Job.title + " · " + PipelineStatus.label,
           joins=((Candidate, to(Candidate, Application.candidate_id)), (Job, to(Job, Application.job_id)),
                  _APPLICATION_JOINS["status"][:2]),
           choosable=Application.status.not_in([*pipeline.CLOSED, "on_hold"]), order=Candidate.last_name),
)  # fmt: skip

_ENOUGH = 1000  # a card need not count further


@card(30)
def _where_applications_stand(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """How many applications wait in which status; for those whose grant is of some stages, in these."""
    if not access.may(user, "read:applications"):
        return None
    held = {stage for grant in user.grants.of("update:candidate_status") for stage in grant.stages}
    statuses = [s for s in pipeline.STATUSES if s.name not in pipeline.CLOSED and (not held or _concerns(s, held))]
    counts = _counts(session, user, [s.name for s in statuses])
    labels = dict(status_choices())
    rows = [
        {"title": labels.get(s.name, s.label), "url": f"/applications/?status={s.name}", "meta": s.description,
         "when": f"{_ENOUGH:,}+" if counts.get(s.name, 0) > _ENOUGH else f"{counts[s.name]:,}", "badge": None}
        for s in statuses if counts.get(s.name)
    ]  # fmt: skip
    return {"title": "Applications by status", "icon": "kanban", "count": None, "rows": rows, "url": "/applications/",
            "empty": "No application is on its way."}  # fmt: skip


def _concerns(status: pipeline.Status, stages: set[str]) -> bool:
    """Whether the status is of one of the stages, or leads there."""
    return status.stage in stages or any(pipeline.STAGE_OF[name] in stages for name in status.leads_to)


def _counts(session: Any, user: Any, statuses: list[str]) -> dict[str, int]:
    """By status; of a whole tenant each is counted up to _ENOUGH over its index, one's own are counted at once."""
    if Reach.TENANT in user.grants.reaches("read:applications"):
        return dict(session.execute(_counting(tuple(statuses)), {"tenant": user.tenant_id}).all())
    counted: Any = sa.select(Application.status, sa.func.count())
    own = access.scope(counted, Application, user)
    return dict(session.execute(own.where(Application.status.in_(statuses)).group_by(Application.status)).all())


@lru_cache(maxsize=64)
def _counting(statuses: tuple[str, ...]) -> Any:
    """The statement that counts in all of ``statuses``; building that of two dozen parts costs more than asking it."""
    return sa.union_all(*map(_count, statuses))


def _count(status: str) -> Any:
    mine = Application.tenant_id == sa.bindparam("tenant", type_=sa.Uuid())
    rows = sa.select(Application.id).where(mine, Application.status == status)
    return sa.select(sa.literal(status), sa.func.count()).select_from(rows.limit(_ENOUGH + 1).subquery())
