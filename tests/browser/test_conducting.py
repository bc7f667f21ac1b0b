"""A mock interview conducted by keyboard alone, through a lost connection and a closed tab."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from portal.core.db import db
from portal.practice.models import TrainingAssignment
from tests.practice.conftest import Ward
from tests.support.browser import Visit
from tests.support.cast import Cast

CRITERIA = ("Listens", "Hands over", "Works out a dose", "Speaks up")


def _open(visit: Visit, url: str) -> Page:
    page = visit.open()
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    return page


def _type(page: Page, label: str, text: str) -> None:
    page.get_by_label(label, exact=True).focus()
    page.keyboard.type(text)


@pytest.mark.browser
@pytest.mark.database("sqlite")
def test_a_mock_interview_is_conducted_by_keyboard_through_a_lost_connection_and_a_closed_tab(
    app: Flask, cast: Cast, make_client: Any, people: Callable[..., Visit]
) -> None:
    ward = Ward(app, cast, make_client)
    key = ward.mock("Cora", *CRITERIA)
    visit = people()
    cookie = make_client(ward.person("Cora")).get_cookie("session").value
    base = app.extensions["greenroom"].base_url
    visit.context.add_cookies([{"name": "session", "value": cookie, "url": base}])
    url = f"/mock-interviews/{key}/conduct"
    page = _open(visit, url)
    state = page.locator("[data-state]")

    for pressed in ("j", "y", "4", "ArrowDown", "n", "Enter"):
        page.keyboard.press(pressed)
    page.keyboard.type("Yes and no: 1, 2")  # letters and figures are no keys while one types
    page.keyboard.press("Escape")
    expect(state).to_have_text(re.compile(r"Saved \d\d:\d\d \(UTC\)"))
    assert [(each.passed, each.rating, each.notes) for each in ward.items(key)[:2]] == [
        (True, 4, ""), (False, None, "Yes and no: 1, 2"),
    ]  # fmt: skip

    visit.context.set_offline(True)
    for pressed in ("j", "2", "k", "1"):
        page.keyboard.press(pressed)
    _type(page, "Strengths", "Calm")
    page.keyboard.press("Tab")
    expect(state).to_have_text(re.compile("Not saved yet, kept in this browser: no connection"))
    expect(page.locator("[data-progress-text]")).to_have_text("3 of 4 judged")
    page.close()
    assert ward.items(key)[2].rating is None
    page_is_gone = 0.3  # a tab that dies may still hear that the connection is back, and save
    time.sleep(page_is_gone)
    visit.context.set_offline(False)

    page = _open(visit, url)
    expect(page.locator("[data-returned]")).to_contain_text(re.compile("(2 criteria|1 criterion) and the assessment"))
    expect(page.locator("[data-state]")).to_have_text(re.compile("Saved"))
    expect(page.get_by_label("Strengths")).to_have_value("Calm")
    assert [each.rating for each in ward.items(key)] == [4, 1, 2, None]
    assert ward.row(key).draft["strengths"] == "Calm"

    page.get_by_role("group", name="Overall rating").get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("radio", name="Needs training").focus()
    page.keyboard.press("Space")
    page.get_by_label("Training", exact=True).select_option("soft_skills")
    offered = page.locator("[data-focus]:visible")
    expect(offered).to_have_count(2)
    page.get_by_role("checkbox", name="Hands over").press("Space")
    page.get_by_role("button", name="Complete").press("Enter")
    confirm = page.get_by_role("alertdialog")
    expect(confirm).to_contain_text("“Training assigned”")
    expect(confirm).to_contain_text("1 criterion is not judged yet")
    confirm.get_by_role("button", name="Complete").press("Enter")
    expect(page.get_by_text("is completed.")).to_be_visible()
    with ward.at_work():
        training = db.session.scalars(sa.select(TrainingAssignment)).one()
        assert (training.training_type, training.focus_areas) == ("soft_skills", ["Hands over"])
    assert ward.row(key).strengths == "Calm"
    assert page.evaluate("Object.keys(localStorage).filter((it) => it.startsWith('greenroom-conduct:')).length") == 0
