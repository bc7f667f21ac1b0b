"""The grids' machinery: one view class, one bulk engine, one export for every entity."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask, current_app, g, request
from flask_admin import Admin
from flask_admin.theme import Theme
from flask_login import current_user

from portal import jobs
from portal.admin import bulkviews, files, lookups, menu, runs
from portal.admin.additions import completed
from portal.admin.base import PortalView
from portal.admin.cells import zone_note
from portal.admin.grid import ME, NOW, Grid, grids, register
from portal.admin.home import HomeView
from portal.core import access, clock, web
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
    app.context_processor(lambda: _everywhere(admin))


def _everywhere(admin: Any) -> dict[str, Any]:
    """What every page knows: who, whose, the menu, the nonce."""
    known = {
        "me": None, "tenant": None, "nav": [], "csp_nonce": web.nonce(), "zone_note": "",
        "env": current_app.extensions["greenroom"].env, "request_id": g.get("request_id", ""),
    }  # fmt: skip
    user = current_user._get_current_object() if current_user else None
    if user is not None and user.is_authenticated:
        known["me"] = user
        known["tenant"] = user.tenant
        known["standing"] = _standing(admin, user)
        known["nav"] = _menu(admin, user, known["standing"])
        known["zone_note"] = zone_note(user, clock.now())
    return known


def _menu(admin: Any, user: Any, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Flask-Admin's menu of what the user may open; a group without an entry is not shown."""
    home = {"label": "Home", "url": "/", "icon": "house", "active": request.path == "/", "count": None}
    groups: list[dict[str, Any]] = [{"label": "", "items": [home]}]
    for category in sorted(admin.menu(), key=lambda entry: entry.name == "Settings"):
        views = [child._view for child in category._children] if category.is_category() else []
        items = [_page(page) for page in menu.offered(category.name, user)]
        items += [_item(view.grid, counts) for view in views if view.is_visible() and view.may_read(user)]
        if items:
            groups.append({"label": category.name, "items": items})
    if any(access.may(user, *a.permissions) for grid in grids().values() for a in grid.bulk_actions()):
        runs_link = {"label": "Runs and exports", "url": "/bulk/", "icon": "list-check",
                     "active": request.path.startswith("/bulk/"), "count": None}  # fmt: skip
        groups[0]["items"].append(runs_link)
    return groups


def _page(page: menu.Page) -> dict[str, Any]:
    return {"label": page.label, "url": page.url, "icon": page.icon, "active": request.path.startswith(page.url),
            "count": None}  # fmt: skip


def _item(grid: Grid, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "label": grid.title, "url": grid.url, "icon": grid.icon,
        "active": request.path.startswith(grid.url), "count": counts.get(grid.path) or None,
    }  # fmt: skip


def _standing(admin: Any, user: Any) -> Mapping[str, Any]:
    """The numbers beside the menu's items, by path, and what else every page asks, in one statement."""
    views = [child._view for category in admin.menu() if category.is_category() for child in category._children]
    paths = tuple(v.grid.path for v in views if v.grid.waiting is not None and v.is_visible() and v.may_read(user))
    found = db.session.execute(_counting(paths), {ME.key: user.id, NOW.key: clock.now()}).one()
    return dict(zip((*paths, *menu.asked()), found, strict=True))


@lru_cache(maxsize=32)
def _counting(paths: tuple[str, ...]) -> sa.Select[Any]:
    counts = (grids()[path].waiting for path in paths)
    statements = [count for count in counts if count is not None] + list(menu.asked().values())
    return sa.select(*(statement.scalar_subquery() for statement in statements))


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
