"""One interviewer's feedback on one interview."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column, object_session, relationship

from portal.core import access
from portal.core.db import Editable, Model, Owned, long_text, ref
from portal.core.types import Choice, LongText, Rating
from portal.hiring.models import of_application, own_application, team_application, team_applications
from portal.interviews.models import Interview, InterviewTemplate, Panelist, Part, own_interviews
from portal.people.models import User


class Recommendation(StrEnum):
    STRONG_YES = "strong_yes"
    YES = "yes"
    MAYBE = "maybe"
    NO = "no"
    STRONG_NO = "strong_no"


class InterviewFeedback(Editable, Owned, Model):
    """What one interviewer says; a draft has no ``submitted_at`` and is nobody's business but its author's.

    So it is not audited field by field like other rows: what a draft says would stand in the audit for others to
    read. The actions write what was submitted there, when it is submitted.

    ``custom_ratings`` maps the names of the template's criteria to scores, each at most the criterion's maximum.
    """

    named_by = ("interviewer",)
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
    query = sa.select(submitted_by(Panelist)).where(Panelist.interview_id == interview.id, Panelist.part != Part.SHADOW)
    found = session.scalars(query).all()
    return bool(found) and all(found)


# A derived property of an interview, said here because interviews do not know of feedback.
Interview.all_feedback_submitted = property(all_feedback_submitted)


# --- who may read it ---------------------------------------------------------------------------------
# Each condition is about a row of feedback, called ``given``: the class itself, or an alias of it.


def _seats(given: Any) -> tuple[Any, tuple[sa.ColumnElement[bool], ...]]:
    seat = aliased(Panelist)
    return seat, (seat.tenant_id == given.tenant_id, seat.interview_id == given.interview_id)


def submitted_by(seat: Any) -> sa.ColumnElement[bool]:
    """Whether who sits on ``seat`` has submitted their feedback."""
    theirs = aliased(InterviewFeedback)
    return sa.exists().where(
        theirs.tenant_id == seat.tenant_id, theirs.interview_id == seat.interview_id,
        theirs.interviewer_id == seat.user_id, theirs.submitted_at.is_not(None),
    )  # fmt: skip


def _owes(me: UUID, given: Any) -> sa.ColumnElement[bool]:
    """Whether the user still owes feedback on the same interview: then that of others is closed to them."""
    seat, same = _seats(given)
    return sa.exists().where(*same, seat.user_id == me, seat.part != Part.SHADOW, ~submitted_by(seat))


def _held_back(given: Any) -> sa.ColumnElement[bool]:
    """Whether the template wants everybody's feedback before it is discussed, and somebody's is missing."""
    about, template = aliased(Interview), aliased(InterviewTemplate)
    asked = sa.exists().where(
        about.tenant_id == given.tenant_id, about.id == given.interview_id,
        template.tenant_id == about.tenant_id, template.id == about.template_id,
        template.requires_feedback_before_discussion.is_(True),
    )  # fmt: skip
    seat, same = _seats(given)
    return sa.and_(asked, sa.exists().where(*same, seat.part != Part.SHADOW, ~submitted_by(seat)))


def _is_submitted(given: Any) -> sa.ColumnElement[bool]:
    return given.submitted_at.is_not(None)  # type: ignore[no-any-return]


def _organized(me: UUID, given: Any) -> sa.ColumnElement[bool]:
    about = aliased(Interview)
    return sa.exists().where(
        about.tenant_id == given.tenant_id, about.id == given.interview_id, about.organizer_id == me
    )


def _open_to(me: UUID, given: Any) -> sa.ColumnElement[bool]:
    return sa.and_(~_owes(me, given), ~_held_back(given))


def _own_row(me: UUID, given: Any = InterviewFeedback) -> sa.ColumnElement[bool]:
    """One's own; and what was submitted on interviews that one organizes, or sits in and owes nothing on, or that
    are about an application of one's own."""
    about = aliased(Interview)
    seat, same = _seats(given)
    on_panel = sa.exists().where(*same, seat.user_id == me)
    through = sa.exists().where(
        about.tenant_id == given.tenant_id, about.id == given.interview_id,
        of_application(about.application_id, own_application)(me),
    )  # fmt: skip
    concerned = sa.or_(_organized(me, given), sa.and_(_open_to(me, given), sa.or_(on_panel, through)))
    return sa.or_(given.interviewer_id == me, sa.and_(_is_submitted(given), concerned))


def _own(me: UUID) -> sa.ColumnElement[bool]:
    """The same as ``_own_row``, from the user's interviews: a list does not judge every row there is."""
    written, about = aliased(InterviewFeedback), aliased(InterviewFeedback)
    closed = sa.and_(~_organized(me, about), ~_open_to(me, about))
    mine = [
        sa.select(written.id).where(written.interviewer_id == me),
        sa.select(about.id).where(about.interview_id.in_(own_interviews(me)), _is_submitted(about), ~closed),
    ]
    return InterviewFeedback.id.in_(sa.select(sa.union(*mine).subquery().c[0]))


def _team_row(me: UUID) -> sa.ColumnElement[bool]:
    given, about = InterviewFeedback, aliased(Interview)
    of_team = sa.exists().where(
        about.tenant_id == given.tenant_id, about.id == given.interview_id,
        of_application(about.application_id, team_application)(me),
    )  # fmt: skip
    return sa.or_(given.interviewer_id == me, sa.and_(_is_submitted(given), _open_to(me, given), of_team))


def _team(me: UUID) -> sa.ColumnElement[bool]:
    written, about = aliased(InterviewFeedback), aliased(InterviewFeedback)
    theirs = sa.select(Interview.id).where(Interview.application_id.in_(team_applications(me)))
    found = [
        sa.select(written.id).where(written.interviewer_id == me),
        sa.select(about.id).where(about.interview_id.in_(theirs), _is_submitted(about), _open_to(me, about)),
    ]
    return InterviewFeedback.id.in_(sa.select(sa.union(*found).subquery().c[0]))


access.declare(
    InterviewFeedback, "feedback", own=_own, team=_team, own_row=_own_row, team_row=_team_row,
    # Whoever reads the whole organisation's feedback: all that was submitted, and drafts of their own.
    always=lambda me: sa.or_(InterviewFeedback.submitted_at.is_not(None), InterviewFeedback.interviewer_id == me),
)  # fmt: skip
