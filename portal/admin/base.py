"""PortalView: the one Flask-Admin view that settles scope, permission, versions, paging and export for all.

What Flask-Admin ships and this replaces, and why, is listed in docs/structure.md. A route that is not in
``_NEEDS`` is refused; Flask-Admin's own routes for inline editing, actions and export are not there at all.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import expose
from flask_admin.contrib.sqla import ModelView
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from portal.admin import export, formbuilder, listing
from portal.admin.grid import Grid
from portal.admin.movepages import MovePages
from portal.admin.query import Query, to_key
from portal.admin.rowpages import RowPages
from portal.core import access, clock
from portal.core.db import db
from portal.core.errors import Missing


class PortalView(RowPages, MovePages, ModelView):
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
        return bool(current_user.is_authenticated and self.may_read(current_user))

    def may_read(self, user: Any) -> bool:
        return access.may(user, self._read) and not access.is_off(user, self.model)

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
        if access.is_off(current_user, self.model):
            abort(404)
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


def _without_routes(view: type[PortalView], *names: str) -> None:
    view._urls = [entry for entry in view._urls if entry[1] not in names]


# Flask-Admin's own doors that nothing of ours opens: inline edits, actions by form, and exports in memory.
_without_routes(PortalView, "ajax_update", "ajax_lookup", "action_view", "export")
