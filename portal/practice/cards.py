"""What practice adds to the home: what waits for a coordinator, what a recruiter sent, what a team's candidates did."""

from typing import Any

import sqlalchemy as sa

from portal.admin import menu
from portal.admin.cells import day, when
from portal.admin.grid import to
from portal.admin.home import card, quick
from portal.core import access
from portal.core.access import Reach
from portal.core.types import words
from portal.hiring.models import Application, Candidate
from portal.practice import queries
from portal.practice.admin import DECISION_TONES, MOCK_INTERVIEWS, TONES
from portal.practice.models import MockInterview, TrainingAssignment, TrainingSession
from portal.practice.queries import M, T, recruited
from portal.practice.training_admin import SESSION_TONES, SESSIONS, TRAININGS
from portal.practice.training_admin import TONES as TRAINING_TONES
from portal.practice.workflow import CONDUCT, SCHEDULE, SENT

FEW = 8
_NAME = (Candidate.first_name + " " + Candidate.last_name).label("name")
_OPEN = "status=requested&status=scheduled&status=in_progress"
_IN_TRAINING = "status=assigned&status=in_progress&sort=end_date"


# --- whom it concerns -----------------------------------------------------------------------------------


def _conducts(user: Any) -> bool:
    return access.may(user, *CONDUCT)


def _trains(user: Any) -> bool:
    return access.may(user, "assign:training")


def _recruits(user: Any) -> bool:
    return access.may(user, "schedule:mock_interviews") and not _conducts(user)


def _is_their_work(user: Any, permission: str) -> bool:
    """Whether an empty card says something too: to those whose own work it is, not to those who may do everything."""
    return Reach.TENANT not in user.grants.reaches(permission)


def _leads(user: Any) -> bool:
    return Reach.TEAM in user.grants.reaches("read:mock_interviews")


# --- rows -----------------------------------------------------------------------------------------------


def _mock(row: MockInterview, name: str, user: Any) -> dict[str, Any]:
    told = when(row.completed_at or row.scheduled_start or row.created_at, user.timezone)
    if row.decision:
        badge = {"label": words(row.decision), "colour": DECISION_TONES[row.decision]}
    else:
        badge = {"label": words(row.status), "colour": TONES[row.status]}
    again = f", attempt {row.attempt}" if row.attempt > 1 else ""
    meta = f"Rated {row.overall_rating} of 5{again}" if row.overall_rating else f"{row.duration} minutes{again}"
    meta += "" if row.scheduled_start else ", asked for"
    return {"title": name, "url": MOCK_INTERVIEWS.row_url(row.id), "meta": meta, "when": told, "badge": badge}


def _training(row: TrainingAssignment, name: str, at: Any) -> dict[str, Any]:
    late = row.end_date is not None and row.end_date < at.date()
    badge = ("Late", "red") if late else (words(row.status), TRAINING_TONES[row.status])
    return {
        "title": name, "url": TRAININGS.row_url(row.id), "meta": words(row.training_type),
        "when": f"until {day(row.end_date)}" if row.end_date else "",
        "badge": {"label": badge[0], "colour": badge[1]},
    }  # fmt: skip


def _session(row: TrainingSession, name: str, user: Any) -> dict[str, Any]:
    return {
        "title": name, "url": SESSIONS.row_url(row.id), "meta": f"Session: {row.topic}",
        "when": when(row.session_start, user.timezone),
        "badge": {"label": words(row.status), "colour": SESSION_TONES[row.status]},
    }  # fmt: skip


def _rows(session: Any, model: Any, found: queries.Keys, *through: Any) -> list[Any]:
    """The first few, each with its candidate's name: their keys over an index of few columns, then the rows."""
    keys = list(session.scalars(found.limit(FEW)))
    if not keys:
        return []
    query = sa.select(model, _NAME)
    for each in through:
        query = query.join(*each)
    query = query.join(Candidate, to(Candidate, Application.candidate_id)).where(model.id.in_(keys))
    by_key = {row.id: (row, name) for row, name in session.execute(query)}
    return [by_key[key] for key in keys]


_TO_MOCK = ((Application, to(Application, MockInterview.application_id)),)
_TO_TRAINING = ((Application, to(Application, TrainingAssignment.application_id)),)
_TO_SESSION = ((TrainingAssignment, to(TrainingAssignment, TrainingSession.assignment_id)), *_TO_TRAINING)


def _mocks(session: Any, found: queries.Keys, user: Any) -> list[dict[str, Any]]:
    return [_mock(row, name, user) for row, name in _rows(session, MockInterview, found, *_TO_MOCK)]


def _trainings(session: Any, found: queries.Keys, at: Any) -> list[dict[str, Any]]:
    return [_training(row, name, at) for row, name in _rows(session, TrainingAssignment, found, *_TO_TRAINING)]


def _card(title: str, icon: str, rows: list[dict[str, Any]], url: str, empty: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "count": None, "rows": rows, "url": url, "empty": empty}


# --- coordinators ---------------------------------------------------------------------------------------


@card(10)
def _to_schedule(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Requests that wait for a time."""
    rows = _mocks(session, queries.to_schedule(user.id), user) if _conducts(user) else []
    if not rows:
        return None
    url = f"{MOCK_INTERVIEWS.url}?status=requested&coordinator={user.id}"
    return _card("Mock interviews to schedule", "calendar-plus", rows, url, "")


@card(10)
def _awaiting_assessment(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    rows = _mocks(session, queries.awaiting_assessment(user.id, at), user) if _conducts(user) else []
    if not rows and not (_conducts(user) and _is_their_work(user, *CONDUCT)):
        return None
    url = f"{MOCK_INTERVIEWS.url}?when=overdue&coordinator={user.id}"
    return _card("Awaiting my assessment", "clipboard-check", rows, url, "Everything that has begun is assessed.")


@card(20)
def _today(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Mock interviews and sessions of the day, as the reader's clock has it."""
    if not _conducts(user) and not access.may(user, "write:training"):
        return None
    begin, end = queries.day_around(at, user.timezone)
    mocks = _rows(session, MockInterview, queries.on_day(user.id, begin, end), *_TO_MOCK)
    sessions = _rows(session, TrainingSession, queries.sessions_on(user.id, begin, end), *_TO_SESSION)
    told = [(row.scheduled_start, _mock(row, name, user)) for row, name in mocks]
    told += [(row.session_start, _session(row, name, user)) for row, name in sessions]
    if not told and not (_conducts(user) and _is_their_work(user, *CONDUCT)):
        return None
    rows = [row for _, row in sorted(told, key=lambda each: each[0])[:FEW]]
    url = f"{MOCK_INTERVIEWS.url}?when=today&coordinator={user.id}&sort=scheduled_start"
    return _card("Today in practice", "calendar-check", rows, url, "No mock interview and no session today.")


@card(20)
def _to_come(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """What follows after today."""
    if not _conducts(user):
        return None
    _, tomorrow = queries.day_around(at, user.timezone)
    rows = _mocks(session, queries.to_come(user.id, tomorrow), user)
    if not rows and not _is_their_work(user, *CONDUCT):
        return None
    url = f"{MOCK_INTERVIEWS.url}?when=next_30_days&status=scheduled&coordinator={user.id}&sort=scheduled_start"
    return _card("My next mock interviews", "calendar-event", rows, url, "None in the 30 days after today.")


@card(30)
def _completed_today(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    if not _conducts(user):
        return None
    found = queries.completed_between(*queries.day_around(at, user.timezone)).where(M.coordinator_id == user.id)
    rows = _mocks(session, found, user)
    url = f"{MOCK_INTERVIEWS.url}?completed=today&coordinator={user.id}"
    return _card("Assessed today", "check2-circle", rows, url, "") if rows else None


@card(20)
def _in_training(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Candidates in trainings that I assigned, those that end first before the others."""
    if not _trains(user):
        return None
    rows = _trainings(session, queries.in_training(T.assigned_by_id == user.id), at)
    if not rows and not _is_their_work(user, *CONDUCT):
        return None
    url = f"{TRAININGS.url}?assigned_by={user.id}&{_IN_TRAINING}"
    return _card("In training", "mortarboard", rows, url, "No candidate is in a training of yours.")


# --- recruiters -----------------------------------------------------------------------------------------


@card(20)
def _sent(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Open mock interviews of one's candidates."""
    if not _recruits(user):
        return None
    rows = _mocks(session, queries.open_ones().where(M.application_id.in_(recruited(user.id, SENT))), user)
    return _card("Sent to mock interview", "send", rows, f"{MOCK_INTERVIEWS.url}?{_OPEN}",
                 "None of your candidates waits for a mock interview.")  # fmt: skip


@card(20)
def _results(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """What was decided of one's candidates."""
    if not _recruits(user):
        return None
    rows = _mocks(session, queries.results(at).where(M.application_id.in_(recruited(user.id))), user)
    return _card("Mock interview results", "clipboard-data", rows, f"{MOCK_INTERVIEWS.url}?status=completed",
                 "No results in the last 14 days.")  # fmt: skip


@card(20)
def _recruits_in_training(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    if not _recruits(user) or not access.may(user, "read:training"):
        return None
    mine = recruited(user.id, "training_assigned", "training_in_progress")
    rows = _trainings(session, queries.in_training(T.application_id.in_(mine)), at)
    return _card("My candidates in training", "mortarboard", rows, f"{TRAININGS.url}?{_IN_TRAINING}",
                 "None of your candidates is in training.") if rows else None  # fmt: skip


# --- teams ----------------------------------------------------------------------------------------------


@card(30)
def _team_results(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """What was decided of the team's candidates; where they stand, the applications by status say."""
    if not _leads(user):
        return None
    mine = access.visible(MockInterview, user, "read:mock_interviews", rowwise=True)
    rows = _mocks(session, queries.results(at).where(mine), user)
    return _card("My team's mock interviews", "clipboard-data", rows, f"{MOCK_INTERVIEWS.url}?status=completed",
                 "No results in the last 14 days.")  # fmt: skip


@card(30)
def _team_in_training(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    if not _leads(user) or not access.may(user, "read:training"):
        return None
    mine = access.visible(TrainingAssignment, user, "read:training", rowwise=True)
    rows = _trainings(session, queries.in_training(mine), at)
    url = f"{TRAININGS.url}?{_IN_TRAINING}"
    return _card("My team in training", "mortarboard", rows, url, "") if rows else None


# --- quick actions --------------------------------------------------------------------------------------


@quick
def _new(user: Any) -> dict[str, str] | None:
    if not access.may(user, *SCHEDULE):
        return None
    return {"label": "New mock interview", "url": f"{MOCK_INTERVIEWS.url}new", "icon": "plus-lg"}


@quick
def _requests(user: Any) -> dict[str, str] | None:
    if not _conducts(user) or not _is_their_work(user, *CONDUCT):
        return None
    url = f"{MOCK_INTERVIEWS.url}?status=requested&coordinator={user.id}"
    return {"label": "Requests", "url": url, "icon": "inbox"}


@quick
def _checklists(user: Any) -> dict[str, str] | None:
    """The page of checklists, where the menu has it for this reader."""
    if not _conducts(user) or not _is_their_work(user, *CONDUCT):
        return None
    page = next((page for page in menu.offered("Practice", user) if page.url.startswith("/checklists")), None)
    return {"label": page.label, "url": page.url, "icon": page.icon} if page else None
