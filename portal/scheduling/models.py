"""Engagements, working hours, time off, and the slots that interviewers offer."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.core import access, clock
from portal.core.audit import Audited
from portal.core.db import Editable, Model, Owned, Timestamped, long_text, ref, text
from portal.core.forms import zone_label
from portal.core.types import Choice, LongText, Zone, zone
from portal.hiring.models import Candidate
from portal.people.models import User
from portal.scheduling.hours import DayHours

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class SubjectType(StrEnum):
    """What may take up a person's time."""

    INTERVIEW = "interview"
    MOCK_INTERVIEW = "mock_interview"
    TRAINING_SESSION = "training_session"


_OVERRULED = sa.text("overrule_reason <> ''")


class Engagement(Timestamped, Owned, Model):
    """One person is taken from ``start`` to ``end`` by a subject in a state that occupies time.

    The database refuses a second one at the same time: by the exclusion constraint ``engagements_no_overlap`` on
    PostgreSQL, by a trigger of the same name on SQLite, which has one writer at a time (migration 0004). One that
    was overruled knowingly may overlap those that were there before it; what comes later must respect it all the
    same, which is why the constraint looks at ``position``, the order of booking.
    """

    named_by = ("user", "candidate")
    __tablename__ = "engagements"
    __table_args__ = (
        sa.CheckConstraint('"end" > start', name="end_after_start"),
        sa.CheckConstraint("(user_id IS NULL) <> (candidate_id IS NULL)", name="one_person"),
        sa.UniqueConstraint("tenant_id", "subject_type", "subject_id", "person_id"),
        sa.Index("ix_engagements_person", "tenant_id", "person_id", "start", "id"),
        sa.Index("ix_engagements_start", "tenant_id", "start", "id"),
        sa.Index("ix_engagements_overruled", "tenant_id", "start", "id",
                 postgresql_where=_OVERRULED, sqlite_where=_OVERRULED),
    )  # fmt: skip
    subject_type: Mapped[str] = mapped_column(Choice(SubjectType))
    subject_id: Mapped[UUID]
    person_id: Mapped[UUID]
    user_id: Mapped[UUID | None] = ref("users", optional=True)
    candidate_id: Mapped[UUID | None] = ref("candidates", optional=True)
    start: Mapped[datetime]
    end: Mapped[datetime]
    # Counted by a sequence on PostgreSQL; SQLite's trigger looks at what is there and needs none.
    position: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("0"))
    overrule_reason: Mapped[str] = mapped_column(LongText(), default="")

    user: Mapped[User | None] = relationship(viewonly=True)
    candidate: Mapped[Candidate | None] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"{self.user or self.candidate}: {self.subject_type.replace('_', ' ')}"


class WorkingHours(Audited, Editable, Owned, Model):
    """When a person works, week by week, on the clock of their own zone, and how much they take on."""

    named_by = ("user",)
    __tablename__ = "working_hours"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "user_id"),
        sa.CheckConstraint("max_per_day IS NULL OR max_per_day >= 1", name="max_per_day"),
        sa.CheckConstraint("max_per_week IS NULL OR max_per_week >= 1", name="max_per_week"),
    )
    user_id: Mapped[UUID] = ref("users", cascade=True)
    monday: Mapped[str] = mapped_column(DayHours(100), default="")
    tuesday: Mapped[str] = mapped_column(DayHours(100), default="")
    wednesday: Mapped[str] = mapped_column(DayHours(100), default="")
    thursday: Mapped[str] = mapped_column(DayHours(100), default="")
    friday: Mapped[str] = mapped_column(DayHours(100), default="")
    saturday: Mapped[str] = mapped_column(DayHours(100), default="")
    sunday: Mapped[str] = mapped_column(DayHours(100), default="")
    max_per_day: Mapped[int | None]
    max_per_week: Mapped[int | None]

    user: Mapped[User] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"Working hours of {self.user}"


class TimeOffKind(StrEnum):
    VACATION = "vacation"
    SICK = "sick"
    MEETING = "meeting"
    HOLIDAY = "holiday"
    BLOCKED = "blocked"


class TimeOff(Audited, Editable, Owned, Model):
    """An exception from a person's working hours."""

    named_by = ("user",)
    __tablename__ = "time_off"
    __table_args__ = (
        sa.CheckConstraint('"end" > start', name="end_after_start"),
        sa.Index("ix_time_off_user", "tenant_id", "user_id", "start", "id"),
        sa.Index("ix_time_off_start", "tenant_id", "start", "id"),
    )
    user_id: Mapped[UUID] = ref("users", cascade=True)
    kind: Mapped[str] = mapped_column(Choice(TimeOffKind), default=TimeOffKind.VACATION)
    start: Mapped[datetime]
    end: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    notes: Mapped[str] = text(200, default="")

    user: Mapped[User] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.kind}"


class SlotType(StrEnum):
    ANY = "any"
    INTERVIEW = "interview"
    MOCK_INTERVIEW = "mock_interview"


class SlotState(StrEnum):
    """What a slot is at a given moment; derived, as a hold ends by itself."""

    FREE = "free"
    HELD = "held"
    BOOKED = "booked"
    PAST = "past"


class InterviewSlot(Audited, Editable, Owned, Model):
    """A time that an interviewer offers. Two of one interviewer never overlap (``interview_slots_no_overlap``).

    An occurrence of a recurring one is a row of its own, since it is booked on its own: rows of one series share
    ``series_id`` and ``recurrence`` (RFC 5545 RRULE, with an end).
    """

    __tablename__ = "interview_slots"
    __table_args__ = (
        sa.CheckConstraint('"end" > start', name="end_after_start"),
        sa.CheckConstraint("(booked_id IS NULL) = (booked_at IS NULL)", name="booked_when"),
        sa.CheckConstraint("(booked_id IS NULL) = (booked_type IS NULL)", name="booked_what"),
        sa.CheckConstraint("(held_by_id IS NULL) = (held_until IS NULL)", name="held_until"),
        sa.UniqueConstraint("tenant_id", "booked_type", "booked_id"),
        sa.Index("ix_slots_start", "tenant_id", "start", "id"),
        sa.Index("ix_slots_interviewer", "tenant_id", "interviewer_id", "start", "id"),
        sa.Index("ix_slots_series", "tenant_id", "series_id", "start"),
    )
    interviewer_id: Mapped[UUID] = ref("users")
    start: Mapped[datetime]
    end: Mapped[datetime]
    timezone: Mapped[str] = mapped_column(Zone(64), default="UTC")
    slot_type: Mapped[str] = mapped_column(Choice(SlotType), default=SlotType.ANY)
    recurrence: Mapped[str] = text(300, default="")
    series_id: Mapped[UUID | None]
    notes: Mapped[str] = long_text()
    held_until: Mapped[datetime | None]
    held_by_id: Mapped[UUID | None] = ref("users", optional=True)
    booked_type: Mapped[str | None] = mapped_column(Choice(SubjectType))
    booked_id: Mapped[UUID | None]
    booked_at: Mapped[datetime | None]

    interviewer: Mapped[User] = relationship(
        primaryjoin="and_(InterviewSlot.tenant_id == User.tenant_id, foreign(InterviewSlot.interviewer_id) == User.id)",
        viewonly=True,
        lazy="joined",  # a slot is called after its interviewer wherever it is named
        innerjoin=True,
    )
    held_by: Mapped[User | None] = relationship(
        primaryjoin="and_(InterviewSlot.tenant_id == User.tenant_id, foreign(InterviewSlot.held_by_id) == User.id)",
        viewonly=True,
    )

    @property
    def state(self) -> SlotState:
        at = clock.now()
        if self.booked_id is not None:
            return SlotState.BOOKED
        if self.start <= at:
            return SlotState.PAST
        return SlotState.HELD if self.held_until and self.held_until > at else SlotState.FREE

    def __str__(self) -> str:
        start = self.start.astimezone(zone(self.timezone))
        return f"{self.interviewer}, {start.day} {start:%b %Y, %H:%M} ({zone_label(self.timezone, self.start)})"


access.declare(Engagement, "availability", own=lambda me: Engagement.user_id == me)
access.declare(WorkingHours, "availability", own=lambda me: WorkingHours.user_id == me)
access.declare(TimeOff, "availability", own=lambda me: TimeOff.user_id == me)
access.declare(InterviewSlot, "interview_slots", own=lambda me: InterviewSlot.interviewer_id == me)
