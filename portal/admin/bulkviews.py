"""The pages of bulk runs: preview and form, the report row by row, one's runs."""

import csv
import io
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from portal import jobs
from portal.admin import files, runs
from portal.admin.additions import asides_of
from portal.admin.cells import when
from portal.admin.export import harmless
from portal.admin.grid import Action, Grid, grids
from portal.admin.listing import XLSX, download
from portal.admin.models import BulkRow, BulkRun, RowOutcome, RunState
from portal.admin.movepages import verb_form_for
from portal.core import access, clock, wall
from portal.core.db import db, mean_to_read, naming
from portal.core.errors import Missing
from portal.core.types import words
from portal.people.models import User

blueprint = Blueprint("bulk", __name__, url_prefix="/bulk")
ROWS_A_PAGE = 100
MANY_STATES = 100_000


def _own(key: UUID, *, locked: bool = False) -> BulkRun:
    query = sa.select(BulkRun).where(BulkRun.id == key, BulkRun.user_id == current_user.id)
    run = db.session.scalar(query.with_for_update(key_share=True) if locked else query)
    if run is None:
        raise Missing
    return run


@blueprint.get("/<uuid:run>")
@login_required
def show(run: UUID) -> ResponseReturnValue:
    """The preview of a draft; the report of everything else."""
    found = _own(run)
    if found.state == RunState.DRAFT:
        grid = grids()[found.grid]
        action = runs.action_of(grid, found.verb, current_user)
        return _preview(found, grid, action, verb_form_for(action.form, None))
    return _report(found)


@blueprint.post("/<uuid:run>")
@login_required
def confirm(run: UUID) -> ResponseReturnValue:
    """Start a draft with what its form says; a second click waits for the first, and shows the report."""
    found = _own(run, locked=True)
    if found.state != RunState.DRAFT:
        return redirect(url_for("bulk.show", run=run))
    grid = grids()[found.grid]
    action = runs.action_of(grid, found.verb, current_user)
    form = verb_form_for(action.form, None)
    if form is not None and not form.validate_on_submit():
        return _preview(found, grid, action, form)
    params = form.params() if form is not None else {}
    if _count(found) <= runs.INLINE:
        runs.do_at_once(db.session, found, _me(), params)
    else:
        runs.leave_to_job(found, params, clock.now())
        db.session.commit()
        jobs.enqueue("run_bulk", tenant=str(found.tenant_id), run=str(run))
    return redirect(url_for("bulk.show", run=run))


def _count(run: BulkRun) -> int:
    if not run.query:
        return run.total
    with wall.lifted(db.session):
        counted = sa.select(sa.func.count()).select_from(runs.chosen(run, _me()).order_by(None).subquery())
        return db.session.scalar(counted) or 0


def _me() -> User:
    return current_user._get_current_object()  # type: ignore[no-any-return]


def _preview(run: BulkRun, grid: Grid, action: Action, form: Any) -> ResponseReturnValue:
    count = _count(run)
    keys = runs.chosen(run, _me())
    with wall.lifted(db.session):
        sample = db.session.scalars(keys.limit(10)).all()
        breakdown = _breakdown(grid, action, keys.order_by(None)) if count <= MANY_STATES else []
    rows = {row.id: row for row in db.session.scalars(_named(grid).where(grid.model.id.in_(sample)))}
    flow = grid.workflow
    consequences = flow.consequences(db.session, action.verb, keys.order_by(None)) if flow and count else []
    body = render_template(
        "portal/bulk_preview.html",
        title=f"{action.label}: {count:,} {grid.noun if count == 1 else grid.title.lower()}",
        verb_label=action.label, count=count, breakdown=breakdown, form=form, run_id=run.id,
        sample=[{"label": str(rows[key]), "url": grid.row_url(key)} for key in sample if key in rows],
        action_url=url_for("bulk.confirm", run=run.id), cancel_url=grid.url + run.query, danger=action.danger,
        as_job=count > runs.INLINE, consequences=consequences,
        asides=asides_of(grid, f"bulk {action.verb}", None, current_user),
    )  # fmt: skip
    return body, 422 if form is not None and form.errors else 200


def _breakdown(grid: Grid, action: Action, keys: sa.Select[Any]) -> list[dict[str, Any]]:
    """How many stand in which state, which of them the action will pass over, and which are not the user's."""
    column = grid.column("status")
    if column is None or grid.workflow is None:
        return []
    status, number = grid.model.status, sa.func.count()
    allowed = access.visible(grid.model, current_user, *action.permissions)
    mine = sa.func.sum(sa.case((allowed, 1), else_=0))
    counted = db.session.execute(
        sa.select(status, number, mine).where(grid.model.id.in_(keys)).group_by(status).order_by(number.desc())
    )
    shown = []
    for state, count, own in counted:
        skipped = bool(action.sources) and state not in action.sources
        shown.append({
            "label": words(state) + (" – will be skipped" if skipped else ""), "count": count,
            "colour": column.tones.get(state, "grey"),
            "hint": f"{count - own:,} of them you may not change" if own < count and not skipped else "",
        })  # fmt: skip
    return shown


def summary(run: BulkRun) -> dict[str, Any]:
    """A run as pages and the progress answer tell it."""
    here = current_user.timezone
    return {
        "id": run.id, "title": f"{run.label}: {grids()[run.grid].title.lower()}",
        "state": "running" if run.state in (RunState.WAITING, RunState.RUNNING) else run.state,
        "total": run.total, "done": run.done, "skipped": run.skipped, "failed": run.failed, "percent": run.percent,
        "started": when(run.started_at, here), "finished": when(run.finished_at, here), "by": current_user.full_name,
        "error": run.error, "url": url_for("bulk.show", run=run.id),
        "download_url": url_for("bulk.fetch", run=run.id) if files.path_of(run) else None,
    }  # fmt: skip


def _report(run: BulkRun) -> ResponseReturnValue:
    wanted = request.args.get("outcome", "")
    page = max(1, request.args.get("page", 1, type=int))
    rows, more = _rows(run, wanted, page)
    here = url_for("bulk.show", run=run.id)

    def url(**arguments: Any) -> str:
        return url_for("bulk.show", run=run.id, **{k: v for k, v in arguments.items() if v})

    counts = (("", run.total), ("done", run.done), ("skipped", run.skipped), ("failed", run.failed))
    tabs = [
        {"label": words(name) or "All", "count": count, "url": url(outcome=name), "active": wanted == name}
        for name, count in counts
    ]
    return render_template(
        "portal/bulk_result.html", run=summary(run), rows=rows, tabs=tabs, back_url=grids()[run.grid].url,
        prev_url=url(outcome=wanted, page=page - 1) if page > 1 else None,
        next_url=url(outcome=wanted, page=page + 1) if more else None,
        csv_url=f"{here}/report.csv" if run.verb != files.EXPORT else None, progress_url=f"{here}/progress",
    )  # fmt: skip


def _listed(run: BulkRun, wanted: str = "") -> sa.Select[Any]:
    listed = sa.select(BulkRow).where(BulkRow.run_id == run.id).order_by(BulkRow.position)
    if wanted in tuple(RowOutcome):
        listed = listed.where(BulkRow.outcome == wanted, BulkRow.position < run.reached)
    return listed


def _outcome(run: BulkRun, row: BulkRow) -> str:
    return row.outcome if row.position < run.reached else "pending"


def _rows(run: BulkRun, wanted: str, page: int) -> tuple[list[dict[str, Any]], bool]:
    listed = _listed(run, wanted).offset((page - 1) * ROWS_A_PAGE).limit(ROWS_A_PAGE + 1)
    found = list(db.session.scalars(listed))
    named = _names(run, found[:ROWS_A_PAGE])
    grid = grids()[run.grid]
    return [
        {"label": named.get(row.row_id, "(no longer there)"), "url": grid.row_url(row.row_id),
         "outcome": _outcome(run, row), "reason": row.reason}
        for row in found[:ROWS_A_PAGE]
    ], len(found) > ROWS_A_PAGE  # fmt: skip


def _named(grid: Grid) -> sa.Select[Any]:
    """Rows that will be called by their names."""
    return sa.select(grid.model).options(*naming(grid.model))


def _names(run: BulkRun, rows: list[BulkRow]) -> dict[UUID, str]:
    grid = grids()[run.grid]
    query = access.scope(_named(grid), grid.model, current_user)
    return {row.id: str(row) for row in db.session.scalars(query.where(grid.model.id.in_([r.row_id for r in rows])))}


@blueprint.get("/<uuid:run>/progress")
@login_required
def progress(run: UUID) -> ResponseReturnValue:
    told = summary(_own(run))
    return jsonify({k: told[k] for k in ("state", "total", "done", "skipped", "failed", "percent")})


@blueprint.get("/<uuid:run>/report.csv")
@login_required
def report(run: UUID) -> ResponseReturnValue:
    """Every row of the run with what became of it."""
    found = _own(run)
    mean_to_read(True)

    def portion(rows: list[BulkRow]) -> bytes:
        named = _names(found, rows)
        text = io.StringIO()
        csv.writer(text).writerows(
            [
                row.position + 1,
                str(row.row_id),
                harmless(named.get(row.row_id, "")),
                _outcome(found, row),
                harmless(row.reason),
            ]
            for row in rows
        )
        return text.getvalue().encode()

    blocks = [b"number,id,row,outcome,reason\r\n"]
    for page in range(0, max(found.total, 1), 2000):
        rows = list(db.session.scalars(_listed(found).offset(page).limit(2000)))
        blocks.append(portion(rows))

    def lines() -> Iterator[bytes]:
        yield from blocks

    return download(lines(), f"report-{run}.csv", "text/csv; charset=utf-8")


@blueprint.get("/<uuid:run>/file")
@login_required
def fetch(run: UUID) -> ResponseReturnValue:
    found = _own(run)
    path = files.path_of(found)
    if path is None:
        raise Missing("This file is no longer kept; please export again.")
    return send_file(path, mimetype=XLSX, as_attachment=True, download_name=found.file)


@blueprint.get("/")
@login_required
def mine() -> ResponseReturnValue:
    """One's latest bulk actions and exports."""
    query = sa.select(BulkRun).where(BulkRun.user_id == current_user.id, BulkRun.state != RunState.DRAFT)
    found = db.session.scalars(query.order_by(BulkRun.id.desc()).limit(50))
    return render_template("portal/runs.html", runs=[summary(run) for run in found])
