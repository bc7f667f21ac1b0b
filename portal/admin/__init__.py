"""The grids' machinery: one view class, one bulk engine, one export for every entity."""

from typing import Any
from uuid import UUID

from flask import Flask, current_app, g, request
from flask_admin import Admin
from flask_admin.theme import Theme
from flask_login import current_user

from portal import jobs
from portal.admin import bulkviews, files, lookups, menu, runs
from portal.admin.additions import completed
from portal.admin.base import PortalView
from portal.admin.cells import zone_note
from portal.admin.grid import Grid, register
from portal.admin.home import HomeView
from portal.core import clock, web
from portal.core.db import db
from portal.core.tenancy import everywhere, tenant_scope


def install(app: Flask, declared: list[Grid]) -> None:
    """Give ``app`` the pages of all declared grids."""
    theme = Theme(folder="portal", base_template="layout.html")
    admin = Admin(app, name="Greenroom", index_view=HomeView(), theme=theme)
    declared = [completed(grid) for grid in declared]
    for grid in declared:
        register(grid)
    for grid in declared:
        admin.add_view(PortalView(grid))
    app.register_blueprint(bulkviews.blueprint)
    app.register_blueprint(lookups.blueprint)
    bar = menu.Menu(admin)
    app.context_processor(lambda: _everywhere(bar))


def _everywhere(bar: menu.Menu) -> dict[str, Any]:
    """What every page knows: who, whose, the menu, the nonce."""
    known = {
        "me": None, "tenant": None, "nav": "", "csp_nonce": web.nonce(), "zone_note": "",
        "env": current_app.extensions["greenroom"].env, "request_id": g.get("request_id", ""),
    }  # fmt: skip
    user = current_user._get_current_object() if current_user else None
    if user is not None and user.is_authenticated:
        at = clock.now()
        known["me"] = user
        known["tenant"] = user.tenant
        known["standing"] = bar.standing(db.session, user, at)
        known["nav"] = bar.written(user, request.path, known["standing"])
        known["zone_note"] = zone_note(user, at)
    return known


@jobs.job("run_bulk")
def run_bulk(tenant: str, run: str) -> None:
    """Take a confirmed bulk action through."""
    with tenant_scope(UUID(tenant)):
        runs.execute(db.session, UUID(run))


@jobs.job("run_export", queue="exports")
def run_export(tenant: str, run: str) -> None:
    """Write an ordered workbook."""
    with tenant_scope(UUID(tenant)):
        files.write(db.session, UUID(run))


@jobs.sweep
def take_up_runs() -> None:
    """Send the runs that nobody works on to the workers again, and remove old files."""
    with everywhere(db.session):
        stale = runs.revive_stale(db.session, clock.now())
        db.session.rollback()
    for tenant, run, verb in stale:
        jobs.enqueue("run_export" if verb == files.EXPORT else "run_bulk", tenant=str(tenant), run=str(run))
    files.sweep()
