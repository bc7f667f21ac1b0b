"""PortalView: the one Flask-Admin view that settles scope, permission, versions, paging and export for all.

What Flask-Admin ships and this replaces, and why, is listed in docs/structure.md. A route that is not in
``_NEEDS`` is refused; Flask-Admin's own routes for inline editing, actions and export are not there at all.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from portal.admin import export, formbuilder, history, listing, runs
from portal.admin.cells import Reader, zone_note
from portal.admin.grid import FormField, Grid, panels_of
from portal.admin.query import Query, fetch_rows, permitted, to_key
from portal.core import access, clock, records
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Missing, NotAllowed, PortalError, WrongState
from portal.core.forms import VerbForm, WallTimeField, form_named
from portal.core.types import words
from portal.core.workflow import Change, Move


class PortalView(ModelView):
    """Grid, form, details, moves, bulk actions and export of one declared ``Grid``."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self._forms = {page: formbuilder.build(grid, page) for page in ("new", "edit")} if grid.write else {}
        super().__init__(
            grid.model, db, name=grid.title, category=grid.group,
            endpoint=grid.path.replace("-", "_"), url=f"/{grid.path}", menu_icon_value=grid.icon,
        )  # fmt: skip

    # -- what Flask-Admin asks: all from one scope ------------------------------------------------------

    def scaffold_list_columns(self) -> list[str]:
        return [column.name for column in self.grid.columns]

    def get_column_names(self, only_columns: Any, excluded_columns: Any) -> list[tuple[str, str]]:
        return [(column.name, column.label) for column in self.grid.columns]

    def get_sortable_columns(self) -> dict[Any, Any]:
        return {column.name: column.value for column in self.grid.columns if column.sort}

    def scaffold_form(self) -> Any:
        return self._forms.get("new", formbuilder.RecordForm)

    def scaffold_list_form(self, widget: Any = None, validators: Any = None) -> Any:
        raise NotImplementedError("rows are edited on their own page")

    def init_search(self) -> bool:
        return bool(self.grid.search)

    def init_actions(self) -> None:
        """Bulk actions come from the workflow's table, never from decorated methods."""
        self._actions: list[Any] = []
        self._actions_data: dict[str, Any] = {}

    def get_query(self) -> Any:
        return db.session.query(self.model).filter(access.visible(self.model, current_user, self._read))

    def get_count_query(self) -> Any:
        return db.session.query(sa.func.count(self.model.id)).filter(
            access.visible(self.model, current_user, self._read)
        )

    def get_one(self, id: Any) -> Any:
        try:
            return access.fetch(db.session, self.model, id, current_user)
        except Missing:
            return None

    # -- access -----------------------------------------------------------------------------------------

    @property
    def _read(self) -> str:
        return f"read:{self.grid.resource}"

    def is_accessible(self) -> bool:
        return bool(current_user.is_authenticated and access.may(current_user, self._read))

    def is_visible(self) -> bool:
        return self.grid.in_menu

    def may_write(self) -> bool:
        return bool(self.grid.write) and access.may(current_user, *self.grid.write)

    def may_export(self) -> bool:
        return access.may(current_user, f"export:{self.grid.resource}")

    def may_delete(self) -> bool:
        return self.grid.can_delete and self.may_write()

    _NEEDS: dict[str, Callable[["PortalView"], bool]] = {
        "index_view": is_accessible,
        "details_view": is_accessible,
        "move_view": is_accessible,  # the move's own permission is checked with the row
        "bulk_view": is_accessible,  # likewise
        "save_view": is_accessible,
        "forget_view": is_accessible,
        "create_view": may_write,
        "edit_view": may_write,
        "delete_view": may_delete,
        "export_view": may_export,
        "export_selected": may_export,
    }

    def _handle_view(self, name: str, **kwargs: Any) -> ResponseReturnValue | None:
        if not current_user.is_authenticated:
            return redirect(url_for("people.login", next=request.full_path.rstrip("?")))
        needed = self._NEEDS.get(name)
        if needed is None or not needed(self):
            abort(403)
        return None

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        # Flask-Admin calls again with other arguments after a TypeError, and so hides the real one.
        return fn(self, *args, **kwargs)

    # -- the grid ---------------------------------------------------------------------------------------

    @expose("/")
    def index_view(self) -> Any:
        query = self._query()
        page = listing.page(db.session, self, query)
        if query.page > 1 and not page["rows"]:
            return redirect(query.url(page=1))
        return self.render("portal/grid.html", grid=page)

    def _query(self) -> Query:
        return Query.parse(self.grid, request.args, current_user._get_current_object(), clock.now())

    @expose("/export.<kind>")
    def export_view(self, kind: str) -> Any:
        query = self._query()
        if kind not in ("csv", "xlsx"):
            raise Missing
        if kind == "xlsx":
            return listing.export_xlsx(db.session, query, self._file_name(query, kind))
        return self._csv(query, bom=request.args.get("bom") == "1")

    @expose("/export-selected", methods=("POST",))
    def export_selected(self) -> Any:
        """The ticked rows, or all that match, with the columns shown."""
        arguments = MultiDict(parse_qsl(request.form.get("query", "")))
        query = Query.parse(self.grid, arguments, current_user._get_current_object(), clock.now())
        if request.form.get("all_matching") != "1":
            keys = tuple(key for text in request.form.getlist("ids") if (key := to_key(text)))
            if not keys:
                flash("Tick some rows first.", "info")
                return redirect(query.url())
            query = replace(query, only=keys)
        return self._csv(query)

    def _csv(self, query: Query, *, bom: bool = False) -> ResponseReturnValue:
        lines = export.stream_csv(query, query.columns(), bom=bom)
        return listing.download(lines, self._file_name(query, "csv"), "text/csv; charset=utf-8")

    def _file_name(self, query: Query, kind: str) -> str:
        return f"{self.grid.path}-{query.at:%Y-%m-%d}.{kind}"

    # -- one row ----------------------------------------------------------------------------------------

    @expose("/<uuid:key>")
    def details_view(self, key: UUID) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        columns = permitted(self.grid.columns, current_user)
        found = fetch_rows(db.session, self.grid, columns, [key], current_user)
        if not found:
            raise Missing
        many = request.args.get("history") == "all"
        told, more = history.entries(
            db.session, row, current_user, limit=history.MANY if many else history.FEW
        )  # fmt: skip
        cells = Reader(self.grid, columns, current_user).row(found[0])
        panels = [panel(db.session, row, current_user) for panel in panels_of(self.grid)]
        return self.render(
            "portal/details.html",
            title=str(row), subtitle="", crumbs=[{"label": self.grid.title, "url": self.grid.url}],
            badge=self._badge(row), edit_url=self._own_url(row, "edit") if self._may_change(row) else None,
            delete_url=self._own_url(row, "delete") if self.grid.can_delete and self._may_change(row) else None,
            moves=self._moves(row), version=getattr(row, "version", None),
            facts=[
                {"label": c.label, "cell": cell} for c, cell in zip(columns, cells, strict=True)
                if cell.text != "" or (c.shown and not c.only_details)
            ],
            panels=[panel for panel in panels if panel and "pipeline" not in panel],
            pipeline=next((panel["pipeline"] for panel in panels if panel and "pipeline" in panel), None),
            history=told, history_more_url=self.grid.row_url(key) + "?history=all" if more and not many else None,
            zone_note=zone_note(current_user, clock.now()),
        )  # fmt: skip

    def _badge(self, row: Any) -> Any:
        if self.grid.badge:
            return self.grid.badge(db.session, row)
        column = self.grid.column("status")
        if column is None or not hasattr(row, "status"):
            return None
        return {"label": words(row.status), "colour": column.tones.get(row.status, "grey"), "hint": ""}

    def _own_url(self, row: Any, page: str) -> str:
        return f"{self.grid.row_url(row.id)}/{page}"

    def _may_change(self, row: Any) -> bool:
        return self.may_write() and access.allows(db.session, current_user, row, *self.grid.write)

    def _moves(self, row: Any) -> list[dict[str, Any]]:
        flow = self.grid.workflow
        if flow is None or self.grid.hides_moves:
            return []
        return [
            {"verb": m.verb, "label": m.title, "icon": m.icon, "danger": m.danger, "needs_form": bool(m.form),
             "url": f"{self.grid.row_url(row.id)}/move/{m.verb}",
             "confirm": m.description if m.danger and not m.form else ""}
            for m in flow.options(db.session, row, current_user, clock.now())
        ]  # fmt: skip

    # -- create and edit --------------------------------------------------------------------------------

    @expose("/new", methods=("GET", "POST"))
    def create_view(self) -> Any:
        form = self._form("new", None)
        if form.validate_on_submit():
            try:
                row = self._create(form.values(), Change(clock.now(), current_user))
                db.session.commit()
            except Invalid as error:
                db.session.rollback()
                form.take_errors(error)
            else:
                flash(f"{self.grid.noun.capitalize()} “{row}” was made.", "success")
                return redirect(self.grid.row_url(row.id))
        return self._form_page(form, "new", f"New {self.grid.noun}", self.grid.url)

    @expose("/<uuid:key>/edit", methods=("GET", "POST"))
    def edit_view(self, key: UUID) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        if not self._may_change(row):
            raise NotAllowed(f"You may read this {self.grid.noun}, but not change it.")
        form = self._form("edit", row)
        conflict = None
        if form.validate_on_submit():
            try:
                self._update(row, form.values(), _version(form), Change(clock.now(), current_user))
                db.session.commit()
            except records.Stale:
                db.session.rollback()
                conflict = self._conflict(row, form)
            except Invalid as error:
                db.session.rollback()
                form.take_errors(error)
            except (Conflict, WrongState) as error:
                db.session.rollback()
                form.form_errors.append(error.message)
            else:
                flash(f"{self.grid.noun.capitalize()} “{row}” was saved.", "success")
                return redirect(self.grid.row_url(key))
        return self._form_page(form, "edit", f"Edit {row}", self.grid.row_url(key), conflict)

    def _create(self, values: dict[str, Any], change: Change) -> Any:
        if self.grid.create:
            return self.grid.create(db.session, values, change)
        return records.create(db.session, self.model, values)

    def _update(self, row: Any, values: dict[str, Any], version: int, change: Change) -> Any:
        if self.grid.update:
            return self.grid.update(db.session, row, values, version, change)
        return records.update(db.session, row, values, version)

    def _form(self, page: str, row: Any) -> Any:
        fields = [f for _, group in self.grid.sections for f in group if page in f.on]
        if row is None:
            given = {f.name: request.args[f.name] for f in fields if f.name in request.args}
            start = {name: to_key(value) or value for name, value in given.items()}
        else:
            start = {f.name: _initial(f, row) for f in fields}
        form = self._forms[page](data=start)
        for each in fields:
            if each.permission and not access.may(current_user, each.permission):
                form._fields.pop(each.name)
        if row is None and "timezone" in form and not form.timezone.raw_data:
            form.timezone.data = current_user.timezone
        if row is not None and not form.is_submitted():
            form.row_version.data = str(row.version)
        for field in form:
            if isinstance(field, WallTimeField):
                field.zone_name = (form[field.zone_field].data if field.zone_field else "") or current_user.timezone
        return form

    def _form_page(self, form: Any, page: str, title: str, cancel: str, conflict: Any = None) -> Any:
        sections = [
            {"label": label, "fields": [form[f.name] for f in group if page in f.on and f.name in form]}
            for label, group in self.grid.sections
        ]
        body = self.render(
            "portal/form.html", title=title, form=form, sections=[s for s in sections if s["fields"]],
            action_url=request.path, cancel_url=cancel, submit_label="Save", conflict=conflict,
            crumbs=[{"label": self.grid.title, "url": self.grid.url}],
            zone_note=zone_note(current_user, clock.now()),
        )  # fmt: skip
        return body, 409 if conflict else 422 if form.errors else 200

    def _conflict(self, row: Any, form: Any) -> dict[str, Any]:
        """Both versions beside each other; the form keeps what was typed and now carries the new version."""
        db.session.refresh(row)
        form.row_version.data = str(row.version)
        fields = [f for _, group in self.grid.sections for f in group if "edit" in f.on and f.name in form]
        theirs = {f.name: _initial(f, row) for f in fields}
        told, _ = history.entries(db.session, row, current_user, limit=1)
        rows = [
            {"label": form[f.name].label.text, "field": f.name, "mine": listing.reads(form[f.name]),
             "theirs": listing.reads(form[f.name], theirs[f.name])}
            for f in fields
            if form[f.name].data != theirs[f.name] and (form[f.name].data or theirs[f.name])
        ]  # fmt: skip
        return {"who": told[0]["who"] if told else "somebody", "when": told[0]["when"] if told else "", "rows": rows}

    @expose("/<uuid:key>/delete", methods=("GET", "POST"))
    def delete_view(self, key: UUID) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        if not self._may_change(row):
            raise NotAllowed
        if request.method == "POST":
            name = str(row)
            try:
                records.delete(db.session, row)
                db.session.commit()
            except Conflict as error:
                flash(error.message, "warning")
                return redirect(self.grid.row_url(key))
            flash(f"{self.grid.noun.capitalize()} “{name}” was deleted.", "success")
            return redirect(self.grid.url)
        return self.render(
            "portal/confirm_delete.html", title=f"Delete {row}?", action_url=request.path,
            message=f"This removes the {self.grid.noun} for good. Its history stays in the audit.",
            cancel_url=self.grid.row_url(key),
        )  # fmt: skip

    # -- one row's moves --------------------------------------------------------------------------------

    @expose("/<uuid:key>/move/<verb>", methods=("GET", "POST"))
    def move_view(self, key: UUID, verb: str) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        flow = self.grid.workflow
        move = flow.moves.get(verb) if flow else None
        if flow is None or move is None or not (move.sources or move.find_targets):
            raise Missing
        access.require(current_user, *move.permissions)
        at = clock.now()
        form = verb_form_for(move.form, row, at)
        if (form is None and request.method == "POST") or (form is not None and form.validate_on_submit()):
            try:
                data = form.revive(db.session, form.params()) if form else {}
                flow.move(db.session, row, verb, Change(at, current_user, data), version=_posted_version())
                db.session.commit()
            except Invalid as error:
                db.session.rollback()
                if form is None:
                    raise
                form.take_errors(error)
            except (Conflict, WrongState, NotAllowed) as error:
                return self._refused(key, error)
            else:
                flash(f"{row}: {move.title.lower()} – done. It is {words(row.status).lower()} now.", "success")
                return redirect(_back(self.grid.row_url(key)))
        elif request.method == "GET" and row.status not in move.sources:
            return self._refused(key, flow.wrong_state(row.status, move))
        return self._move_page(row, move, form)

    def _refused(self, key: UUID, error: PortalError) -> ResponseReturnValue:
        db.session.rollback()
        told = history.last_change(db.session, key, current_user) if not isinstance(error, NotAllowed) else ""
        flash(f"{error.message} {told}".strip(), "warning")
        return redirect(self.grid.row_url(key))

    def _move_page(self, row: Any, move: Move, form: VerbForm | None) -> Any:
        flow = self.grid.workflow
        assert flow is not None
        this = sa.select(self.model.id).where(self.model.id == row.id)
        body = self.render(
            "portal/move.html", title=f"{move.title}: {row}", intro=move.description, form=form,
            action_url=request.path, cancel_url=self.grid.row_url(row.id), submit_label=move.title,
            danger=move.danger, consequences=flow.consequences(db.session, move.verb, this),
            version=row.version, crumbs=[{"label": self.grid.title, "url": self.grid.url}],
        )  # fmt: skip
        return body, 422 if form is not None and form.errors else 200

    # -- many rows --------------------------------------------------------------------------------------

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

    # -- saved views ------------------------------------------------------------------------------------

    @expose("/views", methods=("POST",))
    def save_view(self) -> Any:
        return listing.save_view(db.session, self.grid, current_user, request.form)

    @expose("/views/<uuid:view>/delete", methods=("POST",))
    def forget_view(self, view: UUID) -> Any:
        return listing.forget_view(db.session, self.grid, current_user, view)


def _without_routes(view: type[PortalView], *names: str) -> None:
    view._urls = [entry for entry in view._urls if entry[1] not in names]


# Flask-Admin's own doors that nothing of ours opens: inline edits, actions by form, and exports in memory.
_without_routes(PortalView, "ajax_update", "ajax_lookup", "action_view", "export")


def _initial(field: FormField, row: Any) -> Any:
    """What an edit form starts with."""
    return field.value(db.session, row) if field.value else getattr(row, field.name, None)


def _version(form: Any) -> int:
    """The version that a form was made from; -1, which no row has, where it is missing or not a number."""
    text = form.row_version.data or ""
    return int(text) if text.isdecimal() else -1


def _posted_version() -> int | None:
    text = request.form.get("row_version", "")
    return int(text) if text.isdecimal() else None


def _back(default: str) -> str:
    target = request.form.get("back", "")
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else default


def verb_form_for(name: str | None, row: Any, at: datetime) -> VerbForm | None:
    """The form that a verb asks for, ready for one row (None: for many); None where it asks for nothing."""
    kind = form_named(name)
    if kind is None:
        return None
    form = kind()
    form.at, form.zone_name, form.bulk = at, current_user.timezone, row is None
    for field in form:
        if isinstance(field, WallTimeField):
            field.zone_name = current_user.timezone
    if row is not None:
        form.prefill(row)
        if not form.is_submitted():
            form.row_version.data = str(row.version)
    return form
