"""The grid of interview templates, its form, and how one is cloned."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.additions import button
from portal.admin.grid import Column, Filter, FormField, Grid, options
from portal.admin.movepages import verb_form_for
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Invalid, Missing
from portal.core.forms import chosen_labels
from portal.core.rows import Rows
from portal.core.search import like
from portal.core.types import RichText, words
from portal.core.workflow import Change
from portal.hiring.models import JobLevel
from portal.interviews import filling
from portal.interviews.models import CRITERIA, QUESTIONS, InterviewTemplate, InterviewType
from portal.interviews.workflow import SCHEDULE

WRITE = ("write:interview_templates",)
T = InterviewTemplate


def _table(title: str, icon: str, rows: Rows, items: Sequence[Any]) -> dict[str, Any]:
    return {
        "title": title, "icon": icon, "empty": "None yet.", "columns": [cell.label for cell in rows.cells],
        "rows": [[{"kind": "number" if cell.whole else "text", "text": item.get(cell.name, "")} for cell in rows.cells]
                 for item in items],
    }  # fmt: skip


def _questions(session: Any, row: InterviewTemplate, user: Any) -> dict[str, Any]:
    return _table("Questions", "chat-left-text", QUESTIONS, row.questions)


def _criteria(session: Any, row: InterviewTemplate, user: Any) -> dict[str, Any]:
    return _table("Scorecard", "card-checklist", CRITERIA, row.scorecard_criteria)


def _skills(session: Any, row: InterviewTemplate, user: Any) -> dict[str, Any]:
    return {"title": "Skills assessed", "icon": "tag", "text": ", ".join(row.skills_assessed), "empty": "None yet."}


TEMPLATES = Grid(
    T, "interview-templates", "Interview templates", "interview template", "journal-text", "Interviews",
    description="What interviews of one sort have in common: questions, scorecard, instructions.",
    columns=(
        Column("name", "Name", T.name, "title", sort=True),
        Column("interview_type", "Type", T.interview_type, "choice", sort=True),
        Column("default_duration", "Minutes", T.default_duration, "number"),
        Column("required_interviewers", "Interviewers needed", T.required_interviewers, "number"),
        Column("department", "Department", T.department),
        Column("job_level", "Level", T.job_level, "choice"),
        Column("active", "Active", T.active, "bool"),
        Column("allow_multiple_interviewers", "Several interviewers", T.allow_multiple_interviewers, "bool",
               shown=False),
        Column("requires_feedback_before_discussion", "Feedback before discussion",
               T.requires_feedback_before_discussion, "bool", shown=False),
        Column("updated_at", "Changed", T.updated_at, "datetime", shown=False),
        Column("instructions", "Instructions to interviewers", T.instructions, "rich", only_details=True),
        Column("preparation_guide", "Preparation guide", T.preparation_guide, "rich", only_details=True),
        Column("candidate_instructions", "Instructions to the candidate", T.candidate_instructions, "rich",
               only_details=True),
    ),
    filters=(
        Filter("type", "Type", "choice", T.interview_type, choices=options(InterviewType)),
        Filter("level", "Level", "choice", T.job_level, choices=options(JobLevel)),
        Filter("department", "Department", "text", T.department),
        Filter("active", "Active", "bool", T.active),
    ),
    default_sort="name",
    search=(lambda p: sa.select(T.id).where(like(T.search_text, p)),),
    search_hint="Name or department",
    sections=(
        ("Template", (
            FormField("name"), FormField("interview_type", "Type"),
            FormField("default_duration", "Length", help="In minutes."),
            FormField("department"), FormField("job_level", "Level"), FormField("active"),
        )),
        ("Panel", (
            FormField("required_interviewers", "Interviewers needed", help="Shadows do not count."),
            FormField("allow_multiple_interviewers", "Several interviewers may sit on the panel"),
            FormField("requires_feedback_before_discussion", "Nobody sees the summary until all have given feedback"),
        )),
        ("Questions and scorecard", (
            FormField("questions", help="They stand in the interview guide, for interviewers only. "
                                        "Weights go from 0 to 100."),
            FormField("scorecard_criteria", "Scorecard", help="Interviewers rate each from 1 to its highest score."),
            FormField("skills_assessed"),
        )),
        ("Texts", (
            FormField("instructions", "Instructions to interviewers", help="They begin the interview guide."),
            FormField("preparation_guide", help="It becomes the interview's preparation notes."),
            FormField("candidate_instructions", "Instructions to the candidate",
                      help="They go into the candidate's e-mail."),
        )),
    ),
    create=filling.create_template, update=filling.change_template, write=WRITE, can_delete=True,
    panels=(_questions, _criteria, _skills),
    views=(("In use", "active=1"),),
)  # fmt: skip


blueprint = Blueprint("templating", __name__, url_prefix="/interview-templates")


@button(TEMPLATES.path)
def _clone_button(session: Any, row: InterviewTemplate, user: Any) -> dict[str, Any] | None:
    if not access.may(user, *WRITE):
        return None
    return {"label": "Clone", "url": f"{TEMPLATES.row_url(row.id)}/clone", "icon": "copy", "needs_form": True}


@blueprint.route("/<uuid:key>/clone", methods=("GET", "POST"))
@login_required
def clone(key: UUID) -> ResponseReturnValue:
    """A copy under a name that the form asks for."""
    access.require(current_user, *WRITE)
    row = access.fetch(db.session, InterviewTemplate, key, current_user, *WRITE)
    form = verb_form_for("clone_template", row)
    assert form is not None
    if form.validate_on_submit():
        try:
            made = filling.clone(db.session, row, form.params()["name"], Change(clock.now(), current_user))
            db.session.commit()
        except Invalid as error:
            db.session.rollback()
            form.take_errors(error)
        else:
            flash(f"Interview template “{made}” was made.", "success")
            return redirect(TEMPLATES.row_url(made.id))
    return _clone_page(row, form)


def _clone_page(row: InterviewTemplate, form: Any) -> ResponseReturnValue:
    page = render_template(
        "portal/move.html", title=f"Clone {row}", form=form, action_url=request.path, submit_label="Clone",
        intro="The copy has the same questions, scorecard and texts, and can be changed on its own.",
        cancel_url=TEMPLATES.row_url(row.id), crumbs=[{"label": TEMPLATES.title, "url": TEMPLATES.url}],
    )  # fmt: skip
    return page, 422 if form.errors else 200


@blueprint.get("/<uuid:key>/fills")
@login_required
def fills(key: UUID) -> ResponseReturnValue:
    """What the template would fill in, for the form of an interview to show before it is saved."""
    access.require(current_user, *WRITE, *SCHEDULE)
    if not chosen_labels("interview_templates", [key]):  # whoever may choose it gets all of this into the interview
        raise Missing
    row = db.session.get_one(InterviewTemplate, (current_user.tenant_id, key))
    return jsonify({
        "interview_type": words(row.interview_type), "minutes": row.default_duration, "title": row.name,
        "interview_guide": RichText.plain(filling.guide(row)),
        "preparation_notes": RichText.plain(row.preparation_guide),
        "interviewers": row.required_interviewers,
    })  # fmt: skip
