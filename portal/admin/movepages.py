"""What moves rows: one row's move with its form, the start of a bulk action, and saved views."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_login import current_user

from portal.admin import history, listing, runs
from portal.admin.additions import asides_of, remarks_of
from portal.admin.grid import Grid
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import VerbForm, WallTimeField, form_named, version_of
from portal.core.types import words
from portal.core.web import inside
from portal.core.workflow import Change, Move


class MovePages:
    """Mixed into ``base.PortalView``; a move's own permission is checked with the row."""

    grid: Grid
    model: Any
    render: Any

    @expose("/<uuid:key>/move/<verb>", methods=("GET", "POST"))
    def move_view(self, key: UUID, verb: str) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        flow = self.grid.workflow
        move = flow.moves.get(verb) if flow else None
        if flow is None or move is None or not (move.sources or move.find_targets):
            raise Missing
        access.require(current_user, *move.permissions)
        at = clock.now()
        form = verb_form_for(move.form, row)
        if (form is None and request.method == "POST") or (form is not None and form.validate_on_submit()):
            try:
                data = form.revive(db.session, form.params()) if form else {}
                flow.move(db.session, row, verb, Change(at, current_user, data), version=_posted_version())
                said = self._told(row, move)
                db.session.commit()
            except Invalid as error:
                db.session.rollback()
                if form is None:
                    raise
                form.take_errors(error)
            except (Conflict, WrongState, NotAllowed) as error:
                return self._refused(key, error)
            else:
                return self._moved(key, said)
        elif request.method == "GET" and row.status not in move.sources:
            return self._refused(key, flow.wrong_state(row.status, move))
        elif request.method == "GET" and form is not None:
            if version_of(request.args.get("version")) not in (None, row.version):
                return self._refused(key, flow.stale(row.status))
            form.suggest(row, request.args)
        return self._move_page(row, move, form)

    def _told(self, row: Any, move: Move) -> list[tuple[str, str]]:
        """What will be said once the move is kept. Found before the commit, which forgets all that was read."""
        done = f"{row}: {move.title.lower()} – done. It is {words(row.status).lower()} now."
        remarks = remarks_of(self.grid, move.verb, db.session, row, current_user)
        return [(done, "success"), *((remark, "warning") for remark in remarks)]

    def _moved(self, key: UUID, said: list[tuple[str, str]]) -> ResponseReturnValue:
        for text, tone in said:
            flash(text, tone)
        return redirect(_back(self.grid.row_url(key)))

    def _refused(self, key: UUID, error: PortalError) -> ResponseReturnValue:
        db.session.rollback()
        told = history.last_change(db.session, key, current_user) if not isinstance(error, NotAllowed) else ""
        flash(f"{error.message} {told}".strip(), "warning")
        return redirect(_back(self.grid.row_url(key)))

    def _move_page(self, row: Any, move: Move, form: VerbForm | None) -> Any:
        flow = self.grid.workflow
        assert flow is not None
        this = sa.select(self.model.id).where(self.model.id == row.id)
        back = _back("")
        body = self.render(
            "portal/move.html", title=f"{move.title}: {row}", intro=move.description, form=form,
            action_url=request.path, cancel_url=back or self.grid.row_url(row.id), submit_label=move.title,
            back=back, facts=form.facts(row, current_user.timezone) if form else [],
            danger=move.danger, consequences=flow.consequences(db.session, move.verb, this),
            asides=asides_of(self.grid, move.verb, row, current_user), version=row.version,
            crumbs=[{"label": self.grid.title, "url": self.grid.url}],
        )  # fmt: skip
        return body, 422 if form is not None and form.errors else 200

    @expose("/bulk/<verb>", methods=("POST",))
    def bulk_view(self, verb: str) -> Any:
        action = runs.action_of(self.grid, verb, current_user)
        everything = request.form.get("all_matching") == "1"
        ids = request.form.getlist("ids")
        if not everything and not ids:
            flash("Tick some rows first.", "info")
            return redirect(_back(self.grid.url))
        query = ("?" + request.form.get("query", "").removeprefix("?")) if everything else None
        run = runs.draft(db.session, self.grid, action, current_user, ids, query)
        db.session.commit()
        return redirect(url_for("bulk.show", run=run.id))

    @expose("/views", methods=("POST",))
    def save_view(self) -> Any:
        return listing.save_view(db.session, self.grid, current_user, request.form)

    @expose("/views/<uuid:view>/delete", methods=("POST",))
    def forget_view(self, view: UUID) -> Any:
        return listing.forget_view(db.session, self.grid, current_user, view)


def _posted_version() -> int | None:
    return version_of(request.form.get("row_version"))


def _back(default: str) -> str:
    """Where the person came from, if it is a page of ours."""
    return inside(request.values.get("back")) or default


def verb_form_for(name: str | None, row: Any) -> VerbForm | None:
    """The form that a verb asks for, ready for one row (None: for many); None where it asks for nothing."""
    kind = form_named(name)
    if kind is None:
        return None
    form = kind()
    form.narrow(current_user)
    form.zone_name = current_user.timezone
    for field in form:
        if isinstance(field, WallTimeField):
            field.zone_name = current_user.timezone
    if row is not None:
        form.prefill(row)
        if not form.is_submitted():
            form.row_version.data = str(row.version)
    return form
