"""What stands on the page of an application: where it is, what may be done now, and all that happened (SPEC §6)."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, flash, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.additions import Happening, happenings_of, link_of
from portal.admin.cells import when
from portal.admin.grid import to
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Invalid
from portal.core.types import words
from portal.core.workflow import Change
from portal.hiring import actions, pipeline
from portal.hiring.models import (
    ActivityType,
    Application,
    ApplicationActivity,
    PipelineStage,
    PipelineStatus,
    StatusChange,
)
from portal.hiring.workflow import Option, workflow_options
from portal.people.models import User

blueprint = Blueprint("application_notes", __name__, url_prefix="/applications")
FEW, MANY = 30, 500
_ASIDE = ("rejected", "withdrawn", "on_hold")


def panels(session: Any, row: Application, user: Any) -> list[dict[str, Any] | None]:
    """Where it is, what may be done, and what happened."""
    labels = dict(session.execute(sa.select(PipelineStatus.name, PipelineStatus.label)).all())
    columns = (StatusChange.at, StatusChange.source.label("source"), StatusChange.target.label("target"),
               StatusChange.notes)  # fmt: skip
    changes = session.execute(sa.select(*columns).where(StatusChange.application_id == row.id)).all()
    return [
        _pipeline(session, row, labels, changes), _workflow(session, row, user),
        _timeline(session, row, labels, changes, user),
    ]  # fmt: skip


# --- where it is ----------------------------------------------------------------------------------------


def _pipeline(session: Any, row: Application, labels: Mapping[str, str], changes: Sequence[Any]) -> dict[str, Any]:
    """The stages in their order: been there, here now (with the status), passed over, or still ahead."""
    found = session.execute(
        sa.select(PipelineStage, PipelineStatus.name)
        .join(PipelineStatus, to(PipelineStage, PipelineStatus.stage_id))
        .order_by(PipelineStage.order)
    ).all()
    stages = list(dict.fromkeys(stage for stage, _ in found))
    been = {pipeline.STAGE_OF.get(each.source) for each in changes}
    now = pipeline.STAGE_OF[row.status]
    shown = [stage for stage in stages if stage.name not in _ASIDE or stage.name == now]
    position = next(number for number, stage in enumerate(shown) if stage.name == now)
    return {"pipeline": [
        {"label": stage.label, "colour": stage.colour, "title": stage.label,
         "detail": labels[row.status] if stage.name == now and labels[row.status] != stage.label else "",
         "state": "now" if stage.name == now else "done" if stage.name in been
         else "skipped" if number < position and now not in _ASIDE else "ahead"}
        for number, stage in enumerate(shown)
    ]}  # fmt: skip


# --- what may be done -----------------------------------------------------------------------------------


def _workflow(session: Any, row: Application, user: Any) -> dict[str, Any] | None:
    """Just what this user may do now; what ends the application stands apart."""
    found = workflow_options(session, row, user, clock.now())
    if not found:
        return None
    return {
        "title": "What next", "icon": "signpost-split", "first": True, "template": "hiring/options.html",
        "options": [_way(row, option, user) for option in found if not _is_quiet(option)],
        "endings": [_way(row, option, user) for option in found if _is_quiet(option)],
    }  # fmt: skip


def _is_quiet(option: Option) -> bool:
    return option.danger or option.action in ("on_hold", "reopen")


def _way(row: Application, option: Option, user: Any) -> dict[str, Any]:
    back = request.path if request.path != f"/applications/{row.id}" else ""
    url = option.url or f"/applications/{row.id}/move/{option.action}" + (f"?back={back}" if back else "")
    return {"label": option.label, "description": option.description, "icon": option.icon, "colour": option.colour,
            "url": url, "danger": option.danger}  # fmt: skip


# --- what happened --------------------------------------------------------------------------------------

_ICONS = {
    ActivityType.CREATED: "flag", ActivityType.STATUS_CHANGE: "arrow-right", ActivityType.STAGE_CHANGE: "arrow-right",
    ActivityType.NOTE_ADDED: "chat-left-text", ActivityType.EMAIL_SENT: "envelope", ActivityType.ASSIGNED: "person",
    ActivityType.FEEDBACK_SUBMITTED: "chat-left-text",
}  # fmt: skip
_KINDS = (
    ("mock_interview", "clipboard-check"), ("interview", "calendar-event"), ("training", "mortarboard"),
    ("offer", "star"),
)  # fmt: skip
_WRITTEN_ON = (("mock_interview", "mock_interviews"), ("training", "training"))
_NAMES = {
    ActivityType.CREATED: "Nominated", ActivityType.NOTE_ADDED: "Note",
    ActivityType.MOCK_REQUESTED: "Sent to a mock interview",
}  # fmt: skip


def _timeline(
    session: Any, row: Application, labels: Mapping[str, str], changes: Sequence[Any], user: Any
) -> dict[str, Any]:
    """Everything that happened, the latest first: what, who, when, and why."""
    limit = MANY if request.args.get("timeline") == "all" else FEW
    told = [_told(each, name, labels, user) for each, name in _activities(session, row, limit + 1)]
    _add_notes(changes, told)
    told += happenings_of("applications", session, row, user, limit + 1)
    told.sort(key=lambda each: each.at, reverse=True)
    return {
        "title": "Timeline", "icon": "clock-history", "side": True, "template": "hiring/timeline.html",
        "entries": [_entry(each, user) for each in told[:limit]],
        "more_url": f"/applications/{row.id}?timeline=all" if len(told) > limit and limit == FEW else None,
        "note_url": f"/applications/{row.id}/notes" if may_note(session, row, user) else None,
    }  # fmt: skip


def _activities(session: Any, row: Application, limit: int) -> Sequence[Any]:
    query = (
        sa.select(ApplicationActivity, User.full_name)
        .join(User, to(User, ApplicationActivity.performed_by_id), isouter=True)
        .where(ApplicationActivity.application_id == row.id)
        .order_by(ApplicationActivity.id.desc())
        .limit(limit)
    )
    return session.execute(query).all()  # type: ignore[no-any-return]


def _told(each: ApplicationActivity, name: str | None, labels: Mapping[str, str], user: Any) -> Happening:
    moves = each.type in (ActivityType.STATUS_CHANGE, ActivityType.STAGE_CHANGE)
    old, new = (_reads(value, labels, user) for value in (each.old_value, each.new_value))
    what = f"{old} → {new}" if moves else _NAMES.get(ActivityType(each.type), words(each.type))
    detail = "" if moves or each.type == ActivityType.CREATED else " → ".join(part for part in (old, new) if part)
    if each.type == ActivityType.ASSIGNED and each.notes:
        what, notes = f"{each.notes} assigned", ""
    else:
        notes = each.notes if _may_read_of(each.type, user) else ""
    return Happening(
        each.at,
        what,
        name or "The system",
        _icon(each.type),
        detail,
        notes,
        link_of(each.details, user),
        each.new_value,
    )


def _may_read_of(kind: str, user: Any) -> bool:
    """Whether what was written on the record that a line tells of is for this reader too: that it took place is."""
    needed = next((f"read:{resource}" for start, resource in _WRITTEN_ON if kind.startswith(start)), "")
    return not needed or access.may(user, needed)


def _icon(kind: str) -> str:
    known = _ICONS.get(ActivityType(kind))
    return known or next((icon for start, icon in _KINDS if kind.startswith(start)), "activity")


_MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")
_NAME = re.compile(r"^[a-z]+(_[a-z0-9]+)*$")


def _reads(value: str, labels: Mapping[str, str], user: Any) -> str:
    """A value as people read it: moments in their zone, statuses by their labels, names of states as words."""
    if _MOMENT.match(value):
        with suppress(ValueError):  # somebody's name, which only begins like one
            return when(datetime.fromisoformat(value), user.timezone)
    return labels.get(value) or (words(value) if _NAME.match(value) else value)


def _add_notes(changes: Sequence[Any], told: list[Happening]) -> None:
    """The notes of status changes, which stand beside their reasons."""
    notes = {(each.at, each.target): each.notes for each in changes if each.notes}
    for each in told:
        if text := notes.get((each.at, each.value)):
            each.notes = f"{each.notes}\n{text}" if each.notes and text not in each.notes else text


def _entry(each: Happening, user: Any) -> dict[str, Any]:
    return {"what": each.what, "who": each.who, "icon": each.icon, "detail": each.detail, "notes": each.notes,
            "url": each.url, "when": when(each.at, user.timezone)}  # fmt: skip


# --- notes ----------------------------------------------------------------------------------------------


def may_note(session: Any, row: Application, user: Any) -> bool:
    return access.may(user, *actions.NOTE) and access.allows(session, user, row, *actions.NOTE)


@blueprint.post("/<uuid:key>/notes")
@login_required  # type: ignore[untyped-decorator]
def add_note(key: Any) -> ResponseReturnValue:
    row = access.fetch(db.session, Application, key, current_user)
    try:
        actions.add_note(db.session, row, request.form.get("text", ""), Change(clock.now(), current_user))
        db.session.commit()
    except Invalid as error:
        db.session.rollback()
        flash(error.message, "warning")
    else:
        flash("The note was added.", "success")
    return redirect(f"/applications/{key}#timeline")
