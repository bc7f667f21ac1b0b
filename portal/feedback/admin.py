"""The grid of feedback, and what it adds to the pages of interviews and applications, and to the home."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from portal.admin.additions import button, panel
from portal.admin.cells import when
from portal.admin.grid import ME, Column, Filter, Grid, options, to
from portal.admin.home import card
from portal.admin.lookups import Lookup
from portal.core import access, clock
from portal.core.errors import WrongState
from portal.core.search import like
from portal.core.types import words
from portal.core.workflow import Change
from portal.feedback import actions, queries
from portal.feedback.models import InterviewFeedback, Recommendation
from portal.feedback.queries import RATINGS, READ, Spread, Summary
from portal.hiring.models import Application, Candidate
from portal.interviews.models import OPEN, Interview, InterviewStatus, Panelist, Part
from portal.interviews.queries import titled
from portal.interviews.workflow import SCHEDULE
from portal.people.models import User

_Interviewer = aliased(User, name="interviewer")

TONES = {"strong_yes": "green", "yes": "teal", "maybe": "yellow", "no": "orange", "strong_no": "red"}
_MANY = 100  # the menu need not count further


# --- the grid ---------------------------------------------------------------------------------------


def _rated(value: str) -> sa.ColumnElement[bool]:
    return InterviewFeedback.overall_rating == int(value) if value in set("12345") else sa.false()


# What the reader owes.
_OWED = sa.select(sa.func.count()).select_from(queries.owed(ME).limit(_MANY).subquery())


def _badge(session: Any, row: InterviewFeedback) -> dict[str, str]:
    if row.submitted_at is None:
        return {"label": "Draft", "colour": "grey", "hint": "only you see it"}
    return {"label": words(str(row.recommendation)), "colour": TONES[str(row.recommendation)], "hint": ""}


def _criteria_of(session: Any, row: InterviewFeedback, user: Any) -> dict[str, Any]:
    """The criteria as they were rated."""
    tops = {each.name: each.max_score for each in queries.criteria(row.interview)}
    return {
        "title": "Criteria of the template", "icon": "ui-checks", "empty": "None were rated.",
        "columns": ["Criterion", "Rating"],
        "rows": [
            [{"kind": "text", "text": name},
             {"kind": "text", "text": f"{score} of {tops[name]}" if name in tops else str(score)}]
            for name, score in row.custom_ratings.items()
        ],
    }  # fmt: skip


FEEDBACK = Grid(
    InterviewFeedback, "feedback", "Feedback", "feedback", "chat-left-text", "Interviews",
    description="What interviewers say after their interviews, as far as it is open to you.",
    columns=(
        Column("interview", "Interview", Interview.title, "title", ("interview",), link="interviews",
               link_id=InterviewFeedback.interview_id),
        Column("candidate", "Candidate", Candidate.first_name + " " + Candidate.last_name, "person", ("candidate",),
               link="applications", link_id=Interview.application_id),
        Column("interviewer", "Interviewer", _Interviewer.full_name, "person", ("interviewer",), link="users",
               link_id=InterviewFeedback.interviewer_id),
        Column("overall_rating", "Overall", InterviewFeedback.overall_rating, "number"),
        Column("recommendation", "Recommendation", InterviewFeedback.recommendation, "choice", tones=TONES),
        Column("submitted_at", "Submitted", InterviewFeedback.submitted_at, "datetime", sort=True,
               hint="Empty: a draft of yours."),
        *(Column(name, words(name), getattr(InterviewFeedback, name), "number", shown=False) for name in RATINGS[1:]),
        *(Column(name, words(name), getattr(InterviewFeedback, name), "rich", shown=False)
          for name in ("strengths", "weaknesses", "notes")),
        Column("private_notes", "Private notes", InterviewFeedback.private_notes, shown=False,
               permission="see:private_notes"),
    ),
    joins={
        "interview": (Interview, to(Interview, InterviewFeedback.interview_id), False),
        "application": (Application, to(Application, Interview.application_id), False),
        "candidate": (Candidate, to(Candidate, Application.candidate_id), False),
        "interviewer": (_Interviewer, to(_Interviewer, InterviewFeedback.interviewer_id), False),
    },
    after={"application": ("interview",), "candidate": ("interview", "application")},
    filters=(
        Filter("submitted", "Submitted", "date", InterviewFeedback.submitted_at, past=True),
        Filter("interviewer", "Interviewer", "reference", InterviewFeedback.interviewer_id, lookup="users"),
        Filter("recommendation", "Recommendation", "choice", InterviewFeedback.recommendation,
               choices=options(Recommendation)),
        Filter("rating", "Overall", "choice", choices=tuple((n, n) for n in "12345"), where=_rated),
        Filter("interview", "Interview", "reference", InterviewFeedback.interview_id, lookup="interviews"),
    ),
    default_sort="-submitted_at",
    search=(
        lambda p: sa.select(InterviewFeedback.id).where(InterviewFeedback.interview_id.in_(titled(p))),
        lambda p: sa.select(InterviewFeedback.id).join(Interview, to(Interview, InterviewFeedback.interview_id))
        .join(Application, to(Application, Interview.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id)).where(like(Candidate.search_text, p)),
        lambda p: sa.select(InterviewFeedback.id).join(User, to(User, InterviewFeedback.interviewer_id))
        .where(like(User.search_text, p)),
    ),
    search_hint="Interview, candidate or interviewer",
    badge=_badge, panels=(_criteria_of,), waiting=_OWED,
    views=(("Doubtful", "recommendation=maybe&recommendation=no&recommendation=strong_no"),),
)  # fmt: skip

GRIDS = (FEEDBACK,)


@button(FEEDBACK.path)
def _to_continue(session: Any, row: InterviewFeedback, user: Any) -> dict[str, Any] | None:
    if row.submitted_at is not None or row.interviewer_id != user.id:
        return None
    url = f"/interviews/{row.interview_id}/feedback"
    return {"label": "Continue", "url": url, "icon": "pencil", "needs_form": True}


@button(FEEDBACK.path)
def _to_reopen(session: Any, row: InterviewFeedback, user: Any) -> dict[str, Any] | None:
    if row.submitted_at is None or not actions.may_reopen(user):
        return None
    url = f"{FEEDBACK.row_url(row.id)}/reopen"
    return {"label": "Reopen", "url": url, "icon": "arrow-counterclockwise", "needs_form": True, "quiet": True}


LOOKUPS = (
    Lookup("interviews", Interview, Interview.title, lambda p: Interview.id.in_(titled(p)), ("read:interviews",),
           hint=Candidate.first_name + " " + Candidate.last_name,
           joins=((Application, to(Application, Interview.application_id)),
                  (Candidate, to(Candidate, Application.candidate_id)))),
)  # fmt: skip


# --- on the page of an interview --------------------------------------------------------------------


@panel("interviews")
def _feedback_on(session: Any, row: Interview, user: Any) -> list[dict[str, Any]]:
    """Each readable feedback, who owes theirs and the way to one's own; and what it adds up to, where that is open."""
    seat = sa.select(Panelist.part).where(Panelist.interview_id == row.id, Panelist.user_id == user.id)
    part = session.scalar(seat)
    if part is None and not access.may(user, READ):
        return []
    told = queries.summary(session, row, user)
    if not told.given and not _takes_place(row):
        return []
    ways = _ways_to_give(session, row, part, user)
    listed = {
        "title": "Feedback", "icon": "chat-left-text",
        "empty": "None that is open to you." if told.given else "None yet.",
        "notes": [text for text in (_missing(told), told.hidden) if text],
        "actions": ways, "first": bool(ways) and row.status == InterviewStatus.COMPLETED,
        "columns": ["Interviewer", "Overall", "Recommendation", "Submitted"],
        "rows": [_given(each, user) for each in session.execute(queries.readable(row.id, user))],
    }  # fmt: skip
    return [listed, _in_figures(row, told)] if told.given and not told.hidden else [listed]


def _takes_place(row: Interview) -> bool:
    """Whether feedback is to be expected by now: nothing is missing before the start, nor of what was called off."""
    if row.status in (InterviewStatus.CANCELLED, InterviewStatus.NO_SHOW):
        return False
    return row.status not in OPEN or row.scheduled_start <= clock.now()


def _missing(told: Summary) -> str:
    return f"Still missing: {', '.join(told.owing)}." if told.owing else ""


def _ways_to_give(session: Any, row: Interview, part: str | None, user: Any) -> list[dict[str, str]]:
    mine = queries.feedback_of(session, row.id, user.id)
    if part in (None, Part.SHADOW) or (mine is not None and mine.submitted_at is not None):
        return []
    try:
        actions.require_begun(row, Change(clock.now()))
    except WrongState:
        return []
    label = "Continue your draft" if mine is not None else "Give feedback"
    return [{"label": label, "url": f"/interviews/{row.id}/feedback", "icon": "pencil"}]


def _given(found: Any, user: Any) -> list[dict[str, Any]]:
    given, told = found.InterviewFeedback, found.InterviewFeedback.recommendation
    hint = "shadow, not counted" if found.part == Part.SHADOW else None if found.part else "no longer on the panel"
    return [
        {"kind": "person", "text": found.full_name, "url": FEEDBACK.row_url(given.id), "hint": hint},
        {"kind": "number", "text": given.overall_rating},
        {"kind": "choice", "text": words(told) if told else "", "colour": TONES[told] if told else None},
        {"kind": "datetime", "text": when(given.submitted_at, user.timezone) or "Draft, seen by you alone"},
    ]


def _in_figures(row: Interview, told: Summary) -> dict[str, Any]:
    tops = {each.name: each.max_score for each in queries.criteria(row)}
    rated: list[tuple[str, Spread, int | None]] = [(words(name), each, 5) for name, each in told.ratings.items()]
    rated += [(name, each, tops.get(name)) for name, each in told.criteria.items()]
    return {
        "title": "Feedback in figures", "icon": "bar-chart", "notes": [f"Recommendations: {_recommended(told)}."],
        "columns": ["Rating", "Mean", "Range", "Deviation", "Given"],
        "rows": [_spread(label, spread, top) for label, spread, top in rated],
    }  # fmt: skip


def _recommended(told: Summary) -> str:
    return ", ".join(f"{count} × {words(name).lower()}" for name, count in told.recommendations.items())


def _spread(label: str, spread: Spread, top: int | None) -> list[dict[str, Any]]:
    return [
        {"kind": "text", "text": label},
        {"kind": "text", "text": f"{spread.mean:.1f}" + (f" of {top}" if top else "")},
        {"kind": "text", "text": f"{spread.low}–{spread.high}" if spread.low < spread.high else str(spread.low)},
        {"kind": "text", "text": f"{spread.deviation:.2f}"},
        {"kind": "number", "text": spread.count},
    ]


# --- on the page of an application ------------------------------------------------------------------


@panel("applications")
def _of_application(session: Any, row: Application, user: Any) -> dict[str, Any] | None:
    """The rounds with what their feedback adds up to."""
    if not access.may(user, READ) or not access.may(user, "read:interviews"):
        return None
    query = access.scope(sa.select(Interview.id, Interview.title), Interview, user, rowwise=True)
    query = query.where(Interview.application_id == row.id).order_by(Interview.scheduled_start.desc()).limit(50)
    titles = dict(session.execute(query).all())
    told = {key: each for key, each in queries.summaries(session, titles, user).items() if each.given}
    return {
        "title": "Feedback", "icon": "chat-left-text", "rank": 40, "empty": "None yet.",
        "columns": ["Interview", "Given", "Overall", "Recommendations"],
        "rows": [_round(key, titles[key], each) for key, each in told.items()],
    }  # fmt: skip


def _round(key: Any, title: str, told: Summary) -> list[dict[str, Any]]:
    overall = told.ratings.get("overall_rating")
    return [
        {"kind": "title", "text": title, "url": f"/interviews/{key}"},
        {"kind": "text", "text": f"{told.given} of {told.given + len(told.owing)}"},
        {"kind": "text", "text": f"{overall.mean:.1f} of 5" if overall else ""},
        {"kind": "text", "text": _recommended(told) or "not open to you yet"},
    ]


# --- home -------------------------------------------------------------------------------------------


@card(10)
def _owed(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Completed interviews on which I owe feedback, the latest first."""
    keys = list(session.scalars(queries.owed_latest(user.id).limit(8)))
    name = (Candidate.first_name + " " + Candidate.last_name).label("name")
    query = (
        sa.select(Interview.id, Interview.title, Interview.scheduled_start, name)
        .join(Application, to(Application, Interview.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id))
        .where(Interview.id.in_(keys))
        .order_by(Interview.scheduled_start.desc(), Interview.id)
    )
    rows = session.execute(query).all() if keys else []
    if not rows and (not access.may(user, "write:feedback") or access.may(user, *SCHEDULE)):
        return None
    return {
        "title": "Feedback I owe", "icon": "pencil", "count": None, "url": None,
        "empty": "You owe no feedback.",
        "rows": [
            {"title": row.name, "url": f"/interviews/{row.id}/feedback", "meta": row.title,
             "when": when(row.scheduled_start, user.timezone), "badge": None}
            for row in rows
        ],
    }  # fmt: skip
