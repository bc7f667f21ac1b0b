"""Candidates, projects, roles and jobs, and the applications that bring them together."""

from collections.abc import Callable
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from portal.core import access
from portal.core.audit import Audited
from portal.core.db import Editable, Logged, Model, Owned, Searchable, long_text, ref, text
from portal.core.types import Choice, EmailAddress, PlainText, Zone
from portal.people.models import Team, User, my_teams


class ProjectStatus(StrEnum):
    PLANNED = "planned"
    ACTIVE = "active"
    ON_HOLD = "on_hold"
    CLOSED = "closed"


class JobStatus(StrEnum):
    OPEN = "open"
    ON_HOLD = "on_hold"
    FILLED = "filled"
    CLOSED = "closed"


class JobLevel(StrEnum):
    ENTRY = "entry"
    JUNIOR = "junior"
    MID = "mid"
    SENIOR = "senior"
    LEAD = "lead"


class ActivityType(StrEnum):
    CREATED = "created"
    STATUS_CHANGE = "status_change"
    STAGE_CHANGE = "stage_change"
    NOTE_ADDED = "note_added"
    EMAIL_SENT = "email_sent"
    INTERVIEW_SCHEDULED = "interview_scheduled"
    INTERVIEW_CONFIRMED = "interview_confirmed"
    INTERVIEW_STARTED = "interview_started"
    INTERVIEW_RESCHEDULED = "interview_rescheduled"
    INTERVIEW_CANCELLED = "interview_cancelled"
    INTERVIEW_COMPLETED = "interview_completed"
    INTERVIEW_NO_SHOW = "interview_no_show"
    INTERVIEW_OUTCOME = "interview_outcome"
    FEEDBACK_SUBMITTED = "feedback_submitted"
    RATING_UPDATED = "rating_updated"
    DOCUMENT_UPLOADED = "document_uploaded"
    ASSIGNED = "assigned"
    OFFER_CREATED = "offer_created"
    OFFER_ACCEPTED = "offer_accepted"
    OFFER_DECLINED = "offer_declined"
    MOCK_REQUESTED = "mock_interview_requested"
    MOCK_SCHEDULED = "mock_interview_scheduled"
    MOCK_STARTED = "mock_interview_started"
    MOCK_COMPLETED = "mock_interview_completed"
    MOCK_CANCELLED = "mock_interview_cancelled"
    MOCK_NO_SHOW = "mock_interview_no_show"
    MOCK_RESCHEDULED = "mock_interview_rescheduled"
    TRAINING_ASSIGNED = "training_assigned"
    TRAINING_STARTED = "training_started"
    TRAINING_COMPLETED = "training_completed"
    TRAINING_CANCELLED = "training_cancelled"


class Candidate(Searchable, Audited, Editable, Owned, Model):
    """A person who is to be hired: gets messages and links, never a log-in."""

    __tablename__ = "candidates"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "email"),
        sa.Index("ix_candidates_name", "tenant_id", "last_name", "first_name", "id"),
        sa.Index("ix_candidates_created", "tenant_id", "created_at", "id"),
        sa.Index("ix_candidates_recruiter", "tenant_id", "recruiter_id", "id"),
    )
    searched = ("first_name", "last_name", "email", "phone")
    first_name: Mapped[str] = text(100)
    last_name: Mapped[str] = text(100)
    email: Mapped[str] = mapped_column(EmailAddress(254))
    phone: Mapped[str] = text(40, default="")
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    locale: Mapped[str] = mapped_column(sa.String(16), default="en")
    source: Mapped[str] = text(80, default="")
    recruiter_id: Mapped[UUID | None] = ref("users", optional=True)
    notes: Mapped[str] = long_text()

    recruiter: Mapped[User | None] = relationship(viewonly=True)

    @property
    def full_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()

    def __str__(self) -> str:
        return self.full_name


class Project(Searchable, Audited, Editable, Owned, Model):
    """A client's order for people; its team follows the candidates."""

    __tablename__ = "projects"
    __table_args__ = (
        sa.Index("ix_projects_title", "tenant_id", "title", "id"),
        sa.Index("ix_projects_team", "tenant_id", "team_id", "id"),
        sa.Index("ix_projects_status", "tenant_id", "status", "deadline", "id"),
    )
    searched = ("title", "client")
    title: Mapped[str] = text(200)
    client: Mapped[str] = text(200, default="")
    team_head_id: Mapped[UUID | None] = ref("users", optional=True)
    team_id: Mapped[UUID | None] = ref("teams", optional=True)
    status: Mapped[str] = mapped_column(Choice(ProjectStatus), default=ProjectStatus.ACTIVE)
    deadline: Mapped[date | None]

    team_head: Mapped[User | None] = relationship(viewonly=True)
    team: Mapped[Team | None] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.title


class JobRole(Searchable, Audited, Editable, Owned, Model):
    """An entry of the role catalogue."""

    __tablename__ = "job_roles"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    searched = ("name", "department")
    name: Mapped[str] = text(120)
    department: Mapped[str] = text(120, default="")
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name


class Job(Searchable, Audited, Editable, Owned, Model):
    """One role needed by one project."""

    __tablename__ = "jobs"
    __table_args__ = (
        sa.CheckConstraint("openings >= 1", name="openings"),
        sa.Index("ix_jobs_title", "tenant_id", "title", "id"),
        sa.Index("ix_jobs_project", "tenant_id", "project_id", "id"),
        sa.Index("ix_jobs_manager", "tenant_id", "hiring_manager_id", "id"),
    )
    searched = ("title",)
    project_id: Mapped[UUID] = ref("projects")
    job_role_id: Mapped[UUID] = ref("job_roles")
    hiring_manager_id: Mapped[UUID | None] = ref("users", optional=True)
    title: Mapped[str] = text(200)
    openings: Mapped[int] = mapped_column(default=1)
    level: Mapped[str] = mapped_column(Choice(JobLevel), default=JobLevel.MID)
    status: Mapped[str] = mapped_column(Choice(JobStatus), default=JobStatus.OPEN)

    project: Mapped[Project] = relationship(viewonly=True)
    job_role: Mapped[JobRole] = relationship(viewonly=True)
    hiring_manager: Mapped[User | None] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.title


class PipelineStage(Audited, Editable, Owned, Model):
    __tablename__ = "pipeline_stages"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    name: Mapped[str] = mapped_column(sa.String(40))
    label: Mapped[str] = text(80)
    colour: Mapped[str] = mapped_column(sa.String(20), default="grey")
    icon: Mapped[str] = mapped_column(sa.String(40), default="circle")
    order: Mapped[int] = mapped_column("position", default=0)

    def __str__(self) -> str:
        return self.label


class PipelineStatus(Audited, Editable, Owned, Model):
    """How a status is shown; code refers to it by ``name`` only."""

    __tablename__ = "pipeline_statuses"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "name"),)
    stage_id: Mapped[UUID] = ref("pipeline_stages")
    name: Mapped[str] = mapped_column(sa.String(40))
    label: Mapped[str] = text(80)
    description: Mapped[str] = mapped_column(PlainText(300), default="")
    colour: Mapped[str] = mapped_column(sa.String(20), default="grey")
    icon: Mapped[str] = mapped_column(sa.String(40), default="circle")
    order: Mapped[int] = mapped_column("position", default=0)

    stage: Mapped[PipelineStage] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.label


class Application(Audited, Editable, Owned, Model):
    """One candidate for one job; its status is moved by the pipeline alone."""

    named_by = ("candidate", "job")
    __tablename__ = "applications"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "candidate_id", "job_id"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "status"], ["pipeline_statuses.tenant_id", "pipeline_statuses.name"]
        ),
        # With the job, so that a team's are counted by status without the rows.
        sa.Index("ix_applications_status", "tenant_id", "status", "created_at", "id", postgresql_include=["job_id"]),
        sa.Index("ix_applications_created", "tenant_id", "created_at", "id"),
        sa.Index("ix_applications_job", "tenant_id", "job_id", "id"),
        sa.Index("ix_applications_recruiter", "tenant_id", "recruiter_id", "id"),
        sa.Index("ix_applications_coordinator", "tenant_id", "coordinator_id", "id"),
    )  # fmt: skip
    candidate_id: Mapped[UUID] = ref("candidates")
    job_id: Mapped[UUID] = ref("jobs")
    recruiter_id: Mapped[UUID | None] = ref("users", optional=True)
    coordinator_id: Mapped[UUID | None] = ref("users", optional=True)
    status: Mapped[str] = mapped_column(sa.String(40), default="nominated")

    candidate: Mapped[Candidate] = relationship(viewonly=True)
    job: Mapped[Job] = relationship(viewonly=True)
    recruiter: Mapped[User | None] = relationship(
        primaryjoin="and_(Application.tenant_id == User.tenant_id, foreign(Application.recruiter_id) == User.id)",
        viewonly=True,
    )
    coordinator: Mapped[User | None] = relationship(
        primaryjoin="and_(Application.tenant_id == User.tenant_id, foreign(Application.coordinator_id) == User.id)",
        viewonly=True,
    )

    def __str__(self) -> str:
        return f"{self.candidate} · {self.job}"


class StatusChange(Logged, Model):
    """One step of an application through the pipeline; never edited."""

    __tablename__ = "status_changes"
    __table_args__ = (
        sa.Index("ix_status_changes_application", "tenant_id", "application_id", "id"),
        sa.Index("ix_status_changes_actor", "tenant_id", "actor_id", "id"),
    )
    application_id: Mapped[UUID] = ref("applications")
    source: Mapped[str] = mapped_column("from_status", sa.String(40), default="")
    target: Mapped[str] = mapped_column("to_status", sa.String(40))
    actor_id: Mapped[UUID | None] = ref("users", optional=True)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.Text, default="")
    notes: Mapped[str] = mapped_column(sa.Text, default="")

    application: Mapped[Application] = relationship(viewonly=True)
    actor: Mapped[User | None] = relationship(viewonly=True)


class ApplicationActivity(Logged, Model):
    """One line of what happened around an application; never edited."""

    __tablename__ = "application_activities"
    __table_args__ = (
        sa.Index("ix_activities_application", "tenant_id", "application_id", "id"),
        sa.Index("ix_activities_type", "tenant_id", "type", "id"),
        sa.Index("ix_activities_performed_by", "tenant_id", "performed_by_id", "id"),
    )
    application_id: Mapped[UUID] = ref("applications")
    type: Mapped[str] = mapped_column(Choice(ActivityType))
    performed_by_id: Mapped[UUID | None] = ref("users", optional=True)
    at: Mapped[datetime]
    old_value: Mapped[str] = mapped_column(sa.Text, default="")
    new_value: Mapped[str] = mapped_column(sa.Text, default="")
    notes: Mapped[str] = mapped_column(sa.Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)

    application: Mapped[Application] = relationship(viewonly=True)
    performed_by: Mapped[User | None] = relationship(viewonly=True)


def _team_projects(me: UUID) -> sa.ColumnElement[bool]:
    return sa.or_(Project.team_id.in_(my_teams(me)), Project.team_head_id == me)


def team_jobs(me: UUID) -> sa.Select[Any]:
    """The keys of the jobs of the user's teams' projects."""
    return sa.select(Job.id).join(Project, Project.id == Job.project_id).where(_team_projects(me))


def team_applications(me: UUID) -> sa.Select[Any]:
    """The keys of the applications to projects of the user's teams."""
    return sa.select(Application.id).where(Application.job_id.in_(team_jobs(me)))


def own_applications(me: UUID) -> sa.Select[Any]:
    """The keys of the applications that are the user's: as recruiter, coordinator or hiring manager."""
    mine = [
        sa.select(Application.id).where(Application.recruiter_id == me),
        sa.select(Application.id).where(Application.coordinator_id == me),
        sa.select(Application.id).join(Job, Job.id == Application.job_id).where(Job.hiring_manager_id == me),
    ]
    return sa.select(sa.union(*mine).subquery().c[0])


def own_application(me: UUID, of: Any = Application) -> sa.ColumnElement[bool]:
    """Whether this application is the user's: as recruiter, coordinator or hiring manager."""
    job = aliased(Job)
    managed = sa.exists().where(job.tenant_id == of.tenant_id, job.id == of.job_id, job.hiring_manager_id == me)
    return sa.or_(of.recruiter_id == me, of.coordinator_id == me, managed)


def team_application(me: UUID, of: Any = Application) -> sa.ColumnElement[bool]:
    """Whether this application is to a project of the user's teams."""
    job, project = aliased(Job), aliased(Project)
    return sa.exists().where(
        job.tenant_id == of.tenant_id, job.id == of.job_id,
        project.tenant_id == job.tenant_id, project.id == job.project_id,
        sa.or_(project.team_id.in_(my_teams(me)), project.team_head_id == me),
    )  # fmt: skip


def of_application(key: Any, whose: Callable[[UUID, Any], sa.ColumnElement[bool]]) -> Callable[[UUID], Any]:
    """For a row that refers to an application by ``key``: whether that one is the user's (or the team's)."""

    def rows(me: UUID) -> Any:
        application = aliased(Application)
        return sa.exists().where(
            application.tenant_id == key.class_.tenant_id, application.id == key, whose(me, application)
        )

    return rows


def _of_candidate(whose: Callable[[UUID, Any], sa.ColumnElement[bool]]) -> Callable[[UUID], Any]:
    def rows(me: UUID) -> Any:
        application = aliased(Application)
        return sa.exists().where(
            application.tenant_id == Candidate.tenant_id, application.candidate_id == Candidate.id,
            whose(me, application),
        )  # fmt: skip

    return rows


def _candidates_of(applications: sa.Select[Any]) -> sa.Select[Any]:
    return sa.select(Application.candidate_id).where(Application.id.in_(applications))


access.declare(
    Candidate, "candidates",
    own=lambda me: sa.or_(Candidate.recruiter_id == me, Candidate.id.in_(_candidates_of(own_applications(me)))),
    team=lambda me: Candidate.id.in_(_candidates_of(team_applications(me))),
    own_row=lambda me: sa.or_(Candidate.recruiter_id == me, _of_candidate(own_application)(me)),
    team_row=_of_candidate(team_application),
)  # fmt: skip
access.declare(Project, "projects", own=lambda me: Project.team_head_id == me, team=_team_projects)
access.declare(JobRole, "job_roles")
access.declare(
    Job, "jobs",
    own=lambda me: Job.hiring_manager_id == me,
    team=lambda me: Job.project_id.in_(sa.select(Project.id).where(_team_projects(me))),
)  # fmt: skip
access.declare(
    Application, "applications",
    own=lambda me: Application.id.in_(own_applications(me)),
    team=lambda me: Application.job_id.in_(team_jobs(me)),  # not by key: that would look for each row twice
    own_row=own_application, team_row=team_application,
)  # fmt: skip
access.declare(PipelineStage, "pipeline")
access.declare(PipelineStatus, "pipeline")
access.declare(
    StatusChange, "applications",
    own=lambda me: StatusChange.application_id.in_(own_applications(me)),
    team=lambda me: StatusChange.application_id.in_(team_applications(me)),
    own_row=of_application(StatusChange.application_id, own_application),
    team_row=of_application(StatusChange.application_id, team_application),
)  # fmt: skip
access.declare(
    ApplicationActivity, "applications",
    own=lambda me: ApplicationActivity.application_id.in_(own_applications(me)),
    team=lambda me: ApplicationActivity.application_id.in_(team_applications(me)),
    own_row=of_application(ApplicationActivity.application_id, own_application),
    team_row=of_application(ApplicationActivity.application_id, team_application),
)  # fmt: skip
