"""Every page in a real browser: no script error, no breach of the CSP (see ``visit``), no accessibility fault."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from portal.admin.grid import grids
from portal.core import clock
from portal.core.db import db
from portal.practice.models import MockInterviewChecklistTemplate
from tests.support.accessibility import faults
from tests.support.browser import Visit
from tests.support.cast import Cast
from tests.support.hiring import at_work, make_application, make_job
from tests.support.practice import conducted, in_days, make_criteria
from tests.support.world import populate


def _practice(app: Flask, cast: Cast) -> tuple[str, str]:
    """The page of a mock interview in progress, and of its role's checklist."""
    with app.app_context(), at_work(cast.alice) as alice:
        job = make_job()
        criterion = make_criteria(job, "Listens", "Hands over", "Neat appearance")[0].id
        mock = conducted(alice, make_application("documents_verified", job=job), start=in_days(40)).id
        role = db.session.get_one(MockInterviewChecklistTemplate, (alice.tenant_id, criterion)).job_role_id
        db.session.commit()
        return f"/mock-interviews/{mock}/conduct", f"/checklists/{role}"


@pytest.mark.browser
@pytest.mark.timeout(400)  # some hundred pages, each wide and narrow, light and dark
@pytest.mark.database("sqlite")
def test_every_page_is_accessible_and_quiet(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit]
) -> None:
    world = populate(app, cast)
    client = make_client(cast.alice)
    cookie = {
        "name": "session",
        "value": client.get_cookie("session").value,
        "url": app.extensions["greenroom"].base_url,
    }
    urls = ["/", "/bulk/", "/interviews/?q=nothing-like-it", "/nowhere"]
    for path, grid in grids().items():
        urls += [grid.url, grid.row_url(world.own[path])]
        if grid.write and grid.sections:
            urls.append(f"{grid.row_url(world.own[path])}/edit")
    row = f"/interviews/{world.own['interviews']}"
    urls += [f"{row}/feedback", f"/feedback/{world.own['feedback']}/reopen"]
    urls += ["/interviews/new", "/candidates/new", f"{row}/move/reschedule", f"{row}/move/cancel"]

    conduct, checklist = _practice(app, cast)
    over = f"/mock-interviews/{world.own['mock-interviews']}/conduct"
    urls += ["/notifications/", "/notifications/?show=unread&type=feedback_overdue", "/me/notifications"]
    urls += ["/operations/", "/operations/templates/?message=4"]
    urls += ["/checklists/", checklist, f"{checklist}/copy", conduct, over]

    visit = people(color_scheme="dark")
    visit.context.add_cookies([cookie])  # type: ignore[list-item]
    page = visit.open()
    told = {}
    for url in urls:
        page.goto(url)
        if found := faults(page):
            told[url] = found
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            told.setdefault(url, []).append(f"scrolls sideways by {wide}px")
    page.set_viewport_size({"width": 360, "height": 740})
    narrow = ("/", "/interviews/", row, f"{row}/edit", f"{row}/move/reschedule", f"{row}/feedback", "/login")
    messages = ("/notifications/", "/me/notifications", "/operations/", "/operations/templates/?message=4")
    for url in (*narrow, *messages, conduct, checklist, "/checklists/"):
        page.goto(url)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if found := faults(page) + ([f"scrolls sideways by {wide}px"] if wide > 0 else []):
            told[f"{url} at 360 px"] = found
    assert told == {}


@pytest.mark.browser
@pytest.mark.database("sqlite")
@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
)  # fmt: skip
def test_each_view_of_the_calendar_is_accessible_and_quiet(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit], width: int, scheme: str
) -> None:
    populate(app, cast)
    base = app.extensions["greenroom"].base_url
    session = make_client(cast.alice).get_cookie("session").value
    visit = people(color_scheme=scheme, viewport={"width": width, "height": 800})
    visit.context.add_cookies([{"name": "session", "value": session, "url": base}])
    page = visit.open()
    soon = (clock.now() + timedelta(days=2)).date()
    told = {}
    for view in ("", "week", "day", "people", "list"):
        page.goto(f"/calendar?date={soon}&view={view}")
        if view in ("week", "day"):
            page.wait_for_selector("html[data-calendar]")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if found := faults(page) + ([f"scrolls sideways by {wide}px"] if wide > 0 else []):
            told[view] = found
    assert told == {}
