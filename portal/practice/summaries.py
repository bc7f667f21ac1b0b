"""What stands on the pages of mock interviews, trainings and applications: results, former attempts, sessions."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.additions import Happening, happenings, panel, refer
from portal.admin.cells import day, when
from portal.admin.grid import to
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Invalid, WrongState
from portal.core.types import words
from portal.core.workflow import Change
from portal.hiring.models import Application
from portal.hiring.workflow import workflow_options
from portal.people.models import User
from portal.practice import assessing, options, training  # noqa: F401 - options are offered by name
from portal.practice.admin import CATEGORY_TONES, DECISION_TONES, MOCK_INTERVIEWS, TONES
from portal.practice.models import (
    GOING_ON,
    OPEN,
    MockInterview,
    MockInterviewChecklistItem,
    SessionStatus,
    TrainingAssignment,
    TrainingSession,
)
from portal.practice.training_admin import OUTCOME_TONES, SESSION_TONES, SESSIONS, TRAININGS
from portal.practice.training_admin import TONES as TRAINING_TONES
from portal.practice.workflow import TRAIN

blueprint = Blueprint("training_progress", __name__, url_prefix="/training")
refer("mock_interview_id", "mock-interviews")
refer("training_id", "training")

_Item = MockInterviewChecklistItem
_FEW = 50
_PASSED = {True: ("Passed", "green"), False: ("Not passed", "orange"), None: ("Not yet", "grey")}


# --- an application's practice --------------------------------------------------------------------------


def _tally(passed: bool) -> Any:
    return (
        sa.select(sa.func.count())
        .where(_Item.tenant_id == MockInterview.tenant_id, _Item.mock_interview_id == MockInterview.id,
               _Item.passed.is_(passed))
        .correlate(MockInterview)
        .scalar_subquery()
    )  # fmt: skip


def _mocks_of(session: Any, application: Any, user: Any, *, besides: Any = None) -> Sequence[Any]:
    query = access.scope(
        sa.select(MockInterview, User.full_name.label("coordinator"), _tally(True).label("passed"),
                  _tally(False).label("failed")),
        MockInterview, user, rowwise=True,
    )  # fmt: skip
    query = query.join(User, to(User, MockInterview.coordinator_id)).where(MockInterview.application_id == application)
    query = query if besides is None else query.where(MockInterview.id != besides)
    return session.execute(query.order_by(MockInterview.id.desc()).limit(_FEW)).all()  # type: ignore[no-any-return]


def _mock_row(found: Any, user: Any) -> list[dict[str, Any]]:
    row = found.MockInterview
    said = words(row.decision) if row.decision else words(row.status)
    tone = DECISION_TONES[row.decision] if row.decision else TONES[row.status]
    judged = f"{found.passed} of {found.passed + found.failed} passed" if found.passed + found.failed else ""
    return [
        {"kind": "title", "text": f"Attempt {row.attempt}", "url": MOCK_INTERVIEWS.row_url(row.id)},
        {"kind": "datetime", "text": when(row.scheduled_start, user.timezone) or "no time yet"},
        {"kind": "person", "text": found.coordinator},
        {"kind": "choice", "text": said, "colour": tone},
        {"kind": "text", "text": f"{row.overall_rating} of 5" if row.overall_rating else ""},
        {"kind": "text", "text": judged},
    ]


_MOCK_COLUMNS = ["Mock interview", "Start", "Coordinator", "Result", "Rating", "Checklist"]


@panel("applications")
def _mock_history(session: Any, row: Application, user: Any) -> dict[str, Any] | None:
    if not access.may(user, "read:mock_interviews"):
        return None
    found = _mocks_of(session, row.id, user)
    return {
        "title": "Mock interviews", "icon": "clipboard-check", "rank": 20, "empty": "None yet.",
        "columns": _MOCK_COLUMNS, "rows": [_mock_row(each, user) for each in found],
    }  # fmt: skip


def _sessions_of(status: str | None = None) -> Any:
    mine = [TrainingSession.tenant_id == TrainingAssignment.tenant_id,
            TrainingSession.assignment_id == TrainingAssignment.id]  # fmt: skip
    mine.append(TrainingSession.status == status if status else TrainingSession.status != SessionStatus.CANCELLED)
    return sa.select(sa.func.count()).where(*mine).correlate(TrainingAssignment).scalar_subquery()


def _trainings_of(session: Any, user: Any, *which: sa.ColumnElement[bool]) -> Sequence[Any]:
    columns = (
        TrainingAssignment, User.full_name.label("assigner"), _sessions_of().label("planned"),
        _sessions_of(SessionStatus.COMPLETED).label("held"),
    )  # fmt: skip
    query = access.scope(sa.select(*columns), TrainingAssignment, user, rowwise=True)
    query = query.join(User, to(User, TrainingAssignment.assigned_by_id), isouter=True).where(*which)
    return session.execute(query.order_by(TrainingAssignment.id.desc()).limit(_FEW)).all()  # type: ignore[no-any-return]


def _state_of(row: TrainingAssignment) -> tuple[str, str]:
    if row.ready_for_reassessment:
        return "Ready for reassessment", "cyan"
    if row.outcome:
        return words(row.outcome), OUTCOME_TONES[row.outcome]
    return words(row.status), TRAINING_TONES[row.status]


def _training_row(found: Any) -> list[dict[str, Any]]:
    row = found.TrainingAssignment
    label, tone = _state_of(row)
    days = " – ".join(day(each) for each in (row.start_date, row.end_date) if each)
    return [
        {"kind": "title", "text": words(row.training_type), "url": TRAININGS.row_url(row.id)},
        {"kind": "choice", "text": label, "colour": tone},
        {"kind": "text", "text": days},
        {"kind": "text", "text": f"{found.held} of {found.planned} held" if found.planned else "none yet"},
        {"kind": "text", "text": _in_short(row.focus_areas)},
        {"kind": "person", "text": found.assigner or ""},
    ]


def _in_short(areas: Sequence[str]) -> str:
    """The first area, cut off where it is long, and how many more there are."""
    if not areas:
        return ""
    first = areas[0] if len(areas[0]) <= 40 else f"{areas[0][:39].rstrip()}…"
    return f"{first} and {len(areas) - 1} more" if len(areas) > 1 else first


@panel("applications")
def _training_history(session: Any, row: Application, user: Any) -> dict[str, Any] | None:
    if not access.may(user, "read:training"):
        return None
    found = _trainings_of(session, user, TrainingAssignment.application_id == row.id)
    return {
        "title": "Training", "icon": "mortarboard", "rank": 25, "empty": "None yet.",
        "columns": ["Training", "State", "When", "Sessions", "Focus", "Assigned by"],
        "rows": [_training_row(each) for each in found],
    }  # fmt: skip


@happenings("applications")
def _sessions_held(session: Any, row: Application, user: Any, limit: int) -> list[Happening]:
    """Sessions of an application's trainings have no line of their own among its activities."""
    if not access.may(user, "read:training"):
        return []
    columns: tuple[Any, ...] = (TrainingSession, User.full_name)
    query = (
        sa.select(*columns)
        .join(TrainingAssignment, to(TrainingAssignment, TrainingSession.assignment_id))
        .join(User, to(User, TrainingSession.conducted_by_id), isouter=True)
        .where(TrainingAssignment.application_id == row.id, TrainingSession.status == SessionStatus.COMPLETED)
        .order_by(TrainingSession.completed_at.desc())
        .limit(limit)
    )
    query = access.scope(query, TrainingSession, user, rowwise=True)
    return [
        Happening(each.completed_at, "Training session held", name or "The system", "mortarboard", each.topic,
                  each.feedback, SESSIONS.row_url(each.id))
        for each, name in session.execute(query)
    ]  # fmt: skip


# --- a mock interview -----------------------------------------------------------------------------------


@panel("mock-interviews")
def _checklist_of(session: Any, row: MockInterview, user: Any) -> dict[str, Any]:
    items = session.scalars(sa.select(_Item).where(_Item.mock_interview_id == row.id).order_by(_Item.order, _Item.id))
    judged = row.status not in OPEN
    return {
        "title": "Checklist", "icon": "ui-checks",
        "empty": "No criteria: the role has none, or all were taken off.",
        "columns": ["Criterion", "Category", "Judged", "Rating", "Notes"],
        "rows": [
            [{"kind": "text", "text": each.criterion},
             {"kind": "choice", "text": words(each.category), "colour": CATEGORY_TONES[each.category]},
             {"kind": "choice", "text": _PASSED[each.passed][0], "colour": _PASSED[each.passed][1]},
             {"kind": "text", "text": f"{each.rating} of 5" if each.rating else ""},
             {"kind": "text", "text": each.notes}]
            for each in items
        ],
        "notes": [] if judged else ["It is judged on the conduct screen; until then it may still change."],
    }  # fmt: skip


@panel("mock-interviews")
def _other_attempts(session: Any, row: MockInterview, user: Any) -> dict[str, Any] | None:
    """The other mock interviews of the same application, beside this one."""
    found = _mocks_of(session, row.application_id, user, besides=row.id)
    if not found:
        return None
    return {"title": "Other mock interviews of this application", "icon": "clock-history", "columns": _MOCK_COLUMNS,
            "rows": [_mock_row(each, user) for each in found]}  # fmt: skip


@panel("mock-interviews")
def _training_after(session: Any, row: MockInterview, user: Any) -> dict[str, Any] | None:
    if not access.may(user, "read:training"):
        return None
    found = _trainings_of(session, user, TrainingAssignment.mock_interview_id == row.id)
    if not found:
        return None
    return {"title": "Training that followed", "icon": "mortarboard",
            "columns": ["Training", "State", "When", "Sessions", "Focus", "Assigned by"],
            "rows": [_training_row(each) for each in found]}  # fmt: skip


# --- what comes next for the application ----------------------------------------------------------------


def _what_next(session: Any, application: Any, user: Any, page: str) -> dict[str, Any] | None:
    """The ways on for the application of a mock interview or training that is over, for those who may read it."""
    query = access.scope(sa.select(Application), Application, user, rowwise=True).where(Application.id == application)
    row = session.scalar(query)
    if row is None:
        return None
    found = [each for each in workflow_options(session, row, user, clock.now()) if not each.danger]
    ways = [
        {"label": each.label, "description": each.description, "icon": each.icon, "colour": each.colour,
         "url": each.url or f"/applications/{row.id}/move/{each.action}?back={page}"}
        for each in found
        if each.action not in ("on_hold", "withdrawn")
    ]  # fmt: skip
    if not ways:
        return None
    return {"title": "What next for the application", "icon": "signpost-split", "first": True, "options": ways,
            "endings": [], "template": "hiring/options.html", "url": f"/applications/{row.id}"}  # fmt: skip


@panel("mock-interviews")
def _next_after_mock(session: Any, row: MockInterview, user: Any) -> dict[str, Any] | None:
    return None if row.status in OPEN else _what_next(session, row.application_id, user, f"/mock-interviews/{row.id}")


@panel("training")
def _next_after_training(session: Any, row: TrainingAssignment, user: Any) -> dict[str, Any] | None:
    return None if row.status in GOING_ON else _what_next(session, row.application_id, user, f"/training/{row.id}")


# --- a training -----------------------------------------------------------------------------------------


@panel("training")
def _plan_of(session: Any, row: TrainingAssignment, user: Any) -> dict[str, Any]:
    """What to work on; with the place for a note of how it goes."""
    writes = row.status in GOING_ON and access.may(user, *TRAIN) and access.allows(session, user, row, *TRAIN)
    return {
        "title": "Plan", "icon": "list-check", "template": "practice/plan.html",
        "areas": row.focus_areas, "skills": row.skills_to_improve,
        "progress_url": f"/training/{row.id}/progress" if writes else None,
    }  # fmt: skip


@panel("training")
def _sessions_panel(session: Any, row: TrainingAssignment, user: Any) -> dict[str, Any]:
    query = (
        sa.select(TrainingSession, User.full_name)
        .join(User, to(User, TrainingSession.conducted_by_id), isouter=True)
        .where(TrainingSession.assignment_id == row.id)
        .order_by(TrainingSession.session_start, TrainingSession.id)
        .limit(200)
    )
    writes = row.status in GOING_ON and access.may(user, *TRAIN) and access.allows(session, user, row, *TRAIN)
    new = {"label": "New session", "url": f"/training-sessions/new?assignment_id={row.id}", "icon": "plus-lg"}
    return {
        "title": "Sessions", "icon": "calendar-week", "empty": "None yet.", "actions": [new] if writes else [],
        "columns": ["Topic", "Start", "Minutes", "Trainer", "State", "Rating"],
        "rows": [_session_row(each, name, user) for each, name in session.execute(query)],
    }  # fmt: skip


def _session_row(each: TrainingSession, name: str | None, user: Any) -> list[dict[str, Any]]:
    return [
        {"kind": "title", "text": each.topic, "url": SESSIONS.row_url(each.id)},
        {"kind": "datetime", "text": when(each.session_start, user.timezone)},
        {"kind": "number", "text": each.duration},
        {"kind": "person", "text": name or ""},
        {"kind": "choice", "text": words(each.status), "colour": SESSION_TONES[each.status]},
        {"kind": "text", "text": f"{each.rating} of 5" if each.rating else ""},
    ]


@panel("training")
def _cause_of(session: Any, row: TrainingAssignment, user: Any) -> dict[str, Any] | None:
    """The mock interview that it follows from, with what was not passed."""
    if row.mock_interview_id is None or not access.may(user, "read:mock_interviews"):
        return None
    query = access.scope(sa.select(MockInterview), MockInterview, user, rowwise=True)
    mock = session.scalar(query.where(MockInterview.id == row.mock_interview_id))
    if mock is None:
        return None
    badly = sa.select(_Item).where(_Item.mock_interview_id == mock.id, assessing.poor())
    items = session.scalars(badly.order_by(_Item.order, _Item.id))
    return {
        "title": f"From the mock interview, attempt {mock.attempt}", "icon": "clipboard-check",
        "url": MOCK_INTERVIEWS.row_url(mock.id), "empty": "No criterion was marked as not passed.",
        "notes": [text for text in (_rated(mock), mock.recommendations) if text],
        "columns": ["Not passed, or rated 1 or 2", "Category", "Rating", "Notes"],
        "rows": [
            [{"kind": "text", "text": each.criterion},
             {"kind": "choice", "text": words(each.category), "colour": CATEGORY_TONES[each.category]},
             {"kind": "text", "text": f"{each.rating} of 5" if each.rating else ""},
             {"kind": "text", "text": each.notes}]
            for each in items
        ],
    }  # fmt: skip


def _rated(mock: MockInterview) -> str:
    return f"Overall {mock.overall_rating} of 5, {words(mock.decision or '').lower()}." if mock.decision else ""


@blueprint.post("/<uuid:key>/progress")
@login_required  # type: ignore[untyped-decorator]
def note_progress(key: Any) -> ResponseReturnValue:
    """A dated note, added to those that are there."""
    row = access.fetch(db.session, TrainingAssignment, key, current_user)
    try:
        training.note_progress(db.session, row, request.form.get("text", ""), Change(clock.now(), current_user))
        db.session.commit()
    except (Invalid, WrongState) as error:
        db.session.rollback()
        flash(error.message, "warning")
    else:
        flash("The note was added.", "success")
    return redirect(f"/training/{key}")
