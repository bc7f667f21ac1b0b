"""What one is told reaches open pages by itself: at once, after a time without a connection, and without a socket."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, WebSocketRoute, expect

from portal.core.db import db
from portal.core.tenancy import everywhere
from portal.messaging import push
from portal.messaging.inbox import Notification
from tests.messaging.test_bell import tell
from tests.support.accessibility import faults
from tests.support.browser import Visit
from tests.support.cast import Cast, Person

OFTEN = """document.addEventListener("readystatechange", () => {
  document.querySelector("[data-bell]")?.setAttribute("data-every", "0.3");
});"""


@dataclass
class Line:
    """The connection for sockets, which can be cut; pages that try are turned away while it is."""

    cut: bool = False
    sockets: list[WebSocketRoute] = field(default_factory=list)

    def take(self, socket: WebSocketRoute) -> None:
        if self.cut:
            socket.close()
            return
        socket.connect_to_server()
        self.sockets.append(socket)

    def break_off(self) -> None:
        self.cut = True
        for socket in self.sockets:
            socket.close()


def _visit(app: Flask, people: Callable[..., Visit], client: Any, line: Line, **options: Any) -> Visit:
    """A browser that is logged in as the client is."""
    visit = people(**options)
    base = app.extensions["greenroom"].base_url
    visit.context.add_cookies([{"name": "session", "value": client.get_cookie("session").value, "url": base}])
    visit.context.route_web_socket("**/socket.io/**", line.take)
    return visit


def _open(visit: Visit, path: str = "/") -> Page:
    page = visit.open()
    page.goto(path)
    page.wait_for_selector("#bell[role=button]")
    return page


def _announce(app: Flask, person: Person, title: str, **values: Any) -> None:
    """Tell the person, and their open pages of it."""
    key = tell(app, person, title, **values)
    with app.app_context(), everywhere():
        row = db.session.get_one(Notification, (person.tenant_id, key))
        push.announce([{column.key: getattr(row, column.key) for column in row.__table__.columns}])


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_without_a_socket_a_page_asks_and_shows_what_came_as_text(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit]
) -> None:
    visit = _visit(app, people, make_client(cast.bob), Line(cut=True), viewport={"width": 360, "height": 740})
    visit.context.add_init_script(OFTEN)
    page = _open(visit)
    for number in range(5):
        tell(app, cast.bob, f"<b>No</b> {number}", message="<script>x</script> مقابلة", link="/me/notifications")
    expect(page.locator("[data-toast]")).to_have_count(3)
    expect(page.locator("[data-toast]").first).to_contain_text(
        "<b>No</b> 0 <script>x</script> مقابلة", use_inner_text=True
    )
    expect(page.get_by_text("2 more", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Notifications, 5 unread")).to_be_visible()
    expect(page).to_have_title("(5) Home · Greenroom")

    page.get_by_role("button", name="Notifications, 5 unread").press("Enter")
    panel = page.get_by_role("dialog", name="Notifications")
    expect(panel.get_by_role("listitem")).to_have_count(5)
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#bell")).to_be_focused()

    page.get_by_role("link", name="<b>No</b> 2").click()
    expect(page).to_have_url(f"{app.extensions['greenroom'].base_url}/me/notifications")
    page.get_by_role("button", name="Notifications, 4 unread").click()
    panel.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    assert page.locator("[data-toast]").count() == 0  # none came a second time


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_over_a_socket_it_pops_up_at_once_in_one_of_two_tabs_and_what_was_missed_comes_after(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit]
) -> None:
    line = Line()
    visit = _visit(app, people, make_client(cast.bob), line)
    first, second = _open(visit), _open(visit, "/notifications/")
    for page in (first, second):
        page.wait_for_selector("html[data-socket=open]")
    _announce(app, cast.bob, "At once")
    _announce(app, cast.alice, "Not for Bob")
    for page in (first, second):
        expect(page.get_by_role("button", name="Notifications, 1 unread")).to_be_visible(timeout=3000)
    expect(second.get_by_role("link", name="At once").and_(second.locator(".notice .notice-title"))).to_be_visible()
    assert first.locator("[data-toast]").count() + second.locator("[data-toast]").count() == 1

    _announce(app, cast.bob, "Quietly", quiet=True)
    expect(first.get_by_role("button", name="Notifications, 2 unread")).to_be_visible()
    assert first.locator("[data-toast]").count() + second.locator("[data-toast]").count() == 1

    line.break_off()
    first.wait_for_selector("html[data-socket=none]")
    second.close()
    _announce(app, cast.bob, "Missed")
    line.cut = False
    expect(first.locator("[data-toast]", has_text="Missed")).to_be_visible()

    other = _open(visit)
    other.get_by_role("button", name="Notifications, 3 unread").click()
    other.get_by_role("button", name="Mark all as read").click()
    expect(first.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
