"""The calendar in a real browser: an interview is dragged to another time, and nothing happens before one agrees."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from portal.core.db import db
from portal.interviews.models import Interview
from portal.people.models import User
from tests.support.browser import Visit
from tests.support.cast import Cast, Person
from tests.support.clock import Clock
from tests.support.hiring import at_work, colleague, make_application, make_candidate, make_interview

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)
DAY = "/calendar?view=day&date=2026-03-04"


def _open(app: Flask, people: Callable[..., Visit], client: Any) -> Page:
    """A browser that is logged in as the client is."""
    visit = people(viewport={"width": 1280, "height": 1500})  # the whole day: nothing scrolls under a drag
    base = app.extensions["greenroom"].base_url
    visit.context.add_cookies([{"name": "session", "value": client.get_cookie("session").value, "url": base}])
    page = visit.open()
    page.goto(DAY)
    page.wait_for_selector("html[data-calendar]")
    return page


def _drag(page: Page, event: Locator, hours: int) -> None:
    """Take the event by its upper edge and drop it so many hours later."""
    box, first, second = (
        each.bounding_box()
        for each in (
            event,
            page.locator("td.fc-timegrid-slot-lane[data-time='09:00:00']"),
            page.locator("td.fc-timegrid-slot-lane[data-time='10:00:00']"),
        )
    )
    assert box is not None
    assert first is not None
    assert second is not None
    x, y, down = box["x"] + 60, box["y"] + 6, (second["y"] - first["y"]) * hours
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + down / 2, steps=5)
    page.mouse.move(x, y + down, steps=5)
    page.mouse.up()


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_a_dragged_interview_moves_once_one_agrees_and_not_before(
    app: Flask, cast: Cast, clock: Clock, make_client: Any, people: Callable[..., Visit]
) -> None:
    with app.app_context(), at_work(cast.alice):
        me = db.session.get_one(User, (cast.alice.tenant_id, cast.alice.id))
        me.timezone = "UTC"
        ines = colleague("Interviewer", "Ines Ter")
        jane = make_application("interview_scheduled", candidate=make_candidate("Jane Doe"))
        key = make_interview(jane, start=NINE, timezone="Asia/Dubai", panel=[ines]).id
        panelist = Person(ines.id, ines.tenant_id, ines.email, ines.full_name, ines.get_id())
        db.session.commit()

    def start() -> datetime:
        with app.app_context(), at_work(cast.alice):
            return db.session.scalars(sa.select(Interview.scheduled_start).where(Interview.id == key)).one()

    page = _open(app, people, make_client(cast.alice))
    event = page.locator("a.fc-event", has_text="Jane Doe")
    expect(event).to_contain_text("09:00–10:00")
    _drag(page, event, 2)
    expect(page.get_by_label("New start")).to_have_value("2026-03-04T15:00")  # 11:00, as Dubai's clocks show it
    expect(page.get_by_text("Jane Doe (candidate) and Ines Ter get an e-mail about it")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_selector("html[data-calendar]")
    expect(event).to_contain_text("09:00–10:00")
    assert start() == NINE

    _drag(page, event, 2)
    page.get_by_role("button", name="Reschedule").click()
    page.wait_for_selector("html[data-calendar]")
    expect(event).to_contain_text("11:00–12:00 · Rescheduled")
    assert (page.url.endswith(DAY), start()) == (True, NINE + timedelta(hours=2))

    theirs = _open(app, people, make_client(panelist))
    expect(theirs.locator("a.fc-event", has_text="Jane Doe")).to_be_visible()
    assert theirs.locator(".fc-event-draggable").count() == 0
