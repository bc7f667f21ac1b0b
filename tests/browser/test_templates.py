"""A template's lists in a real browser: by keyboard, on a narrow screen, and without any script."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from portal.core.db import db
from portal.core.tenancy import tenant_scope
from portal.interviews.models import InterviewTemplate
from tests.support.browser import Visit
from tests.support.cast import Cast
from tests.support.world import World, populate


@pytest.fixture
def world(app: Flask, cast: Cast, clock: Any) -> World:
    return populate(app, cast)


def _enter(app: Flask, client: Any, people: Callable[..., Visit], **options: Any) -> Page:
    visit = people(viewport={"width": 360, "height": 740}, **options)
    url = app.extensions["greenroom"].base_url
    visit.context.add_cookies([{"name": "session", "value": client.get_cookie("session").value, "url": url}])
    return visit.open()


def _stored(app: Flask, world: World) -> list[Any]:
    with app.app_context(), tenant_scope(world.cast.alice.tenant_id):
        key = world.own["interview-templates"]
        row = db.session.scalars(sa.select(InterviewTemplate).where(InterviewTemplate.id == key)).one()
        return [(question["question"], question["weight"]) for question in row.questions]


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_questions_are_added_moved_and_removed_by_keyboard(
    app: Flask, make_client: Any, cast: Cast, world: World, people: Callable[..., Visit]
) -> None:
    page = _enter(app, make_client(cast.alice), people)
    page.goto(f"/interview-templates/{world.own['interview-templates']}/edit")
    page.wait_for_selector("html[data-ready]")
    questions = page.locator("#questions")
    expect(questions.locator(".rows-line")).to_have_count(0)
    for word in ("First", "Second", "Third"):
        questions.get_by_role("button", name="Add a question").press("Enter")
        expect(questions.locator(":focus")).to_have_attribute("id", f"questions-{_place(word)}-question")
        page.keyboard.type(word)
    page.keyboard.press("Alt+ArrowUp")
    expect(questions.locator(":focus")).to_have_attribute("name", "questions-1-question")
    questions.get_by_role("button", name="Move down").first.press("Enter")
    expect(questions.locator(":focus")).to_have_attribute("data-rows-move", "1")
    questions.get_by_label("Weight").nth(2).fill("20")
    questions.get_by_role("button", name="Remove").nth(0).press("Enter")
    expect(questions.locator(".rows-line")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was saved")).to_be_visible()
    assert _stored(app, world) == [("First", 1), ("Second", 20)]


def _place(word: str) -> int:
    return ("First", "Second", "Third").index(word)


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_without_a_script_the_spare_rows_take_questions(
    app: Flask, make_client: Any, cast: Cast, world: World, people: Callable[..., Visit]
) -> None:
    page = _enter(app, make_client(cast.alice), people, java_script_enabled=False)
    page.goto(f"/interview-templates/{world.own['interview-templates']}/edit")
    page.locator("#questions-2-question").fill("Only one")
    expect(page.get_by_role("button", name="Add a question")).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    page.goto(f"/interview-templates/{world.own['interview-templates']}/edit")
    expect(page.locator("#questions-0-question")).to_have_value("Only one")
    expect(page.locator("#questions-4-question")).to_have_count(0)
    page.get_by_role("button", name="Save").click()
    assert _stored(app, world) == [("Only one", 1)]
