"""Interviews and their panels."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from portal.core import access, clock
from portal.core.audit import Audited
from portal.core.db import Editable, Model, OfTenant, Owned, Searchable, Timestamped, long_text, ref, text
from portal.core.rows import Cell, Rows, RowsOf
from portal.core.types import Choice, LongText, WebUrl, Zone, fold, zone, zone_names
from portal.hiring.models import (
    Application,
    JobLevel,
    of_application,
    own_application,
    own_applications,
    team_application,
    team_applications,
)
from portal.people.models import User


class InterviewType(StrEnum):
    PHONE = "phone"
    VIDEO = "video"
    IN_PERSON = "in_person"
    TECHNICAL = "technical"
    PANEL = "panel"
    ASSESSMENT = "assessment"
    FINAL = "final"
    CULTURE_FIT = "culture_fit"
    CASE_STUDY = "case_study"
    BEHAVIORAL = "behavioral"


class Audience(StrEnum):
    CLIENT = "client"
    INTERNAL = "internal"


class InterviewStatus(StrEnum):
    SCHEDULED = "scheduled"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    RESCHEDULED = "rescheduled"


AHEAD = (InterviewStatus.SCHEDULED, InterviewStatus.CONFIRMED, InterviewStatus.RESCHEDULED)
OPEN = (*AHEAD, InterviewStatus.IN_PROGRESS)


# With the values written out: as parameters they would hide the partial index from the planner.
_OPEN = sa.text("status IN ('scheduled', 'confirmed', 'rescheduled', 'in_progress')")
_OF_TEMPLATE = sa.text("template_id IS NOT NULL")
STILL_OPEN = sa.text(f"interviews.{_OPEN.text}")
# Without the start, which a seat shares: a row that was read before a move still finds its panel.
_SEATED = "and_(Panelist.tenant_id == Interview.tenant_id, Panelist.interview_id == Interview.id)"


class MeetingProvider(StrEnum):
    ZOOM = "zoom"
    TEAMS = "teams"
    MEET = "meet"
    WEBEX = "webex"
    CUSTOM = "custom"


class CalendarProvider(StrEnum):
    GOOGLE = "google"
    OUTLOOK = "outlook"
    ICAL = "ical"


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class Part(StrEnum):
    LEAD = "lead"
    PANELIST = "panelist"
    SHADOW = "shadow"


class Reply(StrEnum):
    NEEDS_ACTION = "needs_action"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


_WEIGHT = Cell("weight", whole=(0, 100), default=1)
QUESTIONS = Rows(
    (Cell("question", 500, long=True, required=True), Cell("category", 100),
     Cell("expected_answer", 2000, long=True), _WEIGHT),
    "question",
)  # fmt: skip
CRITERIA = Rows(
    (Cell("name", 100, required=True, unique=True), Cell("description", 500, long=True), _WEIGHT,
     Cell("max_score", whole=(2, 100), default=5)),
    "criterion",
)  # fmt: skip
SKILLS = Rows((Cell("skill", 100, unique=True),), "skill", plain=True)


class InterviewTemplate(Searchable, Audited, Editable, Owned, Model):
    """What interviews of one sort have in common. ``questions`` are {question, category, expected_answer, weight},
    ``scorecard_criteria`` {name, description, weight, max_score}; feedback rates by the criteria's names."""

    __tablename__ = "interview_templates"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "name"),
        sa.CheckConstraint("required_interviewers >= 1", name="required_interviewers"),
        sa.CheckConstraint("default_duration BETWEEN 5 AND 1440", name="default_duration"),
        sa.Index("ix_interview_templates_type", "tenant_id", "interview_type", "name"),
    )
    searched = ("name", "department")
    name: Mapped[str] = text(120)
    interview_type: Mapped[str] = mapped_column(Choice(InterviewType), default=InterviewType.VIDEO)
    default_duration: Mapped[int] = mapped_column(default=60)  # minutes
    required_interviewers: Mapped[int] = mapped_column(default=1)
    allow_multiple_interviewers: Mapped[bool] = mapped_column(default=True)
    requires_feedback_before_discussion: Mapped[bool] = mapped_column(default=False)
    questions: Mapped[list[Any]] = mapped_column(RowsOf(QUESTIONS), default=list)
    scorecard_criteria: Mapped[list[Any]] = mapped_column(RowsOf(CRITERIA), default=list)
    skills_assessed: Mapped[list[Any]] = mapped_column(RowsOf(SKILLS), default=list)
    instructions: Mapped[str] = long_text(rich=True)
    preparation_guide: Mapped[str] = long_text(rich=True)
    candidate_instructions: Mapped[str] = long_text(rich=True)
    department: Mapped[str] = text(120, default="")
    job_level: Mapped[str | None] = mapped_column(Choice(JobLevel))
    active: Mapped[bool] = mapped_column(default=True)

    def __str__(self) -> str:
        return self.name


class Interview(Audited, Editable, Owned, Model):
    """A meeting of a candidate with a panel; its status is moved by the workflow alone."""

    __tablename__ = "interviews"
    __table_args__ = (
        sa.CheckConstraint("scheduled_end > scheduled_start", name="end_after_start"),
        sa.CheckConstraint("outcome IS NULL OR audience = 'client'", name="outcome_of_client"),
        sa.CheckConstraint("status <> 'cancelled' OR cancelled_at IS NOT NULL", name="cancelled_when"),
        sa.Index("ix_interviews_start", "tenant_id", "scheduled_start", "id", unique=True),  # seats refer to it
        # What is still open is little beside all that has been: homes and reminders look here.
        sa.Index(
            "ix_interviews_open",
            "tenant_id",
            "scheduled_start",
            "id",
            postgresql_where=_OPEN,
            sqlite_where=_OPEN,
        ),
        sa.Index("ix_interviews_status", "tenant_id", "status", "scheduled_start", "id"),
        # With the state, so that a filter of both is counted without the rows. A move writes all indexes anyway.
        sa.Index(
            "ix_interviews_type",
            "tenant_id",
            "interview_type",
            "scheduled_start",
            "id",
            postgresql_include=["status"],
        ),
        sa.Index("ix_interviews_organizer", "tenant_id", "organizer_id", "scheduled_start", "id"),
        sa.Index("ix_interviews_application", "tenant_id", "application_id", "scheduled_start"),
        sa.Index("ix_interviews_title", "tenant_id", "title", "id"),
        sa.Index(
            "ix_interviews_template",
            "tenant_id",
            "template_id",
            "scheduled_start",
            "id",
            postgresql_where=_OF_TEMPLATE,
            sqlite_where=_OF_TEMPLATE,
        ),
    )
    application_id: Mapped[UUID] = ref("applications")
    interview_type: Mapped[str] = mapped_column(Choice(InterviewType), default=InterviewType.VIDEO)
    audience: Mapped[str] = mapped_column(Choice(Audience), default=Audience.CLIENT)
    title: Mapped[str] = text(200)
    description: Mapped[str] = long_text(rich=True)
    status: Mapped[str] = mapped_column(Choice(InterviewStatus), default=InterviewStatus.SCHEDULED)
    scheduled_start: Mapped[datetime]
    scheduled_end: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    candidate_timezone: Mapped[str] = mapped_column(Zone(64), default="")
    actual_start: Mapped[datetime | None]
    actual_end: Mapped[datetime | None]
    organizer_id: Mapped[UUID | None] = ref("users", optional=True)
    template_id: Mapped[UUID | None] = ref("interview_templates", optional=True)
    location: Mapped[str] = text(300, default="")
    meeting_provider: Mapped[str | None] = mapped_column(Choice(MeetingProvider))
    meeting_link: Mapped[str] = mapped_column(WebUrl(500), default="")
    meeting_url: Mapped[str] = mapped_column(WebUrl(500), default="")
    meeting_id: Mapped[str] = text(100, default="")
    meeting_password: Mapped[str] = text(50, default="", info={"secret": True})
    notes: Mapped[str] = long_text(rich=True)
    preparation_notes: Mapped[str] = long_text(rich=True)
    interview_guide: Mapped[str] = long_text(rich=True)
    calendar_provider: Mapped[str | None] = mapped_column(Choice(CalendarProvider))
    calendar_event_id: Mapped[str] = text(200, default="")
    candidate_calendar_event_id: Mapped[str] = text(200, default="")
    confirmed_at: Mapped[datetime | None]
    confirmed_by_candidate: Mapped[bool] = mapped_column(default=False)
    cancelled_at: Mapped[datetime | None]
    cancellation_reason: Mapped[str] = mapped_column(LongText(), default="")
    reschedule_count: Mapped[int] = mapped_column(default=0)
    outcome: Mapped[str | None] = mapped_column(Choice(Outcome))

    if TYPE_CHECKING:  # from the rules and rows of reminders: ``messaging.reminders`` hangs them on
        needs_1day_reminder: bool
        needs_1hour_reminder: bool
        needs_15min_reminder: bool
        reminder_sent_1day: bool
        reminder_sent_1hour: bool
        reminder_sent_15min: bool

    application: Mapped[Application] = relationship(viewonly=True)
    organizer: Mapped[User | None] = relationship(viewonly=True)
    template: Mapped[InterviewTemplate | None] = relationship(viewonly=True)
    panel: Mapped[list["Panelist"]] = relationship(
        viewonly=True,
        primaryjoin=_SEATED,
        foreign_keys="Panelist.tenant_id, Panelist.interview_id",
        order_by="Panelist.part, Panelist.id",
    )

    @property
    def duration_minutes(self) -> int:
        """The scheduled length; 0 while a time is missing, as in a row that is not saved yet."""
        start, end = self.__dict__.get("scheduled_start"), self.__dict__.get("scheduled_end")
        if start is None or end is None:
            return 0
        return int((end - start).total_seconds() // 60)

    @property
    def actual_duration_minutes(self) -> int | None:
        if not (self.actual_start and self.actual_end):
            return None
        return int((self.actual_end - self.actual_start).total_seconds() // 60)

    @property
    def is_upcoming(self) -> bool:
        return self.status in AHEAD and self.scheduled_start > clock.now()

    @property
    def is_past(self) -> bool:
        return self.scheduled_end < clock.now()

    @property
    def is_today(self) -> bool:
        """Whether it starts today, as the calendar hangs in the interview's own zone."""
        here = zone(self.timezone)
        return self.scheduled_start.astimezone(here).date() == clock.now().astimezone(here).date()

    @property
    def meeting_url_display(self) -> str:
        return self.meeting_link or self.meeting_url or ""

    @property
    def candidate_local_time(self) -> datetime:
        """The start as the candidate's clock shows it; as stored where that zone is missing or unknown."""
        if self.candidate_timezone in zone_names():
            return self.scheduled_start.astimezone(zone(self.candidate_timezone))
        return self.scheduled_start.astimezone(UTC)

    def __str__(self) -> str:
        return self.title


class Panelist(Audited, Timestamped, Owned, Model):
    """One person of an interview's panel: a user, their part, and their reply to the invitation.

    ``scheduled_start`` is the interview's. The database keeps it the same, so that an index gives the interviews of
    one person in their order, however many there are.
    """

    named_by = ("user",)
    __tablename__ = "panelists"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "interview_id", "user_id"),
        sa.Index("ix_panelists_user", "tenant_id", "user_id", "scheduled_start", "interview_id"),
    )
    interview_id: Mapped[UUID] = ref("interviews", cascade=True, along="scheduled_start")
    user_id: Mapped[UUID] = ref("users")
    part: Mapped[str] = mapped_column(Choice(Part), default=Part.PANELIST)
    reply: Mapped[str] = mapped_column(Choice(Reply), default=Reply.NEEDS_ACTION)
    scheduled_start: Mapped[datetime] = mapped_column(info={"copied": True})

    user: Mapped[User] = relationship(viewonly=True)
    interview: Mapped[Interview] = relationship(
        viewonly=True, primaryjoin=_SEATED, foreign_keys="Panelist.tenant_id, Panelist.interview_id"
    )

    def __str__(self) -> str:
        return f"{self.user} ({self.part})"


class InterviewTitle(OfTenant, Model):
    """An interview's title as it is searched.

    It has a row of its own because PostgreSQL writes all indexes of a row anew when a value in one of them changes,
    and its words' index costs as much as the nine others together: a confirmation leaves it alone.
    """

    __tablename__ = "interview_titles"
    interview_id: Mapped[UUID] = ref("interviews", cascade=True, primary_key=True)
    search_text: Mapped[str] = mapped_column(sa.Text)


_TITLES = cast(sa.Table, InterviewTitle.__table__)


@event.listens_for(Interview, "after_insert")
def _add_title(mapper: Any, connection: sa.Connection, row: Interview) -> None:
    connection.execute(
        sa.insert(_TITLES).values(tenant_id=row.tenant_id, interview_id=row.id, search_text=fold(row.title))
    )


@event.listens_for(Interview, "after_update")
def _change_title(mapper: Any, connection: sa.Connection, row: Interview) -> None:
    if sa.inspect(row).attrs.title.history.has_changes():
        its = (_TITLES.c.tenant_id == row.tenant_id, _TITLES.c.interview_id == row.id)
        connection.execute(sa.update(_TITLES).where(*its).values(search_text=fold(row.title)))


def own_interviews(me: UUID) -> sa.Select[Any]:
    """The keys of the interviews that are the user's: on the panel, as organizer, or through the application."""
    mine = [
        sa.select(Panelist.interview_id).where(Panelist.user_id == me),
        sa.select(Interview.id).where(Interview.organizer_id == me),
        sa.select(Interview.id).where(Interview.application_id.in_(own_applications(me))),
    ]
    return sa.select(sa.union(*mine).subquery().c[0])


def own_interview(me: UUID) -> sa.ColumnElement[bool]:
    """Whether this interview is the user's."""
    seat = aliased(Panelist)
    on_panel = sa.exists().where(
        seat.tenant_id == Interview.tenant_id, seat.interview_id == Interview.id, seat.user_id == me
    )
    through = of_application(Interview.application_id, own_application)(me)
    return sa.or_(Interview.organizer_id == me, on_panel, through)


access.declare(InterviewTemplate, "interview_templates")
access.declare(
    Interview, "interviews",
    own=lambda me: Interview.id.in_(own_interviews(me)),
    team=lambda me: Interview.application_id.in_(team_applications(me)),
    own_row=own_interview, team_row=of_application(Interview.application_id, team_application),
)  # fmt: skip


def _declare_part(part: Any) -> None:
    """Rows that belong to an interview are whose it is."""
    of_team = sa.select(Interview.id)
    access.declare(
        part, "interviews",
        own=lambda me: part.interview_id.in_(own_interviews(me)),
        team=lambda me: part.interview_id.in_(of_team.where(Interview.application_id.in_(team_applications(me)))),
    )  # fmt: skip


_declare_part(Panelist)
_declare_part(InterviewTitle)
