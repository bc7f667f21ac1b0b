"""Checklists by job role, mock interviews with their items, training assignments and their sessions (SPEC §1)."""

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from portal.core import access
from portal.core.audit import Audited
from portal.core.db import Editable, Model, Owned, Searchable, long_text, ref, text
from portal.core.rows import Cell, Rows, RowsOf
from portal.core.types import Choice, LongText, Rating, WebUrl, Zone
from portal.hiring.models import (
    Application,
    JobRole,
    of_application,
    own_application,
    own_applications,
    team_application,
    team_applications,
)
from portal.people.models import User

SHORTEST, LONGEST = 15, 240  # minutes


class ChecklistCategory(StrEnum):
    TECHNICAL_SKILLS = "technical_skills"
    COMMUNICATION = "communication"
    PROFESSIONALISM = "professionalism"
    ROLE_SPECIFIC = "role_specific"
    KNOWLEDGE = "knowledge"


class MockStatus(StrEnum):
    REQUESTED = "requested"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


OPEN = (MockStatus.REQUESTED, MockStatus.SCHEDULED, MockStatus.IN_PROGRESS)
TAKES_TIME = (MockStatus.SCHEDULED, MockStatus.IN_PROGRESS)
_OPEN = sa.text("status IN ('requested', 'scheduled', 'in_progress')")
# As the partial indexes say it, so that they serve what is asked of open ones.
STILL_OPEN = sa.text(f"mock_interviews.{_OPEN.text}")


class MockMode(StrEnum):
    VIDEO = "video"
    PHONE = "phone"
    IN_PERSON = "in_person"


class Decision(StrEnum):
    APPROVED = "approved"
    NEEDS_TRAINING = "needs_training"
    REJECTED = "rejected"


class TrainingType(StrEnum):
    SCREENING = "screening"
    GROOMING = "grooming"
    TECHNICAL_TRAINING = "technical_training"
    SOFT_SKILLS = "soft_skills"
    INTERVIEW_SKILLS = "interview_skills"
    ROLE_SPECIFIC = "role_specific"


class Priority(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class TrainingStatus(StrEnum):
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


GOING_ON = (TrainingStatus.ASSIGNED, TrainingStatus.IN_PROGRESS)
_GOING_ON = sa.text("status IN ('assigned', 'in_progress')")
_NOT_READY = sa.text("status = 'completed' AND NOT ready_for_reassessment AND outcome <> 'dropped_out'")
STILL_GOING_ON = sa.text(f"training_assignments.{_GOING_ON.text}")
NOT_READY = sa.text(
    "training_assignments.status = 'completed' AND NOT training_assignments.ready_for_reassessment"
    " AND training_assignments.outcome <> 'dropped_out'"
)


class TrainingOutcome(StrEnum):
    COMPLETED_SUCCESSFULLY = "completed_successfully"
    DROPPED_OUT = "dropped_out"
    REASSESSMENT_NEEDED = "reassessment_needed"


class SessionStatus(StrEnum):
    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


FOCUS_AREAS = Rows((Cell("area", 200, unique=True),), "focus area", plain=True)
SKILLS = Rows((Cell("skill", 200, unique=True),), "skill", plain=True)


class MockInterviewChecklistTemplate(Searchable, Audited, Editable, Owned, Model):
    """One criterion that mock interviews for a job role are judged by. What is used is deactivated, not deleted."""

    __tablename__ = "mock_interview_checklist_templates"
    __table_args__ = (
        # Named by hand: the name that follows from the columns is longer than PostgreSQL takes.
        sa.UniqueConstraint("tenant_id", "job_role_id", "criterion", name="uq_checklist_templates_once"),
        sa.Index("ix_checklist_templates_role", "tenant_id", "job_role_id", "position", "id"),
        sa.Index("ix_checklist_templates_category", "tenant_id", "category", "id"),
        sa.Index("ix_checklist_templates_criterion", "tenant_id", "criterion", "id"),
    )
    searched = ("criterion",)
    job_role_id: Mapped[UUID] = ref("job_roles")
    category: Mapped[str] = mapped_column(Choice(ChecklistCategory), default=ChecklistCategory.TECHNICAL_SKILLS)
    criterion: Mapped[str] = text(300)
    order: Mapped[int] = mapped_column("position", default=0)
    active: Mapped[bool] = mapped_column(default=True)

    job_role: Mapped[JobRole] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.criterion


class MockInterview(Audited, Editable, Owned, Model):
    """A rehearsal of an application's interview with a coordinator; its status is moved by the workflow alone.

    ``attempt`` counts the assessments of the application, this one included: what was cancelled or missed is not
    one. ``draft`` is what the conduct screen keeps of the assessment until that is submitted: nobody else's business,
    and in no history.
    """

    named_by = ("application.candidate",)
    __tablename__ = "mock_interviews"
    __table_args__ = (
        sa.CheckConstraint(f"duration BETWEEN {SHORTEST} AND {LONGEST}", name="duration"),
        sa.CheckConstraint("attempt >= 1", name="attempt"),
        sa.CheckConstraint(
            "status NOT IN ('scheduled', 'in_progress', 'completed') OR scheduled_start IS NOT NULL", name="has_a_time"
        ),
        sa.CheckConstraint(
            "(status = 'completed') ="
            " (overall_rating IS NOT NULL AND decision IS NOT NULL AND completed_at IS NOT NULL)",
            name="assessed_when_completed",
        ),
        sa.CheckConstraint("ready_for_client_interview = (decision IS NOT NULL AND decision = 'approved')",
                           name="ready_when_approved"),
        sa.CheckConstraint("status <> 'cancelled' OR cancelled_at IS NOT NULL", name="cancelled_when"),
        # One at a time: what two people begin at the same moment, the database gives to the first.
        sa.Index("uq_mock_interviews_open", "tenant_id", "application_id", unique=True,
                 postgresql_where=_OPEN, sqlite_where=_OPEN),
        sa.Index("ix_mock_interviews_start", "tenant_id", "scheduled_start", "id"),
        sa.Index("ix_mock_interviews_open_start", "tenant_id", "scheduled_start", "id",
                 postgresql_where=_OPEN, sqlite_where=_OPEN),
        sa.Index("ix_mock_interviews_open_coordinator", "tenant_id", "coordinator_id", "scheduled_start", "id",
                 postgresql_where=_OPEN, sqlite_where=_OPEN),
        sa.Index("ix_mock_interviews_status", "tenant_id", "status", "scheduled_start", "id"),
        sa.Index("ix_mock_interviews_coordinator", "tenant_id", "coordinator_id", "scheduled_start", "id"),
        sa.Index("ix_mock_interviews_completed", "tenant_id", "completed_at", "id"),
        sa.Index("ix_mock_interviews_decision", "tenant_id", "decision", "scheduled_start", "id"),
        sa.Index("ix_mock_interviews_application", "tenant_id", "application_id", "id"),
    )  # fmt: skip
    application_id: Mapped[UUID] = ref("applications")
    coordinator_id: Mapped[UUID] = ref("users")
    status: Mapped[str] = mapped_column(Choice(MockStatus), default=MockStatus.REQUESTED)
    scheduled_start: Mapped[datetime | None]
    duration: Mapped[int] = mapped_column(default=60)  # minutes
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    mode: Mapped[str] = mapped_column(Choice(MockMode), default=MockMode.VIDEO)
    meeting_link: Mapped[str] = mapped_column(WebUrl(500), default="")
    attempt: Mapped[int] = mapped_column(default=1)
    request_notes: Mapped[str] = long_text()
    overall_rating: Mapped[int | None] = mapped_column(Rating)
    decision: Mapped[str | None] = mapped_column(Choice(Decision))
    ready_for_client_interview: Mapped[bool] = mapped_column(default=False)
    strengths: Mapped[str] = long_text()
    weaknesses: Mapped[str] = long_text()
    recommendations: Mapped[str] = long_text()
    general_notes: Mapped[str] = long_text()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str] = mapped_column(LongText(), default="")
    reschedule_count: Mapped[int] = mapped_column(default=0)
    draft: Mapped[dict[str, Any]] = mapped_column(default=dict)

    application: Mapped[Application] = relationship(viewonly=True)
    coordinator: Mapped[User] = relationship(viewonly=True)
    items: Mapped[list["MockInterviewChecklistItem"]] = relationship(
        viewonly=True, order_by="MockInterviewChecklistItem.order, MockInterviewChecklistItem.id"
    )

    @property
    def scheduled_end(self) -> datetime | None:
        return self.scheduled_start + timedelta(minutes=self.duration) if self.scheduled_start else None

    @property
    def application_status(self) -> str:
        """Where its application stands, as the moves read it."""
        return self.application.status

    def __str__(self) -> str:
        again = f", attempt {self.attempt}" if self.attempt > 1 else ""
        return f"Mock interview of {self.application.candidate}{again}"


class MockInterviewChecklistItem(Audited, Editable, Owned, Model):
    """One criterion of one mock interview: copied when that is made, and its own from then on.

    ``passed`` is yes, no, or None for not yet. ``template_id`` is where it was copied from, for figures; None for an
    item that was added by hand.
    """

    __tablename__ = "mock_interview_checklist_items"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "mock_interview_id", "criterion", name="uq_checklist_items_once"),
        sa.Index("ix_checklist_items_template", "tenant_id", "template_id", "id"),
    )
    mock_interview_id: Mapped[UUID] = ref("mock_interviews", cascade=True)
    template_id: Mapped[UUID | None] = ref("mock_interview_checklist_templates", optional=True)
    category: Mapped[str] = mapped_column(Choice(ChecklistCategory), default=ChecklistCategory.TECHNICAL_SKILLS)
    criterion: Mapped[str] = text(300)
    order: Mapped[int] = mapped_column("position", default=0)
    passed: Mapped[bool | None]
    rating: Mapped[int | None] = mapped_column(Rating)
    notes: Mapped[str] = long_text()

    mock_interview: Mapped[MockInterview] = relationship(viewonly=True)

    def __str__(self) -> str:
        return self.criterion


class TrainingAssignment(Audited, Editable, Owned, Model):
    """What a candidate is to work on before they are assessed again; its status is moved by the workflow alone."""

    named_by = ("application.candidate",)
    __tablename__ = "training_assignments"
    __table_args__ = (
        sa.CheckConstraint("end_date >= start_date", name="end_after_start"),
        sa.CheckConstraint("(status = 'completed') = (outcome IS NOT NULL AND completed_at IS NOT NULL)",
                           name="outcome_when_completed"),
        sa.CheckConstraint("NOT ready_for_reassessment OR status = 'completed'", name="ready_when_completed"),
        sa.CheckConstraint("status <> 'cancelled' OR cancelled_at IS NOT NULL", name="cancelled_when"),
        sa.Index("uq_training_assignments_open", "tenant_id", "application_id", unique=True,
                 postgresql_where=_GOING_ON, sqlite_where=_GOING_ON),
        sa.Index("ix_training_created", "tenant_id", "created_at", "id"),
        sa.Index("ix_training_status", "tenant_id", "status", "created_at", "id"),
        sa.Index("ix_training_type", "tenant_id", "training_type", "created_at", "id"),
        sa.Index("ix_training_assigned_by", "tenant_id", "assigned_by_id", "created_at", "id"),
        sa.Index("ix_training_open_assigned_by", "tenant_id", "assigned_by_id", "end_date", "id",
                 postgresql_where=_GOING_ON, sqlite_where=_GOING_ON),
        sa.Index("ix_training_open_end", "tenant_id", "end_date", "id",
                 postgresql_where=_GOING_ON, sqlite_where=_GOING_ON),
        sa.Index("ix_training_not_ready", "tenant_id", "assigned_by_id", "id",
                 postgresql_where=_NOT_READY, sqlite_where=_NOT_READY),
        sa.Index("ix_training_application", "tenant_id", "application_id", "id"),
        sa.Index("ix_training_mock_interview", "tenant_id", "mock_interview_id"),
        sa.Index("ix_training_end", "tenant_id", "end_date", "id"),
    )  # fmt: skip
    application_id: Mapped[UUID] = ref("applications")
    mock_interview_id: Mapped[UUID | None] = ref("mock_interviews", optional=True)
    assigned_by_id: Mapped[UUID | None] = ref("users", optional=True)
    training_type: Mapped[str] = mapped_column(Choice(TrainingType), default=TrainingType.INTERVIEW_SKILLS)
    priority: Mapped[str] = mapped_column(Choice(Priority), default=Priority.MEDIUM)
    status: Mapped[str] = mapped_column(Choice(TrainingStatus), default=TrainingStatus.ASSIGNED)
    focus_areas: Mapped[list[Any]] = mapped_column(RowsOf(FOCUS_AREAS), default=list)
    skills_to_improve: Mapped[list[Any]] = mapped_column(RowsOf(SKILLS), default=list)
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    progress_notes: Mapped[str] = long_text()
    completion_notes: Mapped[str] = long_text()
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str] = mapped_column(LongText(), default="")
    outcome: Mapped[str | None] = mapped_column(Choice(TrainingOutcome))
    ready_for_reassessment: Mapped[bool] = mapped_column(default=False)

    application: Mapped[Application] = relationship(viewonly=True)
    mock_interview: Mapped[MockInterview | None] = relationship(viewonly=True)
    assigned_by: Mapped[User | None] = relationship(viewonly=True)
    sessions: Mapped[list["TrainingSession"]] = relationship(
        viewonly=True, order_by="TrainingSession.session_start, TrainingSession.id"
    )

    @property
    def application_status(self) -> str:
        """Where its application stands, as the moves read it."""
        return self.application.status

    def __str__(self) -> str:
        return f"{self.training_type.replace('_', ' ').capitalize()} of {self.application.candidate}"


class TrainingSession(Audited, Editable, Owned, Model):
    """One meeting of a training. ``series_id`` is the same in sessions that were made together."""

    __tablename__ = "training_sessions"
    __table_args__ = (
        sa.CheckConstraint("duration BETWEEN 5 AND 720", name="duration"),
        sa.CheckConstraint("(status = 'completed') = (completed_at IS NOT NULL)", name="completed_when"),
        sa.Index("ix_training_sessions_start", "tenant_id", "session_start", "id"),
        sa.Index("ix_training_sessions_assignment", "tenant_id", "assignment_id", "session_start", "id"),
        sa.Index("ix_training_sessions_status", "tenant_id", "status", "session_start", "id"),
        sa.Index("ix_training_sessions_conducted_by", "tenant_id", "conducted_by_id", "session_start", "id"),
    )
    assignment_id: Mapped[UUID] = ref("training_assignments", cascade=True)
    session_start: Mapped[datetime]
    duration: Mapped[int] = mapped_column(default=60)  # minutes
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    topic: Mapped[str] = text(200)
    conducted_by_id: Mapped[UUID | None] = ref("users", optional=True)
    status: Mapped[str] = mapped_column(Choice(SessionStatus), default=SessionStatus.SCHEDULED)
    completed_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str] = mapped_column(LongText(), default="")
    feedback: Mapped[str] = long_text()
    rating: Mapped[int | None] = mapped_column(Rating)
    series_id: Mapped[UUID | None]

    assignment: Mapped[TrainingAssignment] = relationship(viewonly=True)
    conducted_by: Mapped[User | None] = relationship(viewonly=True)

    @property
    def session_end(self) -> datetime:
        return self.session_start + timedelta(minutes=self.duration)

    def __str__(self) -> str:
        return self.topic


# --- whose rows they are ------------------------------------------------------------------------------


def own_mock_interviews(me: UUID) -> sa.Select[Any]:
    """The keys of the mock interviews that are the user's: as coordinator, or through the application."""
    mine = [
        sa.select(MockInterview.id).where(MockInterview.coordinator_id == me),
        sa.select(MockInterview.id).where(MockInterview.application_id.in_(own_applications(me))),
    ]
    return sa.select(sa.union(*mine).subquery().c[0])


def team_mock_interviews(me: UUID) -> sa.Select[Any]:
    return sa.select(MockInterview.id).where(MockInterview.application_id.in_(team_applications(me)))


def own_mock_interview(me: UUID, of: Any = MockInterview) -> sa.ColumnElement[bool]:
    """Whether this mock interview is the user's."""
    return sa.or_(of.coordinator_id == me, _through(of, own_application)(me))


def own_training(me: UUID) -> sa.Select[Any]:
    """The keys of the trainings that are the user's: who assigned it, or through the application."""
    mine = [
        sa.select(TrainingAssignment.id).where(TrainingAssignment.assigned_by_id == me),
        sa.select(TrainingAssignment.id).where(TrainingAssignment.application_id.in_(own_applications(me))),
    ]
    return sa.select(sa.union(*mine).subquery().c[0])


def own_training_row(me: UUID, of: Any = TrainingAssignment) -> sa.ColumnElement[bool]:
    return sa.or_(of.assigned_by_id == me, _through(of, own_application)(me))


def team_training(me: UUID) -> sa.Select[Any]:
    return sa.select(TrainingAssignment.id).where(TrainingAssignment.application_id.in_(team_applications(me)))


def _through(of: Any, whose: Any) -> Any:
    """Whether the application of ``of`` (a class, or an alias of it) is the user's, or the team's."""

    def rows(me: UUID) -> sa.ColumnElement[bool]:
        application = aliased(Application)
        return sa.exists().where(
            application.tenant_id == of.tenant_id, application.id == of.application_id, whose(me, application)
        )

    return rows


def _of_parent(child: Any, key: str, parent: Any, whose: Any) -> Any:
    """For a row that hangs on another one: whether that one is the user's, or the team's."""

    def rows(me: UUID) -> sa.ColumnElement[bool]:
        above = aliased(parent)
        return sa.exists().where(above.tenant_id == child.tenant_id, above.id == getattr(child, key), whose(me, above))

    return rows


access.declare(MockInterviewChecklistTemplate, "interview_templates", part_of="mock_interviews")
access.declare(
    MockInterview, "mock_interviews",
    own=lambda me: MockInterview.id.in_(own_mock_interviews(me)),
    team=lambda me: MockInterview.application_id.in_(team_applications(me)),
    own_row=own_mock_interview, team_row=of_application(MockInterview.application_id, team_application),
)  # fmt: skip
access.declare(
    MockInterviewChecklistItem, "mock_interviews",
    own=lambda me: MockInterviewChecklistItem.mock_interview_id.in_(own_mock_interviews(me)),
    team=lambda me: MockInterviewChecklistItem.mock_interview_id.in_(team_mock_interviews(me)),
    own_row=_of_parent(MockInterviewChecklistItem, "mock_interview_id", MockInterview, own_mock_interview),
    team_row=_of_parent(MockInterviewChecklistItem, "mock_interview_id", MockInterview,
                        lambda me, of: _through(of, team_application)(me)),
)  # fmt: skip
access.declare(
    TrainingAssignment, "training",
    own=lambda me: TrainingAssignment.id.in_(own_training(me)),
    team=lambda me: TrainingAssignment.application_id.in_(team_applications(me)),
    own_row=own_training_row, team_row=of_application(TrainingAssignment.application_id, team_application),
)  # fmt: skip
access.declare(
    TrainingSession, "training",
    own=lambda me: sa.or_(TrainingSession.conducted_by_id == me, TrainingSession.assignment_id.in_(own_training(me))),
    team=lambda me: TrainingSession.assignment_id.in_(team_training(me)),
    own_row=lambda me: sa.or_(
        TrainingSession.conducted_by_id == me,
        _of_parent(TrainingSession, "assignment_id", TrainingAssignment, own_training_row)(me),
    ),
    team_row=_of_parent(TrainingSession, "assignment_id", TrainingAssignment,
                        lambda me, of: _through(of, team_application)(me)),
)  # fmt: skip
