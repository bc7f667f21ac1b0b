"""Hiring in the API: candidates, projects, jobs, the role catalogue, and applications as candidate projects."""

from typing import Any

import sqlalchemy as sa

from portal.api.components import Component
from portal.api.endpoint import Answer, Call, Endpoint
from portal.api.fields import Flag, Key, Moment, OneOf, Text, Whole, listed, told
from portal.api.reading import Joined, label
from portal.api.resource import CHANGE, CREATE, LIST, READ, Resource
from portal.core.types import PlainText
from portal.core.workflow import Move
from portal.hiring import pipeline
from portal.hiring.admin import APPLICATIONS, CANDIDATES, JOB_ROLES, JOBS, PROJECTS
from portal.hiring.models import Application, Candidate, Job, JobRole, Project, StatusChange
from portal.hiring.workflow import APPLICATION, APPROVE, CHANGE_STATUS, workflow_options
from portal.people.models import User


def _name(candidate: Any) -> Any:
    return candidate.c.first_name + " " + candidate.c.last_name


def _application(row: Any) -> Any:
    """``Jane Doe · Staff nurse``."""
    person, job = Candidate.__table__.alias(), Job.__table__.alias()
    return (
        sa.select(_name(person) + " · " + job.c.title)
        .where(person.c.tenant_id == row.c.tenant_id, person.c.id == row.c.candidate_id)
        .where(job.c.tenant_id == row.c.tenant_id, job.c.id == row.c.job_id)
        .scalar_subquery()
    )


label(Candidate, _name)
label(Project, lambda row: row.c.title)
label(JobRole, lambda row: row.c.name)
label(Job, lambda row: row.c.title)
label(Application, _application)

CANDIDATES_API = Resource(
    "candidates", "Candidate", CANDIDATES,
    {
        "first_name": "Given name.", "last_name": "Family name.", "email": "Where messages go; once per organisation.",
        "phone": "Telephone number, as people write it.", "timezone": "Messages name times in this zone.",
        "locale": "The language of messages.", "source": "Where we found each other.",
        "recruiter_id": "Who looks after the candidate; you, unless you name somebody else.",
        "notes": "Notes for colleagues; the candidate never sees them.",
    },
    example={"first_name": "Amara", "last_name": "Okafor", "email": "amara@mail.example", "timezone": "Africa/Lagos"},
)  # fmt: skip

PROJECTS_API = Resource(
    "projects", "Project", PROJECTS,
    {
        "title": "What it is called.", "client": "For whom it is.", "status": "How far it is.",
        "team_id": "The team that follows its candidates.", "team_head_id": "Who heads it.",
        "deadline": "The day until which people are needed.",
    },
    example={"title": "Nurses for Riverside", "client": "Riverside Hospital", "deadline": "2027-03-31"},
)  # fmt: skip

JOBS_API = Resource(
    "jobs", "Job", JOBS,
    {
        "title": "What it is called.", "project_id": "The project that needs it.",
        "job_role_id": "Its role in the catalogue, which says by which checklist people are judged.",
        "hiring_manager_id": "Who hires.", "openings": "How many people are needed, at least 1.",
        "level": "How experienced.", "status": "Whether candidates may be put forward.",
    },
    example={"title": "Staff nurse", "project_id": "0192f3a4-5b6c-7d8e-9f01-23456789abcd",
             "job_role_id": "0192f3a4-5b6c-7d8e-9f01-23456789abce", "openings": 4},
)  # fmt: skip

JOB_ROLES_API = Resource(
    "job-roles", "JobRole", JOB_ROLES,
    {"name": "What it is called; once per organisation.", "department": "Where it belongs."},
    example={"name": "Nurse", "department": "Nursing"},
)  # fmt: skip

_STATUSES = [status.name for status in pipeline.STATUSES]
_STAGE = sa.case(pipeline.STAGE_OF, value=sa.literal_column("applications.status"), else_="")

APPLICATIONS_API = Resource(
    "candidate-projects", "CandidateProject", APPLICATIONS,
    {
        "candidate_id": "Who.", "job_id": "For which job.", "status": "Where it stands in the pipeline.",
        "recruiter_id": "The recruiter; you, unless you name somebody else.",
        "coordinator_id": "The interview coordinator.",
    },
    only=(LIST, CREATE, READ, CHANGE), verbs_by="",
    choices={"status": _STATUSES, "stage": [name for name, *_ in pipeline.STAGES]},
    parts=(
        Joined("stage", OneOf([name for name, *_ in pipeline.STAGES], "The stage that the status belongs to."),
               lambda table: _STAGE),
    ),
    example={"candidate_id": "0192f3a4-5b6c-7d8e-9f01-23456789abcd", "job_id": "0192f3a4-5b6c-7d8e-9f01-23456789abce"},
)  # fmt: skip

# --- the pipeline ---------------------------------------------------------------------------------------

_WORDS = {
    "reason": Text("Why; reopening needs it.", PlainText, 2000), "notes": Text("Notes for the history.", limit=5000),
}  # fmt: skip


def _move(verb: str, call: Call) -> Answer:
    row = APPLICATIONS_API.fetch(call)
    if verb not in APPLICATION.moves:  # where an application begins: nothing leads back there
        raise APPLICATION.wrong_state(row.status, Move(verb, (), verb))
    said = call.saying(**{name: value for name, value in call.body.items() if name != "status"})
    APPLICATION.move(call.session, row, verb, said, version=call.version)
    return Answer(APPLICATIONS_API.one(call, call.keys[0]))


def _set_status(call: Call) -> Answer:
    return _move(call.body["status"], call)


def _approve(call: Call) -> Answer:
    return _move("approved", call)


def _options(call: Call) -> Answer:
    row = APPLICATIONS_API.fetch(call)
    found = workflow_options(call.session, row, call.user, call.change.at)
    return Answer({
        "status": row.status, "version": row.version,
        "options": [
            {"action": each.action, "label": each.label, "description": each.description, "icon": each.icon,
             "colour": each.colour, "danger": each.danger}
            for each in found
        ],
    })  # fmt: skip


def _history(call: Call) -> Answer:
    row = APPLICATIONS_API.fetch(call)
    query = (
        sa.select(StatusChange, User.full_name)
        .outerjoin(User, sa.and_(User.tenant_id == StatusChange.tenant_id, User.id == StatusChange.actor_id))
        .where(StatusChange.application_id == row.id)
        .order_by(StatusChange.id)
    )
    return Answer({"items": [_step(change, name) for change, name in call.session.execute(query)]})


def _step(change: StatusChange, name: str | None) -> dict[str, Any]:
    return {
        "id": change.id, "from_status": change.source or None, "to_status": change.target, "at": change.at,
        "actor_id": change.actor_id, "actor": {"id": change.actor_id, "label": name} if change.actor_id else None,
        "reason": change.reason, "notes": change.notes,
    }  # fmt: skip


_OPTION = told("WorkflowOption", {
    "action": Text("What it is called in the API: a status, or a verb with its record."), "label": Text("In words."),
    "description": Text("What it means."), "icon": Text("Its icon."), "colour": Text("Its colour."),
    "danger": Flag("Whether it ends something."),
})  # fmt: skip
_STEP = told("StatusStep", {
    "id": Key("Its key."), "from_status": Text("From where; null for the first.", allow_none=True),
    "to_status": Text("To where."), "at": Moment("When."),
    "actor_id": Key("Who; null for the system.", allow_none=True),
    "actor": told("Actor", {"id": Key("Their key."), "label": Text("Their name.")}, "Who, by name.", allow_none=True),
    "reason": Text("Why."), "notes": Text("Notes."),
})  # fmt: skip

COMPONENTS = {
    "WorkflowOptions": Component({
        "status": Text("Where the application stands."), "version": Whole("Its version."),
        "options": listed(_OPTION, "Just what you may do now: what leads on first, what ends it last."),
    }),
    "StatusHistory": Component({"items": listed(_STEP, "Each step, the first one first.")}),
}  # fmt: skip

RESOURCES = (CANDIDATES_API, PROJECTS_API, JOBS_API, JOB_ROLES_API, APPLICATIONS_API)


def _endpoint(method: str, path: str, name: str, run: Any, summary: str, **more: Any) -> Endpoint:
    given = {"permissions": ("read:applications",), "model": Application, "answer": "CandidateProject", **more}
    return Endpoint(method, f"candidate-projects/{{id}}/{path}", name, "candidate-projects", run, summary, **given)


ENDPOINTS = (
    _endpoint("PATCH", "status", "set_candidate_project_status", _set_status, "Move an application in the pipeline",
              description="By the pipeline's own rules; `resume` takes one up that was on hold, `reopen` one that was "
                          "over. What follows from a mock interview, a training or an interview is no status to set.",
              body={"status": OneOf([*_STATUSES, "resume", "reopen"], "Where to.", required=True), **_WORDS},
              body_name="CandidateProjectStatus", permissions=tuple(dict.fromkeys((*CHANGE_STATUS, *APPROVE,
                                                                                  "manage:applications"))),
              takes_version=True, present=APPLICATIONS_API.present,
              example={"status": "pending_documents", "reason": "", "notes": "Passport is missing"}),
    _endpoint("PATCH", "approve-for-interview", "approve_candidate_project", _approve,
              "Approve for the client's interview", description="Option B: without a mock interview.", body=_WORDS,
              body_name="CandidateProjectApproval", permissions=APPROVE, takes_version=True,
              present=APPLICATIONS_API.present, example={"notes": "Known from a former project"}),
    _endpoint("GET", "workflow-options", "list_workflow_options", _options, "Read what may be done now",
              answer="WorkflowOptions"),
    _endpoint("GET", "history", "list_status_history", _history, "Read the steps so far", answer="StatusHistory"),
)  # fmt: skip
