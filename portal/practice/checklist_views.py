"""The pages on which checklists are kept, role by role. Everything works by plain forms; a script adds dragging."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin import history, menu
from portal.admin.additions import remark
from portal.core import access, clock, records
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Missing, PortalError
from portal.core.forms import version_of
from portal.core.tenancy import tenant_id
from portal.core.types import number, words
from portal.core.workflow import Change
from portal.hiring.models import JobRole
from portal.practice import checklists
from portal.practice.admin import CATEGORY_TONES, CHECKLISTS
from portal.practice.checklist_forms import CopyForm, CriterionForm
from portal.practice.criteria import STARTERS
from portal.practice.models import MockInterviewChecklistTemplate as Template

blueprint = Blueprint("checklists", __name__, url_prefix="/checklists")
READ, WRITE = "read:interview_templates", "write:interview_templates"
_HOME = "/checklists/"
_CRUMB = {"label": "Checklists", "url": _HOME}
menu.offer(menu.Page("Checklists", _HOME, "card-checklist", "Practice", READ, Template))


# --- who and what -------------------------------------------------------------------------------------


def _enter(permission: str = READ) -> None:
    if access.is_off(current_user, Template):
        raise Missing
    access.require(current_user, permission)


def _change() -> Change:
    return Change(clock.now(), current_user._get_current_object())


def _role(key: UUID) -> JobRole:
    found = db.session.get(JobRole, (tenant_id(), key))
    if found is None:
        raise Missing
    return found


def _criterion(key: UUID) -> Template:
    """The criterion, locked: of two who change it at once the second waits, and then sees what became of it."""
    access.fetch(db.session, Template, key, current_user)
    query = sa.select(Template).where(Template.id == key).with_for_update(key_share=True)
    row = db.session.scalar(query.execution_options(populate_existing=True))
    if row is None:  # deleted while we waited
        raise Missing
    return row


def _url(role: UUID, anchor: UUID | None = None) -> str:
    return f"{_HOME}{role}" + (f"#criterion-{anchor}" if anchor else "")


def _keys(text: str) -> list[UUID]:
    try:
        return [UUID(each) for each in text.split(",") if each]
    except ValueError:
        raise Conflict("This list cannot be read. Please look at it anew.") from None


def _done(text: str, url: str, *, warning: str = "") -> ResponseReturnValue:
    db.session.commit()
    flash(text, "success")
    if warning:
        flash(warning, "warning")
    return redirect(url)


# --- reading ------------------------------------------------------------------------------------------


@blueprint.get("/")
@login_required  # type: ignore[untyped-decorator]
def overview() -> ResponseReturnValue:
    """The roles with how many criteria each."""
    _enter()
    found = checklists.counts(db.session)
    using, with_some = sum(row.using for row in found), sum(1 for row in found if row.using)
    return render_template(
        "practice/checklists.html", title="Checklists", roles=found, grid_url=CHECKLISTS.url,
        subtitle=f"{number(using, 'active criterion', 'active criteria')} in {number(with_some, 'role')}. "
        "A new mock interview gets the active criteria of its job's role.",
    )  # fmt: skip


@blueprint.get("/<uuid:key>")
@login_required  # type: ignore[untyped-decorator]
def role(key: UUID) -> ResponseReturnValue:
    _enter()
    return _page(_role(key))


def _page(
    row: JobRole, form: CriterionForm | None = None, editing: Mapping[UUID, Any] | None = None
) -> ResponseReturnValue:
    """The role's list; ``form`` and ``editing`` hold what was typed and could not be saved."""
    criteria = checklists.criteria_of(db.session, row.id)
    form = form or CriterionForm(formdata=None)
    active = sum(1 for each in criteria if each.active)
    may_write = access.may(current_user, WRITE)
    body = render_template(
        "practice/checklist.html", title=row.name, role=row, criteria=criteria, active=active, crumbs=[_CRUMB],
        groups=[(words(name), CATEGORY_TONES[name], found) for name, found in checklists.by_category(criteria)],
        subtitle=f"{number(active, 'active criterion', 'active criteria')}, {len(criteria) - active} out of use",
        form=form, editing=editing or {}, may_write=may_write, remark=checklists.remark,
        order=",".join(str(each.id) for each in criteria), starters=_starters(row) if not criteria else [],
        options=CriterionForm(formdata=None).category.choices,
    )  # fmt: skip
    wrong = form.errors or any(each.get("errors") for each in (editing or {}).values())
    stale = any(each.get("conflict") for each in (editing or {}).values())
    return body, 409 if stale else 422 if wrong else 200


def _starters(row: JobRole) -> list[str]:
    """The starter lists, that of the role's own name first."""
    return sorted(STARTERS, key=lambda name: (name.casefold() != row.name.casefold(), name))


# --- one criterion ------------------------------------------------------------------------------------


@blueprint.post("/<uuid:key>/add")
@login_required  # type: ignore[untyped-decorator]
def add(key: UUID) -> ResponseReturnValue:
    _enter(WRITE)
    row, form = _role(key), CriterionForm()
    if form.validate():
        try:
            made = checklists.add_criterion(db.session, {"job_role_id": row.id, **form.values()}, _change())
        except Invalid as error:
            db.session.rollback()
            form.take_errors(error)
        else:
            said = checklists.remark(made.criterion)
            return _done(f"“{made.criterion}” was added.", _url(key, made.id), warning=said)
    return _page(row, form)


@blueprint.post("/criteria/<uuid:key>/edit")
@login_required  # type: ignore[untyped-decorator]
def edit(key: UUID) -> ResponseReturnValue:
    """In place, on the role's page; what could not be saved stands there again."""
    _enter(WRITE)
    row, form = _criterion(key), CriterionForm()
    conflict = None
    if form.validate():
        version = version_of(form.row_version.data)
        try:
            checklists.change_criterion(db.session, row, form.values(), -1 if version is None else version, _change())
        except records.Stale:
            db.session.rollback()
            conflict = _conflict(row, form)
        except Invalid as error:
            db.session.rollback()
            form.take_errors(error)
        else:
            said = checklists.remark(row.criterion)
            return _done(f"“{row.criterion}” was saved.", _url(row.job_role_id, key), warning=said)
    typed = {**form.values(), "version": form.row_version.data, "errors": form.errors, "conflict": conflict}
    return _page(_role(row.job_role_id), editing={key: typed})


def _conflict(row: Template, form: CriterionForm) -> dict[str, Any]:
    """Both versions beside each other; the form keeps what was typed and now carries the new version."""
    form.row_version.data = str(row.version)
    told, _ = history.entries(db.session, row, current_user, limit=1)
    names = {"category": "Category", "criterion": "Criterion"}
    mine = form.values()
    rows = [
        {"label": label, "field": "", "mine": _reads(name, mine[name]), "theirs": _reads(name, getattr(row, name))}
        for name, label in names.items()
    ]
    return {"who": told[0]["who"] if told else "somebody", "when": told[0]["when"] if told else "", "rows": rows}


def _reads(name: str, value: Any) -> str:
    return words(value) if name == "category" else str(value or "")


@blueprint.post("/criteria/<uuid:key>/use")
@login_required  # type: ignore[untyped-decorator]
def use(key: UUID) -> ResponseReturnValue:
    """Activate or deactivate; what interviews have copied stays."""
    _enter(WRITE)
    row, active = _criterion(key), request.form.get("active") == "1"
    checklists.change_criterion(db.session, row, {"active": active}, None, _change())
    told = "is in use again" if active else "is out of use: new mock interviews do not get it"
    return _done(f"“{row.criterion}” {told}.", _url(row.job_role_id, key))


@blueprint.post("/criteria/<uuid:key>/delete")
@login_required  # type: ignore[untyped-decorator]
def delete(key: UUID) -> ResponseReturnValue:
    """Delete what no interview has used; everything else is deactivated."""
    _enter(WRITE)
    row = _criterion(key)
    name, role_id = row.criterion, row.job_role_id
    if checklists.remove_criterion(db.session, row, _change()):
        return _done(f"“{name}” was deleted.", _url(role_id))
    told = "mock interviews have used it, and keep it. It is out of use now, so new ones do not get it."
    return _done(f"“{name}” was not deleted: {told}", _url(role_id, key))


# --- the order ----------------------------------------------------------------------------------------


@blueprint.post("/criteria/<uuid:key>/move")
@login_required  # type: ignore[untyped-decorator]
def move(key: UUID) -> ResponseReturnValue:
    """One place up or down among its category, by a button."""
    _enter(WRITE)
    row = access.fetch(db.session, Template, key, current_user)
    by = -1 if request.form.get("by") == "-1" else 1
    back = _url(row.job_role_id, key)
    return _ordered(back, lambda: checklists.move_by(db.session, row, by, _seen(), _change()))


@blueprint.post("/<uuid:key>/order")
@login_required  # type: ignore[untyped-decorator]
def order(key: UUID) -> ResponseReturnValue:
    """The whole order at once, as it was dragged."""
    _enter(WRITE)
    wanted = _role(key).id

    def put() -> None:
        listed = _keys(request.form.get("order", ""))
        checklists.reorder(db.session, wanted, listed, _change(), seen=_seen())

    return _ordered(_url(key), put)


def _seen() -> list[UUID]:
    return _keys(request.form.get("seen", ""))


def _ordered(back: str, put: Any) -> ResponseReturnValue:
    """Do it; the answer is JSON for who asks for JSON, else the page again."""
    as_json = request.accept_mimetypes.best == "application/json"
    try:
        put()
        db.session.commit()
    except PortalError as error:
        if isinstance(error, Missing):
            raise
        db.session.rollback()
        if as_json:
            return jsonify(error=error.message), error.status
        flash(error.message, "warning")
    return jsonify(saved=True) if as_json else redirect(back)


# --- copies and starters ------------------------------------------------------------------------------


@blueprint.route("/<uuid:key>/copy", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def copy(key: UUID) -> ResponseReturnValue:
    """The whole list, as far as it is in use, to another role."""
    _enter(WRITE)
    row = _role(key)
    active = [each.id for each in checklists.criteria_of(db.session, key) if each.active]
    if not active:
        raise Missing("This role has no criteria in use that could be copied.")
    intro = f"{number(len(active), 'active criterion is', 'active criteria are')} copied to the end of the other list."
    return _copying(row.id, active, f"Copy the checklist of {row.name}", intro, row)


@blueprint.route("/criteria/<uuid:key>/copy", methods=["GET", "POST"])
@login_required  # type: ignore[untyped-decorator]
def copy_one(key: UUID) -> ResponseReturnValue:
    _enter(WRITE)
    row = access.fetch(db.session, Template, key, current_user)
    return _copying(row.job_role_id, [row.id], "Copy a criterion", f"“{row.criterion}”", _role(row.job_role_id))


def _copying(source: UUID, ids: Sequence[UUID], title: str, intro: str, row: JobRole) -> ResponseReturnValue:
    form = CopyForm()
    form.offer(_others(source))
    if form.validate_on_submit():
        made, known = checklists.duplicate(db.session, ids, form.target, _change())
        name = _role(form.target).name
        return _done(_copied(made, known, name), _url(form.target))
    body = render_template(
        "portal/move.html", title=title, intro=intro, form=form, action_url=request.path, cancel_url=_url(source),
        submit_label="Copy", danger=False, consequences=[], crumbs=[_CRUMB, {"label": row.name, "url": _url(row.id)}],
    )  # fmt: skip
    return body, 422 if form.errors else 200


def _others(source: UUID) -> Iterable[tuple[UUID, str]]:
    query = sa.select(JobRole.id, JobRole.name).where(JobRole.active.is_(True), JobRole.id != source)
    return [(row.id, row.name) for row in db.session.execute(query.order_by(JobRole.name, JobRole.id))]


_TOLD = 5  # names of what is there already, before “and so many more”


def _copied(made: int, known: Sequence[str], name: str) -> str:
    told = f"{number(made, 'criterion was', 'criteria were')} added to {name}."
    if not known:
        return told
    named = "; ".join(f"“{each}”" for each in known[:_TOLD])
    more = f" and {len(known) - _TOLD} more" if len(known) > _TOLD else ""
    return f"{told} It had {number(len(known), 'of them', 'of them')} already: {named}{more}."


@blueprint.post("/<uuid:key>/starter")
@login_required  # type: ignore[untyped-decorator]
def starter(key: UUID) -> ResponseReturnValue:
    """Begin an empty list with one of those that the portal brings along."""
    _enter(WRITE)
    row = _role(key)
    made, known = checklists.add_starter(db.session, row.id, request.form.get("name", ""), _change())
    return _done(_copied(made, known, row.name), _url(key))


# --- on the grid --------------------------------------------------------------------------------------


@remark(CHECKLISTS.path, "new", "edit")
def _of_looks(session: Any, row: Template, user: Any) -> str:
    return checklists.remark(row.criterion)
