"""What a grid's page is made of, its saved views, and its files."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from flask import Response, flash, redirect
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.utils import secure_filename

from portal.admin import export
from portal.admin.cells import Line, Reader, as_trs, when, zone_note
from portal.admin.grid import ME, PAGE_SIZES, Filter, Grid
from portal.admin.models import SavedView
from portal.admin.query import PRESETS, Query, fetch_page, permitted, to_key
from portal.core import access, clock
from portal.core.errors import Invalid, Missing
from portal.core.forms import ReferenceField, WallTimeField, chosen_labels
from portal.core.rowsfield import RowsField
from portal.core.types import PlainText


def page(session: Any, view: Any, query: Query) -> dict[str, Any]:
    """Everything the grid's template needs."""
    grid, user = query.grid, query.user
    columns = query.columns()
    found = fetch_page(session, query)
    read = Reader(grid, columns, user)
    may_write, pages = view.may_write(), _pages(grid)
    may_edit = may_write and "edit" in pages
    bulk = _bulk(view, query)
    first = (query.page - 1) * query.size + 1
    shown = {c.name for c in columns}
    filters = [_filter(each, query) for each in permitted(grid.filters, user)]
    return {
        "title": grid.title, "description": grid.description, "endpoint_url": grid.url, "q": query.q,
        "new_url": f"{grid.url}new" if may_write and "new" in pages else None,
        "links": [link for link in grid.links if access.may(user, *link.permissions)],
        "search_hint": grid.search_hint, "zone_note": zone_note(user, query.at),
        "columns": [_column(c, query) for c in columns],
        "rows": len(found.rows),
        "body": partial(as_trs, [_line(row, read, may_edit) for row in found.rows], pick=bool(bulk)),
        "total": found.total, "total_is_capped": found.capped,
        "first": first if found.rows else 0, "last": first + len(found.rows) - 1 if found.rows else 0,
        "page": query.page, "pages": None if found.capped else max(1, -(-found.total // query.size)),
        "prev_url": query.url(page=query.page - 1) if query.page > 1 else None,
        "next_url": query.url(page=query.page + 1) if found.more else None,
        "first_url": query.url(page=1) if query.page > 1 else None,
        "page_sizes": [{"n": n, "url": query.url(size=n), "active": n == query.size} for n in PAGE_SIZES],
        "filters": filters, "chips": _chips(filters, query),
        "clear_url": query.url(values=(), q=""),
        "column_choice": [
            {"name": c.name, "label": c.label, "shown": c.name in shown}
            for c in permitted(grid.columns, user) if not c.only_details
        ],
        "saved_views": _views(session, query), "save_view_url": f"{grid.url}views", "query_string": query.string,
        "exports": _exports(query) if view.may_export() else [],
        "bulk": bulk,
        "hidden": [(n, v) for n, v in query.pairs() if n not in ("q", "cols")],
    }  # fmt: skip


def _line(row: Any, read: Reader, may_edit: bool) -> Line:
    url = read.grid.row_url(row.id__)
    return Line(str(row.id__), url, f"{url}/edit" if may_edit and row.may_change__ else None, read.row(row))


def _bulk(view: Any, query: Query) -> list[dict[str, Any]]:
    grid = query.grid
    found = [
        {"verb": a.verb, "label": a.label, "icon": a.icon, "danger": a.danger, "url": f"{grid.url}bulk/{a.verb}"}
        for a in grid.offers() if access.may(query.user, *a.permissions)
    ]  # fmt: skip
    if view.may_export():
        found.append({"verb": "export", "label": "Export selected", "icon": "download", "danger": False,
                      "url": f"{grid.url}export-selected"})  # fmt: skip
    return found


def _pages(grid: Grid) -> set[str]:
    return {page for _, group in grid.sections for field in group for page in field.on}


def _column(column: Any, query: Query) -> dict[str, Any]:
    by = query.sort or query.usual_sort
    present = {column.name: "asc", f"-{column.name}": "desc"}.get(by)
    other = column.name if present == "desc" else f"-{column.name}" if present == "asc" else column.name
    return {
        "name": column.name, "label": column.label, "kind": column.kind, "hint": column.hint or None,
        "sorted": present if column.sort else None, "sort_url": query.url(sort=other) if column.sort else None,
    }  # fmt: skip


def _filter(each: Filter, query: Query) -> dict[str, Any]:
    given = query.get(each.name)
    choices = each.choices() if callable(each.choices) else each.choices
    label = None
    if each.kind == "reference" and given:
        keys = [key for text in given[:1] if (key := to_key(text))]
        label = next(iter(chosen_labels(each.lookup, keys).values()), "(unknown)")
    presets = _presets(each)
    return {
        "name": each.name, "label": each.label, "kind": each.kind,
        "value": (given[0] if given else "") if each.kind != "choice" else list(given),
        "choices": [{"value": v, "label": text, "selected": v in given} for v, text in choices],
        "lookup_url": f"/lookup/{each.lookup}" if each.lookup else None, "selected_label": label,
        "presets": [{"value": v, "label": text, "selected": v in given} for v, text in presets],
        "from_value": (query.get(f"{each.name}_from") or ("",))[0],
        "to_value": (query.get(f"{each.name}_to") or ("",))[0],
    }  # fmt: skip


def _presets(each: Filter) -> list[tuple[str, str]]:
    if each.kind != "date":
        return []
    found = [(name, label) for name, (label, _, end) in PRESETS.items() if end <= 1 or not each.past]
    if each.overdue is not None:
        found.insert(3, ("overdue", "Overdue"))
    return found


def _chips(filters: list[dict[str, Any]], query: Query) -> list[dict[str, str]]:
    chips = []
    for each in filters:
        name, said = each["name"], []
        said += [c["label"] for c in each["choices"] if c["selected"]]
        said += [p["label"] for p in each["presets"] if p["selected"]]
        said += [f"from {each['from_value']}"] if each["from_value"] else []
        said += [f"to {each['to_value']}"] if each["to_value"] else []
        if each["kind"] == "reference" and each["selected_label"]:
            said.append(each["selected_label"])
        if each["kind"] == "bool" and each["value"]:
            said = ["yes" if each["value"] == "1" else "no"]
        if each["kind"] == "text" and each["value"]:
            said = [each["value"]]
        if said:
            clear = query.without(name, f"{name}_from", f"{name}_to").url()
            chips.append({"label": f"{each['label']}: {', '.join(said)}", "clear_url": clear})
    return chips


def _exports(query: Query) -> list[dict[str, str]]:
    def url(kind: str, more: str = "") -> str:
        base = f"{query.grid.url}export.{kind}"
        arguments = "&".join(part for part in (query.string, more) if part)
        return f"{base}?{arguments}" if arguments else base

    return [
        {"label": "CSV", "url": url("csv")},
        {"label": "CSV for Excel (UTF-8 with BOM)", "url": url("csv", "bom=1")},
        {"label": "Excel workbook (XLSX)", "url": url("xlsx")},
    ]


def download(lines: Iterator[bytes], name: str, kind: str) -> Response:
    disposition = f"attachment; filename={secure_filename(name)}"
    return Response(lines, mimetype=kind, headers={"Content-Disposition": disposition})


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export_xlsx(session: Any, query: Query, name: str) -> ResponseReturnValue:
    """The workbook at once where it is small; above LIMIT_INLINE rows a job makes it and the page tells."""
    from portal.admin import files

    if files.is_large(session, query):
        return redirect(files.order(session, query, name))
    folder = tempfile.TemporaryDirectory(prefix="greenroom-")
    path = Path(folder.name) / "export.xlsx"
    export.write_xlsx(query, query.columns(), path)

    def lines() -> Iterator[bytes]:
        with folder, path.open("rb") as file:
            while block := file.read(65_536):
                yield block

    return download(lines(), name, XLSX)


# -- saved views --------------------------------------------------------------------------------------


# Those of one grid that somebody may use.
_KEPT = (
    sa.select(SavedView.id, SavedView.name, SavedView.query, SavedView.shared, SavedView.user_id)
    .where(SavedView.grid == sa.bindparam("grid"), sa.or_(SavedView.user_id == ME, SavedView.shared.is_(True)))
    .order_by(SavedView.name)
    .limit(50)
)


def _views(session: Any, query: Query) -> list[dict[str, Any]]:
    """The grid's built-in views, the user's own, and those that colleagues share."""
    grid, user = query.grid, query.user
    found = session.execute(_KEPT, {"grid": grid.path, ME.key: user.id})
    views = [{"id": "", "name": name, "url": f"{grid.url}?{text}", "active": _is(text, query),
              "shared": False, "delete_url": None} for name, text in grid.views]  # fmt: skip
    for each in found:
        views.append({
            "id": each.id, "name": each.name, "url": f"{grid.url}?{each.query}",
            "active": _is(each.query, query), "shared": each.shared,
            "delete_url": f"{grid.url}views/{each.id}/delete" if each.user_id == user.id else None,
        })  # fmt: skip
    return views


def _is(text: str, query: Query) -> bool:
    """Whether a view asks for the same rows; order, columns and page size may differ."""
    looks = ("sort", "size", "cols")
    return sorted(pair for pair in parse_qsl(text) if pair[0] not in looks) == sorted(
        pair for pair in query.pairs() if pair[0] not in looks
    )


def save_view(session: Any, grid: Grid, user: Any, form: Any) -> ResponseReturnValue:
    """Keep the present filters, sort and columns under a name; the same name again replaces it."""
    given = MultiDict(parse_qsl(form.get("query", "")))
    query = Query.parse(grid, given, user, clock.now())
    name = PlainText.clean(form.get("name", ""))
    if not name or len(name) > 80:
        raise Invalid({"name": "Please give the view a name of at most 80 characters."})
    row = session.scalar(
        sa.select(SavedView).where(SavedView.user_id == user.id, SavedView.grid == grid.path, SavedView.name == name)
    )
    if row is None:
        row = SavedView(user_id=user.id, grid=grid.path, name=name)
        session.add(row)
    row.query, row.shared = query.string, form.get("shared") == "1"
    try:
        session.commit()
    except sa.exc.IntegrityError:
        session.rollback()  # the same click twice: the other one has kept it
    flash(f"The view “{name}” was saved.", "success")
    return redirect(query.url())


def forget_view(session: Any, grid: Grid, user: Any, key: UUID) -> ResponseReturnValue:
    mine = sa.select(SavedView).where(SavedView.id == key, SavedView.user_id == user.id, SavedView.grid == grid.path)
    row = session.scalar(mine)
    if row is None:
        raise Missing
    session.delete(row)
    session.commit()
    flash(f"The view “{row.name}” was deleted.", "info")
    return redirect(grid.url)


def reads(field: Any, value: Any = ...) -> str:
    """A form field's value (or another value of that field) as words."""
    value = field.data if value is ... else value
    if isinstance(field, ReferenceField):
        keys = value if field.multiple else [value] if value else []
        return ", ".join(chosen_labels(field.lookup_name, keys or []).values()) or "—"
    if isinstance(field, RowsField):
        return field.reads(value) or "—"
    if isinstance(field, WallTimeField):
        return when(value, field.zone_name) or "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    options = dict(field.iter_choices_map()) if hasattr(field, "iter_choices_map") else {}
    return str(options.get(value, value)) if value not in (None, "") else "—"
