"""One interviewer's feedback on one interview."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, object_session, relationship

from portal.core import access
from portal.core.audit import Audited
from portal.core.db import Editable, Model, Owned, long_text, ref
from portal.core.types import Choice, LongText, Rating
from portal.hiring.models import of_application, own_application, team_application
from portal.interviews.models import Interview, Panelist, Part
from portal.people.models import User


class Recommendation(StrEnum):
    STRONG_YES = "strong_yes"
    YES = "yes"
    MAYBE = "maybe"
    NO = "no"
    STRONG_NO = "strong_no"


class InterviewFeedback(Audited, Editable, Owned, Model):
    """What one interviewer says; a draft has no ``submitted_at`` and is nobody's business but its author's.

    ``custom_ratings`` maps the names of the template's criteria to scores, each at most the criterion's maximum.
    """

    __tablename__ = "interview_feedback"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "interview_id", "interviewer_id"),
        sa.CheckConstraint(
            "submitted_at IS NULL OR (overall_rating IS NOT NULL AND recommendation IS NOT NULL)", name="submitted"
        ),
        sa.Index("ix_feedback_interviewer", "tenant_id", "interviewer_id", "submitted_at", "id"),
        sa.Index("ix_feedback_submitted", "tenant_id", "submitted_at", "id"),
        sa.Index("ix_feedback_recommendation", "tenant_id", "recommendation", "submitted_at", "id"),
    )
    interview_id: Mapped[UUID] = ref("interviews")
    interviewer_id: Mapped[UUID] = ref("users")
    overall_rating: Mapped[int | None] = mapped_column(Rating)
    technical_skills: Mapped[int | None] = mapped_column(Rating)
    communication: Mapped[int | None] = mapped_column(Rating)
    cultural_fit: Mapped[int | None] = mapped_column(Rating)
    problem_solving: Mapped[int | None] = mapped_column(Rating)
    recommendation: Mapped[str | None] = mapped_column(Choice(Recommendation))
    strengths: Mapped[str] = long_text(rich=True)
    weaknesses: Mapped[str] = long_text(rich=True)
    notes: Mapped[str] = long_text(rich=True)
    private_notes: Mapped[str] = mapped_column(LongText(), default="", info={"secret": True})
    custom_ratings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    submitted_at: Mapped[datetime | None]

    interview: Mapped[Interview] = relationship(viewonly=True)
    interviewer: Mapped[User] = relationship(viewonly=True)

    def __str__(self) -> str:
        return f"Feedback of {self.interviewer}"


def all_feedback_submitted(interview: Interview) -> bool:
    """Whether there is an interviewer at all, and each who is no shadow has submitted."""
    session = object_session(interview)
    assert session is not None
    given = InterviewFeedback
    submitted = sa.exists().where(
        given.tenant_id == Panelist.tenant_id, given.interview_id == Panelist.interview_id,
        given.interviewer_id == Panelist.user_id, given.submitted_at.is_not(None),
    )  # fmt: skip
    query = sa.select(submitted).where(Panelist.interview_id == interview.id, Panelist.part != Part.SHADOW)
    found = session.scalars(query).all()
    return bool(found) and all(found)


# A derived property of an interview, said here because interviews do not know of feedback.
Interview.all_feedback_submitted = property(all_feedback_submitted)


def _owes(me: UUID) -> sa.ColumnElement[bool]:
    """Whether the user still owes feedback on the same interview: then that of others is closed to them."""
    seat, mine = aliased(Panelist), aliased(InterviewFeedback)
    given = sa.exists().where(
        mine.tenant_id == InterviewFeedback.tenant_id, mine.interview_id == InterviewFeedback.interview_id,
        mine.interviewer_id == me, mine.submitted_at.is_not(None),
    )  # fmt: skip
    seated = sa.exists().where(
        seat.tenant_id == InterviewFeedback.tenant_id, seat.interview_id == InterviewFeedback.interview_id,
        seat.user_id == me, seat.part != Part.SHADOW,
    )  # fmt: skip
    return sa.and_(seated, ~given)


def _own_feedback(me: UUID) -> sa.ColumnElement[bool]:
    """One's own; and what was submitted on interviews that one organizes, or sits in and owes nothing on, or that
    are about an application of one's own."""
    about, seat = aliased(Interview), aliased(Panelist)
    this = (about.tenant_id == InterviewFeedback.tenant_id, about.id == InterviewFeedback.interview_id)
    organized = sa.exists().where(*this, about.organizer_id == me)
    on_panel = sa.exists().where(
        seat.tenant_id == InterviewFeedback.tenant_id, seat.interview_id == InterviewFeedback.interview_id,
        seat.user_id == me,
    )  # fmt: skip
    through = sa.exists().where(*this, of_application(about.application_id, own_application)(me))
    concerned = sa.or_(organized, sa.and_(~_owes(me), sa.or_(on_panel, through)))
    return sa.or_(
        InterviewFeedback.interviewer_id == me, sa.and_(InterviewFeedback.submitted_at.is_not(None), concerned)
    )


def _team_feedback(me: UUID) -> sa.ColumnElement[bool]:
    about = aliased(Interview)
    of_team = sa.exists().where(
        about.tenant_id == InterviewFeedback.tenant_id, about.id == InterviewFeedback.interview_id,
        of_application(about.application_id, team_application)(me),
    )  # fmt: skip
    return sa.and_(InterviewFeedback.submitted_at.is_not(None), ~_owes(me), of_team)


access.declare(
    InterviewFeedback, "feedback",
    own=_own_feedback, team=_team_feedback, always=lambda: InterviewFeedback.submitted_at.is_not(None),
)  # fmt: skip
