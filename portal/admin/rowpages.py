"""The pages of one row: details with panels and history, form, both versions on a conflict, delete."""

from typing import Any
from uuid import UUID

from flask import flash, redirect, request
from flask_admin import expose
from flask_login import current_user

from portal.admin import history, listing
from portal.admin.additions import Aside, asides_of, buttons_of, panels_of, remarks_of
from portal.admin.cells import Reader, zone_note
from portal.admin.grid import FormField, Grid
from portal.admin.movepages import verb_form_for
from portal.admin.query import fetch_rows, permitted, settled, to_key
from portal.core import access, clock, records
from portal.core.db import db
from portal.core.errors import Conflict, Invalid, Missing, NotAllowed, WrongState
from portal.core.forms import WallTimeField, version_of
from portal.core.types import Choice, Ruled, words
from portal.core.workflow import Change


class RowPages:
    """Mixed into ``base.PortalView``, which says who may open which of them."""

    grid: Grid
    model: Any
    render: Any
    may_write: Any
    _forms: dict[str, Any]

    @expose("/<uuid:key>")
    def details_view(self, key: UUID) -> Any:
        row = access.fetch(db.session, self.model, key, current_user)
        columns = settled(permitted(self.grid.columns, current_user), current_user)
        found = fetch_rows(db.session, self.grid, columns, [key], current_user)
        if not found:
            raise Missing
        many = request.args.get("history") == "all"
        told, more = history.entries(
            db.session, row, current_user, limit=history.MANY if many else history.FEW,
            hidden={c.name for c in self.grid.columns} - {c.name for c in columns},
        )  # fmt: skip
        cells = Reader(self.grid, columns, current_user).row(found[0])
        made = [panel(db.session, row, current_user) for panel in panels_of(self.grid)]
        panels = [each for one in made for each in (one if isinstance(one, list) else [one])]
        may_edit = bool(self._fields_of("edit", row)) and self._may_change(row)
        return self.render(
            "portal/details.html",
            title=str(row), subtitle="", crumbs=[{"label": self.grid.title, "url": self.grid.url}],
            badge=self._badge(row), edit_url=self._own_url(row, "edit") if may_edit else None,
            delete_url=self._own_url(row, "delete") if self.grid.can_delete and self._may_change(row) else None,
            moves=_firsts([*self._moves(row), *buttons_of(self.grid, db.session, row, current_user)]),
            version=getattr(row, "version", None),
            facts=[
                {"label": c.label, "cell": cell} for c, cell in zip(columns, cells, strict=True)
                if cell.text != "" or (c.shown and not c.only_details)
            ],
            panels=sorted((panel for panel in panels if panel and "pipeline" not in panel), key=_rank),
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
        if flow is None or self.grid.hides_moves or self.grid.moves_in_panel:
            return []
        return [
            {"verb": m.verb, "label": m.title, "icon": m.icon, "danger": m.danger, "needs_form": bool(m.form),
             "url": self._move_url(m.verb, row),
             "confirm": m.description if m.danger and not m.form else ""}
            for m in flow.options(db.session, row, current_user, clock.now())
        ]  # fmt: skip

    def _move_url(self, verb: str, row: Any) -> str:
        page = self.grid.move_pages.get(verb)
        return page(row) if page else f"{self.grid.row_url(row.id)}/move/{verb}"

    def _has_page(self, page: str) -> bool:
        return any(page in field.on for _, group in self.grid.sections for field in group)

    def _require_page(self, page: str) -> None:
        if not self._has_page(page):
            raise Missing

    @expose("/new", methods=("GET", "POST"))
    def create_view(self) -> Any:
        self._require_page("new")
        form = self._form("new", None)
        if form.validate_on_submit():
            try:
                row = self._create(form.values(), Change(clock.now(), current_user))
                url, said = self.grid.row_url(row.id), self._said("new", row, "made")
                db.session.commit()
            except Invalid as error:
                db.session.rollback()
                form.take_errors(error)
            else:
                return _telling(said, url)
        return self._form_page(form, "new", f"New {self.grid.noun}", self.grid.url, None)

    @expose("/<uuid:key>/edit", methods=("GET", "POST"))
    def edit_view(self, key: UUID) -> Any:
        self._require_page("edit")
        row = access.fetch(db.session, self.model, key, current_user)
        if not self._may_change(row):
            raise NotAllowed(f"You may read this {self.grid.noun}, but not change it.")
        if not self._fields_of("edit", row):
            flash(f"Nothing of this {self.grid.noun} can be edited as it stands now.", "warning")
            return redirect(self.grid.row_url(key))
        form = self._form("edit", row)
        conflict, code = None, 0
        if form.validate_on_submit():
            try:
                if self.grid.lock_first:
                    self.grid.lock_first(db.session, row)
                # Two who save at once: the second waits here, and then sees what the first has made of the row.
                db.session.refresh(row, with_for_update={"key_share": True})
                self._update(row, form.values(), _version(form), Change(clock.now(), current_user))
                changed = {field.name for field in form if field.data != field.object_data}
                said = self._said("edit", row, "saved", changed)
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
                code = error.status
            else:
                return _telling(said, self.grid.row_url(key))
        return self._form_page(form, "edit", f"Edit {row}", self.grid.row_url(key), row, conflict, code)

    def _said(self, page: str, row: Any, done: str, changed: set[str] | None = None) -> list[tuple[str, str]]:
        """What will be said once ``row`` is kept. Found before the commit, which forgets all that was read."""
        remarks = remarks_of(self.grid, page, db.session, row, current_user, changed)
        first = f"{self.grid.noun.capitalize()} “{row}” was {done}."
        return [(first, "success"), *((remark, "warning") for remark in remarks)]

    def _create(self, values: dict[str, Any], change: Change) -> Any:
        if self.grid.create:
            return self.grid.create(db.session, values, change)
        return records.create(db.session, self.model, values)

    def _update(self, row: Any, values: dict[str, Any], version: int, change: Change) -> Any:
        if self.grid.update:
            return self.grid.update(db.session, row, values, version, change)
        return records.update(db.session, row, values, version)

    def _fields_of(self, page: str, row: Any) -> list[FormField]:
        """Those of the page's fields that this row has now, and that the reader may fill in."""
        fields = [f for _, group in self.grid.sections for f in group if page in f.on]
        return [
            f for f in fields
            if (row is None or f.when is None or f.when(row))
            and (not f.permission or access.may(current_user, f.permission))
        ]  # fmt: skip

    def _form(self, page: str, row: Any) -> Any:
        fields = [f for _, group in self.grid.sections for f in group if page in f.on]
        if row is None:
            start = {f.name: _given(f, self.model, request.args[f.name]) for f in fields if f.name in request.args}
            begun = {f.name: f.start for f in fields if f.start is not None}
            start = begun | {name: value for name, value in start.items() if value is not None}
        else:
            start = {f.name: _initial(f, row) for f in fields}
        form = self._forms[page](data=start)
        kept = {each.name for each in self._fields_of(page, row)}
        for each in fields:
            if each.name not in kept:
                form._fields.pop(each.name)
        if row is None and "timezone" in form and not form.timezone.raw_data:
            form.timezone.data = current_user.timezone
        if row is not None and not form.is_submitted():
            form.row_version.data = str(row.version)
        for field in form:
            if isinstance(field, WallTimeField):
                field.zone_name = (form[field.zone_field].data if field.zone_field else "") or current_user.timezone
        return form

    def _form_page(
        self, form: Any, page: str, title: str, cancel: str, row: Any, conflict: Any = None, code: int = 0
    ) -> Any:
        sections = [
            {"label": label, "fields": [form[f.name] for f in group if page in f.on and f.name in form]}
            for label, group in self.grid.sections
        ]
        asides = asides_of(self.grid, page, row, current_user)
        body = self.render(
            "portal/form.html", title=title, form=form, asides=asides,
            sections=_with_asides([s for s in sections if s["fields"]], asides),
            action_url=request.path, cancel_url=cancel, submit_label="Save", conflict=conflict,
            crumbs=[{"label": self.grid.title, "url": self.grid.url}],
            zone_note=zone_note(current_user, clock.now()),
        )  # fmt: skip
        return body, code or (409 if conflict else 422 if form.errors else 200)

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
        form = verb_form_for(self.grid.delete_form, row)
        if (form is None and request.method == "POST") or (form is not None and form.validate_on_submit()):
            name = str(row)
            try:
                gone = self._delete(row, Change(clock.now(), current_user, form.params() if form else {}))
                db.session.commit()
            except Conflict as error:
                flash(error.message, "warning")
                return redirect(self.grid.row_url(key))
            noun = self.grid.noun.capitalize()
            if not gone:
                flash(f"{noun} “{name}” has been used and stays for what it was used in; it is out of use now.", "info")
                return redirect(self.grid.row_url(key))
            flash(f"{noun} “{name}” was deleted.", "success")
            return redirect(self.grid.url)
        return self.render(
            "portal/confirm_delete.html", title=f"Delete {row}?", action_url=request.path,
            message=f"This removes the {self.grid.noun} for good. Its history stays in the audit.",
            cancel_url=self.grid.row_url(key), form=form,
        )  # fmt: skip

    def _delete(self, row: Any, change: Change) -> bool:
        """Whether the row is gone: an action that answers False has taken it out of use instead."""
        if self.grid.delete:
            return self.grid.delete(db.session, row, change) is not False
        records.delete(db.session, row)
        return True


def _rank(panel: dict[str, Any]) -> int:
    """Panels stand in the order in which they were added, but for those that say where they belong."""
    return int(panel.get("rank", 50))


def _telling(said: list[tuple[str, str]], url: str) -> Any:
    for text, tone in said:
        flash(text, tone)
    return redirect(url)


def _firsts(moves: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Buttons that ask to stand ``first`` do."""
    return sorted(moves, key=lambda move: not move.get("first"))


def _with_asides(sections: list[dict[str, Any]], asides: list[Aside]) -> list[dict[str, Any]]:
    """``sections``, each with the boxes that stand after one of its fields; the last has those of no field."""
    for it in asides:
        own = (section for section in sections if it.after in [field.name for field in section["fields"]])
        next(own, sections[-1]).setdefault("asides", []).append(it)
    return sections


def _given(field: FormField, model: Any, text: str) -> Any:
    """What an address may put into a new form: one reference, or text; None for everything else."""
    if field.lookup:
        return None if field.multiple else to_key(text)
    column = model.__table__.c.get(field.name)
    return text if column is not None and isinstance(column.type, Ruled | Choice) and not field.kind else None


def _initial(field: FormField, row: Any) -> Any:
    """What an edit form starts with."""
    return field.value(db.session, row) if field.value else getattr(row, field.name, None)


def _version(form: Any) -> int:
    """The version that a form was made from; -1, which no row has, where it is missing or not a number."""
    version = version_of(form.row_version.data)
    return -1 if version is None else version
