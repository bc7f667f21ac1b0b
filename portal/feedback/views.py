"""The page on which an interviewer gives feedback, and the one on which HR gives it back."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.cells import rich, when, zone_note
from portal.core import access, clock, records
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotAllowed, PortalError, WrongState
from portal.core.forms import form_named, version_of
from portal.core.types import RichText
from portal.core.workflow import Change
from portal.feedback import actions, queries
from portal.feedback.forms import FeedbackForm, form_for, reads
from portal.feedback.models import InterviewFeedback
from portal.interviews.models import Interview

blueprint = Blueprint("feedback_pages", __name__)


@blueprint.route("/interviews/<uuid:key>/feedback", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def give(key: UUID) -> ResponseReturnValue:
    """One's own feedback on an interview: read, keep as a draft, submit; JSON for who asks for JSON."""
    interview = access.fetch(db.session, Interview, key, current_user)
    if request.method == "GET":
        actions.require_seat(db.session, interview, current_user)
        return _page(interview, _form(interview))
    return _kept_by_itself(interview) if _wants_json() else _posted(interview)


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _form(interview: Interview) -> FeedbackForm:
    row = queries.feedback_of(db.session, interview.id, current_user.id)
    form = form_for(queries.criteria(interview), row)
    form.submitting = request.form.get("do") == "submit"
    return form


def _save(interview: Interview, form: FeedbackForm) -> InterviewFeedback:
    """Save what was posted and commit; raises PortalError."""
    change = Change(clock.now(), current_user._get_current_object())
    row = actions.save_feedback(
        db.session, interview, form.values(), change, submit=form.submitting, version=_version(form)
    )
    db.session.commit()
    return row


def _version(form: FeedbackForm) -> int:
    """The version that a form was made from; -1, which no row has, where it is missing or not a number."""
    version = version_of(form.row_version.data)
    return -1 if version is None else version


def _posted(interview: Interview) -> ResponseReturnValue:
    actions.require_seat(db.session, interview, current_user)
    form, conflict = _form(interview), None
    if not form.validate_on_submit():
        return _page(interview, form)
    try:
        _save(interview, form)
    except records.Stale as stale:
        conflict = _conflict(interview, form, stale.row)
    except Invalid as error:
        db.session.rollback()
        form.take_errors(error)
    else:
        done = "Your feedback was submitted. Thank you." if form.submitting else "Your draft was saved."
        flash(done, "success")
        return redirect(f"/interviews/{interview.id}" + ("" if form.submitting else "/feedback"))
    return _page(interview, form, conflict)


def _kept_by_itself(interview: Interview) -> ResponseReturnValue:
    """What the page saves on its own: always a draft. Errors come by field, or as one sentence."""
    form = _form(interview)
    form.submitting = False
    try:
        if not form.validate():
            raise Invalid(form.errors)
        row = _save(interview, form)
    except PortalError as error:
        db.session.rollback()
        return jsonify(error=error.message, errors=getattr(error, "errors", {})), error.status
    return jsonify(version=row.version, saved=when(row.updated_at, current_user.timezone))


def _conflict(interview: Interview, form: FeedbackForm, row: InterviewFeedback) -> dict[str, Any]:
    """Both versions beside each other; the form keeps what was typed and now carries the new version."""
    db.session.rollback()
    theirs = form_for(queries.criteria(interview), row, formdata=None)
    form.row_version.data = str(row.version)
    rows = [
        {"label": field.label.text, "field": field.name, "mine": reads(field.data),
         "theirs": reads(theirs[field.name].data)}
        for section in form.sections() for field in section["fields"]
        if (field.data or None) != (theirs[field.name].data or None)
    ]  # fmt: skip
    return {"who": "you, in another window,", "when": when(row.updated_at, current_user.timezone), "rows": rows}


def _page(interview: Interview, form: FeedbackForm, conflict: Any = None) -> ResponseReturnValue:
    row = queries.feedback_of(db.session, interview.id, current_user.id)
    body = render_template(
        "portal/feedback.html", title="Your feedback", interview=interview, form=form, sections=form.sections(),
        row=row, closed=_closed(interview), conflict=conflict, candidate=interview.application.candidate,
        job=interview.application.job, starts=when(interview.scheduled_start, current_user.timezone),
        submitted=when(row.submitted_at, current_user.timezone) if row else "",
        saved=when(row.updated_at, current_user.timezone) if row else "",
        reopened=queries.why_reopened(db.session, row) if row and not row.submitted_at else "",
        crumbs=[{"label": "Interviews", "url": "/interviews/"},
                {"label": interview.title, "url": f"/interviews/{interview.id}"}],
        zone_note=zone_note(current_user, clock.now()), rich=rich, reads=reads, **_of_template(interview),
    )  # fmt: skip
    return body, 409 if conflict else 422 if form.errors else 200


def _of_template(interview: Interview) -> dict[str, Any]:
    """What the template says to interviewers, without what the interview's guide holds of it already."""
    template, guide = interview.template, RichText.plain(interview.interview_guide)
    if template is None:
        return {"instructions": "", "questions": []}
    told = RichText.plain(template.instructions) in guide
    asked = [each for each in template.questions if each.get("question") and each["question"] not in guide]
    return {"instructions": "" if told else template.instructions, "questions": asked}


def _closed(interview: Interview) -> str:
    """Why no feedback can be given now; '' where it can."""
    try:
        actions.require_begun(interview, Change(clock.now()))
    except WrongState as error:
        return error.message
    return ""


@blueprint.route("/feedback/<uuid:key>/reopen", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def reopen(key: UUID) -> ResponseReturnValue:
    """Give submitted feedback back to its author, for a reason."""
    row = access.fetch(db.session, InterviewFeedback, key, current_user)
    if not actions.may_reopen(current_user):
        raise NotAllowed("Only those who keep everybody's feedback may reopen it.")
    kind = form_named("reason")
    assert kind is not None
    form = kind()
    if not form.is_submitted():
        form.row_version.data = str(row.version)
    if form.validate_on_submit():
        change = Change(clock.now(), current_user._get_current_object(), {"reason": form.reason.data})
        try:
            actions.reopen_feedback(db.session, row, change, version=version_of(form.row_version.data))
            db.session.commit()
        except Invalid as error:
            db.session.rollback()
            form.take_errors(error)
        except (Conflict, WrongState) as error:
            db.session.rollback()
            flash(error.message, "warning")
            return redirect(f"/interviews/{row.interview_id}")
        else:
            flash(f"{row} is open again.", "success")
            return redirect(f"/interviews/{row.interview_id}")
    body = render_template(
        "portal/move.html", title=f"Reopen: {row}", form=form, action_url=request.path, cancel_url=f"/feedback/{key}",
        intro="Its author can change it and has to submit it anew. Until then it counts as missing.",
        submit_label="Reopen", danger=False, consequences=[], crumbs=[{"label": "Feedback", "url": "/feedback/"}],
    )  # fmt: skip
    return body, 422 if form.errors else 200
