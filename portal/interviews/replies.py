"""How a panelist replies to the invitation."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.additions import panel
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, WrongState
from portal.core.forms import version_of
from portal.core.types import words
from portal.core.workflow import Change
from portal.interviews import panels
from portal.interviews.admin import INTERVIEWS
from portal.interviews.models import Interview, Reply

blueprint = Blueprint("interview_replies", __name__, url_prefix="/interviews")

_ANSWERS = (
    (Reply.ACCEPTED, "Accept", "check-lg"),
    (Reply.TENTATIVE, "Tentative", "question-circle"),
    (Reply.DECLINED, "Decline", "x-lg"),
)


@blueprint.post("/<uuid:key>/reply")
@login_required
def reply(key: UUID) -> ResponseReturnValue:
    """One's own reply, from the interview's page; nobody replies for somebody else."""
    row = access.fetch(db.session, Interview, key, current_user)
    answer, note = request.form.get("reply", ""), request.form.get("note", "")
    try:
        schedule = version_of(request.form.get("schedule"))
        mine = panels.reply(db.session, row, answer, note, Change(clock.now(), current_user), schedule=schedule)
        db.session.commit()
    except (Invalid, WrongState, Conflict) as error:
        db.session.rollback()
        flash(error.message, "warning")
    else:
        flash(f"Your reply: {words(mine.reply).lower()}.", "success")
    return redirect(INTERVIEWS.row_url(key))


@panel(INTERVIEWS.path)
def _my_reply(session: Any, row: Interview, user: Any) -> dict[str, Any] | None:
    """The form for one's own reply, as long as there is something to reply to."""
    mine = panels.seat_of(session, row, user.id)
    if mine is None or not panels.can_reply(row, Change(clock.now(), user)):
        return None
    return {
        "title": "Your reply", "icon": "reply", "template": "portal/reply.html",
        "url": f"{INTERVIEWS.row_url(row.id)}/reply", "mine": words(mine.reply), "part": mine.part,
        "first": mine.reply == Reply.NEEDS_ACTION,
        "waits": mine.reply == Reply.NEEDS_ACTION, "schedule": row.reschedule_count, "limit": panels.NOTE_LIMIT,
        "answers": [{"value": value.value, "label": label, "icon": icon, "now": value == mine.reply}
                    for value, label, icon in _ANSWERS],
    }  # fmt: skip
