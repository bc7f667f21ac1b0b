"""Large workbooks: a job writes the file, a page tells when it is there, a sweep removes it after a day."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa
from flask import current_app
from werkzeug.datastructures import MultiDict

from portal import jobs
from portal.admin import export, runs
from portal.admin.grid import grids
from portal.admin.models import BulkRun, RunState
from portal.admin.query import Query, scoped
from portal.core import access, clock, wall
from portal.core.context import act
from portal.core.tenancy import tenant_id
from portal.people.models import User

LIMIT_INLINE = 50_000
KEPT = timedelta(days=1)
EXPORT = "export-xlsx"


def folder() -> Path:
    path: Path = current_app.extensions["greenroom"].data_dir / "exports"
    path.mkdir(parents=True, exist_ok=True)
    return path


def is_large(session: Any, query: Query) -> bool:
    with wall.lifted(session):
        limited = scoped(query).limit(LIMIT_INLINE + 1).subquery()
        return bool(session.scalar(sa.select(sa.func.count()).select_from(limited)) > LIMIT_INLINE)


def order(session: Any, query: Query, name: str) -> str:
    """Have a job write the workbook; answers the address of the page that tells of it."""
    cols = "&".join(f"cols={c.name}" for c in query.columns()) if not query.cols else ""
    text = "?" + "&".join(part for part in (query.string, cols) if part)
    run = BulkRun(user_id=query.user.id, grid=query.grid.path, verb=EXPORT, label="Export to Excel", query=text,
                  state=RunState.WAITING, started_at=query.at, file=name)  # fmt: skip
    session.add(run)
    session.commit()
    jobs.enqueue("run_export", tenant=str(run.tenant_id), run=str(run.id))
    return f"/bulk/{run.id}"


def write(session: Any, run_id: UUID) -> None:
    """Write an ordered workbook; a second caller finds it claimed."""
    at = clock.now()
    if not runs.claim(session, run_id, at):
        return
    run = session.scalar(sa.select(BulkRun).where(BulkRun.id == run_id))
    user = session.scalar(sa.select(User).where(User.id == run.user_id, User.active.is_(True)))
    grid = grids()[run.grid]
    if user is None or not access.may(user, f"export:{grid.resource}"):
        run.state, run.error = RunState.FAILED, "Whoever asked for this may no longer export."
    else:
        with act(by=user.id, label=user.full_name):
            query = Query.parse(grid, MultiDict(parse_qsl(run.query.removeprefix("?"))), user, at)
            target = folder() / f"{tenant_id()}-{run.id}.xlsx"
            part = target.with_suffix(".part")
            run.done = run.total = export.write_xlsx(query, query.columns(), part, lambda: _beat(session, run))
            part.replace(target)  # whole or not at all
            run.state = RunState.FINISHED
    run.finished_at = clock.now()
    session.commit()


def _beat(session: Any, run: BulkRun) -> None:
    """Say that the file is still being written, so that nobody takes it over."""
    run.beat_at = clock.now()
    session.commit()


def path_of(run: BulkRun) -> Path | None:
    """The finished file; None once it is gone."""
    path = folder() / f"{run.tenant_id}-{run.id}.xlsx"
    return path if run.verb == EXPORT and run.state == RunState.FINISHED and path.exists() else None


def sweep() -> None:
    """Remove files older than KEPT."""
    oldest = (clock.now() - KEPT).timestamp()
    for path in folder().iterdir():
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
