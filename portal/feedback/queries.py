"""What feedback adds up to, who still owes theirs, and who has owed it for long."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean, pstdev
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.core import access
from portal.core.access import Holder
from portal.core.audit import AuditEntry
from portal.feedback.models import InterviewFeedback, Recommendation, submitted_by
from portal.interviews.models import Interview, InterviewStatus, InterviewTemplate, Panelist, Part
from portal.people.models import User

RATINGS = ("overall_rating", "technical_skills", "communication", "cultural_fit", "problem_solving")
READ = "read:feedback"
OVERDUE = timedelta(hours=24)
"""Feedback that is owed for longer than this is overdue (SPEC §5)."""


@dataclass(frozen=True)
class Criterion:
    """What a template lets its interviewers rate, from 1 to ``max_score``."""

    name: str
    description: str = ""
    max_score: int = 5


def criteria(interview: Interview) -> list[Criterion]:
    """The criteria of the interview's template, in its order; none without a template."""
    listed = interview.template.scorecard_criteria if interview.template else []
    return [
        Criterion(str(each["name"]), str(each.get("description") or ""), int(each.get("max_score") or 5))
        for each in listed
        if each.get("name")
    ]


# --- in figures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """How ``count`` ratings lie: their mean, the lowest and highest, and the standard deviation (of just these)."""

    count: int
    mean: float
    low: int
    high: int
    deviation: float

    @classmethod
    def of(cls, values: Sequence[int]) -> "Spread":
        return cls(len(values), fmean(values), min(values), max(values), pstdev(values))


@dataclass(frozen=True)
class Summary:
    """The feedback on one interview. Shadows count nowhere, drafts only as missing.

    ``given`` is how many have submitted, ``owing`` names those who have not. ``hidden`` is '' or says why this
    reader gets no figures yet; then there are none.
    """

    given: int = 0
    owing: tuple[str, ...] = ()
    hidden: str = ""
    ratings: Mapping[str, Spread] = field(default_factory=dict)
    recommendations: Mapping[str, int] = field(default_factory=dict)
    criteria: Mapping[str, Spread] = field(default_factory=dict)


WAITS = "The template asks for everybody's feedback before it is discussed: the figures appear when all is in."
AFTER_YOURS = "What the others say opens once you have submitted yours."
NOT_YOURS = "You may not read all that was said on this interview, so there are no figures for you."


def summary(session: Any, interview: Interview, user: Holder) -> Summary:
    """What the feedback on ``interview`` adds up to, as far as ``user`` may know it now."""
    return summaries(session, [interview.id], user)[interview.id]


def summaries(session: Any, interviews: Collection[UUID], user: Holder) -> dict[UUID, Summary]:
    """The summaries of ``interviews``, in three statements whatever their number."""
    seats, given = _seats(session, interviews), _submitted(session, interviews, user)
    waiting = set(session.scalars(_gated(interviews)))
    return {key: _summary(seats[key], given[key], key in waiting, user) for key in interviews}


def _seats(session: Any, interviews: Collection[UUID]) -> Mapping[UUID, list[Any]]:
    """Who owes feedback on each, with name."""
    query = (
        sa.select(Panelist.interview_id, Panelist.user_id, User.full_name)
        .join(User, sa.and_(User.tenant_id == Panelist.tenant_id, User.id == Panelist.user_id))
        .where(Panelist.interview_id.in_(list(interviews)), Panelist.part != Part.SHADOW, ~submitted_by(Panelist))
        .order_by(Panelist.part, Panelist.id)
    )
    return _by_interview(session.execute(query))


def _submitted(session: Any, interviews: Collection[UUID], user: Holder) -> Mapping[UUID, list[Any]]:
    """What was submitted, shadows' aside, each with whether ``user`` may read it. Who has left the panel since
    is heard all the same: taking somebody off does not take back what they said."""
    given, seat = InterviewFeedback, aliased(Panelist)
    shadow = sa.exists().where(
        seat.tenant_id == given.tenant_id, seat.interview_id == given.interview_id,
        seat.user_id == given.interviewer_id, seat.part == Part.SHADOW,
    )  # fmt: skip
    columns = [getattr(given, name) for name in (*RATINGS, "recommendation", "custom_ratings")]
    seen = access.visible(given, user, READ, rowwise=True).label("seen")
    query = sa.select(given.interview_id, *columns, seen)
    query = query.where(given.interview_id.in_(list(interviews)), given.submitted_at.is_not(None), ~shadow)
    return _by_interview(session.execute(query.order_by(given.id)))


def _by_interview(rows: Iterable[Any]) -> Mapping[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.interview_id].append(row)
    return found


def _gated(interviews: Collection[UUID]) -> sa.Select[Any]:
    """Which of ``interviews`` are of a template that wants all feedback before it is discussed."""
    of = sa.and_(InterviewTemplate.tenant_id == Interview.tenant_id, InterviewTemplate.id == Interview.template_id)
    gate = InterviewTemplate.requires_feedback_before_discussion.is_(True)
    return sa.select(Interview.id).join(InterviewTemplate, of).where(Interview.id.in_(list(interviews)), gate)


def _summary(seats: Sequence[Any], given: Sequence[Any], gated: bool, user: Holder) -> Summary:
    owing = tuple(seat.full_name for seat in seats)
    if hidden := _hidden(seats, given, gated, user):
        return Summary(len(given), owing, hidden)
    told = Counter(row.recommendation for row in given)
    rated = {name: [v for row in given if (v := getattr(row, name)) is not None] for name in RATINGS}
    own: dict[str, list[int]] = defaultdict(list)
    for row in given:
        for name, score in row.custom_ratings.items():
            own[name].append(score)
    return Summary(
        len(given), owing, "",
        {name: Spread.of(values) for name, values in rated.items() if values},
        {each.value: told[each.value] for each in Recommendation if told[each.value]},
        {name: Spread.of(values) for name, values in own.items()},
    )  # fmt: skip


def _hidden(seats: Sequence[Any], given: Sequence[Any], gated: bool, user: Holder) -> str:
    """Why these figures are not for ``user`` now; '' where they are."""
    if gated and seats:
        return WAITS
    if all(row.seen for row in given):
        return ""
    return AFTER_YOURS if any(seat.user_id == user.id for seat in seats) else NOT_YOURS


# --- what is owed -----------------------------------------------------------------------------------


def owed(user: UUID | sa.BindParameter[UUID]) -> sa.Select[Any]:
    """The keys of the completed interviews on which ``user`` owes feedback (served by ix_panelists_user)."""
    return _owing(Interview.id).where(Panelist.user_id == user)


def owed_latest(user: UUID) -> sa.Select[Any]:
    """The same keys, those of the latest interviews first."""
    return owed(user).order_by(Panelist.scheduled_start.desc(), Panelist.interview_id.desc())


def overdue(at: datetime) -> sa.Select[Any]:
    """Interview, interviewer and time since when, of feedback that is owed for more than a day (served by
    ix_interviews_status)."""
    since = sa.func.coalesce(Interview.actual_end, Interview.scheduled_end, type_=Interview.scheduled_end.type)
    return _owing(Interview.id, Panelist.user_id, since.label("since")).where(since < at - OVERDUE)


def _owing(*columns: Any) -> sa.Select[Any]:
    seat = sa.and_(Panelist.tenant_id == Interview.tenant_id, Panelist.interview_id == Interview.id)
    owes = sa.and_(Panelist.part != Part.SHADOW, ~submitted_by(Panelist))
    return sa.select(*columns).join(Panelist, seat).where(Interview.status == InterviewStatus.COMPLETED, owes)


# --- one's own --------------------------------------------------------------------------------------


def feedback_of(session: Any, interview: UUID, user: UUID) -> InterviewFeedback | None:
    """What ``user`` has written on ``interview``, draft or submitted."""
    mine = (InterviewFeedback.interview_id == interview, InterviewFeedback.interviewer_id == user)
    found: InterviewFeedback | None = session.scalar(sa.select(InterviewFeedback).where(*mine))
    return found


def readable(interview: UUID, user: Holder) -> sa.Select[Any]:
    """The feedback on ``interview`` that ``user`` may read, with who gave it and in which part."""
    given = InterviewFeedback
    seat = sa.and_(
        Panelist.tenant_id == given.tenant_id, Panelist.interview_id == given.interview_id,
        Panelist.user_id == given.interviewer_id,
    )  # fmt: skip
    columns: tuple[Any, ...] = (given, User.full_name, Panelist.part)
    query = (
        sa.select(*columns)
        .join(User, sa.and_(User.tenant_id == given.tenant_id, User.id == given.interviewer_id))
        .join(Panelist, seat, isouter=True)
        .where(given.interview_id == interview)
    )
    return access.scope(query, given, user, READ, rowwise=True).order_by(given.submitted_at, given.id)


def why_reopened(session: Any, row: InterviewFeedback) -> str:
    """The reason that came with the last reopening; '' where there was none."""
    query = sa.select(AuditEntry.reason).where(AuditEntry.row_id == row.id, AuditEntry.action == "reopen_feedback")
    return session.scalar(query.order_by(AuditEntry.id.desc()).limit(1)) or ""


def last_submitted(session: Any, row: InterviewFeedback) -> dict[str, Any]:
    """What was submitted before a reopening, by field, as the audit keeps it; {} the first time."""
    query = sa.select(AuditEntry.changes).where(AuditEntry.row_id == row.id, AuditEntry.action == "submit")
    said: dict[str, Any] = {}
    for changes in session.scalars(query.order_by(AuditEntry.id)):
        said |= {name: new for name, (_, new) in changes.items()}
    return said
