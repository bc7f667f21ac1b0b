"""What interviews add to the home: mine, today's, those to confirm, those left open, those that await a reply."""

from typing import Any

import sqlalchemy as sa

from portal.admin.cells import when
from portal.admin.grid import to
from portal.admin.home import card
from portal.core import access
from portal.core.types import words
from portal.hiring.models import Application, Candidate
from portal.interviews import queries
from portal.interviews.admin import INTERVIEWS, TONES
from portal.interviews.models import Interview
from portal.interviews.workflow import SCHEDULE

FEW = 8


def _row(interview: Interview, name: str, user: Any) -> dict[str, Any]:
    return {
        "title": name, "url": INTERVIEWS.row_url(interview.id), "meta": interview.title,
        "when": when(interview.scheduled_start, user.timezone),
        "badge": {"label": words(interview.status), "colour": TONES[interview.status]},
    }  # fmt: skip


def _listed(session: Any, user: Any, found: queries.Keys) -> list[dict[str, Any]]:
    """The first few: their keys over an index of few columns, then the rows."""
    keys = list(session.scalars(found.limit(FEW)))
    if not keys:
        return []
    rows = session.execute(
        sa.select(Interview, (Candidate.first_name + " " + Candidate.last_name).label("name"))
        .join(Application, to(Application, Interview.application_id))
        .join(Candidate, to(Candidate, Application.candidate_id))
        .where(Interview.id.in_(keys))
    )
    by_key = {interview.id: _row(interview, name, user) for interview, name in rows}
    return [by_key[key] for key in keys]


def _visible(user: Any, *permissions: str) -> sa.ColumnElement[bool]:
    return access.visible(Interview, user, *permissions, rowwise=True)


@card(20)
def _mine(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Interviews on whose panel I sit."""
    if not access.may(user, "read:interviews"):
        return None
    rows = _listed(session, user, queries.to_come_for(user.id, at))
    if not rows and access.may(user, *SCHEDULE):
        return None
    return {"title": "My next interviews", "icon": "calendar-event", "count": None, "rows": rows,
            "url": f"/interviews/?interviewer={user.id}&when=next_30_days&sort=scheduled_start",
            "empty": "You sit on no panel in the next 30 days."}  # fmt: skip


@card(10)
def _to_reply(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Invitations that I have not replied to."""
    if not access.may(user, "read:interviews"):
        return None
    rows = _listed(session, user, queries.awaiting_reply(user.id, at))
    if not rows:
        return None
    return {"title": "Awaiting my reply", "icon": "reply", "count": None, "rows": rows,
            "url": f"/panelists/?user={user.id}&reply=needs_action", "empty": "Nothing."}  # fmt: skip


@card(20)
def _today(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """What takes place today, for those who arrange it."""
    if not access.may(user, *SCHEDULE, "export:interviews"):
        return None
    found = queries.today(at, user.timezone).where(_visible(user, "read:interviews"))
    return {
        "title": "Today", "icon": "calendar-check", "count": None, "rows": _listed(session, user, found),
        "url": "/interviews/?when=today&sort=scheduled_start", "empty": "Nothing is scheduled for today.",
    }  # fmt: skip


@card(10)
def _to_confirm(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Unconfirmed interviews of the next two days that I may confirm."""
    if not access.may(user, *SCHEDULE):
        return None
    rows = _listed(session, user, queries.unconfirmed(at).where(_visible(user, *SCHEDULE)))
    return {"title": "To confirm within 48 hours", "icon": "check2-circle", "count": None, "rows": rows,
            "url": "/interviews/?when=next_7_days&status=scheduled&status=rescheduled&sort=scheduled_start",
            "empty": "Everything of the next two days is confirmed."}  # fmt: skip


@card(10)
def _left_open(session: Any, user: Any, at: Any) -> dict[str, Any] | None:
    """Interviews that are over, although nobody said how they went."""
    if not access.may(user, *SCHEDULE):
        return None
    rows = _listed(session, user, queries.left_open(at).where(_visible(user, *SCHEDULE)))
    return {
        "title": "Over, but still open", "icon": "exclamation-triangle", "count": None, "rows": rows,
        "url": "/interviews/?when=overdue", "empty": "Nothing is left open.",
    }  # fmt: skip
