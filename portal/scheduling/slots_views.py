"""Pages of slots beside their grid: many at once, hold, release."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal.admin.cells import when, zone_note
from portal.admin.movepages import verb_form_for
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, NotAllowed, WrongState
from portal.core.types import zone
from portal.core.workflow import Change, Result
from portal.scheduling import slots, slots_generator
from portal.scheduling.models import InterviewSlot
from portal.scheduling.slots import WRITE
from portal.scheduling.slots_admin import ARRANGE, SLOTS
from portal.scheduling.slots_forms import GeneratorForm
from portal.scheduling.slots_generator import Portion

blueprint = Blueprint("slots_pages", __name__, url_prefix="/slots")
_CRUMBS = [{"label": SLOTS.title, "url": SLOTS.url}]
_TOLD = 6  # times of one reason, before “and so many more”


# --- one slot -----------------------------------------------------------------------------------------


@blueprint.route("/<uuid:key>/hold", methods=("GET", "POST"))
@login_required
def hold(key: UUID) -> ResponseReturnValue:
    access.require(current_user, *ARRANGE)
    row = access.fetch(db.session, InterviewSlot, key, current_user)
    form = verb_form_for("hold", row)
    assert form is not None
    if form.validate_on_submit():
        change = Change(clock.now(), current_user)
        return _answer(key, slots.hold(db.session, [key], form.params()["minutes"], change), "is held for you")
    body = render_template(
        "portal/move.html", title=f"Hold: {row}", intro="Keep this slot for yourself for a while", form=form,
        action_url=request.path, cancel_url=SLOTS.row_url(key), submit_label="Hold", danger=False, crumbs=_CRUMBS,
    )  # fmt: skip
    return body, 422 if form.errors else 200


@blueprint.post("/<uuid:key>/release")
@login_required
def release(key: UUID) -> ResponseReturnValue:
    access.require(current_user, *ARRANGE)
    access.fetch(db.session, InterviewSlot, key, current_user)
    return _answer(key, slots.let_go(db.session, [key], Change(clock.now(), current_user)), "is free again")


def _answer(key: UUID, result: Result, became: str) -> ResponseReturnValue:
    """Back to the slot's page, which says what became of it."""
    error = result.refused.get(key)
    if isinstance(error, Conflict | WrongState | NotAllowed):
        db.session.rollback()
        flash(error.message, "warning")
    elif error is not None:
        raise error
    else:
        db.session.commit()
        flash(f"The slot {became}.", "success")
    return redirect(SLOTS.row_url(key))


# --- many at once -------------------------------------------------------------------------------------


@blueprint.route("/generate", methods=("GET", "POST"))
@login_required
def generate() -> ResponseReturnValue:
    """First what would be made, person by person; then, with another button, the making."""
    access.require(current_user, WRITE)
    form = GeneratorForm()
    if not form.is_submitted():
        form.people.data = [current_user.id]
    if not form.validate_on_submit():
        return _page(form)
    change, made = Change(clock.now(), current_user), request.form.get("do") == "create"
    try:
        work = slots_generator.generate if made else slots_generator.plan
        portions = work(db.session, form.wish(), change)
        db.session.commit()
    except Invalid as error:
        db.session.rollback()
        form.take_errors(error)
        return _page(form)
    return _page(form, portions, made=made)


def _page(form: GeneratorForm, portions: Sequence[Portion] = (), *, made: bool = False) -> ResponseReturnValue:
    body = render_template(
        "portal/slots_generate.html", title="Many slots at once", form=form, crumbs=_CRUMBS, made=made,
        sections=[{"label": label, "fields": [form[name] for name in names]} for label, names in form.sections],
        rows=[_row(portion) for portion in portions], count=sum(len(each.stretches) for each in portions),
        action_url=request.path, cancel_url=SLOTS.url, zone_note=zone_note(current_user, clock.now()),
    )  # fmt: skip
    return body, 422 if form.errors else 200


def _row(portion: Portion) -> dict[str, Any]:
    first = portion.stretches[0][0] if portion.stretches else None
    return {
        "person": portion.person.full_name, "zone": portion.zone_name, "count": len(portion.stretches),
        "first": when(first, portion.zone_name), "passed": [_passed(portion, *each) for each in portion.passed.items()],
        "url": f"{SLOTS.url}?interviewer={portion.person.id}&state=free&sort=start",
    }  # fmt: skip


def _passed(portion: Portion, reason: str, starts: Sequence[Any]) -> str:
    """``3 overlap another slot: 3 Mar 09:00, 4 Mar 09:00, 5 Mar 09:00``."""
    here = zone(portion.zone_name)
    times = [f"{local.day} {local:%b %H:%M}" for local in (start.astimezone(here) for start in starts[:_TOLD])]
    more = f" and {len(starts) - _TOLD} more" if len(starts) > _TOLD else ""
    return f"{len(starts)} × {reason}: {', '.join(times)}{more}"
