"""The page on which a mock interview is conducted: a plain form, and what its script saves as it goes on."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin import history
from portal.admin.additions import button
from portal.admin.cells import when
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import version_of
from portal.core.types import words, zone
from portal.core.workflow import Change
from portal.practice import assessing, conduct_page
from portal.practice.admin import MOCK_INTERVIEWS
from portal.practice.conduct_forms import ConductForm, judged, said
from portal.practice.models import MockInterview, MockInterviewChecklistItem, MockStatus
from portal.practice.workflow import CONDUCT, MOCK_INTERVIEW

blueprint = Blueprint("conduct", __name__, url_prefix="/mock-interviews")
Item = MockInterviewChecklistItem


def _enter(key: UUID) -> MockInterview:
    access.require(current_user, *CONDUCT)
    row = access.fetch(db.session, MockInterview, key, current_user)
    if not access.allows(db.session, current_user, row, *CONDUCT):
        raise NotAllowed("You may read this mock interview, but not conduct it.")
    return row


def _change() -> Change:
    return Change(clock.now(), current_user._get_current_object())


# --- the page -----------------------------------------------------------------------------------------


@blueprint.route("/<uuid:key>/conduct", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def conduct(key: UUID) -> ResponseReturnValue:
    """Read, and in one plain form keep, add, remove or complete."""
    mock = _enter(key)
    if request.method == "GET":
        return conduct_page.show(mock, _form(mock))
    if mock.status != MockStatus.IN_PROGRESS:
        return _over(mock)
    do = request.form.get("do", "keep")
    return _completed(mock) if do == "complete" else _kept(mock, do)


def _form(mock: MockInterview) -> ConductForm:
    form = ConductForm().ready(current_user, mock.items)
    return form if form.is_submitted() else form.begin(mock)


def _completed(mock: MockInterview) -> ResponseReturnValue:
    form, checklist, key = _form(mock), judged(request.form, mock.items), mock.id
    if not form.validate():
        return conduct_page.show(mock, form)
    values = {**form.revive(db.session, form.params()), "checklist": checklist}
    version = version_of(form.row_version.data)
    try:
        assessing.complete_mock_interview(
            db.session, mock, values, _change(), version=-1 if version is None else version
        )  # fmt: skip
        db.session.commit()
    except PortalError as error:
        return _refused(key, form, checklist, error)
    flash(f"{mock} is completed. {conduct_page.became(mock)}", "success")
    return redirect(MOCK_INTERVIEWS.row_url(key))


def _refused(
    key: UUID, form: ConductForm, checklist: Sequence[Mapping[str, Any]], error: PortalError
) -> ResponseReturnValue:
    """The page again, with all that was typed and what stands against it."""
    db.session.rollback()
    if isinstance(error, Missing | NotAllowed):
        raise error
    mock = _enter(key)
    if isinstance(error, assessing.StaleItems):
        return conduct_page.show(mock, form, conflict=conduct_page.conflict_of(error.rows, checklist, current_user))
    if isinstance(error, Invalid):
        wrong = conduct_page.split_errors(error, checklist)
        form.take_errors(Invalid(wrong.rest))
        return conduct_page.show(mock, form, wrong=wrong.items)
    if mock.status != MockStatus.IN_PROGRESS:
        return _over(mock)
    form.row_version.data = str(mock.version)
    told = f"{error.message} {history.last_change(db.session, key, current_user)}"
    return conduct_page.show(mock, form, told=f"{told.strip()} Nothing you typed is lost: submit once more.")


def _over(mock: MockInterview) -> ResponseReturnValue:
    """Somebody has ended it meanwhile: said who and when, with what was typed to copy. Who has just completed it
    themselves, and pressed twice, simply sees it done."""
    form = _form(mock)
    if _is_the_same_once_more(mock, form):
        flash(f"{mock} is completed. {conduct_page.became(mock)}", "success")
        return redirect(MOCK_INTERVIEWS.row_url(mock.id))
    return conduct_page.show(mock, form, typed=True)


def _is_the_same_once_more(mock: MockInterview, form: ConductForm) -> bool:
    names = ("decision", "overall_rating", "strengths", "weaknesses", "recommendations", "general_notes")
    same = all((form[name].data or "") == (getattr(mock, name) or "") for name in names)
    return request.form.get("do") == "complete" and mock.status == MockStatus.COMPLETED and same


def _kept(mock: MockInterview, do: str) -> ResponseReturnValue:
    """Keep all that the form holds, and do what its button said besides."""
    form, checklist, key = _form(mock), judged(request.form, mock.items), mock.id
    change = _change()
    try:
        assessing.keep_all(db.session, mock, form.draft(), checklist, change)
        anchor, text = _besides(mock, do, change)
        db.session.commit()
    except PortalError as error:
        return _refused(key, form, checklist, error)
    flash(text, "success")
    return redirect(f"{conduct_page.url_of(key)}{anchor}")


def _besides(mock: MockInterview, do: str, change: Change) -> tuple[str, str]:
    if do == "add":
        given = {"category": request.form.get("new_category"), "criterion": request.form.get("new_criterion")}
        try:
            row = assessing.add_item(db.session, mock, given, change)
        except Invalid as error:
            texts = [f"{words(name)}: {text}" for name, found in error.errors.items() for text in found]
            raise Invalid({"": texts}) from None
        return f"#item-{row.id}", f"“{row.criterion}” is on the checklist of this mock interview now."
    if do.startswith("remove:"):
        assessing.remove_item(db.session, mock, _key(do.removeprefix("remove:")), change)
        return "#checklist", "It is off the checklist of this mock interview."
    return "", "All is kept. The mock interview goes on."


def _key(text: Any) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise Missing from None


@blueprint.post("/<uuid:key>/conduct/start")
@login_required  # type: ignore[untyped-decorator]
def start(key: UUID) -> ResponseReturnValue:
    """The mock interview begins now, and its page opens."""
    mock = _enter(key)
    try:
        version = version_of(request.form.get("row_version"))
        MOCK_INTERVIEW.move(db.session, mock, "start", _change(), version=version)
        db.session.commit()
    except (Conflict, WrongState) as error:
        db.session.rollback()
        flash(f"{error.message} {history.last_change(db.session, key, current_user)}".strip(), "warning")
        return redirect(MOCK_INTERVIEWS.row_url(key))
    return redirect(conduct_page.url_of(key))


# --- what the script saves ----------------------------------------------------------------------------


View = Callable[[UUID], ResponseReturnValue]


def _in_json(view: View) -> View:
    """What is refused is told as JSON; ``over`` says that nothing more can be saved."""

    @wraps(view)
    def told(key: UUID) -> ResponseReturnValue:
        try:
            return view(key)
        except PortalError as error:
            db.session.rollback()
            over = isinstance(error, WrongState | NotAllowed | Missing)
            who = history.last_change(db.session, key, current_user) if isinstance(error, WrongState) else ""
            errors = getattr(error, "errors", {})
            return jsonify(error=f"{error.message} {who}".strip(), errors=errors, over=over), error.status

    return told


def _body() -> dict[str, Any]:
    try:
        given = request.get_json(silent=True)
    except RecursionError:  # nested deeper than anybody would read
        given = None
    if not isinstance(given, dict):
        raise Invalid({"": "Please send an object."})
    return given


def _saved() -> str:
    """``14:02 (Europe/London)``."""
    return f"{clock.now().astimezone(zone(current_user.timezone)):%H:%M} ({current_user.timezone})"


@blueprint.post("/<uuid:key>/conduct/judge")
@login_required  # type: ignore[untyped-decorator]
@_in_json
def judge(key: UUID) -> ResponseReturnValue:
    """One criterion: {id, version, passed, rating, notes}. A version that is no longer the item's is answered with
    how it stands now."""
    mock, given = _enter(key), _body()
    version = given.get("version")
    try:
        item = _key(given.get("id"))
        row = assessing.judge_item(
            db.session, mock, item, given, version if type(version) is int else -1, _change()
        )  # fmt: skip
        db.session.commit()
    except Missing:
        db.session.rollback()
        return jsonify(error="This is no longer on the checklist.", gone=True), 404
    except Conflict as error:
        db.session.rollback()
        return _theirs(item, error)
    return jsonify(version=row.version, saved=_saved())


def _theirs(key: UUID, error: Conflict) -> ResponseReturnValue:
    row = db.session.get(Item, (current_user.tenant_id, key))
    if row is None:
        return jsonify(error="This is no longer on the checklist.", gone=True), 404
    told, _ = history.entries(db.session, row, current_user, limit=1)
    return jsonify(
        error=error.message, version=row.version, who=told[0]["who"] if told else "somebody",
        when=when(row.updated_at, current_user.timezone),
        theirs={"passed": said(row.passed), "rating": row.rating, "notes": row.notes},
    ), 409  # fmt: skip


@blueprint.post("/<uuid:key>/conduct/draft")
@login_required  # type: ignore[untyped-decorator]
@_in_json
def draft(key: UUID) -> ResponseReturnValue:
    """What was typed of the assessment, as it stands."""
    mock = _enter(key)
    assessing.keep_draft(db.session, mock, _body(), _change())
    db.session.commit()
    return jsonify(saved=_saved())


# --- on the mock interview's page ---------------------------------------------------------------------


@button(MOCK_INTERVIEWS.path)
def _continue(session: Any, row: MockInterview, user: Any) -> dict[str, Any] | None:
    if row.status != MockStatus.IN_PROGRESS or not access.may(user, *CONDUCT):
        return None
    if not access.allows(session, user, row, *CONDUCT):
        return None
    return {"label": "Continue", "icon": "play-circle", "url": conduct_page.url_of(row.id), "needs_form": True,
            "first": True}  # fmt: skip
